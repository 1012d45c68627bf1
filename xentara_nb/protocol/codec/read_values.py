"""The values in answers to reads, cut out of their message and decoded together by their kind.

Which attributes were asked for is known, and so what stands behind each value.

A wrong cut, made where the same bytes stand inside of a value, cannot change a result: what must
stand behind the value is missing there, or it leaves a piece that is no item by itself.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from xentara_nb.protocol import cbor
from xentara_nb.protocol.cbor import uuid_from
from xentara_nb.protocol.codec.heads import UUID_HEAD
from xentara_nb.protocol.commands.data import Read
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import NIL_UUID
from xentara_nb.protocol.packets import Success, decode_answers
from xentara_nb.protocol.values import TimePoint, time_point_from

VALUE = b"\xd8\x79"
"""The tag in front of a value, 121."""

_ONE_VALUE = b"\x81\x83\x01\x01\xa1\x00" + VALUE
# A time stamp: tag 1001 on a map of one; either key 4: tag 4 on the exponent -9 and nanoseconds as
# a positive integer of 64 bits; or key 1: an infinity.
_TIME, _TIME_SIZE = b"\xd9\x03\xe9\xa1\x04\xc4\x82\x28\x1b", 17
_NEVER = b"\xd9\x03\xe9\xa1\x01\xf9\xfc\x00"
_FORMS = {0x18: ">xB", 0x19: ">xH", 0x1A: ">xI", 0x1B: ">xQ", 0xF9: ">xe", 0xFA: ">xf", 0xFB: ">xd"}
# By the first byte of an item: the number that follows.
_NUMBERS = {first: struct.Struct(form) for first, form in _FORMS.items()}
_CONSTANTS = {
    **{first: first for first in range(0x18)},
    **{first: 0x1F - first for first in range(0x20, 0x38)},
    0xF4: False,
    0xF5: True,
}
_ANY_REQUEST = Read(NIL_UUID, ())
_HOLDING, _LONGEST = range(0x80, 0xE0), 19  # arrays, maps and tags; the bytes of a tagged value
_SHORT_TEXTS, _LONGER_TEXT = range(0x60, 0x78), 0x78  # of up to 23 bytes, of up to 255
_MOST_CUTS = 17  # for each value: an id and a value that are UUIDs hold eight each


def split(message: bytes, count: int) -> list[bytes]:
    """Return what stands before so many values, and each of them with what stands behind it.

    ProtocolError if there are far more cuts than that: values and ids may hold the same bytes, but
    not without limit.
    """
    pieces = message.split(VALUE, most := _MOST_CUTS * count + 1000)
    if len(pieces) > most:
        raise ProtocolError("far more tags than values")
    return pieces


def cut(pieces: list[bytes], behind: list[bytes]) -> list[bytes]:
    """Return the values without what must stand behind each; ProtocolError if it does not."""
    if len(pieces) > len(behind) > 0:
        pieces = _rejoined(pieces, behind)
    if len(pieces) == len(behind):
        items = list(map(bytes.removesuffix, pieces, behind))
        if sum(map(len, items)) + sum(map(len, behind)) == sum(map(len, pieces)):
            return items
    raise ProtocolError("not the answers that were expected")


def _rejoined(pieces: Iterable[bytes], behind: Iterable[bytes]) -> list[bytes]:
    """Undo the cuts that were made inside of a value."""
    left = iter(pieces)
    whole = []
    for end in behind:
        tail = next(left, b"")
        parts = [tail]
        # Behind the last there is nothing: all that is left belongs to it.
        while not (end and tail.endswith(end)) and (more := next(left, None)) is not None:
            parts += (VALUE, more)
            tail = tail[-len(end) :] + VALUE + more  # never all of it: that may be long
        whole.append(b"".join(parts))
    return whole


def decode_values(items: list[bytes]) -> list[Any]:
    """Return what some items are; ProtocolError if one of them is not exactly one item."""
    kinds: defaultdict[int, list[bytes]] = defaultdict(list)
    order = []
    for item in items:
        if not item:
            raise ProtocolError("a value is missing")
        order.append(first := item[0])
        kinds[first].append(item)
    # What holds other items may take far more memory than its bytes, which is not counted here.
    holding = (each for first, each in kinds.items() if first in _HOLDING)
    if sum(max(0, sum(map(len, each)) - _LONGEST * len(each)) for each in holding) > cbor.SMALL:
        raise ProtocolError("much that is no value")
    decoded = {first: iter(_of_one_kind(first, each)) for first, each in kinds.items()}
    return list(map(next, map(decoded.__getitem__, order)))


def _of_one_kind(first: int, items: list[bytes]) -> Iterable[Any]:
    """Return what some items are that begin with the same byte."""
    sizes = set(map(len, items))
    if (number := _NUMBERS.get(first)) is not None and sizes == {number.size}:
        return [value for (value,) in number.iter_unpack(b"".join(items))]
    if first in _CONSTANTS and sizes == {1}:
        return [_CONSTANTS[first]] * len(items)
    if first in _SHORT_TEXTS and sizes == {first - 0x60 + 1}:
        known = {item: _utf_8(item[1:]) for item in set(items)}  # many come again and again
        return map(known.__getitem__, items)
    return map(_READERS.get(first, _any), items)


def _text(item: bytes) -> str:
    if len(item) > 1 and item[1] == len(item) - 2:
        return _utf_8(item[2:])
    value: str = _any(item)
    return value


def _utf_8(content: bytes) -> str:
    try:
        return str(content, "utf-8")
    except UnicodeDecodeError:
        raise ProtocolError("a text is no UTF-8") from None


def _time(item: bytes) -> TimePoint:
    if len(item) == _TIME_SIZE and item.startswith(_TIME) and item[len(_TIME)] < 0x80:
        return time_point_from(int.from_bytes(item[len(_TIME) :], "big"))
    value: TimePoint = TimePoint.NEVER if item == _NEVER else _any(item)
    return value


def _uuid(item: bytes) -> UUID:
    if len(item) == len(UUID_HEAD) + 16 and item.startswith(UUID_HEAD):
        return uuid_from(item[len(UUID_HEAD) :])
    value: UUID = _any(item)
    return value


def _any(item: bytes) -> Any:
    """Decode exactly one value with the generic decoder, as deep as it stands in a message."""
    (answer,) = decode_answers(_ONE_VALUE + item)
    assert isinstance(answer, Success)
    (value,) = _ANY_REQUEST.parse_answer(answer.item).values()
    return value


_READERS: dict[int, Callable[[bytes], Any]] = {
    _LONGER_TEXT: _text,
    _TIME[0]: _time,
    UUID_HEAD[0]: _uuid,
}
