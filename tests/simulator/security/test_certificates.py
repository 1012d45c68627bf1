"""The certificate that a simulator shows; that of its own, and that a kept one stays the same."""

from __future__ import annotations

import datetime
import ssl
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from xentara_nb.protocol.commands import GetStage
from xentara_nb.protocol.packets import Success
from xentara_nb.simulator import ConfigurationError, SimulatorError, simulate
from xentara_nb.simulator.security import certificates
from xentara_nb.simulator.security.certificates import ServerCertificate, SimulatorCertificateError
from xentara_nb.simulator.security.settings import Security


def test_a_certificate_for_this_computer(tmp_path: Path) -> None:
    certificate, key = certificates.write_certificate(tmp_path, ["plant.example", "10.0.0.7"])
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "plant.example"]
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    assert addresses == ["127.0.0.1", "::1", "10.0.0.7"]
    now = datetime.datetime.now(datetime.UTC)
    assert loaded.not_valid_before_utc < now < loaded.not_valid_after_utc
    if sys.platform != "win32":
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_it_passes_strict_verification(tmp_path: Path) -> None:
    certificate, key = certificates.write_certificate(tmp_path)
    server = certificates.server_context(certificate, key)
    client = ssl.create_default_context(cafile=certificate)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    for name in certificates.ALWAYS_NAMED:
        _handshake(client, server, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(client, server, "elsewhere.example")


def test_tls_1_1_is_not_spoken(tmp_path: Path) -> None:
    context = certificates.server_context(*certificates.write_certificate(tmp_path))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_the_fingerprint_is_that_of_the_der_form(tmp_path: Path) -> None:
    certificate, key = certificates.write_certificate(tmp_path)
    client = ssl.create_default_context(cafile=certificate)
    der = _handshake(client, certificates.server_context(certificate, key), "localhost")
    loaded = x509.load_der_x509_certificate(der)
    assert certificates.fingerprint(certificate) == loaded.fingerprint(SHA256()).hex(":").upper()


def test_a_key_that_does_not_belong(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    certificate, _ = certificates.write_certificate(tmp_path / "a")
    _, key = certificates.write_certificate(tmp_path / "b")
    with pytest.raises(OSError, match="KEY_VALUES_MISMATCH"):
        certificates.server_context(certificate, key)


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> bytes:
    """Shake hands in memory and return the server's certificate."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = list(ends)
    for _ in range(10):
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue
    assert not waiting
    der = ends[0].getpeercert(binary_form=True)
    assert der is not None
    return der


def test_a_kept_certificate_stays_the_same(tmp_path: Path, dial: Callable[..., Any]) -> None:
    path = tmp_path / "kept" / "mine.pem"
    fingerprints = set()
    for _ in range(2):
        with simulate(certificate=path) as simulator:
            fingerprints.add(simulator.fingerprint)
            assert simulator.ca_file == str(path)
            assert dial(simulator).ask(GetStage()) == [Success(1, 2)]
    assert len(fingerprints) == 1
    key = tmp_path / "kept" / "mine.key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with simulate() as simulator:
        assert simulator.fingerprint not in fingerprints


def test_a_name_without_an_ending(tmp_path: Path) -> None:
    certificate, key = certificates.kept_certificate(tmp_path / "mine")
    assert (certificate.name, key.name) == ("mine", "mine.key.pem")
    assert certificates.kept_certificate(tmp_path / "mine") == (certificate, key)


@pytest.mark.parametrize("damaged", ["mine.pem", "mine.key.pem"])
@pytest.mark.parametrize("how", ["nonsense", "missing"])
def test_files_that_cannot_be_used(damaged: str, how: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.pem"
    certificates.kept_certificate(path)
    if how == "missing":
        (tmp_path / damaged).unlink()
    else:
        (tmp_path / damaged).write_text("nonsense", encoding="utf-8")
    with pytest.raises(SimulatorCertificateError, match="Delete both"):
        simulate(certificate=path).start()


def test_a_certificate_that_has_expired(tmp_path: Path) -> None:
    path = tmp_path / "mine.pem"
    certificates.write_certificate(tmp_path, stem="mine", valid_for=datetime.timedelta(seconds=-1))
    with pytest.raises(SimulatorCertificateError, match="was valid until"):
        certificates.kept_certificate(path)


def test_a_copied_configuration_without_its_key(
    small: dict[str, Any], write_folder: Callable[[Any], Path], tmp_path: Path
) -> None:
    small["security.json"]["TLS"] = {
        "serverCertificate": {"certificatePath": "plant.pem", "privateKeyPath": "plant.key"}
    }
    folder = write_folder(small)
    with pytest.raises(ConfigurationError, match=r"own_certificate=True"):
        simulate(folder)
    with simulate(folder, own_certificate=True) as simulator:
        assert "simulator.pem" in simulator.ca_file
    with simulate(folder, certificate=tmp_path / "kept.pem") as simulator:
        assert simulator.ca_file == str(tmp_path / "kept.pem")


def test_a_temporary_certificate_is_removed() -> None:
    identity = ServerCertificate(Security(), [])
    assert identity.made
    assert identity.certificate.exists()
    identity.close()
    assert not identity.certificate.parent.exists()


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="cannot be written"):
        simulate(log=tmp_path).start()


def test_the_log_file(tmp_path: Path, dial: Callable[..., Any]) -> None:
    path = tmp_path / "log.jsonl"
    with simulate(log=path) as simulator:
        dial(simulator).ask(GetStage())
        assert len(simulator.requests) == 2
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


def test_what_may_not_be_read_is_not_to_be_deleted() -> None:
    problem = PermissionError(13, "Permission denied", "mine.pem")
    text = str(SimulatorCertificateError(Path("mine.pem"), Path("mine.key.pem"), problem))
    assert "cannot be used (Permission denied). Check the permissions" in text
    assert "Delete" not in text
