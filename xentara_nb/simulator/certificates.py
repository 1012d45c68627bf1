"""The simulator's own TLS certificate, for configurations that bring none."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import ssl
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ALWAYS_NAMED = ("localhost", "127.0.0.1", "::1")
"""The names and addresses that every certificate of a simulator is valid for."""

_VALID_FOR = datetime.timedelta(days=90)
_CLOCK_SKEW = datetime.timedelta(days=1)


def write_certificate(folder: Path, names: Iterable[str] = ()) -> tuple[Path, Path]:
    """Make a self-signed certificate and its key, and write both into a folder.

    Parameters
    ----------
    folder : Path
        Where the two files go.
    names : iterable of str
        Host names and addresses to be valid for, beyond :data:`ALWAYS_NAMED`.

    Returns
    -------
    tuple of Path
        The certificate, which clients trust as it is, and the private key, readable by its
        owner alone.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Xentara simulator")])
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName(
                [_general_name(name) for name in dict.fromkeys((*ALWAYS_NAMED, *names))]
            ),
            critical=False,
        )
        .add_extension(key_id, critical=False)
        # Strict verification, the default of newer Pythons, asks for this one as well.
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    certificate_path = folder / "simulator.pem"
    key_path = folder / "simulator.key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.touch(mode=0o600)
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_path, key_path


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the TLS settings of a server with this certificate: TLS 1.2 and later.

    Raises
    ------
    OSError
        If one of the files cannot be read, or the two do not belong together (then it is an
        :class:`ssl.SSLError`).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A key with a pass phrase must fail here, not ask at the terminal for it.
    context.load_cert_chain(certificate, key, password=_no_pass_phrase)
    return context


def fingerprint(certificate: Path) -> str:
    """Return the SHA-256 fingerprint of the first certificate of a PEM file, in hexadecimal.

    Raises
    ------
    ValueError
        If the file holds no certificate.
    """
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    return hashlib.sha256(loaded.public_bytes(serialization.Encoding.DER)).hexdigest()


def _no_pass_phrase() -> str:
    raise ssl.SSLError("the private key is protected by a pass phrase")


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
