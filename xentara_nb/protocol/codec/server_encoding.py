"""What a server encodes over and over again, faster than the generic encoder can.

An event, an entry of browse and an answer with meta data are each a fixed frame around a few
values. The bytes are the same as those of :mod:`xentara_nb.protocol.cbor`, which the tests compare.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from uuid import UUID

from xentara_nb.protocol import cbor
from xentara_nb.protocol.checks import error_item
from xentara_nb.protocol.codec.heads import ARRAY, MAP, NEGATIVE, TEXT, UNSIGNED, UUID_HEAD, head
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.values import Alternative, AttributeId, TimePoint, Value

_TIME = bytes.fromhex("d903e9a104c482281b")
_EVENT = bytes.fromhex("830800a300")
_GOOD_VALUE = bytes.fromhex("d879")
_pack_double = struct.Struct(">d").pack
_SMALL = tuple(head(UNSIGNED, number) for number in range(256))


def integer(value: int) -> bytes:
    """Return an integer."""
    if 0 <= value < 256:
        return _SMALL[value]
    return head(UNSIGNED, value) if value >= 0 else head(NEGATIVE, -1 - value)


def floating(value: float) -> bytes:
    """Return a float in the shortest form that holds it exactly."""
    data = _pack_double(value)
    # With any of these bits set, which is the rule, no shorter form will do, but for NaN.
    if data[5:] != b"\0\0\0" and value == value:
        return b"\xfb" + data
    return cbor.shortest_float(value)


def text(value: str) -> bytes:
    """Return a text."""
    data = value.encode()
    return head(TEXT, len(data)) + data


def uuid(value: UUID) -> bytes:
    """Return a UUID."""
    return UUID_HEAD + value.bytes


def time(nanoseconds: int) -> bytes:
    """Return a time stamp."""
    if nanoseconds < 1 << 32:
        return cbor.encode(TimePoint(nanoseconds))
    return _TIME + nanoseconds.to_bytes(8, "big")


def attribute_id(value: AttributeId) -> bytes:
    """Return the id of an attribute."""
    return uuid(value) if isinstance(value, UUID) else integer(value)


def attribute_value(value: Value | ServerError) -> bytes:
    """Return what an attribute holds: a value under tag 121 or an error under 122."""
    kind = type(value)
    if kind is float:
        return _GOOD_VALUE + floating(value)  # type: ignore[arg-type]  # its type is float
    if kind is int:
        return _GOOD_VALUE + integer(value)  # type: ignore[arg-type]  # its type is int
    if kind is bool:
        return _GOOD_VALUE + (b"\xf5" if value else b"\xf4")
    if isinstance(value, TimePoint):
        return _GOOD_VALUE + (time(value.nanoseconds) if value.is_finite else cbor.encode(value))
    if isinstance(value, ServerError):
        return cbor.encode(Alternative(1, error_item(value)))
    return cbor.encode(Alternative(0, value))


def event_body(element: bytes, values: Iterable[tuple[bytes, Value | ServerError]]) -> bytes:
    """Return what stands behind an event's time stamp; element and attribute ids are encoded."""
    parts = [b"\x01", element, b"\x02", b""]
    for encoded_id, value in values:
        parts += (encoded_id, attribute_value(value))
    parts[3] = head(MAP, (len(parts) - 4) // 2)
    return b"".join(parts)


def event_frame(element: bytes, attribute: bytes) -> bytes:
    """Return what comes before the value in the body of an event with one attribute."""
    return b"".join((b"\x01", element, b"\x02\xa1", attribute))


def event(time_stamp: bytes, body: bytes) -> bytes:
    """Return an event packet."""
    return b"".join((_EVENT, time_stamp, body))


def browse_entry(key: str, element: UUID, category: int) -> bytes:
    """Return an entry of browse."""
    return b"".join(
        (b"\xa3\x00", text(key), b"\x01", UUID_HEAD, element.bytes, b"\x02", integer(category))
    )


def success(message_id: int, item: bytes) -> bytes:
    """Return a success packet around an item that is encoded."""
    return b"".join((b"\x83\x01", integer(message_id), item))


def message(packets: list[bytes]) -> bytes:
    """Return a message of encoded packets."""
    return b"".join((head(ARRAY, len(packets)), *packets))
