"""Subscriptions: which attributes a client has subscribed to, how often, and the events of them.

A change costs little however many clients there are: clients that subscribe to the same attributes
of an element share one :class:`~xentara_nb.simulator.server.channels.Channel`, which encodes a
change once.
Nothing is queued for a client but which attributes have changed, so one that reads slowly gets
fewer events with the latest values, and cannot eat the server's memory.

The first event of a subscription has all attributes, a later one those that have changed. Rates
count for each element by itself: ``maximum_update_rate`` is the shortest time between two of its
events, with changes in between merged, and ``minimum_update_rate`` the longest, after which all its
attributes are sent again.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count
from uuid import UUID

from xentara_nb.protocol.codec import server_encoding
from xentara_nb.protocol.errors import InvalidRequestError
from xentara_nb.protocol.values import AttributeId
from xentara_nb.simulator.server.channels import Broker, Channel

LIMIT = 1000
"""How many events go into one message, so that a large subscription does not stall others."""

_MILLISECOND = 1_000_000
_WHOLE = -1  # stands for all bits: an event with all attributes, even if none has changed


class ServerSubscription:
    """What one client has subscribed to; the rates are in milliseconds."""

    __slots__ = (
        *("_last", "_later", "_maximum", "_minimum", "_pending", "_ready", "_wake"),
        *("active", "attributes", "channels", "subscription_id"),
    )
    _numbers = count()

    def __init__(
        self,
        subscription_id: UUID,
        wake: Callable[[], None],
        maximum_update_rate: int | None,
        minimum_update_rate: int | None,
        attributes: int = 0,
    ) -> None:
        self.subscription_id = subscription_id
        self.attributes = attributes  # how many will be subscribed to
        self.channels: list[Channel] = []
        self.active = False
        self._wake = wake
        self._maximum = (maximum_update_rate or 0) * _MILLISECOND
        self._minimum = (minimum_update_rate or 0) * _MILLISECOND
        # What has changed and was not sent. Each is either ready, or waits as the rate demands.
        self._pending: dict[Channel, int] = {}
        self._ready: deque[Channel] = deque()
        self._later: list[tuple[int, int, Channel]] = []
        # When each channel was sent last, the oldest first; kept only where a rate needs it.
        self._last: OrderedDict[Channel, int] = OrderedDict()

    def activate(self) -> None:
        """Send events from now on: the client knows of the subscription."""
        self.active = True
        self._pending = dict.fromkeys(self.channels, _WHOLE)
        self._ready.extend(self.channels)
        self._wake()

    def mark(self, channel: Channel, mask: int) -> None:
        """Note that some attributes of a channel have changed."""
        if not self.active:
            return  # the first event will have them
        before = self._pending.get(channel)
        if before is not None:
            self._pending[channel] = before | mask
            return
        self._pending[channel] = mask
        if self._maximum:
            due = self._last.get(channel, 0) + self._maximum
            if due > time.monotonic_ns():
                heappush(self._later, (due, next(self._numbers), channel))
                self._wake()
                return
        if not self._ready:
            self._wake()
        self._ready.append(channel)

    def take(self, now: int, time_stamp: bytes, packets: list[bytes]) -> int | None:
        """Add the events that are due to a message, as far as there is room.

        Returns when there is something to send again, None if that is not known.
        """
        while self._later and self._later[0][0] <= now:
            self._ready.append(heappop(self._later)[2])
        while self._minimum and self._last and len(self._ready) < LIMIT:
            channel, sent = next(iter(self._last.items()))
            if sent + self._minimum > now:
                break
            # If it has changed, it is ready: the longest time is never below the shortest.
            if channel not in self._pending:
                self._ready.append(channel)
            self._pending[channel] = _WHOLE
            self._note(channel, now)
        rated = bool(self._maximum or self._minimum)
        while self._ready and len(packets) < LIMIT:
            channel = self._ready.popleft()
            mask = self._pending.pop(channel)
            whole = mask == _WHOLE
            packets.append(channel.whole(time_stamp) if whole else channel.packet(mask))
            if rated:
                self._note(channel, now)
        if self._ready:
            return now
        due = [self._later[0][0]] if self._later else []
        if self._minimum and self._last:
            due.append(next(iter(self._last.values())) + self._minimum)
        return min(due, default=None)

    def _note(self, channel: Channel, now: int) -> None:
        self._last[channel] = now
        self._last.move_to_end(channel)


class Quota:
    """How many attributes the connections of one user may subscribe to, and how many they have."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0


class Subscriptions:
    """The subscriptions of one connection: not more than the limit, and within its user's quota."""

    def __init__(self, broker: Broker, limit: int, quota: Quota) -> None:
        # Is called when there is something to send.
        self.wake: Callable[[], None] = lambda: None
        self._broker = broker
        self._limit = limit
        self._quota = quota
        self._by_id: dict[UUID, ServerSubscription] = {}
        self._new: list[ServerSubscription] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, subscription: ServerSubscription) -> None:
        """Take a subscription in, in place of one with the same id.

        Raises InvalidRequestError, and leaves everything as it was, if that would be too many.
        """
        replaced = self._by_id.get(subscription.subscription_id)
        if replaced is None and len(self._by_id) >= self._limit:
            raise InvalidRequestError(
                f"invalid request: a connection has at most {self._limit} subscriptions; "
                "end one, or subscribe to more elements in one of them"
            )
        left = self._quota.limit - self._quota.used
        left += 0 if replaced is None else replaced.attributes
        if subscription.attributes > left:
            raise InvalidRequestError(
                f"invalid request: a user has at most {self._quota.limit} attributes subscribed to "
                f"at a time, and {max(left, 0)} of them are left"
            )
        self.remove(subscription.subscription_id)
        self._quota.used += subscription.attributes
        self._by_id[subscription.subscription_id] = subscription
        self._new.append(subscription)

    def remove(self, subscription_id: UUID) -> bool:
        """End a subscription; False if there is none with this id."""
        subscription = self._by_id.pop(subscription_id, None)
        if subscription is None:
            return False
        self._quota.used -= subscription.attributes
        self._broker.leave(subscription.mark, subscription.channels)
        return True

    def activate_new(self) -> None:
        """Let new subscriptions begin: the answers to them are on their way."""
        for subscription in self._new:
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
        time_stamp = server_encoding.time(self._broker.clock().nanoseconds)
        packets: list[bytes] = []
        due = [
            subscription.take(now, time_stamp, packets)
            for subscription in self._by_id.values()
            if subscription.active
        ]
        if packets:
            return server_encoding.message(packets), 0.0
        soonest = min((when for when in due if when is not None), default=None)
        return None, None if soonest is None else max(soonest - now, 0) / 1e9


def unique_targets(
    targets: Iterable[tuple[UUID, tuple[AttributeId, ...]]],
) -> dict[UUID, tuple[AttributeId, ...]]:
    """Return what is subscribed to by element, each attribute once."""
    by_element: dict[UUID, dict[AttributeId, None]] = {}
    for element, ids in targets:
        by_element.setdefault(element, {}).update(dict.fromkeys(ids))
    return {element: tuple(ids) for element, ids in by_element.items()}
