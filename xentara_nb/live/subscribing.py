"""The subscriptions of a client's watches: shared, made again after a loss, their events routed.

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
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

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
from xentara_nb.live.routing import EventRouter, Key
from xentara_nb.live.shared import SharedSubscription, Watcher
from xentara_nb.locking import Lock
from xentara_nb.protocol.codec.attribute_lists import ListRequests
from xentara_nb.protocol.commands import DataChange, Unsubscribe
from xentara_nb.protocol.errors import MissingAttributeError
from xentara_nb.protocol.values import AttributeId
from xentara_nb.queries.model_cache import with_id
from xentara_nb.tables.frames import error_text

TICK = 1.0
"""How long events may wait undecoded, in seconds; memory of them is bounded by this too."""

MAX_UNDECODED = 20_000
"""How many events wait undecoded before they are decoded."""

MIN_INTERVAL = 0.02
"""The shortest time between two notices of changes, in seconds."""

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
"""How long to wait before connecting again, in seconds: at first, and at most."""

# Without a person who does something, these stay as they are; and a password that is wrong may lock
# the account when it is sent again and again.
_FINAL = (LoginError, ConnectionForbiddenError, CertificateNotTrustedError)

_log = logging.getLogger(__name__)


class SubscriptionManager:
    """The subscriptions of the watches of one client.

    It does not keep its client's connection; a watch does, by its client.
    """

    def __init__(self) -> None:
        # The garbage collector may close a watch in the very thread that holds it.
        self.lock = Lock()
        self._connection: Callable[[], ReconnectingConnection | None] = lambda: None
        self._router = EventRouter()
        # One entry wakes the thread up. A queue of this kind waits in C as a whole.
        self._wakeups: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._signalled = False
        self._eager = False
        self._watchers: dict[int, weakref.ref[Watcher]] = {}
        self._numbers = itertools.count(1)
        self._abandoned = False
        self._shared: list[SharedSubscription] = []
        self._ended: list[UUID] = []
        self._running = False
        self._subscribed_on: Connection | None = None
        self._lost: XentaraError | None = None

    def attach(self, connection: ReconnectingConnection) -> None:
        """Take the connection of the client."""
        self._connection = weakref.ref(connection)

    # For the reader thread: these never wait.

    def take_message(self, message: bytes) -> bool:
        """Put a message of events aside; False if it is to be decoded by the generic decoder."""
        if not self._watchers or not self._router.put_message(message):
            return False
        self._signal()
        return True

    def take(self, event: DataChange) -> None:
        """Put aside an event that is decoded already."""
        if self._watchers:
            self._router.put(event)
            self._signal()

    def connection_ended(self, reason: XentaraError) -> None:
        """Take note that the connection has ended."""
        self._lost = reason
        self._wake()

    def _signal(self) -> None:
        if not self._signalled and (self._eager or self._router.pending >= MAX_UNDECODED):
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
        connection = self._connection()
        if connection is None:
            raise ConnectionLostError("the client of this watch is no more")
        with self.lock:
            self.drain()
            watcher.number = next(self._numbers)
            self._watchers[watcher.number] = weakref.ref(watcher)
            weakref.finalize(watcher, _abandon, weakref.ref(self)).atexit = False
            self._router.follow(watcher.histories.items())
        try:
            self._subscribe_for(watcher, connection)
            self._start(connection.address.netloc)
        except BaseException:
            self.remove(watcher)
            raise

    def _start(self, server: str) -> None:
        """Start the thread, if it does not run."""
        with self.lock:
            if self._running:
                return
            thread = threading.Thread(
                target=_run,
                args=(weakref.ref(self), self._wakeups),
                name=f"xentara watch {server}",
                daemon=True,
            )
            # No interrupt comes between these two; and one in the middle of Thread.start() would
            # leave a thread that hangs.
            self._running = True
            _thread.start_new_thread(thread.start, ())

    def remove(self, watcher: Watcher) -> None:
        """End the subscriptions that only this watch has."""
        try:
            with self.lock:
                self.drain()
                if self._watchers.pop(watcher.number, None) is None:
                    return
                self._release()
            self._unsubscribe()
        except BaseException:
            # Interrupted: the thread does what is left to do.
            self._watchers.pop(watcher.number, None)
            self._abandoned = True
            raise
        finally:
            self._wake()

    def close(self) -> None:
        """End all watches, for their client is closed; what has come is kept."""
        with suppress(Exception):  # what cannot be decoded must not keep them from ending
            self.drain()
        self._end_all(ConnectionLostError("the client has closed the connection"))

    def abandon(self) -> None:
        """Take note that a watch is no more; for the garbage collector, so it takes no lock."""
        self._abandoned = True
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
            if self._router.drain():
                for watcher in self._alive():
                    watcher.changed()

    def _alive(self) -> list[Watcher]:
        found = []
        for number, reference in list(self._watchers.items()):
            watcher = reference()
            if watcher is not None:
                found.append(watcher)
            else:
                del self._watchers[number]
        return found

    def _release(self) -> None:
        """Forget the watches that are no more; what only they had is to be unsubscribed."""
        self._abandoned = False
        alive = self._alive()
        self._router.keep([each for one in alive for each in one.histories.values()])
        for shared in self._shared:
            shared.watchers.intersection_update(one.number for one in alive)
        left = [shared for shared in self._shared if shared.watchers]
        self._ended += [shared.subscription_id for shared in self._shared if shared not in left]
        self._shared = left

    def _unsubscribe(self) -> None:
        """End on the server what no watch has any more."""
        reconnecting = self._connection()
        ended: list[UUID] = []
        try:
            with self.lock:
                ended, self._ended = self._ended, []
            if ended and reconnecting is not None and reconnecting.ended is None:
                deadline = Deadline(reconnecting.timeout)
                commands = [Unsubscribe(each) for each in ended]
                # Either way they have ended on the server.
                with suppress(XentaraError):
                    reconnecting.connection(deadline).execute(commands, deadline)
            ended = []
        finally:
            self._ended += ended  # interrupted: the next one does it

    # Subscribing.

    def _subscribe_for(self, watcher: Watcher, reconnecting: ReconnectingConnection) -> None:
        connection = reconnecting.connection()
        with self.lock:
            wanted = self._share_with(watcher)
            if not wanted:
                return
            targets: dict[UUID, list[AttributeId]] = {}
            for element, attribute_id in wanted:
                targets.setdefault(element, []).append(attribute_id)
            new = SharedSubscription(uuid.uuid4(), watcher.rates, targets, {watcher.number})
            self._shared.append(new)
            if self._subscribed_on is None and self._shared == [new]:
                self._subscribed_on, self._lost = connection, None
        deadline = Deadline(reconnecting.timeout)
        for answer in connection.execute([new.command(targets)], deadline):
            if isinstance(answer, ServerError):
                raise answer.within("subscribe")

    def _share_with(self, watcher: Watcher) -> list[Key]:
        """Let a watch follow the subscriptions of others; return what none of them has."""
        wanted = dict.fromkeys(watcher.histories)
        # What no other watch follows has no present value here to begin with.
        followed = {
            key: others
            for key, own in watcher.histories.items()
            if (others := self._router.others(key, own))
        }
        for shared in self._shared:
            if shared.rates != watcher.rates:
                continue
            if found := shared.keys & followed.keys() & wanted.keys():
                shared.watchers.add(watcher.number)
                for key in found:
                    del wanted[key]
                    watcher.histories[key].begin_as(followed[key][0])
        return list(wanted)

    def _resubscribe(self, reconnecting: ReconnectingConnection) -> None:
        """Make all subscriptions on a fresh connection, without what is not there any more."""
        connection = reconnecting.connection()
        with self.lock:
            shared = list(self._shared)
        elements = list(dict.fromkeys(each for one in shared for each in one.targets))
        answers = zip(elements, reconnecting.ask(ListRequests(elements)), strict=True)
        found = dict(answers)
        gone: dict[Key, str] = {}
        for one in shared:
            targets: dict[UUID, list[AttributeId]] = {}
            for element, attribute_id in one.keys:
                answer = found[element]
                if isinstance(answer, ServerError):
                    gone[element, attribute_id] = error_text(answer)
                elif with_id(answer.attributes or (), attribute_id):
                    targets.setdefault(element, []).append(attribute_id)
                else:
                    gone[element, attribute_id] = error_text(MissingAttributeError())
            if not targets:
                continue
            deadline = Deadline(reconnecting.timeout)
            for answer in connection.execute([one.command(targets)], deadline):
                if isinstance(answer, ServerError):
                    raise ConnectionLostError(f"subscribe: {answer}")
        with self.lock:
            self.drain()
            self._router.add_errors(gone)
            self._subscribed_on, self._lost = connection, None
            for watcher in self._alive():
                watcher.changed()

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
            self.close()
        if self._abandoned:
            with self.lock:
                self._release()
        self._unsubscribe()
        with self.lock:
            if not self._alive():
                self._router.forget_pending()
                self._subscribed_on = None
                self._running = False
                return False
        assert reconnecting is not None
        if self._eager:
            time.sleep(MIN_INTERVAL)
        self.drain()
        connection = self._subscribed_on
        if connection is not None and connection.ended is not None:
            self._gap(connection, connection.ended)
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

    def _gap(self, connection: Connection, reason: XentaraError) -> None:
        """Put the end of the connection into the data."""
        with self.lock:
            self._subscribed_on = None
            self._lost = reason
            # What was sent behind the last byte that came is lost.
            self._router.add_error(str(reason), connection.silence)
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
            self._release()
        for watcher in watchers:
            watcher.notify()


def _abandon(reference: weakref.ref[SubscriptionManager]) -> None:
    """Let the thread of a manager forget a watch that was dropped without being closed."""
    manager = reference()
    if manager is not None:
        manager.abandon()


def _run(reference: weakref.ref[SubscriptionManager], wakeups: queue.SimpleQueue[None]) -> None:
    """Look after the watches of a client until there are none; the client may go meanwhile."""
    while True:
        with suppress(queue.Empty):
            wakeups.get(timeout=TICK)
        manager = reference()
        if manager is None or not manager.run_once():
            return
        del manager
