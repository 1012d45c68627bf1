"""One budget of time, handed down through all the steps of a call."""

from __future__ import annotations

import numbers
import time

from xentara_nb.errors import DeadlineError, OptionError


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


def check_seconds(name: str, seconds: float, *, least: float = 0.001, most: float = 1e9) -> float:
    """Return a time in seconds that was given as an argument; OptionError unless it is one."""
    if not _is_number(seconds) or not least <= seconds <= most:
        raise OptionError(f"{name} is a time in seconds, at least {least:g}, not {seconds!r}")
    return float(seconds)


def check_timeout(seconds: float) -> float:
    """Return a time-out in seconds; OptionError unless it is a number above 0 and at most a day."""
    if type(seconds) is not float and not _is_number(seconds):
        raise OptionError(f"a time-out is a number of seconds, not {seconds!r}")
    if not 0 < seconds <= 86_400:
        raise OptionError(f"a time-out of {seconds} s makes no sense: give 0 < seconds <= 86400")
    return float(seconds)


def _is_number(value: object) -> bool:
    # Real, for numpy's integers are no int.
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
