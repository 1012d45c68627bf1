"""Which certificate a simulator shows, and that a kept one stays the same."""

from __future__ import annotations

import datetime
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xentara_nb.protocol.commands import GetStage
from xentara_nb.protocol.packets import Success
from xentara_nb.simulator import ConfigurationError, SimulatorError, simulate
from xentara_nb.simulator.security import certificates
from xentara_nb.simulator.security.certificates import SimulatorCertificateError
from xentara_nb.simulator.security.server_certificate import ServerCertificate
from xentara_nb.simulator.security.settings import Security


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
    with pytest.raises(ConfigurationError, match=r"own_certificate=True or --own-certificate"):
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
