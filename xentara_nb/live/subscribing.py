"""The subscriptions of a client's watches: shared, made anew after a loss, their events routed.

The reader thread only puts messages aside, see :meth:`SubscriptionManager.take_message`. They are
decoded when someone looks, and now and then by a thread that this manager has while there are
watches; that thread also connects again when the connection was lost.
"""

from __future__ import annotations

import _thread
import itertools
import logging
import queue
import random
import threading
import time
import uuid
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeAlias
from uuid import UUID

import numpy as np

from xentara_nb.connection.connection import Connection
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.reconnecting import ReconnectingConnection
from xentara_nb.errors import (
    CertificateNotTrustedError,
    ConnectionForbiddenError,
    ConnectionLostError,
    LoginError,
    ServerError,
    XentaraError,
)
from xentara_nb.live.events import decode_events
from xentara_nb.live.history import History
from xentara_nb.protocol.codec.attribute_lists import ListRequests
from xentara_nb.protocol.codec.events import split_events
from xentara_nb.protocol.commands import DataChange, Subscribe, SubscriptionTarget, Unsubscribe
from xentara_nb.protocol.values import AttributeId
from xentara_nb.tables.frames import error_text
from xentara_nb.tables.references import canonical

TICK = 1.0
"""How long undecoded events may lie about, in seconds; memory of them is bounded by this too."""

MAX_UNDECODED = 20_000
"""How many events lie about undecoded before they are decoded."""

MIN_INTERVAL = 0.02
"""The shortest time between two notices of changes, in seconds."""

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
"""How long to wait before connecting again, in seconds: at first, and at most."""

Key: TypeAlias = tuple[UUID, AttributeId]
"""An attribute of an element; of a well-known one, its integer."""

Rates: TypeAlias = tuple[int | None, int | None]
"""Maximum and minimum update rate of a subscription, in milliseconds."""

# Without a person who does something, these stay as they are; and a password that is wrong may lock
# the account when it is sent again and again.
_FINAL = (LoginError, ConnectionForbiddenError, CertificateNotTrustedError)

_MAX_TIME = (1 << 63) - 2

_log = logging.getLogger(__name__)


class Watcher(Protocol):
    """What a watch is to the manager, which calls it under its lock where it says nothing else."""

    number: int  # the manager's own, while it is there
    histories: dict[Key, History]
    rates: Rates

    def changed(self) -> None:
        """Take note that changes have come, or that a connection was lost or made."""

    def end(self, reason: XentaraError) -> None:
        """Take note that no more changes will come."""

    def notify(self) -> None:
        """Tell those who want to know of changes; called without the lock."""

    @property
    def waited_for(self) -> bool:
        """Whether someone wants to know of changes at once."""


class _Shared(NamedTuple):
    """One subscription on the server, and the watches that it is for."""

    subscription_id: UUID
    rates: Rates
    targets: dict[UUID, list[AttributeId]]
    watchers: set[int]  # by their numbers


class SubscriptionManager:
    """The subscriptions of the watches of one client.

    It does not keep its client's connection; a watch does, by its client.
    """

    def __init__(self) -> None:
        # An RLock: the garbage collector may close a watch in the very thread that holds it.
        self.lock = threading.RLock()
        self._connection: Callable[[], ReconnectingConnection | None] = lambda: None
        self._pending: deque[bytes | DataChange] = deque()
        # One entry wakes the thread up. A queue of this kind waits in C as a whole.
        self._wakeups: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._signalled = False
        self._eager = False
        self._watchers: dict[int, weakref.ref[Watcher]] = {}
        self._numbers = itertools.count(1)
        self._abandoned: deque[int] = deque()
        self._shared: list[_Shared] = []
        self._ended: list[UUID] = []
        self._routes: dict[Key, list[History]] = {}
        self._elements = np.empty(0, dtype="S16")
        self._uuids: list[UUID] = []
        self._running = False
        self._subscribed_on: Connection | None = None
        self._lost: XentaraError | None = None
        self._last_event = 0
        self._skew = 0

    def attach(self, connection: ReconnectingConnection) -> None:
        """Take the connection of the client."""
        self._connection = weakref.ref(connection)

    # For the reader thread: these never wait.

    def take_message(self, message: bytes) -> bool:
        """Put a message of events aside; False if it is to be decoded by the generic decoder."""
        if not self._watchers:
            return False
        events = split_events(message)
        if events is None:
            return False
        self._pending.extend(events)
        self._signal()
        return True

    def take(self, event: DataChange) -> None:
        """Put aside an event that is decoded already."""
        if self._watchers:
            self._pending.append(event)
            self._signal()

    def connection_ended(self, reason: XentaraError) -> None:
        """Take note that the connection has ended."""
        self._lost = reason
        self._wake()

    def _signal(self) -> None:
        if not self._signalled and (self._eager or len(self._pending) >= MAX_UNDECODED):
            self._signalled = True
            self._wake()

    def _wake(self) -> None:
        if self._running:
            self._wakeups.put(None)

    # For watches.

    def add(self, watcher: Watcher) -> None:
        """Subscribe to what a watch wants, as far as no other subscription has it.

        Raises a ServerError, ConnectionLostError or DeadlineError if that cannot be.
        """
        connection = self._required()
        with self.lock:
            self.drain()
            watcher.number = next(self._numbers)
            self._watchers[watcher.number] = weakref.ref(watcher)
            weakref.finalize(watcher, _abandon, weakref.ref(self), watcher.number).atexit = False
            for key, history in watcher.histories.items():
                self._routes.setdefault(key, []).append(history)
            self._index()
        try:
            self._subscribe_for(watcher, connection)
        except BaseException:
            self.remove(watcher)
            raise
        with self.lock:
            if not self._running:
                self._running = True
                thread = threading.Thread(
                    target=_run,
                    args=(weakref.ref(self), self._wakeups),
                    name=f"xentara watch {connection.address.netloc}",
                    daemon=True,
                )
                # An interrupt in the middle of Thread.start() would leave a thread that hangs.
                _thread.start_new_thread(thread.start, ())

    def remove(self, watcher: Watcher) -> None:
        """End the subscriptions that only this watch has."""
        with self.lock:
            self.drain()
            if self._watchers.pop(watcher.number, None) is None:
                return
            self._release(watcher.number, *self._abandoned)
        self._unsubscribe()
        self._wake()

    def abandon(self, number: int) -> None:
        """Take note that a watch is no more; for the garbage collector, so it takes no lock."""
        self._abandoned.append(number)
        self._wake()

    def notify_at_once(self) -> None:
        """Look again whether someone wants to know of changes at once."""
        with self.lock:
            watchers = self._alive()
            self._eager = any(watcher.waited_for for watcher in watchers)
        self._signalled = False
        self._wake()

    @property
    def is_watching(self) -> bool:
        """Whether there is a watch, which waits for what the server sends by itself."""
        return bool(self._watchers)

    @property
    def lost(self) -> XentaraError | None:
        """Why there is no connection at present."""
        return self._lost

    def drain(self) -> None:
        """Decode what was put aside, and put it where it belongs; under the lock."""
        with self.lock:
            self._signalled = False
            count = len(self._pending)
            if not count:
                return
            # Taken off only afterwards: interrupted, all comes once more, which changes nothing.
            items = [self._pending[at] for at in range(count)]
            start = 0
            for at, item in enumerate(items):
                if isinstance(item, DataChange):
                    self._take_raw(items[start:at])
                    self._take_change(item)
                    start = at + 1
            self._take_raw(items[start:])
            for _ in range(count):
                self._pending.popleft()
            self._skew = self._last_event - time.time_ns()
            for watcher in self._alive():
                watcher.changed()

    def _take_raw(self, events: list[Any]) -> None:
        if not events:
            return
        for attribute_id, elements, times, values in decode_events(events):
            self._last_event = max(self._last_event, int(times.max()))
            if not len(self._elements):
                continue
            places = np.searchsorted(self._elements, elements)
            places[places == len(self._elements)] = 0
            of_ours = self._elements[places] == elements
            if not of_ours.all():
                places, times, values = places[of_ours], times[of_ours], values[of_ours]
            if not len(places):
                continue
            if (places == places[0]).all():
                self._deliver(int(places[0]), attribute_id, times, values)
                continue
            order = np.argsort(places, kind="stable")
            ordered = places[order]
            bounds = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
            times, values = times[order], values[order]
            starts = [0, *bounds.tolist(), len(order)]
            for start, end in itertools.pairwise(starts):
                place = int(ordered[start])
                self._deliver(place, attribute_id, times[start:end], values[start:end])

    def _deliver(self, place: int, attribute_id: AttributeId, times: Any, values: Any) -> None:
        for history in self._routes.get((self._uuids[place], attribute_id), ()):
            history.append(times, values)

    def _take_change(self, event: DataChange) -> None:
        nanoseconds = event.time_stamp.nanoseconds
        self._last_event = max(self._last_event, nanoseconds)
        for attribute_id, value in event.values.items():
            key = event.element_uuid, canonical(attribute_id)
            for history in self._routes.get(key, ()):
                history.append_value(nanoseconds, value)

    def _alive(self) -> list[Watcher]:
        found = []
        for number, reference in list(self._watchers.items()):
            watcher = reference()
            if watcher is not None:
                found.append(watcher)
            else:
                del self._watchers[number]
        return found

    def _index(self) -> None:
        """Make the table that finds an element among those that are watched."""
        self._uuids = sorted({element for element, _ in self._routes}, key=lambda each: each.bytes)
        self._elements = np.array([each.bytes for each in self._uuids], dtype="S16")

    def _release(self, *numbers: int) -> None:
        """Forget watches; what only they were subscribed to is to be unsubscribed."""
        watched = {id(each) for one in self._alive() for each in one.histories.values()}
        routes = {
            key: [each for each in histories if id(each) in watched]
            for key, histories in self._routes.items()
        }
        self._routes = {key: histories for key, histories in routes.items() if histories}
        self._index()
        for shared in self._shared:
            shared.watchers.difference_update(numbers)
        self._ended += [shared.subscription_id for shared in self._shared if not shared.watchers]
        self._shared = [shared for shared in self._shared if shared.watchers]
        for number in numbers:
            with suppress(ValueError):
                self._abandoned.remove(number)

    def _unsubscribe(self) -> None:
        """End on the server what no watch has any more."""
        with self.lock:
            ended, self._ended = self._ended, []
            connection, reconnecting = self._subscribed_on, self._connection()
        if ended and connection is not None and reconnecting is not None:
            # Either way they have ended on the server.
            with suppress(XentaraError):
                connection.execute(
                    [Unsubscribe(each) for each in ended], Deadline(reconnecting.timeout)
                )

    # Subscribing.

    def _required(self) -> ReconnectingConnection:
        connection = self._connection()
        if connection is None:
            raise ConnectionLostError("the client of this watch is no more")
        return connection

    def _subscribe_for(self, watcher: Watcher, reconnecting: ReconnectingConnection) -> None:
        connection = reconnecting.connection()
        with self.lock:
            wanted = dict.fromkeys(watcher.histories)
            # What no other watch follows has no present value here to begin with.
            followed = {key for key in wanted if len(self._routes[key]) > 1}
            for shared in self._shared:
                if shared.rates != watcher.rates:
                    continue
                covered = {
                    (element, canonical(each))
                    for element, ids in shared.targets.items()
                    for each in ids
                }
                if found := covered & followed & wanted.keys():
                    shared.watchers.add(watcher.number)
                    for key in found:
                        del wanted[key]
                        self._begin_with_known(watcher, key)
            if not wanted:
                return
            targets: dict[UUID, list[AttributeId]] = {}
            for element, attribute_id in wanted:
                targets.setdefault(element, []).append(attribute_id)
            new = _Shared(uuid.uuid4(), watcher.rates, targets, {watcher.number})
            self._shared.append(new)
            if self._subscribed_on is None and self._shared == [new]:
                self._subscribed_on, self._lost = connection, None
        deadline = Deadline(reconnecting.timeout)
        for answer in connection.execute([_command(new, targets)], deadline):
            if isinstance(answer, ServerError):
                raise answer.within("subscribe")

    def _begin_with_known(self, watcher: Watcher, key: Key) -> None:
        """Give a new watch the present value of an attribute whose first event is long past."""
        own = watcher.histories[key]
        for history in self._routes.get(key, ()):
            if history is not own and (last := history.changes(last=1)) and len(last.times):
                if last.missing[0]:
                    own.append_error(int(last.times[0]), history.errors[int(last.times[0])])
                else:
                    own.append(last.times, last.values)
                return

    def _resubscribe(self, reconnecting: ReconnectingConnection) -> None:
        """Make all subscriptions on a fresh connection, without what is not there any more."""
        connection = reconnecting.connection()
        with self.lock:
            shared = list(self._shared)
        elements = list(dict.fromkeys(each for one in shared for each in one.targets))
        answers = zip(elements, reconnecting.ask(ListRequests(elements)), strict=True)
        gone: dict[UUID, str] = {}
        there: dict[UUID, set[AttributeId]] = {}
        for element, answer in answers:
            if isinstance(answer, ServerError):
                gone[element] = error_text(answer)
            else:
                there[element] = {canonical(each.attribute_id) for each in answer.attributes or ()}
        for one in shared:
            targets = {
                element: [each for each in ids if canonical(each) in there[element]]
                for element, ids in one.targets.items()
                if element in there
            }
            targets = {element: ids for element, ids in targets.items() if ids}
            if not targets:
                continue
            deadline = Deadline(reconnecting.timeout)
            for answer in connection.execute([_command(one, targets)], deadline):
                if isinstance(answer, ServerError):
                    raise ConnectionLostError(f"subscribe: {answer}")
        with self.lock:
            self.drain()
            now = self._next_time()
            for (element, attribute_id), histories in self._routes.items():
                text = gone.get(element)
                if text is None and attribute_id not in there.get(element, {attribute_id}):
                    text = "missing attribute (-32101)"
                if text is not None:
                    for history in histories:
                        history.append_error(max(now, (history.last_time or 0) + 1), text)
            self._subscribed_on, self._lost = connection, None
            for watcher in self._alive():
                watcher.changed()

    def _next_time(self, ago: float = 0.0) -> int:
        """Return a time by the server's clock, so many seconds ago, behind all that has come."""
        now = time.time_ns() + self._skew - round(ago * 1e9)
        return min(max(self._last_event + 1, now), _MAX_TIME)

    # The thread.

    def run_once(self) -> bool:
        """Do what is due; for the thread of this manager. Return whether to go on."""
        try:
            return self._step()
        # Any end of this thread must end the watches, or callers would wait in vain.
        except Exception as error:
            _log.exception("looking after the watches failed")
            self._end_all(XentaraError(f"looking after the watches failed: {error!r}"))
            return self._step()

    def _step(self) -> bool:
        reconnecting = self._connection()
        if reconnecting is None or reconnecting.closed:
            self._end_all(ConnectionLostError("the client has closed the connection"))
        if self._abandoned:
            with self.lock:
                self._release(*self._abandoned)
        self._unsubscribe()
        with self.lock:
            if not self._alive():
                self._pending.clear()
                self._subscribed_on = None
                self._running = False
                return False
        assert reconnecting is not None
        if self._eager:
            time.sleep(MIN_INTERVAL)
        self.drain()
        connection = self._subscribed_on
        if connection is not None and connection.ended is not None:
            self._gap(connection.ended, connection.silence)
        self._notify()
        if self._subscribed_on is None:
            self._reconnect(reconnecting)
            self._notify()
        return True

    def _notify(self) -> None:
        with self.lock:
            watchers = self._alive()
        for watcher in watchers:
            watcher.notify()

    def _gap(self, reason: XentaraError, silent: float) -> None:
        """Put the end of the connection into the data."""
        with self.lock:
            self._subscribed_on = None
            self._lost = reason
            # What was sent behind the last byte that came is lost.
            self._last_event = at = self._next_time(silent)
            for histories in self._routes.values():
                for history in histories:
                    history.append_error(max(at, (history.last_time or 0) + 1), str(reason))
            for watcher in self._alive():
                watcher.changed()

    def _reconnect(self, reconnecting: ReconnectingConnection) -> None:
        delay = FIRST_DELAY
        while not reconnecting.closed and self._watchers:
            try:
                self._resubscribe(reconnecting)
            except _FINAL as error:
                self._end_all(error)
                return
            except XentaraError as error:
                self._lost = error
            else:
                return
            until = time.monotonic() + delay * random.uniform(0.8, 1.2)
            delay = min(2 * delay, LONGEST_DELAY)
            while (left := until - time.monotonic()) > 0 and not reconnecting.closed:
                with suppress(queue.Empty):
                    self._wakeups.get(timeout=min(left, TICK))
                if not self._watchers:
                    return
                if reconnecting.ended is None:  # another call has connected
                    break

    def _end_all(self, reason: XentaraError) -> None:
        with self.lock:
            watchers = self._alive()
            for watcher in watchers:
                watcher.end(reason)
                del self._watchers[watcher.number]
                self._release(watcher.number)
        for watcher in watchers:
            watcher.notify()


def _abandon(reference: weakref.ref[SubscriptionManager], number: int) -> None:
    """Let the thread of a manager forget a watch that was dropped without being closed."""
    manager = reference()
    if manager is not None:
        manager.abandon(number)


def _command(shared: _Shared, targets: dict[UUID, list[AttributeId]]) -> Subscribe:
    maximum, minimum = shared.rates
    return Subscribe(
        tuple(SubscriptionTarget(element, tuple(ids)) for element, ids in targets.items()),
        maximum,
        minimum,
        shared.subscription_id,
    )


def _run(reference: weakref.ref[SubscriptionManager], wakeups: queue.SimpleQueue[None]) -> None:
    """Look after the watches of a client until there are none; the client may go meanwhile."""
    while True:
        with suppress(queue.Empty):
            wakeups.get(timeout=TICK)
        manager = reference()
        if manager is None or not manager.run_once():
            return
        del manager
