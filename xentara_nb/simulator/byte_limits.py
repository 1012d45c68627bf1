"""How many bytes a connection may carry before a fault breaks it.

Bytes are counted on the content of WebSocket messages, in both directions: that is the same for
every client and every TLS version, so a test can say beforehand where a connection will break.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


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
    """How many bytes may still go in one direction before the connection breaks.

    Attributes
    ----------
    inwards : bool
        Whether bytes from the client are counted, or those to it.
    bytes : int
        How many are left.
    countdown : Countdown
        How many connections break; all copies of a limit share it.
    """

    inwards: bool
    bytes: int
    countdown: Countdown


class ConnectionLimits:
    """The limits of one connection, which counts its own bytes.

    Parameters
    ----------
    limits : iterable of ByteLimit
        The limits that hold from the beginning.
    """

    def __init__(self, limits: Iterable[ByteLimit] = ()) -> None:
        self._limits = [replace(limit) for limit in limits]

    def add(self, limit: ByteLimit) -> None:
        """Count for another limit from now on."""
        self._limits.append(replace(limit))

    def clear(self) -> None:
        """Forget all limits."""
        self._limits.clear()

    def receive(self, size: int) -> bool:
        """Count a message from the client; False if the connection breaks before its end."""
        broken = False
        for limit in self._limits:
            if limit.inwards:
                limit.bytes -= size
                broken = broken or (limit.bytes < 0 and limit.countdown.take())
        return not broken

    def send(self, size: int) -> int:
        """Count a message to the client, and return how many of its bytes still go out."""
        allowed = size
        for limit in self._limits:
            if not limit.inwards:
                if size > limit.bytes and limit.countdown.take():
                    allowed = max(min(limit.bytes, allowed), 0)
                limit.bytes -= size
        return allowed
