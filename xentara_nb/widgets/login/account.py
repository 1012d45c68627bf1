"""Who is logged in, kept beside the forms: a cell that is run again finds it, and asks nothing."""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Callable

from xentara_nb.client import Client
from xentara_nb.errors import XentaraError
from xentara_nb.writes.sub_session import SubSession


class Account:
    """A connection since when it was made, and the sub-session on it."""

    def __init__(self) -> None:
        self.since: datetime.datetime | None = None
        self.session: SubSession | None = None
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], object]] = []

    @property
    def client(self) -> Client | None:
        """The client; None when no one is logged in or the client was closed by hand."""
        client = self._client
        return None if client is None or client.closed else client

    def enter(self, client: Client) -> None:
        """Take a connected client, in the place of any other."""
        self._close()
        with self._lock:
            self._client, self.since = client, datetime.datetime.now().astimezone()
        self._notify()

    def leave(self) -> None:
        """Log out of everything."""
        self._close()
        self._notify()

    def enter_session(self, session: SubSession) -> None:
        """Take a sub-session, in the place of any other."""
        self._close_session()
        with self._lock:
            self.session = session
        self._notify()

    def leave_session(self) -> None:
        """Log out of the sub-session."""
        self._close_session()
        self._notify()

    def listen(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call a function at every change; return what ends that."""
        self._listeners.append(callback)

        def end() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(callback)

        return end

    def _close(self) -> None:
        self._close_session()
        with self._lock:
            client, self._client, self.since = self._client, None, None
        if client is not None:
            client.close()

    def _close_session(self) -> None:
        with self._lock:
            session, self.session = self.session, None
        if session is not None:
            # A session that is gone already is what was wanted.
            with contextlib.suppress(XentaraError):
                session.close()

    def _notify(self) -> None:
        for callback in list(self._listeners):
            with contextlib.suppress(Exception):  # one form that is gone must not stop the others
                callback()


accounts: dict[str, Account] = {}
"""The accounts of this kernel, by their names."""


def account(name: str) -> Account:
    """Return the account of a name, the same one as long as the kernel runs."""
    return accounts.setdefault(name, Account())
