"""Where a server is: the text that a user types, parsed into host, port and path."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit

from xentara_nb.connection.credentials import Credentials
from xentara_nb.errors import AddressError
from xentara_nb.protocol.secret import Secret, SecretLike
from xentara_nb.protocol.text import pasted

DEFAULT_PORT = 8080
"""The port of a Xentara server whose configuration names no other."""

DEFAULT_PATH = "/api/ws"
"""Where a Xentara server has its WebSocket."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SAFE_IN_PATH = "/%:!$&'()*+,;=~"
_FORMS = "write it as host, host:port or wss://host:port/api/ws"


ANSWERED_BEFORE = (
    "this client was connected to it before, so host and port are right: the server may be "
    "starting or stopping, or a proxy or another service answers in its place"
)
"""What to think of a server that does not answer as it did before."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is. Holds no credentials, so it can be shown.

    Parameters
    ----------
    host : str
        The name or IP address of the computer.
    port : int, default 8080
        The port.
    path : str, default "/api/ws"
        Where the WebSocket is.
    tls : bool, default True
        Whether it is reached with TLS; without is for this computer alone.

    Examples
    --------
    >>> client.address.host, client.address.path
    ('127.0.0.1', '/api/ws')
    >>> Address("plant").url
    'wss://plant:8080/api/ws'
    """

    host: str
    port: int = DEFAULT_PORT
    path: str = DEFAULT_PATH
    tls: bool = True

    @property
    def netloc(self) -> str:
        """Host and port, as ``plant:8080`` or ``[::1]:8080``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address, without credentials."""
        return f"{'wss' if self.tls else 'ws'}://{self.netloc}{self.path}"

    def __str__(self) -> str:
        return self.url


def parse_address(text: SecretLike) -> tuple[Address, Credentials | None]:
    """Read ``host``, ``host:port`` or ``wss://user:password@host:port/api/ws``.

    Return the address, and the credentials in it if it has any. ``ws://`` is for this computer
    only. Raises an AddressError that never shows what stands before an ``@`` or behind ``?``.
    """
    secret = Secret(text)
    del text
    try:
        return _parse(secret.reveal())
    except AddressError as error:
        problem = str(error)
    # Raised here: a traceback that shows variables would show the password where it was found.
    raise AddressError(problem)


def _parse(text: str) -> tuple[Address, Credentials | None]:
    if not isinstance(text, str):
        raise AddressError(f"an address is a text, not of the type {type(text).__name__}: {_FORMS}")
    text = pasted(text)
    shown = repr(_without_secrets(text))
    parts, host, port = _split(text, shown)
    if parts.scheme not in ("wss", "ws"):
        raise AddressError(f"{shown} is no address of a Xentara server: {_FORMS}")
    if not host or " " in host or not host.isprintable():
        raise AddressError(f"{shown} names no host: {_FORMS}")
    if port == 0:
        raise AddressError(f"{shown} has no valid port: {_FORMS}")
    if parts.query or parts.fragment:
        raise AddressError(
            f"{shown} has a part behind ? or #, which Xentara does not take: {_FORMS}"
        )
    path = DEFAULT_PATH if parts.path in ("", "/") else quote(parts.path, safe=_SAFE_IN_PATH)
    address = Address(host, port or DEFAULT_PORT, path, tls=parts.scheme == "wss")
    if not address.tls and not is_loopback(host):
        raise AddressError(
            f"{shown} would send the password in the clear: use wss:// (ws:// is for this "
            "computer only)"
        )
    if parts.username is None:
        return address, None
    password = None if parts.password is None else unquote(parts.password)
    return address, Credentials(user=unquote(parts.username), password=password)


def _split(text: str, shown: str) -> tuple[SplitResult, str | None, int | None]:
    scheme = _SCHEME.match(text)
    rest = text[scheme.end() :] if scheme else text
    # In a password, these would end the name of the host: a part of the password would be taken
    # for the port or the path, and the user's name for the host to which the rest is sent.
    if "@" in "".join(re.split("[/?#]", rest, maxsplit=1)[1:]):
        raise AddressError(
            f"{shown} has one of / ? # before an @: write them as %2F, %3F and %23 in a password, "
            "or pass user= and password="
        )
    try:
        parts = urlsplit(text if scheme else f"wss://{text}")
        return parts, parts.hostname, parts.port
    except ValueError:
        # Python's own words would repeat a part of the text, which may be the password.
        raise AddressError(f"{shown} has no valid host and port: {_FORMS}") from None


def is_loopback(host: str) -> bool:
    """Return whether a host is this computer."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def canonical(netloc: str) -> str:
    """Return one spelling of a host and port: a name also with a dot behind it, or in capitals."""
    host, _, port = netloc.rpartition(":")
    host = host.strip("[]").removesuffix(".").lower()
    with suppress(ValueError):
        host = ipaddress.ip_address(host).compressed
    with suppress(UnicodeError):
        host = host.encode("idna").decode("ascii")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _without_secrets(text: str) -> str:
    head, at, tail = text.rpartition("@")
    scheme = _SCHEME.match(head)
    shown = f"{scheme[0] if scheme else ''}***@{tail}" if at else text
    # Other servers take a token there.
    return re.sub("([?#]).+", r"\1***", shown, flags=re.DOTALL)
