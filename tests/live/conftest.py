"""What the tests of watches share: a proxy before the plant, and a client that goes through it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import xentara_nb
from tests.support.proxy import Proxy
from xentara_nb import Client
from xentara_nb.live import subscribing
from xentara_nb.simulator import Simulator


@pytest.fixture
def proxy(plant: Simulator) -> Iterator[Proxy]:
    with Proxy(plant.port) as proxy:
        yield proxy


@pytest.fixture
def far_client(proxy: Proxy, journal: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client that goes through the proxy, and connects again soon after a loss."""
    monkeypatch.setattr(subscribing, "FIRST_DELAY", 0.01)
    with xentara_nb.connect(
        proxy.url, user="engineer", password="engineer-demo", timeout=5.0
    ) as client:
        yield client
