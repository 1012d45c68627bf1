"""Where a server is: what a user types, read into host, port and path.

Examples
--------
>>> address, credentials = parse_address("plant.example:8443")
>>> address.url
'wss://plant.example:8443/api/ws'
>>> parse_address("http://plant.example")
Traceback (most recent call last):
    ...
xentara_nb.errors.AddressError: 'http://plant.example' is no address of a Xentara server: ...
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from xentara_nb.credentials import Credentials
from xentara_nb.errors import AddressError

DEFAULT_PORT = 8080
"""The port of a Xentara server whose configuration names no other."""

DEFAULT_PATH = "/api/ws"
"""Where a Xentara server has its WebSocket."""

_FORMS = "write it as host, host:port or wss://host:port/api/ws"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is. Holds no credentials, so it can be shown."""

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


def parse_address(text: str) -> tuple[Address, Credentials | None]:
    """Read an address, and the credentials in it if it has any.

    Parameters
    ----------
    text : str
        ``host``, ``host:port`` or ``wss://user:password@host:port/api/ws``. The port is 8080 and
        the path ``/api/ws`` when they are left out. ``ws://`` is for this computer only.

    Raises
    ------
    AddressError
        If the text is no such address. The message never shows what stands before an ``@``.
    """
    shown = repr(_without_credentials(text))
    plain = text.strip()
    parts = urlsplit(plain if "://" in plain else f"wss://{plain}")
    if parts.scheme not in ("wss", "ws"):
        raise AddressError(f"{shown} is no address of a Xentara server: {_FORMS}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"{shown} has no valid port ({error}): {_FORMS}") from None
    if not host or any(character.isspace() for character in host):
        raise AddressError(f"{shown} names no host: {_FORMS}")
    if port == 0:
        raise AddressError(f"{shown} has no valid port: {_FORMS}")
    if parts.query or parts.fragment:
        raise AddressError(
            f"{shown} has a part behind ? or #, which Xentara does not take: {_FORMS}"
        )
    path = DEFAULT_PATH if parts.path in ("", "/") else parts.path
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


def is_loopback(host: str) -> bool:
    """Return whether a host is this computer."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _without_credentials(text: str) -> str:
    head, at, tail = text.rpartition("@")
    if not at:
        return text
    scheme, separator, _ = head.partition("://")
    return f"{scheme}{separator}***@{tail}" if separator else f"***@{tail}"
