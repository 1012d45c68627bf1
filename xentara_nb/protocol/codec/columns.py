"""Requests to read the same attribute of many elements, and their values as a column.

There is no object for a request or an answer: the requests are one pattern with the message ids and
the UUIDs set in, and of the answers only the values are taken.

Numbers are the usual case: the first byte of each says its size, so that all of them are read by
one format, together with what stands behind them.

Examples
--------
>>> requests = ColumnReads([UUID(int=1), UUID(int=2)], 11)
>>> requests.decode(bytes.fromhex("82 830101 a10b d879f93e00 830102 a10b d87905"), 1)
<2 answers with 2 values>
>>> _.values
[1.5, 5]
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from operator import add
from typing import Any
from uuid import UUID

from xentara_nb.protocol import cbor
from xentara_nb.protocol.codec.heads import (
    ARRAY,
    UNSIGNED,
    head,
    id_heads,
    numbered,
    uuid_requests,
)
from xentara_nb.protocol.codec.read_values import VALUE, ReadAnswers, values_in
from xentara_nb.protocol.commands.data import Read
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.uuid_column import UuidColumn
from xentara_nb.protocol.values import AttributeId

# A request: array of four, type 0, the message id, opcode 4, map of two, key 0: the element,
# key 1: an array of one attribute id.
_REQUEST, _READ, _ONE_ID = b"\x84\x00", b"\x04\xa2\x00", b"\x01\x81"
# An answer: array of three, type 1, the message id, a map of one.
_SUCCESS, _ONE_VALUE = b"\x83\x01", b"\xa1"
# By the first byte of a number: its format and its size. Small ones are their first byte.
_NUMBERS = {
    **dict.fromkeys(range(24), ("B", 1)),
    **{0x18: ("xB", 2), 0x19: ("xH", 3), 0x1A: ("xI", 5), 0x1B: ("xQ", 9)},
    **{0xF9: ("xe", 3), 0xFA: ("xf", 5), 0xFB: ("xd", 9)},
}
_SIZES = {first: size for first, (_, size) in _NUMBERS.items()}


class ColumnReads(Sequence[Read]):
    """Requests to read the same attribute of some elements, to be sent and answered together."""

    def __init__(self, uuids: Sequence[UUID], attribute_id: AttributeId) -> None:
        self._uuids = uuids
        self._key = int(attribute_id) if isinstance(attribute_id, int) else attribute_id
        self._id = cbor.encode(self._key)

    def __len__(self) -> int:
        return len(self._uuids)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return ColumnReads(self._uuids[index], self._key)
        return Read(self._uuids[index], (self._key,))

    def encode(self, first_id: int) -> bytes:
        """Return the message with all the requests, their message ids counting up."""
        uuids = UuidColumn.of(self._uuids)
        return uuid_requests(_REQUEST, first_id, _READ, uuids, _ONE_ID + self._id)

    def decode(self, message: bytes, first_id: int) -> ReadAnswers | None:
        """Return the answers; None if the message is an unusual one."""
        count = len(self)
        start = _ONE_VALUE + self._id
        begin = head(ARRAY, count) + _SUCCESS + head(UNSIGNED, first_id) + start
        if not count or not message.startswith(begin):
            return None
        # One piece too many is enough to know that there is something else than numbers.
        found, *pieces = message.split(VALUE, count + 1)
        values = None
        if found == begin:
            values = _numbers(pieces, [*numbered(_SUCCESS, first_id + 1, count - 1, start)])
        if values is None:
            ids = id_heads(first_id + 1, count - 1)
            behind = [*(_SUCCESS + message_id + start for message_id in ids), b""]
            try:
                values = values_in(message, begin, behind)
            except ProtocolError:
                return None
        return ReadAnswers([(self._key,)] * count, values)


def _numbers(pieces: list[bytes], behind: list[tuple[bytearray, int]]) -> list[Any] | None:
    """Return the numbers that some pieces begin with; None if there is anything else.

    Behind each stands what is given, in parts of one size with the number of these; behind the last
    one there is nothing.
    """
    parts = [*((len(packets) // count, count) for packets, count in behind), (0, 1)]
    rests = [size for size, count in parts for _ in range(count)]
    if len(pieces) != len(rests):
        return None
    try:
        firsts = [piece[0] for piece in pieces]
        sizes = map(add, map(_SIZES.__getitem__, firsts), rests)
        if list(sizes) != list(map(len, pieces)):
            return None
    except LookupError:  # an empty piece, or something else than a number
        return None
    at, form = 0, ">"
    for size, count in parts:
        form += "".join(map(_forms(size).__getitem__, firsts[at : at + count]))
        at += count
    found = struct.Struct(form).unpack(b"".join(pieces))
    rest = b"".join(packets for packets, _ in behind)
    return list(found[::2]) if b"".join(found[1::2]) == rest else None


@lru_cache(maxsize=64)
def _forms(rest: int) -> dict[int, str]:
    """Return the format of each number and so many bytes behind it."""
    return {first: f"{form}{rest}s" for first, (form, _) in _NUMBERS.items()}
