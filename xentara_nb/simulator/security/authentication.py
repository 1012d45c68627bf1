"""Who a client is: log-in by password, token or certificate, and the roles that come of it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from xentara_nb.simulator.security import passwords
from xentara_nb.simulator.security.access import Principal, roles
from xentara_nb.simulator.security.client_certificates import ClientCertificates
from xentara_nb.simulator.security.settings import User
from xentara_nb.simulator.security.tokens import OAuth2


class Authenticator:
    """Checks log-ins against the users, tokens and certificates of a configuration."""

    def __init__(
        self,
        users: Iterable[User],
        oauth2: OAuth2 = OAuth2(),
        certificates: ClientCertificates = ClientCertificates(),
    ) -> None:
        self.by_token = oauth2.verify
        self.by_certificate = certificates.verify
        self._users = {user.name: user for user in users}
        hashes = [user.password_hash for user in self._users.values() if user.password_hash]
        self._decoy = passwords.decoy_for(hashes)

    def by_password(self, name: str, password: str) -> Principal | None:
        """Return the client with this user name and password, None if there is none.

        This works for some milliseconds, so it belongs into a thread of its own.
        """
        user = self._users.get(name)
        password_hash = None if user is None else user.password_hash
        if not passwords.verify(password, password_hash, self._decoy) or user is None:
            return None
        return Principal(user.name, roles(*user.roles))


def parse_bearer(header: str) -> str | None:
    """Return the token of an ``Authorization`` header, None if it is not Bearer.

    Examples
    --------
    >>> parse_bearer("Bearer abc.def.ghi")
    'abc.def.ghi'
    """
    scheme, _, token = header.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


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
