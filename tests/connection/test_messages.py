"""Messages as they go out: frames that another library reads."""

from __future__ import annotations

import os
from typing import cast

import pytest
import websocket
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from tests.support.server import BINARY, frame_bytes
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.messages import WebSocket
from xentara_nb.connection.stream import Stream


class Sent:
    """Takes what is sent."""

    def __init__(self) -> None:
        self.data = b""

    def send(self, data: bytes, deadline: Deadline) -> None:
        self.data += data

    def send_now(self, data: bytes) -> bool:
        self.data += data
        return True


def frames(data: bytes) -> list[Frame]:
    """Return the frames of some bytes, all of which must be masked."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    found = []
    while reader.buffer:
        parsing = Frame.parse(reader.read_exact, mask=True, max_size=None)
        with pytest.raises(StopIteration) as end:
            next(parsing)
        found.append(end.value.value)
    return found


@pytest.mark.parametrize("size", [0, 1, 3, 4, 125, 126, 127, 65_535, 65_536, 65_539])
def test_a_message_of_any_size(size: int) -> None:
    sent = Sent()
    message = bytes(at * 7 % 251 for at in range(size))
    WebSocket(cast(Stream, sent)).send_message(message, Deadline(1.0))
    (frame,) = frames(sent.data)
    assert frame == Frame(Opcode.BINARY, message)


def test_the_bytes_are_those_of_websocket_client() -> None:
    for size in [*range(10), 125, 126, 1_001, 65_535, 65_536, 70_003]:
        message, sent = os.urandom(size), Sent()
        WebSocket(cast(Stream, sent)).send_message(memoryview(message), Deadline(1.0))
        other = websocket.ABNF.create_frame(message, websocket.ABNF.OPCODE_BINARY)
        head = len(other.format()) - size
        key = sent.data[head - 4 : head]
        other.get_mask_key = lambda _, key=key: key
        assert sent.data == other.format()


def test_no_two_masks_are_alike() -> None:
    sent = Sent()
    socket = WebSocket(cast(Stream, sent))
    for _ in range(50):
        socket.send_message(b"", Deadline(1.0))
    masks = {sent.data[at + 2 : at + 6] for at in range(0, len(sent.data), 6)}
    assert len(masks) > 45


def test_what_is_sent_besides_messages() -> None:
    sent = Sent()
    socket = WebSocket(cast(Stream, sent))
    socket.pong(b"here")
    socket.probe()
    socket.probe(b"request")
    socket.send_close(1000, "the end")
    assert frames(sent.data) == [
        Frame(Opcode.PONG, b"here"),
        Frame(Opcode.PING, b""),
        Frame(Opcode.BINARY, b"request"),
        Frame(Opcode.CLOSE, b"\x03\xe8the end"),
    ]


class Come:
    """Gives what has come in these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.buffered = False

    def recv(self, size: int) -> bytes:
        return self.pieces.pop(0)

    def recv_into(self, pieces: list[bytes], size: int) -> None:
        pieces.append(self.recv(size))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 16_380])
def test_a_message_that_is_all_that_has_come(size: int) -> None:
    payload = os.urandom(size)
    frame, other = frame_bytes(BINARY, payload), frame_bytes(BINARY, b"other")
    socket = WebSocket(cast(Stream, Come(frame, other)))
    assert socket.next_message() == payload
    assert socket.buffered
    socket.drop_message()
    assert not socket.buffered
    assert socket.recv_data() == (BINARY, b"other")


@pytest.mark.parametrize(
    ("come", "message"),
    [
        ([b"\x82\x03abc"], b"abc"),
        ([b"\x82\x7e\x00\x03abc"], b"abc"),  # in the form of a longer one
        ([b"\x82\x7f" + bytes(7) + b"\x03abc"], None),
    ],
)
def test_it_stays_the_next_one_until_it_is_dropped(
    come: list[bytes], message: bytes | None
) -> None:
    socket = WebSocket(cast(Stream, Come(*come)))
    assert socket.next_message() == message
    assert socket.recv_data() == (BINARY, b"abc")
    assert not socket.buffered


@pytest.mark.parametrize(
    "come",
    [
        b"",
        b"\x82",
        b"\x82\x7e",
        b"\x82\x7e\x00",
        b"\x82\x7e\x00\x03ab",
        b"\x82\x03ab",
        b"\x82\x03abcd",
        b"\x82\x83keysabc",  # masked
        b"\xc2\x03abc",
        b"\x02\x03abc",  # the first fragment
        b"\x81\x03abc",  # text
        b"\x89\x03abc",  # a ping
        b"\x88\x02\x03\xe8",
    ],
)
def test_all_else_is_left(come: bytes) -> None:
    stream = Come(come)
    socket = WebSocket(cast(Stream, stream))
    assert socket.next_message() is None
    assert socket.frame_buffer.recv_buffer == [come]
