"""Text from others: made safe to show, and freed of what copying and editors add to it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

UNSENDABLE = (
    "has characters that cannot be sent (surrogates; in what was typed these are bytes that the "
    "locale does not know: set LC_ALL=C.UTF-8, or PYTHONUTF8=1, before Python starts)"
)
"""What to say of a text that UTF-8 has no form for."""

_LINE_ENDS = "\r\n\x1a\x85\u2028\u2029"  # and what ends a file of DOS
_QUOTES = "\"'`“”„‟‘’‚‛«»‹›<>"


def safe(text: str) -> str:
    r"""Return a text with every character that cannot be seen written as an escape.

    A terminal obeys some of them: with the cursor moved, or the direction of the text turned, one
    value can be made to look like another one.

    Examples
    --------
    >>> print(safe("Pump\x1b[2J 1\u202e"))
    Pump\x1b[2J 1\u202e
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def safe_lines(text: str) -> str:
    """Return a text as :func:`safe` does, with its lines kept."""
    return "\n".join(safe(line) for line in text.split("\n"))


def without_marks(text: str) -> str:
    """Return a text without the line ends and invisible marks at its ends; blanks stay.

    Editors put a byte order mark before a text and a line end behind it, and programs put marks of
    direction and width around what is copied from them.
    """
    start, end = 0, len(text)
    while start < end and _is_mark(text[start]):
        start += 1
    while start < end and _is_mark(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_mark(character: str) -> bool:
    return character in _LINE_ENDS or unicodedata.category(character) == "Cf"


def trimmed(text: str) -> str:
    """Return a text without the blanks, line ends and invisible marks around it."""
    while (bare := without_marks(text.strip())) != text:
        text = bare
    return text


def pasted(text: str) -> str:
    """Return a text as :func:`trimmed` does, and without the quotation marks around it."""
    while (bare := trimmed(text).strip(_QUOTES)) != text:
        text = bare
    return text


def listed(texts: Iterable[str], most: int = 5, separator: str = ", ") -> str:
    """Return some texts in one line: of more, the first ones and how many are left.

    Examples
    --------
    >>> listed(["a", "b"], 2), listed(["a", "b", "c"], 2)
    ('a, b', 'a, b and 1 more')
    """
    every = list(texts)
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return f"{separator.join(every[:most])}{more}"


def quantity(count: int, noun: str, plural: str | None = None) -> str:
    """Return a number with what there are so many of, in its plural unless it is one.

    Examples
    --------
    >>> quantity(1, "attribute"), quantity(1200, "attribute"), quantity(0, "entry", "entries")
    ('1 attribute', '1,200 attributes', '0 entries')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
