"""How many bytes a connection may carry before a fault breaks it.

Bytes are counted on the content of WebSocket messages, in both directions: that is the same for
every client and every TLS version, so a test can say beforehand where a connection will break.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(slots=True)
class Countdown:
    """How many connections a fault breaks before it is used up, infinity for all."""

    left: float

    def take(self) -> bool:
        """Use one up, if there is one left."""
        self.left -= 1
        return self.left >= 0


@dataclass(slots=True)
class ByteLimit:
    """How many bytes may still go in one direction before the connection breaks."""

    inwards: bool  # whether bytes from the client are counted, or those to it
    bytes: int
    countdown: Countdown  # shared by all copies of a limit


class ConnectionLimits:
    """The limits of one connection, which counts its own bytes."""

    def __init__(self, limits: Iterable[ByteLimit]) -> None:
        self._limits = [replace(limit) for limit in limits]

    def add(self, limit: ByteLimit) -> None:
        """Count for another limit from now on."""
        self._limits.append(replace(limit))

    def clear(self) -> None:
        """Forget all limits."""
        self._limits.clear()

    def count(self, size: int, *, inwards: bool) -> int:
        """Count a message, and return how many of its bytes still get through."""
        allowed = size
        for limit in self._limits:
            if limit.inwards is inwards:
                if size > limit.bytes and limit.countdown.take():
                    allowed = max(min(limit.bytes, allowed), 0)
                limit.bytes -= size
        return allowed
