"""The line to one client: what goes out, in order, and the ways in which a line can be bad.

Bytes are counted on the content of WebSocket messages, in both directions: that is the same for
every client and every TLS version, so a test can say beforehand where a connection will break.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode

if TYPE_CHECKING:
    from xentara_nb.simulator.faults import Faults

_log = logging.getLogger(__name__)

_DELAYED = 256  # messages that may be under way on a delayed line; then its reader has to wait
_LINGER = 1.0  # how long the last bytes of a broken connection may take, in seconds
_LOOK = 0.1  # how often to look whether a slow reader goes on


@dataclass(slots=True)
class Countdown:
    """How many connections a fault breaks before it is used up, None for all."""

    left: int | None

    def take(self) -> bool:
        """Use one up, if there is one left."""
        if self.left is None:
            return True
        self.left -= 1
        return self.left >= 0


@dataclass(slots=True)
class ByteLimit:
    """How many bytes may still go in one direction before the connection breaks."""

    inwards: bool
    bytes: int
    shots: Countdown

    def copy(self) -> ByteLimit:
        """Return the same budget for another connection."""
        return ByteLimit(self.inwards, self.bytes, self.shots)


@dataclass(eq=False)
class Transport:
    """One connection's way out.

    Parameters
    ----------
    connection : ServerConnection
        The connection.
    faults : Faults
        What goes wrong on purpose.
    patience : float or None
        How long a client may take no bytes at all before it is dropped, in seconds; None for ever.
    """

    connection: ServerConnection
    faults: Faults
    patience: float | None = 60.0
    budgets: list[ByteLimit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._delayed: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_DELAYED)
        self._under_way = 0
        self._last_due = 0.0
        self._mailer: asyncio.Task[None] | None = None
        self._broken = False
        self.faults.attach(self)

    def close(self) -> None:
        """Give up what belongs to the line; the connection itself is left alone."""
        self.faults.detach(self)
        if self._mailer is not None:
            self._mailer.cancel()

    def received(self, size: int) -> bool:
        """Count a message that has come in; False if the line breaks before it was understood."""
        broken = False
        for budget in self.budgets:
            if budget.inwards:
                budget.bytes -= size
                broken = broken or (budget.bytes < 0 and budget.shots.take())
        if broken:
            self.abort()
        return not (broken or self._broken)

    async def send(self, message: bytes) -> None:
        """Send a message, after those that were sent before; waits where the client is slow.

        Raises
        ------
        ConnectionClosed
            If the connection has ended.
        """
        delay = self.faults.latency()
        if delay <= 0 and not self._under_way:
            await self._transmit(message)
            return
        now = asyncio.get_running_loop().time()
        # What was sent later arrives later: jitter does not mix messages up.
        self._last_due = max(now + delay, self._last_due)
        self._under_way += 1
        if self._mailer is None:
            self._mailer = asyncio.create_task(self._deliver())
        await self._delayed.put((self._last_due, message))

    async def _deliver(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(Exception):  # the connection has ended, which its reader tells
            while True:
                due, message = await self._delayed.get()
                await asyncio.sleep(due - loop.time())
                await self._transmit(message)
                self._under_way -= 1

    async def _transmit(self, message: bytes) -> None:
        if self._broken:
            return
        allowed = self._allowance(len(message))
        if allowed is not None:
            self._cut(message, allowed)
            return
        try:
            async with asyncio.timeout(self.patience):
                await self.connection.send(message)
        except TimeoutError:
            await self._slow_reader()

    def _allowance(self, size: int) -> int | None:
        """Return how much of a message still goes out before the line breaks, None for all."""
        allowed = None
        for budget in self.budgets:
            if not budget.inwards:
                if size > budget.bytes and budget.shots.take():
                    allowed = max(min(budget.bytes, size if allowed is None else allowed), 0)
                budget.bytes -= size
        return allowed

    def _cut(self, message: bytes, allowed: int) -> None:
        """Send the beginning of a message, as a server does that dies in the middle of it."""
        if allowed:
            frame = Frame(Opcode.BINARY, message).serialize(mask=False)
            self.connection.transport.write(frame[: len(frame) - len(message) + allowed])
        self.abort()

    def abort(self) -> None:
        """End the connection without a good-bye."""
        self._broken = True
        self.connection.transport.close()
        # With TLS, closing waits for the other side; this one does not.
        asyncio.get_running_loop().call_later(_LINGER, self.connection.transport.abort)

    async def _slow_reader(self) -> None:
        """Wait for a client that still takes some bytes; drop one that takes none."""
        transport = self.connection.transport
        loop = asyncio.get_running_loop()
        before, since = transport.get_write_buffer_size(), loop.time()
        while transport.get_write_buffer_size() > 0 and not transport.is_closing():
            await asyncio.sleep(_LOOK)
            left = transport.get_write_buffer_size()
            if left < before:
                before, since = left, loop.time()
            elif self.patience is not None and loop.time() - since > self.patience:
                _log.info("a client reads nothing and is dropped")
                self._broken = True
                transport.abort()
