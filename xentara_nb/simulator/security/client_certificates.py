"""Client certificates for sub-sessions: the rules of ``client-certs.json``, and the check.

A certificate logs in when at least one rule matches; it then has the roles of all rules that
match. A rule by fingerprint or by the certificate itself trusts exactly that certificate; a rule by
issuer asks that one of the ``rootCertificates`` of that issuer has signed it, and that it is no
authority's own. Certificates that have expired, or are not valid yet, are refused. Whether the
client has the private key is not checked, as with a real server.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, ValidationInfo

from xentara_nb.errors import OptionError
from xentara_nb.paths import read_file, user_path
from xentara_nb.simulator.documents import (
    MAX_FILE,
    Document,
    Settings,
    Text,
    from_text,
    invalid,
    wrong_type,
)
from xentara_nb.simulator.security.access import Principal, roles

_SID_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.311.25.2")
_LONGEST = 256 * 1024


def _parse_name(value: str) -> tuple[str, ...]:
    # Blanks around the commas are usual, but not part of RFC 4514, whose order is the reverse.
    separator = "/" if value.startswith("/") else r"(?<!\\),"
    parts = [part.strip() for part in re.split(separator, value) if part.strip()]
    try:
        parsed = x509.Name.from_rfc4514_string(",".join(reversed(parts)))
    except ValueError:
        raise invalid(
            "this is no distinguished name", "Write it as 'C=DE, O=Plant, CN=Name'."
        ) from None
    return distinguished_name(parsed)


def _parse_hexadecimal(value: str) -> bytes:
    digits = re.sub("[ :]", "", value)
    if not re.fullmatch("[0-9a-fA-F]+", digits):
        raise invalid("these are no hexadecimal digits", "Write them as 0A1B or 0A:1B.")
    return bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))


def _check_length(digest: bytes) -> bytes:
    if len(digest) not in (32, 20):
        raise invalid("the fingerprint has a wrong length", "Write a SHA-256 or SHA-1 fingerprint.")
    return digest


def _load(value: Any, info: ValidationInfo) -> x509.Certificate:
    if not isinstance(value, str):
        raise wrong_type(value, "a text")
    try:
        path = (info.context or Path()) / user_path(value)
        data = read_file(path, MAX_FILE)
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except OptionError as error:
        raise invalid(f"no certificate can be read ({error})", "Name another file.") from None
    except OSError:
        raise invalid(f"there is no file {path}", "Put the certificate there.") from None
    except ValueError:
        raise invalid(f"{path} is no certificate", "Put a PEM or DER certificate there.") from None


_Name: TypeAlias = Annotated[tuple[str, ...], from_text(_parse_name)]
_Hexadecimal: TypeAlias = Annotated[bytes, from_text(_parse_hexadecimal)]
# Any, because pydantic knows nothing of certificates.
_Certificate: TypeAlias = Annotated[Any, BeforeValidator(_load)]


class _CertificateRule(Settings):
    """Trusts one certificate."""

    certificate: _Certificate = Field(alias="certificatePath")
    roles: tuple[Text, ...] = ()

    def matches(self, certificate: x509.Certificate) -> bool:
        return bool(certificate == self.certificate)


class _FingerprintRule(Settings):
    """Trusts the certificate with a fingerprint."""

    fingerprint: Annotated[_Hexadecimal, AfterValidator(_check_length)]
    roles: tuple[Text, ...] = ()

    def matches(self, certificate: x509.Certificate) -> bool:
        return self.fingerprint in _hashes(certificate.public_bytes(Encoding.DER))


class _IssuerRule(Settings):
    """Trusts the certificates of an issuer that have some properties."""

    hints: ClassVar[Mapping[str, str]] = {
        "issuer": "Add an issuer, a fingerprint or a certificate."
    }

    issuer: _Name
    subject: _Name | None = None
    subject_prefix: _Name = ()
    serial_number: _Hexadecimal | None = None
    subject_key_id: _Hexadecimal | None = Field(None, alias="SKI")
    public_key_sha256: _Hexadecimal | None = Field(None, alias="publicKeySHA256")
    public_key_sha1: _Hexadecimal | None = Field(None, alias="publicKeySHA1")
    object_sid: Text | None = Field(None, alias="NTDSObjectSID")
    roles: tuple[Text, ...] = ()

    def matches(self, certificate: x509.Certificate) -> bool:
        subject = distinguished_name(certificate.subject)
        return (
            distinguished_name(certificate.issuer) == self.issuer
            and self.subject in (None, subject)
            and subject[: len(self.subject_prefix)] == self.subject_prefix
            and (
                self.serial_number is None
                or certificate.serial_number == int.from_bytes(self.serial_number, "big")
            )
            and (self.subject_key_id is None or _key_id(certificate) == self.subject_key_id)
            and all(
                # Of the key itself, or of the structure around it: manuals differ on this.
                any(digest in _hashes(form) for form in _key_forms(certificate))
                for digest in (self.public_key_sha256, self.public_key_sha1)
                if digest is not None
            )
            and (self.object_sid is None or self.object_sid.encode() in _sids(certificate))
        )


def _form(rule: Any) -> str:
    names = ("certificatePath", "fingerprint")
    name = next((name for name in names if isinstance(rule, dict) and name in rule), "issuer")
    return f"by {name}"


_Rule: TypeAlias = Annotated[
    Annotated[_CertificateRule, Tag("by certificatePath")]
    | Annotated[_FingerprintRule, Tag("by fingerprint")]
    | Annotated[_IssuerRule, Tag("by issuer")],
    Discriminator(_form),
]


class _Root(Settings):
    issuer: _Name | None = None
    certificate: _Certificate = Field(alias="certificatePath")


class ClientCertificates(Document):
    """``client-certs.json``: which certificates are accepted; validated with the folder."""

    rules: tuple[_Rule, ...] = ()
    root_certificates: tuple[_Root, ...] = ()

    def role_names(self) -> Iterator[str]:
        """Return the roles that are named, each as often as it is."""
        for rule in self.rules:
            yield from rule.roles

    def verify(self, der: bytes) -> Principal | None:
        """Return the client that a certificate stands for, None if it is not accepted."""
        if len(der) > _LONGEST:
            return None
        try:
            certificate = x509.load_der_x509_certificate(der)
            matching = [rule for rule in self.rules if self._matches(rule, certificate)]
            name = ", ".join(distinguished_name(certificate.subject)) or "certificate"
            valid = _valid(certificate)
        # It comes from the network, and the library reads parts of it only when asked for them.
        except Exception:
            return None
        if not matching or not valid:
            return None
        return Principal(name, roles(*(role for rule in matching for role in rule.roles)))

    def _matches(self, rule: _Rule, certificate: x509.Certificate) -> bool:
        return rule.matches(certificate) and (
            not isinstance(rule, _IssuerRule)
            # An authority's own certificate is public, and is that of no client.
            or (
                not _is_authority(certificate)
                and any(
                    _issued(certificate, root.certificate)
                    for root in self.root_certificates
                    if root.issuer in (None, rule.issuer)
                )
            )
        )


def _issued(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
        return _valid(root)
    except (InvalidSignature, ValueError, TypeError):
        return False


def _is_authority(certificate: x509.Certificate) -> bool:
    if certificate.issuer == certificate.subject:
        return True
    constraints = _extension(certificate, x509.BasicConstraints.oid)
    return isinstance(constraints, x509.BasicConstraints) and constraints.ca


def _valid(certificate: x509.Certificate) -> bool:
    now = datetime.datetime.now(datetime.UTC)
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def distinguished_name(name: x509.Name) -> tuple[str, ...]:
    """Return the components of a name, the first first: ``C=DE``, ``O=...``, ``CN=...``."""
    return tuple(rdn.rfc4514_string() for rdn in name.rdns)


def _hashes(data: bytes) -> tuple[bytes, bytes]:
    # SHA-1 because the configuration may have it; what it is worth is the plant's decision.
    return hashlib.sha256(data).digest(), hashlib.sha1(data, usedforsecurity=False).digest()


def _key_forms(certificate: x509.Certificate) -> tuple[bytes, ...]:
    key = certificate.public_key()
    whole = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = [whole]
    for encoding, form in (
        (Encoding.DER, PublicFormat.PKCS1),
        (Encoding.X962, PublicFormat.UncompressedPoint),
        (Encoding.Raw, PublicFormat.Raw),
    ):
        # Not every kind of key has every form.
        with suppress(ValueError, TypeError):
            found.append(key.public_bytes(encoding, form))
    return tuple(found)


def _key_id(certificate: x509.Certificate) -> bytes | None:
    key_id = _extension(certificate, x509.SubjectKeyIdentifier.oid)
    return key_id.digest if isinstance(key_id, x509.SubjectKeyIdentifier) else None


def _sids(certificate: x509.Certificate) -> frozenset[bytes]:
    sids = _extension(certificate, _SID_EXTENSION)
    data = sids.value if isinstance(sids, x509.UnrecognizedExtension) else b""
    return frozenset(re.findall(rb"S(?:-[0-9]+){3,}", data))


def _extension(
    certificate: x509.Certificate, identifier: x509.ObjectIdentifier
) -> x509.ExtensionType | None:
    found = (each.value for each in certificate.extensions if each.oid == identifier)
    return next(found, None)
