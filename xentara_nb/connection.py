"""One connection to a server: a synchronous face with a reader thread behind it.

A server pings its clients and drops those that do not answer, and a notebook is idle for minutes
between two cells. So a thread reads all the time: it answers pings, matches answers to requests
by their message id, and hands events on. Callers wait for their answers with one deadline.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import websocket

from xentara_nb.address import Address
from xentara_nb.credentials import Credentials
from xentara_nb.deadline import Deadline
from xentara_nb.errors import (
    ConnectionForbiddenError,
    ConnectionLostError,
    LoginError,
    NotXentaraError,
    PathNotFoundError,
    ProtocolError,
    ServerError,
    XentaraError,
)
from xentara_nb.protocol.commands import ClientHello, Command, DataChange
from xentara_nb.protocol.identifiers import PROTOCOL_VERSION
from xentara_nb.protocol.packets import Event, Failure, Success, decode_answers, encode_packets
from xentara_nb.tls import Stream, Trust, open_stream

MAX_MESSAGE = 256 * 1024 * 1024
"""The largest message taken from a server, in bytes."""

_CLOSE_WAIT = 1.0  # how long a server may take to say goodbye, in seconds


class _WebSocket(websocket.WebSocket):
    """websocket-client's WebSocket, made safe for a reader thread and a server not trusted."""

    def __init__(self) -> None:
        super().__init__(skip_utf8_validation=True, enable_multithread=True)
        self.frame_buffer = _FrameBuffer(self._recv, True)
        self._pongs: deque[bytes] = deque(maxlen=16)

    def pong(self, payload: str | bytes = b"") -> None:
        """Answer a ping, or leave that to the thread that is sending just now.

        The reader must never wait for a writer: the writer may be waiting for a server which
        itself waits for us to read.
        """
        self._pongs.append(payload.encode() if isinstance(payload, str) else payload)
        self._send_pongs()

    def send_binary(self, payload: bytes) -> int:
        """Send a message, and the pongs that came due meanwhile."""
        sent = super().send_binary(payload)
        self._send_pongs()
        return sent

    def _send_pongs(self) -> None:
        while self._pongs and self.lock.acquire(blocking=False):
            try:
                with contextlib.suppress(IndexError):
                    frame = websocket.ABNF.create_frame(
                        self._pongs.popleft(), websocket.ABNF.OPCODE_PONG
                    )
                    self._send(frame.format())
            finally:
                self.lock.release()


class _FrameBuffer(websocket._abnf.frame_buffer):
    """Refuses a frame that announces more than is reasonable, before reading it."""

    def recv_length(self) -> None:
        super().recv_length()
        if self.length is not None and self.length > MAX_MESSAGE:
            raise websocket.WebSocketProtocolException(
                f"a message of {self.length} bytes is more than the {MAX_MESSAGE} that are taken"
            )


class Batch:
    """Some requests that went out in one message, and their answers as they come in."""

    __slots__ = ("_done", "_missing", "answers", "commands", "failure", "first_id")

    def __init__(self, commands: Sequence[Command[Any]], first_id: int) -> None:
        self.commands = commands
        self.first_id = first_id
        self.answers: list[Success | Failure | None] = [None] * len(commands)
        self.failure: XentaraError | None = None
        self._missing = len(commands)
        self._done = threading.Event()

    @property
    def ids(self) -> range:
        """The message ids of the requests."""
        return range(self.first_id, self.first_id + len(self.commands))

    def take(self, answer: Success | Failure) -> None:
        """Take one answer; called by the reader thread only."""
        self.answers[answer.message_id - self.first_id] = answer
        self._missing -= 1
        if not self._missing:
            self._done.set()

    def fail(self, error: XentaraError) -> None:
        """Give up: no more answers will come."""
        self.failure = error
        self._done.set()

    def wait(self, seconds: float) -> bool:
        """Wait until all answers are there, or none will come any more."""
        return self._done.wait(seconds)

    def results(self) -> Iterator[Any]:
        """Give the result of each command, a :class:`ServerError` where it failed."""
        for command, answer in zip(self.commands, self.answers, strict=True):
            if isinstance(answer, Success):
                yield command.parse_answer(answer.item)
            elif answer is not None:
                yield answer.error


class Connection:
    """An open connection. Made by :func:`open_connection`; safe from several threads.

    Parameters
    ----------
    address : Address
        Where the server is.
    stream : Stream
        The connection's bytes.
    socket : websocket.WebSocket
        The WebSocket on it.
    """

    def __init__(self, address: Address, stream: Stream, socket: websocket.WebSocket) -> None:
        self.address = address
        self.protocol_version = PROTOCOL_VERSION
        self.on_event: Callable[[DataChange], None] | None = None
        self.on_end: Callable[[XentaraError], None] | None = None
        self._stream = stream
        self._socket = socket
        self._lock = threading.Lock()
        self._pending: dict[int, Batch] = {}
        self._ids = itertools.count(1)
        self._ended: XentaraError | None = None
        self._stray: ServerError | None = None
        self._process = os.getpid()
        self._thread = threading.Thread(
            target=self._read, name=f"xentara {address.netloc}", daemon=True
        )

    def start(self) -> None:
        """Begin to read."""
        self._stream.established()
        self._thread.start()

    @property
    def ended(self) -> XentaraError | None:
        """Why the connection has ended; None while it is open."""
        if self._process != os.getpid():
            return ConnectionLostError("this connection belongs to the process that opened it")
        return self._ended

    def begin(self, commands: Sequence[Command[Any]]) -> Batch:
        """Send some commands in one message, without waiting for their answers.

        Raises
        ------
        ConnectionLostError
            If the connection has ended. ``sent`` tells whether a byte may have gone out.
        """
        with self._lock:
            if (ended := self.ended) is not None:
                raise self._lost(ended, sent=False)
            first_id = next(self._ids)
            for _ in commands[1:]:
                next(self._ids)
            batch = Batch(commands, first_id)
            message = encode_packets(
                command.request(message_id)
                for message_id, command in zip(batch.ids, commands, strict=True)
            )
            self._pending.update(dict.fromkeys(batch.ids, batch))
        try:
            self._socket.send_binary(message)
        except BaseException as error:
            # Half a frame may be on the wire, after which nothing more can be said.
            self._end(ConnectionLostError(f"sending failed: {_reason(error)}", sent=True))
            if isinstance(error, Exception):
                raise self._lost(error, sent=True) from None
            raise
        return batch

    def finish(self, batch: Batch, deadline: Deadline) -> list[Any]:
        """Wait for the answers of a batch; a :class:`ServerError` stands for each that failed.

        Raises
        ------
        DeadlineError
            If the answers are not there in time.
        ConnectionLostError
            If the connection ended before.
        ProtocolError
            If an answer is not what the manual says.
        """
        try:
            if not batch.wait(deadline.remaining):
                what = f"{self.address.netloc} did not answer {_names(batch.commands)}"
                if self._stray is not None:
                    what += f" (it sent an error for no request: {self._stray.text})"
                raise deadline.error(what, sent=True)
            if batch.failure is not None:
                raise self._lost(batch.failure, sent=True)
            return list(batch.results())
        finally:
            self._forget(batch)

    def execute(self, commands: Sequence[Command[Any]], deadline: Deadline) -> list[Any]:
        """Send some commands in one message and return their results; raises as :meth:`finish`."""
        return self.finish(self.begin(commands), deadline) if commands else []

    def _forget(self, batch: Batch) -> None:
        with self._lock:
            for message_id in batch.ids:
                self._pending.pop(message_id, None)

    def _lost(self, cause: BaseException, *, sent: bool) -> XentaraError:
        if isinstance(cause, ProtocolError):
            return cause
        text = str(cause) if isinstance(cause, ConnectionLostError) else _reason(cause)
        return ConnectionLostError(text, sent=sent)

    def close(self) -> None:
        """Say goodbye and end the connection. Closing twice is no error."""
        if self._ended is None and self._process == os.getpid():
            with contextlib.suppress(Exception):
                self._stream.send_timeout = _CLOSE_WAIT
                self._socket.send_close(websocket.STATUS_NORMAL, b"client closes")
            if threading.current_thread() is not self._thread:
                self._thread.join(_CLOSE_WAIT)
        self._end(ConnectionLostError("the client has closed the connection"))
        if threading.current_thread() is not self._thread:
            self._thread.join(_CLOSE_WAIT)

    def _end(self, error: XentaraError) -> None:
        """End the connection for a reason, once; everybody who waits learns it."""
        with self._lock:
            if self._ended is not None:
                return
            self._ended = error
            batches = set(self._pending.values())
            self._pending.clear()
        self._stream.abort()
        for batch in batches:
            batch.fail(error)
        if self.on_end is not None:
            self.on_end(error)

    def _read(self) -> None:
        """Read until the end; the body of the reader thread."""
        error: XentaraError
        try:
            while True:
                opcode, data = self._socket.recv_data()
                if opcode == websocket.ABNF.OPCODE_BINARY:
                    self._take(data)
                elif opcode == websocket.ABNF.OPCODE_CLOSE:
                    error = ConnectionLostError(_close_text(self.address, data))
                    break
                else:
                    raise ProtocolError(f"{self.address.netloc} sent a text message")
        except ProtocolError as problem:
            error = problem
        # Whatever ends this thread must end the connection, or callers would wait in vain.
        except Exception as problem:
            error = ConnectionLostError(
                f"the connection to {self.address.netloc} was lost: {_reason(problem)}"
            )
        self._end(error)
        self._stream.close()

    def _take(self, data: bytes) -> None:
        for answer in decode_answers(data):
            if isinstance(answer, Event):
                self._take_event(answer)
                continue
            with self._lock:
                batch = self._pending.pop(answer.message_id, None)
            if batch is not None:
                batch.take(answer)
            elif isinstance(answer, Failure):
                self._stray = answer.error

    def _take_event(self, event: Event) -> None:
        # Types that this version does not know are passed over: a newer server may send them.
        if self.on_event is not None and event.event_type == 0:
            self.on_event(DataChange.from_event(event))


def open_connection(
    address: Address, credentials: Credentials, trust: Trust, deadline: Deadline
) -> Connection:
    """Connect, log in and say hello.

    Raises
    ------
    ConnectError
        One of its kinds, for what went wrong.
    DeadlineError
        If it took too long.
    """
    stream = open_stream(address, trust, deadline)
    try:
        socket = _upgrade(address, credentials, stream, deadline)
        connection = Connection(address, stream, socket)
    except BaseException:
        stream.close()
        raise
    connection.start()
    try:
        _hello(connection, deadline)
    except BaseException:
        connection.close()
        raise
    return connection


def _upgrade(
    address: Address, credentials: Credentials, stream: Stream, deadline: Deadline
) -> websocket.WebSocket:
    socket = _WebSocket()
    try:
        socket.connect(  # type: ignore[no-untyped-call]  # websocket-client leaves it untyped
            address.url,
            socket=stream,
            header=[f"Authorization: {credentials.authorization()}"],
            redirect_limit=0,
            suppress_origin=True,
            http_no_proxy=["*"],
        )
    except websocket.WebSocketBadStatusException as error:
        raise _refused(address, credentials, error.status_code) from None
    except TimeoutError:
        raise deadline.error(f"{address.netloc} did not answer the log-in") from None
    except websocket.WebSocketTimeoutException:
        raise deadline.error(f"{address.netloc} did not answer the log-in") from None
    except (websocket.WebSocketException, OSError, ValueError) as error:
        raise NotXentaraError(
            f"{address.netloc} does not answer as a Xentara server does ({_reason(error)}): "
            "check host and port"
        ) from None
    return socket


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
    return NotXentaraError(
        f"{address.netloc} answers with HTTP status {status}, which no Xentara server does here: "
        "check host and port"
    )


def _hello(connection: Connection, deadline: Deadline) -> None:
    netloc = connection.address.netloc
    try:
        (answer,) = connection.execute([ClientHello()], deadline)
    except (ProtocolError, ConnectionLostError) as error:
        raise NotXentaraError(
            f"{netloc} has a WebSocket, but does not answer as a Xentara server does: {error}"
        ) from None
    if isinstance(answer, ServerError):
        raise NotXentaraError(
            f"{netloc} does not take protocol version {PROTOCOL_VERSION}: {answer.text}"
        )
    connection.protocol_version = answer


def _reason(error: BaseException) -> str:
    """Say in one line what happened; the libraries below put whole headers into theirs."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split())
    return text[:200] or type(error).__name__


def _names(commands: Sequence[Command[Any]]) -> str:
    names = list(dict.fromkeys(command.name for command in commands))
    return f"{len(commands)} x {', '.join(names)}" if len(commands) > 1 else names[0]


def _close_text(address: Address, data: bytes) -> str:
    code = int.from_bytes(data[:2], "big") if len(data) >= 2 else 1005
    reason = "".join(c for c in data[2:].decode("utf-8", "replace") if c.isprintable())[:120]
    return f"{address.netloc} closed the connection (code {code}{': ' if reason else ''}{reason})"
