"""The folder of a recording: which of its files are for which hours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from xentara_nb.errors import RecordingError
from xentara_nb.protocol.errors import one_line

HOUR = 3600 * 10**9
"""An hour in nanoseconds; hours are counted from 1970, in UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_HOUR = timedelta(hours=1)
_NAME = re.compile(r"part-(\d{4})(\d\d)(\d\d)T(\d\d)-[0-9a-z]+-\d+\.parquet")


def hour_name(hour: int) -> str:
    """Return an hour as the names of files have it.

    Examples
    --------
    >>> hour_name(498_710)
    '20261122T14'
    """
    return f"{_moment(hour):%Y%m%dT%H}"


def day_folder(folder: Path, hour: int) -> Path:
    """Return the folder of the day that an hour is in."""
    return folder / f"day={_moment(hour):%Y-%m-%d}"


def _moment(hour: int) -> datetime:
    return _EPOCH + timedelta(hours=hour)


def files(folder: Path, wanted: Callable[[int], bool]) -> list[tuple[Path, int]]:
    """Return the files of those hours that are wanted, each with its hour, in their order."""
    found = []
    for path in folder.glob("day=*/part-*.parquet"):
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        with suppress(ValueError):
            year, month, day, of_day = map(int, match.groups())
            hour = (datetime(year, month, day, of_day, tzinfo=UTC) - _EPOCH) // _ONE_HOUR
            if wanted(hour):
                found.append((path, hour))
    return sorted(found, key=lambda each: (each[1], each[0].name))


def last_time(folder: Path) -> int:
    """Return the time of the newest row, in nanoseconds; where there is none, that of no row."""
    known = files(folder, lambda hour: True)
    return extent(path for path, hour in known if hour == known[-1][1]).last


class Extent(NamedTuple):
    """How much some files hold; without a row, the first time is later than the last one."""

    rows: int
    first: int
    last: int


def extent(paths: Iterable[Path]) -> Extent:
    """Return how much some files hold, from their footers: none of their rows is read.

    Raises RecordingError if one of them cannot be read.
    """
    import pyarrow.parquet as pq

    rows, times = 0, list[int]()
    for path in paths:
        try:
            metadata = pq.read_metadata(path)
            column = metadata.schema.names.index("time")
            for group in range(metadata.num_row_groups):
                statistics = metadata.row_group(group).column(column).statistics
                if statistics is not None and statistics.has_min_max:
                    times += [_nanoseconds(statistics.min), _nanoseconds(statistics.max)]
        except Exception as error:  # what a file can make the package stumble over has no list
            raise unreadable(path, error) from None
        rows += metadata.num_rows
    return Extent(rows, min(times, default=(1 << 63) - 1), max(times, default=-(1 << 63)))


def unreadable(path: Path, error: Exception) -> RecordingError:
    """Return the error for a recording, or a file of one, that cannot be read."""
    return RecordingError(
        f"the recording in {path} cannot be read ({one_line(str(error), 300)}). If a file was "
        "changed or damaged, take it away; the others can be read without it"
    )


def _nanoseconds(moment: object) -> int:
    """Return a time of the statistics of a file, which may be one of pandas or of Python."""
    value = getattr(moment, "value", None)
    if isinstance(value, int):
        return value
    if not isinstance(moment, datetime):
        raise ValueError("the column time holds no times")
    # Python has no nanoseconds: the next full microsecond is not before it.
    return ((moment - _EPOCH) // timedelta(microseconds=1) + 1) * 1000
