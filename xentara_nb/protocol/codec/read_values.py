"""The values in answers to reads, cut out of their message and decoded together by their kind.

Which attributes were asked for is known, and so what stands behind each value. Equal values, of
which there are many, are decoded once. In place of a value there may be an error.

A wrong cut, made where the same bytes stand inside of a value, cannot change a result: what must
stand behind the value is missing there, or it leaves a piece that is no item by itself.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

from xentara_nb.protocol import cbor
from xentara_nb.protocol.cbor import uuid_from
from xentara_nb.protocol.codec.heads import UUID_HEAD
from xentara_nb.protocol.commands.data import Read
from xentara_nb.protocol.cost import ALWAYS, small
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import NIL_UUID
from xentara_nb.protocol.packets import Success, decode_answers
from xentara_nb.protocol.values import AttributeId, time_point_from

VALUE = b"\xd8\x79"
"""The tag in front of a value, 121."""

_ERROR = b"\xd8\x7a"  # the tag in front of an error, 122
_TAG, _MARK = _ERROR[:1], _ERROR[1:]  # what both tags begin with, and what marks an error
_TAGS = re.compile(_TAG + rb"(?=[\x79\x7a])")
_ONE_ANSWER = b"\x81\x83\x01\x01\xa1\x00"
# A time stamp: tag 1001 on a map of one, key 4: tag 4 on the exponent -9 and nanoseconds as a
# positive integer of 64 bits. There are few others, such as never.
_TIME = b"\xd9\x03\xe9\xa1\x04\xc4\x82\x28\x1b"
_TIME_FORM = struct.Struct(f">{len(_TIME)}sQ")
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
_HOLDING, _LONGEST = range(0xC0, 0xE0), 19  # tags; the bytes of a UUID, the longest value with one
_LISTS = range(0x80, 0xC0)  # and maps: no value is one
_SHORT_TEXTS, _LONGER_TEXT = range(0x60, 0x78), 0x78  # of up to 23 bytes, of up to 255
_MOST_CUTS = 17  # for each value: an id and a value that are UUIDs hold eight each


class ReadAnswers(Sequence[dict[AttributeId, Any]]):
    """The answers to some reads: all their values, one behind the other, are in :attr:`values`."""

    def __init__(self, keys: Sequence[tuple[AttributeId, ...]], values: list[Any]) -> None:
        self._keys = keys
        self.values = values

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, index: Any) -> Any:
        return self._answers[index]

    def __iter__(self) -> Iterator[dict[AttributeId, Any]]:
        return iter(self._answers)

    def __repr__(self) -> str:
        return f"<{len(self)} answers with {len(self.values)} values>"

    @cached_property
    def _answers(self) -> list[dict[AttributeId, Any]]:
        values = iter(self.values)
        return [dict(zip(keys, values, strict=False)) for keys in self._keys]


def values_in(message: bytes, begin: bytes, behind: Sequence[bytes]) -> list[Any]:
    """Return the values of a message, and the errors that are in place of some.

    Parameters
    ----------
    message : bytes
        The message.
    begin : bytes
        What must stand before the first value.
    behind : sequence of bytes
        What must stand behind each value.

    Raises
    ------
    ProtocolError
        If it is another message; it may still be right.
    """
    try:
        return list(_each_once(_split(message, begin, behind), _decode_values))
    except ProtocolError:
        if _ERROR not in message:
            raise
    return list(_each_once(_split(message, begin, behind, errors=True), _decode_marked))


def _split(
    message: bytes, begin: bytes, behind: Sequence[bytes], *, errors: bool = False
) -> list[bytes]:
    """Return the bytes of each value; with ``errors``, of values and errors, behind their mark."""
    # Values and ids may hold the same bytes as the tag, but not without limit.
    most = _MOST_CUTS * len(behind) + 1000
    tag = _TAG if errors else VALUE
    found, *pieces = _TAGS.split(message, most) if errors else message.split(VALUE, most)
    if found == begin and len(pieces) < most:
        if len(pieces) > len(behind) > 0:
            pieces = _rejoined(pieces, behind, tag)
        if len(pieces) == len(behind):
            items = list(map(bytes.removesuffix, pieces, behind))
            # As long as that without what was to be taken off, so it was there each time.
            if len(b"".join(items)) + len(b"".join(behind)) == len(b"".join(pieces)):
                return items
    raise ProtocolError("not the answers that were expected")


def _rejoined(pieces: Iterable[bytes], behind: Iterable[bytes], tag: bytes) -> list[bytes]:
    """Undo the cuts that were made inside of a value."""
    left = iter(pieces)
    whole = []
    for end in behind:
        tail = next(left, b"")
        parts = [tail]
        # Behind the last there is nothing: all that is left belongs to it.
        while not (end and tail.endswith(end)) and (more := next(left, None)) is not None:
            parts += (tag, more)
            tail = tail[-len(end) :] + tag + more  # never all of it: that may be long
        whole.append(b"".join(parts))
    return whole


def _each_once(
    items: list[bytes], decode: Callable[[Iterable[bytes]], dict[bytes, Any]]
) -> Iterator[Any]:
    """Return what some items are, each distinct one decoded once."""
    return map(decode(set(items)).__getitem__, items)


def _decode_marked(items: Iterable[bytes]) -> dict[bytes, Any]:
    """Return what distinct items are that stand behind the mark of a value or an error."""
    errors = {item for item in items if item.startswith(_MARK)}
    if sum(map(len, errors)) > cbor.QUICK:
        raise ProtocolError("many errors")
    found = {item: _any(_TAG + item) for item in errors}
    values = {item[1:]: item for item in items if item not in errors}
    found.update((values[item], value) for item, value in _decode_values(values).items())
    return found


def _decode_values(items: Iterable[bytes]) -> dict[bytes, Any]:
    """Return what distinct items are; ProtocolError if one of them is not exactly one item."""
    kinds: defaultdict[int, list[bytes]] = defaultdict(list)
    for item in items:
        if not item:
            raise ProtocolError("a value is missing")
        kinds[item[0]].append(item)
    if not kinds.keys().isdisjoint(_LISTS):
        raise ProtocolError("no value")  # and if one is changed, equal ones must not change too
    # What holds other items may take far more memory than its bytes, which is not counted here.
    holding = (item for first, each in kinds.items() if first in _HOLDING for item in each)
    others = (
        len(item)
        for item in holding
        if len(item) > _LONGEST or not item.startswith((UUID_HEAD, _TIME))
    )
    if sum(others) > small(ALWAYS):
        raise ProtocolError("much that is no value")
    found: dict[bytes, Any] = {}
    for first, each in kinds.items():
        for part in _by_size(each) if first == _TIME[0] else (each,):
            found.update(zip(part, _of_one_kind(first, part), strict=True))
    return found


def _by_size(items: list[bytes]) -> Iterable[list[bytes]]:
    """Return the items of each size together: beside times, there is never."""
    sizes: defaultdict[int, list[bytes]] = defaultdict(list)
    for item in items:
        sizes[len(item)].append(item)
    return sizes.values()


def _of_one_kind(first: int, items: list[bytes]) -> Iterable[Any]:
    """Return what some items are that begin with the same byte."""
    sizes = set(map(len, items))
    if (number := _NUMBERS.get(first)) is not None and sizes == {number.size}:
        return [value for (value,) in number.iter_unpack(b"".join(items))]
    if first in _CONSTANTS and sizes == {1}:
        return [_CONSTANTS[first]]
    if first in _SHORT_TEXTS and sizes == {first - 0x60 + 1}:
        return [_utf_8(item[1:]) for item in items]
    if first == _TIME[0] and sizes == {len(_TIME) + 8}:
        pairs = list(_TIME_FORM.iter_unpack(b"".join(items)))
        if all(start == _TIME and number < 1 << 63 for start, number in pairs):
            return [time_point_from(number) for _, number in pairs]
    return map(_READERS.get(first, _value), items)


def _text(item: bytes) -> str:
    if len(item) > 1 and item[1] == len(item) - 2:
        return _utf_8(item[2:])
    value: str = _value(item)
    return value


def _utf_8(content: bytes) -> str:
    try:
        return str(content, "utf-8")
    except UnicodeDecodeError:
        raise ProtocolError("a text is no UTF-8") from None


def _uuid(item: bytes) -> UUID:
    if len(item) == len(UUID_HEAD) + 16 and item.startswith(UUID_HEAD):
        return uuid_from(item[len(UUID_HEAD) :])
    value: UUID = _value(item)
    return value


def _value(item: bytes) -> Any:
    """Decode exactly one value with the generic decoder."""
    return _any(VALUE + item)


def _any(item: bytes) -> Any:
    """Decode exactly one value or error with its tag, as deep as it stands in a message."""
    (answer,) = decode_answers(_ONE_ANSWER + item)
    assert isinstance(answer, Success)
    (value,) = _ANY_REQUEST.parse_answer(answer.item).values()
    return value


_READERS: dict[int, Callable[[bytes], Any]] = {
    _LONGER_TEXT: _text,
    UUID_HEAD[0]: _uuid,
}
