"""The log-in: from arguments, the address, the environment, or a prompt. Never shown."""

from __future__ import annotations

import base64
import getpass
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from xentara_nb.errors import LoginError, OptionError
from xentara_nb.protocol.secret import Secret, SecretLike
from xentara_nb.protocol.text import UNSENDABLE, pasted, safe, trimmed, without_marks

_HOW = (
    "pass user= and password= (or token=), or set XENTARA_USER and XENTARA_PASSWORD "
    "(or XENTARA_TOKEN)"
)
_NOT_SENT = f"the user name or password {UNSENDABLE}"


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A user with a password, or a token (a JWT); and the variable that gave password or token."""

    user: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    variable: str = field(default="", compare=False)

    def __init__(
        self,
        user: str | None = None,
        password: SecretLike | None = None,
        token: SecretLike | None = None,
        variable: str = "",
    ) -> None:
        object.__setattr__(self, "user", user)
        object.__setattr__(self, "password", Secret.of(password))
        object.__setattr__(self, "token", Secret.of(token))
        object.__setattr__(self, "variable", variable)

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

    @property
    def doubt(self) -> str:
        """What to look at when a server does not accept the log-in; empty if nothing.

        Blanks and quotation marks may be meant, so they are sent.
        """
        doubt = "" if self.password is None else _doubt(self.password.reveal())
        taken = f"{self.variable} was taken" if self.variable else ""
        return ", and ".join(filter(None, (taken, doubt)))

    def authorization(self) -> str:
        """Return the value of the HTTP header ``Authorization``."""
        if self.token is not None:
            return f"Bearer {self.token.reveal()}"
        password = "" if self.password is None else self.password.reveal()
        pair = f"{self.user}:{password}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


def _doubt(password: str) -> str:
    if password != password.strip():
        return "the password begins or ends with a blank"
    if len(password) > 1 and password[0] == password[-1] and password[0] in "\"'":
        return "the password stands in quotation marks, which were sent as a part of it"
    return ""


def find_credentials(
    user: SecretLike | None = None,
    password: SecretLike | None = None,
    token: SecretLike | None = None,
    *,
    in_address: Credentials | None = None,
    environment: Mapping[str, str] | None = None,
) -> Credentials:
    """Collect what is known of the log-in: arguments first, then address, then environment.

    The result may be incomplete: :func:`ask` completes it. Raises an OptionError if a token is
    given together with a user, arguments and address differ, or something cannot be sent.
    """
    # Also the user: a password may stand behind it, and a traceback shows variables.
    user, password, token = Secret.of(user), Secret.of(password), Secret.of(token)
    known = from_environment(environment)
    environment = None
    if token is not None and (user is not None or password is not None or in_address is not None):
        raise OptionError("log in with a user and password, or with token=, not with both")
    name = None if user is None else _user(user)
    if in_address is not None:
        if name not in (None, in_address.user):
            raise OptionError("the address names one user and the arguments another: choose one")
        name = in_address.user
        if password is None:
            password = in_address.password
        elif in_address.password not in (None, password):
            raise OptionError("the address has one password and the arguments another: choose one")
    if token is None and name is None and password is None and known.token:
        return checked(Credentials(token=known.token, variable="XENTARA_TOKEN"))
    if token is None:
        # A password from the environment belongs to the user from the environment.
        if name is None:
            name = known.user
        if password is None and name is not None and known.user in (None, name):
            password = known.password
            if password is not None:
                return checked(Credentials(name, password, variable="XENTARA_PASSWORD"))
    return checked(Credentials(name, password, token))


def from_environment(environment: Mapping[str, str] | None = None) -> Credentials:
    """Return what the environment says of the log-in."""
    values = os.environ if environment is None else environment
    user, password, token = (
        values.get(f"XENTARA_{name}", "") for name in ("USER", "PASSWORD", "TOKEN")
    )
    return Credentials(
        trimmed(user) or None, without_marks(password) or None, pasted(token) or None
    )


def checked(credentials: Credentials, *, colon: bool = False) -> Credentials:
    """Return credentials as they can be sent, without marks at their ends.

    With ``colon``, the user's name may have one, as it may in a sub-session.

    Raises an OptionError if a part of them cannot be sent.
    """
    user = None if credentials.user is None else _user(Secret(credentials.user), colon)
    password, token = credentials.password, credentials.token
    if token is not None and (problem := _token_problem(token.reveal())):
        raise OptionError(problem)
    if password is not None and (problem := _password_problem(password.reveal())):
        raise OptionError(problem)
    return Credentials(
        user,
        None if password is None else without_marks(password.reveal()),
        None if token is None else pasted(token.reveal()),
        credentials.variable,
    )


def _user(secret: Secret, colon: bool = False) -> str:
    """Return the name of a user who may log in; raises an OptionError if it cannot be sent."""
    if problem := _user_problem(secret.reveal(), colon):
        raise OptionError(problem)
    return trimmed(secret.reveal())


# These return what is wrong instead of raising it, and so do not stand in a traceback.


def _user_problem(text: object, colon: bool) -> str | None:
    if not isinstance(text, str):
        return f"the user name is a text, not of the type {type(text).__name__}"
    if ":" in text and not colon:
        return (
            "the user name has a colon in it, which a Xentara server cannot take with a password: "
            "give the password as password=, or log in with a token"
        )
    return _text_problem(trimmed(text), "user name")


def _token_problem(text: object) -> str | None:
    if not isinstance(text, str):
        return f"the token is a text, not of the type {type(text).__name__}"
    if not text.isascii() and not pasted(text).isascii():
        return "the token has characters that a token cannot have"
    return _text_problem(pasted(text), "token")


def _password_problem(text: object) -> str | None:
    if not isinstance(text, str):
        return f"the password is a text, not of the type {type(text).__name__}"
    return _NOT_SENT if _has_surrogates(text) else None


def _text_problem(text: str, what: str) -> str | None:
    if not text or any(ord(c) < 32 for c in text):
        return f"the {what} is empty or has a control character in it"
    return _NOT_SENT if _has_surrogates(text) else None


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


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
            password = Secret(getpass.getpass(f"Password of {safe(user)} for {server}: "))
    # A notebook run without a person raises its own kind of RuntimeError at the first question.
    except (EOFError, RuntimeError):
        raise LoginError(f"no {missing} for {server}: {_HOW}") from None
    return checked(Credentials(user, password))


def can_ask() -> bool:
    """Return whether there is a terminal, or a notebook, with a person in front of it."""
    if "ipykernel" in sys.modules:
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
        if shell is not None and hasattr(shell, "kernel"):
            return True
    return sys.stdin is not None and sys.stdin.isatty()
