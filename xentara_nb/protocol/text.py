"""Text from others: made safe to show, and freed of what copying and editors add to it."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that move the cursor, turn the direction of the text, or are none."""

_LINE_ENDS = "\r\n\x1a\x85\u2028\u2029"  # and what ends a file of DOS
_QUOTES = "\"'`“”„‟‘’‚‛«»‹›<>"


def safe(text: str) -> str:
    r"""Return a text with every character that a terminal would obey written as an escape.

    Examples
    --------
    >>> print(safe("Pump\x1b[2J 1\u202e"))
    Pump\x1b[2J 1\u202e
    """
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")


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


def pasted(text: str) -> str:
    """Return a text without the blanks, marks and quotation marks around it."""
    while (bare := without_marks(text.strip()).strip(_QUOTES)) != text:
        text = bare
    return text
