"""``simulate``: what is simulated, and how it is served."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from xentara_nb.simulator.config import configuration, demo
from xentara_nb.simulator.config.configuration import Configuration
from xentara_nb.simulator.plant import synthetic
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security import access
from xentara_nb.simulator.security.tokens import Key, read_keys
from xentara_nb.simulator.server.server import ServerOptions, SimulatorError
from xentara_nb.simulator.simulator import Simulator, SimulatorSettings


def simulate(
    config: str | PathLike[str] | Configuration | None = None,
    *,
    model: str | PathLike[str] | None = None,
    elements: int | None = None,
    host: str = "127.0.0.1",
    port: int | None = 0,
    certificate: str | PathLike[str] | None = None,
    own_certificate: bool = False,
    jwks: str | PathLike[str] | None = None,
    log: str | PathLike[str] | None = None,
    stage_entitlements: tuple[str, str] = (access.SUSPEND, access.SHUTDOWN),
    whole_events: bool = False,
    ping_interval: float | None = 30.0,
    ping_timeout: float | None = 60.0,
    max_message_size: int = 16 * 1024 * 1024,
    category_as_text: bool = True,
) -> Simulator:
    """Return a simulated Xentara server: of the demo plant, a configuration, or a made-up model.

    Parameters
    ----------
    config : path, optional
        A configuration folder with ``config.json``, ``users.json``, ``passwords.json``,
        ``security.json`` and ``model.json``.
    model : path, optional
        A single model file; with ``config`` it takes the place of the folder's own model,
        without it the demo's users log in.
    elements : int, optional
        Make up a model with this many elements.
    host : str
        The address to listen on.
    port : int or None
        The port, 0 for any free one, None for the one that the configuration names.
    certificate : path, optional
        A PEM file in which the simulator keeps its own certificate, the key beside it
        (``.key.pem``): made there if it is missing, the same one from then on.
    own_certificate : bool
        Whether the simulator makes its own certificate even if the configuration names one, such
        as a copied configuration without its private key.
    jwks : path, optional
        A key set (JSON Web Key Set) that tokens are checked against; the configuration folder
        has its ``oauth2.json`` to say which tokens are accepted, and can have a ``jwks.json``.
    log : path, optional
        A file to append every request and write to, one JSON object a line.
    stage_entitlements : tuple of str
        What somebody must be entitled to who suspends and resumes, and who shuts down, where
        the configuration's access control lists call it something else.
    whole_events : bool
        Whether every event has all the attributes that are subscribed to, or only those that
        have changed.
    ping_interval, ping_timeout : float or None
        Seconds between two pings, and how long a client may owe the pong, or read nothing at all.
    max_message_size : int
        The largest message in bytes that clients may send.
    category_as_text : bool
        Whether reading the attribute ``category`` gives its name, as servers were seen to do, or
        its number.

    Returns
    -------
    Simulator
        A context manager: the server runs inside of the ``with`` block.

    Raises
    ------
    ConfigurationError
        If the configuration is wrong; the message names file, place and mend.

    Examples
    --------
    >>> with simulate(elements=100) as simulator:
    ...     simulator.url.startswith("wss://127.0.0.1:")
    True
    """
    with _without_garbage_collection():
        return _simulator(
            config,
            model=model,
            elements=elements,
            own_certificate=own_certificate or certificate is not None,
            keys=() if jwks is None else read_keys(Path(jwks)),
            settings=SimulatorSettings(
                host,
                port,
                None if certificate is None else Path(certificate),
                None if log is None else Path(log),
                ServerOptions(ping_interval, ping_timeout, max_message_size, whole_events),
                category_as_text,
                access.StageEntitlements(*stage_entitlements),
            ),
        )


def _simulator(
    config: str | PathLike[str] | Configuration | None,
    *,
    model: str | PathLike[str] | None,
    elements: int | None,
    own_certificate: bool,
    keys: tuple[Key, ...],
    settings: SimulatorSettings,
) -> Simulator:
    users: Mapping[str, str] = demo.USERS
    make: Callable[[Configuration], Plant] | None = None
    if elements is not None:
        if config is not None or model is not None:
            raise SimulatorError(
                "elements= makes up a model, so it does not go with config= or model=. "
                "Leave one of them out."
            )
        found = demo.security_for(synthetic.EMPTY_MODEL)
        count = elements
        make = lambda found: synthetic.plant(  # noqa: E731  # a second name would say no more
            count, found.security, category_as_text=settings.category_as_text
        )
    elif isinstance(config, Configuration):
        found, users = config, MappingProxyType({})
    elif config is not None:
        users = MappingProxyType({})
        found = configuration.read_folder(
            Path(config),
            None if model is None else Path(model),
            certificate=not own_certificate,
            keys=keys,
        )
    elif model is not None:
        found = demo.security_for(configuration.read_model_file(Path(model)))
    else:
        found = demo.configuration()
    return Simulator(found, users, settings, make)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Keep the collector from walking through a hundred thousand elements while they are made."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
