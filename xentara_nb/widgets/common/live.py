"""Values that follow the server: one thread, by subscription where possible, else by reading.

An event only says that it is time to read again: so there is one form of values, and a server
that sends events in thousands costs two reads a second.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import ipywidgets
import pandas as pd

from xentara_nb.client import Client
from xentara_nb.errors import DeadlineError, XentaraError
from xentara_nb.locking import Lock
from xentara_nb.protocol.errors import ServerError
from xentara_nb.queries.subscriptions import Subscription
from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.connection import BACK_OFF
from xentara_nb.widgets.common.style import badge
from xentara_nb.widgets.common.tasks import lasting_context, start_thread

# All in seconds.
SHORTEST = 0.5  # between two reads, at least
POLLING = 1.0  # between two reads where the server gives no events
QUIET = 5.0  # without a read, at most: changes that give no event are seen after it


class PlainHtml(notebook.CountedViews, ipywidgets.HTML):
    """HTML that is drawn again with every change, where there is no anywidget."""


def live_html() -> Any:
    """Return a widget for HTML that changes."""
    if find_spec("anywidget") is None:
        return PlainHtml()
    from xentara_nb.widgets.common.live_html import LiveHtml

    return LiveHtml()


class Live:
    """Reads some attributes again and again, as long as they can be seen.

    Without a connection it waits for :meth:`refresh`, which its form calls at each change of it.
    ``show`` is called in the thread with the frame that ``client.read`` gives; it fills ``text``.
    """

    def __init__(self, client: Client, show: Callable[[pd.DataFrame], object]) -> None:
        self._client, self._show = client, show
        self._context = lasting_context()
        self.text = live_html()
        self.state = ipywidgets.HTML()
        self._rows: pd.DataFrame | None = None
        self._wake = threading.Event()
        self._closed = False
        self._lock = Lock()
        self._thread: threading.Thread | None = None
        self._subscription: Subscription | None = None
        self._has_events = True

    def follow(self, rows: pd.DataFrame | None) -> None:
        """Follow these attributes, rows of an inventory, instead of any others."""
        with self._lock:
            self._rows = None if rows is None or rows.empty else rows
            if self._thread is None and not self._closed and self._rows is not None:
                self._thread = start_thread("xentara live values", self._run, self._context)
        self._wake.set()

    def refresh(self) -> None:
        """Read now."""
        self._wake.set()

    def close(self) -> None:
        """Stop; the thread ends by itself."""
        self._closed = True
        self._wake.set()

    def _run(self) -> None:
        subscribed: pd.DataFrame | None = None
        failures = 0
        while not self._closed and not self._client.closed:
            self._wake.clear()
            rows = self._rows
            if self._client.ended is not None and rows is not None:
                # The form connects again, and lets it read then.
                self._subscription, subscribed = None, None
                self._not_live("not connected")
                self._wake.wait()
                continue
            if rows is None or not self.text.is_visible:
                self._unsubscribe()
                subscribed = None
                self._wake.wait(SHORTEST)
                continue
            try:
                if rows is not subscribed:
                    self._unsubscribe()
                    self._subscribe(rows)
                    subscribed = rows
                frame = self._client.read(rows)
                if rows is self._rows and not self._closed:
                    self._show(frame)
                    self.state.value = badge("live", "ok")
                failures = 0
                self._wait()
            except XentaraError as error:
                # Subscriptions do not outlive their connection.
                self._subscription, subscribed = None, None
                self._not_live(error)
                self._wake.wait(BACK_OFF[min(failures, len(BACK_OFF) - 1)])
                failures += 1
        self._not_live("the client is closed")
        self._unsubscribe()

    def _not_live(self, reason: object) -> None:
        if not self._closed:
            self.state.value = badge(f"not live: {reason}", "error")

    def _subscribe(self, rows: pd.DataFrame) -> None:
        if not self._has_events:
            return
        try:
            self._subscription = self._client.subscribe(
                rows, maximum_update_rate=int(SHORTEST * 1000)
            )
        except ServerError:
            self._has_events = False

    def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None and self._client.ended is None:
            with contextlib.suppress(XentaraError):
                subscription.unsubscribe()

    def _wait(self) -> None:
        """Wait until it is time to read again."""
        if self._subscription is None:
            self._wake.wait(POLLING)
            return
        end = time.monotonic() + QUIET
        self._wake.wait(SHORTEST)
        while not self._wake.is_set() and time.monotonic() < end:
            with contextlib.suppress(DeadlineError):
                self._subscription.next_event(SHORTEST)
                # One read answers for all that came meanwhile.
                for _ in self._subscription.events(0):
                    pass
                return
