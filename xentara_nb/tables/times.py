"""Times as people write them: without seconds, and by the clock of the computer they sit at."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from xentara_nb.protocol.values import TimePoint

_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?\s?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
# Of any other form, it depends on the country what is the day and what the month.
_ISO = re.compile(
    r"-?\d{4,}-\d\d(-\d\d([Tt ]\d\d(:\d\d(:\d\d(\.\d+)?)?)?)?\s?([Zz]|[+-]\d\d(:?\d\d)?)?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1)


def time_point_of(value: str | datetime | np.datetime64) -> TimePoint:
    """Return the point in time that a value means; without a time zone it is in the local one.

    Raises a ValueError if it means none, or two: as in the hour that a change to winter time
    repeats.

    Examples
    --------
    >>> time_point_of("2026-11-26 10:00+01:00")
    TimePoint(nanoseconds=1795683600000000000)
    """
    if isinstance(value, str):
        whole = value.strip()
        if (found := _TEXT.fullmatch(whole)) is not None:
            day, minute, second, zone = found.groups()
            whole = f"{day}T{minute}{second or ':00'}{zone or 'Z'}"
        point = TimePoint.parse(whole)
    else:
        if isinstance(value, datetime) and is_local(value):
            value = value.replace(tzinfo=None)  # a time zone without an offset is none
        point = TimePoint(int(pd.Timestamp(value).as_unit("ns").value))
    if not is_local(value):
        return point
    offset = _local(point).utcoffset() or timedelta(0)
    return TimePoint(point.nanoseconds - round(offset.total_seconds()) * 1_000_000_000)


def iso_time(text: str) -> pd.Timestamp:
    """Return the time of a text in which the year comes first; raises a ValueError for another.

    Examples
    --------
    >>> iso_time("2026-11-05 14:00")
    Timestamp('2026-11-05 14:00:00')
    """
    if not _ISO.fullmatch(text):
        raise ValueError(f"{text!r} does not begin with year, month and day")
    return pd.Timestamp(text)


def is_local(value: object) -> bool:
    """Return whether a value is a time without a time zone."""
    if isinstance(value, str):
        found = _TEXT.fullmatch(value.strip())
        return found is not None and found[4] is None
    if isinstance(value, datetime):
        return value.utcoffset() is None
    return isinstance(value, np.datetime64)


def in_local_zone(point: TimePoint) -> str:
    """Return a point in time by the clock of this computer, with the time zone that it has then.

    Examples
    --------
    >>> point = time_point_of("2026-11-26 10:00")
    >>> in_local_zone(point).startswith("2026-11-26 10:00:00")
    True
    """
    local = datetime.fromtimestamp(point.nanoseconds // 1_000_000_000).astimezone()
    return f"{local.isoformat(sep=' ', timespec='seconds')} ({local.tzname()})"


def _local(point: TimePoint) -> datetime:
    """Return the local time that the clock of this computer shows as such a time in UTC."""
    try:
        naive = _EPOCH + timedelta(microseconds=point.nanoseconds // 1000)
        times = [naive.replace(fold=fold).astimezone() for fold in (0, 1)]
    except (OverflowError, OSError) as error:
        raise ValueError(
            f"the time zone of this computer does not reach so far ({error})"
        ) from None
    if times[0].utcoffset() != times[1].utcoffset():
        raise ValueError(
            f"{naive} is not one time in the time zone of this computer, whose clocks change then: "
            f"write it with its offset, as {times[0].isoformat(sep=' ')}"
        )
    return times[0]
