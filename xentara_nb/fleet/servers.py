"""The servers of a fleet: names, addresses, what is trusted, and where each secret comes from.

A list of servers is a TOML or CSV file with the fields of :class:`Server`. The reference describes
it under *Formats*, and ``xentara-nb fleet --help`` shows one with all of its fields::

    [all]                                  # for every server that says nothing else
    user = "operator"
    password_from = "file:secrets/{name}"

    [servers.north]
    address = "10.0.1.5:8080"

Without ``password_from`` and ``token_from`` the environment says who logs in, as for
:func:`xentara_nb.connect`. No secret ever stands in such a file.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from xentara_nb.client.client import Client
from xentara_nb.client.connecting import connect
from xentara_nb.connection.address import canonical, parse_address
from xentara_nb.connection.credentials import Credentials, checked, from_environment
from xentara_nb.connection.deadline import check_timeout
from xentara_nb.connection.tls import Trust
from xentara_nb.connection.trust_store import known_certificate
from xentara_nb.errors import AddressError, LoginError, OptionError
from xentara_nb.fleet.failures import error_text
from xentara_nb.fleet.secret_sources import SecretSource, secret_source
from xentara_nb.paths import parse_toml, read_file, user_path
from xentara_nb.protocol.secret import Secret
from xentara_nb.suggestions import did_you_mean
from xentara_nb.tables.files import read_cells
from xentara_nb.writes.journal import JournalLike
from xentara_nb.writes.policy import WritePolicyLike

MAX_BYTES = 16 * 1024 * 1024
"""The largest list of servers that is read, in bytes."""

# Also the name of a folder, which some systems cut a dot or blank at the end off.
_NAME = re.compile(r"\w(?:[\w .-]{0,98}[\w-])?")
_NAME_BYTES = 200  # with "server=" in front, systems take 255


@dataclass(frozen=True, slots=True)
class Server:
    """One server of a fleet. It holds no secret unless it was given one.

    Parameters
    ----------
    name : str
        What it is called in the column ``server``.
    address : str
        ``host``, ``host:port`` or ``wss://host:port/api/ws``.
    user : str, optional
        Who logs in; left out, ``XENTARA_USER``.
    password_from, token_from : str or Secret, optional
        Where the password or token is found: ``env:VARIABLE``, ``file:PATH`` or ``keyring``; a
        Secret is used in this process alone. Left out, the variables of ``connect``.
    ca_file, fingerprint : str, optional
        What is trusted, as for ``connect``.
    timeout : float, default 10.0
        How long to wait for the connection, and for each answer, in seconds.

    Raises
    ------
    OptionError, AddressError
        If something of it cannot be used.

    Examples
    --------
    >>> Server("north", "10.0.1.5", user="operator", password_from="env:PASSWORD_{NAME}")
    <Server north, wss://10.0.1.5:8080/api/ws, operator with env:PASSWORD_NORTH>
    """

    name: str
    address: str
    user: str | None = None
    password_from: str | Secret | SecretSource | None = None
    token_from: str | Secret | SecretSource | None = None
    ca_file: str | None = None
    fingerprint: str | None = None
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if not _is_name(self.name):
            raise OptionError(
                f"{self.name!r:.120} is no name of a server: up to 100 letters, digits, _ . - and "
                f"blanks ({_NAME_BYTES} bytes), the last of them no dot and no blank"
            )
        try:
            address, in_address = parse_address(self.address)
        except AddressError as error:
            raise AddressError(f"server {self.name}: {error}") from None
        if in_address is not None:
            raise OptionError(
                f"server {self.name}: its address has a log-in in it; give the user as user, and "
                "say with password_from where the password is"
            )
        object.__setattr__(self, "address", address.url)
        for option in ("password_from", "token_from"):
            given = getattr(self, option)
            if given is not None and not isinstance(given, SecretSource):
                object.__setattr__(self, option, secret_source(given, option, self.name))
        if self.password_from is not None and self.token_from is not None:
            raise OptionError(f"server {self.name}: give password_from or token_from, not both")
        try:
            if self.user is not None:
                object.__setattr__(self, "user", checked(Credentials(self.user)).user)
            if not isinstance(self.fingerprint, str | None):
                raise OptionError("its fingerprint is no text")
            Trust(self.ca_file, self.fingerprint)
            object.__setattr__(self, "timeout", check_timeout(self.timeout))
        except OptionError as error:
            raise OptionError(f"server {self.name}: {error_text(error)}") from None

    def __repr__(self) -> str:
        source = self.password_from or self.token_from or "the environment"
        who = f"{self.user} with " if self.user else ""
        return f"<Server {self.name}, {self.address}, {who}{source}>"

    @property
    def place(self) -> tuple[str, str]:
        """Where it is, in one spelling: host and port, and the path."""
        address, _ = parse_address(self.address)
        netloc = canonical(address.netloc)
        local = netloc.startswith("localhost:")
        return f"127.0.0.1:{address.port}" if local else netloc, address.path

    def portable(self) -> Server:
        """Return the same server as another process can connect to it.

        Raises
        ------
        OptionError
            If its secret was given in this process.
        """
        for source in (self.password_from, self.token_from):
            if isinstance(source, SecretSource) and not source.travels:
                raise OptionError(
                    f"server {self.name}: its secret was given in this process, and is not sent to "
                    "others. Say where they find it: password_from='env:VARIABLE', 'file:PATH' or "
                    "'keyring'"
                )
        return self

    def trusting(self) -> Server:
        """Return the same server with the certificate that was trusted with the log-in form."""
        if self.ca_file is None and self.fingerprint is None:
            known = known_certificate(parse_address(self.address)[0].netloc)
            if known is not None:
                return _replace(self, fingerprint=known.fingerprint)
        return self

    def login(self) -> tuple[str | None, Secret | None, Secret | None]:
        """Return user, password and token, from where they are found here.

        Raises
        ------
        LoginError
            If there is no secret.
        """
        user, password, token = self.user, None, None
        netloc = parse_address(self.address)[0].netloc
        if isinstance(self.token_from, SecretSource):
            token, user = self.token_from.fetch(netloc, user), None
        else:
            known = from_environment()
            if user is None:
                user = known.user
            if isinstance(self.password_from, SecretSource):
                password = self.password_from.fetch(netloc, user)
            elif known.token is not None and self.user is None:
                token, user = known.token, None
            elif known.user in (None, user):
                password = known.password
            if token is None and (user is None or password is None):
                raise LoginError(
                    f"no {'user' if user is None else 'password'} for {netloc}: say where it is "
                    "with user and password_from in the list of servers, or set XENTARA_USER and "
                    "XENTARA_PASSWORD"
                )
        return user, password, token

    def connect(
        self,
        *,
        read_only: bool = False,
        policy: WritePolicyLike = None,
        journal: JournalLike = None,
    ) -> Client:
        """Connect, with the secret from where it is found here; no one is ever asked for it.

        Raises
        ------
        LoginError
            If there is no secret, or the server does not let the user in.
        ConnectError, DeadlineError
            As :func:`xentara_nb.connect`.
        """
        user, password, token = self.login()
        return connect(
            self.address,
            user=user,
            password=password,
            token=token,
            ca_file=self.ca_file,
            fingerprint=self.fingerprint,
            timeout=self.timeout,
            read_only=read_only,
            policy=policy,
            journal=journal,
        )


def _replace(server: Server, **changes: Any) -> Server:
    return Server(**{**{each: getattr(server, each) for each in _FIELDS}, **changes})


_FIELDS = tuple(field.name for field in fields(Server))

ServersLike: TypeAlias = (
    "str | os.PathLike[str] | Iterable[Server | Mapping[str, Any] | str] | Mapping[str, Any]"
)
"""What names the servers of a fleet: a TOML or CSV file, a list, or a dict of addresses by name."""


def find_servers(servers: ServersLike) -> tuple[Server, ...]:
    """Return the servers that a file, a list or a dict names, in its order.

    Raises
    ------
    OptionError, AddressError
        If something cannot be used; the message names the server, and the file and line if it is
        in one.
    InventoryFileError, OSError
        If a file cannot be read.
    """
    problem = None
    try:
        found = _find(servers)
        _check_together(found)
    except (OptionError, AddressError) as error:
        where = f"{os.fspath(servers)}: " if isinstance(servers, str | os.PathLike) else ""
        problem = type(error)(f"{where}{error}")
    # Raised here: a traceback that shows variables would show a password where it was found.
    if problem is not None:
        raise problem from None
    return tuple(found)


def _check_together(found: Sequence[Server]) -> None:
    """Raise an OptionError if servers cannot be told apart, or there is none."""
    names: set[str] = set()
    variables: dict[str, str] = {}
    for server in found:
        # As the names of folders, which some systems do not tell apart by their case or form.
        folded = unicodedata.normalize("NFC", server.name.casefold())
        if folded in names:
            raise OptionError(f"two servers are called {server.name}: give each a name of its own")
        names.add(folded)
        for source in (server.password_from, server.token_from):
            if isinstance(source, SecretSource) and source.made_for:
                other = variables.setdefault(source.place, server.name)
                if other != server.name:
                    raise OptionError(
                        f"{other} and {server.name} would have the same secret, that of the "
                        f"variable {source.place}: name another one for one of them"
                    )
    if not found:
        raise OptionError("there is no server in the list of servers")


def _is_name(name: object) -> bool:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return False
    return len(name.encode()) <= _NAME_BYTES


def _find(servers: ServersLike) -> list[Server]:
    if isinstance(servers, str | os.PathLike):
        return _from_file(servers)
    if isinstance(servers, Mapping):
        return [_server(name, _words(name, each), None) for name, each in servers.items()]
    if isinstance(servers, Iterable):
        return [_one(each) for each in servers]
    raise OptionError(
        f"servers are a file, a list or a dict of addresses, and not a {type(servers).__name__}"
    )


def _one(server: object) -> Server:
    if isinstance(server, Server):
        return server
    if isinstance(server, Mapping):
        words = dict(server)
        return _server(words.pop("name", None), words, None)
    if isinstance(server, str):
        return Server(parse_address(server)[0].host, server)
    raise OptionError(f"this names no server, but is of type {type(server).__name__}")


def _from_file(path: str | os.PathLike[str]) -> list[Server]:
    file = user_path(path)
    folder = os.path.dirname(file.absolute())
    if file.suffix.lower() == ".csv":
        table = read_cells(file)
        if not {"name", "address"} <= set(table.columns):
            raise OptionError("a list of servers has the columns name and address")
        return [_in_row(number, row, folder) for number, row in enumerate(_records(table), 1)]
    if file.suffix.lower() != ".toml":
        raise OptionError("a list of servers is a .toml or a .csv file")
    try:
        content = parse_toml(read_file(file, MAX_BYTES))
    except OptionError:
        raise
    except RecursionError:
        raise OptionError("this is no list of servers: it is nested too deep") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise OptionError(f"this is no TOML file: {error}") from None
    if unknown := [name for name in content if name not in ("all", "servers")]:
        offer = did_you_mean(unknown[0], ["all", "servers"])
        raise OptionError(f"there are the parts [all] and [servers.NAME]{offer}")
    shared, named = content.get("all", {}), content.get("servers", {})
    if not isinstance(shared, dict) or not isinstance(named, dict):
        raise OptionError("[all] and [servers.NAME] are tables")
    for word in ("name", "address"):  # a server without would be another one
        if word in shared:
            raise OptionError(f"{word} is not for [all]: each server has its own")
    return [
        _server(name, {**_without_other_secret(shared, own), **own}, folder)
        for name, own in ((name, _words(name, each)) for name, each in named.items())
    ]


def _without_other_secret(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return what all servers share; a secret or a trust of its own takes the place of another."""
    pairs = {"password_from", "token_from"}, {"ca_file", "fingerprint"}
    gone = set[str]().union(*(pair for pair in pairs if pair & own.keys()))
    return {name: value for name, value in shared.items() if name not in gone}


def _in_row(number: int, row: Mapping[str, Any], folder: str) -> Server:
    """Return the server of a row of a CSV file; an error says which row below the names it is."""
    words = {name: cell for name, cell in row.items() if cell}
    try:
        return _server(words.pop("name", ""), words, folder)
    except (OptionError, AddressError) as error:
        raise type(error)(f"row {number}: {error}") from None


def _records(table: Any) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = table.where(table.notna(), None).to_dict("records")
    return records


def _words(name: object, given: object) -> dict[str, Any]:
    if isinstance(given, str):
        return {"address": given}
    if not isinstance(given, Mapping):
        raise OptionError(f"server {name}: its address is missing")
    return dict(given)


def _server(name: Any, words: dict[str, Any], folder: str | None) -> Server:
    for word in words:
        if word in ("password", "token"):
            raise OptionError(
                f"server {name}: a {word} does not belong into a list of servers. Say where it is: "
                f"{word}_from = 'env:VARIABLE', 'file:PATH' or 'keyring'; and change the {word}"
            )
        if word == "name":
            raise OptionError(f"server {name}: it is called so already: take name out")
        if word not in _FIELDS:
            offer = did_you_mean(word, _FIELDS)
            raise OptionError(f"server {name}: there is no {word!r} in a list of servers{offer}")
    if "address" not in words:
        raise OptionError(f"server {name}: its address is missing")
    for option in ("password_from", "token_from"):
        if words.get(option) is not None and not isinstance(words[option], SecretSource):
            words[option] = secret_source(words[option], option, str(name), folder)
    if words.get("ca_file") is not None:
        try:
            words["ca_file"] = os.path.join(folder or os.getcwd(), user_path(words["ca_file"]))
        except OptionError as error:
            raise OptionError(f"server {name}: ca_file: {error}") from None
    timeout = words.get("timeout", 10.0)
    try:
        # A boolean is refused by the server.
        words["timeout"] = timeout if isinstance(timeout, bool) else float(timeout)
    except (TypeError, ValueError, OverflowError):
        raise OptionError(f"server {name}: its timeout is no number") from None
    return Server(name, **words)
