"""Messages over a stream that has become a WebSocket.

websocket-client reads and checks the frames. It has no limit for the size of a message, joins
fragments again and again, would let the thread that reads wait for one that sends, and takes ten
times as long for the mask of a large message: these parts are replaced here, through its public
attributes and methods.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import websocket

from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.stream import Stream

MAX_MESSAGE = 256 * 1024 * 1024
"""The largest message taken from a server, in bytes."""

CLOSE_TIMEOUT = 1.0
"""How long each step of closing may take, in seconds."""

_CHUNK = 16 * 1024  # bytes, as much as a record of TLS holds
_OPCODE = 4  # where it stands in the header of a frame
_WHOLE = 0x80 | websocket.ABNF.OPCODE_BINARY  # the first byte of a message of one frame
_TWO_BYTES = 126  # stands for a size in the next two bytes


class WebSocket(websocket.WebSocket):
    """Messages over a stream, for one thread that reads and never waits for those that send.

    ``received`` is what came behind the server's answer to the handshake. :attr:`largest` returns
    how many bytes a message may have, :data:`MAX_MESSAGE` at most.
    """

    def __init__(self, stream: Stream, received: bytes = b"") -> None:
        super().__init__(skip_utf8_validation=True, enable_multithread=False)
        self._stream = stream
        self._pongs: deque[bytes] = deque(maxlen=16)
        self.largest: Callable[[], int] = lambda: MAX_MESSAGE
        self._data_received = 0
        self.frame_buffer = _BoundedFrames(self._receive, self._check_size, self._count)
        if received:
            self.frame_buffer.recv_buffer.append(received)
        self.cont_frame = _BoundedFragments(self._check_size)

    @property
    def data_received(self) -> int:
        """A number that grows with each byte of a message, also of one that is not complete.

        What has come right behind a message may count as a part of it.
        """
        return self._data_received

    @property
    def buffered(self) -> bool:
        """Whether something was received that :meth:`recv_data` has not given yet."""
        return bool(self.frame_buffer.recv_buffer) or self._stream.buffered

    def wait(self, seconds: float) -> bool:
        """Wait for the network, and return whether something has come that is not buffered."""
        return self._stream.wait(seconds)

    def next_message(self) -> bytes | None:
        """Return the binary message that has come if it is all that has, and leave it here.

        For a thread that may be interrupted: until :meth:`drop_message` is called, it is still what
        :meth:`recv_data` gives next. None stands for anything else, which is left here as well. To
        be called when something has come and nothing is :attr:`buffered`.
        """
        pieces = self.frame_buffer.recv_buffer
        with contextlib.suppress(OSError):
            self._stream.recv_into(pieces, _CHUNK)
        if len(pieces) != 1 or len(data := pieces[0]) < 2 or data[0] != _WHOLE:
            return None
        size, head = data[1], 2
        if size == _TWO_BYTES:
            size, head = int.from_bytes(data[2:4], "big"), 4
        elif size > _TWO_BYTES:  # longer, or masked
            return None
        return data[head:] if len(data) == head + size else None

    def drop_message(self) -> None:
        """Drop the message that :meth:`next_message` has returned."""
        self._data_received += len(self.frame_buffer.recv_buffer[0])
        self.frame_buffer.recv_buffer.clear()

    def send_message(self, message: bytes, deadline: Deadline) -> None:
        """Send a binary message, and the pongs that came due meanwhile; raises as Stream.send."""
        self._stream.send(_frame(websocket.ABNF.OPCODE_BINARY, message), deadline)
        self.send_pongs()

    def pong(self, payload: str | bytes = b"") -> None:
        """Answer a ping now, or leave that to the thread that is sending just now."""
        self._pongs.append(payload.encode() if isinstance(payload, str) else payload)
        self.send_pongs()

    def probe(self, request: bytes | None = None) -> None:
        """Send a ping, or a request, if that needs no waiting: what is alive answers it."""
        opcode = websocket.ABNF.OPCODE_PING if request is None else websocket.ABNF.OPCODE_BINARY
        with contextlib.suppress(OSError):
            self._stream.send_now(_frame(opcode, request or b""))

    def send_close(self, status: int = 1000, reason: str | bytes = b"") -> None:
        """Send a close frame, if the server still reads."""
        text = reason.encode() if isinstance(reason, str) else reason
        frame = _frame(websocket.ABNF.OPCODE_CLOSE, status.to_bytes(2, "big") + text)
        with contextlib.suppress(OSError):
            self._stream.send(frame, Deadline(CLOSE_TIMEOUT))

    def send_pongs(self) -> None:
        """Send the pongs that are due, unless the network is full, or another thread is sending.

        Also done when something comes, and to be called while nothing does: behind a long message
        the network may be full, and that thread may have looked for pongs in the moment in which
        this one tried to send.
        """
        # An error is no failure of the message before them, which has gone out; and the thread that
        # reads finds the end by itself, after all that the server has sent before it.
        with contextlib.suppress(OSError):
            while True:
                try:
                    payload = self._pongs.popleft()
                except IndexError:
                    return  # all are sent, some perhaps by another thread
                if not self._stream.send_now(_frame(websocket.ABNF.OPCODE_PONG, payload)):
                    self._pongs.appendleft(payload)
                    return

    def _check_size(self, size: int) -> None:
        if size > (largest := min(self.largest(), MAX_MESSAGE)):
            raise websocket.WebSocketProtocolException(
                f"a message of {size} bytes is more than the {largest} that are taken"
            )

    def _receive(self, size: int) -> bytes:
        # What has come together with a header is taken with it, for most messages are small. Of a
        # large one no more than its own bytes, or all of it would have to be cut off and copied.
        data = self._stream.recv(_CHUNK if self.frame_buffer.length is None else size)
        if self._pongs:
            self.send_pongs()
        if not data:
            raise EOFError("the server has gone")
        self._count(len(data))
        return data

    def _count(self, size: int) -> None:
        header = self.frame_buffer.header
        if header is not None and header[_OPCODE] < websocket.ABNF.OPCODE_CLOSE:
            self._data_received += size


class _BoundedFrames(websocket.frame_buffer):
    """Refuses what no server may send before reading it: a masked frame, or one that is too large.

    Through a mask, what someone else has put into a message could look like something else to the
    proxies on the way (RFC 6455, 5.1 and 10.3).
    """

    def recv_header(self) -> None:
        super().recv_header()
        if self.has_mask():
            raise websocket.WebSocketProtocolException("a masked frame, which only clients send")

    def __init__(
        self,
        receive: Callable[[int], bytes],
        check: Callable[[int], None],
        count: Callable[[int], None],
    ) -> None:
        super().__init__(receive, True)
        self._check_size = check
        self._count = count

    def recv_length(self) -> None:
        super().recv_length()
        self._check_size(self.length or 0)
        self._count(sum(map(len, self.recv_buffer)))  # what has come together with the header


class _BoundedFragments(websocket.continuous_frame):
    """Joins the fragments of a message once, at its end, and not without limit."""

    def __init__(self, check: Callable[[int], None]) -> None:
        super().__init__(False, True)
        self._check_size = check
        self._opcode = 0
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, frame: websocket.ABNF) -> None:
        data: Any = frame.data  # bytes, in every frame that was received
        self._size += len(data)
        self._check_size(self._size)
        if data:
            self._parts.append(data)
        if frame.opcode != websocket.ABNF.OPCODE_CONT:
            self._opcode = self.recving_frames = frame.opcode
        if frame.fin:
            self.recving_frames = None

    def extract(self, frame: websocket.ABNF) -> tuple[int, websocket.ABNF]:
        frame.data = b"".join(self._parts)
        self._parts, self._size = [], 0
        return self._opcode, frame


def _frame(opcode: int, payload: bytes) -> bytes:
    """Return a frame that is the whole of a message, masked as those of clients are."""
    size, key = len(payload), os.urandom(4)
    if size < 126:
        length = bytes((0x80 | size,))
    elif size < 1 << 16:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return b"".join((bytes((0x80 | opcode,)), length, key, _masked(payload, key)))


def _masked(payload: bytes, key: bytes) -> memoryview:
    # What may hold a password is in no variable but that of its own, which does not show it.
    words = np.frombuffer(
        b"".join((payload, bytes(4 - len(payload) % 4))), np.uint32
    ) ^ np.frombuffer(key, np.uint32)
    return words.data.cast("B")[: len(payload)]
