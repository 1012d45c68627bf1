"""The connection of a client: the present one, and a fresh one when that has ended.

What changes nothing may be asked again on a fresh connection, once. What changes something is
always sent at most once.
"""

from __future__ import annotations

import functools
import logging
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, TypeAlias

from xentara_nb.connection.address import Address
from xentara_nb.connection.batch import Batch
from xentara_nb.connection.connection import Connection
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import (
    Deadline,
    call_is_over,
    check_timeout,
    deadline_of_call,
)
from xentara_nb.connection.probing import PROBE_TIMEOUT
from xentara_nb.connection.tls import Trust
from xentara_nb.errors import ConnectionLostError, DeadlineError, XentaraError
from xentara_nb.locking import Lock, locked
from xentara_nb.protocol.codec.columns import ColumnReads
from xentara_nb.protocol.commands import Command, DataChange
from xentara_nb.protocol.identifiers import PROTOCOL_VERSION

BATCH_SIZE = 512
"""How many commands go into one message."""

COLUMN = 4
"""How many times as many go into one that reads a single attribute of each element."""

IN_FLIGHT = 8
"""How many messages wait for their answers at the same time, where the network is fast."""

MAX_IN_FLIGHT = 64
"""How many at most, where it is slow."""

ROUND_TRIP = 0.025
"""For each so many seconds that an answer is on its way, :data:`IN_FLIGHT` more messages wait."""

Listener: TypeAlias = "Callable[[XentaraError | None], object]"
"""Is told why there is no connection any more, or None when there is one again."""

_log = logging.getLogger(__name__)


class ReconnectingConnection:
    """The connection of a client, renewed when it is needed and has ended.

    ``timeout`` is the time for one answer, or for connecting, in seconds. ``on_event`` is called
    with every event, in the reader thread, unless ``on_events`` took the whole message;
    ``on_renewal`` before a fresh connection is used, for what was known may no longer be true;
    ``on_end`` with the reason when a connection ends.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials,
        trust: Trust,
        timeout: float,
        *,
        on_event: Callable[[DataChange], None],
        on_renewal: Callable[[], None],
        on_end: Callable[[XentaraError], None],
        on_events: Callable[[bytes], bool] | None = None,
        is_watching: Callable[[], bool] = lambda: False,
    ) -> None:
        self.address = address
        self.credentials = credentials
        self.timeout = timeout
        self._trust = trust
        self._on_event = on_event
        self._on_events = on_events
        self._on_renewal = on_renewal
        self._on_end = on_end
        self._is_watching = is_watching
        self._connecting = Lock()
        # The garbage collector may close this in the very thread that holds it.
        self._lock = Lock()
        self._closed: ConnectionLostError | None = None
        self._notifying = Lock()
        self._listeners: dict[object, Listener] = {}
        self._notified: XentaraError | None = None
        self._announced: Connection | None = None
        self._connection: Connection | None = None

    def _open(self, deadline: Deadline) -> Connection:
        # Its thread must not hold this: what is no longer used is collected, and it ends then.
        owner = weakref.ref(self)
        connection = Connection(
            self.address,
            on_event=self._on_event,
            on_events=self._on_events,
            probe_timeout=min(PROBE_TIMEOUT, self.timeout / 2),
            owner=owner,
            watched=functools.partial(_is_watched, owner),
            answered_before=self._connection is not None,
        )
        connection.on_end = functools.partial(_report_end, owner, connection)
        try:
            connection.open(self.credentials, self._trust, deadline)
            self._announced = self._connection = connection
            if connection.ended is not None:  # before it was announced
                self.end_of(connection, connection.ended)
            if self._closed is not None:  # meanwhile, by another thread
                connection.close()
                raise _closed()
            self._notify()
        except BaseException:
            # Its thread would keep it alive.
            connection.close(graceful=False)
            raise
        return connection

    def end_of(self, connection: Connection, reason: XentaraError) -> None:
        """Report that a connection has ended, and not when the next one is in use already."""
        with self._lock:
            if connection is not self._announced:
                return
            self._on_end(reason)
            self._announced = None
        self._notify()

    @property
    def watched(self) -> bool:
        """Whether someone waits for what the server sends, or for the end of the connection."""
        return bool(self._listeners) or self._is_watching()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell a function of each end and each beginning; return what ends that.

        It is called in the thread in which that happens, and must not wait for answers.
        """
        key = object()
        self._listeners[key] = listener

        def stop() -> None:
            self._listeners.pop(key, None)

        return stop

    @locked("_notifying")
    def _notify(self) -> None:
        """Tell the listeners how it is now: of two threads, the later one tells the later state."""
        reason = self._closed or self.ended
        if reason is self._notified:
            return
        self._notified = reason
        for listener in list(self._listeners.values()):
            try:
                listener(reason)
            except Exception:  # it must not end the thread that reads
                _log.exception("a function that is told of the connection failed")

    @property
    def protocol_version(self) -> int:
        """The protocol version that the server chose."""
        connection = self._connection
        return PROTOCOL_VERSION if connection is None else connection.protocol_version

    @property
    def fingerprint(self) -> str | None:
        """The SHA-256 of the server's certificate; None without TLS."""
        connection = self._connection
        return None if connection is None else connection.fingerprint

    @property
    def closed(self) -> bool:
        """Whether it was closed for good."""
        return self._closed is not None

    @property
    def ended(self) -> XentaraError | None:
        """Why there is no open connection at the moment; None when there is one."""
        if self._connection is None:
            return ConnectionLostError("it has not connected yet")
        return self._connection.ended

    def connection(self, deadline: Deadline | None = None) -> Connection:
        """Return an open connection: a fresh one if there is none, or the last one has ended.

        One under suspicion is not used before it is clear whether it is alive. Raises a
        ConnectionLostError if the client was closed, a ConnectError or DeadlineError if the server
        cannot be reached, or not any more.
        """
        if deadline is None:
            deadline = deadline_of_call(self.timeout)
        seconds = deadline.remaining
        try:
            if not self._connecting.acquire(timeout=seconds):
                raise deadline.error(f"another thread has not reached {self.address.netloc}")
            if self._closed is not None:
                raise _closed()
            connection = self._connection
            if connection is not None:
                connection.wait_for_probe(deadline)
                connection.catch_up()
                if (ended := connection.ended) is None:
                    return connection
                connection.close(graceful=False)
                self.end_of(connection, ended)
                self._on_renewal()
            return self._open(deadline)
        finally:
            # Without any call of Python code, in which an interrupt could come before it is done.
            try:
                self._connecting.release()
            except RuntimeError:  # another thread has it
                pass

    def ask(self, commands: Sequence[Command[Any]]) -> Iterator[Any]:
        """Send commands that change nothing; give their results or server errors, in order.

        When the connection ends on the way, what is not answered yet is asked again on a fresh
        one, once. When the time of the call is over, a connection that no one else uses ends: what
        comes next does not wait behind what is late.
        """
        return chain.from_iterable(self.ask_by_message(commands))

    def ask_by_message(self, commands: Sequence[Command[Any]]) -> Iterator[Sequence[Any]]:
        """Send commands as :meth:`ask` does, and give the results of each message together."""
        done = 0
        renewed = False
        connection = None
        deadline = deadline_of_call(self.timeout)
        while done < len(commands):
            try:
                connection = self.connection(deadline)
                left = commands[done:] if done else commands
                for results in pipeline(connection, left, self.timeout, deadline):
                    done += len(results)
                    yield results
                    if results:
                        deadline = deadline_of_call(self.timeout)
            except ConnectionLostError:
                if renewed or self._closed is not None:
                    raise
                renewed = True
            except DeadlineError:
                if connection is not None and call_is_over() and not self.watched:
                    connection.end_if_idle("what was asked took too long")
                raise

    def send_once(self, command: Command[Any], timeout: float | None = None) -> Any:
        """Send a command that changes something: at most once, and never again.

        Return its result, or the :class:`ServerError` that was answered. Raises a ProtocolError if
        the command cannot be sent; a ConnectionLostError, DeadlineError or UnreadableAnswerError,
        whose ``sent`` is whether any byte may have reached the server.
        """
        seconds = self.timeout if timeout is None else check_timeout(timeout)
        deadline = Deadline(seconds)
        (result,) = self.connection(deadline).execute([command], deadline)
        return result

    def close(self) -> None:
        """End the connection for good."""
        try:
            if self._closed is None:
                self._closed = _closed()
            if self._connection is not None:
                self._connection.close()
            self._notify()
        except BaseException:
            if self._connection is not None:
                self._connection.close(graceful=False)
            raise


def _report_end(
    owner: weakref.ref[ReconnectingConnection], connection: Connection, reason: XentaraError
) -> None:
    reconnecting = owner()
    if reconnecting is not None:
        reconnecting.end_of(connection, reason)


def _is_watched(owner: weakref.ref[ReconnectingConnection]) -> bool:
    reconnecting = owner()
    return reconnecting is not None and reconnecting.watched


def _closed() -> ConnectionLostError:
    return ConnectionLostError("this client is closed: connect again with xentara_nb.connect(...)")


def pipeline(
    connection: Connection,
    commands: Sequence[Command[Any]],
    timeout: float,
    first: Deadline | None = None,
) -> Iterator[Sequence[Any]]:
    """Send commands in batches, several in flight, and give the results batch by batch, in order.

    Only commands that change nothing belong in here. The time-out is for each batch, in seconds: as
    long as answers keep coming, it goes on; ``first`` is the deadline of the first.
    Raises as :meth:`Connection.begin` and :meth:`Connection.finish` do.
    """
    size = BATCH_SIZE * (COLUMN if isinstance(commands, ColumnReads) else 1)
    deadline = deadline_of_call(timeout) if first is None else first
    if 0 < len(commands) <= size:
        batch = connection.begin(commands, deadline)
        try:
            yield ()
            yield connection.finish(batch, deadline, direct=True)
        finally:
            connection.forget(batch)
        return
    batches = (commands[at : at + size] for at in range(0, len(commands), size))
    waiting: deque[Batch] = deque()
    try:
        yield from _results(connection, batches, size, waiting, timeout, deadline)
    finally:
        for left in waiting:
            connection.forget(left)


def _results(
    connection: Connection,
    batches: Iterable[Sequence[Command[Any]]],
    size: int,
    waiting: deque[Batch],
    timeout: float,
    deadline: Deadline,
) -> Iterator[Sequence[Any]]:
    for batch in batches:
        waiting.append(connection.begin(batch, deadline))
        if len(waiting) * size >= _window(connection) * BATCH_SIZE:
            yield connection.finish(waiting.popleft(), deadline)
            deadline = deadline_of_call(timeout)
    while waiting:
        yield connection.finish(waiting.popleft(), deadline)
        deadline = deadline_of_call(timeout)


def _window(connection: Connection) -> int:
    """Return how many messages may wait for their answers, so that a delay costs no more than once.

    Where the server itself takes its time, more would only hold up what other threads ask.
    """
    return min(IN_FLIGHT * (1 + int(connection.round_trip / ROUND_TRIP)), MAX_IN_FLIGHT)
