"""Times as a person types them: in the time zone of the user, if they have none of their own."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

_LOCAL = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d(?:\.\d+)?))?")


class LocalTime(NamedTuple):
    """What a text means: itself with a zone, as the guards take it, and a note about it."""

    text: str
    note: str


def zone_text(zone: str) -> str:
    """Return the name of a zone; an empty text is that of this computer."""
    if zone:
        return zone
    return f"{datetime.now().astimezone().tzname()}, the zone of the computer with the kernel"


def read_time(text: str, zone: str) -> LocalTime:
    """Read a time such as ``2026-11-26 10:00`` in a zone; any other text is left as it is.

    So is one that the clocks of the zone show twice, or never, which must not be guessed.

    Examples
    --------
    >>> read_time("2026-11-26 10:00", "Europe/Berlin")
    LocalTime(text='2026-11-26 10:00:00+01:00', note='2026-11-26 09:00:00 UTC')
    >>> read_time("2026-10-25 02:30", "Europe/Berlin").note
    'the clocks show this time twice: add +02:00 or +01:00'
    """
    match = _LOCAL.fullmatch(text.strip())
    if match is None:
        return LocalTime(text, "")
    day, minute, second = match[1], match[2], match[3] or "00"
    try:
        naive = datetime.fromisoformat(f"{day} {minute}:{second[:2]}")
    except ValueError:
        return LocalTime(text, "")
    first, other = (_aware(naive.replace(fold=fold), zone) for fold in (0, 1))
    if first.utcoffset() != other.utcoffset():
        if _aware(first.astimezone(UTC), zone).replace(tzinfo=None) != naive:
            return LocalTime(text, "the clocks leave out this time, as they are put forward")
        both = f"{_offset(first)} or {_offset(other)}"
        return LocalTime(text, f"the clocks show this time twice: add {both}")
    in_utc = f"{first.astimezone(UTC):%Y-%m-%d %H:%M:%S}{second[2:]} UTC"
    return LocalTime(f"{day} {minute}:{second}{_offset(first)}", in_utc)


def local_text(time: pd.Timestamp, zone: str) -> str:
    """Return a time as the clocks of a zone show it; an empty text for one that they never do."""
    if not 1700 < time.year < 2261:
        return ""
    local = time.tz_convert(ZoneInfo(zone)) if zone else time.to_pydatetime().astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S} {_offset(local)}"


def _aware(moment: datetime, zone: str) -> datetime:
    """Return a moment in a zone; without one of its own, it is one of that zone already."""
    if not zone:
        return moment.astimezone()
    place: tzinfo = ZoneInfo(zone)
    return moment.astimezone(place) if moment.tzinfo else moment.replace(tzinfo=place)


def _offset(moment: datetime) -> str:
    text = moment.strftime("%z")  # such as +0100
    return f"{text[:3]}:{text[3:5]}"
