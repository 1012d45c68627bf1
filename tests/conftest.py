"""What all tests share: a simulator, a client of it, scripted servers, nothing left behind."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import xentara_nb
from tests.support.certificates import Certificate, make_certificate
from tests.support.server import FakeServer, Script
from xentara_nb.simulator import Simulator

Fake = Callable[..., FakeServer]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a script, everything here would be deaf to Ctrl-C, and so would
    # the programs that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """One simulator of the demo plant for all tests that change nothing."""
    with xentara_nb.simulate() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def module_simulator() -> Iterator[Simulator]:
    """One simulator of the demo plant for the tests of a module."""
    with xentara_nb.simulate() as simulator:
        yield simulator


@pytest.fixture
def plant(module_simulator: Simulator) -> Simulator:
    """A simulator that a test may write to: without faults, and its record empty.

    What the tests of the same module wrote before is still there.
    """
    module_simulator.faults.clear()
    module_simulator.forget()
    return module_simulator


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which every client of a test journals."""
    path = tmp_path / "state" / "journal.jsonl"
    monkeypatch.setenv("XENTARA_JOURNAL", str(path))
    return path


@pytest.fixture
def client(plant: Simulator, journal: Path) -> Iterator[xentara_nb.Client]:
    """A client of the plant, logged in as the engineer, who may do everything."""
    with plant.connect() as client:
        yield client


@pytest.fixture
def fake() -> Iterator[Fake]:
    """Return a function that starts a scripted server; a script that fails fails the test."""
    with ExitStack() as servers:

        def start(script: Script, certificate: Certificate | None = None) -> FakeServer:
            return servers.enter_context(FakeServer(script, certificate))

        yield start


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A self-signed certificate of this computer."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def new_certificate(tmp_path: Path) -> Callable[..., Certificate]:
    """Return a function that makes a certificate, see :func:`make_certificate`."""

    def make(**options: object) -> Certificate:
        return make_certificate(tmp_path, **options)

    return make


@pytest.fixture(scope="session", autouse=True)
def no_journal_outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests out of the journal of whoever runs them; programs that they start as well."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("journal")
        patch.setenv("XENTARA_JOURNAL", str(folder / "journal.jsonl"))
        yield


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the environment of whoever runs the tests out of them."""
    for name in (
        "URL",
        "CA_FILE",
        "FINGERPRINT",
        "USER",
        "PASSWORD",
        "TOKEN",
        "READ_ONLY",
        "POLICY",
    ):
        monkeypatch.delenv(f"XENTARA_{name}", raising=False)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test after which a connection's thread still runs; open sockets warn themselves."""
    before = set(threading.enumerate())
    yield
    left = _readers(before)
    if left:
        # A client that the test dropped goes with its last reference, or with the next collection.
        gc.collect()
        for thread in left:
            thread.join(5)
    assert not _readers(before)


def _readers(before: set[threading.Thread]) -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if thread.name.startswith("xentara ") and thread not in before
    ]
