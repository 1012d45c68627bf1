"""One budget of time, handed down through all the steps of a call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from xentara_nb.errors import DeadlineError, OptionError
from xentara_nb.protocol.values import is_number


class Deadline:
    """A moment by which something must be done, so many seconds from now."""

    __slots__ = ("_end", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = check_timeout(seconds)
        self._end = time.monotonic() + self.seconds

    @property
    def remaining(self) -> float:
        """The seconds that are left, 0 when none are."""
        return max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self.remaining == 0.0

    def error(self, what: str, *, sent: bool = False) -> DeadlineError:
        """Return the error for something that was not done in time."""
        return DeadlineError(f"{what} within {self.seconds:g} s", sent=sent)


# When what is asked in this context must be done, by the clock time.monotonic; None for never.
_end_of_call: ContextVar[float | None] = ContextVar("end_of_call", default=None)


@contextmanager
def done_within(seconds: float | None) -> Iterator[None]:
    """Let all that is asked in the block take no longer than so many seconds; None for any time.

    Only of this thread: others may ask over the same connection meanwhile.
    """
    end = None if seconds is None else time.monotonic() + check_timeout(seconds)
    token = _end_of_call.set(end)
    try:
        yield
    finally:
        _end_of_call.reset(token)


def deadline_of_call(seconds: float) -> Deadline:
    """Return a deadline, earlier where :func:`done_within` says so.

    Raises a DeadlineError if that has passed.
    """
    end = _end_of_call.get()
    if end is None:
        return Deadline(seconds)
    left = end - time.monotonic()
    if left <= 0:
        raise DeadlineError("the time for all of it is up")
    return Deadline(min(seconds, round(left, 3) + 0.001))


def call_is_over() -> bool:
    """Whether the time of :func:`done_within` has passed."""
    end = _end_of_call.get()
    return end is not None and time.monotonic() >= end


def check_seconds(name: str, seconds: float, *, least: float = 0.001, most: float = 1e9) -> float:
    """Return a time in seconds that was given as an argument; OptionError unless it is one."""
    if not is_number(seconds) or not least <= seconds <= most:
        raise OptionError(f"{name} is a time in seconds, at least {least:g}, not {seconds!r}")
    return float(seconds)


def check_timeout(seconds: float) -> float:
    """Return a time-out in seconds; OptionError unless it is a number above 0 and at most a day."""
    if type(seconds) is not float and not is_number(seconds):
        raise OptionError(f"a time-out is a number of seconds, not {seconds!r}")
    if not 0 < seconds <= 86_400:
        raise OptionError(f"a time-out of {seconds} s makes no sense: give 0 < seconds <= 86400")
    return float(seconds)
