"""The log-in: from arguments, the address, the environment, or a prompt. Never shown."""

from __future__ import annotations

import base64
import getpass
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from xentara_nb.errors import LoginError, OptionError

_HOW = (
    "pass user= and password= (or token=), or set XENTARA_USER and XENTARA_PASSWORD "
    "(or XENTARA_TOKEN)"
)


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A user with a password, or a token (a JWT)."""

    user: str | None = None
    password: str | None = None
    token: str | None = None

    def __repr__(self) -> str:
        if self.token is not None:
            return "Credentials(token=***)"
        return f"Credentials(user={self.user!r}, password=***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not written into files: log in again where they are read")

    @property
    def who(self) -> str:
        """The user's name, or that a token is used."""
        return self.user if self.user is not None else "the bearer of a token"

    @property
    def complete(self) -> bool:
        """Whether nothing is missing to log in."""
        return self.token is not None or (self.user is not None and self.password is not None)

    def authorization(self) -> str:
        """Return the value of the HTTP header ``Authorization``."""
        if self.token is not None:
            return f"Bearer {self.token}"
        pair = f"{self.user}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


def find_credentials(
    user: str | None = None,
    password: str | None = None,
    token: str | None = None,
    *,
    in_address: Credentials | None = None,
    environment: Mapping[str, str] | None = None,
) -> Credentials:
    """Collect what is known of the log-in: arguments first, then address, then environment.

    The result may be incomplete: :func:`ask` completes it. Raises an OptionError if a token is
    given together with a user, or the user or token cannot be sent.
    """
    if token is not None and (user is not None or password is not None or in_address is not None):
        raise OptionError("log in with a user and password, or with token=, not with both")
    if in_address is not None:
        if user not in (None, in_address.user):
            raise OptionError("the address names one user and the arguments another: choose one")
        user = in_address.user
        password = in_address.password if password is None else password
    values = os.environ if environment is None else environment
    if token is None and user is None and password is None and values.get("XENTARA_TOKEN"):
        token = values["XENTARA_TOKEN"].strip()
    if token is None:
        # A password from the environment belongs to the user from the environment.
        known_user = values.get("XENTARA_USER") or None
        if user is None:
            user = known_user
        if password is None and user is not None and known_user in (None, user):
            password = values.get("XENTARA_PASSWORD") or None
    return _checked(Credentials(user, password, token))


def _checked(credentials: Credentials) -> Credentials:
    if credentials.user is not None and ":" in credentials.user:
        raise OptionError(
            "the user name has a colon in it, which a Xentara server cannot take with a password: "
            "give the password as password=, or log in with a token"
        )
    for text, what in ((credentials.user, "user name"), (credentials.token, "token")):
        if text is not None and (not text or any(ord(c) < 32 for c in text)):
            raise OptionError(f"the {what} is empty or has a control character in it")
    if credentials.token is not None and not credentials.token.isascii():
        raise OptionError("the token has characters that a token cannot have")
    pair = f"{credentials.user}{credentials.password}"
    if any("\ud800" <= character <= "\udfff" for character in pair):
        raise OptionError("the user name or password has characters that cannot be sent")
    return credentials


def ask(credentials: Credentials, server: str) -> Credentials:
    """Ask for what is missing, in the terminal or the notebook.

    Raises a LoginError if there is none to ask in.
    """
    if credentials.complete:
        return credentials
    missing = "password" if credentials.user else "user and password"
    if not can_ask():
        raise LoginError(f"no {missing} for {server}: {_HOW}")
    try:
        user = credentials.user or input(f"User for {server}: ")
        password = credentials.password
        if password is None:
            password = getpass.getpass(f"Password of {user} for {server}: ")
    # A notebook run without a person raises its own kind of RuntimeError at the first question.
    except (EOFError, RuntimeError):
        raise LoginError(f"no {missing} for {server}: {_HOW}") from None
    return _checked(Credentials(user, password))


def can_ask() -> bool:
    """Return whether there is a terminal, or a notebook, with a person in front of it."""
    if "ipykernel" in sys.modules:
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
        if shell is not None and hasattr(shell, "kernel"):
            return True
    return sys.stdin is not None and sys.stdin.isatty()
