"""Client certificates for sub-sessions: the rules of client-certs.json."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from xentara_nb.protocol.commands import Certificate, CreateSubSession, Write
from xentara_nb.protocol.packets import Failure, Success
from xentara_nb.simulator import ConfigurationError, simulate
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.documents import JsonNode
from xentara_nb.simulator.security.access import Principal, roles
from xentara_nb.simulator.security.client_certificates import ClientCertificates

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
SID = "S-1-5-21-1004336348-1177238915-682003330-512"


def name(*parts: str) -> x509.Name:
    # In the order of a certificate, the country first.
    return x509.Name.from_rfc4514_string(",".join(reversed(parts)))


ROOT_NAME = name("C=DE", "O=Plant\\, Inc", "CN=Root")
ROOT_KEY = ec.generate_private_key(ec.SECP256R1())
KEY = ec.generate_private_key(ec.SECP256R1())


def make(
    subject: x509.Name,
    issuer: x509.Name = ROOT_NAME,
    key: ec.EllipticCurvePrivateKey = KEY,
    signer: ec.EllipticCurvePrivateKey = ROOT_KEY,
    begins: datetime.datetime = NOW - DAY,
    ends: datetime.datetime = NOW + DAY,
    authority: bool | None = None,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(0x0A1B)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier(b"\x01\x02"), critical=False)
        .add_extension(
            x509.UnrecognizedExtension(
                x509.ObjectIdentifier("1.3.6.1.4.1.311.25.2"), b"\x30\x2e" + SID.encode()
            ),
            critical=False,
        )
    )
    if authority is not None:
        constraints = x509.BasicConstraints(ca=authority, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
    return builder.sign(signer, hashes.SHA256())


ROOT = make(ROOT_NAME, key=ROOT_KEY)
ANNA = make(name("C=DE", "O=Plant", "CN=anna"))
FORGED = make(name("C=DE", "O=Plant", "CN=anna"), signer=KEY)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "root.pem").write_bytes(ROOT.public_bytes(Encoding.PEM))
    (tmp_path / "anna.der").write_bytes(der(ANNA))
    (tmp_path / "none.pem").write_bytes(b"nonsense")
    return tmp_path


def read(folder: Path, *rules: dict[str, Any], roots: Any = None) -> ClientCertificates:
    if roots is None:
        roots = [{"issuer": "C=DE, O=Plant\\, Inc, CN=Root", "certificatePath": "root.pem"}]
    content = {"rules": list(rules), "rootCertificates": roots}
    return JsonNode(content, "client-certs.json").validate(ClientCertificates, folder)


ISSUER = {"issuer": "C=DE, O=Plant\\, Inc, CN=Root"}
SPKI = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
POINT = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@pytest.mark.parametrize(
    "rule",
    [
        ISSUER,
        {**ISSUER, "subject": "C=DE,O=Plant,CN=anna"},
        {**ISSUER, "subject": "/C=DE/O=Plant/CN=anna"},
        {**ISSUER, "subjectPrefix": "C=DE, O=Plant"},
        {**ISSUER, "serialNumber": "a1b"},
        {**ISSUER, "SKI": "01 02"},
        {**ISSUER, "publicKeySHA256": hashlib.sha256(SPKI).hexdigest()},
        {**ISSUER, "publicKeySHA1": hashlib.sha1(POINT).hexdigest()},
        {**ISSUER, "NTDSObjectSID": SID},
        {"fingerprint": ANNA.fingerprint(hashes.SHA256()).hex(":")},
        {"fingerprint": ANNA.fingerprint(hashes.SHA1()).hex(" ").upper()},
        {"certificatePath": "anna.der"},
    ],
)
def test_rules_that_match(rule: dict[str, Any], folder: Path) -> None:
    found = read(folder, {**rule, "roles": ["Shift"]})
    assert found.verify(der(ANNA)) == Principal("C=DE, O=Plant, CN=anna", roles("Shift"))
    assert list(found.role_names()) == ["Shift"]


@pytest.mark.parametrize(
    "rule",
    [
        {"issuer": "C=DE,O=Plant"},
        {**ISSUER, "subject": "C=DE,O=Plant"},
        {**ISSUER, "subjectPrefix": "O=Plant"},
        {**ISSUER, "serialNumber": "0A1C"},
        {**ISSUER, "SKI": "0103"},
        {**ISSUER, "publicKeySHA256": "00" * 32},
        {**ISSUER, "NTDSObjectSID": "S-1-5-21"},
        {"fingerprint": "00" * 32},
        {"certificatePath": "root.pem"},
    ],
)
def test_rules_that_do_not(rule: dict[str, Any], folder: Path) -> None:
    assert read(folder, rule).verify(der(ANNA)) is None


def test_the_issuers_signature_is_needed(folder: Path) -> None:
    assert read(folder, ISSUER).verify(der(FORGED)) is None
    assert read(folder, ISSUER, roots=[]).verify(der(ANNA)) is None
    assert read(folder, ISSUER, roots=[{"certificatePath": "root.pem"}]).verify(der(ANNA))
    other = [{"issuer": "CN=Other", "certificatePath": "root.pem"}]
    assert read(folder, ISSUER, roots=other).verify(der(ANNA)) is None


def test_times(folder: Path) -> None:
    subject = name("CN=anna")
    old = make(subject, begins=NOW - 3 * DAY, ends=NOW - 2 * DAY)
    early = make(subject, begins=NOW + DAY, ends=NOW + 2 * DAY)
    assert [read(folder, ISSUER).verify(der(one)) for one in (old, early)] == [None, None]


def test_the_roles_of_all_rules_that_match(folder: Path) -> None:
    rules = (
        {**ISSUER, "roles": ["Shift"]},
        {"certificatePath": "anna.der", "roles": ["Boss", "Shift"]},
        {"fingerprint": "00" * 32, "roles": ["Nobody"]},
    )
    found = read(folder, *rules).verify(der(ANNA))
    assert found is not None
    assert found.roles == roles("Shift", "Boss")


@pytest.mark.parametrize("data", [b"", b"nonsense", der(ANNA)[:-1], b"\x30" * 300_000])
def test_what_is_no_certificate(data: bytes, folder: Path) -> None:
    assert read(folder, ISSUER).verify(data) is None


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({}, ""),
        ({"roles": ["Shift"]}, ""),
        ({"roles": ["Shift"], "issuer": None}, ""),
        ({"certificatePath": "nowhere.pem"}, ".certificatePath"),
        ({"certificatePath": "none.pem"}, ".certificatePath"),
        ({"certificatePath": "~no such user/x"}, ".certificatePath"),
        ({"certificatePath": "a\0b"}, ".certificatePath"),
        ({"certificatePath": "anna.der", "roles": [1]}, ".roles[0]"),
        ({"fingerprint": "xy"}, ".fingerprint"),
        ({"fingerprint": "0102"}, ".fingerprint"),
        ({"fingerprint": "00" * 32, "issuer": "CN=x"}, ""),
        ({"fingerprint": "00" * 32, "roles": {}}, ".roles"),
        ({"issuer": "nonsense"}, ".issuer"),
        ({**ISSUER, "SKI": "?"}, ".SKI"),
        ({**ISSUER, "subject": "?"}, ".subject"),
        ({**ISSUER, "serialNumber": {}}, ".serialNumber"),
        ({**ISSUER, "email": "x"}, ""),
    ],
)
def test_faults(rule: dict[str, Any], place: str, folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="client-certs") as caught:
        read(folder, rule)
    assert caught.value.place == f"rules[0]{place}"


def test_a_sub_session_with_a_certificate(
    folder: Path,
    small: dict[str, Any],
    write_folder: Callable[[Any], Path],
    dial: Callable[..., Any],
) -> None:
    small["client-certs.json"] = {
        "rules": [{**ISSUER, "roles": ["Shift"]}],
        "rootCertificates": [{**ISSUER, "certificatePath": "root.pem"}],
    }
    write_folder(small)
    register = from_documents({**small, "client-certs.json": {}}).model.by_key["Group.Register"]
    with simulate(folder) as simulator:
        wire = dial(simulator, "anna", "secret")
        good, bad = wire.ask(
            CreateSubSession(Certificate(der(ANNA))), CreateSubSession(Certificate(der(FORGED)))
        )
        assert isinstance(bad, Failure)
        assert bad.error.code == -32102
        assert wire.ask(Write(register.uuid, 11, 3, good.item)) == [Success(1)]
        assert simulator.writes["session_user"].tolist() == ["C=DE, O=Plant, CN=anna"]
        assert json.dumps(simulator.requests["parameters"].tolist()).count("***") == 2


def test_an_authority_is_no_client(folder: Path) -> None:
    below = make(name("C=DE", "O=Plant", "CN=Intermediate"), authority=True)
    for certificate in (ROOT, make(ROOT_NAME, key=ROOT_KEY, authority=True), below):
        assert read(folder, {**ISSUER, "roles": ["Shift"]}).verify(der(certificate)) is None
    # One that is named itself is trusted as what it is.
    assert read(folder, {"certificatePath": "root.pem"}).verify(der(ROOT)) is not None
    client = make(name("C=DE", "O=Plant", "CN=anna"), authority=False)
    assert read(folder, ISSUER).verify(der(client)) is not None
