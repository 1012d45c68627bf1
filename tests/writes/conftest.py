"""What the tests of guarded writes share: a plant of their own, a journal of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import xentara_nb
from tests.writes.proxy import Proxy
from xentara_nb.simulator import Simulator


@pytest.fixture(scope="module")
def plant() -> Iterator[Simulator]:
    """A simulator that a module may write to as it likes."""
    with xentara_nb.simulate() as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def nothing_from_the_test_before(request: pytest.FixtureRequest) -> None:
    """Keep what a test did to the plant away from the next."""
    if "plant" in request.fixturenames:
        simulator = request.getfixturevalue("plant")
        simulator.faults.clear()
        simulator.forget()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which every client of a test journals."""
    path = tmp_path / "state" / "journal.jsonl"
    monkeypatch.setenv("XENTARA_JOURNAL", str(path))
    return path


@pytest.fixture
def client(plant: Simulator, journal: Path) -> Iterator[xentara_nb.Client]:
    """A client of the plant, logged in as the engineer."""
    with plant.connect() as client:
        yield client


@pytest.fixture
def proxy(plant: Simulator) -> Iterator[Proxy]:
    """A proxy in front of the plant that can be cut."""
    with Proxy(plant.port) as proxy:
        yield proxy
