"""The hours in which a policy allows to write, and what its file says of them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from xentara_nb.errors import PolicyError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def require(holds: bool, where: str, problem: str, hint: str) -> None:
    """Raise the error for a setting of a policy that makes no sense."""
    if not holds:
        raise PolicyError(f"{where}: {problem}. {hint}")


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """The hours in which something may be written.

    Parameters
    ----------
    start, end : datetime.time
        From when to when, the end not included. An end before the start is on the next day.
    zone : datetime.tzinfo
        The time zone of the plant.
    days : frozenset of int
        On which days the window opens, Monday being 0.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> print(TimeWindow(time(6), time(22), ZoneInfo("UTC"), frozenset({0, 1, 2, 3, 4})))
    06:00 to 22:00 on Mon, Tue, Wed, Thu, Fri (UTC)
    """

    start: time
    end: time
    zone: tzinfo
    days: frozenset[int] = frozenset(range(7))

    def __post_init__(self) -> None:
        for name, moment in (("from", self.start), ("to", self.end)):
            fits = isinstance(moment, time) and moment.tzinfo is None
            require(fits, name, f"{moment!r} is no time of day", "Give a datetime.time.")
        fits = isinstance(self.zone, tzinfo)
        require(fits, "time_zone", f"{self.zone!r} is no time zone", "Give a ZoneInfo.")
        fits = isinstance(self.days, frozenset) and {*range(7)} >= self.days > set()
        require(fits, "days", f"{self.days!r} is no set of days", "Give numbers from 0 to 6.")
        hint = "Leave the window out to be open always."
        require(self.start != self.end, "to", "it is the same as from", hint)

    def open_at(self, moment: datetime) -> bool:
        """Return whether something may be written at a moment, which has a time zone."""
        local = moment.astimezone(self.zone)
        now, today = local.time(), local.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= now < self.end
        yesterday = (local.date() - timedelta(days=1)).weekday()
        return (today in self.days and now >= self.start) or (
            yesterday in self.days and now < self.end
        )

    def __str__(self) -> str:
        days = "" if len(self.days) == 7 else f" on {', '.join(DAYS[d] for d in sorted(self.days))}"
        return f"{self.start:%H:%M} to {self.end:%H:%M}{days} ({self.zone})"


def time_window(table: Mapping[str, Any]) -> TimeWindow:
    """Return the window that a table of a TOML document stands for; raises a PolicyError."""
    return TimeWindow(
        _time("from", table), _time("to", table), _zone(table), _days(table.get("days", DAYS))
    )


def _time(name: str, table: Mapping[str, Any]) -> time:
    value = table.get(name)
    if isinstance(value, str):
        with suppress(ValueError):
            value = time.fromisoformat(value)
    if isinstance(value, time) and value.tzinfo is None:
        return value
    problem = "it is missing" if value is None else f"{value!r} is no time of day"
    raise PolicyError(f'{name}: {problem}. Write it as "06:00".')


def _zone(table: Mapping[str, Any]) -> ZoneInfo:
    name: Any = table.get("time_zone")
    hint = 'Write the name of a time zone, such as "Europe/Berlin".'
    problem = "it is missing" if name is None else "it is no text"
    require(isinstance(name, str), "time_zone", problem, hint)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        problem = f"this computer knows no time zone {name!r}"
        raise PolicyError(f"time_zone: {problem}. {hint}") from None


def _days(days: Any) -> frozenset[int]:
    hint = f"Write a list of {', '.join(DAYS)}."
    require(isinstance(days, list | tuple) and days != [], "days", "it is no list of days", hint)
    for day in days:
        require(day in DAYS, "days", f"{day!r} is no day of the week", hint)
    return frozenset(DAYS.index(day) for day in days)
