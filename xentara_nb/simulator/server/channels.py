"""Feeds: attributes of an element as they are sent to all who have subscribed to just these.

A change is encoded once, however many clients there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

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


class Subscriber(Protocol):
    """Who wants to know of changes."""

    def mark(self, feed: Channel, mask: int) -> None:
        """Note that some attributes of a feed have changed, a bit for each of its ids."""


class Channel:
    """Some attributes of an element, for all who have subscribed to just these.

    Parameters
    ----------
    element : Element
        The element.
    ids : tuple
        The attributes, by the ids that were asked for.
    allowed : bool
        Whether the subscribers may read the element.
    hub : Broker
        Gives the time of a change that has none of its own.
    whole : bool
        Whether a change of one attribute sends all of them.
    """

    __slots__ = (
        *("_allowed", "_bits", "_bodies", "_encoded_ids", "_encoded_uuid", "_gone", "_hub"),
        *("_frame", "_known", "_known_mask", "_moment", "_packet", "_packets", "_positions"),
        *("_single", "_timed", "_update_position", "element", "everything", "key", "subscribers"),
    )

    def __init__(
        self,
        element: Element,
        ids: tuple[AttributeId, ...],
        allowed: bool,
        hub: Broker,
        whole: bool = False,
    ) -> None:
        self.element = element
        self.key = (element, ids, allowed)
        self.everything = (1 << len(ids)) - 1
        self.subscribers: dict[Subscriber, None] = {}
        self._allowed = allowed
        self._gone = False
        self._hub = hub
        self._update_position = element.table.index.get(Attribute.UPDATE_TIME, -1)
        self._positions = [element.table.index.get(attribute) for attribute in ids]
        # The same attribute may be there twice: by its integer, and by its UUID.
        self._bits: dict[int, int] = {}
        for number, position in enumerate(self._positions):
            if position is not None:
                bits = self.everything if whole else 1 << number
                self._bits[position] = self._bits.get(position, 0) | bits
        self._encoded_uuid = server_encoding.uuid(element.uuid)
        self._encoded_ids = [server_encoding.attribute_id(attribute) for attribute in ids]
        # Most feeds have one attribute that can be read: its value changes, and nothing else.
        self._single = -1
        self._frame: bytes | None = None
        only = self._positions[0] if len(ids) == 1 else None
        if only is not None and allowed and self._readable(only):
            self._single = only
            self._frame = server_encoding.event_frame(self._encoded_uuid, self._encoded_ids[0])
        self._moment = TimePoint.NEVER
        self._packet: bytes | None = None  # of such a feed
        self._packets: dict[int, bytes] = {}
        self._bodies: dict[int, bytes] = {}
        # The positions that have changed are the same ones nearly every time.
        self._known: Sequence[int] = ()
        self._known_mask = 0
        self._timed = False

    def changed(self, element: Element, positions: Sequence[int]) -> None:
        """Take note of a change, and tell the subscribers."""
        if positions is not self._known:
            self._learn(positions)
        if not self._known_mask:
            return
        moment = None
        if self._timed:
            # The change has a time of its own.
            moment = element.current(self._update_position)
        self._mark(self._known_mask, moment if isinstance(moment, TimePoint) else self._hub.now())

    def _learn(self, positions: Sequence[int]) -> None:
        """Work out what a change of these positions means here."""
        mask = 0
        for position in positions if self._allowed else ():
            mask |= self._bits.get(position, 0)
        # A list may have changed when it comes again.
        self._known = positions if isinstance(positions, tuple) else ()
        self._known_mask = mask
        self._timed = self._update_position in positions

    def vanish(self) -> None:
        """Tell the subscribers that there is no such element any more."""
        self._gone = True
        self._frame = None
        self._mark(self.everything, self._hub.now())

    def packet(self, mask: int) -> bytes:
        """Return the event for a change of some attributes, at the time of the change."""
        if self._frame is not None:
            if self._packet is None:
                time_stamp = self._hub.time_stamp(self._moment)
                held = server_encoding.attribute_value(self.element.current(self._single))
                self._packet = server_encoding.event(time_stamp, self._frame + held)
            return self._packet
        packet = self._packets.get(mask)
        if packet is None:
            time_stamp = self._hub.time_stamp(self._moment)
            packet = self._packets[mask] = server_encoding.event(time_stamp, self._body(mask))
        return packet

    def whole(self, now: bytes) -> bytes:
        """Return an event with all attributes, at a time that is encoded."""
        return server_encoding.event(now, self._body(self.everything))

    def _mark(self, mask: int, moment: TimePoint) -> None:
        self._packet = None
        if self._packets or self._bodies:
            self._packets.clear()
            self._bodies.clear()
        self._moment = moment
        for subscription in self.subscribers:
            subscription.mark(self, mask)

    def _body(self, mask: int) -> bytes:
        body = self._bodies.get(mask)
        if body is None and self._frame is not None:
            value = self.element.current(self._single)
            body = self._bodies[mask] = self._frame + server_encoding.attribute_value(value)
        elif body is None:
            values = [
                (encoded_id, self._held(position))
                for number, (encoded_id, position) in enumerate(
                    zip(self._encoded_ids, self._positions, strict=True)
                )
                if mask >> number & 1
            ]
            body = self._bodies[mask] = server_encoding.event_body(self._encoded_uuid, values)
        return body

    def _held(self, position: int | None) -> AttributeValue:
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
    """All feeds of a plant.

    Parameters
    ----------
    clock : callable
        Gives the time.
    whole : bool
        Whether every event has all attributes, or only those that have changed.
    """

    def __init__(self, clock: Callable[[], TimePoint], *, whole: bool = False) -> None:
        self._clock = clock
        self._whole = whole
        self._moment = TimePoint.NEVER
        self._time_stamp = b""
        self._feeds: dict[tuple[Element, tuple[AttributeId, ...], bool], Channel] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    def now(self) -> TimePoint:
        """Return the time."""
        return self._clock()

    def time_stamp(self, moment: TimePoint) -> bytes:
        """Return a time stamp, encoded; most come many times in a row."""
        if moment is not self._moment:
            self._moment, self._time_stamp = moment, server_encoding.time(moment.nanoseconds)
        return self._time_stamp

    def join(
        self,
        subscription: Subscriber,
        element: Element,
        ids: tuple[AttributeId, ...],
        allowed: bool,
    ) -> Channel:
        """Return the feed of some attributes, which tells the subscription from now on."""
        key = (element, ids, allowed)
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = Channel(element, ids, allowed, self, self._whole)
            element.watch(feed.changed)
        feed.subscribers[subscription] = None
        return feed

    def leave(self, subscription: Subscriber, feeds: Iterable[Channel]) -> None:
        """Tell a subscription no more."""
        for feed in feeds:
            feed.subscribers.pop(subscription, None)
            if not feed.subscribers and self._feeds.pop(feed.key, None) is not None:
                feed.element.unwatch(feed.changed)

    def vanish(self, element: Element) -> None:
        """Tell those who have subscribed to an element that it is gone."""
        for (subscribed, _, _), feed in tuple(self._feeds.items()):
            if subscribed is element:
                feed.vanish()
