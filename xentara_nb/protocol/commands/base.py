"""What every command can do: build and parse its request and its answer."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Self, TypeVar

from xentara_nb.protocol.checks import as_map, describe
from xentara_nb.protocol.errors import InvalidParameterError, ProtocolError
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.packets import NOTHING, Nothing, Request

R = TypeVar("R")
"""What the answer to a command means in Python."""


class Command(Generic[R]):
    """One request with its parameters; its subclasses are the commands of the manual.

    A client uses :meth:`request` and :meth:`parse_answer`, a server :meth:`from_request` and
    :meth:`build_answer`, so that the two ends cannot drift apart.
    """

    __slots__ = ()

    opcode: ClassVar[OpCode]

    def parameters(self) -> dict[int, Any] | None:
        """Return the parameter map of the request, or None when the command has none."""
        return None

    @classmethod
    def from_parameters(cls, parameters: dict[int, Any]) -> Self:
        """Read the parameter map of a request.

        Raises
        ------
        InvalidParameterError
            If a parameter is missing or wrong.
        """
        try:
            return cls._parse(as_map(parameters, "the parameter map"))
        except (ProtocolError, ValueError) as error:
            raise InvalidParameterError(f"invalid parameter: {error}") from None

    @classmethod
    def _parse(cls, parameters: dict[int, Any]) -> Self:
        return cls()

    def request(self, message_id: int) -> Request:
        """Return the packet that asks for this command."""
        return Request(message_id, int(self.opcode), self.parameters())

    @classmethod
    def from_request(cls, request: Request) -> Self:
        """Read the command from its packet; raises as :meth:`from_parameters`."""
        return cls.from_parameters({} if request.parameters is None else request.parameters)

    def build_answer(self, result: R) -> Any:
        """Return the item of the success packet, ``NOTHING`` for a command without a result."""
        raise NotImplementedError

    def parse_answer(self, item: Any) -> R:
        """Read the item of a success packet.

        Raises
        ------
        ProtocolError
            If the item is not what the manual says for this command.
        """
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The name of the command in the manual."""
        return self.opcode.name.lower()


class CommandWithoutResult(Command[None]):
    """A command whose success carries no item."""

    __slots__ = ()

    def build_answer(self, result: None) -> Nothing:
        """Return ``NOTHING``: the success packet has two items."""
        return NOTHING

    def parse_answer(self, item: Any) -> None:
        """Accept an empty answer; null and an empty map, which some servers send, as well."""
        if item is NOTHING or item is None or item == {}:
            return
        raise ProtocolError(f"the answer to {self.name} must carry no item, not {describe(item)}")
