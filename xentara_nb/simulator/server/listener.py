"""The sockets that a server listens on, and how many connections it accepts from them.

A connection that has only been opened costs a third of a megabyte, for TLS has its buffers. So
those that have not asked for anything yet are few: when there are too many, the oldest of them is
ended for the newest, so that silent ones keep no one out.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

_BURST = 8  # connections that are accepted between two turns of the others
_COLLECT_AFTER = 128  # connections that have ended


class Connections:
    """The connections that have been accepted and not ended: at most so many pending ones."""

    def __init__(self, max_pending: int) -> None:
        self._max_pending = max_pending
        self._pending: dict[int, socket.socket] = {}
        self._active: dict[int, socket.socket] = {}
        self._ended = 0

    def add(self, connection: socket.socket) -> None:
        """Note a connection that has not asked for anything yet; may end the oldest such one."""
        self._prune(self._pending)
        while len(self._pending) >= self._max_pending:
            _end(self._pending.pop(next(iter(self._pending))))
            self._count(1)
        self._pending[connection.fileno()] = connection

    def activate(self, descriptor: int) -> None:
        """Note that a connection has asked for something."""
        connection = self._pending.pop(descriptor, None)
        if connection is not None:
            self._prune(self._active)
            self._active[descriptor] = connection

    def end_all(self) -> None:
        """End all connections, also those in the middle of their TLS handshakes."""
        for connection in (*self._pending.values(), *self._active.values()):
            _end(connection)

    def _prune(self, connections: dict[int, socket.socket]) -> None:
        """Forget those that have ended."""
        ended = [key for key, value in connections.items() if value.fileno() < 0]
        for descriptor in ended:
            del connections[descriptor]
        self._count(len(ended))

    def _count(self, ended: int) -> None:
        self._ended += ended
        if self._ended >= _COLLECT_AFTER:
            # Their buffers hang in cycles, of whose size the collector knows nothing.
            self._ended = 0
            gc.collect()


def _end(connection: socket.socket) -> None:
    # It belongs to the event loop, which closes it when it sees the end.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class Listener(socket.socket):
    """A listening socket for an event loop; what it accepts is noted."""

    def __init__(self, connections: Connections, family: int) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._connections = connections
        self._burst = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection; raises BlockingIOError when it is the turn of the others."""
        if self._burst >= _BURST:
            raise BlockingIOError
        connection, address = super().accept()
        if not self._burst:
            asyncio.get_running_loop().call_soon(self._begin_burst)
        self._burst += 1
        self._connections.add(connection)
        return connection, address

    def _begin_burst(self) -> None:
        self._burst = 0


def listeners(connections: Connections, host: str, port: int) -> Iterator[Listener]:
    """Return a bound socket for every address of a host, on one port; raises OSError."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, _, _, _, address in dict.fromkeys(found):
        listener = Listener(connections, family)
        try:
            if os.name == "posix":  # elsewhere it would let two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((address[0], port, *address[2:]))
            port = listener.getsockname()[1]  # any free one for the first, the same for the others
        except BaseException:
            listener.close()
            raise
        yield listener
