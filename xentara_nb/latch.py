"""Waiting, in a thread that may be interrupted.

An interrupt in :class:`threading.Event` or :class:`threading.Condition` can leave their inner lock
taken, and then the thread that sets them waits for ever. Python looks for interrupts where a
function begins and behind a call, so only what a ``finally`` does in C alone is certain.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TypeVar

STEP = 0.5
"""How long a thread waits at once, in seconds; see :func:`take`."""

_T = TypeVar("_T")


class Latch:
    """An event that happens once; any number of threads may wait for it."""

    def __init__(self) -> None:
        self.is_set = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Let all go on that wait, now or later."""
        self.is_set = True
        try:
            self._lock.release()
        except RuntimeError:  # it was set before
            pass

    def wait(self, seconds: float) -> bool:
        """Wait until it happens, but not longer; return whether it has."""
        try:
            if not self.is_set:
                self._lock.acquire(timeout=seconds)
        finally:
            if self.is_set:  # the next one who waits may go on, too
                try:
                    self._lock.release()
                except RuntimeError:
                    pass
        return self.is_set


class Wakeup:
    """Lets one thread go on that waits, or is about to; again and again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Let the thread go on, once."""
        try:
            self._lock.release()
        except RuntimeError:  # it was set before, and the thread has not gone on yet
            pass

    def wait(self, seconds: float) -> bool:
        """Wait until that happens, but not longer; return whether it has."""
        return self._lock.acquire(timeout=seconds)


def take(entries: queue.SimpleQueue[_T], end: float | None = None) -> _T:
    """Return the next entry of a queue, and wait for it until a time of ``time.monotonic``.

    In steps: an interrupt in the moment before a thread begins to wait, or one that another thread
    is given by the system, is seen when the wait ends. Raises ``queue.Empty``.
    """
    while True:
        left = STEP if end is None else end - time.monotonic()
        try:
            return entries.get(timeout=min(max(left, 0.0), STEP))
        except queue.Empty:
            if left <= 0:
                raise
