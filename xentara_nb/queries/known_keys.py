"""The keys that a person may have meant where no element has the one that was given.

What is known of the model answers that. Where nothing is known yet, the children of the nearest
element that exists are fetched, once for all names of a call, and kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from xentara_nb.errors import XentaraError
from xentara_nb.protocol.commands import Browse, BrowseEntries, Command, Lookup
from xentara_nb.protocol.identifiers import NIL_UUID
from xentara_nb.suggestions import did_you_mean
from xentara_nb.tables.names import same_look

MAX_NAMES = 5
"""How many names of one call get an offer; a file of wrong names has another fault."""

_MAX_LEVELS = 20  # of a name that are looked up
_MAX_PARENTS = 100  # whose children are kept

_NO_PATTERN = "; a key has no wildcards: find the elements with a search or in an inventory"

# A name in a key, and the period behind it; one that holds a period stands in brackets. Anything
# but a period is part of a name, so that a match never fails behind many characters.
_PART = re.compile(r"(?:\[[^\[\]]*\]|[^.])++(\.|\Z)")

Ask = Callable[[Sequence[Command[Any]]], Iterator[Any]]


class KnownKeys:
    """The keys of a model, as far as they are known."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.forget()

    def forget(self) -> None:
        """Know nothing: the model may be another one now."""
        self._all: Sequence[str] = ()
        self._children: dict[str, list[str]] = {}  # by the key above them, "" for the root
        self._existing: dict[str, str] = {}  # by a key, the nearest one from it up that exists

    def take(self, keys: Sequence[str]) -> None:
        """Take the keys of the whole model."""
        self._all = keys

    def offers(self, names: Sequence[str]) -> dict[str, str]:
        """Return what to put behind the error for names that are no keys, as far as there is any.

        Never raises: the error itself matters more.
        """
        names = names[:MAX_NAMES]
        offers = self._alike(names)
        for name in names:
            if "*" in name and "*" not in offers.get(name, ""):
                offers[name] = _NO_PATTERN
        return offers

    def _alike(self, names: Sequence[str]) -> dict[str, str]:
        if self._all:
            return {name: _offer(name, self._all) for name in names}
        offers: dict[str, str] = {}
        meant = {name: name for name in names}
        with suppress(XentaraError):
            for _ in range(_MAX_LEVELS):
                meant = self._look_below(meant, offers)
                if not meant:
                    break
        return offers

    def _look_below(self, meant: Mapping[str, str], offers: dict[str, str]) -> dict[str, str]:
        """Find offers for names; return those of which only the case of a part was wrong.

        With that part as it is in the model, what is below it can be offered.
        """
        above = {name: _parents(key) for name, key in meant.items()}
        self._fetch([each for each in above.values() if each[0] not in self._existing])
        corrected = {}
        for name, parents in above.items():
            existing = self._existing.get(parents[0], "")
            # What is wrong is the first part that is not there, and not those behind it.
            wrong = [meant[name], *parents][parents.index(existing)]
            keys = self._children.get(existing, ())
            if wrong == meant[name] != name and wrong in keys:  # only the case was wrong
                offers[name] = did_you_mean(wrong, [wrong])
            else:
                offers[name] = _offer(wrong, keys) or offers.get(name, "")
            folded = wrong.casefold()
            right = next((key for key in keys if key.casefold() == folded), wrong)
            if right != wrong != meant[name]:
                corrected[name] = right + meant[name][len(wrong) :]
        return corrected

    def _fetch(self, wanted: Sequence[Sequence[str]]) -> None:
        """Fetch the children of the first element that exists in each list of keys."""
        keys = list(dict.fromkeys(key for parents in wanted for key in parents if key))
        uuids = dict(zip(keys, self._ask([Lookup(key) for key in keys]), strict=True))
        uuids[""] = NIL_UUID
        if len(self._existing) >= _MAX_PARENTS:
            self._existing, self._children = {}, {}
        for parents in wanted:
            self._existing[parents[0]] = next(
                key for key in parents if isinstance(uuids[key], UUID)
            )
        missing = [
            key
            for key in dict.fromkeys(self._existing[parents[0]] for parents in wanted)
            if key not in self._children
        ]
        browses = [Browse(uuids[key], 1) for key in missing]
        for key, answer in zip(missing, self._ask(browses), strict=True):
            self._children[key] = answer.keys if isinstance(answer, BrowseEntries) else []


def _parents(key: str) -> list[str]:
    """Return the keys above one, the nearest first, the root last.

    Examples
    --------
    >>> _parents("Plant.[Line 1.5].Speed")
    ['Plant.[Line 1.5]', 'Plant', '']
    """
    ends = [found.start(1) for found in _PART.finditer(key) if found[1]]
    return [*(key[:end] for end in reversed(ends[:_MAX_LEVELS])), ""]


def _offer(name: str, keys: Sequence[str]) -> str:
    # An element that has vanished, or that the user may not see, is no offer.
    keys = [key for key in keys if key != name]
    look = same_look(name)
    alike = next((key for key in keys if same_look(key) == look), None)
    if alike is not None:
        return (
            f"; {alike!a} looks the same and is written with other characters: copy it from an "
            "inventory"
        )
    return did_you_mean(name, keys)
