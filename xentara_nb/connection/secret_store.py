"""Where secrets are kept outside of this library: in files, and in the keyring of a computer."""

from __future__ import annotations

import codecs
import os
from contextlib import suppress
from typing import Any

from xentara_nb.connection.credentials import Credentials
from xentara_nb.errors import LoginError, MissingExtraError, OptionError
from xentara_nb.paths import read_file
from xentara_nb.protocol.secret import Secret
from xentara_nb.protocol.text import without_marks

_SERVICE = "xentara_nb"  # the name of secrets in the keyring; the address of the server follows it
_MAX_SECRET = 64 * 1024  # bytes


def from_file(path: str | os.PathLike[str]) -> Secret:
    """Return the first line of a file, as editors write it; raises OptionError if it has none."""
    try:
        secret = _first_line(read_file(path, _MAX_SECRET))
    except OSError as error:
        raise OptionError(f"{path} cannot be read: {error.strerror or error}") from None
    if secret is None:
        raise OptionError(f"{path} cannot be read: it is no text file in UTF-8")
    if not secret:
        raise OptionError(f"{path} is empty: its first line must be the secret")
    return secret


def _first_line(data: bytes) -> Secret | None:
    """Return the first line of a text file; None if it is none."""
    # What Windows programs save as Unicode begins with one of these marks.
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    with suppress(UnicodeError):
        lines = data.decode("utf-16" if utf16 else "utf-8-sig").splitlines()
        return Secret(without_marks(lines[0]) if lines else "")
    return None


def from_keyring(server: str, user: str) -> Secret:
    """Return a password from the keyring; raises LoginError if it cannot."""
    keyring = _keyring()
    try:
        password = keyring.get_password(f"{_SERVICE} {server}", user)
    except Exception as error:
        raise LoginError(f"the keyring cannot be read ({type(error).__name__})") from None
    if password is None:
        raise LoginError(
            f"the keyring has no password of {user} for {server}: log in with the password once, "
            "and have it remembered"
        )
    return Secret(str(password))


def to_keyring(server: str, credentials: Credentials) -> None:
    """Keep the password of a user in the keyring; raises LoginError if it cannot."""
    keyring = _keyring()
    try:
        secret = credentials.password or Secret("")
        keyring.set_password(f"{_SERVICE} {server}", credentials.user, secret.reveal())
    except Exception as error:
        raise LoginError(
            f"logged in, but the keyring did not take the password ({type(error).__name__})"
        ) from None


def _keyring() -> Any:
    try:
        import keyring
    except ImportError:
        raise MissingExtraError(
            "there is no keyring here: install it with pip install keyring"
        ) from None
    return keyring
