"""Requests for attribute lists, and their answers, each distinct list decoded once.

A model has few distinct ones, for elements of one type share theirs, so nearly all bytes of an
inventory have been decoded before. Here a message is cut at the heads of its packets, and each
piece is looked up among the lists that were decoded once.

A wrong cut, made where the same bytes stand inside of a list, can cost time but cannot change a
result: a piece counts only if it is a whole item by itself. No item of CBOR is the beginning of
another one, so after a sound piece the next one begins where the generic decoder goes on, and the
first wrong cut leaves a piece that is no item.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from xentara_nb.protocol import cbor
from xentara_nb.protocol.cbor import uuid_from
from xentara_nb.protocol.codec.heads import (
    ARRAY,
    SUCCESS,
    UUID_HEAD,
    head,
    numbered,
    text_of,
    uuid_requests,
)
from xentara_nb.protocol.commands.model import (
    AttributeInfo,
    MetaData,
    MetaDataAnswer,
    parse_attribute,
    shared_list,
)
from xentara_nb.protocol.cost import memory_of_attribute, most_kept
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import Access, DataType, MetaDataId, known
from xentara_nb.protocol.sharing import shared
from xentara_nb.protocol.uuid_column import UuidColumn

MAX_REMEMBERED = 16_384
"""The largest list, or attribute, that is remembered, in bytes."""

_DEAREST = 16  # times its bytes, and somewhat more than any attribute takes in memory
_IDENTIFIERS = (MetaDataId.ATTRIBUTE_LIST,)
# A request: array of four, type 0, the message id, opcode 2, map of two, key 0: the element,
# key 1: the array [2].
_REQUEST, _ELEMENT, _LIST_ONLY = b"\x84\x00", b"\x02\xa2\x00", b"\x01\x81\x02"
# The answer: a success packet, a map with one entry, key 2.
_LIST = re.compile(SUCCESS + rb"\xa1\x02", re.DOTALL)
_NULL = b"\xf6"  # in place of a list
_DEPTH = 4  # of a list: in a message, a packet and a map
_ATTRIBUTE = b"\xa4\x00"  # a map of four, key 0
# What is behind that as a rule: the name; key 1: a small number or a UUID; key 2 and key 3: small
# numbers.
_USUAL = re.compile(
    rb"(.+)\x01(?:([\x00-\x17])|"
    + re.escape(UUID_HEAD)
    + rb"(.{16}))\x02([\x00-\x17])\x03([\x00-\x17])",
    re.DOTALL,
)
_ACCESS = {bytes((number,)): known(Access, number) for number in range(24)}
_DATA_TYPES = {bytes((number,)): known(DataType, number) for number in range(24)}


class ListRequests(Sequence[MetaData]):
    """Requests for the attribute lists of elements, to be sent and answered together."""

    def __init__(self, uuids: Sequence[UUID]) -> None:
        self._uuids = uuids

    def __len__(self) -> int:
        return len(self._uuids)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return ListRequests(self._uuids[index])
        return MetaData(self._uuids[index], _IDENTIFIERS)

    def encode(self, first_id: int) -> bytes:
        """Return the message with all the requests, their message ids counting up."""
        uuids = UuidColumn.of(self._uuids)

        def encode() -> bytes:
            return uuid_requests(_REQUEST, first_id, _ELEMENT, uuids, _LIST_ONLY)

        return shared("list requests", (first_id, uuids.data), 64 * len(self), encode)

    def decode(self, message: bytes, first_id: int) -> list[MetaDataAnswer] | None:
        """Return the answers, equal lists the same object; None if the message is unusual."""
        made_of = len(self), first_id, message
        return shared("lists", made_of, len(message), lambda: self._decode(message, first_id))

    def _decode(self, message: bytes, first_id: int) -> list[MetaDataAnswer] | None:
        # One piece too many is enough to know that it is another message.
        start, *pieces = _LIST.split(message, len(self) + 1)
        ids, lists = pieces[::2], pieces[1::2]
        if start != head(ARRAY, len(self)) or len(ids) != len(self):
            return None
        # No id is the beginning of another one: they are the same where the bytes of all are.
        if b"".join(ids) != b"".join(heads for heads, _ in numbered(b"", first_id, len(self), b"")):
            return None
        try:
            found = _decode_lists(set(lists), most_kept(len(message)))
        except ProtocolError:
            return None
        return list(map(found.__getitem__, lists))


def _decode_lists(items: set[bytes], limit: int) -> dict[bytes, MetaDataAnswer]:
    """Decode distinct attribute lists.

    Raises a ProtocolError if one is none, or if all of them take more memory than a limit: then the
    generic decoder takes over, which counts it exactly.
    """
    found = {}
    uncounted = sum(map(len, items)) * _DEAREST <= limit
    attributes: dict[int, AttributeInfo] = {}  # those that are the same object count once
    memory = 0
    for item in items:
        answer = known_list(item) if len(item) <= MAX_REMEMBERED else _decode_list(item)
        found[item] = answer
        for each in () if uncounted else answer.attributes or ():
            if id(each) not in attributes:
                attributes[id(each)] = each
                memory += memory_of_attribute(*each)
        if memory > limit:
            raise ProtocolError("its attributes take too much memory")
    return found


@lru_cache(maxsize=1024)
def known_list(item: bytes) -> MetaDataAnswer:
    """Decode an attribute list, one that is new from the attributes that came before.

    Raises a ProtocolError if the bytes are not exactly a list.
    """
    start, *pieces = item.split(_ATTRIBUTE)
    if start == head(ARRAY, len(pieces)):
        try:
            return MetaDataAnswer(attributes=tuple(map(known_attribute, pieces)))
        except ProtocolError:
            pass  # a wrong cut, perhaps
    return _decode_list(item)


@lru_cache(maxsize=1024)
def known_attribute(item: bytes) -> AttributeInfo:
    """Decode an attribute, from what stands behind its first key; raises as known_list."""
    usual = _USUAL.fullmatch(item)
    if usual is not None:
        name, number, uuid, access, data_type = usual.groups()
        try:
            attribute_id = uuid_from(uuid) if number is None else number[0]
            return AttributeInfo(
                text_of(name), attribute_id, _ACCESS[access], _DATA_TYPES[data_type]
            )
        except ValueError:
            pass  # the bytes at the end of a UUID, perhaps
    attributes = _decode_list(b"\x81" + _ATTRIBUTE + item).attributes
    assert attributes is not None
    return attributes[0]


def _decode_list(item: bytes) -> MetaDataAnswer:
    """Decode an attribute list with the generic decoder, as deep as it stands in a message.

    Attribute by attribute, for what these are decoded into takes far more memory than they do.
    """
    if item == _NULL:
        return MetaDataAnswer()
    entries = cbor.iterate_array(item, depth=_DEPTH)
    return MetaDataAnswer(attributes=shared_list(tuple(map(parse_attribute, entries))))
