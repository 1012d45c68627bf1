"""Events on their way to the histories of attributes: put aside as they come, decoded together.

The reader thread only puts them aside. An event names its element and attributes but no
subscription, so each value goes to every history of its attribute.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Collection, Iterable
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np

from xentara_nb.live.events import decode_events
from xentara_nb.live.history import LATE, History
from xentara_nb.protocol.codec.events import TIME_AT, split_events
from xentara_nb.protocol.commands import DataChange
from xentara_nb.protocol.values import AttributeId
from xentara_nb.tables.references import canonical

Key: TypeAlias = tuple[UUID, AttributeId]
"""An attribute of an element; of a well-known one, its integer."""

_MAX_TIME = (1 << 63) - 2


class EventRouter:
    """Hands the values of events to the histories that follow their attributes.

    :meth:`put_message` and :meth:`put` are for the reader thread and take no lock; of all else one
    thread at a time may call something.
    """

    def __init__(self) -> None:
        self._pending: deque[bytes | DataChange] = deque()
        self._histories: dict[Key, list[History]] = {}
        # The elements that are followed, in the order of their bytes.
        self._uuids: list[UUID] = []
        self._elements = np.empty(0, dtype="S16")
        self._last_event = 0
        self._skew = 0  # of the server's clock

    @property
    def pending(self) -> int:
        """How many events were put aside and not decoded yet."""
        return len(self._pending)

    def put_message(self, message: bytes) -> bool:
        """Put the events of a message aside; False if it is one for the generic decoder."""
        events = split_events(message)
        if events is None:
            return False
        self._pending.extend(events)
        return True

    def put(self, event: DataChange) -> None:
        """Put aside an event that is decoded already."""
        self._pending.append(event)

    def forget_pending(self) -> None:
        """Drop what was put aside."""
        self._pending.clear()

    def follow(self, histories: Iterable[tuple[Key, History]]) -> None:
        """Hand values to some histories from now on."""
        for key, history in histories:
            self._histories.setdefault(key, []).append(history)
        self._index()

    def keep(self, histories: Collection[History]) -> None:
        """Hand values to these histories only."""
        numbers = set(map(id, histories))
        left = {
            key: [each for each in found if id(each) in numbers]
            for key, found in self._histories.items()
        }
        self._histories = {key: found for key, found in left.items() if found}
        self._index()

    def others(self, key: Key, own: History) -> list[History]:
        """Return the other histories of an attribute."""
        return [each for each in self._histories.get(key, ()) if each is not own]

    def _index(self) -> None:
        self._uuids = sorted({uuid for uuid, _ in self._histories}, key=lambda each: each.bytes)
        self._elements = np.array([each.bytes for each in self._uuids], dtype="S16")

    def drain(self) -> bool:
        """Decode what was put aside and hand it over; return whether there was something."""
        count = len(self._pending)
        if not count:
            return False
        # Taken off only afterwards: interrupted, all comes once more, which changes nothing.
        items = [self._pending[at] for at in range(count)]
        start = 0
        for at, item in enumerate(items):
            if isinstance(item, DataChange):
                self._take_raw(items[start:at])
                self._take(item)
                start = at + 1
        self._take_raw(items[start:])
        for _ in range(count):
            self._pending.popleft()
        self._skew = self._last_event - time.time_ns()
        return True

    def _take(self, event: DataChange) -> None:
        nanoseconds = event.time_stamp.nanoseconds
        if event.time_stamp.is_finite:
            self._note_time(nanoseconds)
        for attribute_id, value in event.values.items():
            for history in self._histories.get((event.element_uuid, canonical(attribute_id)), ()):
                history.append_value(nanoseconds, value)

    def _take_raw(self, events: list[Any]) -> None:
        if events:
            self._note_time(int.from_bytes(events[-1][TIME_AT : TIME_AT + 8]))
        for attribute_id, elements, times, values in decode_events(events) if events else ():
            if not len(self._elements):
                continue
            places = np.searchsorted(self._elements, elements)
            places[places == len(self._elements)] = 0
            followed = self._elements[places] == elements
            if not followed.all():
                places, times, values = places[followed], times[followed], values[followed]
            order = np.argsort(places, kind="stable")
            ordered = places[order]
            bounds = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
            times, values = times[order], values[order]
            for start, end in itertools.pairwise([0, *bounds.tolist(), len(order)]):
                if start < end:
                    key = self._uuids[int(ordered[start])], attribute_id
                    for history in self._histories.get(key, ()):
                        history.append(times[start:end], values[start:end])

    def _note_time(self, nanoseconds: int) -> None:
        if not self._last_event - LATE < nanoseconds < self._last_event:
            self._last_event = nanoseconds

    def add_error(self, text: str, ago: float = 0.0) -> None:
        """Put an error, of so many seconds ago, into all histories: a gap begins."""
        self._last_event = now = self._behind_all(ago)
        for key in self._histories:
            self._add_error(key, text, now)

    def add_errors(self, texts: dict[Key, str]) -> None:
        """Put errors into the histories of some attributes."""
        now = self._behind_all()
        for key, text in texts.items():
            self._add_error(key, text, now)

    def _add_error(self, key: Key, text: str, now: int) -> None:
        for history in self._histories.get(key, ()):
            history.append_error(max(now, min((history.newest_time or 0), _MAX_TIME) + 1), text)

    def _behind_all(self, ago: float = 0.0) -> int:
        """Return a time by the server's clock, so many seconds ago, behind all that has come."""
        now = time.time_ns() + self._skew - round(ago * 1e9)
        return min(max(self._last_event + 1, now), _MAX_TIME)
