"""Events on their way from the reader thread to whoever subscribed.

An event names its element and attributes but no subscription, so it goes to every subscription
that covers one of its attributes, with the attributes of that subscription.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Self
from uuid import UUID

from xentara_nb.errors import ConnectionLostError, DeadlineError, XentaraError
from xentara_nb.protocol.commands import DataChange, SubscriptionTarget
from xentara_nb.references import canonical

MAX_WAITING = 1_000_000
"""How many events a subscription keeps for a reader who does not come."""


class Subscription:
    """Events of some attributes; made by :meth:`Client.subscribe`, ended by leaving ``with``.

    Parameters
    ----------
    subscription_id : uuid.UUID
        Its id on the server.
    targets : sequence of SubscriptionTarget
        The elements and attributes that it covers.
    unsubscribe : callable
        Ends it, given its id.

    Attributes
    ----------
    id : uuid.UUID
        Its id on the server.
    lost : int
        Events dropped because more than :data:`MAX_WAITING` were never read.
    """

    def __init__(
        self,
        subscription_id: UUID,
        targets: Sequence[SubscriptionTarget],
        unsubscribe: Callable[[UUID], None],
    ) -> None:
        self.id = subscription_id
        self.targets = tuple(targets)
        self.lost = 0
        self._unsubscribe = unsubscribe
        self._queue: queue.Queue[DataChange | XentaraError] = queue.Queue(MAX_WAITING)
        self._end: XentaraError | None = None

    def put(self, item: DataChange | XentaraError) -> None:
        """Take an event, or the reason why there will be no more; for the reader thread."""
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._queue.get_nowait()
            self.lost += 1
            self._queue.put_nowait(item)

    def next_event(self, timeout: float) -> DataChange:
        """Return the next event, waiting for it.

        Raises
        ------
        DeadlineError
            If none comes within ``timeout`` seconds.
        ConnectionLostError
            If the subscription has ended, and every event before was given.
        """
        if self._end is None:
            try:
                item = self._queue.get(timeout=timeout)
            except queue.Empty:
                raise DeadlineError(f"no event came within {timeout:g} s") from None
            if isinstance(item, DataChange):
                return item
            self._end = item
        raise ConnectionLostError(f"the subscription has ended: {self._end}") from None

    def events(self, timeout: float) -> Iterator[DataChange]:
        """Give the events as they come, until none comes for ``timeout`` seconds."""
        while True:
            try:
                event = self.next_event(timeout)
            except DeadlineError:
                return
            yield event

    def unsubscribe(self) -> None:
        """End the subscription."""
        self._unsubscribe(self.id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._end is None:
            self.unsubscribe()

    def __repr__(self) -> str:
        return f"<Subscription {self.id} to {len(self.targets)} elements>"


class Router:
    """Knows who subscribed to what."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: dict[UUID, Subscription] = {}
        self._by_element: dict[UUID, dict[UUID, frozenset[int | UUID]]] = {}

    def add(self, subscription: Subscription) -> None:
        """Begin to route to a subscription. Done before it is sent, so that no event is missed."""
        with self._lock:
            self._subscriptions[subscription.id] = subscription
            for uuid, ids in subscription.targets:
                wanted = self._by_element.setdefault(uuid, {})
                wanted[subscription.id] = wanted.get(subscription.id, frozenset()) | {
                    canonical(attribute_id) for attribute_id in ids
                }

    def remove(self, subscription_id: UUID) -> Subscription | None:
        """Stop routing to a subscription."""
        with self._lock:
            subscription = self._subscriptions.pop(subscription_id, None)
            if subscription is not None:
                for uuid, _ in subscription.targets:
                    wanted = self._by_element.get(uuid, {})
                    wanted.pop(subscription_id, None)
                    if not wanted:
                        self._by_element.pop(uuid, None)
        return subscription

    def route(self, event: DataChange) -> None:
        """Hand an event to every subscription that covers some of it."""
        with self._lock:
            wanted = list(self._by_element.get(event.element_uuid, {}).items())
            found = [(self._subscriptions[subscription_id], ids) for subscription_id, ids in wanted]
        for subscription, ids in found:
            values = {key: value for key, value in event.values.items() if canonical(key) in ids}
            if values:
                subscription.put(DataChange(event.time_stamp, event.element_uuid, values))

    def end(self, reason: XentaraError) -> None:
        """End every subscription: they do not outlive their connection."""
        with self._lock:
            subscriptions = list(self._subscriptions.values())
            self._subscriptions.clear()
            self._by_element.clear()
        for subscription in subscriptions:
            subscription.put(reason)
