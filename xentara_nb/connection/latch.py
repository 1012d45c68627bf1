"""Waiting for what happens once, in a thread that may be interrupted.

An interrupt in :class:`threading.Event` or :class:`threading.Condition` can leave their inner lock
taken, and then the thread that sets them waits for ever. Python looks for interrupts where a
function begins and behind a call, so only what a ``finally`` does in C alone is certain.
"""

from __future__ import annotations

import threading


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
