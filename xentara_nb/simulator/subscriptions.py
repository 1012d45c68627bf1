"""Subscriptions: who wants to know of which attributes, how often, and the events that come of it.

A change costs little however many clients there are: clients that subscribe to the same attributes
of an element share one :class:`Feed`, which encodes a change once. Nothing is queued for a client
but which attributes have changed, so one that reads slowly gets fewer events with the latest
values, and cannot eat the server's memory.

The first event of a subscription has all attributes, a later one those that have changed. Rates
count for each element by itself: ``maximum_update_rate`` is the shortest time between two of its
events, with changes in between merged, and ``minimum_update_rate`` the longest, after which all its
attributes are sent again.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from itertools import count
from uuid import UUID

from xentara_nb.protocol.errors import (
    AccessDeniedError,
    MissingAttributeError,
    UnknownElementError,
    WriteOnlyError,
)
from xentara_nb.protocol.identifiers import Access, Attribute
from xentara_nb.protocol.values import AttributeId, TimePoint
from xentara_nb.simulator import encoding
from xentara_nb.simulator.attributes import Held
from xentara_nb.simulator.elements import Element

LIMIT = 1000
"""How many events go into one message, so that a large subscription stalls nobody."""

_MILLISECOND = 1_000_000


class Feed:
    """Some attributes of an element, for all who have subscribed to just these.

    Parameters
    ----------
    element : Element
        The element.
    ids : tuple
        The attributes, by the ids that were asked for.
    allowed : bool
        Whether the subscribers may read the element.
    hub : Hub
        Gives the time of a change that has none of its own.
    whole : bool
        Whether a change of one attribute sends all of them.
    """

    __slots__ = (
        *("_allowed", "_bits", "_bodies", "_encoded_ids", "_encoded_uuid", "_gone", "_hub"),
        *("_frame", "_moment", "_packets", "_positions", "_single", "_update_position"),
        *("element", "everything", "key", "subscribers"),
    )

    def __init__(
        self,
        element: Element,
        ids: tuple[AttributeId, ...],
        allowed: bool,
        hub: Hub,
        whole: bool = False,
    ) -> None:
        self.element = element
        self.key = (element, ids, allowed)
        self.everything = (1 << len(ids)) - 1
        self.subscribers: dict[Subscription, None] = {}
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
        self._encoded_uuid = encoding.uuid(element.uuid)
        self._encoded_ids = [encoding.attribute_id(attribute) for attribute in ids]
        # Most feeds have one attribute that can be read: its value changes, and nothing else.
        self._single = -1
        self._frame: bytes | None = None
        only = self._positions[0] if len(ids) == 1 else None
        if only is not None and allowed and self._readable(only):
            self._single = only
            self._frame = encoding.event_frame(self._encoded_uuid, self._encoded_ids[0])
        self._moment = TimePoint.NEVER
        self._packets: dict[int, bytes] = {}
        self._bodies: dict[int, bytes] = {}

    def changed(self, element: Element, positions: Sequence[int]) -> None:
        """Take note of a change, and tell the subscribers."""
        mask = 0
        bits = self._bits
        for position in positions:
            if position in bits:
                mask |= bits[position]
        if not mask or not self._allowed:
            return
        moment = None
        if self._update_position in positions:
            # The change has a time of its own.
            moment = element.current(self._update_position)
        self._mark(mask, moment if isinstance(moment, TimePoint) else self._hub.now())

    def vanish(self) -> None:
        """Tell the subscribers that there is no such element any more."""
        self._gone = True
        self._frame = None
        self._mark(self.everything, self._hub.now())

    def packet(self, mask: int) -> bytes:
        """Return the event for a change of some attributes, at the time of the change."""
        packet = self._packets.get(mask)
        if packet is None:
            time_stamp = self._hub.time_stamp(self._moment)
            packet = self._packets[mask] = encoding.event(time_stamp, self._body(mask))
        return packet

    def whole(self, now: bytes) -> bytes:
        """Return an event with all attributes, at a time that is encoded."""
        return encoding.event(now, self._body(self.everything))

    def _mark(self, mask: int, moment: TimePoint) -> None:
        self._packets.clear()
        self._bodies.clear()
        self._moment = moment
        for subscription in self.subscribers:
            subscription.mark(self, mask)

    def _body(self, mask: int) -> bytes:
        body = self._bodies.get(mask)
        if body is None and self._frame is not None:
            value = self.element.current(self._single)
            body = self._bodies[mask] = self._frame + encoding.held(value)
        elif body is None:
            values = [
                (encoded_id, self._held(position))
                for number, (encoded_id, position) in enumerate(
                    zip(self._encoded_ids, self._positions, strict=True)
                )
                if mask >> number & 1
            ]
            body = self._bodies[mask] = encoding.event_body(self._encoded_uuid, values)
        return body

    def _held(self, position: int | None) -> Held:
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


class Hub:
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
        self._feeds: dict[tuple[Element, tuple[AttributeId, ...], bool], Feed] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    def now(self) -> TimePoint:
        """Return the time."""
        return self._clock()

    def time_stamp(self, moment: TimePoint) -> bytes:
        """Return a time stamp, encoded; most come many times in a row."""
        if moment is not self._moment:
            self._moment, self._time_stamp = moment, encoding.time(moment.nanoseconds)
        return self._time_stamp

    def join(
        self,
        subscription: Subscription,
        element: Element,
        ids: tuple[AttributeId, ...],
        allowed: bool,
    ) -> Feed:
        """Return the feed of some attributes, which tells the subscription from now on."""
        key = (element, ids, allowed)
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = Feed(element, ids, allowed, self, self._whole)
            element.watch(feed.changed)
        feed.subscribers[subscription] = None
        return feed

    def leave(self, subscription: Subscription, feeds: Iterable[Feed]) -> None:
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


class Subscription:
    """What one client wants to know.

    Parameters
    ----------
    subscription_id : uuid.UUID
        The id, which the client gives to unsubscribe.
    wake : callable
        Is called when there is something to send.
    maximum_update_rate, minimum_update_rate : int or None
        The shortest and the longest time between two events of an element, in milliseconds.
    """

    __slots__ = (
        *("_first", "_last", "_later", "_maximum", "_minimum", "_pending", "_ready", "_wake"),
        *("active", "feeds", "subscription_id"),
    )
    _numbers = count()

    def __init__(
        self,
        subscription_id: UUID,
        wake: Callable[[], None],
        maximum_update_rate: int | None = None,
        minimum_update_rate: int | None = None,
    ) -> None:
        self.subscription_id = subscription_id
        self.feeds: list[Feed] = []
        self.active = False
        self._wake = wake
        self._maximum = (maximum_update_rate or 0) * _MILLISECOND
        self._minimum = (minimum_update_rate or 0) * _MILLISECOND
        self._first: list[Feed] = []
        # What has changed and was not sent: at once, or as soon as the rate allows.
        self._pending: dict[Feed, int] = {}
        self._ready: deque[Feed] = deque()
        self._later: list[tuple[int, int, Feed]] = []
        # When each feed was sent last, the oldest first; kept only where a rate needs it.
        self._last: OrderedDict[Feed, int] = OrderedDict()

    def activate(self) -> None:
        """Send events from now on: the client has been told of the subscription."""
        self.active = True
        self._first = self.feeds[::-1]
        self._wake()

    def mark(self, feed: Feed, mask: int) -> None:
        """Note that some attributes of a feed have changed."""
        if not self.active:
            return  # the first event will have them
        before = self._pending.get(feed)
        if before is not None:
            self._pending[feed] = before | mask
            return
        self._pending[feed] = mask
        if self._maximum:
            due = self._last.get(feed, 0) + self._maximum
            if due > time.monotonic_ns():
                heappush(self._later, (due, next(self._numbers), feed))
                self._wake()
                return
        if not self._ready:
            self._wake()
        self._ready.append(feed)

    def take(self, now: int, time_stamp: bytes, packets: list[bytes]) -> None:
        """Add the events that are due to a message, as far as there is room."""
        while self._first and len(packets) < LIMIT:
            self._send_whole(self._first.pop(), now, time_stamp, packets)
        while self._later and self._later[0][0] <= now:
            feed = heappop(self._later)[2]
            due = self._last.get(feed, 0) + self._maximum
            if due <= now:
                self._ready.append(feed)
            elif feed in self._pending:
                # All its attributes were sent meanwhile, so it has to wait again.
                heappush(self._later, (due, next(self._numbers), feed))
        rated = bool(self._maximum or self._minimum)
        while self._ready and len(packets) < LIMIT:
            feed = self._ready.popleft()
            mask = self._pending.pop(feed, 0)
            if mask:
                packets.append(feed.packet(mask))
                if rated:
                    self._note(feed, now)
        if self._minimum and not self._first:
            while self._last and len(packets) < LIMIT:
                feed = next(iter(self._last))
                if self._last[feed] + self._minimum > now:
                    break
                self._send_whole(feed, now, time_stamp, packets)

    def next_due(self) -> int | None:
        """Return when there is something to send again, None if nobody knows."""
        if self._first or self._ready:
            return 0
        due = [self._later[0][0]] if self._later else []
        if self._minimum and self._last:
            due.append(next(iter(self._last.values())) + self._minimum)
        return min(due, default=None)

    def _send_whole(self, feed: Feed, now: int, time_stamp: bytes, packets: list[bytes]) -> None:
        packets.append(feed.whole(time_stamp))
        self._pending.pop(feed, None)
        self._note(feed, now)

    def _note(self, feed: Feed, now: int) -> None:
        if self._maximum or self._minimum:
            self._last[feed] = now
            self._last.move_to_end(feed)


class Subscriptions:
    """The subscriptions of one connection.

    Parameters
    ----------
    hub : Hub
        The feeds of the plant.
    clock : callable
        Gives the time.
    wake : callable
        Is called when there is something to send.
    """

    def __init__(
        self, hub: Hub, clock: Callable[[], TimePoint], wake: Callable[[], None] = lambda: None
    ) -> None:
        self.wake = wake
        self._hub = hub
        self._clock = clock
        self._by_id: dict[UUID, Subscription] = {}
        self._new: list[Subscription] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, subscription: Subscription) -> None:
        """Take a subscription in, in place of one with the same id."""
        self.remove(subscription.subscription_id)
        self._by_id[subscription.subscription_id] = subscription
        self._new.append(subscription)

    def remove(self, subscription_id: UUID) -> bool:
        """End a subscription; False if there is none with this id."""
        subscription = self._by_id.pop(subscription_id, None)
        if subscription is None:
            return False
        self._hub.leave(subscription, subscription.feeds)
        subscription.active = False
        return True

    def answered(self) -> None:
        """Let new subscriptions begin: the answers to them are on their way."""
        if self._new:
            for subscription in self._new:
                if self._by_id.get(subscription.subscription_id) is subscription:
                    subscription.activate()
            self._new.clear()

    def clear(self) -> None:
        """End all of them, because the connection has ended."""
        for subscription_id in tuple(self._by_id):
            self.remove(subscription_id)

    def take(self) -> tuple[bytes | None, float | None]:
        """Return the next message of events, and how long to wait for the one after, in seconds.

        The message is None if nothing is due, the time None if it is not known.
        """
        now = time.monotonic_ns()
        time_stamp = encoding.time(self._clock().nanoseconds)
        packets: list[bytes] = []
        for subscription in self._by_id.values():
            if subscription.active:
                subscription.take(now, time_stamp, packets)
        if packets:
            return encoding.message(packets), 0.0
        due = [
            when
            for subscription in self._by_id.values()
            if subscription.active and (when := subscription.next_due()) is not None
        ]
        return None, max(min(due) - now, 0) / 1e9 if due else None


def merged(
    targets: Iterable[tuple[UUID, tuple[AttributeId, ...]]],
) -> dict[UUID, tuple[AttributeId, ...]]:
    """Return what is subscribed to by element, each attribute once."""
    by_element: dict[UUID, dict[AttributeId, None]] = {}
    for element, ids in targets:
        by_element.setdefault(element, {}).update(dict.fromkeys(ids))
    return {element: tuple(ids) for element, ids in by_element.items()}
