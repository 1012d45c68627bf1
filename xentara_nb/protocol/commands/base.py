"""What every command can do: build and parse its request and its answer.

The parameters of a command are the fields of its dataclass: :func:`parameter` says where each
stands in the request and what may stand there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from enum import IntEnum
from typing import Any, ClassVar, Generic, Self, TypeVar, dataclass_transform
from uuid import UUID

from xentara_nb.protocol.checks import as_list, as_map, describe
from xentara_nb.protocol.errors import InvalidParameterError, ProtocolError
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.packets import NOTHING, Nothing, Request
from xentara_nb.protocol.values import TimePoint

R = TypeVar("R")
"""What the answer to a command means in Python."""

Check = Callable[[Any, str], Any]
"""Returns what an item means in Python; raises a ProtocolError with the name that it is given."""


_PLAIN = frozenset({bool, float, int, str, TimePoint, UUID})
"""The types of values that stand in a request as they are."""


def plain(value: Any) -> Any:
    """Return a value as a decoder would: an integer for a member of an enum, a list for a tuple."""
    if type(value) is tuple:
        return [plain(item) for item in value]
    return int(value) if isinstance(value, IntEnum) else value


Parameter = tuple[str, int, str, Check, Callable[[Any], Any], bool]
"""The name of the field, and what :func:`parameter` was told: key, name, check, build, optional."""


def parameter(
    key: int,
    name: str,
    check: Check,
    *,
    default: Any = MISSING,
    build: Callable[[Any], Any] = plain,
) -> Any:
    """Return a field that is a parameter of the command; the default None makes it optional.

    ``name`` is what messages call it, ``check`` reads it from a request, ``build`` returns its
    item for one, and ``default`` is what a client sends when it says nothing else.
    """
    entry = (key, name, check, build, default is None)
    return field(default=default, metadata={"parameter": entry})


def array_of(check: Check, name: str) -> Check:
    """Return the check of an array, from the check of an item and the name of an item."""

    def check_array(value: object, array_name: str) -> tuple[Any, ...]:
        return tuple([check(item, name) for item in as_list(value, array_name)])

    return check_array


class Command(Generic[R]):
    """One request with its parameters; its subclasses are the commands of the manual.

    A client uses :meth:`request` and :meth:`parse_answer`, a server :meth:`from_request` and
    :meth:`build_answer`, so that the two ends cannot drift apart.
    """

    __slots__ = ()

    opcode: ClassVar[OpCode]
    fields: ClassVar[tuple[Parameter, ...]] = ()

    def request(self, message_id: int) -> Request:
        """Return the packet that asks for this command."""
        items = {}
        for name, key, _, _, build, _ in self.fields:
            value = getattr(self, name)
            if type(value) in _PLAIN:
                items[key] = value
            elif value is not None:
                items[key] = build(value)
        return Request(message_id, int(self.opcode), items if self.fields else None)

    @classmethod
    def from_request(cls, request: Request) -> Self:
        """Read the command from its packet; parameters that are not known are ignored.

        Raises an InvalidParameterError if a parameter is missing or wrong.
        """
        try:
            given = as_map(
                {} if request.parameters is None else request.parameters, "the parameter map"
            )
            values = []
            for _, key, what, check, _, optional in cls.fields:
                if key in given:
                    values.append(check(given[key], what))
                elif optional:
                    values.append(None)
                else:
                    raise ProtocolError(f"{what} (key {key}) is missing")
            return cls(*values)
        except (ProtocolError, ValueError) as error:
            raise InvalidParameterError(f"invalid parameter: {error}") from None

    def build_answer(self, result: R) -> Any:
        """Return the item of the success packet, ``NOTHING`` for a command without a result."""
        return result

    def parse_answer(self, item: Any) -> R:
        """Read the item of a success packet.

        Raises a ProtocolError if the item is not what the manual says for this command.
        """
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The name of the command in the manual."""
        return self.opcode.name.lower()


C = TypeVar("C", bound=Command[Any])

COMMANDS: dict[OpCode, type[Command[Any]]] = {}
"""The class of every command by its opcode."""


@dataclass_transform(frozen_default=True, field_specifiers=(parameter,))
def command(cls: type[C]) -> type[C]:
    """Make a command a frozen dataclass of its parameters."""
    made: Any = dataclass(frozen=True, slots=True)(cls)
    made.fields = tuple([(each.name, *each.metadata["parameter"]) for each in fields(made)])
    kind: type[C] = made
    COMMANDS[kind.opcode] = kind
    return kind


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
