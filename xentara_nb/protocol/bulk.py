"""The meta data of many elements: the same bytes and results as the general path, sooner.

A model has few distinct attribute lists, for elements of one type share theirs, so nearly all
bytes of an inventory have been decoded before. Here a message is cut at the heads of its packets,
and each piece is looked up among the lists that were decoded and checked once.

The result is exact or there is none. A message that is not, byte for byte, in the form that a
server normally sends gives None, and the caller takes the general path for all of it. So a wrong
cut, made where the bytes of a head stand inside of a list, can cost time but cannot change a
result: a piece counts only if it is the normal form of a whole list, and an item of CBOR is never
the beginning of another one.

Examples
--------
>>> from uuid import UUID
>>> encode_requests(1, [UUID(int=0)]).hex()
'8184000102a200d8255000000000000000000000000000000000018102'
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from sys import byteorder
from uuid import UUID

from xentara_nb.protocol import cbor
from xentara_nb.protocol.attribute_lists import (
    AttributeInfo,
    attributes_item,
    parse_attributes,
)
from xentara_nb.protocol.commands.model import MetaData
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import MetaDataId

IDENTIFIERS = (MetaDataId.ATTRIBUTE_LIST,)
"""What the meta data requests of this module ask for."""

_MAX_LISTS = 4096  # distinct lists remembered; a model has a few dozen
_MAX_LIST_BYTES = 65_536

# A request: array of four, type 0, the message id, opcode 2, map of two, key 0: tag 37 on 16 bytes,
# key 1: the array [2].
_REQUEST, _ELEMENT, _LIST_ONLY = b"\x84\x00", b"\x02\xa2\x00\xd8\x25\x50", b"\x01\x81\x02"
# A success packet: array of three, type 1, the message id, then a map with one entry, key 2.
_ANSWER = re.compile(
    rb"\x83\x01([\x00-\x17]|\x18.|\x19..|\x1a....|\x1b........)\xa1\x02", re.DOTALL
)


def commands(uuids: Sequence[UUID]) -> list[MetaData]:
    """Return the requests for the attribute lists of elements, for the general path."""
    return [MetaData(uuid, IDENTIFIERS) for uuid in uuids]


def encode_requests(first_id: int, uuids: Sequence[UUID]) -> bytes:
    """Return the message with the same requests, their message ids counting from ``first_id``."""
    parts = [_head(4, len(uuids))]
    for message_id, uuid in zip(_id_heads(first_id, len(uuids)), uuids, strict=True):
        parts += (_REQUEST, message_id, _ELEMENT, uuid.bytes, _LIST_ONLY)
    return b"".join(parts)


class ListRecognizer:
    """Decodes the answers to :func:`encode_requests`, every distinct list once."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[AttributeInfo, ...]] = {}

    def decode(
        self, message: bytes, first_id: int, count: int
    ) -> list[tuple[AttributeInfo, ...]] | None:
        """Return the attributes of each element, in the order of the requests.

        Returns
        -------
        list of tuple, or None
            None if the message is anything but all the answers in order, each a success with
            nothing but an attribute list in its normal form.
        """
        start, *pieces = _ANSWER.split(message)
        ids, encoded = pieces[::2], pieces[1::2]
        if start != _head(4, count) or ids != _id_heads(first_id, count):
            return None
        lists = []
        for piece in encoded:
            attributes = self._known.get(piece)
            if attributes is None:
                attributes = self._learn(piece)
                if attributes is None:
                    return None
            lists.append(attributes)
        return lists

    def _learn(self, encoded: bytes) -> tuple[AttributeInfo, ...] | None:
        """Decode a list by the general path; None if it is not in its normal form."""
        if len(encoded) > _MAX_LIST_BYTES:
            return None
        try:
            attributes = parse_attributes(cbor.decode(encoded))
        except ProtocolError:
            return None
        if cbor.encode(attributes_item(attributes)) != encoded:
            return None
        if len(self._known) >= _MAX_LISTS:
            self._known.clear()
        self._known[encoded] = attributes
        return attributes


def _id_heads(first_id: int, count: int) -> list[bytes]:
    """Return message ids as CBOR, each in its shortest form."""
    last_id = first_id + count - 1
    if first_id >= 0x100 and last_id < 0x1_0000:
        numbers = array("H", range(first_id, last_id + 1))
        if byteorder == "little":
            numbers.byteswap()
        raw = numbers.tobytes()
        return [b"\x19" + raw[place : place + 2] for place in range(0, len(raw), 2)]
    return [_head(0, message_id) for message_id in range(first_id, last_id + 1)]


def _head(major: int, value: int) -> bytes:
    """Return the head of a CBOR item in its shortest form."""
    first = major << 5
    if value < 24:
        return bytes((first | value,))
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes((first | extra,)) + value.to_bytes(size, "big")
    raise ValueError(f"{value} does not fit 64 bits")
