"""Passwords and tokens, in a form that shows itself nowhere.

A traceback with variables, as notebooks and error reporters make it, shows the ``repr`` of all that
a function holds. So a secret is wrapped where it comes in and unwrapped where it is sent.
"""

from __future__ import annotations

from typing import NoReturn, TypeAlias

HIDDEN = "***"
"""What is shown instead of a secret."""


class Secret:
    """A text that is shown as ``***`` and cannot be formatted, copied or stored.

    Examples
    --------
    >>> Secret("hush")
    ***
    """

    __slots__ = ("_text",)

    def __init__(self, text: SecretLike) -> None:
        self._text: str = text.reveal() if isinstance(text, Secret) else text

    @classmethod
    def of(cls, text: SecretLike | None) -> Secret | None:
        """Return a text as a secret, and None as it is."""
        return None if text is None else cls(text)

    def reveal(self) -> str:
        """Return the text; it belongs into no variable."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == other.reveal() if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, how: str) -> NoReturn:
        raise TypeError("a secret is not put into a text")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written into files and not copied")


SecretLike: TypeAlias = "str | Secret"
"""A secret as users give it, or wrapped already."""


class SecretBytes(bytes):
    """Bytes that may hold a secret, and are shown as ``***``: what is on its way to a server."""

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written into files and not copied")
