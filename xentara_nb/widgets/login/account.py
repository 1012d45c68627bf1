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
    """A connection, and the sub-session on it.

    Attributes
    ----------
    client : Client or None
        The connected client.
    since, session_since : datetime or None
        When they were made.
    session : SubSession or None
        The sub-session on the connection.
    session_user : str
        Who is logged in to the sub-session, in words.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: Client | None = None
        self.since: datetime.datetime | None = None
        self.session: SubSession | None = None
        self.session_user = ""
        self.session_since: datetime.datetime | None = None
        self._listeners: list[Callable[[], object]] = []

    @property
    def client(self) -> Client | None:
        """The client, None when nobody is logged in or the client was closed by hand."""
        client = self._client
        return None if client is None or client.closed else client

    def enter(self, client: Client) -> None:
        """Take a connected client, in the place of any other."""
        self.leave(tell=False)
        with self._lock:
            self._client, self.since = client, datetime.datetime.now().astimezone()
        self._tell()

    def leave(self, *, tell: bool = True) -> None:
        """Log out of everything."""
        self.leave_session(tell=False)
        with self._lock:
            client, self._client, self.since = self._client, None, None
        if client is not None:
            client.close()
        if tell:
            self._tell()

    def enter_session(self, session: SubSession, user: str) -> None:
        """Take a sub-session, in the place of any other."""
        self.leave_session(tell=False)
        with self._lock:
            self.session, self.session_user = session, user
            self.session_since = datetime.datetime.now().astimezone()
        self._tell()

    def leave_session(self, *, tell: bool = True) -> None:
        """Log out of the sub-session."""
        with self._lock:
            session, self.session = self.session, None
            self.session_user, self.session_since = "", None
        if session is not None:
            # A session that is gone already is what was wanted.
            with contextlib.suppress(XentaraError):
                session.close()
        if tell:
            self._tell()

    def listen(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call a function at every change; return what ends that."""
        self._listeners.append(callback)

        def end() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(callback)

        return end

    def _tell(self) -> None:
        for callback in list(self._listeners):
            with contextlib.suppress(Exception):  # one form that is gone must not stop the others
                callback()


_accounts: dict[str, Account] = {}
_accounts_lock = threading.Lock()


def account(name: str) -> Account:
    """Return the account of a name, the same one as long as the kernel runs."""
    with _accounts_lock:
        return _accounts.setdefault(name, Account())
