"""What the tests of guarded writes share: a plant behind a proxy, and policy files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.proxy import Proxy
from xentara_nb.simulator import Simulator


@pytest.fixture
def proxy(plant: Simulator) -> Iterator[Proxy]:
    """A proxy in front of the plant that can be cut."""
    with Proxy(plant.port) as proxy:
        yield proxy


@pytest.fixture
def policy_file(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a policy file."""

    def write(text: str) -> Path:
        path = tmp_path / "policy.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
