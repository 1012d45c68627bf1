"""Recording: what a watch sees goes into the files of a recording, every few seconds."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

import numpy as np
import pandas as pd

from xentara_nb.connection.deadline import check_seconds
from xentara_nb.live.routing import Key
from xentara_nb.live.watch import Watch
from xentara_nb.protocol.text import quantity
from xentara_nb.queries.reading import ResolvedAttribute
from xentara_nb.recordings.columns import Array, encode
from xentara_nb.recordings.writer import RecordingWriter, Rows
from xentara_nb.tables.references import canonical

FLUSH_EVERY = 10.0
"""After how many seconds what has come is put on the disk: as much can be lost at most."""

FIRST_VALUES = 10.0
"""How many seconds a shorter recording waits for the first values, where none has come yet."""

_TICK = 1.0  # seconds between two reports
_SOON = 0.05  # seconds until a recording whose time is over looks again whether values have come
_NEVER = np.iinfo(np.int64).min

_log = logging.getLogger(__name__)


def kept_for(flush_every: float) -> timedelta:
    """Return how long a watch keeps what is recorded with so many seconds between two flushes."""
    check_seconds("flush_every", flush_every)
    return timedelta(seconds=max(60.0, 6 * flush_every))


class Recorder:
    """Puts the changes of a watch into a recording, until it is stopped.

    Parameters
    ----------
    watch : Watch
        Where the changes come from. It keeps those of a few flushes at least.
    writer : RecordingWriter
        Where they go.
    attributes : sequence of ResolvedAttribute
        What is watched, as the writer was given it.
    flush_every : float, default 10.0
        After how many seconds what has come is put on the disk.

    Attributes
    ----------
    lost : int
        How many changes are not in the recording, because the disk took longer than the watch
        keeps them. In their place is a row without a value, whose error says so.

    Examples
    --------
    >>> lost = []
    >>> recording = client.record(
    ...     "Plant.Line 1.Speed",
    ...     "recording",
    ...     for_=0.1,
    ...     progress=lambda recorder: lost.append(recorder.lost),
    ... )
    """

    def __init__(
        self,
        watch: Watch,
        writer: RecordingWriter,
        attributes: Sequence[ResolvedAttribute],
        flush_every: float = FLUSH_EVERY,
    ) -> None:
        self.watch = watch
        self.writer = writer
        self.attributes = len(attributes)
        self.seconds = 0.0
        self.lost = 0
        self._flush_every = flush_every
        self._places = {
            (each.element_uuid, canonical(each.attribute_id)): place
            for place, each in enumerate(attributes)
        }
        # Place and time of the changes that the watch had the last time.
        self._seen: tuple[Array, Array] = (np.empty(0, np.int32), np.empty(0, np.int64))
        self._marks: dict[Key, int] = {}
        self._last = np.full(len(attributes), _NEVER)  # the newest time of each attribute
        self._is_new = np.ones(len(attributes), dtype=bool)  # nothing has come of it in this run
        self._stops: queue.SimpleQueue[None] = queue.SimpleQueue()

    def stop(self) -> None:
        """End the recording soon, with everything written; from any thread.

        Examples
        --------
        >>> recording = client.record(
        ...     "Plant.Line 1.Speed", "recording", progress=lambda recorder: recorder.stop()
        ... )
        """
        self._stops.put(None)

    def run(
        self, for_: float | None = None, report: Callable[[Recorder], object] | None = None
    ) -> None:
        """Record for some seconds, or until :meth:`stop`; everything is on the disk then.

        A few seconds are made longer where no value has come yet, up to :data:`FIRST_VALUES`.
        ``report`` is called every second. Raises a :class:`RecordingError` if the disk does not
        take it, and the error that ended the watch if that ended by itself.
        """
        if for_ is not None:
            check_seconds("for_", for_)
        start = time.monotonic()
        try:
            stopped = self._wait(start, for_, report)
        finally:
            # Also when it is interrupted. This may raise, which is more important then.
            self.flush()
            self.seconds = time.monotonic() - start
        if report is not None:
            report(self)
        if self.watch.ended is not None and not stopped:
            raise self.watch.ended

    def _wait(
        self, start: float, for_: float | None, report: Callable[[Recorder], object] | None
    ) -> bool:
        """Flush now and then until the recording ends; return whether it was stopped."""
        flushed = start
        stopped = False
        while not stopped and self.watch.ended is None:
            self.seconds = time.monotonic() - start
            left = np.inf if for_ is None else for_ - self.seconds
            if report is not None:
                report(self)
            if left <= 0:
                self.flush()
                if not self._is_new.all() or self.seconds >= FIRST_VALUES:
                    break
                left = _SOON
            with suppress(queue.Empty):
                self._stops.get(timeout=min(_TICK, self._flush_every, left))
                stopped = True
            if time.monotonic() - flushed >= self._flush_every:
                flushed = time.monotonic()
                self.flush()
        return stopped

    def flush(self) -> None:
        """Put on the disk what has come."""
        changes, losses = self.watch.changes_and_losses(self._marks)
        self._take(changes, losses)
        self.writer.flush()

    def _take(self, changes: pd.DataFrame, losses: Array) -> None:
        places = np.fromiter(
            (
                self._places[uuid, canonical(attribute_id)]
                for uuid, attribute_id in zip(
                    changes["element_uuid"], changes["attribute_id"], strict=True
                )
            ),
            np.int32,
            len(changes),
        )
        times = changes["time"].to_numpy("datetime64[ns]").view(np.int64)
        if losses.any():
            self._mark_losses(losses, places, times)
        np.maximum.at(self._last, places, times)
        new = self._unseen(places, times)
        if not new.any():
            return
        chosen = changes[new]
        places, times = places[new], times[new]
        self._mark_stop(places, times)
        # A NaN is a value, unless an error stands in place of one.
        numbers, missing, texts = encode(chosen["value"].array)
        missing |= chosen["error"].notna().to_numpy()
        self.writer.append(
            Rows(
                places,
                times,
                numbers,
                missing,
                texts,
                _words(chosen["quality"]),
                _words(chosen["error"]),
                time.time_ns(),
            )
        )

    def _mark_losses(self, losses: Array, places: Array, times: Array) -> None:
        """Put a gap where changes were lost: from the last one before them to the next."""
        count = int(losses.max(axis=1).sum())  # a value and its quality may have come together
        self.lost += count
        _log.warning(
            "%s not recorded: the disk took too long", quantity(count, "change was", "changes were")
        )
        # A value whose quality alone has changed is known all the time.
        lost = np.flatnonzero(losses[:, 0])
        starts = self._last[lost] + 1
        # Where nothing was recorded before, the gap is just before what is there now.
        next_times = np.full(len(losses), np.iinfo(np.int64).max)
        np.minimum.at(next_times, places, times)
        starts = np.where(self._last[lost] == _NEVER, next_times[lost] - 1, starts)
        texts = [
            f"{quantity(each, 'change was', 'changes were')} not recorded: the disk took longer "
            "than they are kept"
            for each in losses[lost, 0].tolist()
        ]
        self._append_gaps(lost, starts, texts)

    def _mark_stop(self, places: Array, times: Array) -> None:
        """Put a gap between what an earlier run has recorded of attributes and what comes now."""
        before = self.writer.goes_on
        begun, first = np.unique(places, return_index=True)
        begun, first = begun[self._is_new[begun]], first[self._is_new[begun]]
        self._is_new[begun] = False
        if before is None or not len(begun):
            return
        # The changes of an attribute are in the order of their times.
        stopped = begun[times[first] > before + 1]
        text = "nothing was recorded from here on: the recording was stopped"
        self._append_gaps(stopped, np.full(len(stopped), before + 1), [text] * len(stopped))

    def _append_gaps(self, places: Array, starts: Array, texts: Sequence[str]) -> None:
        count = len(places)
        nothing = np.full(count, None, dtype=object)
        missing = np.ones(count, dtype=bool)
        errors = np.array(texts, dtype=object)
        self.writer.append(
            Rows(places, starts, np.zeros(count), missing, nothing, nothing, errors, time.time_ns())
        )

    def _unseen(self, places: Array, times: Array) -> Array:
        """Return which changes the watch did not have the last time, also among older ones."""
        before, self._seen = self._seen, (places, times)
        count = len(before[0])
        all_places = np.concatenate([before[0], places])
        all_times = np.concatenate([before[1], times])
        order = np.lexsort((np.arange(len(all_places)) >= count, all_times, all_places))
        same = (np.diff(all_places[order]) == 0) & (np.diff(all_times[order]) == 0)
        seen = np.zeros(len(order), dtype=bool)
        seen[order[1:]] = same
        return ~seen[count:]


def _words(column: pd.Series[str]) -> Array:
    """Return a column of texts as objects, None where there is none."""
    found = column.to_numpy(object, copy=True)
    found[column.isna().to_numpy()] = None
    return found
