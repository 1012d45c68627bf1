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

from xentara_nb.wildcards import WILDCARDS, compiled

Rows: TypeAlias = npt.NDArray[np.intp]
"""The numbers of texts."""

MANY = 300_000
"""Of more texts, each word is looked for in all of them together."""

FASTER = 6
"""So many times faster than one by one they are compared with a pattern."""

AT_ONCE = 4096
"""How many texts are looked through together: their bytes stay in the processor's cache."""

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
        self.texts = texts
        self._bytes = np.frombuffer(b"\n".join([*encoded, b""]), np.uint8)
        self._sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
        self._ends = np.cumsum(self._sizes + 1)  # behind the line end
        self._starts = self._ends - self._sizes - 1
        self._ascii = bool((self._bytes < 0x80).all())

    def __len__(self) -> int:
        return len(self.texts)

    def containing(self, words: Iterable[str]) -> Rows:
        """Return the texts that contain all words, which have no line ends."""
        distinct = dict.fromkeys(filter(None, words))
        ordered = sorted(distinct, key=len, reverse=True)  # the longest is the rarest
        rows = self._with_letters("".join(ordered))
        for word in ordered:
            if len(rows) > MANY:
                rows = rows[self._contain(_encode(word))[rows]]
            else:
                texts = self.texts
                there = [word in texts[row] for row in rows.tolist()]
                rows = rows[np.array(there, bool)]
        return rows

    def matching(self, word: str, *, at_start: bool = False, at_end: bool = False) -> Rows:
        """Return the texts that a word with wildcards matches, somewhere or just there."""
        if WILDCARDS.isdisjoint(word) and at_start != at_end:
            return self.starting(word) if at_start else self.ending(word)
        pieces = re.split(r"[*?]", word)
        rows = self._with_letters("".join(pieces))
        # Only where each character is one byte can one of them be passed over.
        many = len(rows) * FASTER > len(self) and (self._ascii or "?" not in word)
        if many and not at_start and not at_end:
            return rows[self._match(word)[rows]]
        # Plain texts are looked for much faster than a pattern.
        rows = self.containing(pieces)
        somewhere = f"{'' if at_start else '*'}{word}{'' if at_end else '*'}"
        match, texts = compiled(somewhere).fullmatch, self.texts
        there = [match(texts[row]) is not None for row in rows.tolist()]
        found: Rows = rows[np.array(there, bool)]
        return found

    def starting(self, beginning: str) -> Rows:
        """Return the texts that start with a text."""
        return self._having(_encode(beginning), self._starts)

    def ending(self, end: str) -> Rows:
        """Return the texts that end with a text."""
        wanted = _encode(end)
        return self._having(wanted, self._ends - 1 - len(wanted))

    def equal_to(self, text: str) -> Rows:
        """Return the texts that are equal to one."""
        rows = self.starting(text)
        same: Rows = rows[self._sizes[rows] == len(_encode(text))]
        return same

    def _having(self, wanted: bytes, places: npt.NDArray[np.int64]) -> Rows:
        """Return the texts that have some bytes at their places."""
        rows = np.flatnonzero(self._sizes >= len(wanted))
        # From the end: keys begin alike.
        for at, byte in reversed([*enumerate(wanted)]):
            rows = rows[self._bytes[places[rows] + at] == byte]
        return rows

    def _with_letters(self, text: str) -> Rows:
        """Return the texts that may have all characters of a text: none of the others does."""
        needed = _letters_of(text)
        return np.flatnonzero(self._letters & needed == needed)

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
        """Return for each text whether a word with wildcards matches it somewhere.

        What is between two ``*`` is looked for behind what was found before it: the first place is
        the best one, for it leaves the most to the rest.
        """
        pieces = [_encode(piece) for piece in word.split("*") if piece]
        found = np.zeros(len(self), bool)
        for part, starts, held in self._parts():
            places = starts
            for piece in pieces:
                begins = np.append(np.flatnonzero(_begins(held, piece, any_byte=_ANY)), len(held))
                # Where there is none, the end of all texts, behind which nothing is found either.
                nearest = np.searchsorted(begins, places)
                places = begins.take(nearest, mode="clip") + len(piece)
            # One that ends in another text is none; nor is there another one before it.
            found[part] = places <= starts + self._sizes[part]
        return found

    def _parts(self) -> Iterator[tuple[slice, npt.NDArray[np.int64], npt.NDArray[np.uint8]]]:
        """Return some texts at a time: which, where each starts, and the bytes of all."""
        for at in range(0, len(self), AT_ONCE):
            part = slice(at, at + AT_ONCE)
            start, end = self._starts[at], self._ends[part][-1]
            yield part, self._starts[part] - start, self._bytes[start:end]


def _begins(
    held: npt.NDArray[np.uint8], word: bytes, *, any_byte: int | None = None
) -> npt.NDArray[np.bool_]:
    """Return where a word begins in some bytes; one byte of it may stand for any."""
    begins = np.zeros(len(held), bool)
    size = len(held) - len(word) + 1
    # Not so far behind that it would not fit any more.
    if size > 0:
        for at, byte in enumerate(word):
            there = held[at : at + size]
            if at == 0:
                begins[:size] = there == byte if byte != any_byte else True
            elif byte != any_byte:
                begins[:size] &= there == byte
    return begins


def _letters_of(text: str) -> np.uint64:
    """Return the bits of a text's bytes."""
    found: np.uint64 = np.bitwise_or.reduce(_BITS[list(_encode(text))], initial=np.uint64(0))
    return found


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
