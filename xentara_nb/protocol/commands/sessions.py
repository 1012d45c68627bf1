"""Sub-sessions: a second log-in on a connection, for writes and stage changes.

An action with a sub-session needs the rights of the connection and of the sub-session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias
from uuid import UUID

from xentara_nb.protocol.checks import as_bytes, as_map, as_text, as_uuid, member, wrong
from xentara_nb.protocol.commands.base import Command, CommandWithoutResult, command, parameter
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import NIL_UUID, OpCode
from xentara_nb.protocol.secret import Secret, SecretLike
from xentara_nb.protocol.values import Alternative


@dataclass(frozen=True, slots=True)
class Token:
    """Log-in with an OAuth 2.0 token: alternative 0."""

    token: Secret = field(repr=False)

    def __init__(self, token: SecretLike) -> None:
        object.__setattr__(self, "token", Secret(token))


@dataclass(frozen=True, slots=True)
class Certificate:
    """Log-in with a certificate in DER form: alternative 1.

    The server does not check that the client has the private key.
    """

    der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Password:
    """Log-in with user name and password: alternative 2."""

    user: str
    password: Secret = field(repr=False)

    def __init__(self, user: str, password: SecretLike) -> None:
        object.__setattr__(self, "user", user)
        object.__setattr__(self, "password", Secret(password))


Authentication: TypeAlias = Token | Certificate | Password
"""The three ways to log in to a sub-session."""


def _alternative(how: Authentication) -> Alternative:
    match how:
        case Token(token):
            return Alternative(0, {0: token.reveal()})
        case Certificate(der):
            return Alternative(1, {0: der})
        case Password(user, password):
            return Alternative(2, {0: user, 1: password.reveal()})


def _authentication(item: object, name: str) -> Authentication:
    if type(item) is not Alternative:
        raise wrong(name, "an alternative (tags 121 to 123)", item)
    content = as_map(item.value, name)
    match item.number:
        case 0:
            return Token(member(content, 0, "the token", as_text))
        case 1:
            return Certificate(member(content, 0, "the certificate", as_bytes))
        case _:
            return Password(
                member(content, 0, "the user name", as_text),
                member(content, 1, "the password", as_text),
            )


@command
class CreateSubSession(Command[UUID]):
    """create_sub_session (12): logs in, and gives the id of the new session.

    A desired id that exists already replaces the old session. The nil UUID is refused.
    """

    authentication: Authentication = parameter(
        0,
        "the authentication information",
        _authentication,
        build=_alternative,
    )
    desired_session_id: UUID | None = parameter(1, "the desired session id", as_uuid, default=None)

    opcode: ClassVar[OpCode] = OpCode.CREATE_SUB_SESSION

    def __post_init__(self) -> None:
        if self.desired_session_id == NIL_UUID:
            raise ProtocolError("the desired session id must not be nil")

    def parse_answer(self, item: Any) -> UUID:
        """Return the id of the session."""
        session_id = as_uuid(item, "the answer to create_sub_session")
        if session_id == NIL_UUID:
            raise ProtocolError("the answer to create_sub_session must not be the nil UUID")
        return session_id


@command
class CloseSubSession(CommandWithoutResult):
    """close_sub_session (13): logs out."""

    session_id: UUID = parameter(0, "the session id", as_uuid)

    opcode: ClassVar[OpCode] = OpCode.CLOSE_SUB_SESSION
