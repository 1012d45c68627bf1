"""What a live view tells the page: of each attribute, only what is new since the last time."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from xentara_nb.live.collection import Collection, Mark
from xentara_nb.live.frames import with_quality_changes
from xentara_nb.live.history import Array, Changes
from xentara_nb.protocol.identifiers import Quality
from xentara_nb.tables.rendering import plain
from xentara_nb.widgets.common.table import QUALITY_KINDS, value_text

POINTS = 10_000
"""How many changes a line of the chart has at most, the last ones."""

TAIL = 64
"""How many of those are looked at for what is new, and sent of what is in the table alone."""

SPANS = (60.0, 600.0, 0.0)
"""How much of the past can be charted, in seconds; 0 is everything."""

UNKNOWN = 255
"""The quality of a value that has none, or one that the manual does not know."""


class Points(NamedTuple):
    """Some changes of one attribute as they are drawn, in the order of their times."""

    times: Array  # int64, nanoseconds since 1970
    numbers: Array  # float64; NaN where there is a gap, or no number
    qualities: Array  # uint8, as in Quality, or UNKNOWN

    def part(self, start: int) -> Points:
        """Return these points without the first so many."""
        return Points(*(each[start:] for each in self))


class News(NamedTuple):
    """What is new of one attribute."""

    row: int  # its place in the watch
    whole: bool  # whether the points take the place of all that came before
    points: Points
    value: str
    quality: str
    kind: str  # of the quality: ``ok``, ``warning``, ``error`` or an empty text
    error: str
    age: float | None  # in seconds; None before the first value


class Feed:
    """Finds what is new of a watch since it was last asked; not for several threads at once."""

    def __init__(self, watch: Collection, count: int) -> None:
        self._watch = watch
        self._count = count
        self._known: dict[int, tuple[Mark, Points]] = {}  # the last points that were given
        self._charted: set[int] = set()  # the rows that more than the tail was given of

    def restart(self) -> None:
        """Give everything the next time."""
        self._known.clear()
        self._charted.clear()

    def take(self, charted: Container[int], most: int = POINTS) -> list[News]:
        """Return what is new; of the rows that are charted, as many points as there may be."""
        self._charted = {row for row in self._charted if row in charted}
        found = []
        ages: list[float] = []
        for row in range(self._count):
            news = self._new_points(row, row in charted, most)
            if news is None:
                continue
            whole, points, value = news
            if whole and not ages:
                ages = self._watch.latest()["age"].tolist()
            found.append(self._news(row, whole, points, value, ages[row] if whole else 0.0))
        return found

    def _new_points(
        self, row: int, charted: bool, most: int
    ) -> tuple[bool, Points, float | None] | None:
        """Return whether they are all, the points, and the last value if that is a number."""
        mark, known = self._known.get(row, (None, None))
        now, behind = self._watch.behind(row, mark)
        if known is not None and mark is not None and (not charted or row in self._charted):
            if now == mark:
                return None
            if behind is not None and _can_follow(behind, known, now.quality_time):
                points = _with_more(known, behind)
                self._know(row, now, points)
                is_number = behind.values.dtype.kind == "f" and not behind.missing[-1]
                value = float(behind.values[-1]) if is_number else None
                return False, points.part(-1 - len(behind.times)), value
            came_late = now.revisions != mark.revisions and now.total != mark.total
            for last in () if came_late else (TAIL, most):  # rarely are there more than the tail
                points = points_of(self._watch, row, last)
                start = _continued(known, points)
                if start is not None:
                    self._know(row, now, points)
                    new = points.part(start)
                    same = len(new.times) <= 1 and _same(new, known.part(-1))
                    return None if same else (False, new, None)
        points = points_of(self._watch, row, most if charted else TAIL)
        self._know(row, now, points)
        if charted:
            self._charted.add(row)
        return True, points, None

    def _know(self, row: int, mark: Mark, points: Points) -> None:
        self._known[row] = mark, points.part(-2 * TAIL)

    def _news(self, row: int, whole: bool, points: Points, value: float | None, age: float) -> News:
        if value is not None:
            shown, error = shown_value(value), ""
            code = int(points.qualities[-1])
            quality = "" if code == UNKNOWN else Quality(code).label
        else:
            # The newest, which is not the last point where the server's clock was set back.
            last = self._watch.last(row)
            error = "" if last is None or last.error is None else plain(last.error)
            shown = "" if last is None or last.error is not None else shown_value(last.value)
            quality = plain(self._watch.quality(row) or "")
        return News(
            row,
            whole,
            points,
            shown,
            quality,
            QUALITY_KINDS.get(quality, ""),
            error,
            age if age == age and len(points.times) else None,
        )


def points_of(watch: Collection, row: int, last: int) -> Points:
    """Return the last points of one attribute: where its value or its quality has changed."""
    column, quality = watch.columns(row, last), watch.qualities(row, last)
    start = column.times[0] if len(column.times) == last else None
    merged = with_quality_changes(column, quality)
    points = Points(merged.times, _numbers(merged), _codes(merged.times, quality))
    if start is not None and quality is not None and len(quality.times) == last:
        # There may be more of both: before the later of the two beginnings, something is missing.
        start = max(start, quality.times[0])
    if start is None or not len(points.times):
        return points
    return points.part(int(np.searchsorted(points.times, start)))


def message(news: Sequence[News]) -> tuple[dict[str, Any], list[bytes]]:
    """Return what is new as a message to the page: what is text, and the points in two buffers.

    The first has the times, in milliseconds since 1970, and then the numbers of each attribute as
    float64; the second has the qualities as bytes.
    """
    rows = [
        {**each._asdict(), "points": len(each.points.times)}  # how many of them are its own
        for each in news
    ]
    floats = [part for each in news for part in (each.points.times / 1e6, each.points.numbers)]
    codes = [each.points.qualities for each in news]
    return {"kind": "points", "rows": rows}, [
        np.concatenate(floats, dtype="<f8").tobytes() if floats else b"",
        np.concatenate(codes).tobytes() if codes else b"",
    ]


def shown_value(value: object) -> str:
    """Return a value as the table shows it: seven digits of a float, which no one reads faster."""
    if isinstance(value, float):
        return f"{value:.7g}"
    return value_text(None if value is pd.NA else value)


def _continued(known: Points, points: Points) -> int | None:
    """Return where points go on behind those that are known: at the last of these, once more.

    None if they do not, or if something came late, before the last that is known.
    """
    if not len(known.times):
        return None if len(points.times) else 0
    start = int(np.searchsorted(points.times, known.times[-1]))
    if start == len(points.times) or points.times[start] != known.times[-1]:
        return None
    before = min(start, len(known.times) - 1)
    both = Points(*(each[start - before : start] for each in points))
    return start if _same(both, Points(*(each[-1 - before : -1] for each in known))) else None


def _can_follow(column: Changes, known: Points, quality_time: int) -> bool:
    """Return whether a few changes come behind points that are known, whose quality still holds."""
    if not 0 < len(column.times) <= TAIL or not len(known.times):
        return False
    return bool(column.times[0] > known.times[-1] >= quality_time)


def _with_more(points: Points, column: Changes) -> Points:
    """Return points with changes behind them, of the quality of the last one."""
    codes = np.full(len(column.times), points.qualities[-1])
    more = Points(column.times, _numbers(column), codes)
    return Points(*(np.concatenate(pair) for pair in zip(points, more, strict=True)))


def _same(some: Points, others: Points) -> bool:
    return (
        np.array_equal(some.times, others.times)
        and np.array_equal(some.numbers, others.numbers, equal_nan=True)
        and np.array_equal(some.qualities, others.qualities)
    )


def _numbers(column: Changes) -> Array:
    if column.values.dtype.kind not in "fiub":
        return np.full(len(column.times), np.nan)
    numbers = column.values.astype(np.float64)
    numbers[column.missing] = np.nan
    return numbers


def _codes(times: Array, quality: Changes | None) -> Array:
    """Return the quality at each time as a byte."""
    codes = np.full(len(times), UNKNOWN, dtype=np.uint8)
    if quality is None or not len(quality.times) or quality.values.dtype.kind != "i":
        return codes
    rows = np.searchsorted(quality.times, times, side="right") - 1
    values = quality.values[rows]
    known = (rows >= 0) & ~quality.missing[rows] & (values >= 0) & (values <= max(Quality))
    codes[known] = values[known]
    return codes
