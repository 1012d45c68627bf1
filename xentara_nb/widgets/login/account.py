"""Who is logged in, kept beside the forms: a cell that is run again finds it, and asks nothing."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable

from xentara_nb.client import Client
from xentara_nb.errors import XentaraError
from xentara_nb.locking import Lock
from xentara_nb.writes.sub_session import SubSession


class Account:
    """A connection, since when it was made, and the sub-session on it."""

    def __init__(self) -> None:
        self.since: datetime.datetime | None = None
        self.session: SubSession | None = None
        self._client: Client | None = None
        self._lock = Lock()
        self._listeners: dict[Callable[[], object], None] = {}  # in the order as they came

    @property
    def client(self) -> Client | None:
        """The client; None when no one is logged in or the client was closed by hand."""
        client = self._client
        return None if client is None or client.closed else client

    def set_client(self, client: Client | None) -> None:
        """Take a connected client; the one before and its sub-session are logged out."""
        self._replace_session(None)
        since = None if client is None else datetime.datetime.now().astimezone()
        with self._lock:
            before, self._client, self.since = self._client, client, since
        if before is not None:
            before.close()
        self._notify()

    def set_session(self, session: SubSession | None) -> None:
        """Take a sub-session; the one before is logged out."""
        self._replace_session(session)
        self._notify()

    def listen(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call a function at every change; return what ends that."""
        self._listeners[callback] = None
        return lambda: self._listeners.pop(callback, None)

    def _replace_session(self, session: SubSession | None) -> None:
        with self._lock:
            before, self.session = self.session, session
        if before is not None:
            # A session that is gone already is what was wanted.
            with contextlib.suppress(XentaraError):
                before.close()

    def _notify(self) -> None:
        for callback in list(self._listeners):
            with contextlib.suppress(Exception):  # one form that is gone must not stop the others
                callback()


accounts: dict[str, Account] = {}  # of this kernel, by their names


def account(name: str) -> Account:
    """Return the account of a name, the same one as long as the kernel runs."""
    return accounts.setdefault(name, Account())
