"""The connection's hello, and the operational stage of the server."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from xentara_nb.protocol.checks import as_int, as_map, as_unsigned, as_uuid, member
from xentara_nb.protocol.commands.base import Command, CommandWithoutResult, command, parameter
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import PROTOCOL_VERSION, OpCode, Stage, known


@command
class ClientHello(Command[int]):
    """client_hello (14): the first command of every connection; gives the protocol version."""

    minimum_version: int = parameter(
        0, "minimum protocol version", as_unsigned, default=PROTOCOL_VERSION
    )
    maximum_version: int = parameter(
        1, "maximum protocol version", as_unsigned, default=PROTOCOL_VERSION
    )

    opcode: ClassVar[OpCode] = OpCode.CLIENT_HELLO

    def __post_init__(self) -> None:
        if self.minimum_version > self.maximum_version:
            raise ProtocolError(
                f"the minimum protocol version {self.minimum_version} is above "
                f"the maximum {self.maximum_version}"
            )

    def build_answer(self, result: int) -> dict[int, int]:
        """Return ``{0: current protocol version}``."""
        return {0: result}

    def parse_answer(self, item: Any) -> int:
        """Return the protocol version of the connection."""
        answer = as_map(item, "the answer to client_hello")
        return member(answer, 0, "current protocol version", as_unsigned)


@command
class GetStage(Command[int]):
    """get_stage (8): the operational stage of the server."""

    opcode: ClassVar[OpCode] = OpCode.GET_STAGE

    def build_answer(self, result: int) -> int:
        """Return the identifier of the stage."""
        return int(result)

    def parse_answer(self, item: Any) -> int:
        """Return the :class:`~xentara_nb.protocol.identifiers.Stage`, a number if not known."""
        return known(Stage, as_int(item, "the answer to get_stage"))


@command
class Resume(CommandWithoutResult):
    """resume (9): takes a suspended server back to operational."""

    sub_session_id: UUID | None = parameter(0, "the sub-session id", as_uuid, default=None)

    opcode: ClassVar[OpCode] = OpCode.RESUME


@command
class Suspend(CommandWithoutResult):
    """suspend (10): takes an operational server to suspended."""

    sub_session_id: UUID | None = parameter(0, "the sub-session id", as_uuid, default=None)

    opcode: ClassVar[OpCode] = OpCode.SUSPEND


@command
class Shutdown(CommandWithoutResult):
    """shutdown (11): ends the server."""

    sub_session_id: UUID | None = parameter(0, "the sub-session id", as_uuid, default=None)

    opcode: ClassVar[OpCode] = OpCode.SHUTDOWN
