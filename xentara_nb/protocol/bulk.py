"""The two answers that an inventory is made of, decoded sooner than the general way does it.

**Attribute lists.** A model has few distinct ones, for elements of one type share theirs, so nearly
all bytes of an inventory have been decoded before. Here a message is cut at the heads of its
packets, and each piece is looked up among the lists that were decoded once.

**Browse.** Its entries have one form, so the message is cut at what stands between two keys.

The result is exact or there is none. A message that is anything but the expected answers gives
None, and the caller takes the general way for all of it. A wrong cut, made where the same bytes
stand inside of a list or a key, can cost time but cannot change a result: a piece counts only if it
is a whole item by itself. No item of CBOR is the beginning of another one, so after a sound piece
the next one begins where the general way goes on, and the first wrong cut leaves a piece that is
no item.

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
from typing import Any, TypeVar, cast, overload
from uuid import UUID

from xentara_nb.protocol import cbor
from xentara_nb.protocol.attribute_lists import AttributeInfo
from xentara_nb.protocol.cbor import uuid_from
from xentara_nb.protocol.commands.base import Command
from xentara_nb.protocol.commands.data import Read
from xentara_nb.protocol.commands.model import Browse, BrowseEntry, MetaData, MetaDataAnswer
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import NIL_UUID, Category, MetaDataId, known
from xentara_nb.protocol.packets import Success, decode_answers, encode_packets
from xentara_nb.protocol.values import AttributeId

_IDENTIFIERS = (MetaDataId.ATTRIBUTE_LIST,)
# What is remembered: a model has a few dozen lists.
_MAX_KNOWN = 1024
_MAX_BYTES = 16_384

T = TypeVar("T")

# A request: array of four, type 0, the message id, opcode 2, map of two, key 0: tag 37 on 16 bytes,
# key 1: the array [2].
_REQUEST, _ELEMENT, _LIST_ONLY = b"\x84\x00", b"\x02\xa2\x00\xd8\x25\x50", b"\x01\x81\x02"
# To read: the same with opcode 4, and key 1: the array of attribute ids.
_READ, _IDS = b"\x04\xa2\x00\xd8\x25\x50", b"\x01"
# A success packet: array of three, type 1, the message id. For a list: a map with one entry, key 2.
_SUCCESS = rb"\x83\x01([\x00-\x17]|\x18.|\x19..|\x1a....|\x1b........)"
_LIST = re.compile(_SUCCESS + rb"\xa1\x02", re.DOTALL)
_ONE_LIST = b"\x81\x83\x01\x01\xa1\x02"
_ATTRIBUTE = b"\xa4\x00"  # a map of four, key 0
_FIRST = re.compile(rb"(?:[\x80-\x97]|\x98.|\x99..|\x9a....)" + _SUCCESS, re.DOTALL)
# Behind the key of an element in browse: key 1: tag 37 on 16 bytes, key 2: the category; then the
# end, or the next element: map of three, key 0.
_BEHIND_KEY = re.compile(
    rb"\x01\xd8\x25\x50(.{16})\x02([\x00-\x17]|\x18[\x18-\xff])(\xa3\x00|\Z)", re.DOTALL
)
_NEXT = b"\xa3\x00"


def encode_requests(commands: Sequence[Command[Any]], first_id: int) -> bytes:
    """Return the message that sends some commands, their message ids counting up.

    Raises
    ------
    ProtocolError
        If a command cannot be sent.
    """
    if isinstance(commands, ListRequests):
        return commands.encode(first_id)
    if all(type(command) is Read for command in commands):
        return _encode_reads(cast(Sequence[Read], commands), first_id)
    return encode_packets(command.request(at) for at, command in enumerate(commands, first_id))


def _encode_reads(commands: Sequence[Read], first_id: int) -> bytes:
    """Encode requests to read, the attributes of each kind of element only once."""
    parts = [_head(4, len(commands))]
    known: dict[tuple[AttributeId, ...], bytes] = {}
    for message_id, command in zip(_id_heads(first_id, len(commands)), commands, strict=True):
        ids = known.get(command.attribute_ids)
        if ids is None:
            ids = known[command.attribute_ids] = cbor.encode(command.parameters()[1])
        parts += (_REQUEST, message_id, _READ, command.element_uuid.int.to_bytes(16, "big"), _IDS)
        parts.append(ids)
    return b"".join(parts)


def decode_results(
    commands: Sequence[Command[Any]], message: bytes, first_id: int
) -> Sequence[Any] | None:
    """Return the results of commands, if a message is all their answers and this module knows it.

    Returns
    -------
    sequence, or None
        None if the message must be decoded the general way. Nothing is wrong with it then, yet.
    """
    if isinstance(commands, ListRequests):
        return commands.decode(message, first_id)
    if len(commands) == 1 and type(commands[0]) is Browse:
        entries = decode_browse(message, first_id)
        return None if entries is None else [entries]
    return None


def first_answered(message: bytes) -> int | None:
    """Return the message id in a message's first packet, if that is a success."""
    match = _FIRST.match(message)
    if match is None:
        return None
    head = match[1]
    return head[0] if len(head) == 1 else int.from_bytes(head[1:], "big")


def decode_browse(message: bytes, message_id: int) -> list[BrowseEntry] | None:
    """Return the entries in the answer to a browse.

    Returns
    -------
    list of BrowseEntry, or None
        None if the message is anything but this one answer, or if its form is unusual.
    """
    pieces = _BEHIND_KEY.split(message)
    texts, uuids, categories, ends = pieces[:-1:4], pieces[1::4], pieces[2::4], pieces[3::4]
    start = b"\x81\x83\x01" + _head(0, message_id) + _head(4, len(texts)) + _NEXT
    if (
        not texts
        or not texts[0].startswith(start)
        or pieces[-1]
        or ends.count(_NEXT) < len(ends) - 1
    ):
        return None
    texts[0] = texts[0][len(start) :]
    try:
        return [
            BrowseEntry(_text(text), uuid_from(uuid), _CATEGORIES[category])
            for text, uuid, category in zip(texts, uuids, categories, strict=True)
        ]
    except ValueError:
        return None


def _text(item: bytes) -> str:
    """Return the text that is exactly this item; ValueError if it is none, or of unusual length."""
    size = len(item)
    if 0 < size <= 24 and item[0] == 0x5F + size:
        return str(item, "utf-8")[1:]
    if size > 25 and item[0] == 0x78 and item[1] == size - 2:
        return str(item[2:], "utf-8")
    raise ValueError("not a text")


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
        if start != _head(4, count) or ids != _id_heads(first_id, count):
            return None
        try:
            return [self._lists.get(encoded) or self._learn(encoded) for encoded in lists]
        except ProtocolError:
            return None

    def _learn(self, encoded: bytes) -> MetaDataAnswer:
        start, *pieces = encoded.split(_ATTRIBUTE)
        try:
            if start != _head(4, len(pieces)):
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
            parts += (_REQUEST, message_id, _ELEMENT, uuid.int.to_bytes(16, "big"), _LIST_ONLY)
        return b"".join(parts)

    def parse_answer(self, item: Any) -> MetaDataAnswer:
        """Return the answer to any one of the requests: which, makes no difference to it."""
        return _ANY.parse_answer(item)

    def decode(self, message: bytes, first_id: int) -> list[MetaDataAnswer] | None:
        """Return the answers to all the requests, in order, those with equal lists the same.

        Returns
        -------
        list of MetaDataAnswer, or None
            None if the message is anything but all these answers in order, each a success with
            nothing but an attribute list.
        """
        return self._recognizer.decode(message, first_id, len(self))


_ANY = MetaData(NIL_UUID, _IDENTIFIERS)


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


_CATEGORIES = {_head(0, category): known(Category, category) for category in range(256)}
