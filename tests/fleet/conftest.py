"""Two simulated plants, and a fleet of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import xentara_nb
from xentara_nb import Fleet, Server
from xentara_nb.protocol.secret import Secret
from xentara_nb.simulator import Simulator

SERVERS = ("north", "south")


@pytest.fixture(scope="session")
def both_plants() -> Iterator[dict[str, Simulator]]:
    """Two simulators of the demo plant for all tests of fleets."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(xentara_nb.simulate()) for name in SERVERS}


@pytest.fixture
def plants(both_plants: dict[str, Simulator]) -> dict[str, Simulator]:
    """The two simulators, without faults, their records empty, the set point as it was."""
    for plant in both_plants.values():
        plant.faults.clear()
        if len(plant.writes):
            with plant.connect(journal=False) as client:
                client.write("Plant.Line 1.Set point", 210.0, verify=False)
        plant.forget()
    return both_plants


@pytest.fixture
def server_of(plants: dict[str, Simulator]) -> Callable[..., Server]:
    """Return a function that gives a plant as a server of a fleet, by name."""

    def server(where: str, **options: Any) -> Server:
        plant = plants[where]
        how = {
            "user": "engineer",
            "password_from": Secret(plant.users["engineer"]),
            "fingerprint": plant.fingerprint,
        }
        return Server(options.pop("name", where), plant.url, **{**how, **options})

    return server


@pytest.fixture
def fleet(server_of: Callable[..., Server], journal: Path) -> Iterator[Fleet]:
    """A fleet of the two plants."""
    with Fleet([server_of(name) for name in SERVERS]) as fleet:
        yield fleet


@pytest.fixture
def fleet_with_a_failure(server_of: Callable[..., Server], journal: Path) -> Iterator[Fleet]:
    """A fleet of the two plants and, between them, one that refuses the log-in."""
    wrong = server_of("north", name="locked", password_from=Secret("hush-hush"))
    with Fleet([server_of("north"), wrong, server_of("south")]) as fleet:
        yield fleet
