"""The part of the client that changes the server's stage, and logs in to sub-sessions."""

from __future__ import annotations

from uuid import UUID

from xentara_nb.client.data import Data
from xentara_nb.connection.deadline import Deadline
from xentara_nb.errors import AddressError
from xentara_nb.protocol.commands import (
    Authentication,
    Certificate,
    CloseSubSession,
    Command,
    CreateSubSession,
    GetStage,
    Password,
    Resume,
    Shutdown,
    Suspend,
    Token,
)
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import Stage
from xentara_nb.writes.sub_session import (
    SessionLike,
    SubSession,
    connection_for,
    id_of,
    replace,
    who_is,
)


class Control(Data):
    """get_stage, resume, suspend, shutdown, and sub-sessions."""

    def get_stage(self) -> Stage | int:
        """Return the operational stage of the server (the manual's get_stage).

        Returns
        -------
        Stage
            Such as ``Stage.OPERATIONAL``; a number if this version does not know it.
        """
        stage: int = self._ask_one(GetStage(), "get_stage")
        self._stage = stage
        return stage

    def resume(self, *, session: SessionLike | None = None) -> None:
        """Take a suspended server back to operational (the manual's resume).

        Raises
        ------
        AccessDeniedError, InvalidStageChangeRequestError
            If the user may not do it, or the server is not suspended.
        """
        self._change_stage(Resume(self._session_id(session)))

    def suspend(self, *, session: SessionLike | None = None) -> None:
        """Take an operational server to suspended: its plant stops (the manual's suspend).

        Raises
        ------
        AccessDeniedError, InvalidStageChangeRequestError
            If the user may not do it, or the server is not operational.
        """
        self._change_stage(Suspend(self._session_id(session)))

    def shutdown(self, *, session: SessionLike | None = None) -> None:
        """End the server (the manual's shutdown).

        Raises
        ------
        AccessDeniedError, InvalidStageChangeRequestError
            If the user may not do it, or the server is ending already.
        """
        self._change_stage(Shutdown(self._session_id(session)))

    def create_sub_session(
        self,
        *,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
        certificate: bytes | None = None,
        desired_id: UUID | None = None,
    ) -> UUID:
        """Log in to a sub-session (the manual's create_sub_session).

        Parameters
        ----------
        user, password : str, optional
            Log in with a password.
        token : str, optional
            Log in with an OAuth 2.0 token.
        certificate : bytes, optional
            Log in with a certificate in DER form.
        desired_id : uuid.UUID, optional
            The id that the session shall have; one that exists is replaced, and ends.

        Returns
        -------
        uuid.UUID
            The session's id, for ``write(..., session=...)``. It ends with the connection.

        Raises
        ------
        AccessDeniedError
            If the server does not accept the log-in.
        AddressError
            If not exactly one way to log in is given.
        """
        command = CreateSubSession(_authentication(user, password, token, certificate), desired_id)
        connection = self._link.connection()
        session: UUID = self._send_once(command, "create_sub_session")
        replace(session, connection)
        return session

    def close_sub_session(self, session: UUID) -> None:
        """Log out of a sub-session (the manual's close_sub_session).

        Raises
        ------
        UnknownSessionIdError
            If there is no such session on this connection.
        """
        self._send_once(CloseSubSession(session), "close_sub_session")

    def sub_session(
        self,
        *,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
        certificate: bytes | None = None,
        desired_id: UUID | None = None,
    ) -> SubSession:
        """Log in to a sub-session that closes itself (the manual's create_sub_session).

        Parameters
        ----------
        user, password, token, certificate, desired_id
            As for :meth:`create_sub_session`.

        Returns
        -------
        SubSession
            For ``with``: it is closed at the end, whatever happens. ``session.write(...)`` and
            ``plan.apply(session=session)`` need its rights as well as those of the connection.
            When the connection is lost it ends, and says so; nothing is sent with it then.

        Raises
        ------
        AccessDeniedError
            If the server does not accept the log-in.
        AddressError
            If not exactly one way to log in is given.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect(journal=False) as client:
        ...     with client.sub_session(user="operator", password="operator-demo") as session:
        ...         result = session.write("Plant.Line 1.Set point", 195)
        >>> session
        <Sub-session of operator, ended: it was closed>
        """
        authentication = _authentication(user, password, token, certificate)
        connection = self._link.connection()
        command = CreateSubSession(authentication, desired_id)
        (answer,) = connection.execute([command], Deadline(self._link.timeout))
        if isinstance(answer, ServerError):
            raise answer.within(f"sub-session of {who_is(authentication)}")

        def close(session_id: UUID) -> None:
            # On its own connection, and no other: there it ended with the first.
            (problem,) = connection.execute(
                [CloseSubSession(session_id)], Deadline(self._link.timeout)
            )
            if isinstance(problem, ServerError):
                raise problem.within("close_sub_session")

        return SubSession(answer, who_is(authentication), connection, write=self.write, close=close)

    def _session_id(self, session: SessionLike | None) -> UUID | None:
        if session is not None:
            connection_for(self._link, session)
        return id_of(session)

    def _change_stage(self, command: Command[None]) -> None:
        self._refuse_if_read_only(command.name)
        self._send_once(command, command.name)


def _authentication(
    user: str | None, password: str | None, token: str | None, certificate: bytes | None
) -> Authentication:
    ways = [user is not None or password is not None, token is not None, certificate is not None]
    if sum(ways) != 1 or (ways[0] and (user is None or password is None)):
        raise AddressError(
            "log in to a sub-session in one way: user= and password=, or token=, or certificate="
        )
    if token is not None:
        return Token(token)
    if certificate is not None:
        return Certificate(bytes(certificate))
    return Password(user or "", password or "")
