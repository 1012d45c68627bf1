"""Packets, and the messages that carry them.

A message is one CBOR array of packets, in both directions, even for a single packet.

Examples
--------
>>> encode_packets([Request(65, 3, {0: "Group 1"})]).hex()
'818400184103a1006747726f75702031'
>>> decode_answers(bytes.fromhex("81820108"))
[Success(message_id=8, item=<nothing>)]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any, Final, TypeAlias

from xentara_nb.protocol import cbor, cost
from xentara_nb.protocol.checks import as_int, as_list, describe, error_from, error_item, wrong
from xentara_nb.protocol.errors import (
    InvalidParameterError,
    InvalidRequestError,
    ParseError,
    ProtocolError,
    ServerError,
)
from xentara_nb.protocol.identifiers import OpCode, PacketType

UNREADABLE_ID = 0
"""The message id of an answer to a packet whose own id cannot be read."""


class Nothing(Enum):
    """The type of :data:`NOTHING`."""

    NOTHING = "nothing"  # what messages call it

    def __repr__(self) -> str:
        return "<nothing>"


NOTHING: Final = Nothing.NOTHING
"""The item of a success without a result; it is left out of the packet."""


@dataclass(frozen=True, slots=True)
class Request:
    """A command on its way to the server."""

    message_id: int
    opcode: int
    parameters: dict[int, Any] | None = None

    def __repr__(self) -> str:
        # The parameters of this one command hold a password or a token.
        secret = self.opcode == OpCode.CREATE_SUB_SESSION and self.parameters is not None
        parameters = "***" if secret else repr(self.parameters)
        return (
            f"Request(message_id={self.message_id}, opcode={self.opcode}, parameters={parameters})"
        )

    def packet(self) -> list[Any]:
        """Return the packet as it stands in a message."""
        packet: list[Any] = [PacketType.REQUEST, self.message_id, self.opcode]
        return packet if self.parameters is None else [*packet, self.parameters]


@dataclass(frozen=True, slots=True)
class Success:
    """The answer to a request that succeeded."""

    message_id: int
    item: Any = NOTHING

    def packet(self) -> list[Any]:
        """Return the packet as it stands in a message."""
        packet: list[Any] = [PacketType.SUCCESS, self.message_id]
        return packet if self.item is NOTHING else [*packet, self.item]


@dataclass(frozen=True, slots=True)
class Failure:
    """The answer to a request that failed."""

    message_id: int
    error: ServerError

    def packet(self) -> list[Any]:
        """Return the packet as it stands in a message."""
        return [PacketType.ERROR, self.message_id, error_item(self.error)]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the server reports without being asked. It has no message id."""

    event_type: int
    body: Any

    def packet(self) -> list[Any]:
        """Return the packet as it stands in a message."""
        return [PacketType.EVENT, self.event_type, self.body]


Answer: TypeAlias = Success | Failure | Event
"""What a server sends."""


def encode_packets(packets: Iterable[Request | Answer]) -> bytes:
    """Return one message of the packets."""
    return cbor.encode([packet.packet() for packet in packets])


def decode_answers(data: bytes) -> list[Answer]:
    """Read a message from a server.

    Raises a ProtocolError if it is not an array of success, error and event packets.
    """
    return list(iterate_answers(data))


def iterate_answers(data: bytes, *, long_items: bool = False) -> Iterator[Answer]:
    """Read a message from a server packet by packet; raises as decode_answers, at any packet.

    The packets of a message do not exist all at the same time, unless it is short: what is kept of
    one, the caller must bound. With ``long_items``, what a large packet holds is a
    :class:`.cbor.LongItem`, to be gone through before the next packet is asked for.
    """
    if len(data) <= cost.small(cost.ALWAYS) or data[0] >> 5 != 4:
        yield from map(_answer, as_list(cbor.decode(data), "a message"))
        return
    if not long_items:
        yield from map(_answer, cbor.iterate_array(data))
        return
    message = cbor.LongItem(data, 0, 1, nested=True)
    for packet in message:
        if isinstance(packet, cbor.LongItem) and not packet.is_map:
            # An error is short, or is refused.
            parts = list(islice(packet, 3))
            yield _answer(packet.whole() if parts[:1] == [PacketType.ERROR] else parts)
            if more := len(list(packet)):
                raise _wrong_size(parts[0], len(parts) + more)
        else:
            yield _answer(packet)
    cbor.check_end(data, message.end())


def _answer(packet: object) -> Answer:
    packet = as_list(packet, "a packet")
    kind = packet[0] if packet and type(packet[0]) is int else None
    size = len(packet)
    # The usual case first: a large model's answers come by the thousand.
    if kind == 1 and size == 3 and type(packet[1]) is int and packet[1] >= 0:
        return Success(packet[1], packet[2])
    if kind == PacketType.SUCCESS and 2 <= size <= 3:
        message_id = as_int(packet[1], "the message id of an answer")
        return Success(message_id, packet[2] if size == 3 else NOTHING)
    if kind == PacketType.ERROR and size == 3:
        message_id = as_int(packet[1], "the message id of an error")
        return Failure(message_id, error_from(packet[2], "an error packet"))
    if kind == PacketType.EVENT and size == 3:
        return Event(as_int(packet[1], "the type of an event"), packet[2])
    if kind in (PacketType.SUCCESS, PacketType.ERROR, PacketType.EVENT):
        raise _wrong_size(kind, size)
    first = "nothing" if not packet else describe(packet[0]) if kind is None else str(kind)
    raise ProtocolError(
        "a packet from a server must begin with 1 (success), 2 (error) or 8 (event), "
        f"not with {first}"
    )


def _wrong_size(kind: object, size: int) -> ProtocolError:
    return ProtocolError(f"a packet of type {kind} cannot have {size} items")


def decode_requests(data: bytes) -> list[Request | Failure]:
    """Read a message from a client; what cannot be read becomes the error to answer.

    Nothing that a client sends makes this raise. A packet outside an array is taken field by
    field, one error each, as real servers do.
    """
    try:
        packets = cbor.decode(data, cost.ALWAYS_OF_REQUESTS)
    except ProtocolError as error:
        return [Failure(UNREADABLE_ID, ParseError(str(error)))]
    if type(packets) is not list:
        problem = InvalidRequestError(str(wrong("a message", "an array", packets)))
        return [Failure(UNREADABLE_ID, problem)]
    return [_request_or_failure(packet) for packet in packets]


def _request_or_failure(packet: object) -> Request | Failure:
    try:
        return _request(packet)
    except ServerError as error:
        message_id = UNREADABLE_ID
        with suppress(ProtocolError, LookupError):
            message_id = as_int(as_list(packet, "a packet")[1], "the message id")
        return Failure(message_id, error)


def _request(packet: object) -> Request:
    """Read a request; raise the error to answer."""
    if type(packet) is not list:
        raise InvalidRequestError(str(wrong("a packet", "an array", packet)))
    for index, what in enumerate(("the packet type", "the message id", "the command's opcode")):
        if len(packet) <= index:
            raise ParseError(f"{what} is missing")
        try:
            as_int(packet[index], what)
        except ProtocolError as error:
            raise ParseError(str(error)) from None
    if packet[0] != PacketType.REQUEST:
        raise InvalidRequestError("invalid packet type")
    if len(packet) > 4:
        raise InvalidRequestError(f"a request cannot have {len(packet)} items")
    if len(packet) == 4 and type(packet[3]) is not dict:
        raise InvalidParameterError(str(wrong("the parameters", "a map", packet[3])))
    return Request(packet[1], packet[2], packet[3] if len(packet) == 4 else None)
