"""A watch: the changes of some attributes, from the moment that it was made."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
import pandas as pd

from xentara_nb.errors import ConnectionLostError, DeadlineError, NotFoundError, OptionError
from xentara_nb.live.frames import (
    changes_frame,
    column_names,
    common_column,
    displayed,
    quality_words,
    wide_frame,
)
from xentara_nb.live.history import Changes, History
from xentara_nb.live.subscribing import Key, Rates, SubscriptionManager
from xentara_nb.protocol.errors import XentaraError
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.protocol.values import TimePoint
from xentara_nb.queries.reading import ResolvedAttribute
from xentara_nb.tables.frames import make_frame, object_array, string_array, time_array
from xentara_nb.tables.references import canonical

KEEP = 10_000
"""How many changes of each attribute a watch keeps when nothing else is said."""

NEVER = TimePoint.NEVER.nanoseconds

Keep: TypeAlias = "int | str | timedelta | pd.Timedelta"
"""How much a watch keeps: so many changes of each attribute, or those of a time."""

_log = logging.getLogger(__name__)


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
    """

    time: pd.Timestamp
    column: str
    value: Any
    error: str | None


class Watch:
    """The changes of some attributes; made by :meth:`Client.watch`, ended by leaving ``with``.

    Safe from several threads. What has come is kept while it is open and after it was closed. A
    connection that is lost is made anew; the gap is in the data as a change without a value, whose
    error says why.

    Attributes
    ----------
    ended : XentaraError or None
        Why no more changes will come; None while they may.
    """

    def __init__(
        self,
        client: object,
        manager: SubscriptionManager,
        attributes: Sequence[ResolvedAttribute],
        companions: Sequence[ResolvedAttribute],
        rates: Rates,
        keep: Keep = KEEP,
    ) -> None:
        self._client = client  # it is open as long as the watch is used
        self._manager = manager
        self._attributes = list(attributes)
        self._names = column_names(self._attributes)
        self._keep_count, self._keep_time = _keep(keep)
        self.number = 0
        self.rates = rates
        self.ended: XentaraError | None = None
        self.histories = {
            _key(each): History(each.data_type) for each in [*attributes, *companions]
        }
        self._callbacks: dict[object, Callable[[Watch], object]] = {}
        self._waiting: set[queue.SimpleQueue[None]] = set()
        self._news = self._closed = False
        self._received: dict[Key, tuple[int | None, float]] = {}

    def open(self) -> None:
        """Subscribe; raises what :meth:`Client.watch` says."""
        self._manager.add(self)

    def close(self) -> None:
        """End the subscription; what has come is kept. Closing twice is no error."""
        if self.ended is None:
            self._closed = True
            self._manager.remove(self)
            self.end(ConnectionLostError("the watch is closed"))
            self.notify()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        count = len(self._attributes)
        kept = sum(len(self.histories[_key(each)]) for each in self._attributes)
        dropped = f", {self.dropped:,} dropped" if self.dropped else ""
        state = f"ended: {self.ended}" if self.ended else "lost" if self.lost else "open"
        return f"<Watch of {count:,} attributes, {kept:,} changes kept{dropped}, {state}>"

    # What it watches.

    @property
    def attributes(self) -> pd.DataFrame:
        """What is watched: ``column`` and the columns of an inventory that name an attribute."""
        return make_frame(
            {
                "column": string_array(self._names),
                "primary_key": string_array([each.primary_key for each in self._attributes]),
                "element_uuid": object_array([each.element_uuid for each in self._attributes]),
                "attribute_name": string_array([each.attribute_name for each in self._attributes]),
                "attribute_id": object_array([each.attribute_id for each in self._attributes]),
            }
        )

    @property
    def names(self) -> list[str]:
        """The names of the columns of :meth:`frame`, one for each attribute."""
        return list(self._names)

    @property
    def lost(self) -> XentaraError | None:
        """Why there is no connection at present; None while there is one."""
        return self.ended or self._manager.lost

    @property
    def dropped(self) -> int:
        """How many changes are not kept any more, because of ``keep``."""
        return sum(self.histories[_key(each)].dropped for each in self._attributes)

    # What has come.

    def latest(self) -> pd.DataFrame:
        """Return the last change of each attribute.

        Returns
        -------
        pandas.DataFrame
            One row for each attribute, in the order asked for: ``primary_key`` (str),
            ``element_uuid`` (object: UUID), ``attribute_name`` (str), ``value`` (typed if all rows
            have one data type, else object), ``quality`` (str), ``update_time`` and
            ``source_time`` (datetime64[ns, UTC]; the attributes of that name where they are
            watched too, else when the event was made, and missing), ``age`` (float64, seconds
            since it came) and ``error`` (str).
        """
        with self._manager.lock:
            self._manager.drain()
            columns = [self.histories[_key(each)].changes(last=1) for each in self._attributes]
            errors = [
                self.histories[_key(each)].errors.get(int(column.times[0]))
                if len(column.times)
                else None
                for each, column in zip(self._attributes, columns, strict=True)
            ]
            now = time.monotonic()
            ages = [
                now - self._received[_key(each)][1] if _key(each) in self._received else np.nan
                for each in self._attributes
            ]
            others = [
                [self._other(each, which) for each in self._attributes]
                for which in (Attribute.UPDATE_TIME, Attribute.SOURCE_TIME)
            ]
            qualities = [self._quality(each) for each in self._attributes]
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
                "element_uuid": attributes["element_uuid"].to_numpy(),
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
        """
        with self._manager.lock:
            self._manager.drain()
            columns = [self.histories[_key(each)].changes() for each in self._attributes]
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
            ``primary_key`` (str), ``element_uuid`` (object: UUID), ``attribute_name`` (str),
            ``attribute_id`` (object), ``value`` (typed if all have one data type, else object),
            ``quality`` (str, the one that held then), ``error`` (str; in the rows of a gap, why
            there is one). ``attrs["dropped"]`` is how many changes were dropped.
        """
        with self._manager.lock:
            self._manager.drain()
            columns = [self.histories[_key(each)].changes() for each in self._attributes]
            qualities = [self._quality(each) for each in self._attributes]
            errors = [dict(self.histories[_key(each)].errors) for each in self._attributes]
            dropped = self.dropped
        frame = changes_frame(self._attributes, columns, qualities, errors)
        frame.attrs["dropped"] = dropped
        return frame

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
        with self._manager.lock:
            self._manager.drain()
            return self.histories[_key(self._attribute(row))].changes(last)

    def quality(self, row: int | str) -> str | None:
        """Return the present quality of one attribute, in the manual's words; None if not known."""
        with self._manager.lock:
            self._manager.drain()
            return _last_word(self._quality(self._attribute(row)))

    def __iter__(self) -> Iterator[Change]:
        """Give the changes as they come, from the first that is kept, until the watch ends.

        A packet that came late, behind a newer one of its attribute, is only in :meth:`changes`.

        Raises
        ------
        XentaraError
            If the watch ended and was not closed.
        """
        after: dict[Key, int] = {}
        with self._listening() as news:
            while True:
                ended = self.ended
                found = self._after(after)
                yield from found
                if found:
                    continue
                if ended is not None:
                    if self._closed:
                        return
                    raise ended
                news.get()

    def until(
        self, predicate: Callable[[pd.DataFrame], object], timeout: float | None = None
    ) -> pd.DataFrame:
        """Wait until something is true of the latest values; return them.

        Parameters
        ----------
        predicate : callable
            Is given :meth:`latest` now, and after changes.
        timeout : float, optional
            How long to wait, in seconds.

        Raises
        ------
        DeadlineError
            If it does not come true in time.
        XentaraError
            If the watch ends before.
        """
        limit = None if timeout is None else time.monotonic() + timeout
        with self._listening() as news:
            while True:
                ended = self.ended
                latest = self.latest()
                answer = predicate(latest)
                if answer is not pd.NA and answer:  # of a value that is missing nothing is known
                    return latest
                if ended is not None:
                    raise ended
                left = None if limit is None else limit - time.monotonic()
                if left is not None and left <= 0:
                    raise DeadlineError(f"what was waited for did not come within {timeout:g} s")
                with suppress(queue.Empty):
                    news.get(timeout=left)

    def on_change(self, callback: Callable[[Watch], object]) -> Callable[[], None]:
        """Call a function when changes have come; at most 50 times a second.

        It is called as ``callback(watch)`` by a thread of the client, also when the connection is
        lost or comes back and when the watch ends. It may use everything of the watch, and must
        not take long: other watches of the client wait for it. What it raises is logged, and it
        is not called again.

        Returns
        -------
        callable
            Ends that; may be called twice.
        """
        token = object()
        self._callbacks[token] = callback
        self._manager.notify_at_once()

        def stop() -> None:
            self._callbacks.pop(token, None)
            self._manager.notify_at_once()

        return stop

    def _attribute(self, row: int | str) -> ResolvedAttribute:
        try:
            return self._attributes[self._names.index(row) if isinstance(row, str) else row]
        except (ValueError, IndexError):
            raise NotFoundError(
                f"{row!r} is no attribute of this watch; its columns are: "
                f"{', '.join(self._names[:40])}"
            ) from None

    def _quality(self, attribute: ResolvedAttribute) -> Changes | None:
        """Return the changes of the quality of a value."""
        if canonical(attribute.attribute_id) != Attribute.VALUE:
            return None
        history = self.histories.get((attribute.element_uuid, Attribute.QUALITY))
        return None if history is None else history.changes()

    def _other(self, attribute: ResolvedAttribute, which: Attribute) -> int | None:
        """Return the time that another attribute of the element has, if it is watched too."""
        history = self.histories.get((attribute.element_uuid, which))
        found = None if history is None else history.changes(last=1)
        if found is None or not len(found.times) or found.values.dtype.kind != "M":
            return None
        return NEVER if found.missing[0] else int(found.values.view(np.int64)[0])

    def _after(self, after: dict[Key, int]) -> list[Change]:
        """Return the changes behind those that were given, in the order of their times."""
        found: list[tuple[int, int, Change]] = []
        with self._manager.lock:
            self._manager.drain()
            for number, attribute in enumerate(self._attributes):
                key = _key(attribute)
                history = self.histories[key]
                last = history.last_time
                if last is None or last <= after.get(key, NEVER):
                    continue
                column = history.changes(after=after.get(key, NEVER))
                after[key] = last
                texts = history.errors
                values = displayed(attribute, column)
                for time_ns, value, gone in zip(
                    column.times.tolist(), values, column.missing, strict=True
                ):
                    stamp = pd.Timestamp(time_ns, unit="ns", tz="UTC")
                    change = Change(
                        stamp,
                        self._names[number],
                        None if gone else value,
                        texts.get(time_ns) if gone else None,
                    )
                    found.append((time_ns, number, change))
        return [change for _, _, change in sorted(found, key=lambda each: each[:2])]

    @contextmanager
    def _listening(self) -> Iterator[queue.SimpleQueue[None]]:
        """Give a queue that has an entry when something has changed."""
        news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._waiting.add(news)
        try:
            self._manager.notify_at_once()
            yield news
        finally:
            self._waiting.discard(news)

    # For the manager.

    @property
    def waited_for(self) -> bool:
        """Whether someone wants to know of changes at once."""
        return bool(self._callbacks or self._waiting)

    def changed(self) -> None:
        """Take note that something has come; drop what is not to be kept."""
        self._news = True
        now = time.monotonic()
        for key, history in self.histories.items():
            last = history.last_time
            if self._received.get(key, (None, 0.0))[0] == last:
                continue
            self._received[key] = last, now
            if self._keep_count is not None:
                history.keep_last(self._keep_count)
            elif last is not None:
                history.keep_since(last - self._keep_time)

    def end(self, reason: XentaraError) -> None:
        """Take note that no more changes will come; the first reason counts."""
        if self.ended is None:
            self.ended = reason
        self._news = True

    def notify(self) -> None:
        """Tell those who want to know of changes, if there are any."""
        if not self._news:
            return
        self._news = False
        for news in list(self._waiting):
            news.put(None)
        for token, callback in list(self._callbacks.items()):
            try:
                callback(self)
            except Exception:
                _log.exception("a function that was to be called on changes failed")
                self._callbacks.pop(token, None)


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
