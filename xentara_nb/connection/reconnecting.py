"""The connection of a client: the present one, and a fresh one when that has ended.

What changes nothing may be asked again on a fresh connection, once. What changes something is
always sent at most once.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from xentara_nb.connection.address import Address
from xentara_nb.connection.batch import Batch
from xentara_nb.connection.connection import Connection, open_connection
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline, check_timeout
from xentara_nb.connection.tls import Trust
from xentara_nb.errors import ConnectionLostError, DeadlineError, XentaraError
from xentara_nb.protocol.commands import Command, DataChange

BATCH_SIZE = 512
"""How many commands go into one message."""

IN_FLIGHT = 8
"""How many messages wait for their answers at the same time."""


class ReconnectingConnection:
    """The connection of a client, renewed when it is needed and has ended.

    ``timeout`` is the time for one answer, or for connecting, in seconds. ``on_event`` is called
    with every event, in the reader thread; ``on_renewal`` before a fresh connection is used, for
    what was known may no longer be true; ``on_end`` with the reason when a connection ends.
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
    ) -> None:
        self.address = address
        self.credentials = credentials
        self.timeout = timeout
        self._trust = trust
        self._on_event = on_event
        self._on_renewal = on_renewal
        self._on_end = on_end
        # RLocks: only its owner can release the one, which is right also when an interrupt came in
        # the moment after it was taken; and the garbage collector may close this in the very thread
        # that holds the other.
        self._connecting = threading.RLock()
        self._lock = threading.RLock()
        self._closed = False
        self._announced: Connection | None = None
        self._connection = self._open()

    def _open(self) -> Connection:
        connection = open_connection(
            self.address, self.credentials, self._trust, Deadline(self.timeout)
        )
        with self._lock:
            self._announced = connection
        connection.on_event = self._on_event
        connection.on_end = functools.partial(self._end_of, connection)
        if (ended := connection.ended) is not None:  # before on_end was set
            self._end_of(connection, ended)
        return connection

    def _end_of(self, connection: Connection, reason: XentaraError) -> None:
        """Report that a connection has ended, once, and not when the next one is in use already."""
        with self._lock:
            if connection is self._announced:
                self._announced = None
                self._on_end(reason)

    @property
    def protocol_version(self) -> int:
        """The protocol version that the server chose."""
        return self._connection.protocol_version

    @property
    def closed(self) -> bool:
        """Whether it was closed for good."""
        return self._closed

    @property
    def ended(self) -> XentaraError | None:
        """Why there is no open connection at the moment; None when there is one."""
        return self._connection.ended

    def connection(self) -> Connection:
        """Return an open connection, a fresh one if the last has ended.

        Raises a ConnectionLostError if the client was closed, a ConnectError or DeadlineError if
        the server cannot be reached any more.
        """
        try:
            if not self._connecting.acquire(timeout=self.timeout):
                raise DeadlineError(
                    f"another thread has not reached {self.address.netloc} within "
                    f"{self.timeout:g} s"
                )
            self._check_open()
            connection = self._connection
            if (ended := connection.ended) is not None:
                self._end_of(connection, ended)
                connection.close()
                self._on_renewal()
                connection = self._open()
                with self._lock:
                    self._connection = connection
                if self._closed:  # meanwhile, by another thread
                    connection.close()
                    self._check_open()
            return connection
        finally:
            with suppress(RuntimeError):  # another thread has it
                self._connecting.release()

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectionLostError(
                "this client is closed: connect again with xentara_nb.connect(...)"
            )

    def ask(self, commands: Sequence[Command[Any]]) -> Iterator[Any]:
        """Send commands that change nothing; give their results or server errors, in order.

        When the connection ends on the way, what is not answered yet is asked again on a fresh
        one, once.
        """
        done = 0
        renewed = False
        while done < len(commands):
            try:
                for results in pipeline(self.connection(), commands[done:], self.timeout):
                    done += len(results)
                    yield from results
            except ConnectionLostError:
                if renewed or self._closed:
                    raise
                renewed = True

    def send_once(self, command: Command[Any], timeout: float | None = None) -> Any:
        """Send a command that changes something: at most once, and never again.

        Return its result, or the :class:`ServerError` that was answered. Raises a ProtocolError if
        the command cannot be sent; a ConnectionLostError, DeadlineError or UnreadableAnswerError,
        whose ``sent`` is whether any byte may have reached the server.
        """
        seconds = self.timeout if timeout is None else check_timeout(timeout)
        (result,) = self.connection().execute([command], Deadline(seconds))
        return result

    def close(self) -> None:
        """End the connection for good."""
        with self._lock:
            self._closed = True
            connection = self._connection
        connection.close()


def pipeline(
    connection: Connection, commands: Sequence[Command[Any]], timeout: float
) -> Iterator[list[Any]]:
    """Send commands in batches, several in flight, and give the results batch by batch, in order.

    Only commands that change nothing belong in here. The time-out is for each batch, in seconds: as
    long as answers keep coming, it goes on. Raises as :meth:`Connection.begin` and
    :meth:`Connection.finish` do.
    """
    batches = (
        commands[start : start + BATCH_SIZE] for start in range(0, len(commands), BATCH_SIZE)
    )
    waiting: deque[Batch] = deque()
    try:
        for batch in batches:
            waiting.append(connection.begin(batch, Deadline(timeout)))
            if len(waiting) >= IN_FLIGHT:
                yield connection.finish(waiting.popleft(), Deadline(timeout))
        while waiting:
            yield connection.finish(waiting.popleft(), Deadline(timeout))
    finally:
        for left in waiting:
            connection.forget(left)
