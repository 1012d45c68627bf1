"""Whose turn it is to read a connection: its thread's, or that of one who waits for an answer.

To wake up one thread for an answer, and by that another one, takes as long as a small request
itself. So behind such an answer the thread rests for a moment, and who asks next reads the answer
without it. All that is not just this answer is left to the thread. An interrupt leaves the stream
as it was or, between two byte codes, unreadable: so only what changes nothing is read in this way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from xentara_nb.latch import Wakeup
from xentara_nb.locking import Lock

REST = 0.05
"""How long the thread rests, and how long another one waits in its place, in seconds at most."""


class Hold:
    """The turn of a thread other than the connection's."""

    __slots__ = ("revoked", "taking")

    def __init__(self) -> None:
        self.taking = False  # no longer waiting: bytes are on their way from the socket
        self.revoked = False


class ReadingTurn:
    """The right to read, which one thread has at a time.

    :attr:`wanted` is whether who asked last would read the answer, so that the thread may rest, and
    :attr:`resting` whether it does, and was not called back. :attr:`release` gives the right back,
    in C alone: an interrupt comes before or behind that. It raises RuntimeError in a thread that
    has not got it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self.release: Callable[[], None] = self._lock.release
        self.wanted = False
        self.resting = False
        self._holds: dict[int, Hold] = {}  # by the thread
        self._wakeup = Wakeup()

    def begin(self) -> None:
        """Take the right, for the thread of the connection."""
        self._lock.acquire()

    def rest(self, needed: Callable[[], bool]) -> None:
        """Let others read for :data:`REST`, or until the thread is called back.

        ``needed`` says whether it has to go on. It is asked when the right is free, for who has
        begun to wait before did not get it.
        """
        self._lock.release()
        try:
            self.resting = True
            if not needed():
                self._wakeup.wait(REST)
        finally:
            self._lock.acquire()
            self.resting = False

    def call_back(self) -> None:
        """Let the thread go on as soon as the right is free; no one else takes it before."""
        self.resting = False
        self._wakeup.set()

    def take(self) -> Hold | None:
        """Take the right if the thread rests and no one has it.

        To be called in a ``try`` with :attr:`release` and :meth:`drop` in its ``finally``.
        """
        # Known before the right is taken: a signal handler may come in between.
        self._holds[threading.get_ident()] = hold = Hold()
        if not self.resting or not self._lock.acquire(blocking=False) or hold.revoked:
            return None
        return hold

    def drop(self) -> None:
        """Forget the turn of this thread, which gives the right back, or has."""
        self._holds.pop(threading.get_ident(), None)

    def give_up(self) -> bool:
        """Leave the reading to the thread if this very thread waits: this is a signal handler.

        Return whether this thread is not reading now: the handler may have interrupted it where
        that is not possible.
        """
        hold = self._holds.get(threading.get_ident())
        if hold is None or hold.taking:
            return hold is None
        hold.revoked = True
        self.drop()
        try:
            self.release()
        except RuntimeError:  # before it was taken, or behind the end
            pass
        self.call_back()
        return True
