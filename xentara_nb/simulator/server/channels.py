"""Channels: attributes of an element as they are sent to all who have subscribed to just these.

A change is encoded once, however many clients there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from xentara_nb.protocol.codec import server_encoding
from xentara_nb.protocol.errors import (
    AccessDeniedError,
    MissingAttributeError,
    UnknownElementError,
    WriteOnlyError,
)
from xentara_nb.protocol.identifiers import Access, Attribute
from xentara_nb.protocol.values import AttributeId, TimePoint
from xentara_nb.simulator.plant.attributes import AttributeValue
from xentara_nb.simulator.plant.elements import Element

Mark: TypeAlias = "Callable[[Channel, int], None]"
"""Notes that some attributes of a channel have changed, a bit for each of its ids."""


class Channel:
    """Some attributes of an element, by the ids that were asked for, and who has subscribed."""

    __slots__ = (
        *("_all_bits", "_allowed", "_bits", "_body", "_body_mask", "_broker", "_encoded_ids"),
        *("_encoded_uuid", "_frame", "_gone", "_known", "_known_mask", "_only", "_positions"),
        *("_time_stamp", "_timed", "_update_position", "element", "key", "subscribers"),
    )

    def __init__(
        self, element: Element, ids: tuple[AttributeId, ...], allowed: bool, broker: Broker
    ) -> None:
        self.element = element
        self.key = (element, ids, allowed)
        self.subscribers: dict[Mark, None] = {}
        self._all_bits = (1 << len(ids)) - 1
        self._allowed = allowed  # whether the subscribers may read the element
        self._gone = False
        self._broker = broker
        self._update_position = element.table.index.get(Attribute.UPDATE_TIME, -1)
        self._positions = [element.table.index.get(attribute) for attribute in ids]
        # The same attribute may be there twice: by its integer, and by its UUID.
        self._bits: dict[int, int] = {}
        for number, position in enumerate(self._positions):
            if position is not None:
                bits = self._all_bits if broker.whole_events else 1 << number
                self._bits[position] = self._bits.get(position, 0) | bits
        self._encoded_uuid = server_encoding.uuid(element.uuid)
        self._encoded_ids = [server_encoding.attribute_id(attribute) for attribute in ids]
        # Most channels have one attribute that can be read: its value changes, and nothing else.
        self._frame: bytes | None = None
        self._only = -1
        only = self._positions[0] if len(ids) == 1 else None
        if only is not None and allowed and self._readable(only):
            self._only = only
            self._frame = server_encoding.event_frame(self._encoded_uuid, self._encoded_ids[0])
        # What was encoded last, and for which attributes: nearly always the same ones.
        self._body, self._body_mask = b"", 0
        self._time_stamp = b""
        # The positions that have changed are the same ones nearly every time.
        self._known: Sequence[int] = ()
        self._known_mask = 0
        self._timed = False

    def changed(self, element: Element, positions: Sequence[int]) -> None:
        """Take note of a change, and notify the subscribers."""
        if positions is not self._known:
            self._learn(positions)
        if not self._known_mask:
            return
        # Most changes have a time of their own.
        moment = element.current(self._update_position) if self._timed else None
        self._mark(
            self._known_mask, moment if isinstance(moment, TimePoint) else self._broker.clock()
        )

    def _learn(self, positions: Sequence[int]) -> None:
        """Find out what a change of these positions means here."""
        mask = 0
        for position in positions if self._allowed else ():
            mask |= self._bits.get(position, 0)
        # A list may have changed when it comes again.
        self._known = positions if isinstance(positions, tuple) else ()
        self._known_mask = mask
        self._timed = self._update_position in positions

    def vanish(self) -> None:
        """Notify the subscribers that there is no such element any more."""
        self._gone = True
        self._frame = None
        self._mark(self._all_bits, self._broker.clock())

    def packet(self, mask: int) -> bytes:
        """Return the event for a change of some attributes, at the time of the change."""
        return server_encoding.event(self._time_stamp, self._encoded(mask))

    def whole(self, now: bytes) -> bytes:
        """Return an event with all attributes, at a time that is encoded."""
        return server_encoding.event(now, self._encoded(self._all_bits))

    def _mark(self, mask: int, moment: TimePoint) -> None:
        self._body_mask = 0
        self._time_stamp = self._broker.time_stamp(moment)
        for mark in self.subscribers:
            mark(self, mask)

    def _encoded(self, mask: int) -> bytes:
        """Return the part of an event behind its time stamp."""
        if mask == self._body_mask:
            return self._body
        if self._frame is not None:
            value = self.element.current(self._only)
            self._body = self._frame + server_encoding.attribute_value(value)
        else:
            values = [
                (self._encoded_ids[number], self._value(position))
                for number, position in enumerate(self._positions)
                if mask >> number & 1
            ]
            self._body = server_encoding.event_body(self._encoded_uuid, values)
        self._body_mask = mask
        return self._body

    def _value(self, position: int | None) -> AttributeValue:
        if self._gone:
            return UnknownElementError()
        if not self._allowed:
            return AccessDeniedError()
        if position is None:
            return MissingAttributeError()
        if not self._readable(position):
            return WriteOnlyError()
        return self.element.current(position)

    def _readable(self, position: int) -> bool:
        return self.element.table.infos[position].access != Access.WRITE_ONLY


class Broker:
    """All channels of a plant."""

    def __init__(self, clock: Callable[[], TimePoint], whole_events: bool) -> None:
        self.clock = clock  # gives the time of a change that has none of its own
        self.whole_events = whole_events
        self._moment = TimePoint.NEVER
        self._time_stamp = b""
        self._channels: dict[tuple[Element, tuple[AttributeId, ...], bool], Channel] = {}

    def __len__(self) -> int:
        return len(self._channels)

    def time_stamp(self, moment: TimePoint) -> bytes:
        """Return a time stamp, encoded; most come many times in a row."""
        if moment is not self._moment:
            self._moment, self._time_stamp = moment, server_encoding.time(moment.nanoseconds)
        return self._time_stamp

    def join(
        self, mark: Mark, element: Element, ids: tuple[AttributeId, ...], allowed: bool
    ) -> Channel:
        """Return the channel of some attributes, which notifies a subscriber from now on."""
        key = (element, ids, allowed)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = Channel(element, ids, allowed, self)
            element.watch(channel.changed)
        channel.subscribers[mark] = None
        return channel

    def leave(self, mark: Mark, channels: Iterable[Channel]) -> None:
        """Notify a subscriber no more."""
        for channel in channels:
            channel.subscribers.pop(mark, None)
            if not channel.subscribers and self._channels.pop(channel.key, None) is not None:
                channel.element.unwatch(channel.changed)

    def vanish(self, element: Element) -> None:
        """Notify those who have subscribed to an element that it is gone."""
        for channel in tuple(self._channels.values()):
            if channel.element is element:
                channel.vanish()
