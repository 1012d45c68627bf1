"""Where the secret of a server comes from: the environment, a file, a keyring, or this process.

What is kept of a source is the text that names it, which is no secret and may travel. The secret is
fetched where a connection is made, on the computer that makes it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from xentara_nb.connection.secret_store import from_file, from_keyring
from xentara_nb.errors import LoginError, OptionError
from xentara_nb.paths import user_path
from xentara_nb.protocol.secret import Secret

_KINDS = ("env", "file", "keyring")
_HOW = "env:VARIABLE, file:PATH, or keyring"


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a password or token is found; made by :func:`secret_source`.

    One that was given in this process (``kind`` is ``"given"``) cannot be sent to another.
    """

    kind: str
    place: str = ""
    given: Secret | None = None
    made_for: str = field(default="", compare=False, repr=False)  # whose {NAME} is in the variable

    def __str__(self) -> str:
        return f"{self.kind}:{self.place}" if self.place else self.kind

    @property
    def travels(self) -> bool:
        """Whether another process can fetch the secret."""
        return self.given is None

    def fetch(self, server: str, user: str | None) -> Secret:
        """Return the secret: for a keyring, that of a user at a server (host and port).

        Raises
        ------
        LoginError
            If there is none.
        MissingExtraError
            If there is no package for keyrings.
        """
        if self.given is not None:
            return self.given
        if self.kind == "env":
            secret = Secret(os.environ.get(self.place, ""))
            if not secret:
                raise LoginError(f"the environment variable {self.place} is not set here")
            return secret
        if self.kind == "file":
            try:
                return from_file(self.place)
            except OptionError as error:
                raise LoginError(str(error)) from None
        return from_keyring(server, user or "")


def secret_source(text: object, option: str, name: str, folder: str | None = None) -> SecretSource:
    """Read where a secret comes from.

    Parameters
    ----------
    text : str or Secret
        ``env:VARIABLE``, ``file:PATH`` or ``keyring`` (in which the log-in form keeps passwords),
        ``{name}`` in it replaced by the name of the server, ``{NAME}`` by that in upper case with
        ``_`` for what a variable cannot have. A Secret is the secret itself.
    option : str
        What is read, for a message.
    name : str
        The name of the server.
    folder : str, optional
        Where a relative path begins.

    Raises
    ------
    OptionError
        If it is none. The message never shows it, for it may be the secret itself.
    """
    if isinstance(text, Secret):
        return SecretSource("given", given=text)
    kind, _, place = text.partition(":") if isinstance(text, str) else ("", "", "")
    kind = kind.strip()
    problem = OptionError(
        f"server {name}: {option} says where the secret is, {_HOW}, and is never the secret itself"
    )
    if kind not in _KINDS or bool(place.strip()) is (kind == "keyring"):
        raise problem
    made_for = name if kind == "env" and "{NAME}" in place else ""
    place = place.strip().replace("{name}", name)
    place = place.replace("{NAME}", re.sub(r"\W", "_", name, flags=re.ASCII).upper())
    if kind == "file":
        try:
            place = os.path.join(folder or os.getcwd(), user_path(place))
        except OptionError:  # which would show it
            raise problem from None
    return SecretSource(kind, place, made_for=made_for)
