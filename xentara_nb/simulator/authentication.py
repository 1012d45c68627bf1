"""Who a client is: log-in by user name and password, and the rights that come of it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from xentara_nb.simulator import access, passwords
from xentara_nb.simulator.configuration import User


@dataclass(frozen=True, slots=True)
class Client:
    """Someone who has logged in."""

    name: str
    roles: frozenset[str]


class Authenticator:
    """Checks log-ins against the users of a configuration.

    Parameters
    ----------
    users : iterable of User
        The users.
    """

    def __init__(self, users: Iterable[User]) -> None:
        self._users = {user.name: user for user in users}
        hashes = [user.password_hash for user in self._users.values() if user.password_hash]
        self._decoy = passwords.decoy_for(hashes)

    def by_password(self, name: str, password: str) -> Client | None:
        """Return the client with this user name and password, None if there is none.

        This works for some milliseconds, so it belongs into a thread of its own.
        """
        user = self._users.get(name)
        password_hash = None if user is None else user.password_hash
        if not passwords.verify(password, password_hash, self._decoy) or user is None:
            return None
        return Client(user.name, access.roles(*user.roles))

    def by_token(self, token: str) -> Client | None:
        """Return the client that a token stands for, None if it is not accepted."""
        return None

    def by_certificate(self, der: bytes) -> Client | None:
        """Return the client that a certificate stands for, None if it is not accepted."""
        return None


def parse_basic(header: str) -> tuple[str, str] | None:
    """Return user name and password of an ``Authorization`` header, None if it is not Basic.

    Examples
    --------
    >>> parse_basic("Basic dXNlcjpwYXNzOndvcmQ=")
    ('user', 'pass:word')
    """
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        data = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        # Some clients still send what was usual before UTF-8.
        text = data.decode("latin-1")
    name, colon, password = text.partition(":")
    return (name, password) if colon else None
