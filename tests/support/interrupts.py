"""Ctrl-C in the moment after a lock was taken."""

from __future__ import annotations

import threading
from types import TracebackType


class InterruptibleLock:
    """Takes the place of threading.RLock, and raises as Ctrl-C does right after it was taken."""

    armed = False
    """Whether the next lock that is taken with acquire() is interrupted."""

    _real = staticmethod(threading.RLock)  # a function of Python since 3.14

    def __init__(self) -> None:
        self._lock = self._real()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        taken = self._lock.acquire(blocking, timeout)
        if InterruptibleLock.armed:
            InterruptibleLock.armed = False
            raise KeyboardInterrupt
        return taken

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> bool:
        return self._lock.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()
