"""Sub-sessions: a second log-in on a connection, for writes and stage changes.

An action with a sub-session needs the rights of the connection and of the sub-session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeAlias
from uuid import UUID

from xentara_nb.protocol.checks import as_map, as_text, as_uuid, member, wrong
from xentara_nb.protocol.commands.base import Command, CommandWithoutResult
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import NIL_UUID, OpCode
from xentara_nb.protocol.values import Alternative


@dataclass(frozen=True, slots=True)
class Token:
    """Log-in with an OAuth 2.0 token: alternative 0."""

    token: str = field(repr=False)

    def alternative(self) -> Alternative:
        """Return ``121({0: token})``."""
        return Alternative(0, {0: self.token})


@dataclass(frozen=True, slots=True)
class Certificate:
    """Log-in with a certificate in DER form: alternative 1.

    The server does not check that the client has the private key.
    """

    der: bytes = field(repr=False)

    def alternative(self) -> Alternative:
        """Return ``122({0: certificate})``."""
        return Alternative(1, {0: self.der})


@dataclass(frozen=True, slots=True)
class Password:
    """Log-in with user name and password: alternative 2."""

    user: str
    password: str = field(repr=False)

    def alternative(self) -> Alternative:
        """Return ``123({0: user, 1: password})``."""
        return Alternative(2, {0: self.user, 1: self.password})


Authentication: TypeAlias = Token | Certificate | Password
"""The three ways to log in to a sub-session."""


@dataclass(frozen=True, slots=True)
class CreateSubSession(Command[UUID]):
    """create_sub_session (12): logs in, and gives the id of the new session.

    A desired id that exists already replaces the old session. The nil UUID is refused.
    """

    authentication: Authentication
    desired_session_id: UUID | None = None

    opcode: ClassVar[OpCode] = OpCode.CREATE_SUB_SESSION

    def __post_init__(self) -> None:
        if self.desired_session_id == NIL_UUID:
            raise ProtocolError("the desired session id must not be nil")

    def parameters(self) -> dict[int, Any]:
        """Return ``{0: authentication, 1: desired session id}``."""
        parameters: dict[int, Any] = {0: self.authentication.alternative()}
        if self.desired_session_id is not None:
            parameters[1] = self.desired_session_id
        return parameters

    @classmethod
    def _parse(cls, parameters: dict[int, Any]) -> Self:
        return cls(
            _authentication(member(parameters, 0, "the authentication information")),
            as_uuid(parameters[1], "the desired session id") if 1 in parameters else None,
        )

    def build_answer(self, result: UUID) -> UUID:
        """Return the id of the session."""
        return result

    def parse_answer(self, item: Any) -> UUID:
        """Return the id of the session."""
        session_id = as_uuid(item, "the answer to create_sub_session")
        if session_id == NIL_UUID:
            raise ProtocolError("the answer to create_sub_session must not be the nil UUID")
        return session_id


@dataclass(frozen=True, slots=True)
class CloseSubSession(CommandWithoutResult):
    """close_sub_session (13): logs out."""

    session_id: UUID

    opcode: ClassVar[OpCode] = OpCode.CLOSE_SUB_SESSION

    def parameters(self) -> dict[int, Any]:
        """Return ``{0: session id}``."""
        return {0: self.session_id}

    @classmethod
    def _parse(cls, parameters: dict[int, Any]) -> Self:
        return cls(as_uuid(member(parameters, 0, "the session id"), "the session id"))


def _authentication(item: object) -> Authentication:
    if type(item) is not Alternative:
        raise wrong("the authentication information", "an alternative (tags 121 to 123)", item)
    content = as_map(item.value, "the authentication information")
    match item.number:
        case 0:
            return Token(as_text(member(content, 0, "the token"), "the token"))
        case 1:
            certificate = member(content, 0, "the certificate")
            if type(certificate) is not bytes:
                raise wrong("the certificate", "a byte string", certificate)
            return Certificate(certificate)
        case _:
            return Password(
                as_text(member(content, 0, "the user name"), "the user name"),
                as_text(member(content, 1, "the password"), "the password"),
            )
