"""Patterns for primary keys, as a policy has them.

``*`` stands for any characters, periods included, ``?`` for exactly one; everything else for
itself, also brackets: a name with a period stands in brackets in a key. A pattern is for the
whole key, and upper and lower case are different. It is compared with the key of the element and
with that of the attribute, which is the element's with the attribute's name behind it.

Examples
--------
>>> matches(("Plant.*.Set point",), "Plant.Line 1.Set point", "value")
True
>>> matches(("*.units",), "Plant.Line 1.Speed", "units")
True
>>> matches(("Plant.[Pump 1.?]",), "Plant.[Pump 1.2]", "value")
True
>>> matches(("Set point",), "Plant.Line 1.Set point", "value")
False
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_MEANING = {"*": ".*", "?": "."}


def matches(patterns: Sequence[str], primary_key: str, attribute_name: str) -> bool:
    """Return whether one of the patterns is for an attribute of an element."""
    if not patterns:
        return False
    found = _compiled(tuple(patterns)).fullmatch
    return bool(found(primary_key) or found(f"{primary_key}.{attribute_name}"))


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    alternatives = (
        # Several stars in a row mean the same as one, and would take far longer.
        "".join(_MEANING.get(character) or re.escape(character) for character in squeezed)
        for squeezed in (re.sub(r"\*+", "*", pattern) for pattern in patterns)
    )
    return re.compile("|".join(alternatives), re.DOTALL)
