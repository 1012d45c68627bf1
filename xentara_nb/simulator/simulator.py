"""The simulator as others see it: start it, connect to it, stop it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from xentara_nb.simulator import access, configuration, demo, synthetic
from xentara_nb.simulator.authentication import Authenticator
from xentara_nb.simulator.configuration import Configuration
from xentara_nb.simulator.conversation import Service, server_information
from xentara_nb.simulator.faults import Faults
from xentara_nb.simulator.identity import Identity
from xentara_nb.simulator.model import Model
from xentara_nb.simulator.plant import Plant
from xentara_nb.simulator.recording import Recorder
from xentara_nb.simulator.server import PATH, ServerOptions, ServerThread, SimulatorError
from xentara_nb.simulator.tokens import read_keys

if TYPE_CHECKING:
    import pandas as pd

    from xentara_nb.client import Client

VERSION = "2.0.8 (simulator)"
"""What the simulator calls its version."""

_ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


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
    options = ServerOptions(ping_interval, ping_timeout, max_message_size, whole_events)
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
            count, found.security, category_as_text=category_as_text
        )
    elif isinstance(config, Configuration):
        found, users = config, MappingProxyType({})
    elif config is not None:
        users = MappingProxyType({})
        found = configuration.read_folder(
            Path(config),
            None if model is None else Path(model),
            certificate=not own_certificate and certificate is None,
            keys=() if jwks is None else read_keys(Path(jwks)),
        )
    elif model is not None:
        found = demo.security_for(configuration.read_model_file(Path(model)))
    else:
        found = demo.configuration()
    settings = _Settings(
        host,
        found.server.port if port is None else port,
        None if certificate is None else Path(certificate),
        None if log is None else Path(log),
        options,
        category_as_text,
        access.StageEntitlements(*stage_entitlements),
    )
    return Simulator(found, users, settings, make)


@dataclass(frozen=True, slots=True)
class _Settings:
    """What was asked of :func:`simulate`."""

    host: str
    port: int
    certificate: Path | None
    log: Path | None
    options: ServerOptions
    category_as_text: bool
    entitlements: access.StageEntitlements


class Simulator:
    """A simulated server. Made by :func:`simulate`.

    Attributes
    ----------
    users : mapping of str to str
        The demo users and their passwords; empty for a configuration of your own.
    """

    def __init__(
        self,
        found: Configuration,
        users: Mapping[str, str],
        settings: _Settings,
        make: Callable[[Configuration], Plant] | None = None,
    ) -> None:
        self.users = users
        self._configuration = found
        self._settings = settings
        self._make = make or self._from_model
        self._plant = self._make(found)
        self._recorder = Recorder()
        self._faults = Faults(lambda: self._plant, self._run, self._restart)
        self._thread: ServerThread | None = None
        self._restarting = threading.RLock()
        self._address: tuple[str, int] = ("", 0)
        self._identity: Identity | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        where = self.url if self._thread is not None else "stopped"
        return f"<Simulator {where}, {len(self._plant)} elements>"

    def start(self) -> None:
        """Start the server; nothing happens if it runs already.

        Raises
        ------
        ConfigurationError
            If the configuration's certificate or key cannot be used.
        SimulatorError
            If the address cannot be listened on, or the log file not be written.
        """
        if self._thread is not None:
            return
        log = self._settings.log
        if log is not None:
            try:
                self._recorder.open(log)
            except OSError as error:
                raise SimulatorError(
                    f"the log {log} cannot be written: {error.strerror or error}. "
                    "Choose another file."
                ) from None
        host = self._settings.host
        try:
            self._identity = Identity(
                self._configuration.security,
                [] if host in _ANYWHERE else [host],
                self._settings.certificate,
            )
            self._serve(self._settings.port)
        except BaseException:
            self._clean_up()
            raise

    def stop(self) -> None:
        """End all connections and the server; nothing happens if it does not run."""
        with self._restarting:
            if self._thread is not None:
                self._thread.stop()
                self._thread = None
            self._clean_up()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until a client shuts the server down; False if it still runs after the time-out."""
        with self._restarting:
            thread = self._thread
        if thread is None:
            return True
        if not thread.wait(timeout):
            return False
        with self._restarting:
            return self._thread in (thread, None)

    @property
    def plant(self) -> Plant:
        """The plant that is served."""
        return self._plant

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose: delay, lost connections, refused writes, stuck devices."""
        return self._faults

    @property
    def requests(self) -> pd.DataFrame:
        """Every request that arrived, and how it was answered, the oldest first."""
        return self._recorder.requests()

    @property
    def writes(self) -> pd.DataFrame:
        """Every write, executed (code 0) or refused, the oldest first.

        ``sent`` is the value as the client sent it, ``value`` what the element took, such as the
        float 5.0 for the integer 5.
        """
        return self._recorder.writes()

    def forget(self) -> None:
        """Empty :attr:`requests` and :attr:`writes`."""
        self._recorder.clear()

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        self._running()
        return self._address[1]

    @property
    def url(self) -> str:
        """The URL to connect to."""
        self._running()
        host, port = self._address
        host = _ANYWHERE.get(host, host)
        return f"wss://{f'[{host}]' if ':' in host else host}:{port}{PATH}"

    @property
    def ca_file(self) -> str:
        """The path of the certificate to trust."""
        return str(self._running().certificate)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint of the certificate."""
        return self._running().fingerprint

    def connect(self, **kwargs: Any) -> Client:
        """Return a client of this simulator; of the demo's engineer, if it is not said who.

        Parameters
        ----------
        **kwargs
            As for ``xentara_nb.connect``, such as ``user`` and ``password``.
        """
        # The simulator stands beside the client, not on it: this convenience is the one place
        # that knows of it.
        from xentara_nb import connect

        if not {"user", "password", "token"} & set(kwargs) and self.users:
            kwargs["user"] = demo.DEFAULT_USER
        if kwargs.get("user") in self.users:
            kwargs.setdefault("password", self.users[kwargs["user"]])
        if not {"ca_file", "fingerprint"} & set(kwargs):
            # A certificate of the configuration is seldom made out to this computer.
            own = self._running().made
            kwargs.update({"ca_file": self.ca_file} if own else {"fingerprint": self.fingerprint})
        return connect(self.url, **kwargs)

    def _from_model(self, found: Configuration) -> Plant:
        return Plant.from_model(
            found.model,
            found.security,
            category_as_text=self._settings.category_as_text,
            entitlements=self._settings.entitlements,
        )

    def _serve(self, port: int) -> None:
        service = Service(
            self._plant,
            Authenticator(
                self._configuration.users,
                self._configuration.oauth2,
                self._configuration.client_certificates,
            ),
            server_information(self._plant, VERSION),
            self._recorder,
            self._faults,
            self._settings.options.whole_events,
        )
        thread = ServerThread(
            service,
            self._configuration.server,
            self._running().context,
            self._settings.host,
            port,
            self._settings.options,
        )
        self._address = thread.start()
        self._thread = thread

    def _run(self, function: Callable[[], Any]) -> Any:
        return function() if self._thread is None else self._thread.call(function)

    def _restart(self, model: str | PathLike[str] | Mapping[str, Any] | Model | None) -> None:
        """Stop, build the plant anew, and start on the same port with the same certificate."""
        found, make = self._configuration, self._make
        if model is not None:
            make = self._from_model
            if isinstance(model, Mapping):
                model = configuration.read_model_content(model)
            elif not isinstance(model, Model):
                model = configuration.read_model_file(Path(model))
            found = replace(found, model=model)
        # A wrong model is told before anything has been stopped.
        plant = make(found)
        with self._restarting:
            served = self._thread
            if served is not None:
                served.stop()
                self._thread = None
            self._configuration, self._make, self._plant = found, make, plant
            self._faults.forget_elements()
            if served is not None:
                self._serve(self._address[1])

    def _running(self) -> Identity:
        if self._identity is None:
            raise SimulatorError(
                "the simulator does not run. Use it in a with block, or start() it."
            )
        return self._identity

    def _clean_up(self) -> None:
        self._recorder.close()
        if self._identity is not None:
            self._identity.close()
            self._identity = None
