"""Client certificates for sub-sessions: the rules of ``client-certs.json``, and the check.

A certificate logs in when at least one rule matches; it then has the roles of all rules that
match. A rule by fingerprint or by the certificate itself trusts exactly that certificate; a rule by
issuer asks that one of the ``rootCertificates`` of that issuer has signed it. Certificates that
have expired, or are not valid yet, are refused. Whether the client has the private key is not
checked, as with a real server.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from xentara_nb.simulator.documents import JsonNode

_SID_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.311.25.2")
_LONGEST = 256 * 1024
_DETAILS = (
    *("issuer", "serialNumber", "SKI", "subject", "subjectPrefix"),
    *("publicKeySHA256", "publicKeySHA1", "NTDSObjectSID"),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A matching rule and its roles.

    Attributes
    ----------
    tests : tuple of callable
        All of them must be true of a certificate.
    issuer : tuple of str or None
        The issuer whose signature is needed; None where the certificate itself is trusted.
    """

    tests: tuple[Callable[[x509.Certificate], bool], ...]
    roles: tuple[str, ...] = ()
    issuer: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """``client-certs.json``: which certificates are accepted."""

    rules: tuple[Rule, ...] = ()
    roots: tuple[tuple[tuple[str, ...] | None, x509.Certificate], ...] = ()

    def role_names(self) -> Iterator[str]:
        """Return the roles that are named, each as often as it is."""
        for rule in self.rules:
            yield from rule.roles

    def verify(
        self, der: bytes, now: datetime.datetime | None = None
    ) -> tuple[str, tuple[str, ...]] | None:
        """Return the name and roles that a certificate stands for, None if it is not accepted."""
        if len(der) > _LONGEST:
            return None
        try:
            certificate = x509.load_der_x509_certificate(der)
            matching = [rule for rule in self.rules if self._matches(rule, certificate)]
            name = ", ".join(distinguished_name(certificate.subject)) or "certificate"
            valid = _valid(certificate, now)
        # It comes from the network, and the library reads parts of it only when asked for them.
        except Exception:
            return None
        if not matching or not valid:
            return None
        roles = dict.fromkeys(role for rule in matching for role in rule.roles)
        return name, tuple(roles)

    def _matches(self, rule: Rule, certificate: x509.Certificate) -> bool:
        if not all(test(certificate) for test in rule.tests):
            return False
        return rule.issuer is None or any(
            _issued(certificate, root)
            for issuer, root in self.roots
            if issuer in (None, rule.issuer)
        )


def _issued(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
        return _valid(root, None)
    except (InvalidSignature, ValueError, TypeError):
        return False


def _valid(certificate: x509.Certificate, now: datetime.datetime | None) -> bool:
    now = datetime.datetime.now(datetime.UTC) if now is None else now
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def distinguished_name(name: x509.Name) -> tuple[str, ...]:
    """Return the components of a name, the first first: ``C=DE``, ``O=...``, ``CN=...``."""
    return tuple(rdn.rfc4514_string() for rdn in name.rdns)


def _parse_name(place: JsonNode) -> tuple[str, ...]:
    # Blanks around the commas are usual, but not part of RFC 4514, whose order is the reverse.
    text = place.text()
    separator = "/" if text.startswith("/") else r"(?<!\\),"
    parts = [part.strip() for part in re.split(separator, text) if part.strip()]
    try:
        parsed = x509.Name.from_rfc4514_string(",".join(reversed(parts)))
    except ValueError:
        place.fault("this is no distinguished name", "Write it as 'C=DE, O=Plant, CN=Name'.")
    return distinguished_name(parsed)


def read_client_certificates(document: JsonNode, folder: Path | None) -> ClientCertificates:
    """Read ``client-certs.json``.

    Raises
    ------
    ConfigurationError
        If it is not as the manual says, or names a file that is not there.
    """
    document.only("$schema", "rules", "rootCertificates")
    roots = []
    listed = document.optional("rootCertificates")
    for place in listed.items() if listed is not None else ():
        place.only("issuer", "certificatePath")
        issuer = place.optional("issuer")
        certificate = _load(place.member("certificatePath"), folder)
        roots.append((None if issuer is None else _parse_name(issuer), certificate))
    rules = document.optional("rules")
    return ClientCertificates(
        tuple(_rule(place, folder) for place in rules.items()) if rules is not None else (),
        tuple(roots),
    )


def _rule(place: JsonNode, folder: Path | None) -> Rule:
    listed = place.optional("roles")
    roles = () if listed is None else tuple(item.text() for item in listed.items())
    if (path := place.optional("certificatePath")) is not None:
        place.only("certificatePath", "roles")
        wanted = _load(path, folder)
        return Rule((lambda certificate: certificate == wanted,), roles)
    if (digest_place := place.optional("fingerprint")) is not None:
        place.only("fingerprint", "roles")
        digest = _hexadecimal(digest_place, 32, 20)
        return Rule((lambda certificate: digest in _hashes(_der(certificate)),), roles)
    place.only(*_DETAILS, "roles")
    issuer = _parse_name(place.member("issuer", "Add an issuer, a fingerprint or a certificate."))
    tests = [lambda certificate: distinguished_name(certificate.issuer) == issuer]
    tests += [_test(name, detail) for name, detail in place.members() if name in _DETAILS[1:]]
    return Rule(tuple(tests), roles, issuer)


def _test(name: str, place: JsonNode) -> Callable[[x509.Certificate], bool]:
    if name == "subject":
        subject = _parse_name(place)
        return lambda certificate: distinguished_name(certificate.subject) == subject
    if name == "subjectPrefix":
        prefix = _parse_name(place)
        return lambda certificate: distinguished_name(certificate.subject)[: len(prefix)] == prefix
    if name == "NTDSObjectSID":
        sid = place.text().encode()
        return lambda certificate: sid in _sids(certificate)
    digits = _hexadecimal(place)
    if name == "serialNumber":
        return lambda certificate: certificate.serial_number == int.from_bytes(digits, "big")
    if name == "SKI":
        return lambda certificate: _key_id(certificate) == digits
    # Of the key itself, or of the structure around it: manuals differ on what they mean.
    return lambda certificate: any(digits in _hashes(form) for form in _key_forms(certificate))


def _hexadecimal(place: JsonNode, *lengths: int) -> bytes:
    digits = re.sub("[ :]", "", place.text())
    if not re.fullmatch("[0-9a-fA-F]+", digits):
        place.fault("these are no hexadecimal digits", "Write them as 0A1B or 0A:1B.")
    data = bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))
    if lengths and len(data) not in lengths:
        place.fault("the fingerprint has a wrong length", "Write a SHA-256 or SHA-1 fingerprint.")
    return data


def _hashes(data: bytes) -> tuple[bytes, bytes]:
    # SHA-1 because the configuration may have it; what it is worth is the plant's decision.
    return hashlib.sha256(data).digest(), hashlib.sha1(data, usedforsecurity=False).digest()


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _key_forms(certificate: x509.Certificate) -> tuple[bytes, ...]:
    key = certificate.public_key()
    whole = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    forms = ((Encoding.DER, PublicFormat.PKCS1), (Encoding.X962, PublicFormat.UncompressedPoint))
    found = [whole]
    for encoding, form in (*forms, (Encoding.Raw, PublicFormat.Raw)):
        try:
            found.append(key.public_bytes(encoding, form))
        except (ValueError, TypeError):
            continue  # a form that keys of this kind do not have
    return tuple(found)


def _key_id(certificate: x509.Certificate) -> bytes | None:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return None
    return extension.value.digest


def _sids(certificate: x509.Certificate) -> frozenset[bytes]:
    try:
        extension = certificate.extensions.get_extension_for_oid(_SID_EXTENSION)
    except x509.ExtensionNotFound:
        return frozenset()
    assert isinstance(extension.value, x509.UnrecognizedExtension)
    return frozenset(re.findall(rb"S(?:-[0-9]+){3,}", extension.value.value))


def _load(place: JsonNode, folder: Path | None) -> x509.Certificate:
    path = (folder or Path()) / Path(place.text()).expanduser()
    try:
        data = path.read_bytes()
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except OSError:
        place.fault(f"there is no file {path}", "Put the certificate there.")
    except ValueError:
        place.fault(f"{path} is no certificate", "Put a PEM or DER certificate there.")
