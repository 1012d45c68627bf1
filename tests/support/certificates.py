"""Certificates for tests: self-signed, of an authority, expired, with another name."""

from __future__ import annotations

import datetime
import functools
import ipaddress
import itertools
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Certificate:
    """A certificate with its key, on disk."""

    path: Path
    key_path: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def fingerprint(self) -> str:
        """The SHA-256 as ``AB:CD:...``."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    @functools.cached_property
    def server_context(self) -> ssl.SSLContext:
        """What a server needs to show this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path, self.key_path)
        return context


def make_certificate(
    folder: Path,
    *,
    name: str | None = "Test server",
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost"),
    days: tuple[int, int] = (-1, 30),
    signed_by: Certificate | None = None,
    authority: bool = False,
    critical: bool = True,
    key_identifiers: bool = False,
    key_usage: bool = False,
) -> Certificate:
    """Make a certificate, valid in the given range of days from now, self-signed by default.

    With its basic constraints critical, key identifiers and key usage an authority's has the form
    that RFC 5280 asks for.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    names = [] if name is None else [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    subject = x509.Name(names)
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if signed_by is None else signed_by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=critical)
        .add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
    )
    signer = key if signed_by is None else signed_by.key
    if key_identifiers:
        for extension in (
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
        ):
            builder = builder.add_extension(extension, critical=False)
    if key_usage:
        builder = builder.add_extension(_key_usage(authority), critical=True)
    certificate = builder.sign(signer, hashes.SHA256())
    stem = folder / f"certificate-{next(_NUMBERS)}"
    path, key_path = stem.with_suffix(".pem"), stem.with_suffix(".key.pem")
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return Certificate(path, key_path, certificate, key)


def _key_usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
