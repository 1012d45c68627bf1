"""Which of many elements have some words in their keys or other texts.

What repeats is looked through once: each key is cut behind its last dot, into the group that the
element is in and its name there, and the distinct groups, names and other texts are searched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from xentara_nb.tables.text_index import Rows, TextIndex

Which: TypeAlias = npt.NDArray[np.bool_]
"""For each element, whether it is one of them."""


class ElementIndex:
    """The texts of some elements, to be searched again and again.

    Parameters
    ----------
    keys : sequence of str
        The primary keys.
    others : sequences of str
        Other texts of the same elements.
    """

    def __init__(self, keys: Sequence[str], *others: Sequence[str]) -> None:
        ends = [key.rfind(".") + 1 for key in keys]
        self._groups = _Column([key[:end] for key, end in zip(keys, ends, strict=True)])
        self._names = _Column([key[end:] for key, end in zip(keys, ends, strict=True)])
        self._columns = [self._groups, self._names, *map(_Column, others)]

    def texts(self) -> Iterator[str]:
        """Give each distinct group, name and other text."""
        for column in self._columns:
            yield from column.index.texts

    def containing(self, words: Iterable[str]) -> Which:
        """Return the elements of which a text contains one of some words."""
        words = list(words)
        found = self._groups.none()
        for column in self._columns:
            found |= column.which(*(column.index.containing([word]) for word in words))
        for group, name in map(_cut, words):
            if group and name:
                found |= self._both(self._groups.index.ending(group), self._starting(name))
        return found

    def matching(self, word: str) -> Which:
        """Return the elements of which a text matches a word with wildcards somewhere."""
        found = self._groups.none()
        for column in self._columns:
            found |= column.which(column.index.matching(word))
        groups, names = self._groups.index, self._names.index
        # The match may also reach over the cut, which is within a "*" or behind a dot.
        for at in range(max(0, word.rfind(".")), len(word) - 1):
            left, right = word[:at], word[at + 1 :]
            if word[at] == "*":
                before = groups.matching(left)
            elif word[at] in ".?":
                # A group ends with a dot, which a "*" before it may pass over.
                before = groups.matching(f"{left}.", at_end=not left.endswith("*"))
            else:
                continue
            if len(before):
                behind = names.matching(right, at_start=word[at] != "*" and right[0] != "*")
                found |= self._both(before, behind)
        return found

    def starting(self, beginning: str) -> Which:
        """Return the elements whose keys start with a text."""
        group, name = _cut(beginning)
        found = self._groups.which(self._groups.index.starting(beginning))
        return found | self._both(self._groups.index.equal_to(group), self._starting(name))

    def ending(self, end: str) -> Which:
        """Return the elements whose keys end with a text that has a dot."""
        group, name = _cut(end)
        return self._both(self._groups.index.ending(group), self._names.index.equal_to(name))

    def _starting(self, name: str) -> Rows:
        return self._names.index.starting(name)

    def _both(self, groups: Rows, names: Rows) -> Which:
        if len(groups) and len(names):
            return self._groups.which(groups) & self._names.which(names)
        return self._groups.none()


class _Column:
    """A text of each element; each distinct one is indexed once."""

    def __init__(self, texts: Sequence[str]) -> None:
        numbers: dict[str, int] = {}
        codes = (numbers.setdefault(text, len(numbers)) for text in texts)
        self._codes = np.fromiter(codes, np.intp, len(texts))
        self.index = TextIndex(list(numbers))

    def none(self) -> Which:
        return np.zeros(len(self._codes), bool)

    def which(self, *rows: Rows) -> Which:
        """Return the elements that have one of some distinct texts."""
        there = np.zeros(len(self.index), bool)
        for each in rows:
            there[each] = True
        return there[self._codes] if there.any() else self.none()


def _cut(text: str) -> tuple[str, str]:
    """Return what of a part of a key is in the group, and what is in the name."""
    end = text.rfind(".") + 1
    return text[:end], text[end:]
