"""What a message costs in memory, known before the objects exist.

One byte of CBOR can stand for an empty list of 64 bytes, so a legal message can take a hundred
times its size. What is promised instead, for every content that a server may choose:

* Decoding a message takes ten times its bytes at most, or :data:`ALWAYS` and what receiving it
  takes, whichever is more; and so does what is kept of it.
* What a request asked for is not counted: a number that was read is an object, however few its
  bytes are. Nor are keys and names, which take about what their bytes do.
* Events are kept until someone reads them. One takes ten times its bytes as a rule, and forty times
  at worst.

So the heads of the items are read in order, without their structure, and what each becomes in
Python is added up. The numbers are those of CPython with 64 bits, rounded up. That takes several
times as long as decoding, so it is done only for what could take more than :data:`ALWAYS`: an item
of more than 7 KB (:func:`small`). The packets of a message are decoded one by one, and so are the
items of a long list or map in them (:class:`xentara_nb.protocol.cbor.LongItem`): what a server may
list has no limit but that of a message. What answers are parsed into holds no more than was asked
for; what they hold of lists is counted in :mod:`xentara_nb.connection.result_size`
(:func:`most_kept`), and what values of unknown kinds take in :mod:`xentara_nb.protocol.checks`
(:func:`is_dear`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from sys import getsizeof
from typing import Any
from uuid import UUID

from cbor2 import CBORTag

RATIO = 6
"""How many times its own size a large item may take; receiving it takes another two or three."""

ALWAYS = 1024 * 1024
"""What an item may take in any case, in bytes: what it says shortly may be worth much."""

ALWAYS_OF_REQUESTS = 10 * 1024 * 1024
"""The same for all requests of a message, which a server decodes together."""

RESULT_RATIO = 9
"""How many times the size of a message its results may keep; the message itself is the tenth."""

_DEAREST = 150  # times its bytes, and somewhat more than any item takes
_LITTLE = 4 * 1024  # bytes
# An attribute with its places, and what is in it: a UUID, and large numbers.
_ATTRIBUTE, _UUID, _NUMBER = 128, 112, 44  # a UUID takes 8 bytes less before Python 3.14
_ROUNDING = 8  # Python takes memory in pieces of 16 bytes
_SLOT = 9  # a pointer in a list, some of which are spare
_LIST, _LIST_ITEMS = 64, 32  # an empty list, and what the first item adds
# The same, of a map in a key or a tag, which cannot be changed and takes more than others; and each
# pair behind the fifth.
_DICT, _DICT_ITEMS, _PAIR = 72, 210, 64
_TEXT = 64 + _SLOT
# How many pairs a map of indefinite length has is not known: each takes more than its two items.
_IN_OPEN_MAP = 2.0
# How many items, and so bytes, one step looks at.
_RUN = b"{1,1024}+"

# Each kind with its cost for each byte in the message. Most come in runs; the order is that of
# their frequency. What has a length of its own is the last group.
_KINDS: tuple[tuple[bytes, float], ...] = (
    # What Python has only once: small numbers, constants, a text of no character or of one.
    (rb"[\x00-\x17\x20-\x37\x40\x60\xf4-\xf7\xff]", _SLOT),
    (rb"[\x41\x61].", _SLOT / 2),
    (rb"\xd8\x25\x50.{16}", (_UUID + _SLOT) / 19),
    (rb"\xd9\x03\xe9\xa1\x04\xc4\x82\x28\x1b.{8}", (88 + _SLOT) / 17),  # a time stamp
    (rb"\xd8[\x79-\x7b]", 72 / 2),  # an alternative
    (rb"[\x18\x38].", (32 + _SLOT) / 2),
    (rb"[\x19\x39\xf9]..", (32 + _SLOT) / 3),
    (rb"[\x1a\x3a\xfa].{4}", (32 + _SLOT) / 5),
    (rb"[\x1b\x3b\xfb].{8}", (40 + _SLOT) / 9),
    (rb"[\x80\xa0]", _DICT + _SLOT),
    (rb"[\x9f\x5f\x7f]", _LIST + _LIST_ITEMS + _SLOT),
    (rb"[\xe0-\xf3]", 48 + _SLOT),  # simple values, and what is no CBOR
    (rb"\xf8.", (48 + _SLOT) / 2),
    (rb"[\xc0-\xd7]", 72 + _SLOT),  # tags
    (rb"\xd8.", (72 + _SLOT) / 2),
    (rb"\xd9..", (72 + _SLOT) / 3),
    (rb"\xda.{4}", (72 + _SLOT) / 5),
    (rb"\xdb.{8}", (72 + _SLOT) / 9),
)
_PATTERN = b"|".join(b"((?:" + kind + b")" + _RUN + b")" for kind, _ in _KINDS)
_SIZED = rb"([\x40-\xbb](?:(?<=[\x58\x78\x98\xb8]).|(?<=[\x59\x79\x99\xb9])..|"
_SIZED += rb"(?<=[\x5a\x7a\x9a\xba]).{4}|(?<=[\x5b\x7b\x9b\xbb]).{8}|"
_SIZED += rb"(?<=[\x40-\x57\x60-\x77\x80-\x97\xa0-\xb7])))"
_HEADS = re.compile(_PATTERN + b"|" + _SIZED + rb"|(\xbf)", re.DOTALL)
_COSTS = (0.0, *(cost for _, cost in _KINDS))
_SIZED_GROUP, _OPEN_MAP = len(_KINDS) + 1, len(_KINDS) + 2


def small(always: int) -> int:
    """Return up to which size, in bytes, no item takes more than it always may."""
    return always // _DEAREST


def most_kept(size: int) -> int:
    """Return how many bytes the results of a message of some size may keep."""
    return max(ALWAYS, RESULT_RATIO * size)


def is_dear(memory: int, size: int) -> bool:
    """Return whether so much memory is far more than what stands for it, and more than a little."""
    return memory > max(_LITTLE, 10 * size)


def memory_and_size(item: object) -> tuple[int, int]:
    """Return the bytes that a decoded item takes in memory, and those of its shortest form.

    Of numbers only their places count: they take at most 14 times their bytes, most three.
    """
    memory = size = 0
    waiting = [item]
    while waiting:
        each = waiting.pop()
        size += 1
        if each is None or isinstance(each, int | float):
            continue
        memory += getsizeof(each)
        waiting += _parts(each)
        if isinstance(each, str | bytes):
            size += len(each)
    return memory, size


def _parts(item: object) -> Iterable[Any]:
    if isinstance(item, list | tuple):
        return item
    if isinstance(item, Mapping):
        return chain(item, item.values())
    return (item.value,) if isinstance(item, CBORTag) else ()


def memory_of_attribute(name: str, *others: object) -> int:
    """Return the bytes that an attribute takes, with its places in a list and where it is counted.

    That is what :func:`memory_of` returns, in a tenth of the time.
    """
    memory = _ATTRIBUTE + getsizeof(name)
    for each in others:
        if type(each) is UUID:
            memory += _UUID
        elif type(each) is int and not -6 < each < 257:
            memory += _NUMBER
    return memory


def memory_of(item: object) -> int:
    """Return the bytes that a decoded item takes, without what Python has only once."""
    memory = 0
    waiting = [item]
    while waiting:
        each = waiting.pop()
        if each is None or (isinstance(each, int) and -5 <= each <= 256):
            continue
        if isinstance(each, str | bytes) and len(each) < 2:
            continue
        memory += getsizeof(each) + _ROUNDING
        if isinstance(each, UUID):
            memory += getsizeof(each.int)
        waiting += _parts(each)
    return memory


class Cost:
    """The cost of a message so far, as its bytes are given to the decoder."""

    def __init__(self, data: bytes, start: int, always: int) -> None:
        self._data = data
        self._at = start
        self._sum = 0.0
        self._factor = 1.0
        self._limit = max(always, RATIO * (len(data) - start))

    def advance(self, end: int) -> None:
        """Add what stands before a place; raises a ValueError if it is too much."""
        data, at, cost, factor = self._data, self._at, self._sum, self._factor
        match_at = _HEADS.match
        end = min(end, len(data))
        while at < end and cost <= self._limit:
            match = match_at(data, at)
            if match is None:
                at = len(data)  # no CBOR, or cut off: the decoder says what is wrong
                break
            kind, start, at = match.lastindex or 0, at, match.end()
            if kind < _SIZED_GROUP:
                cost += _COSTS[kind] * (at - start) * factor
            elif kind == _OPEN_MAP:
                cost += _DICT + _DICT_ITEMS + _SLOT
                factor = _IN_OPEN_MAP
            else:
                more, size = self._sized(data[start], at - start, at)
                cost += more * factor
                at += size
        self._at, self._sum, self._factor = at, cost, factor
        if cost > self._limit:
            raise ValueError(
                f"its items would take more than {self._limit:,} bytes of memory, which is the "
                "most for a message of this size"
            )

    def _sized(self, first: int, head: int, at: int) -> tuple[float, int]:
        """Return the cost of an item whose head has a length, and the size of its content."""
        data = self._data
        number = first & 0x1F if head == 1 else int.from_bytes(data[at - head + 1 : at], "big")
        major = first >> 5
        if major == 4:
            return _LIST + _LIST_ITEMS + _SLOT, 0
        if major == 5:
            pairs = min(number, len(data))  # one that says more is no CBOR
            return _DICT + _DICT_ITEMS + _SLOT + _PAIR * max(0, pairs - 5), 0
        # A single character beyond the plane of most makes each take four bytes.
        wide = major == 3 and not data[at : at + number].isascii()
        return _TEXT + min(number, len(data)) * (5 if wide else 1), number
