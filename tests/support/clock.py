"""A clock for modules that ask ``time``: it moves when a test says so, or when one sleeps by it."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Put it where a module has ``time``, such as ``"xentara_nb.connection.deadline.time"``.

    Attributes
    ----------
    now : float
        The seconds that it shows.
    pauses : list of float
        How long was slept by it.
    on_sleep : callable, optional
        What happens while one sleeps.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        self.on_sleep: Callable[[], object] | None = None

    def monotonic(self) -> float:
        return self.now

    def monotonic_ns(self) -> int:
        return round(self.now * 1e9)

    def time_ns(self) -> int:
        """Return the time of day, which is the real one."""
        return time.time_ns()

    def sleep(self, seconds: float) -> None:
        if self.on_sleep is not None:
            self.on_sleep()
        self.pauses.append(seconds)
        self.now += seconds
