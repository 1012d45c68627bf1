"""The changes of one attribute, kept as typed columns: 16 bytes for a number and its time.

They are in the order of their times, not of their arrival; what comes twice is kept once.
An entry may be an error in place of a value, such as the end of the connection: then there is a gap
until the next one.

A server's clock may be set back, and then the last entry by its time is one from before. What comes
after a gap may have the time at which it was updated, before the gap. So the newest entry is the
last that has come, but for packets that are only a little late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from xentara_nb.protocol.errors import XentaraError
from xentara_nb.protocol.identifiers import DataType, Quality
from xentara_nb.protocol.values import TimePoint
from xentara_nb.tables.frames import error_text, object_array, to_display
from xentara_nb.tables.values import storage_dtype

Array: TypeAlias = npt.NDArray[Any]

_FIRST_CAPACITY = 16

LATE = 5_000_000_000
"""How far a packet may be behind a newer one, in nanoseconds; the clock was set back otherwise."""


class Changes(NamedTuple):
    """Some changes of one attribute: times in nanoseconds since 1970, values, and which are none.

    Where ``missing`` is true, an error stands in place of a value, which is any then.
    """

    times: Array
    values: Array
    missing: Array


class History:
    """The last changes of one attribute; not safe from several threads by itself.

    Attributes
    ----------
    count : int
        How many changes were taken in all.
    dropped : int
        How many of them are not kept any more.
    revision : int
        How often what was there already has changed: by what came late, or twice, or in place of
        an error, or is of another type.
    """

    def __init__(self, data_type: int | None) -> None:
        self.count = 0
        self.dropped = 0
        self.revision = 0
        self._data_type = data_type
        self._times = np.empty(_FIRST_CAPACITY, dtype=np.int64)
        self._values = np.empty(_FIRST_CAPACITY, dtype=storage_dtype(data_type))
        self._start = self._end = 0
        self._errors: dict[int, str] = {}
        # The newest change where that is not the last one: its time, its value and its error.
        self._behind: tuple[int, Array, str | None] | None = None

    def __len__(self) -> int:
        return self._end - self._start

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        dtype: np.dtype[Any] = self._values.dtype
        return dtype

    @property
    def last_time(self) -> int | None:
        """The time of the last change."""
        return int(self._times[self._end - 1]) if len(self) else None

    @property
    def newest_is_earlier(self) -> bool:
        """Whether the newest change is not the last one by its time."""
        return self._behind is not None

    @property
    def newest_time(self) -> int | None:
        """The time of the newest change."""
        return self.last_time if self._behind is None else self._behind[0]

    @property
    def newest_error(self) -> str | None:
        """The error that the newest change has in place of a value."""
        if self._behind is not None:
            return self._behind[2]
        return None if self.last_time is None else self._errors.get(self.last_time)

    def newest(self) -> Changes:
        """Return a copy of the newest change; none of them before the first."""
        if self._behind is None:
            return self.changes(last=1)
        time, value, error = self._behind
        return Changes(np.array([time]), value.copy(), np.array([error is not None]))

    @property
    def errors(self) -> Mapping[int, str]:
        """The errors by their times."""
        return self._errors

    @property
    def nbytes(self) -> int:
        """How many bytes of memory the columns take."""
        return self._times.nbytes + self._values.nbytes

    def changes(self, last: int | None = None, after: int | None = None) -> Changes:
        """Return a copy of the changes kept: the last so many, or those after a time."""
        start = self._start
        if after is not None:
            kept = self._times[self._start : self._end]
            start += int(np.searchsorted(kept, after, side="right"))
        if last is not None:
            start = max(start, self._end - last)
        times = self._times[start : self._end].copy()
        missing = np.zeros(len(times), dtype=bool)
        if self._errors and len(times) < len(self._errors):
            missing = np.array([time in self._errors for time in times.tolist()], dtype=bool)
        elif self._errors:
            missing = np.isin(times, np.fromiter(self._errors, np.int64, len(self._errors)))
        return Changes(times, self._values[start : self._end].copy(), missing)

    def begin_as(self, other: History) -> None:
        """Begin with the present value, or error, of another history of the same attribute."""
        times, values, _ = other.newest()
        error = other.newest_error
        if error is not None:
            self.append_error(int(times[0]), error)
        elif len(times):
            self.append(times, values)

    def append_value(self, time: int, value: object) -> None:
        """Take one value, or error, as the generic decoder gives it."""
        if isinstance(value, XentaraError):
            self.append_error(time, error_text(value))
        else:
            self.append(np.array([time]), array_of([value]))

    def append_error(self, time: int, text: str) -> None:
        """Take an error, after which there is a gap until the next value."""
        filler = np.zeros(1, self.dtype) if self.dtype != object else np.array([None])
        before = self._newest_value_time()
        self._insert(np.array([time]), filler)
        self._errors[time] = text
        self._note_newest(before, time, filler, text)

    def append(self, times: Array, values: Array) -> None:
        """Take values of one dtype, each with its time; what is there already changes nothing."""
        values = self._converted(values)
        before = self._newest_value_time()
        if self._errors:
            for time in self._errors.keys() & set(times.tolist()):
                del self._errors[time]
        self._insert(times, values)
        self._note_newest(before, int(times[-1]), values[-1:], None)

    def _insert(self, times: Array, values: Array) -> None:
        count = len(times)
        last = self._times[self._end - 1] if len(self) else np.int64(-(1 << 63))
        if times[0] > last and (count == 1 or (times[1:] > times[:-1]).all()):
            self._reserve(count)
            self._times[self._end : self._end + count] = times
            self._values[self._end : self._end + count] = values
            self._end += count
            self.count += count
            return
        # Packets that came twice or out of order: of two of one time, the later one counts.
        times = np.concatenate([self._times[self._start : self._end], times])
        values = np.concatenate([self._values[self._start : self._end], values])
        order = np.argsort(times, kind="stable")
        ordered = times[order]
        order = order[np.append(ordered[1:] != ordered[:-1], True)]
        self.count += len(order) - len(self)
        self.revision += 1
        self._times, self._values = times[order], values[order]
        self._start, self._end = 0, len(order)

    def _newest_value_time(self) -> int | None:
        """Return the time of the newest change, None if it is an error: all that comes is newer."""
        return self.newest_time if self.newest_error is None else None

    def _note_newest(self, before: int | None, time: int, value: Array, error: str | None) -> None:
        if time == self.last_time:
            self._behind = None
        elif before is None or not before - LATE < time < before:
            self._behind = time, value.copy(), error

    def _reserve(self, count: int) -> None:
        if self._end + count <= len(self._times):
            return
        size = len(self)
        capacity = max(_FIRST_CAPACITY, (size + count) * 3 // 2)
        for name in ("_times", "_values"):
            old = getattr(self, name)
            new = np.empty(capacity, dtype=old.dtype)
            new[:size] = old[self._start : self._end]
            setattr(self, name, new)
        self._start, self._end = 0, size

    def _converted(self, values: Array) -> Array:
        """Return values in the dtype that is kept; the kept ones become objects if they differ."""
        if values.dtype == self.dtype:
            return values
        if self._data_type == DataType.QUALITY and values.dtype.kind == "O":
            values = object_array([_quality(value) for value in values])
            if all(type(value) is int for value in values):
                values = values.astype(np.int64)
        if self.dtype.kind == "f" and (
            values.dtype.kind in "iuf" or set(map(type, values)) <= {float, int}
        ):
            return values.astype(np.float64)
        if self.dtype.kind in "iu" and values.dtype.kind in "iu":
            limits = np.iinfo(self.dtype)
            if values.min() >= limits.min and values.max() <= limits.max:
                return values.astype(self.dtype)
        if self.dtype != object:
            self._values = _objects(self._values)
            self.revision += 1
        return _objects(values)

    def keep_last(self, count: int) -> None:
        """Drop all but the last so many changes."""
        self._drop(len(self) - count)

    def keep_since(self, time: int) -> None:
        """Drop the changes from before a time, but for the last of them, which still holds then."""
        before = np.searchsorted(self._times[self._start : self._end], time, side="right")
        self._drop(int(before) - 1)

    def _drop(self, count: int) -> None:
        if count <= 0:
            return
        if self._values.dtype == object:
            self._values[self._start : self._start + count] = None
        self._start += count
        self.dropped += count
        first = int(self._times[self._start]) if len(self) else None
        while self._errors:  # nearly always in the order of their times
            oldest = next(iter(self._errors))
            if first is not None and oldest >= first:
                break
            del self._errors[oldest]
        if self._start > len(self) and self._start > _FIRST_CAPACITY:
            self._times = self._times[self._start : self._end].copy()
            self._values = self._values[self._start : self._end].copy()
            self._start, self._end = 0, len(self._times)


def array_of(values: Sequence[Any]) -> Array:
    """Return values as the generic decoder gives them in an array, typed if they are of one type.

    Examples
    --------
    >>> array_of([1, 2]), array_of([1, 0.5])
    (array([1, 2]), array([1, 0.5], dtype=object))
    """
    kinds = set(map(type, values))
    if kinds == {float} or kinds == {bool}:
        return np.array(values)
    if kinds == {int}:
        for dtype in (np.int64, np.uint64):
            with suppress(OverflowError):
                return np.array(values, dtype=dtype)
    if kinds == {TimePoint}:
        return np.array([each.nanoseconds for each in values]).view("datetime64[ns]")
    return object_array(values)


def _objects(values: Array) -> Array:
    """Return values as Python objects; times as the protocol has them."""
    if values.dtype.kind == "M":
        found = np.empty(len(values), dtype=object)
        found[:] = [TimePoint(int(each)) for each in values.view(np.int64)]
        return found
    return values.astype(object)


def _quality(value: object) -> object:
    """Return the number of a quality that came as a text."""
    word = to_display(value, DataType.QUALITY, 0)
    return next((int(member) for member in Quality if member.label == word), value)
