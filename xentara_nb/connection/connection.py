"""One connection to a server: a synchronous interface with a reader thread behind it.

A server pings its clients and drops those that do not answer, and a notebook is idle for minutes
between two cells. So a thread reads all the time: it answers pings, matches answers to requests
by their message id, and passes events on. Callers wait for their answers with one deadline.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import websocket

from xentara_nb.connection.address import Address
from xentara_nb.connection.batch import Batch, UnreadableAnswerError
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.handshake import handshake
from xentara_nb.connection.messages import CLOSE_TIMEOUT, MAX_MESSAGE, WebSocket
from xentara_nb.connection.stream import SendError, Stream
from xentara_nb.connection.tls import Trust, open_stream
from xentara_nb.errors import (
    ConnectionLostError,
    NotXentaraError,
    ProtocolError,
    ServerError,
    XentaraError,
)
from xentara_nb.protocol.codec import encode_requests, first_answered
from xentara_nb.protocol.commands import Browse, ClientHello, Command, DataChange
from xentara_nb.protocol.identifiers import PROTOCOL_VERSION, EventType
from xentara_nb.protocol.packets import Event, Failure, iterate_answers

MAX_UNASKED = 16 * 1024 * 1024
"""The largest message that comes without having been asked for, events that is, in bytes."""

MAX_ANSWER = 1024 * 1024
"""How much larger each request makes the messages that are taken, in bytes; browse apart."""


class Connection:
    """An open connection. Made by :func:`open_connection`; safe from several threads.

    :attr:`on_event` is called with every event, and :attr:`on_end` with the reason when the
    connection ends, in the reader thread. They must not wait for answers: it is that thread which
    reads them.
    """

    def __init__(self, address: Address, stream: Stream, socket: WebSocket) -> None:
        self.address = address
        self.protocol_version = PROTOCOL_VERSION
        self.on_event: Callable[[DataChange], None] | None = None
        self.on_end: Callable[[XentaraError], None] | None = None
        self._stream = stream
        self._socket = socket
        # An RLock: the garbage collector may end the connection in the very thread that holds it.
        self._lock = threading.RLock()
        self._pending: dict[int, Batch] = {}
        self._next_id = 1  # 0 is what a server answers when it cannot read the id
        self._browsed = False
        socket.largest = self._largest_message
        self._ended: XentaraError | None = None
        self._closing = False
        self._process = os.getpid()
        self._thread = threading.Thread(
            target=self._read, name=f"xentara {address.netloc}", daemon=True
        )
        stream.established()
        self._thread.start()

    @property
    def ended(self) -> XentaraError | None:
        """Why the connection has ended; None while it is open."""
        if self._process != os.getpid():
            return ConnectionLostError("this connection belongs to the process that opened it")
        return self._ended

    @property
    def pending(self) -> int:
        """How many requests still wait for their answers."""
        return len(self._pending)

    def begin(self, commands: Sequence[Command[Any]], deadline: Deadline) -> Batch:
        """Send some commands in one message, without waiting for their answers.

        Raises a ProtocolError if a command cannot be sent, a ConnectionLostError if the connection
        has ended, and a DeadlineError if the server did not take them in time; unless nothing went
        out, that ends the connection.
        """
        with self._lock:
            batch = Batch(commands, self._next_id)
            self._next_id += len(commands)
            self._browsed = self._browsed or any(type(each) is Browse for each in commands[:1])
        message = encode_requests(batch.commands, batch.first_id)
        with self._lock:
            if (ended := self.ended) is not None:
                raise ConnectionLostError(str(ended))
            self._pending.update(dict.fromkeys(batch.ids, batch))
        try:
            self._socket.send_message(message, deadline)
        except SendError as error:
            self.forget(batch)
            self._end(self._lost(f"sending failed: {error}"))
            if error.timed_out:
                raise deadline.error(self._not_taken(batch), sent=error.sent) from None
            raise ConnectionLostError(
                f"{self._not_taken(batch)}: {error}", sent=error.sent
            ) from None
        except TimeoutError:
            self.forget(batch)
            raise deadline.error(
                f"{self._not_taken(batch)}, for other threads were sending"
            ) from None
        except BaseException:
            self.forget(batch)
            raise
        return batch

    def finish(self, batch: Batch, deadline: Deadline) -> list[Any]:
        """Wait for the answers of a batch; a :class:`ServerError` stands for each that failed.

        Raises a DeadlineError if they are not there in time, a ConnectionLostError if the
        connection ended before, an UnreadableAnswerError if one is not what the manual says.
        """
        try:
            if not batch.wait(deadline.remaining):
                what = f"{self.address.netloc} did not answer {batch.names}"
                if batch.unattributed_error is not None:
                    what += f" (it complained about something: {batch.unattributed_error.text})"
                raise deadline.error(what, sent=True)
        finally:
            self.forget(batch)
        if isinstance(batch.failure, ProtocolError):
            raise UnreadableAnswerError(str(batch.failure))
        if batch.failure is not None:
            raise ConnectionLostError(str(batch.failure), sent=True)
        return batch.results()

    def execute(self, commands: Sequence[Command[Any]], deadline: Deadline) -> list[Any]:
        """Send some commands in one message, and wait for their results."""
        return self.finish(self.begin(commands, deadline), deadline) if commands else []

    def forget(self, batch: Batch) -> None:
        """Stop waiting for the answers of a batch; those that come late are ignored."""
        with self._lock:
            for message_id in batch.ids:
                self._pending.pop(message_id, None)

    def close(self, *, graceful: bool = True) -> None:
        """End the connection; if gracefully, with a close frame and a moment for its answer."""
        if self._process != os.getpid():
            self._stream.close()
            return
        others = threading.current_thread() is not self._thread
        self._closing = True
        if self._ended is None and graceful:
            self._socket.send_close(websocket.STATUS_NORMAL, b"client closes")
            if others:
                self._thread.join(CLOSE_TIMEOUT)
        self._end(ConnectionLostError("the client has closed the connection"))
        if others:
            self._thread.join(CLOSE_TIMEOUT)

    def wait_ended(self, seconds: float) -> bool:
        """Wait until the connection has ended and its thread is done; return whether it is."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _end(self, error: XentaraError) -> None:
        """End the connection for a reason, once; all calls that wait raise it."""
        if self._closing:
            error = ConnectionLostError("the client has closed the connection")
        with self._lock:
            if self._ended is not None:
                return
            self._ended = error
            batches = set(self._pending.values())
            self._pending.clear()
        self._stream.abort()
        if self.on_end is not None:
            self.on_end(error)
        for batch in batches:
            batch.fail(error)

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
                    raise ProtocolError("a text message")
        except (ProtocolError, websocket.WebSocketProtocolException) as problem:
            error = ProtocolError(
                f"{self.address.netloc} sent what no Xentara server sends: {problem}"
            )
        # Any end of this thread must end the connection, or callers would wait in vain.
        except Exception as problem:
            error = self._lost(_reason(problem))
        try:
            self._end(error)
        finally:
            self._stream.close()

    def _largest_message(self) -> int:
        """Return the size of the largest message that can be the answer to what was asked.

        Answers may come after their deadline, so all requests of the connection count.
        """
        return MAX_MESSAGE if self._browsed else MAX_UNASKED + MAX_ANSWER * self._next_id

    def _lost(self, reason: str) -> ConnectionLostError:
        return ConnectionLostError(f"the connection to {self.address.netloc} was lost: {reason}")

    def _not_taken(self, batch: Batch) -> str:
        return f"{self.address.netloc} did not take {batch.names}"

    def _take(self, data: bytes) -> None:
        if self._take_all(data):
            return
        results: dict[int, Any] = {}
        errors: list[ServerError] = []
        # Each is parsed at once: what it was decoded into takes far more memory. None counts
        # before all of the message is known to be well-formed.
        for answer in iterate_answers(data):
            if isinstance(answer, Event):
                self._take_event(answer)
            elif (batch := self._pending.get(answer.message_id)) is None:
                if isinstance(answer, Failure):
                    errors.append(answer.error)
            elif answer.message_id not in results:
                results[answer.message_id] = batch.parse(answer)
        for message_id, result in results.items():
            with self._lock:
                batch = self._pending.pop(message_id, None)
            if batch is not None:
                batch.take(message_id, result)
        if errors:
            with self._lock:
                waiting = set(self._pending.values())
            for batch in waiting:
                batch.unattributed_error = errors[-1]

    def _take_all(self, data: bytes) -> bool:
        """Give a message to the batch that it answers, if that can take it as a whole."""
        first = first_answered(data)
        if first is None:
            return False
        with self._lock:
            batch = self._pending.get(first)
        if batch is None or not batch.take_all(data):
            return False
        self.forget(batch)
        return True

    def _take_event(self, event: Event) -> None:
        # Types that this version does not know are ignored: a newer server may send them.
        if self.on_event is not None and event.event_type == EventType.DATA_CHANGE:
            self.on_event(DataChange.from_event(event))


def open_connection(
    address: Address, credentials: Credentials, trust: Trust, deadline: Deadline
) -> Connection:
    """Connect, log in and do the client hello; raises a ConnectError or a DeadlineError."""
    stream = open_stream(address, trust, deadline)
    try:
        socket = handshake(stream, address, credentials, deadline)
        connection = Connection(address, stream, socket)
    except BaseException:
        stream.close()
        raise
    try:
        _hello(connection, deadline)
    except BaseException:
        connection.close(graceful=False)
        raise
    return connection


def _hello(connection: Connection, deadline: Deadline) -> None:
    netloc = connection.address.netloc
    try:
        (answer,) = connection.execute([ClientHello()], deadline)
    except (ProtocolError, ConnectionLostError) as error:
        raise NotXentaraError(
            f"{netloc} has a WebSocket, but is no Xentara server: {error}"
        ) from None
    if isinstance(answer, ServerError):
        raise NotXentaraError(
            f"{netloc} does not take protocol version {PROTOCOL_VERSION}: {answer.text}"
        )
    connection.protocol_version = answer


def _reason(error: BaseException) -> str:
    """Return in one line what happened."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:200] or type(error).__name__


def _close_text(address: Address, data: bytes) -> str:
    code = int.from_bytes(data[:2], "big") if len(data) >= 2 else 1005
    reason = "".join(c for c in data[2:].decode("utf-8", "replace") if c.isprintable())
    return f"{address.netloc} closed the connection (code {code}{': ' if reason else ''}{reason})"
