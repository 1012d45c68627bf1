"""Events on their way from the reader thread to the subscriptions.

An event names its element and attributes but no subscription, so it goes to every subscription
that covers one of its attributes, with the attributes of that subscription. Where two of a client
cover the same attribute, the server may send an event for each, and both of them get both.
"""

from __future__ import annotations

import queue
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Self, TypeAlias
from uuid import UUID

from xentara_nb.errors import ConnectionLostError, DeadlineError, XentaraError
from xentara_nb.latch import take
from xentara_nb.locking import Lock, locked
from xentara_nb.protocol.commands import DataChange, Subscribe, SubscriptionTarget
from xentara_nb.protocol.errors import UnknownSubscriptionIdError
from xentara_nb.protocol.text import quantity
from xentara_nb.protocol.values import AttributeId
from xentara_nb.tables.references import canonical

MAX_WAITING = 1_000_000
"""How many unread events a subscription keeps."""


class Subscription:
    """Events of some attributes; made by :meth:`Client.subscribe`, ended by leaving ``with``.

    Attributes
    ----------
    id : uuid.UUID
        Its id on the server.
    targets : tuple of SubscriptionTarget
        The elements and attributes that it covers.
    lost : int
        Events dropped because more than a million were never read.

    Examples
    --------
    >>> with client.subscribe("Plant.Line 1.Set point") as subscription:
    ...     event = subscription.next_event(timeout=5)
    >>> event.element_uuid == client.lookup("Plant.Line 1.Set point")
    True
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
        # None stands behind the last one. A queue of this kind waits in C as a whole, so that an
        # interrupt cannot leave a lock taken which the reader thread needs.
        self._events: queue.SimpleQueue[DataChange | None] = queue.SimpleQueue()
        self._end: XentaraError | None = None

    @property
    def ended(self) -> XentaraError | None:
        """Why there will be no more events; None while there may be."""
        return self._end

    def put(self, event: DataChange) -> None:
        """Take an event; for the reader thread."""
        if self._end is not None:
            return
        if self._events.qsize() >= MAX_WAITING:
            with suppress(queue.Empty):  # another thread has just read it
                self._events.get_nowait()
                self.lost += 1
        self._events.put(event)

    def end(self, reason: XentaraError) -> None:
        """Take the reason why there will be no more events; the first one counts."""
        if self._end is None:
            self._end = reason
        self._events.put(None)

    def next_event(self, timeout: float) -> DataChange:
        """Return the next event, waiting for it.

        Raises
        ------
        DeadlineError
            If none comes within ``timeout`` seconds.
        ConnectionLostError
            If the subscription has ended, and every event before was given.

        Parameters
        ----------
        timeout : float
            How long to wait, in seconds.

        Returns
        -------
        DataChange

        Examples
        --------
        >>> with client.subscribe("Plant.Line 1.Set point", "value") as subscription:
        ...     subscription.next_event(timeout=5).values
        {11: 210.0}
        """
        event = None
        with suppress(queue.Empty):
            event = take(self._events, time.monotonic() + timeout if self._end is None else 0.0)
        if event is not None:
            return event
        if self._end is None:
            raise DeadlineError(f"no event came within {timeout:g} s")
        self._events.put(None)  # for the others that wait
        raise ConnectionLostError(f"the subscription has ended: {self._end}")

    def events(self, timeout: float) -> Iterator[DataChange]:
        """Give the events as they come, until none comes for ``timeout`` seconds.

        Parameters
        ----------
        timeout : float
            How long to wait for each, in seconds.

        Yields
        ------
        DataChange

        Examples
        --------
        >>> with client.subscribe("Plant.Line 1.Set point", "value") as subscription:
        ...     next(subscription.events(timeout=5)).values
        {11: 210.0}
        """
        while True:
            try:
                event = self.next_event(timeout)
            except DeadlineError:
                return
            yield event

    def unsubscribe(self) -> None:
        """End the subscription; nothing happens if it has ended.

        Examples
        --------
        >>> subscription = client.subscribe("Plant.Line 1.Set point")
        >>> subscription.unsubscribe()
        >>> client.subscriptions
        []
        """
        if self._end is None:
            self._unsubscribe(self.id)
            self.end(ConnectionLostError("it was unsubscribed"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        # Either way it has ended on the server.
        with suppress(ConnectionLostError, UnknownSubscriptionIdError):
            self.unsubscribe()

    def __repr__(self) -> str:
        return f"<Subscription {self.id} to {quantity(len(self.targets), 'element')}>"


_Covered: TypeAlias = "tuple[weakref.ref[Subscription], frozenset[AttributeId]]"


class EventDispatcher:
    """Hands every event to the subscriptions that cover it.

    It does not keep subscriptions alive: a subscription keeps its client, and a client that is no
    longer used is to be collected, and its connection closed.
    """

    def __init__(self) -> None:
        # The garbage collector may drop a subscription in the very thread that holds it.
        self._lock = Lock()
        self._subscriptions: dict[weakref.ref[Subscription], frozenset[UUID]] = {}
        self._by_element: dict[UUID, list[_Covered]] = {}

    def __len__(self) -> int:
        """Return how many elements are covered by some subscription."""
        return len(self._by_element)

    def subscribe(
        self, command: Subscribe, send: Callable[[], UUID], unsubscribe: Callable[[UUID], None]
    ) -> Subscription:
        """Return the subscription of a command, which ``send`` sends; it has a desired id."""
        assert command.desired_subscription_id is not None
        subscription = Subscription(command.desired_subscription_id, command.targets, unsubscribe)
        self.add(subscription)
        try:
            subscription_id = send()
        except BaseException:
            self.discard(subscription)
            raise
        self.confirm(subscription, subscription_id)
        return subscription

    def subscriptions(self) -> list[Subscription]:
        """Return the subscriptions that have not ended."""
        with self._lock:
            found = [reference() for reference in self._subscriptions]
        return [subscription for subscription in found if subscription is not None]

    def add(self, subscription: Subscription) -> None:
        """Begin to dispatch to a subscription: before it is sent, so that no event is missed."""
        reference = weakref.ref(subscription, self._drop)
        with self._lock:
            self._subscriptions[reference] = frozenset(uuid for uuid, _ in subscription.targets)
            for uuid, ids in subscription.targets:
                wanted = frozenset(canonical(attribute_id) for attribute_id in ids)
                self._by_element.setdefault(uuid, []).append((reference, wanted))

    def confirm(self, subscription: Subscription, subscription_id: UUID) -> None:
        """Take the id that the server gave a subscription; another one of that id has ended."""
        with self._lock:
            subscription.id = subscription_id
            self._end_all(
                lambda other: other.id == subscription_id and other is not subscription,
                "another one was made with its id",
            )

    def discard(self, subscription: Subscription) -> None:
        """Stop dispatching to a subscription that was not made, and to no other of its id."""
        self._end_all(lambda other: other is subscription, "it was not made")

    def remove(self, subscription_id: UUID) -> Subscription | None:
        """Stop dispatching to a subscription, which ends it."""
        # By the id that it has now: the server may have chosen another than was desired.
        removed = self._end_all(lambda other: other.id == subscription_id, "it was unsubscribed")
        return removed[0] if removed else None

    @locked("_lock")
    def _end_all(self, which: Callable[[Subscription], bool], why: str) -> list[Subscription]:
        ended = []
        for reference in list(self._subscriptions):
            subscription = reference()
            if subscription is not None and which(subscription):
                self._drop(reference)
                subscription.end(ConnectionLostError(why))
                ended.append(subscription)
        return ended

    def dispatch(self, event: DataChange) -> None:
        """Hand an event to every subscription that covers some of it, once to each."""
        for subscription, ids in self._covering(event.element_uuid).items():
            values = {key: value for key, value in event.values.items() if canonical(key) in ids}
            if values:
                subscription.put(DataChange(event.time_stamp, event.element_uuid, values))

    @locked("_lock")
    def _covering(self, element_uuid: UUID) -> dict[Subscription, frozenset[AttributeId]]:
        """Return the subscriptions that cover an element, and which of its attributes."""
        found: dict[Subscription, frozenset[AttributeId]] = {}
        for reference, ids in self._by_element.get(element_uuid, ()):
            if (subscription := reference()) is not None:
                found[subscription] = found.get(subscription, frozenset()) | ids
        return found

    @locked("_lock")
    def end(self, reason: XentaraError) -> None:
        """End every subscription: they do not outlive their connection."""
        references = list(self._subscriptions)
        for reference in references:
            if (subscription := reference()) is not None:
                subscription.end(reason)
        # Only now, so that one who was interrupted before can be followed by another.
        self._subscriptions = {}
        self._by_element = {}

    @locked("_lock")
    def _drop(self, reference: weakref.ref[Subscription]) -> None:
        for uuid in self._subscriptions.pop(reference, ()):
            # Another list instead of a shorter one: this may come in the middle of dispatch().
            pairs = self._by_element.pop(uuid)
            if others := [pair for pair in pairs if pair[0] is not reference]:
                self._by_element[uuid] = others
