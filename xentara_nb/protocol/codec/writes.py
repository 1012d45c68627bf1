"""Requests to write many attributes, and the answer that all of them were done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xentara_nb.protocol import cbor
from xentara_nb.protocol.codec.heads import ARRAY, UUID_HEAD, head, id_heads
from xentara_nb.protocol.commands.data import Write
from xentara_nb.protocol.values import AttributeId

# A request: array of four, type 0, the message id, opcode 5, map of three or four, key 0: the
# element, key 1: the attribute id, key 2: the value, key 3: the sub-session id.
_REQUEST = b"\x84\x00"
_WRITE, _IN_SESSION = b"\x05\xa3\x00" + UUID_HEAD, b"\x05\xa4\x00" + UUID_HEAD
_ATTRIBUTE, _VALUE, _SESSION = b"\x01", b"\x02", b"\x03" + UUID_HEAD
# The answer: array of two, type 1, the message id.
_DONE = b"\x82\x01"


class WriteRequests(Sequence[Write]):
    """Requests to write, to be sent and answered together."""

    def __init__(self, writes: Sequence[Write]) -> None:
        self._writes = writes

    def __len__(self) -> int:
        return len(self._writes)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return WriteRequests(self._writes[index])
        return self._writes[index]

    def encode(self, first_id: int) -> bytes:
        """Return the message with all the requests, their message ids counting up."""
        ids: dict[AttributeId, bytes] = {}  # there are few
        parts = [head(ARRAY, len(self))]
        for message_id, write in zip(id_heads(first_id, len(self)), self._writes, strict=True):
            attribute = ids.get(write.attribute_id)
            if attribute is None:
                attribute = ids[write.attribute_id] = cbor.encode(write.attribute_id)
            session = write.sub_session_id
            parts += (
                _REQUEST,
                message_id,
                _WRITE if session is None else _IN_SESSION,
                write.element_uuid.int.to_bytes(16, "big"),
                _ATTRIBUTE,
                attribute,
                _VALUE,
                cbor.shortest_float(write.value)
                if type(write.value) is float
                else cbor.encode(write.value),
            )
            if session is not None:
                parts += (_SESSION, session.int.to_bytes(16, "big"))
        return b"".join(parts)

    def decode(self, message: bytes, first_id: int) -> list[None] | None:
        """Return None for each of the requests if all of them were done; else None."""
        done = [_DONE + message_id for message_id in id_heads(first_id, len(self))]
        return [None] * len(self) if message == head(ARRAY, len(self)) + b"".join(done) else None
