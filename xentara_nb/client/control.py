"""The part of the client that changes the server's stage, and logs in to sub-sessions."""

from __future__ import annotations

from uuid import UUID

from xentara_nb.client.core import ClientCore
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
from xentara_nb.protocol.identifiers import Stage


class Control(ClientCore):
    """get_stage, resume, suspend, shutdown, create_sub_session, close_sub_session."""

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

    def resume(self, *, session: UUID | None = None) -> None:
        """Take a suspended server back to operational (the manual's resume).

        Raises
        ------
        AccessDeniedError, InvalidStageChangeRequestError
            If the user may not do it, or the server is not suspended.
        """
        self._change_stage(Resume(session))

    def suspend(self, *, session: UUID | None = None) -> None:
        """Take an operational server to suspended: its plant stops (the manual's suspend).

        Raises
        ------
        AccessDeniedError, InvalidStageChangeRequestError
            If the user may not do it, or the server is not operational.
        """
        self._change_stage(Suspend(session))

    def shutdown(self, *, session: UUID | None = None) -> None:
        """End the server (the manual's shutdown).

        Raises
        ------
        AccessDeniedError, InvalidStageChangeRequestError
            If the user may not do it, or the server is ending already.
        """
        self._change_stage(Shutdown(session))

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
            The id that the session shall have; one that exists is replaced.

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
        session: UUID = self._send_once(command, "create_sub_session")
        return session

    def close_sub_session(self, session: UUID) -> None:
        """Log out of a sub-session (the manual's close_sub_session).

        Raises
        ------
        UnknownSessionIdError
            If there is no such session on this connection.
        """
        self._send_once(CloseSubSession(session), "close_sub_session")

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
