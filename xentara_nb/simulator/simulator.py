"""A simulated server: start it, connect to it, stop it."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from xentara_nb.errors import OptionError
from xentara_nb.locking import Lock
from xentara_nb.paths import user_path
from xentara_nb.protocol.secret import Secret
from xentara_nb.protocol.text import quantity
from xentara_nb.simulator.config import configuration, demo
from xentara_nb.simulator.config.configuration import Configuration
from xentara_nb.simulator.exposure import ExposedWarning, exposure
from xentara_nb.simulator.faults import Faults
from xentara_nb.simulator.model.model import Model
from xentara_nb.simulator.plant import synthetic
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security import access
from xentara_nb.simulator.security.authentication import Authenticator
from xentara_nb.simulator.security.certificates import ServerCertificate
from xentara_nb.simulator.security.tokens import read_keys
from xentara_nb.simulator.server.handshake import PATH
from xentara_nb.simulator.server.limits import DEFAULT_LIMITS, Limits
from xentara_nb.simulator.server.request_log import RequestLog
from xentara_nb.simulator.server.server import ServerThread, SimulatorError
from xentara_nb.simulator.server.session import Service

if TYPE_CHECKING:
    import pandas as pd

    from xentara_nb.client import Client

VERSION = "2.0.8 (simulator)"
"""What the simulator calls its version."""

_STAGE_ENTITLEMENTS = (access.SUSPEND, access.SHUTDOWN)
# Hosts to listen on that are no address to connect to.
_ALL_INTERFACES = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """What was asked of :func:`simulate`."""

    host: str
    port: int | None
    certificate: Path | None
    log: Path | None
    options: Mapping[str, Any]
    whole_events: bool
    category_as_text: bool
    stage_entitlements: tuple[str, str]
    elements: int | None
    limits: Limits


class Simulator:
    """A simulated server. Made by :func:`simulate`.

    Attributes
    ----------
    users : mapping of str to str
        The demo users and their passwords; empty for a configuration of your own.
    plant : Plant
        The plant that is served.
    faults : Faults
        What goes wrong on purpose: delay, lost connections, refused writes, stuck devices.
    policy : pathlib.Path or None
        A write policy for the demo plant, for ``plant.connect(policy=plant.policy)``; None for a
        configuration of your own.

    Examples
    --------
    >>> sorted(plant.users)
    ['engineer', 'operator', 'viewer']
    >>> plant.url.startswith("wss://127.0.0.1:")
    True
    """

    def __init__(
        self, found: Configuration, users: Mapping[str, str], settings: SimulatorSettings
    ) -> None:
        self.users = users
        self.policy = demo.POLICY if users else None
        self._configuration = found
        self._settings = settings
        self.plant = self._build(found)
        self._request_log = RequestLog()
        self.faults = Faults(lambda: self.plant, self._run, self._restart)
        self._thread: ServerThread | None = None
        self._restarting = Lock()
        self._address: tuple[str, int] = ("", 0)
        self._certificate: ServerCertificate | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:  # an interrupt, too, when all has begun
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        thread = self._thread
        try:
            self.stop()
        finally:
            if thread is not None:
                thread.stopping = True  # interrupted before it had done anything

    def __repr__(self) -> str:
        where = self.url if self._thread is not None else "stopped"
        return f"<Simulator {where}, {quantity(len(self.plant), 'element')}>"

    def start(self) -> None:
        """Start the server; nothing happens if it runs already.

        Raises
        ------
        ConfigurationError
            If the configuration's certificate or key cannot be used.
        SimulatorError
            If the address cannot be listened on, or the log file not be written.

        Warns
        -----
        ExposedWarning
            If other computers can reach it, and log in with the demo's documented passwords.

        Examples
        --------
        >>> other = simulate(elements=10)
        >>> other.start()
        >>> other.stop()
        """
        if self._thread is not None:
            return
        settings, found = self._settings, self._configuration
        if settings.log is not None:
            try:
                self._request_log.open(settings.log)
            except OSError as error:
                raise SimulatorError(
                    f"the log {settings.log} cannot be written: {error.strerror or error}. "
                    "Choose another file."
                ) from None
        names = [] if settings.host in _ALL_INTERFACES else [_ascii(settings.host)]
        try:
            self._certificate = ServerCertificate(found.security, names, settings.certificate)
            self._serve(found.server.port if settings.port is None else settings.port)
        except BaseException:
            self.stop()
            raise
        if self.users and (warning := exposure(settings.host)) is not None:
            warnings.warn(warning, ExposedWarning, stacklevel=2)

    def stop(self) -> None:
        """End all connections and the server; nothing happens if it does not run.

        Examples
        --------
        >>> other = simulate(elements=10)
        >>> with other:
        ...     pass
        >>> other.stop()  # it does not run any more, which is no error
        """
        with self._restarting:
            thread = self._thread
            try:
                if thread is not None:
                    thread.stop()
                self._request_log.close()
                if self._certificate is not None:
                    self._certificate.close()
                    self._certificate = None
            finally:
                # Interrupted anywhere, it ends by itself.
                if thread is not None:
                    thread.stopping = True
                self._thread = None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until a client shuts the server down; False if it still runs after the time-out.

        Parameters
        ----------
        timeout : float, optional
            How long to wait, in seconds. Left out, without an end.

        Examples
        --------
        >>> plant.wait(timeout=0)
        False
        """
        with self._restarting:
            thread = self._thread
        if thread is None:
            return True
        if not thread.wait(timeout):
            return False
        with self._restarting:
            return self._thread in (thread, None)

    @property
    def requests(self) -> pd.DataFrame:
        """Every request that arrived, and how it was answered, the oldest first."""
        return self._request_log.requests()

    @property
    def writes(self) -> pd.DataFrame:
        """Every write, executed (code 0) or refused, the oldest first.

        ``sent`` is the value as the client sent it, ``value`` what the element took, such as the
        float 5.0 for the integer 5.
        """
        return self._request_log.writes()

    def forget(self) -> None:
        """Empty :attr:`requests` and :attr:`writes`.

        Examples
        --------
        >>> plant.forget()
        >>> len(plant.requests), len(plant.writes)
        (0, 0)
        """
        self._request_log.clear()

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
        host = _ALL_INTERFACES.get(host, host)
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
        """Return a client of this simulator: the demo's engineer, if no one else is named.

        Parameters
        ----------
        **kwargs
            As for ``xentara_nb.connect``, such as ``user`` and ``password``.

        Examples
        --------
        >>> with plant.connect(user="viewer") as viewer:
        ...     viewer.user
        'viewer'
        """
        # The simulator stands beside the client, and only this convenience knows of it.
        from xentara_nb.client import connect

        for name in {"password", "token"} & kwargs.keys():  # a traceback may show variables
            kwargs[name] = Secret.of(kwargs[name])
        if not {"user", "password", "token"} & set(kwargs) and self.users:
            kwargs["user"] = demo.DEFAULT_USER
        if kwargs.get("user") in self.users:
            kwargs.setdefault("password", Secret.of(self.users[kwargs["user"]]))
        if not {"ca_file", "fingerprint"} & set(kwargs):
            # A certificate of the configuration is rarely made out to this computer, and the CA
            # file of a made one goes when the simulator stops, which the client may outlive.
            kwargs["fingerprint"] = self.fingerprint
        return connect(self.url, **kwargs)

    def _build(self, found: Configuration) -> Plant:
        settings = self._settings
        if found.model is synthetic.EMPTY_MODEL:
            return synthetic.plant(
                settings.elements or 0, found.security, category_as_text=settings.category_as_text
            )
        return Plant.from_model(
            found.model,
            found.security,
            category_as_text=settings.category_as_text,
            stage_entitlements=settings.stage_entitlements,
        )

    def _serve(self, port: int) -> None:
        settings, found = self._settings, self._configuration
        service = Service(
            self.plant,
            Authenticator(found.users, found.oauth2, found.client_certificates),
            VERSION,
            self._request_log,
            self.faults,
            whole_events=settings.whole_events,
            limits=settings.limits,
        )
        context = self._running().context
        thread = ServerThread(service, found.server, context, settings.host, port, settings.options)
        try:
            self._address = thread.start()
            self._thread = thread
        except BaseException:
            thread.stopping = True
            raise

    def _run(self, function: Callable[[], Any]) -> Any:
        return function() if self._thread is None else self._thread.call(function)

    def _restart(self, model: str | PathLike[str] | Mapping[str, Any] | Model | None) -> None:
        """Stop, build the plant again, and start on the same port with the same certificate."""
        found = self._configuration
        if model is not None:
            if isinstance(model, Mapping):
                model = configuration.read_model_content(model)
            elif not isinstance(model, Model):
                model = configuration.read_model_file(user_path(model))
            found = replace(found, model=model)
        # A wrong model is refused before anything has been stopped.
        plant = self._build(found)
        with self._restarting:
            served = self._thread
            if served is not None:
                served.stop()
                self._thread = None
            self._configuration, self.plant = found, plant
            self.faults.forget_elements()
            if served is not None:
                self._serve(self._address[1])

    def _running(self) -> ServerCertificate:
        if self._certificate is None:
            raise SimulatorError(
                "the simulator does not run. Use it in a with block, or start() it."
            )
        return self._certificate


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
    stage_entitlements: tuple[str, str] = _STAGE_ENTITLEMENTS,
    whole_events: bool = False,
    ping_interval: float | None = 30.0,
    ping_timeout: float | None = 60.0,
    max_message_size: int = 4 * 1024 * 1024,
    limits: Limits = DEFAULT_LIMITS,
    category_as_text: bool = True,
) -> Simulator:
    """Return a simulated Xentara server: of the demo plant, a configuration, or a made-up model.

    Parameters
    ----------
    config : path, optional
        A configuration folder with ``config.json``, ``users.json``, ``passwords.json``,
        ``security.json`` and ``model.json``.
    model : path, optional
        A single model file; with ``config`` it takes the place of the model there, without it
        the demo's users log in.
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
        A key set (JSON Web Key Set) that tokens are checked against. It goes with a configuration
        folder, whose ``oauth2.json`` says which tokens are accepted; the folder can also have a
        ``jwks.json``.
    log : path, optional
        A file to append every request and write to, one JSON object a line.
    stage_entitlements : tuple of str
        The entitlements to suspend and resume, and to shut down, where the configuration's
        access control lists call them something else.
    whole_events : bool
        Whether every event has all the attributes that are subscribed to, or only those that
        have changed.
    ping_interval, ping_timeout : float or None
        Seconds between two pings, and how long a client may owe the pong, or read nothing at all.
    max_message_size : int
        The largest message in bytes that clients may send.
    limits : Limits
        What else a client may ask for, such as the number of its connections and subscriptions.
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
        If the configuration is wrong; the message names the file, the place in it and what to do.
    OptionError
        If arguments contradict each other, or the port, number or path is none.

    Examples
    --------
    >>> with simulate(elements=100) as simulator:
    ...     simulator.url.startswith("wss://127.0.0.1:")
    True
    """
    if port is not None and not (type(port) is int and 0 <= port <= 65535):
        raise OptionError(
            f"port={port!r} is no port: give a number from 0 to 65535, 0 for any free one, or None "
            "for the configuration's"
        )
    if elements is not None and not (type(elements) is int and elements >= 0):
        raise OptionError(f"elements={elements!r} is no number of elements: give one from 0 up")
    if jwks is not None and (config is None or isinstance(config, Configuration)):
        raise OptionError(
            "jwks= holds the keys of tokens, and the oauth2.json of a configuration folder says "
            "which tokens are accepted: give that folder as config=, or leave jwks= out"
        )
    if elements is not None and tuple(stage_entitlements) != _STAGE_ENTITLEMENTS:
        raise OptionError(
            "stage_entitlements= are names in the access control lists of a configuration or a "
            "model, and elements= has none: leave one of them out"
        )
    if elements is not None and not (config is None and model is None):
        raise OptionError(
            "elements= makes up a model, so it does not go with config= or model=. "
            "Leave one of them out."
        )
    settings = SimulatorSettings(
        host,
        port,
        None if certificate is None else user_path(certificate),
        None if log is None else user_path(log),
        {
            "ping_interval": ping_interval,
            "ping_timeout": ping_timeout,
            "max_size": max_message_size,
        },
        whole_events,
        category_as_text,
        stage_entitlements,
        elements,
        limits,
    )
    users = demo.USERS if config is None else MappingProxyType({})
    # The collector would walk through a hundred thousand elements while they are made. No block:
    # interrupted as it begins, that would leave it disabled as long as the traceback is kept.
    enabled = gc.isenabled()
    try:
        gc.disable()
        model_file = None if model is None else user_path(model)
        if elements is not None:
            found = demo.security_for(synthetic.EMPTY_MODEL)
        elif config is None:
            found = (
                demo.configuration()
                if model_file is None
                else demo.security_for(configuration.read_model_file(model_file))
            )
        elif isinstance(config, Configuration):
            found = _changed(config, model_file, own_certificate)
        else:
            found = configuration.read_folder(
                user_path(config),
                model_file,
                certificate=not own_certificate and certificate is None,
                keys=() if jwks is None else read_keys(user_path(jwks)),
            )
        return Simulator(found, users, settings)
    finally:
        if enabled:
            gc.enable()


def _changed(found: Configuration, model: Path | None, own_certificate: bool) -> Configuration:
    """Return a configuration with another model, or without its certificate."""
    if model is not None:
        found = replace(found, model=configuration.read_model_file(model))
    if own_certificate:
        found = replace(found, security=replace(found.security, certificate=None))
    return found


def _ascii(host: str) -> str:
    """Return the name of a computer as it stands in a certificate."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        raise SimulatorError(
            f"{host!r} is no name of a computer, nor its address. Choose another host."
        ) from None
