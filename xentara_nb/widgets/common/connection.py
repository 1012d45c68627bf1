"""What a form shows of its client's connection: that it has ended and why, and that it is back.

While forms look at a client without a connection, one thread connects it again, now and then.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

from xentara_nb.client import Client
from xentara_nb.errors import (
    CertificateNotTrustedError,
    ConnectionForbiddenError,
    LoginError,
    XentaraError,
)
from xentara_nb.locking import Lock
from xentara_nb.widgets.common.style import button, row, show
from xentara_nb.widgets.common.tasks import Notice, TaskRunner

BACK_OFF = (0.5, 1.0, 2.0, 4.0, 8.0)
"""How long to wait before the first attempt, the second and so on, in seconds."""

CONNECT_AGAIN = (
    "This client is closed. Connect again with xentara_nb.connect(...), and run this cell again."
)
LOG_IN_AGAIN = "No one is logged in any more. Log in with the log-in form: this form works then."

_FINAL = (CertificateNotTrustedError, ConnectionForbiddenError, LoginError)
"""What another attempt does not change; many wrong log-ins lock an account."""


class ConnectionWatch:
    """Shows whether a client is connected, and has it connect again while it is not.

    ``changed`` is called in a thread of the form whenever that has changed; ``closed`` is what to
    do about a client that was closed.
    """

    def __init__(
        self, tasks: TaskRunner, changed: Callable[[], object], closed: str = CONNECT_AGAIN
    ) -> None:
        self._tasks, self._changed, self._closed = tasks, changed, closed
        self._client: Client | None = None
        self._stop: Callable[[], None] | None = None
        self.text = Notice()
        self.button = button("Connect now")
        self.button.on_click(tasks.handler(self._connect_now))
        self.box = row(self.text, self.button)
        show(self.box, False)

    @property
    def reason(self) -> XentaraError | None:
        """Why there is no connection; None if there is one, or no client."""
        return None if self._client is None else self._client.ended

    @property
    def available(self) -> bool:
        """Whether there is a client that is connected."""
        return self._client is not None and self._client.ended is None

    def follow(self, client: Client | None) -> None:
        """Look at this client instead of any other."""
        if client is self._client:
            return
        self.close()
        self._client = client
        if client is not None:
            self._stop = client.on_connection_change(lambda reason: self.look())
            _reconnector(client).watches.add(self)
        self._show()

    def look(self) -> None:
        """See how it is now; soon, and in a thread."""
        self._tasks.run_latest("connection", lambda wanted: self._look())

    def close(self) -> None:
        """Look no more."""
        if self._client is not None and self._stop is not None:
            self._stop()
            _reconnector(self._client).leave(self)
        self._client = self._stop = None

    def _look(self) -> None:
        self._show()
        self._changed()

    def _show(self) -> None:
        client, reason = self._client, self.reason
        show(self.box, reason is not None)
        if client is None or reason is None:
            self.text.clear()
            return
        show(self.button, not client.closed)
        if client.closed:
            text = self._closed
        elif (error := _reconnector(client).error) is not None:
            text = f"Not connected: {error}. There is no further attempt by itself."
        else:
            text = f"Not connected: {reason}. Connecting again …"
            _reconnector(client).start()
        self.text.say(text, "error")

    def _connect_now(self) -> None:
        if self._client is not None:
            _reconnector(self._client).now()


class _Reconnector:
    """Connects a client again, one attempt at a time, for all the forms that look at it."""

    def __init__(self, client: Client) -> None:
        self._client = weakref.ref(client)
        self.watches: weakref.WeakSet[ConnectionWatch] = weakref.WeakSet()
        self.error: XentaraError | None = None  # why there are no more attempts
        self._wake = threading.Event()
        self._lock = Lock()  # guards the next one
        self._running = False

    def leave(self, watch: ConnectionWatch) -> None:
        """Connect no more for a form that is gone."""
        self.watches.discard(watch)
        if not self.watches:
            self._wake.set()

    def start(self) -> None:
        """Begin to connect, unless that is under way."""
        with self._lock:
            if self._running:
                return
            self._running = True
        threading.Thread(target=self._run, name="xentara form: reconnect", daemon=True).start()

    def now(self) -> None:
        """Try at once, also where it was given up."""
        self.error = None
        self._wake.set()
        self.start()

    def _run(self) -> None:
        failures = 0
        while self._is_needed():
            self._wake.wait(BACK_OFF[min(failures, len(BACK_OFF) - 1)])
            self._wake.clear()
            client = self._client()
            if client is None or not self._is_needed():
                return
            try:
                client.get_stage()
            except _FINAL as error:
                self.error = error
                for watch in list(self.watches):
                    watch.look()
            except XentaraError:
                failures += 1
            del client  # so that waiting keeps none alive that is no longer used

    def _is_needed(self) -> bool:
        with self._lock:
            client = self._client()
            self._running = (
                client is not None
                and not client.closed
                and client.ended is not None
                and self.error is None
                and len(self.watches) > 0
            )
            return self._running


_reconnectors: weakref.WeakKeyDictionary[Client, _Reconnector] = weakref.WeakKeyDictionary()
_reconnectors_lock = Lock()


def _reconnector(client: Client) -> _Reconnector:
    with _reconnectors_lock:
        found = _reconnectors.get(client)
        if found is None:
            found = _reconnectors[client] = _Reconnector(client)
        return found
