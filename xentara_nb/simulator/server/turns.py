"""Long work in small pieces, so that the short requests of others do not have to wait for it."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """The turns of all that takes long: in each round of the event loop it is the turn of one.

    Every connection that answers a short request, and every one that is being opened, makes a step
    in each round. So these wait for one piece of work at a time, however many connections ask for
    what takes long. Those wait for each other, the longest first, and thus get the same.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def next(self) -> None:
        """Wait until it is the turn of this task again."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        if len(self._waiting) == 1:
            loop.call_soon(self._grant, loop)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def _grant(self, loop: asyncio.AbstractEventLoop) -> None:
        # Those who gave up have taken themselves out.
        if self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
        if self._waiting:
            loop.call_soon(self._grant, loop)
