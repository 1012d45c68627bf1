"""What the tests of guarded writes share: a plant behind a proxy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.proxy import Proxy
from xentara_nb.simulator import Simulator


@pytest.fixture
def proxy(plant: Simulator) -> Iterator[Proxy]:
    """A proxy in front of the plant that can be cut."""
    with Proxy(plant.port) as proxy:
        yield proxy
