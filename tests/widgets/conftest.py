"""What the tests of the forms share: a simulator, a client, and a clean table afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ipywidgets
import pytest

from xentara_nb import simulate
from xentara_nb.client import Client
from xentara_nb.simulator import Simulator
from xentara_nb.widgets.login.account import accounts


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give every test files of its own, and leave no form behind."""
    monkeypatch.setenv("XENTARA_TRUST_FILE", str(tmp_path / "trusted.json"))
    monkeypatch.setenv("XENTARA_JOURNAL", str(tmp_path / "journal.jsonl"))
    yield tmp_path
    ipywidgets.Widget.close_all()
    for each in accounts.values():
        each.leave()
    accounts.clear()


@pytest.fixture
def plant() -> Iterator[Simulator]:
    with simulate() as simulator:
        yield simulator


@pytest.fixture
def client(plant: Simulator) -> Iterator[Client]:
    with plant.connect() as connected:
        yield connected
