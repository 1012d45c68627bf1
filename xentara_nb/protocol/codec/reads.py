"""Requests to read many elements, and their answers, all values of a message together.

An answer is a map of attribute ids to values, and which attributes were asked for is known. So a
message is cut at the tag in front of each value, what must stand behind each value is taken off,
and the values of one kind are decoded together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from xentara_nb.protocol import cbor
from xentara_nb.protocol.codec.heads import ARRAY, MAP, UUID_HEAD, head, id_heads
from xentara_nb.protocol.codec.read_values import ReadAnswers, values_in
from xentara_nb.protocol.commands.data import Read
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.uuid_column import UuidColumn
from xentara_nb.protocol.values import AttributeId

# A request: array of four, type 0, the message id, opcode 4, map of two, key 0: the element,
# key 1: the array of attribute ids.
_REQUEST, _READ, _IDS = b"\x84\x00", b"\x04\xa2\x00" + UUID_HEAD, b"\x01"
# An answer: array of three, type 1, the message id, a map of attribute ids to values in tag 121.
_SUCCESS = b"\x83\x01"


class _Layout(NamedTuple):
    """Some attributes as they stand in requests, and around their values in answers."""

    ids: bytes
    start: bytes  # the head of the map, and the first id
    between: tuple[bytes, ...]  # the other ids
    keys: tuple[AttributeId, ...]


@lru_cache(maxsize=1024)
def _layout(attribute_ids: tuple[AttributeId, ...]) -> _Layout:
    keys = tuple(int(each) if isinstance(each, int) else each for each in attribute_ids)
    first, *others = map(cbor.encode, keys) if keys else (b"",)
    return _Layout(cbor.encode(keys), head(MAP, len(keys)) + first, tuple(others), keys)


class ReadRequests(Sequence[Read]):
    """Requests to read, to be sent and answered together."""

    def __init__(
        self, uuids: Sequence[UUID], attribute_ids: Sequence[tuple[AttributeId, ...]]
    ) -> None:
        # Elements of one type have the same attributes, and mostly the same object: by identity,
        # for the hash of a UUID takes longer than its request.
        distinct = dict(zip(map(id, attribute_ids), attribute_ids, strict=True))
        layouts = {number: _layout(each) for number, each in distinct.items()}
        self._uuids = uuids
        self._layouts = list(map(layouts.__getitem__, map(id, attribute_ids)))
        # Whether each asks for something, and for nothing twice; whether each asks for one thing.
        self._usual = all(keys and len(set(keys)) == len(keys) for *_, keys in layouts.values())
        self._single = all(len(keys) == 1 for *_, keys in layouts.values())

    @classmethod
    def of(cls, commands: Sequence[Read]) -> ReadRequests:
        """Return the same requests."""
        return cls(
            [command.element_uuid for command in commands],
            [command.attribute_ids for command in commands],
        )

    def __len__(self) -> int:
        return len(self._uuids)

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, slice):
            return Read(self._uuids[index], self._layouts[index].keys)
        part = ReadRequests((), ())
        part._uuids, part._layouts = self._uuids[index], self._layouts[index]
        part._usual, part._single = self._usual, self._single
        return part

    def encode(self, first_id: int) -> bytes:
        """Return the message with all the requests, their message ids counting up."""
        parts = [_REQUEST, b"", _READ, b"", _IDS, b""] * len(self)
        parts[1::6] = id_heads(first_id, len(self))
        parts[3::6] = UuidColumn.of(self._uuids).pieces()
        parts[5::6] = [layout.ids for layout in self._layouts]
        return head(ARRAY, len(self)) + b"".join(parts)

    def decode(self, message: bytes, first_id: int) -> ReadAnswers | None:
        """Return the answers; None if the message is an unusual one."""
        starts = [
            _SUCCESS + message_id + start
            for message_id, (_, start, _, _) in zip(
                id_heads(first_id, len(self)), self._layouts, strict=True
            )
        ]
        begin = head(ARRAY, len(self)) + b"".join(starts[:1])
        if not self._usual or not message.startswith(begin):
            return None
        starts.append(b"")
        behind = starts[1:]  # what must stand behind each value
        if not self._single:
            behind = []
            for (_, _, between, _), start in zip(self._layouts, starts[1:], strict=True):
                behind += between
                behind.append(start)
        try:
            values = values_in(message, begin, behind)
        except ProtocolError:
            return None
        return ReadAnswers([layout.keys for layout in self._layouts], values)
