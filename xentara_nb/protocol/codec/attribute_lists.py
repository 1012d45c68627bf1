"""Attribute lists, each distinct one decoded once.

A model has few distinct ones, for elements of one type share theirs, so nearly all bytes of an
inventory have been decoded before. Here a message is cut at the heads of its packets, and each
piece is looked up among the lists that were decoded once.

A wrong cut, made where the same bytes stand inside of a list, can cost time but cannot change a
result: a piece counts only if it is a whole item by itself. No item of CBOR is the beginning of
another one, so after a sound piece the next one begins where the general way goes on, and the first
wrong cut leaves a piece that is no item.

Examples
--------
>>> from uuid import UUID
>>> requests = ListRequests([UUID(int=0)])
>>> requests.encode(1).hex()
'8184000102a200d8255000000000000000000000000000000000018102'
>>> requests.decode(bytes.fromhex("81 830101 a102 80"), 1)
[MetaDataAnswer(primary_key=None, category=None, attributes=(), has_children=None)]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload
from uuid import UUID

from xentara_nb.protocol.attribute_lists import AttributeInfo
from xentara_nb.protocol.codec.base import BulkRequests
from xentara_nb.protocol.codec.heads import ARRAY, SUCCESS, UUID_HEAD, head, id_heads
from xentara_nb.protocol.commands.model import MetaData, MetaDataAnswer
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import NIL_UUID, MetaDataId
from xentara_nb.protocol.packets import Success, decode_answers

_IDENTIFIERS = (MetaDataId.ATTRIBUTE_LIST,)
# What is remembered: a model has a few dozen lists.
_MAX_KNOWN = 1024
_MAX_BYTES = 16_384

T = TypeVar("T")

# A request: array of four, type 0, the message id, opcode 2, map of two, key 0: the element,
# key 1: the array [2].
_REQUEST, _ELEMENT, _LIST_ONLY = b"\x84\x00", b"\x02\xa2\x00" + UUID_HEAD, b"\x01\x81\x02"
# The answer: a success packet, a map with one entry, key 2.
_LIST = re.compile(SUCCESS + rb"\xa1\x02", re.DOTALL)
_ONE_LIST = b"\x81\x83\x01\x01\xa1\x02"
_ATTRIBUTE = b"\xa4\x00"  # a map of four, key 0


class ListRecognizer:
    """Decodes the answers to :class:`ListRequests`, every distinct list once.

    A list that is new is put together from attributes that came before; an attribute that is new
    as well is decoded the general way.
    """

    def __init__(self) -> None:
        self._lists: dict[bytes, MetaDataAnswer] = {}
        self._attributes: dict[bytes, AttributeInfo] = {}

    def decode(self, message: bytes, first_id: int, count: int) -> list[MetaDataAnswer] | None:
        """Return the answers in a message, or None; see :meth:`ListRequests.decode`."""
        start, *pieces = _LIST.split(message)
        ids, lists = pieces[::2], pieces[1::2]
        if start != head(ARRAY, count) or ids != id_heads(first_id, count):
            return None
        try:
            return [self._lists.get(encoded) or self._learn(encoded) for encoded in lists]
        except ProtocolError:
            return None

    def _learn(self, encoded: bytes) -> MetaDataAnswer:
        start, *pieces = encoded.split(_ATTRIBUTE)
        try:
            if start != head(ARRAY, len(pieces)):
                raise ProtocolError("not a list of attributes in the usual form")
            known = self._attributes
            answer = MetaDataAnswer(
                attributes=tuple([known.get(item) or self._learn_one(item) for item in pieces])
            )
        except ProtocolError:
            answer = _decode_list(encoded)
        _remember(self._lists, encoded, answer)
        return answer

    def _learn_one(self, encoded: bytes) -> AttributeInfo:
        attributes = _decode_list(b"\x81" + _ATTRIBUTE + encoded).attributes
        assert attributes is not None
        _remember(self._attributes, encoded, attributes[0])
        return attributes[0]


def _decode_list(encoded: bytes) -> MetaDataAnswer:
    """Decode an attribute list the general way, as deep inside of a message as lists stand.

    Raises
    ------
    ProtocolError
        If the bytes are not exactly a list.
    """
    (answer,) = decode_answers(_ONE_LIST + encoded)
    assert isinstance(answer, Success)
    return _ANY.parse_answer(answer.item)


def _remember(known: dict[bytes, T], encoded: bytes, meaning: T) -> None:
    if len(encoded) <= _MAX_BYTES:
        if len(known) >= _MAX_KNOWN:
            known.clear()
        known[encoded] = meaning


class ListRequests(BulkRequests[MetaData]):
    """Requests for the attribute lists of elements, to be sent and answered together.

    Parameters
    ----------
    uuids : sequence of UUID
        The elements.
    recognizer : ListRecognizer, optional
        What knows the lists that came before; its slices share it.
    """

    def __init__(self, uuids: Sequence[UUID], recognizer: ListRecognizer | None = None) -> None:
        self._uuids = uuids
        self._recognizer = ListRecognizer() if recognizer is None else recognizer

    def __len__(self) -> int:
        return len(self._uuids)

    @overload
    def __getitem__(self, index: int) -> MetaData: ...
    @overload
    def __getitem__(self, index: slice) -> ListRequests: ...
    def __getitem__(self, index: int | slice) -> MetaData | ListRequests:
        if isinstance(index, slice):
            return ListRequests(self._uuids[index], self._recognizer)
        return MetaData(self._uuids[index], _IDENTIFIERS)

    def __iter__(self) -> Iterator[MetaData]:
        return (MetaData(uuid, _IDENTIFIERS) for uuid in self._uuids)

    def encode(self, first_id: int) -> bytes:
        """Return the message with all the requests; see :class:`BulkRequests`."""
        parts = [head(ARRAY, len(self))]
        for message_id, uuid in zip(id_heads(first_id, len(self)), self._uuids, strict=True):
            parts += (_REQUEST, message_id, _ELEMENT, uuid.int.to_bytes(16, "big"), _LIST_ONLY)
        return b"".join(parts)

    def parse_answer(self, item: Any) -> MetaDataAnswer:
        """Return the answer to any one of the requests: which, makes no difference to it."""
        return _ANY.parse_answer(item)

    def decode(self, message: bytes, first_id: int) -> list[MetaDataAnswer] | None:
        """Return the answers, equal lists the same object; or None, see :class:`BulkRequests`."""
        return self._recognizer.decode(message, first_id, len(self))


_ANY = MetaData(NIL_UUID, _IDENTIFIERS)
