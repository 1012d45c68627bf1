"""Patterns in which ``*`` stands for any characters and ``?`` for one, as a user writes them."""

from __future__ import annotations

import re

WILDCARDS = frozenset("*?")
"""What stands for other characters in a pattern."""


def expression(pattern: str) -> str:
    """Return a regular expression for the whole of a text, which takes time in proportion to it.

    What stands between two stars is taken where it is found first (an atomic group): where the rest
    does not fit behind that, it fits behind no later place either.

    Parameters
    ----------
    pattern : str
        What is no wildcard in it stands for itself. For a text anywhere, put stars around it.

    Returns
    -------
    str
        To be compiled with :data:`re.DOTALL`, and for ``fullmatch``.

    Examples
    --------
    >>> expression("a*b?c*d")
    'a(?>.*?b.c).*d'
    """
    first, *parts = [
        "".join("." if character == "?" else re.escape(character) for character in part)
        for part in pattern.split("*")
    ]
    if not parts:
        return first
    inner = "".join(f"(?>.*?{part})" for part in parts[:-1] if part)
    return f"{first}{inner}.*{parts[-1]}"


def compiled(pattern: str) -> re.Pattern[str]:
    """Return what a pattern matches with ``fullmatch``.

    Examples
    --------
    >>> compiled("Plant.*.Set point").fullmatch("Plant.Line 1.Set point") is not None
    True
    >>> compiled("Set point").fullmatch("Plant.Line 1.Set point") is None
    True
    """
    return re.compile(expression(pattern), re.DOTALL)
