"""The heads of CBOR items: their kind and their number, in the shortest form; and texts."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from sys import byteorder

from xentara_nb.protocol.uuid_column import SIZE, UuidColumn

UNSIGNED, NEGATIVE, TEXT, ARRAY, MAP = 0, 1, 3, 4, 5
"""The kinds of items whose heads are made here."""

MESSAGE_ID = rb"([\x00-\x17]|\x18.|\x19..|\x1a....|\x1b........)"
"""The pattern of a message id."""

SUCCESS = rb"\x83\x01" + MESSAGE_ID
"""The pattern of a success packet with a result: array of three, type 1, the message id."""

UUID_HEAD = b"\xd8\x25\x50"
"""Tag 37, and a byte string of 16 bytes."""

_FEW = 8  # requests: to set them into a pattern takes longer


def head(kind: int, number: int) -> bytes:
    """Return the head of an item; ValueError if its number does not fit 64 bits."""
    first = kind << 5
    if number < 24:
        return bytes((first | number,))
    if number < 1 << 8:
        return bytes((first | 24, number))
    if number < 1 << 16:
        return bytes((first | 25,)) + number.to_bytes(2, "big")
    if number < 1 << 32:
        return bytes((first | 26,)) + number.to_bytes(4, "big")
    if number < 1 << 64:
        return bytes((first | 27,)) + number.to_bytes(8, "big")
    raise ValueError(f"{number} does not fit 64 bits")


# By the limit of a message id: what stands before its number, the kind of array that holds it, and
# its size.
_ID_FORMS = (
    *((24, b"", "B", 1), (1 << 8, b"\x18", "B", 1), (1 << 16, b"\x19", "H", 2)),
    *((1 << 32, b"\x1a", "I", 4), (1 << 64, b"\x1b", "Q", 8)),
)


def id_heads(first_id: int, count: int) -> list[bytes]:
    """Return message ids that count up; ValueError if one does not fit 64 bits."""
    return [
        lead + raw[place : place + size]
        for lead, size, raw in _ids(first_id, count)
        for place in range(0, len(raw), size)
    ]


def numbered(
    before: bytes, first_id: int, count: int, behind: bytes
) -> Iterator[tuple[bytearray, int]]:
    """Give so many packets that differ in their message ids only, which count up.

    Those of one size come together, with their number. Raises a ValueError if an id does not fit
    64 bits.
    """
    for lead, size, raw in _ids(first_id, count):
        packet = before + lead + bytes(size) + behind
        packets = bytearray(packet * (len(raw) // size))
        place = len(before) + len(lead)
        for number in range(size):
            packets[place + number :: len(packet)] = raw[number::size]
        yield packets, len(raw) // size


def uuid_requests(
    before: bytes, first_id: int, between: bytes, uuids: UuidColumn, behind: bytes
) -> bytes:
    """Return the message of requests that differ in their message ids, and a UUID, only.

    Raises a ValueError as :func:`numbered` does.
    """
    parts: list[bytes | bytearray] = [head(ARRAY, len(uuids))]
    if len(uuids) <= _FEW:
        ids = id_heads(first_id, len(uuids))
        for message_id, uuid in zip(ids, uuids.pieces(), strict=True):
            parts += before, message_id, between, UUID_HEAD, uuid, behind
        return b"".join(parts)
    at = 0
    rest = between + UUID_HEAD + bytes(SIZE) + behind
    for packets, count in numbered(before, first_id, len(uuids), rest):
        size = len(packets) // count
        place = size - len(behind) - SIZE
        raw = uuids.data[at : at + count * SIZE]
        for byte in range(SIZE):
            packets[place + byte :: size] = raw[byte::SIZE]
        parts.append(packets)
        at += len(raw)
    return b"".join(parts)


def _ids(first_id: int, count: int) -> Iterator[tuple[bytes, int, bytes]]:
    """Give the ids of each size: what is before each number, its size, and all the numbers."""
    at, end = first_id, first_id + count
    for limit, lead, kind, size in _ID_FORMS:
        if (until := min(limit, end)) > at:
            ids = array(kind, range(at, until))
            if byteorder == "little":
                ids.byteswap()
            yield lead, size, ids.tobytes()
            at = until
    if at < end:
        raise ValueError(f"{end - 1} does not fit 64 bits")


def text_of(item: bytes) -> str:
    """Return the text that is exactly this item, in the shortest form; ValueError if it is none."""
    size = len(item)
    if 0 < size <= 24 and item[0] == 0x5F + size:
        return str(item, "utf-8")[1:]
    if size > 25 and item[0] == 0x78 and item[1] == size - 2:
        return str(item[2:], "utf-8")
    if size > 258 and item[0] == 0x79 and int.from_bytes(item[1:3], "big") == size - 3:
        return str(item[3:], "utf-8")
    raise ValueError("not a text")
