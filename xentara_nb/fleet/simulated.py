"""A fleet of simulated servers, to rehearse on."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xentara_nb.errors import OptionError
from xentara_nb.fleet.fleet import Fleet
from xentara_nb.fleet.servers import Server
from xentara_nb.fleet.steps import in_thread
from xentara_nb.paths import user_path
from xentara_nb.protocol.secret import Secret

if TYPE_CHECKING:
    from xentara_nb.simulator import Simulator


class SimulatedFleet(Fleet):
    """A fleet whose servers are simulated in this process; made by :func:`simulated_fleet`.

    Attributes
    ----------
    plants : dict of str to Simulator
        By server. They stop when the fleet is closed.
    """

    def __init__(
        self,
        servers: Iterable[Server],
        plants: dict[str, Simulator],
        running: ExitStack,
        **options: Any,
    ) -> None:
        super().__init__(list(servers), **options)
        self.plants = plants
        self._running = running

    def close(self) -> None:
        """Close all connections, and stop the simulators."""
        super().close()
        self._running.close()


def simulated_fleet(
    plants: str | os.PathLike[str] | Iterable[str],
    *,
    user: str | None = None,
    password: str | Secret | None = None,
    elements: int | None = None,
    **options: Any,
) -> SimulatedFleet:
    """Simulate a fleet: from a folder of configurations, or so many demo plants.

    Parameters
    ----------
    plants : path or list of str
        A folder in which each folder is a Xentara configuration, and each ``.json`` file a model
        alone; or names, each of a demo plant.
    user, password : str, optional
        Who logs in to configurations of your own; the demo's users have a password already.
    elements : int, optional
        With names: a made-up model with so many elements in place of the demo plant.
    **options
        As for :class:`Fleet`.

    Raises
    ------
    OptionError
        If there is no configuration in the folder, or two of one name.
    ConfigurationError
        If one of them is wrong.

    Examples
    --------
    >>> with simulated_fleet(["north", "south"]) as fleet:
    ...     fleet.read("Plant.Line 1.Set point", "value")[["server", "value"]]
      server  value
    0  north  210.0
    1  south  210.0
    """
    secret = Secret.of(password)
    password = None
    if isinstance(plants, str | os.PathLike):
        sources = _by_name(_configurations(user_path(plants)))
    elif isinstance(plants, int):
        raise OptionError(
            f"give a name for each plant: [f'plant {{number}}' for number in range({plants})]"
        )
    else:
        sources = _by_name((name, {"elements": elements}) for name in plants)
    # An interrupt while a simulator starts would leave its thread blocked for ever.
    with closing(in_thread(_running(sources), wait=True)) as steps:
        running, stack = next(steps)
        servers = [_server(name, plant, user, secret) for name, plant in running.items()]
        stop = ExitStack()
        fleet = SimulatedFleet(servers, running, stop, **options)
        stop.push(stack.pop_all())
        return fleet


def _running(
    sources: Mapping[str, Mapping[str, Any]],
) -> Generator[tuple[dict[str, Simulator], ExitStack], None, None]:
    """Start simulators, and give them and what stops them; all of it stops when this is closed."""
    from xentara_nb.simulator import simulate

    with ExitStack() as stack:
        running = {
            name: stack.enter_context(simulate(**source)) for name, source in sources.items()
        }
        yield running, stack


def _server(name: str, plant: Simulator, user: str | None, secret: Secret | None) -> Server:
    from xentara_nb.simulator.config.demo import DEFAULT_USER

    who = user or (DEFAULT_USER if plant.users else None)
    if secret is None and who is not None and who in plant.users:
        secret = Secret(plant.users[who])
    return Server(name, plant.url, user=who, password_from=secret, fingerprint=plant.fingerprint)


def _by_name(sources: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Return what is simulated, by the name of its server."""
    found: dict[str, dict[str, Any]] = {}
    for name, source in sources:
        if name in found:
            raise OptionError(f"two servers are called {name}: give each a name of its own")
        found[name] = source
    return found


def _configurations(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give what is simulated of a folder, and its name."""
    if not folder.is_dir():
        raise OptionError(f"there is no folder {folder} with configurations to simulate")
    empty = True
    for path in sorted(folder.iterdir()):
        if (path / "config.json").is_file():
            yield path.name, {"config": path, "own_certificate": True}
        elif path.suffix == ".json" and path.is_file():
            yield path.stem, {"model": path}
        else:
            continue
        empty = False
    if empty:
        raise OptionError(
            f"{folder} has no folder with a config.json, and no model in a .json file"
        )
