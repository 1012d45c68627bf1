"""The changes of some attributes that were collected, and the DataFrames of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from xentara_nb.errors import NotFoundError, OptionError
from xentara_nb.live.frames import (
    changes_frame,
    column_names,
    common_column,
    displayed,
    quality_words,
    wide_frame,
)
from xentara_nb.live.history import Array, Changes, History
from xentara_nb.live.routing import Key
from xentara_nb.locking import Lock, locked
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.protocol.values import TimePoint
from xentara_nb.queries.reading import ResolvedAttribute
from xentara_nb.tables.frames import make_frame, string_array, time_array
from xentara_nb.tables.id_arrays import id_array
from xentara_nb.tables.references import canonical

KEEP = 10_000
"""How many changes of each attribute are kept when nothing else is said."""

NEVER = TimePoint.NEVER.nanoseconds

Keep: TypeAlias = "int | str | timedelta | pd.Timedelta"
"""How much is kept: so many changes of each attribute, or those of a time."""


class Change(NamedTuple):
    """One change of one attribute, as iterating over a watch gives it.

    Attributes
    ----------
    time : pandas.Timestamp
        When it happened by the server's clock.
    column : str
        The attribute's name in :meth:`Watch.frame`.
    value : object
        The value; None where there is an error in place of it.
    error : str or None
        What the server, or the connection, said in place of a value.

    Examples
    --------
    >>> with client.watch("Plant.Line 1.Set point") as watch:
    ...     change = next(iter(watch))
    >>> change.column, change.value, change.error
    ('Plant.Line 1.Set point', 210.0, None)
    """

    time: pd.Timestamp
    column: str
    value: Any
    error: str | None


class Mark(NamedTuple):
    """How far the changes of an attribute have come."""

    total: int  # of changes that came
    revisions: tuple[int, int]  # of the values, and of the qualities; see History
    quality_time: int  # of the last quality, NEVER if there is none


class Collection:
    """The changes of some attributes; safe from several threads.

    Companions are attributes that are collected as well and have no column of their own, such as
    the quality of a value. ``drain`` brings in what has come, under ``lock``.
    """

    def __init__(
        self,
        attributes: Sequence[ResolvedAttribute],
        companions: Sequence[ResolvedAttribute],
        keep: Keep,
        lock: Lock,
        drain: Callable[[], None],
    ) -> None:
        self.histories = {
            _key(each): History(each.data_type) for each in [*attributes, *companions]
        }
        self._attributes = list(attributes)
        self._own = [self.histories[_key(each)] for each in attributes]
        self._names = column_names(self._attributes)
        self._keep_count, self._keep_time = _keep(keep)
        self._lock = lock
        self._drain = drain
        self._received: dict[Key, tuple[int | None, float]] = {}

    @property
    def attributes(self) -> pd.DataFrame:
        """What is watched, with ``column``, and what names the element and the attribute."""
        return make_frame(
            {
                "column": string_array(self._names),
                "primary_key": string_array([each.primary_key for each in self._attributes]),
                "element_uuid": id_array([each.element_uuid for each in self._attributes]),
                "attribute_name": string_array([each.attribute_name for each in self._attributes]),
                "attribute_id": id_array([each.attribute_id for each in self._attributes]),
            }
        )

    @property
    def names(self) -> list[str]:
        """The names of the columns of :meth:`frame`, one for each attribute."""
        return list(self._names)

    @property
    def kept(self) -> int:
        """How many changes are kept, of those that were looked at or decoded by now."""
        return sum(map(len, self._own))

    @property
    def dropped(self) -> int:
        """How many changes are not kept any more, because of ``keep``."""
        return sum(history.dropped for history in self._own)

    def latest(self) -> pd.DataFrame:
        """Return the last change of each attribute.

        Returns
        -------
        pandas.DataFrame
            One row for each attribute, in the order asked for: ``primary_key`` (str),
            ``element_uuid`` (xentara_id), ``attribute_name`` (str), ``value`` (typed if all rows
            have one data type, else object), ``quality`` (str), ``update_time`` and
            ``source_time`` (datetime64[ns, UTC]; the attributes of that name where they are
            watched too, else when the event was made, and missing), ``age`` (float64, seconds
            since it came) and ``error`` (str).

        Examples
        --------
        >>> with client.watch("Plant.Line 1.Set point") as watch:
        ...     latest = watch.until(lambda latest: latest["value"].notna().all(), timeout=30)
        >>> watch.latest()[["primary_key", "value", "quality"]]
                      primary_key  value quality
        0  Plant.Line 1.Set point  210.0    good
        """
        with self._lock:
            self._drain()
            columns = [history.newest() for history in self._own]
            errors = [history.newest_error for history in self._own]
            now = time.monotonic()
            ages = [
                now - self._received[_key(each)][1] if _key(each) in self._received else np.nan
                for each in self._attributes
            ]
            others = [
                [self._other(each, which) for each in self._attributes]
                for which in (Attribute.UPDATE_TIME, Attribute.SOURCE_TIME)
            ]
            qualities = [self._newest_quality(each) for each in self._attributes]
        # One change of each; of one that none has come from, a missing one.
        filled = [
            column
            if len(column.times)
            else Changes(
                np.array([NEVER]), np.zeros(1, column.values.dtype), np.ones(1, dtype=bool)
            )
            for column in columns
        ]
        shown = [displayed(*each) for each in zip(self._attributes, filled, strict=True)]
        stamps = [int(column.times[0]) for column in filled]
        updates = [
            stamp if other is None else other
            for stamp, other in zip(stamps, others[0], strict=True)
        ]
        attributes = self.attributes
        return make_frame(
            {
                "primary_key": attributes["primary_key"].array,
                "element_uuid": attributes["element_uuid"].array,
                "attribute_name": attributes["attribute_name"].array,
                "value": common_column(self._attributes, filled, shown),
                "quality": string_array([_last_word(each) for each in qualities]),
                "update_time": time_array(updates),
                "source_time": time_array([NEVER if each is None else each for each in others[1]]),
                "age": np.array(ages, dtype=np.float64),
                "error": string_array(errors),
            }
        )

    def frame(self, *, fill: str | None = None, freq: object = None) -> pd.DataFrame:
        """Return the changes, one column for each attribute and one row for each time.

        Parameters
        ----------
        fill : {None, "forward"}
            ``"forward"`` shows the last value until the next change, and nothing within a gap.
            Left out, a value is only where it came.
        freq : str or timedelta, optional
            A row at each multiple of this time, such as ``"100ms"``, instead of at each change:
            the last value since the row before, or with ``fill`` the one that holds then.

        Returns
        -------
        pandas.DataFrame
            Index ``time`` (datetime64[ns, UTC], by the server's clock); a column for each
            attribute, named by its element's key, with ``.attribute`` behind it where that is not
            the value or where several attributes of an element are watched. Floats are float64,
            integers Int64 or UInt64, Booleans boolean, texts and qualities str, time stamps
            datetime64[ns, UTC]. ``attrs["dropped"]`` is how many changes were dropped.

        Raises
        ------
        OptionError
            If it would be too large, or an argument is none.

        Examples
        --------
        >>> with client.watch("Plant.Line 1.Set point") as watch:
        ...     latest = watch.until(lambda latest: latest["value"].notna().all(), timeout=30)
        >>> watch.frame(fill="forward")["Plant.Line 1.Set point"].tolist()
        [210.0]
        """
        with self._lock:
            self._drain()
            columns = [history.changes() for history in self._own]
            dropped = self.dropped
        frame = wide_frame(self._names, self._attributes, columns, fill, freq)
        frame.attrs["dropped"] = dropped
        return frame

    def changes(self) -> pd.DataFrame:
        """Return the changes, one row for each.

        Returns
        -------
        pandas.DataFrame
            In the order of their times: ``time`` (datetime64[ns, UTC], by the server's clock),
            ``primary_key`` (str), ``element_uuid`` (xentara_id), ``attribute_name`` (str),
            ``attribute_id`` (xentara_id), ``value`` (typed if all have one data type, else object),
            ``quality`` (str, the one that held then; where only that has changed, the value is in a
            row once more), ``error`` (str; in the rows of a gap, why
            there is one). ``attrs["dropped"]`` is how many changes were dropped.

        Examples
        --------
        >>> with client.watch("Plant.Line 1.Set point") as watch:
        ...     latest = watch.until(lambda latest: latest["value"].notna().all(), timeout=30)
        >>> watch.changes()[["primary_key", "value", "quality"]]
                      primary_key  value quality
        0  Plant.Line 1.Set point  210.0    good
        """
        with self._lock:
            self._drain()
            columns = [history.changes() for history in self._own]
            qualities = [self._quality(each) for each in self._attributes]
            errors = [dict(history.errors) for history in self._own]
            dropped = self.dropped
        frame = changes_frame(self._attributes, columns, qualities, errors)
        frame.attrs["dropped"] = dropped
        return frame

    def changes_and_losses(self, marks: dict[Key, int]) -> tuple[pd.DataFrame, Array]:
        """Return the changes as :meth:`changes`, and what was dropped before it was in them.

        ``marks`` is empty at first and is kept from one call to the next. What is returned second
        has a row for each attribute: how many changes, and how many of its quality, no call has
        returned.
        """
        with self._lock:
            changes = self.changes()
            unseen = {
                key: max(0, history.dropped - marks.get(key, 0))
                for key, history in self.histories.items()
            }
            marks.update((key, history.count) for key, history in self.histories.items())
        losses = np.zeros((len(self._attributes), 2), dtype=np.int64)
        for row, each in zip(losses, self._attributes, strict=True):
            element, attribute_id = _key(each)
            row[0] = unseen[element, attribute_id]
            if attribute_id == Attribute.VALUE:
                row[1] = unseen.get((element, Attribute.QUALITY), 0)
        return changes, losses

    def columns(self, row: int | str, last: int | None = None) -> Changes:
        """Return the changes of one attribute as arrays, which are copies; quick, for charts.

        Parameters
        ----------
        row : int or str
            Which attribute: its place in :attr:`attributes`, or its column in :meth:`frame`.
        last : int, optional
            Only the last so many changes.

        Returns
        -------
        Changes
            ``times`` (int64, nanoseconds since 1970 in UTC), ``values`` (float64, int64, uint64,
            bool, int8 for qualities, datetime64[ns] or object) and ``missing`` (bool; where it is
            true, an error or gap stands in place of a value).

        Raises
        ------
        NotFoundError
            If there is no such attribute in this watch.
        """
        with self._lock:
            self._drain()
            return self._own[self._place(row)].changes(last)

    def qualities(self, row: int | str, last: int | None = None) -> Changes | None:
        """Return the changes of the quality of a value as :meth:`columns` does; None without one.

        Its values are the numbers of :class:`xentara_nb.Quality`, or objects if there is another.
        """
        with self._lock:
            self._drain()
            return self._quality(self._attributes[self._place(row)], last)

    def behind(self, row: int, mark: Mark | None) -> tuple[Mark, Changes | None]:
        """Return how far the changes of one attribute have come, and those behind a mark.

        None if there are none, if anything else has changed since, or if what the mark is of has
        been dropped.
        """
        with self._lock:
            self._drain()
            attribute = self._attributes[row]
            history = self._own[row]
            quality = self.histories.get((attribute.element_uuid, Attribute.QUALITY))
            revision = 0 if quality is None else quality.revision
            since = None if quality is None else quality.last_time
            revisions = history.revision, revision
            now = Mark(history.count, revisions, NEVER if since is None else since)
            if mark is None or mark == now or mark[1:] != now[1:]:
                return now, None
            count = now.total - mark.total
            return now, history.changes(last=count) if count < len(history) else None

    def last(self, row: int | str) -> Change | None:
        """Return the last change of one attribute; None before the first."""
        with self._lock:
            self._drain()
            place = self._place(row)
            return next(self._listed(place, self._own[place].newest()), None)

    def quality(self, row: int | str) -> str | None:
        """Return the present quality of one attribute, in the manual's words; None if not known."""
        with self._lock:
            self._drain()
            return _last_word(self._newest_quality(self._attributes[self._place(row)]))

    def _place(self, row: int | str) -> int:
        try:
            if isinstance(row, str):
                return self._names.index(row)
            return range(len(self._names))[row]
        except (ValueError, IndexError):
            raise NotFoundError(
                f"{row!r} is no attribute of this watch; its columns are: "
                f"{', '.join(self._names[:40])}"
            ) from None

    def _quality(self, attribute: ResolvedAttribute, last: int | None = None) -> Changes | None:
        """Return the changes of the quality of a value."""
        history = self._quality_history(attribute)
        return None if history is None else history.changes(last)

    def _newest_quality(self, attribute: ResolvedAttribute) -> Changes | None:
        history = self._quality_history(attribute)
        return None if history is None else history.newest()

    def _quality_history(self, attribute: ResolvedAttribute) -> History | None:
        if canonical(attribute.attribute_id) != Attribute.VALUE:
            return None
        return self.histories.get((attribute.element_uuid, Attribute.QUALITY))

    def _other(self, attribute: ResolvedAttribute, which: Attribute) -> int | None:
        """Return the time that another attribute of the element has, if it is watched too."""
        history = self.histories.get((attribute.element_uuid, which))
        found = None if history is None else history.newest()
        if found is None or not len(found.times) or found.values.dtype.kind != "M":
            return None
        return NEVER if found.missing[0] else int(found.values.view(np.int64)[0])

    @locked("_lock")
    def changes_after(self, after: dict[Key, int]) -> list[Change]:
        """Return the changes behind those that were given, in the order of their times."""
        found: list[Change] = []
        self._drain()
        for place, (attribute, history) in enumerate(zip(self._attributes, self._own, strict=True)):
            key, newest = _key(attribute), history.newest_time
            before = after.get(key, NEVER)
            if history.newest_is_earlier and newest != before:
                found += self._listed(place, history.newest())
            elif newest is not None and newest > before:
                found += self._listed(place, history.changes(after=before))
            if newest is not None:
                after[key] = newest
        return sorted(found, key=lambda change: change.time.value)

    def _listed(self, place: int, column: Changes) -> Iterator[Change]:
        """Return changes of one attribute one by one; under the lock."""
        errors = self._own[place].errors
        values = displayed(self._attributes[place], column).tolist()
        for stamp, value, gone in zip(column.times.tolist(), values, column.missing, strict=True):
            yield Change(
                pd.Timestamp(stamp, unit="ns", tz="UTC"),
                self._names[place],
                None if gone else value,
                errors.get(stamp, self._own[place].newest_error) if gone else None,
            )

    def changed(self) -> None:
        """Take note that something has come; drop what is not to be kept."""
        now = time.monotonic()
        for key, history in self.histories.items():
            newest = history.newest_time
            if self._received.get(key, (None, 0.0))[0] == newest:
                continue
            self._received[key] = newest, now
            if self._keep_count is not None:
                history.keep_last(self._keep_count)
            elif newest is not None:
                history.keep_since(newest - self._keep_time)


def _key(attribute: ResolvedAttribute) -> Key:
    return attribute.element_uuid, canonical(attribute.attribute_id)


def _keep(keep: Keep) -> tuple[int | None, int]:
    """Return how many changes to keep, or for how many nanoseconds."""
    if isinstance(keep, int) and not isinstance(keep, bool):
        if keep < 1:
            raise OptionError(f"keep must be at least one change, not {keep}")
        return keep, 0
    kept = 0
    if isinstance(keep, str | timedelta):
        with suppress(ValueError):
            kept = int(pd.Timedelta(keep).value)
    if kept <= 0:
        raise OptionError(
            f"keep is a number of changes of each attribute or a time such as '10min', not {keep!r}"
        )
    return None, kept


def _last_word(quality: Changes | None) -> str | None:
    if quality is None or not len(quality.times):
        return None
    return quality_words(quality.times[-1:], quality)[0]
