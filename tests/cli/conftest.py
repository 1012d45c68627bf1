"""What the tests of commands share: the options that log in to a simulator."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from xentara_nb.simulator import Simulator


@pytest.fixture
def log_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Simulator, str], list[str]]:
    """Let a user of a simulator log in; gives the options for that, and the address."""

    def options(simulator: Simulator, user: str) -> list[str]:
        monkeypatch.setenv("XENTARA_USER", user)
        monkeypatch.setenv("XENTARA_PASSWORD", simulator.users[user])
        return ["--ca-file", simulator.ca_file, simulator.url]

    return options
