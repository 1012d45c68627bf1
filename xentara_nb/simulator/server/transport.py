"""What goes out to one client, in order, and the ways in which a connection can be bad."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode

from xentara_nb.simulator.faults import Faults

_log = logging.getLogger(__name__)

_DELAYED = 256  # messages that may be under way with a delay; then the next one has to wait
_LINGER = 1.0  # how long the last bytes of a broken connection may take, in seconds


class Transport:
    """One connection's way out; a client that takes no byte for ``read_timeout`` s is dropped."""

    def __init__(
        self, connection: ServerConnection, faults: Faults, read_timeout: float | None
    ) -> None:
        self._connection = connection
        self._faults = faults
        self._limits = faults.attach()
        self._delayed: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_DELAYED)
        self._under_way = 0
        self._last_due = 0.0
        self._sent = 0
        self._broken = False
        self._tasks = [asyncio.create_task(self._deliver())]
        if read_timeout is not None:
            self._tasks.append(asyncio.create_task(self._drop_if_unread(read_timeout)))

    def close(self) -> None:
        """Give up what belongs to the transport; the connection itself is left alone."""
        for task in self._tasks:
            task.cancel()

    def receive(self, size: int) -> bool:
        """Count a message that has come in; False if the connection breaks before its end."""
        if self._limits.count(size, inwards=True) < size:
            self.abort()
        return not self._broken

    async def send(self, message: bytes) -> None:
        """Send a message, after those that were sent before; waits where the client is slow."""
        delay = self._faults.latency()
        if delay <= 0 and not self._under_way:
            await self._transmit(message)
            return
        self._under_way += 1
        # What was sent later arrives later: jitter does not mix messages up.
        self._last_due = max(asyncio.get_running_loop().time() + delay, self._last_due)
        await self._delayed.put((self._last_due, message))

    async def _deliver(self) -> None:
        """Send the delayed messages when they are due."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(Exception):  # the connection has ended, which its reader notices
            while True:
                due, message = await self._delayed.get()
                await asyncio.sleep(due - loop.time())
                await self._transmit(message)
                self._under_way -= 1

    async def _transmit(self, message: bytes) -> None:
        if self._broken:
            return
        allowed = self._limits.count(len(message), inwards=False)
        if allowed == len(message):
            await self._connection.send(message)
            self._sent += 1
            return
        if allowed:
            # Only the beginning goes out, as from a server that dies in the middle of it.
            frame = Frame(Opcode.BINARY, message).serialize(mask=False)
            self._connection.transport.write(frame[: len(frame) - len(message) + allowed])
        self.abort()

    def abort(self) -> None:
        """End the connection without a close frame."""
        self._broken = True
        self._connection.transport.close()
        # With TLS, closing waits for the other side; this one does not.
        asyncio.get_running_loop().call_later(_LINGER, self._connection.transport.abort)

    async def _drop_if_unread(self, read_timeout: float) -> None:
        """Drop a client that takes no bytes at all of a message; a slow one is waited for."""
        transport = self._connection.transport
        sent, unread = -1, 0
        while not transport.is_closing():
            sent_before, unread_before = sent, unread
            sent, unread = self._sent, transport.get_write_buffer_size()
            if sent == sent_before and unread >= unread_before > 0:
                _log.info("a client reads nothing and is dropped")
                self._broken = True
                transport.abort()
            await asyncio.sleep(read_timeout)
