"""The simulator as others see it: start it, connect to it, stop it."""

from __future__ import annotations

import shutil
import ssl
import tempfile
import weakref
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from xentara_nb.simulator import certificates, configuration, demo, synthetic
from xentara_nb.simulator.authentication import Authenticator
from xentara_nb.simulator.configuration import Configuration
from xentara_nb.simulator.conversation import Service, server_information
from xentara_nb.simulator.documents import ConfigurationError
from xentara_nb.simulator.plant import Plant
from xentara_nb.simulator.server import PATH, ServerOptions, ServerThread, SimulatorError

if TYPE_CHECKING:
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
    ping_interval, ping_timeout : float or None
        Seconds between two pings, and how long a client may owe the pong.
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
    options = ServerOptions(ping_interval, ping_timeout, max_message_size)
    users: Mapping[str, str] = MappingProxyType({})
    if elements is not None:
        if config is not None or model is not None:
            raise SimulatorError(
                "elements= makes up a model, so it does not go with config= or model=. "
                "Leave one of them out."
            )
        found = demo.security_for(synthetic.EMPTY_MODEL)
        users = demo.USERS
        plant = synthetic.plant(elements, found.security, category_as_text=category_as_text)
        return Simulator(found, plant, users, host, port, options)
    if isinstance(config, Configuration):
        found = config
    elif config is not None:
        found = configuration.read_folder(Path(config), None if model is None else Path(model))
    elif model is not None:
        found = demo.security_for(configuration.read_model_file(Path(model)))
        users = demo.USERS
    else:
        found = demo.configuration()
        users = demo.USERS
    plant = Plant.from_model(found.model, found.security, category_as_text=category_as_text)
    return Simulator(found, plant, users, host, port, options)


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
        plant: Plant,
        users: Mapping[str, str],
        host: str,
        port: int | None,
        options: ServerOptions,
    ) -> None:
        self.users = users
        self._configuration = found
        self._plant = plant
        self._host = host
        self._port = found.server.port if port is None else port
        self._options = options
        self._thread: ServerThread | None = None
        self._address: tuple[str, int] = ("", 0)
        self._certificate: Path | None = None
        self._remove_files: weakref.finalize[Any, Any] | None = None

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
            If the address cannot be listened on.
        """
        if self._thread is not None:
            return
        context = self._tls_context()
        service = Service(
            self._plant,
            Authenticator(self._configuration.users),
            server_information(self._plant, VERSION),
        )
        thread = ServerThread(
            service, self._configuration.server, context, self._host, self._port, self._options
        )
        try:
            self._address = thread.start()
        except BaseException:
            self._clean_up()
            raise
        self._thread = thread

    def stop(self) -> None:
        """End all connections and the server; nothing happens if it does not run."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        self._clean_up()

    @property
    def plant(self) -> Plant:
        """The plant that is served."""
        return self._plant

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
        return str(self._running())

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint of the certificate."""
        return certificates.fingerprint(self._running())

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
            own = self._configuration.security.certificate is None
            kwargs.update({"ca_file": self.ca_file} if own else {"fingerprint": self.fingerprint})
        return connect(self.url, **kwargs)

    def _running(self) -> Path:
        if self._thread is None or self._certificate is None:
            raise SimulatorError(
                "the simulator does not run. Use it in a with block, or start() it."
            )
        return self._certificate

    def _tls_context(self) -> ssl.SSLContext:
        security = self._configuration.security
        if security.certificate is not None and security.private_key is not None:
            self._certificate = security.certificate
            try:
                return certificates.server_context(security.certificate, security.private_key)
            except OSError as error:
                raise ConfigurationError(
                    "security.json",
                    "TLS.serverCertificate",
                    f"{security.certificate} with {security.private_key} cannot be used ({error})",
                    "Give a PEM certificate and its own key without a pass phrase, or take TLS "
                    "out: the simulator then makes its own.",
                ) from None
        folder = Path(tempfile.mkdtemp(prefix="xentara-simulator-"))
        # Also when nobody calls stop(): nothing stays behind when Python ends.
        self._remove_files = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        names = [self._host] if self._host not in _ANYWHERE else []
        self._certificate, key = certificates.write_certificate(folder, names)
        context = certificates.server_context(self._certificate, key)
        # Once loaded, nobody needs the key on disk any more.
        key.unlink()
        return context

    def _clean_up(self) -> None:
        if self._remove_files is not None:
            self._remove_files()
            self._remove_files = None
        self._certificate = None
