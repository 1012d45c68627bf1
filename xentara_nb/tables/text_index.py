"""Which of many texts contain some words: the texts stand in memory once more, as their bytes.

In UTF-8 a text contains another one exactly where its bytes do. Few texts are looked through one by
one; many of them together with numpy. Before that, what lacks a letter of the words is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = npt.NDArray[np.intp]
"""The numbers of texts."""

MANY = 300_000
"""Of more texts, each word is looked for in all of them together."""

FASTER = 6
"""So many times faster than one by one they are compared with a pattern."""

AT_ONCE = 4096
"""How many texts are looked through together: their bytes stay in the processor's cache."""

BATCH = 65_536
"""How many texts are looked at together for how they begin or end."""

_LINE_END = ord("\n")
_ANY = ord("?")  # a character in a pattern

# One of 39 bits for each byte: letters and digits have different ones, others may share theirs.
_BITS = np.left_shift(np.uint64(1), np.arange(256, dtype=np.uint64) % np.uint64(39))


class TextIndex:
    """Some texts, to be searched again and again.

    Parameters
    ----------
    texts : sequence of str
        The texts.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        encoded = [_encode(text) for text in texts]
        self._texts = texts
        self._bytes = np.frombuffer(b"\n".join([*encoded, b""]), np.uint8)
        self._sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
        self._ends = np.cumsum(self._sizes + 1)  # behind the line end
        self._starts = self._ends - self._sizes - 1
        self._ascii = bool((self._bytes < 0x80).all())
        self._single_lines = np.count_nonzero(self._bytes == _LINE_END) == len(self)

    def __len__(self) -> int:
        return len(self._texts)

    def containing(self, words: Iterable[str], rows: Rows | None = None) -> Rows:
        """Return the texts that contain all words, which have no line ends; among ``rows``."""
        distinct = dict.fromkeys(filter(None, words))
        ordered = sorted(distinct, key=len, reverse=True)  # the longest is the rarest
        needed = _letters_of("".join(ordered))
        if rows is None:
            rows = np.flatnonzero(self._letters & needed == needed)
        else:
            rows = rows[self._letters[rows] & needed == needed]
        for word in ordered:
            if len(rows) > MANY:
                rows = rows[self._contain(_encode(word))[rows]]
            else:
                texts = self._texts
                there = [word in texts[row] for row in rows.tolist()]
                rows = rows[np.array(there, bool)]
        return rows

    def matching(self, word: str, rows: Rows) -> Rows:
        """Return the texts among some that match a word with wildcards, somewhere in one line."""
        pieces = re.split(r"[*?]", word)
        needed = _letters_of("".join(pieces))
        rows = rows[self._letters[rows] & needed == needed]
        # Only where each character is one byte can one of them be passed over.
        if len(rows) * FASTER > len(self) and (self._ascii or "?" not in word):
            rows = rows[self._match(word)[rows]]
        else:
            # Plain texts are looked for much faster than a pattern.
            rows = self.containing(pieces, rows)
            match, texts = pattern_of(word).search, self._texts
            there = [match(texts[row]) is not None for row in rows.tolist()]
            rows = rows[np.array(there, bool)]
        return rows

    def with_letters(self, groups: Iterable[Iterable[str]]) -> Rows:
        """Return the texts that may contain a word of each group: none of the others does."""
        of_each = [[_letters_of(word) for word in words] for words in groups]
        common = [np.bitwise_and.reduce(np.array(each, np.uint64)) for each in of_each]
        needed = np.bitwise_or.reduce(np.array(common, np.uint64))
        return np.flatnonzero(self._letters & needed == needed)

    def starting(self, beginning: str, rows: Rows, most: int) -> Rows:
        """Return the first texts among some that start with a text."""
        return self._having(_encode(beginning), rows, most, self._starts)

    def ending(self, end: str, rows: Rows, most: int) -> Rows:
        """Return the first texts among some that end with a text."""
        wanted = _encode(end)
        if wanted:
            # Most end otherwise, and their last bytes stand close together.
            rows = rows[self._last_bytes[rows] == wanted[-1]]
        return self._having(wanted, rows, most, self._ends - 1 - len(wanted))

    def _having(self, wanted: bytes, rows: Rows, most: int, places: npt.NDArray[np.int64]) -> Rows:
        """Return the first texts that have some bytes at the places of all texts."""
        found = [rows[:0]]
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            batch = batch[self._sizes[batch] >= len(wanted)]
            # From the end: keys begin alike.
            for at, byte in reversed([*enumerate(wanted)]):
                batch = batch[self._bytes[places[batch] + at] == byte]
            found.append(batch)
            if sum(map(len, found)) >= most:
                break
        return np.concatenate(found)[:most]

    @cached_property
    def _last_bytes(self) -> npt.NDArray[np.uint8]:
        """Return the last byte of each text; of an empty one, a line end."""
        return self._bytes[self._ends - 2]

    @cached_property
    def _letters(self) -> npt.NDArray[np.uint64]:
        """Return for each text which bits its bytes have."""
        found = np.zeros(len(self), np.uint64)
        for part, starts, held in self._parts():
            found[part] = np.bitwise_or.reduceat(_BITS[held], starts)
        return found

    def _contain(self, word: bytes) -> npt.NDArray[np.bool_]:
        """Return for each text whether it contains a word."""
        found = np.zeros(len(self), bool)
        for part, starts, held in self._parts():
            found[part] = np.logical_or.reduceat(_begins(held, word), starts)
        return found

    def _match(self, word: str) -> npt.NDArray[np.bool_]:
        """Return for each text whether one of its lines matches a word with wildcards.

        What is between two ``*`` is looked for behind what was found before it: the first place is
        the best one, for it leaves the most to the rest.
        """
        pieces = [_encode(piece) for piece in word.split("*") if piece]
        found = np.zeros(len(self), bool)
        for part, starts, held in self._parts():
            ends = starts + self._sizes[part]  # of the lines
            if not self._single_lines:
                ends = np.flatnonzero(held == _LINE_END)
            places = np.concatenate([[0], ends[:-1] + 1])
            for piece in pieces:
                begins = np.append(np.flatnonzero(_begins(held, piece, any_byte=_ANY)), len(held))
                # Where there is none, the end of all lines, behind which nothing is found either.
                nearest = np.searchsorted(begins, places)
                places = begins.take(nearest, mode="clip") + len(piece)
            match = places <= ends
            if not self._single_lines:
                match = np.logical_or.reduceat(match, np.searchsorted(ends, starts))
            found[part] = match
        return found

    def _parts(self) -> Iterator[tuple[slice, npt.NDArray[np.int64], npt.NDArray[np.uint8]]]:
        """Return some texts at a time: which, where each starts, and the bytes of all."""
        for at in range(0, len(self), AT_ONCE):
            part = slice(at, at + AT_ONCE)
            start, end = self._starts[at], self._ends[part][-1]
            yield part, self._starts[part] - start, self._bytes[start:end]


def pattern_of(word: str) -> re.Pattern[str]:
    """Return what a word with or without wildcards matches, within one line."""
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in word))


def _begins(
    held: npt.NDArray[np.uint8], word: bytes, *, any_byte: int | None = None
) -> npt.NDArray[np.bool_]:
    """Return where a word begins in some bytes; one byte of it may stand for any in a line."""
    begins = np.zeros(len(held), bool)
    size = len(held) - len(word) + 1
    # Not so far behind that it would not fit any more.
    if size > 0:
        for at, byte in enumerate(word):
            there = held[at : at + size]
            same = there != _LINE_END if byte == any_byte else there == byte
            if at == 0:
                begins[:size] = same
            else:
                begins[:size] &= same
    return begins


def _letters_of(text: str) -> np.uint64:
    """Return the bits of a text's bytes."""
    found: np.uint64 = np.bitwise_or.reduce(_BITS[list(_encode(text))], initial=np.uint64(0))
    return found


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
