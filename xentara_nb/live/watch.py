"""A watch: the changes of some attributes, from the moment that it was made."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Self

import pandas as pd

from xentara_nb.connection.deadline import check_seconds
from xentara_nb.errors import ConnectionLostError, DeadlineError, OptionError
from xentara_nb.latch import take
from xentara_nb.live.collection import KEEP, Change, Collection, Keep
from xentara_nb.live.routing import Key
from xentara_nb.live.shared import Rates
from xentara_nb.live.subscribing import SubscriptionManager
from xentara_nb.protocol.errors import XentaraError
from xentara_nb.protocol.text import quantity
from xentara_nb.queries.reading import ResolvedAttribute

_log = logging.getLogger(__name__)


class Watch(Collection):
    """The changes of some attributes; made by :meth:`Client.watch`, ended by leaving ``with``.

    Safe from several threads. What has come is kept while it is open and after it was closed. A
    connection that is lost is made again; the gap is in the data as a change without a value, whose
    error says why.

    Attributes
    ----------
    client : Client
        The client that it was made by, which is open as long as the watch is used.
    ended : XentaraError or None
        Why no more changes will come; None while they may.

    Examples
    --------
    >>> with client.watch("Plant.Line 1.Set point") as watch:
    ...     latest = watch.until(lambda latest: latest["value"].notna().all(), timeout=30)
    >>> watch.names, watch.dropped
    (['Plant.Line 1.Set point'], 0)
    """

    def __init__(
        self,
        client: object,
        manager: SubscriptionManager,
        attributes: Sequence[ResolvedAttribute],
        companions: Sequence[ResolvedAttribute],
        rates: Rates,
        keep: Keep = KEEP,
    ) -> None:
        super().__init__(attributes, companions, keep, manager.lock, manager.drain)
        self.client = client
        self._manager = manager
        self.number = 0
        self.rates = rates
        self.ended: XentaraError | None = None
        self._callbacks: dict[object, Callable[[Watch], object]] = {}
        self._waiting: set[queue.SimpleQueue[None]] = set()
        self._news = self._closed = False

    def open(self) -> None:
        """Subscribe; raises what :meth:`Client.watch` says."""
        try:
            self._manager.add(self)
        except BaseException:
            # Also when it was interrupted just behind that: who is told cannot close this.
            self._manager.remove(self)
            raise

    def close(self) -> None:
        """End the subscription; what has come is kept. Closing twice is no error.

        Examples
        --------
        >>> watch = client.watch("Plant.Line 1.Set point")
        >>> watch.close()
        >>> print(watch.ended)
        the watch is closed
        """
        if self.ended is None:
            self._closed = True
            try:
                self._manager.remove(self)
            except BaseException:
                self._manager.remove(self)  # interrupted, perhaps before it had begun
                raise
            finally:
                self.end(ConnectionLostError("the watch is closed"))
                self.notify()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self.close()
        except BaseException:
            self.close()  # interrupted, perhaps before it had begun
            raise

    def __repr__(self) -> str:
        count, kept = len(self.names), self.kept
        dropped = f", {self.dropped:,} dropped" if self.dropped else ""
        state = f"ended: {self.ended}" if self.ended else "lost" if self.lost else "open"
        return (
            f"<Watch of {quantity(count, 'attribute')}, {quantity(kept, 'change')} kept{dropped}, "
            f"{state}>"
        )

    @property
    def lost(self) -> XentaraError | None:
        """Why there is no connection at present; None while there is one."""
        return self.ended or self._manager.lost

    def __iter__(self) -> Iterator[Change]:
        """Give the changes as they come, from the first that is kept, until the watch ends.

        A packet that came late, behind a newer one of its attribute, is only in :meth:`changes`.
        So are all but the newest of those that come together, until the clock of a server that was
        set back is where it was before.

        Raises
        ------
        XentaraError
            If the watch ended and was not closed.
        """
        with self._listening() as news:
            yield from self._changes(news)

    def _changes(self, news: queue.SimpleQueue[None]) -> Iterator[Change]:
        after: dict[Key, int] = {}
        while True:
            ended = self.ended
            found = self.changes_after(after)
            yield from found
            if found:
                continue
            if ended is not None:
                if self._closed:
                    return
                raise ended
            take(news)

    def until(
        self, predicate: Callable[[pd.DataFrame], object], timeout: float | None = None
    ) -> pd.DataFrame:
        """Wait until something is true of the latest values; return them.

        Parameters
        ----------
        predicate : callable
            Is given :meth:`latest` now, and after changes.
        timeout : float, optional
            How long to wait, in seconds.

        Raises
        ------
        DeadlineError
            If it does not come true in time.
        OptionError
            If the predicate is no function or does not say yes or no, or the time-out is no time.
        XentaraError
            If the watch ends before.

        Examples
        --------
        >>> with client.watch("Plant.Line 1.Set point") as watch:
        ...     latest = watch.until(lambda latest: latest["value"].notna().all(), timeout=30)
        >>> latest["value"].tolist()
        [210.0]
        """
        if not callable(predicate):
            raise OptionError(
                f"the predicate is a function of the latest values, not {predicate!r}"
            )
        if timeout is not None:
            timeout = check_seconds("timeout", timeout, least=0)
        with self._listening() as news:
            return self._until(predicate, timeout, news)

    def _until(
        self,
        predicate: Callable[[pd.DataFrame], object],
        timeout: float | None,
        news: queue.SimpleQueue[None],
    ) -> pd.DataFrame:
        limit = None if timeout is None else time.monotonic() + timeout
        while True:
            ended = self.ended
            latest = self.latest()
            answer = predicate(latest)
            if isinstance(answer, pd.Series | pd.DataFrame):
                raise OptionError(
                    "the predicate gave an answer for each row and not one for all: let it end "
                    "with .all() or .any()"
                )
            if answer is not pd.NA and answer:  # of a value that is missing nothing is known
                return latest
            if ended is not None:
                raise ended
            left = None if limit is None else limit - time.monotonic()
            if left is not None and left <= 0:
                raise DeadlineError(f"what was waited for did not come within {timeout:g} s")
            with suppress(queue.Empty):
                take(news, limit)

    def on_change(self, callback: Callable[[Watch], object]) -> Callable[[], None]:
        """Call a function when changes have come; at most 50 times a second.

        It is called as ``callback(watch)`` by a thread of the client, also when the connection is
        lost or comes back and when the watch ends. It may use everything of the watch, and must
        not take long: other watches of the client wait for it. What it raises is logged, and it
        is not called again.

        Returns
        -------
        callable
            Ends that; may be called twice.

        Parameters
        ----------
        callback : callable
            Is given the watch.

        Examples
        --------
        >>> import queue
        >>> changed = queue.Queue()
        >>> with client.watch("Plant.Line 1.Set point") as watch:
        ...     stop = watch.on_change(changed.put)
        ...     changed.get(timeout=30) is watch
        ...     stop()
        True
        """
        if not callable(callback):
            raise OptionError(f"what is called on changes is a function, not {callback!r}")
        token = object()
        self._callbacks[token] = callback
        self._manager.notify_at_once()

        def stop() -> None:
            self._callbacks.pop(token, None)
            self._manager.notify_at_once()

        return stop

    @contextmanager
    def _listening(self) -> Iterator[queue.SimpleQueue[None]]:
        """Give a queue that has an entry when something has changed."""
        news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._waiting.add(news)
        try:
            self._manager.notify_at_once()
            yield news
        finally:
            self._waiting.discard(news)

    # For the manager.

    @property
    def waited_for(self) -> bool:
        """Whether someone wants to know of changes at once."""
        return bool(self._callbacks or self._waiting)

    def changed(self) -> None:
        """Take note that something has come, or that a connection was lost or made."""
        super().changed()
        self._news = True

    def end(self, reason: XentaraError) -> None:
        """Take note that no more changes will come; the first reason counts."""
        if self.ended is None:
            self.ended = reason
        self._news = True

    def notify(self) -> None:
        """Tell those who want to know of changes, if there are any."""
        if not self._news:
            return
        self._news = False
        for news in list(self._waiting):
            news.put(None)
        for token, callback in list(self._callbacks.items()):
            try:
                callback(self)
            except Exception:
                _log.exception("a function that was to be called on changes failed")
                self._callbacks.pop(token, None)
