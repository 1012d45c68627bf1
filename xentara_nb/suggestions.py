"""Names that a person may have meant where the one that was given does not exist."""

from __future__ import annotations

from collections.abc import Iterable

QUOTES = 'a key with blanks stands in quotes, as "Plant.Line 1.Set point"'
"""What is said where words that are perhaps one key were given as several."""

_ALIKE = 65.0  # of 100: less alike than that, a name helps no one
_MAX_LENGTH = 200  # characters; a longer name is no slip of the hand, and comparing takes time


def nearest(
    name: object, candidates: Iterable[str], limit: int = 3, *, alike: float = _ALIKE
) -> list[str]:
    """Return the candidates that are most like a name, the best first; few, or none at all.

    Upper and lower case make no difference. The last part of a key stands for the whole of it:
    what ends in the name behind a period is alike. What is no text is like no name, and what is
    the same has 100 of ``alike``. 100,000 candidates take a tenth of a second.

    Examples
    --------
    >>> nearest("Plant.Line 1.Setpoint", ["Plant.Line 1.Speed", "Plant.Line 1.Set point"])
    ['Plant.Line 1.Set point', 'Plant.Line 1.Speed']
    >>> nearest("speed", ["Plant.Line 1.Speed", "Plant.Line 1.Set point"])
    ['Plant.Line 1.Speed']
    """
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_LENGTH:
        return []
    # Only when something is not found, which is rare.
    from rapidfuzz import fuzz, process

    wanted = name.casefold()
    names = list(dict.fromkeys(candidates))
    folded = [each.casefold() for each in names]
    tails = [at for at, each in enumerate(folded) if each.endswith(f".{wanted}")]
    best = process.extract(wanted, folded, scorer=fuzz.ratio, score_cutoff=alike, limit=limit)
    found = dict.fromkeys([at for _, score, at in best if score == 100])
    found |= dict.fromkeys(sorted(tails, key=lambda at: len(folded[at]))[:limit])
    found |= dict.fromkeys([at for _, _, at in best])
    return [names[at] for at in found][:limit]


def question(name: object, candidates: Iterable[str]) -> str:
    """Return the question which of the nearest candidates was meant, or nothing if there is none.

    Examples
    --------
    >>> question("vlaue", ["value", "values", "quality"])
    "Did you mean 'value' or 'values'?"
    """
    found = [repr(each) for each in nearest(name, candidates)]
    if not found:
        return ""
    *first, last = found
    return f"Did you mean {', '.join(first)}{' or ' if first else ''}{last}?"


def did_you_mean(name: object, candidates: Iterable[str], then: str = "") -> str:
    """Return the same question as the end of a sentence, or nothing; and what to say ``then``.

    Examples
    --------
    >>> did_you_mean("vlaue", ["value", "values", "quality"])
    "; did you mean 'value' or 'values'?"
    >>> did_you_mean("vlaue", ["value"], "there are: value")
    "; did you mean 'value'? There are: value"
    >>> did_you_mean("quite another", ["value"], "there are: value")
    '; there are: value'
    """
    asked = question(name, candidates)
    if not asked:
        return f"; {then}" if then else ""
    return f"; d{asked[1:]} {then[:1].upper()}{then[1:]}".rstrip()
