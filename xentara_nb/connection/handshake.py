"""From a stream to a WebSocket: the request that carries the password, and the messages after it.

The request goes by hand. websocket-client would follow redirects with the password in them, keep
cookies for the whole process, read an answer of any length, and repeat in its errors and its log
what the server and we have said.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
from collections import deque
from dataclasses import replace
from typing import Any

import websocket

from xentara_nb._version import __version__
from xentara_nb.connection.address import Address
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.stream import SendError, Stream
from xentara_nb.errors import (
    ConnectionForbiddenError,
    LoginError,
    NotXentaraError,
    PathNotFoundError,
    XentaraError,
)

MAX_MESSAGE = 256 * 1024 * 1024
"""The largest message taken from a server, in bytes."""

MAX_HEAD = 64 * 1024
"""The largest HTTP head taken from a server, in bytes."""

CLOSE_TIMEOUT = 1.0
"""How long saying goodbye may take, in seconds."""

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class WebSocket(websocket.WebSocket):
    """Messages on a stream: websocket-client reads them, sending is done here.

    Made for one thread that reads and never waits for those that send, and for a server that is
    not trusted.

    Parameters
    ----------
    stream : Stream
        The connection, after the upgrade.
    received : bytes
        What came behind the server's answer to the upgrade.
    """

    def __init__(self, stream: Stream, received: bytes = b"") -> None:
        super().__init__(skip_utf8_validation=True, enable_multithread=False)
        self._stream = stream
        self._pongs: deque[bytes] = deque(maxlen=16)
        self.frame_buffer = _FrameBuffer(self._recv, True)
        if received:
            self.frame_buffer.recv_buffer.append(received)
        self.cont_frame = _Fragments()

    def send_message(self, message: bytes, deadline: Deadline) -> None:
        """Send a binary message, and the pongs that came due meanwhile; raises as Stream.send."""
        self._stream.send(_frame(websocket.ABNF.OPCODE_BINARY, message), deadline)
        self._send_pongs()

    def pong(self, payload: str | bytes = b"") -> None:
        """Answer a ping now, or leave that to the thread that is sending just now."""
        self._pongs.append(payload.encode() if isinstance(payload, str) else payload)
        self._send_pongs()

    def send_close(self, status: int = 1000, reason: str | bytes = b"") -> None:
        """Say goodbye, or answer the server's goodbye, if it still listens."""
        text = reason.encode() if isinstance(reason, str) else reason
        frame = _frame(websocket.ABNF.OPCODE_CLOSE, status.to_bytes(2, "big") + text)
        with contextlib.suppress(OSError):
            self._stream.send(frame, Deadline(CLOSE_TIMEOUT))

    def _send_pongs(self) -> None:
        # The message before them has gone out, whatever becomes of them; and who reads will learn
        # of the end, after all that the server has said before it.
        with contextlib.suppress(OSError, IndexError):  # another thread may be faster
            while self._pongs:
                payload = self._pongs.popleft()
                if not self._stream.send_now(_frame(websocket.ABNF.OPCODE_PONG, payload)):
                    # Who is sending now comes by here afterwards.
                    self._pongs.appendleft(payload)
                    return

    def _recv(self, bufsize: int) -> bytes:
        data = self._stream.recv(bufsize)
        if not data:
            raise EOFError("the server has gone")
        return data


class _FrameBuffer(websocket._abnf.frame_buffer):
    """Refuses a frame that announces more than is reasonable, before reading it."""

    def recv_length(self) -> None:
        super().recv_length()
        _check_size(self.length or 0)


class _Fragments(websocket._abnf.continuous_frame):
    """Joins the fragments of a message once, at its end, and not without limit."""

    def __init__(self) -> None:
        super().__init__(False, True)
        self._opcode = 0
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, frame: websocket.ABNF) -> None:
        data: Any = frame.data  # bytes, in every frame that was received
        self._size += len(data)
        _check_size(self._size)
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


def _check_size(size: int) -> None:
    if size > MAX_MESSAGE:
        raise websocket.WebSocketProtocolException(
            f"a message of {size} bytes is more than the {MAX_MESSAGE} that are taken"
        )


def _frame(opcode: int, payload: bytes) -> bytes:
    return websocket.ABNF.create_frame(payload, opcode).format()


def handshake(
    stream: Stream, address: Address, credentials: Credentials, deadline: Deadline
) -> WebSocket:
    """Log in, and turn a stream into a WebSocket.

    Raises
    ------
    LoginError, ConnectionForbiddenError, PathNotFoundError, NotXentaraError
        How the server refused.
    DeadlineError
        If it did not answer in time.
    """
    key = base64.b64encode(os.urandom(16)).decode()
    late = f"{address.netloc} did not answer the log-in"
    try:
        stream.send(_request(address, credentials, key), deadline)
        status, headers, rest = _answer(stream)
    except TimeoutError:
        raise deadline.error(late) from None
    except (OSError, _NotHttpError) as error:
        if isinstance(error, SendError) and error.timed_out:
            raise deadline.error(late) from None
        raise NotXentaraError(
            f"{address.netloc} does not answer as a Xentara server does "
            f"({getattr(error, 'strerror', None) or error}): check host and port"
        ) from None
    if status != 101:
        raise _refused(address, credentials, status)
    accept = headers.get("sec-websocket-accept")
    if headers.get("upgrade", "").lower() != "websocket" or accept != _accept(key):
        raise NotXentaraError(
            f"{address.netloc} does not answer as a WebSocket does: check host and port"
        )
    return WebSocket(stream, rest)


def _request(address: Address, credentials: Credentials, key: str) -> bytes:
    if not address.host.isascii():
        address = replace(address, host=address.host.encode("idna").decode())
    lines = (
        f"GET {address.path} HTTP/1.1",
        f"Host: {address.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"User-Agent: xentara_nb/{__version__}",
        f"Authorization: {credentials.authorization()}",
        *("", ""),
    )
    return "\r\n".join(lines).encode("ascii")


class _NotHttpError(Exception):
    """What came is no answer to an HTTP request."""


def _answer(stream: Stream) -> tuple[int, dict[str, str], bytes]:
    """Return the status and the headers of the server's answer, and what came behind them."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        if not b"HTTP/".startswith(data[:5]):
            raise _NotHttpError("its answer is not HTTP")
        if len(data) > MAX_HEAD:
            raise _NotHttpError("its answer has no end")
        piece = stream.recv(4096)
        if not piece:
            raise _NotHttpError("it closed the connection without an answer")
        data += piece
    first, *lines = data[:end].decode("latin-1").split("\r\n")
    status = re.match(r"HTTP/1\.\d (\d{3})(?: |$)", first)
    if status is None:
        raise _NotHttpError("its answer is not HTTP/1.1")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return int(status[1]), headers, data[end + 4 :]


def _accept(key: str) -> str:
    digest = hashlib.sha1((key + _MAGIC).encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def _refused(address: Address, credentials: Credentials, status: int) -> XentaraError:
    who = credentials.who
    if status == 401:
        return LoginError(
            f"{address.netloc} does not accept {who}: user, password or token are wrong, or the "
            "server does not take this way to log in (httpServer.authentication.schemes)"
        )
    if status == 403:
        return ConnectionForbiddenError(
            f"{address.netloc} does not let {who} connect: the right websocket.connect is missing"
        )
    if status == 404:
        return PathNotFoundError(
            f"{address.netloc} has no WebSocket at {address.path}: a Xentara server has it at "
            "/api/ws"
        )
    if 300 <= status < 400:
        return NotXentaraError(
            f"{address.netloc} sends its visitors to another address (HTTP status {status}), and "
            "a password is not carried there: connect to that address itself if it is the right one"
        )
    return NotXentaraError(
        f"{address.netloc} answers with HTTP status {status}, which no Xentara server does here: "
        "check host and port"
    )
