"""Find elements by some words of what they are called: in any order, shortened, with small typos.

Every word must be found, somewhere in the primary key, display name, type or units; ``*`` stands
for any characters and ``?`` for one. Where nothing has all the words, words that are a letter or
two away from one of the model's are taken for it; numbers are not, for pump 7 is not pump 8.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from rapidfuzz import process
from rapidfuzz.distance import OSA

from xentara_nb.errors import NotFoundError, OptionError
from xentara_nb.protocol.identifiers import Access
from xentara_nb.protocol.text import listed
from xentara_nb.suggestions import did_you_mean
from xentara_nb.tables.element_index import ElementIndex, Which
from xentara_nb.tables.references import category_reference
from xentara_nb.tables.text_index import Rows
from xentara_nb.wildcards import WILDCARDS, compiled

Words: TypeAlias = str | Collection[str] | None
"""What a filter lets through: a text, several of them, or anything."""

_MAX_SHOWN = 20  # texts in a message
_RANKED = 2_000  # hits that are put in order one by one; of more, the best are picked first
_TEXT_COLUMNS = ("display_name", "type", "units")
_WORD = re.compile(r"[^\W\d_]{3,}")


class SearchIndex:
    """Some names, to be searched again and again.

    Parameters
    ----------
    keys : sequence of str
        The primary keys; of names that are found equally well, the first is given first.
    others : sequences of str, optional
        Other texts of the same elements, each as long as ``keys``; None where there is none.
    """

    def __init__(self, keys: Sequence[str], *others: Sequence[str | None]) -> None:
        self._keys = [key.casefold() for key in keys]
        rest = ([(text or "").casefold() for text in each] for each in others)
        self._index = ElementIndex(self._keys, *rest)
        self._vocabulary: list[str] | None = None  # it takes a while, and may not be needed
        self._joined = ""

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, text: str) -> Rows:
        """Return the numbers of the names that have every word of a text, the best first.

        A text without words finds all of them.
        """
        words = text.casefold().split()
        if not words:
            return np.arange(len(self))
        if all(map(self._may_occur, words)):
            rows = self._with_words(words)
            if len(rows):
                return self._best_first(rows, words)
        close = [self._close_words(word) for word in words]
        rows, distances = self._with_close_words(close)
        # The fewest letters that differ first; among these as usual.
        best = [min(each, key=each.__getitem__, default="") for each in close]
        ordered = self._best_first(rows, best)
        differing = distances[np.searchsorted(rows, ordered)]
        return ordered[np.argsort(differing, kind="stable")]

    @property
    def vocabulary(self) -> list[str]:
        """The words of all names that a typo may stand for, each once."""
        if self._vocabulary is None:
            found = sorted(set(_WORD.findall("\n".join(self._index.texts()))))
            self._joined = "\n".join(found)
            self._vocabulary = found
        return self._vocabulary

    def _may_occur(self, word: str) -> bool:
        """Return False for a word that no name has, where all their words are known already."""
        return self._vocabulary is None or not _WORD.fullmatch(word) or word in self._joined

    def _with_words(self, words: Iterable[str]) -> Rows:
        found = np.ones(len(self), bool)
        for word in dict.fromkeys(words):
            found &= self._with_one_of([word])
        return np.flatnonzero(found)

    def _with_one_of(self, words: Iterable[str]) -> Which:
        stripped = [word.strip("*") for word in words]  # at an end, any characters may be none
        found = self._index.containing(filter(WILDCARDS.isdisjoint, stripped))
        for word in stripped:
            if not WILDCARDS.isdisjoint(word):
                found |= self._index.matching(word)
        return found

    def _close_words(self, word: str) -> dict[str, int]:
        """Return what a word may stand for, and how many letters are different."""
        most = 2 if len(word) > 6 else 1
        if not _WORD.fullmatch(word):
            return {word: 0}
        # It may also be the beginning of a longer one.
        lengths = range(max(3, len(word) - 1), len(word) + 2)
        choices = {each[:length] for each in self.vocabulary for length in lengths}
        choices.update(self.vocabulary)
        found = process.extract(
            word, list(choices), scorer=OSA.distance, score_cutoff=most, limit=None
        )
        close: dict[str, int] = {}
        for each, distance, _ in sorted(found, key=lambda item: (item[1], len(item[0]), item[0])):
            # What a shorter one finds need not be looked for again.
            if not any(other in each for other in close):
                close[each] = int(distance)
        return close

    def _with_close_words(self, close: Sequence[dict[str, int]]) -> tuple[Rows, Any]:
        """Return the rows with one of the words of each, and how many letters differ in each."""
        total = np.zeros(len(self), np.int32)
        there = np.full(len(self), all(close))
        for words in close if all(close) else ():
            found = np.full(len(self), -1, np.int8)
            for distance in sorted(set(words.values()), reverse=True):
                same = [word for word, differing in words.items() if differing == distance]
                np.copyto(found, distance, where=self._with_one_of(same))
            there &= found >= 0
            total += found
        rows = np.flatnonzero(there)
        return rows, total[rows]

    def _best_first(self, rows: Rows, words: Sequence[str]) -> Rows:
        typed, keys = " ".join(words), self._keys
        rest = rows[:0]
        if len(rows) > _RANKED:
            # With so many, most are as good as the other: only those called so are looked at.
            best = rows[self._index.ending(f".{typed}")[rows]][:_RANKED]
            starting = rows[self._index.starting(typed)[rows]][: _RANKED - len(best)]
            better = np.union1d(best, starting)
            others = np.ones(len(self), bool)
            others[better] = False
            rest, rows = rows[others[rows]], better
        patterns = [compiled(f"*{word}*") for word in words]
        in_order = compiled(f"*{'*'.join(words)}*")

        def rank(row: int) -> tuple[int, int, str]:
            key = keys[row]
            if key == typed or key.endswith(f".{typed}"):
                order = 0
            elif key.startswith(typed) or f".{typed}" in key:
                order = 1
            elif in_order.fullmatch(key):
                order = 2
            else:
                order = 3 if all(each.fullmatch(key) for each in patterns) else 4
            return order, len(key), key

        return np.concatenate([np.array(sorted(rows.tolist(), key=rank), np.intp), rest])


class SearchTable:
    """A DataFrame with a row or several for each element, to be searched.

    Parameters
    ----------
    frame : pandas.DataFrame
        With the column ``primary_key``, and any of those that are searched or filtered by.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        column = frame["primary_key"]
        if not isinstance(column.dtype, pd.StringDtype) or column.hasnans:
            # Where there is no key, the other texts of an element are searched.
            column = pd.Series([each or "" for each in _texts(column)], dtype=object)
        self._codes, keys = pd.factorize(column)
        first = np.zeros(len(keys), np.intp)
        first[self._codes[::-1]] = np.arange(len(frame))[::-1]
        columns = [_texts(frame[name].iloc[first]) for name in _TEXT_COLUMNS if name in frame]
        self.index = SearchIndex(list(keys), *columns)

    def search(
        self,
        text: str,
        *,
        category: Words = None,
        type: Words = None,
        units: Words = None,
        writable: bool | None = None,
    ) -> pd.DataFrame:
        """Return the rows of the elements that are found, the best first, with their index."""
        if not isinstance(text, str):
            raise OptionError(f"what is searched for is a text, not {text!r}")
        allowed = np.ones(len(self.frame), bool)
        for name, words in (("category", category), ("type", type), ("units", units)):
            if words is not None:
                allowed &= _matching(name, self.frame[name], words)
        if writable is not None:
            labels = [access.label for access in Access if access.writable]
            allowed &= self.frame["access"].isin(labels).to_numpy() == writable
        ranks = np.full(len(self.index) + 1, -1, np.intp)  # and one where there is no key
        found = self.index.find(text)
        ranks[found] = np.arange(len(found))
        rank = ranks[self._codes]
        rows = np.flatnonzero(allowed & (rank >= 0))
        return self.frame.iloc[rows[np.argsort(rank[rows], kind="stable")]]


def _texts(column: pd.Series[Any]) -> list[str | None]:
    return [each if isinstance(each, str) else None for each in column.tolist()]


def _matching(name: str, column: pd.Series[Any], words: str | Collection[str]) -> Any:
    """Return which rows have one of some texts, in which ``*`` and ``?`` are wildcards.

    A text without wildcards must be one that some row has, or a category that there is.
    """
    wanted = [words] if isinstance(words, str) or not isinstance(words, Iterable) else list(words)
    codes, distinct = pd.factorize(column)
    texts = [str(each) for each in distinct]
    folded = [text.casefold() for text in texts]
    there = np.zeros(len(texts) + 1, bool)  # and one where there is none
    for each in wanted:
        if not isinstance(each, str):
            raise OptionError(f"a filter by {name} is a text or several, not {each!r}")
        match = compiled(each.strip().casefold()).fullmatch
        found = [row for row, text in enumerate(folded) if match(text) is not None]
        there[found] = True
        if not found and len(column) and WILDCARDS.isdisjoint(each):
            _check_known(name, each, texts)
    return there[codes]


def _check_known(name: str, word: str, texts: Sequence[str]) -> None:
    if name == "category":
        category_reference(word)  # one that there is, though here no row has it
        return
    texts = [text for text in texts if text]  # many elements have no unit
    there = f"there are: {listed(sorted(texts), _MAX_SHOWN) or 'none'}"
    raise NotFoundError(f"no row has {word!r} in {name}{did_you_mean(word, texts, there)}")
