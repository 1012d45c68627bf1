"""The simulator as others see it: start it, connect to it, stop it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from xentara_nb.simulator.config import configuration, demo
from xentara_nb.simulator.config.configuration import Configuration
from xentara_nb.simulator.faults import Faults
from xentara_nb.simulator.model.model import Model
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security import access
from xentara_nb.simulator.security.authentication import Authenticator
from xentara_nb.simulator.security.server_certificate import ServerCertificate
from xentara_nb.simulator.server.dispatcher import Service, server_information
from xentara_nb.simulator.server.request_log import Recorder
from xentara_nb.simulator.server.server import PATH, ServerOptions, ServerThread, SimulatorError

if TYPE_CHECKING:
    import pandas as pd

    from xentara_nb.client import Client

VERSION = "2.0.8 (simulator)"
"""What the simulator calls its version."""

_ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """What was asked of ``simulate``."""

    host: str
    port: int | None
    certificate: Path | None
    log: Path | None
    options: ServerOptions
    category_as_text: bool
    entitlements: access.StageEntitlements


class Simulator:
    """A simulated server. Made by :func:`~xentara_nb.simulator.starting.simulate`.

    Attributes
    ----------
    users : mapping of str to str
        The demo users and their passwords; empty for a configuration of your own.
    """

    def __init__(
        self,
        found: Configuration,
        users: Mapping[str, str],
        settings: SimulatorSettings,
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
        self._identity: ServerCertificate | None = None

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
            self._identity = ServerCertificate(
                self._configuration.security,
                [] if host in _ANYWHERE else [host],
                self._settings.certificate,
            )
            port = self._settings.port
            self._serve(self._configuration.server.port if port is None else port)
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
        from xentara_nb.client import connect

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

    def _running(self) -> ServerCertificate:
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
