"""A sub-session: another user logged in on the same connection, whose rights are needed as well."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from xentara_nb.connection.connection import Connection
from xentara_nb.connection.credentials import Credentials, checked
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.reconnecting import ReconnectingConnection
from xentara_nb.connection.tls import fingerprint_of
from xentara_nb.errors import (
    ConnectionLostError,
    OptionError,
    ServerError,
    WriteRefusedError,
    XentaraError,
)
from xentara_nb.locking import Lock
from xentara_nb.protocol.commands import (
    Authentication,
    Certificate,
    CloseSubSession,
    Command,
    CreateSubSession,
    Password,
    Token,
)
from xentara_nb.protocol.errors import UnknownSessionIdError, result_of
from xentara_nb.protocol.secret import Secret, SecretLike
from xentara_nb.protocol.text import safe
from xentara_nb.tables.coercion import with_article


class SubSession:
    """A log-in beside that of the connection; made by :meth:`Client.sub_session`.

    What is done with it needs the rights of the connection and its own. It ends with its ``with``
    block, and with the connection that it was made on, of which it is a part.

    Attributes
    ----------
    id : uuid.UUID
        Its id on the server. Anyone who knows it can write with it over the same connection, so it
        is not shown.
    who : str
        Who is logged in.
    since : datetime.datetime
        Since when, in UTC.

    Examples
    --------
    >>> with client.sub_session(user="operator", password="operator-demo") as session:
    ...     session.who, session.ended
    ('operator', None)
    """

    def __init__(
        self,
        session_id: UUID,
        who: str,
        connection: Connection,
        timeout: float,
        write: Callable[..., Any],
    ) -> None:
        self.id = session_id
        self.who = who
        self.since = datetime.now(UTC)
        self._connection = connection
        self._timeout = timeout
        self._write = write
        self._closed: str | None = None
        replace(session_id, connection)
        with _lock:
            _open[session_id, id(connection)] = self

    @property
    def ended(self) -> str | None:
        """Why it cannot be used any more; None while it can."""
        if self._closed is not None:
            return self._closed
        if self._connection.ended is not None:
            return f"it ended with its connection ({self._connection.ended})"
        return None

    def connection(self) -> Connection:
        """Return the connection that it belongs to; WriteRefusedError if it has ended."""
        if (ended := self.ended) is not None:
            raise WriteRefusedError(
                f"the sub-session of {self.who} cannot be used any more: {ended}. Nothing was "
                "sent; log in again with client.sub_session(...)"
            )
        return self._connection

    def write(self, element: Any, value: object, attribute: Any = None, **options: Any) -> Any:
        """Write one value with the rights of this sub-session as well.

        Parameters
        ----------
        element, value, attribute, **options
            As for :meth:`Client.write`.

        Returns
        -------
        WriteResult

        Raises
        ------
        WriteRefusedError
            If the sub-session has ended; and all that :meth:`Client.write` raises.

        Examples
        --------
        >>> with client.sub_session(user="operator", password="operator-demo") as session:
        ...     session.write("Plant.Line 3.Set point", 210).outcome
        <Outcome.VERIFIED: 'VERIFIED'>
        """
        if attribute is not None:  # left out, a row says which one
            options["attribute"] = attribute
        return self._write(element, value, session=self, **options)

    def close(self) -> None:
        """Log out. Nothing happens if it has ended already.

        Raises
        ------
        DeadlineError, ServerError
            If the server did not confirm it. It ends with the connection at the latest.

        Examples
        --------
        >>> session = client.sub_session(user="operator", password="operator-demo")
        >>> session.close()
        >>> session.ended
        'it was closed'
        """
        if self.ended is None:
            self.end("it was closed")
            # The server has ended it already, or it ends with its connection just now.
            with suppress(UnknownSessionIdError, ConnectionLostError):
                # On its own connection, and no other: there it ended with the first.
                _ask(self._connection, CloseSubSession(self.id), self._timeout)

    def end(self, reason: str) -> None:
        """Take note that the server has ended it. Nothing is sent."""
        self._closed = self._closed or reason

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        try:
            self.close()
        except XentaraError as problem:
            if error is None:
                raise
            error.add_note(f"and the sub-session could not be closed: {problem}")

    def __repr__(self) -> str:
        state = f"ended: {self.ended}" if self.ended else f"since {self.since:%Y-%m-%d %H:%M:%SZ}"
        return safe(f"<Sub-session of {self.who}, {state}>")


# By id and connection, which lives as long as its sub-session.
_open: weakref.WeakValueDictionary[tuple[UUID, int], SubSession] = weakref.WeakValueDictionary()
_lock = Lock()


def replace(session_id: UUID, connection: Connection) -> None:
    """End the sub-session whose id another one on the same connection has taken.

    Its id is still valid, but what is written with it would be written as another user.
    """
    with _lock:
        replaced = _open.pop((session_id, id(connection)), None)
    if replaced is not None:
        replaced.end("another one was made with its id")


def who_is(authentication: Authentication) -> str:
    """Return who logs in with a password, a certificate or a token."""
    if isinstance(authentication, Password):
        return authentication.user
    if isinstance(authentication, Certificate):
        fingerprint = fingerprint_of(authentication.der)
        return f"the holder of certificate {fingerprint[:23]}… (SHA-256)"
    return "the bearer of a token"


def authentication(
    user: SecretLike | None,
    password: SecretLike | None,
    token: SecretLike | None,
    certificate: bytes | None,
) -> Authentication:
    """Return the way to log in that the arguments give; OptionError if not exactly one."""
    user, password, token = map(Secret.of, (user, password, token))
    if (certificate, token) == (None, None) and user is not None and password is not None:
        given = checked(Credentials(user.reveal(), password), colon=True)
        assert given.user is not None
        assert given.password is not None
        return Password(given.user, given.password)
    if (user, password, certificate) == (None, None, None) and token is not None:
        given = checked(Credentials(token=token))
        assert given.token is not None
        return Token(given.token)
    if (user, password, token) == (None, None, None) and certificate is not None:
        return Certificate(bytes(certificate))
    raise OptionError(
        "log in to a sub-session in one way: user= and password=, or token=, or certificate="
    )


def log_in(
    connection: Connection,
    how: Authentication,
    desired_id: UUID | None,
    *,
    timeout: float,
    write: Callable[..., Any],
) -> SubSession:
    """Log in to a sub-session on a connection; AccessDeniedError if the server refuses."""
    who = who_is(how)
    try:
        session_id = _ask(connection, CreateSubSession(how, desired_id), timeout)
    except ServerError as error:
        raise error.within(f"sub-session of {who}") from None
    return SubSession(session_id, who, connection, timeout, write)


def _ask(connection: Connection, command: Command[Any], timeout: float) -> Any:
    (answer,) = connection.execute([command], Deadline(timeout))
    return result_of(answer, command.name)


SessionLike = SubSession | UUID
"""A sub-session, or the id of one."""


def id_of(session: SessionLike | None) -> UUID | None:
    """Return the id of a session."""
    return session.id if isinstance(session, SubSession) else session


def user_of(session: SessionLike | None) -> str | None:
    """Return who is logged in to a session; its id alone does not say."""
    if session is None:
        return None
    return session.who if isinstance(session, SubSession) else "a sub-session"


def connection_for(reconnecting: ReconnectingConnection, session: SessionLike | None) -> Connection:
    """Return the connection to send on, with a session or without.

    Raises :class:`WriteRefusedError` if the session has ended, or belongs to another client, or is
    none. Nothing was sent.
    """
    if session is None or isinstance(session, UUID):
        return reconnecting.connection()
    if not isinstance(session, SubSession):
        raise WriteRefusedError(
            "session= is what client.sub_session(...) gives, or the UUID of a sub-session, not "
            f"{with_article(type(session).__name__)}. Nothing was sent"
        )
    connection = session.connection()
    if reconnecting.connection() is not connection:
        # Either another client made it, or it ended just now.
        session.connection()
        raise WriteRefusedError(
            f"the sub-session of {session.who} belongs to another client. Nothing was sent"
        )
    return connection
