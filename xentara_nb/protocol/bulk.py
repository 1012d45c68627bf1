"""The attribute lists of many elements: the same bytes and results as the general way, sooner.

A model has few distinct attribute lists, for elements of one type share theirs, so nearly all
bytes of an inventory have been decoded before. Here a message is cut at the heads of its packets,
and each piece is looked up among the lists that were decoded once.

The result is exact or there is none. A message that is anything but the answers in order, each a
success with nothing but an attribute list, gives None, and the caller takes the general way for
all of it. A wrong cut, made where the bytes of a head stand inside of a list, can cost time but
cannot change a result: a piece counts only if it is a whole item by itself, and no item of CBOR is
the beginning of another one, so the first head that is none ends a piece that is no item.

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
from array import array
from collections.abc import Iterator, Sequence
from sys import byteorder
from typing import overload
from uuid import UUID

from xentara_nb.protocol.commands.model import MetaData, MetaDataAnswer
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import NIL_UUID, MetaDataId
from xentara_nb.protocol.packets import Success, decode_answers

_IDENTIFIERS = (MetaDataId.ATTRIBUTE_LIST,)
_MAX_LISTS = 1024  # distinct lists remembered; a model has a few dozen
_MAX_LIST_BYTES = 16_384

# A request: array of four, type 0, the message id, opcode 2, map of two, key 0: tag 37 on 16 bytes,
# key 1: the array [2].
_REQUEST, _ELEMENT, _LIST_ONLY = b"\x84\x00", b"\x02\xa2\x00\xd8\x25\x50", b"\x01\x81\x02"
# A success packet: array of three, type 1, the message id, then a map with one entry, key 2.
_HEAD = rb"\x83\x01([\x00-\x17]|\x18.|\x19..|\x1a....|\x1b........)\xa1\x02"
_ANSWER = re.compile(_HEAD, re.DOTALL)
_FIRST_ANSWER = re.compile(rb"(?:[\x80-\x97]|\x98.|\x99..|\x9a....)" + _HEAD, re.DOTALL)
_ONE_ANSWER = b"\x81\x83\x01\x01\xa1\x02"


class ListRecognizer:
    """Decodes the answers to :class:`ListRequests`, every distinct list once."""

    def __init__(self) -> None:
        self._known: dict[bytes, MetaDataAnswer] = {}

    def decode(self, message: bytes, first_id: int, count: int) -> list[MetaDataAnswer] | None:
        """Return the answers in a message, or None; see :meth:`ListRequests.decode`."""
        start, *pieces = _ANSWER.split(message)
        ids, lists = pieces[::2], pieces[1::2]
        if start != _head(4, count) or ids != _id_heads(first_id, count):
            return None
        known = self._known
        try:
            return [known[encoded] for encoded in lists]
        except KeyError:
            pass  # the usual case in one go; now piece by piece
        answers = []
        for encoded in lists:
            answer = known.get(encoded) or self._learn(encoded)
            if answer is None:
                return None
            answers.append(answer)
        return answers

    def _learn(self, encoded: bytes) -> MetaDataAnswer | None:
        """Decode a list the general way, as deep in a message as it stood; None if it is none."""
        try:
            (answer,) = decode_answers(_ONE_ANSWER + encoded)
            assert isinstance(answer, Success)
            result = _ANY.parse_answer(answer.item)
        except ProtocolError:
            return None
        if len(encoded) <= _MAX_LIST_BYTES:
            if len(self._known) >= _MAX_LISTS:
                self._known.clear()
            self._known[encoded] = result
        return result


class ListRequests(Sequence[MetaData]):
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
        """Return the message with all the requests, their message ids counting up."""
        parts = [_head(4, len(self))]
        for message_id, uuid in zip(_id_heads(first_id, len(self)), self._uuids, strict=True):
            parts += (_REQUEST, message_id, _ELEMENT, uuid.bytes, _LIST_ONLY)
        return b"".join(parts)

    def decode(self, message: bytes, first_id: int) -> list[MetaDataAnswer] | None:
        """Return the answers to all the requests, in order, those with equal lists the same.

        Returns
        -------
        list of MetaDataAnswer, or None
            None if the message is anything but all these answers in order, each a success with
            nothing but an attribute list.
        """
        return self._recognizer.decode(message, first_id, len(self))


def first_answered(message: bytes) -> int | None:
    """Return the message id in the first answer, if a message may be what this module decodes."""
    match = _FIRST_ANSWER.match(message)
    if match is None:
        return None
    head = match[1]
    return head[0] if len(head) == 1 else int.from_bytes(head[1:], "big")


_ANY = MetaData(NIL_UUID, _IDENTIFIERS)  # which element was meant changes nothing in the answer


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
