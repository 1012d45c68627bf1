"""The commands that move values: read, write, subscribe, unsubscribe, and the data change event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self
from uuid import UUID

from xentara_nb.protocol.checks import (
    as_attribute_id,
    as_list,
    as_map,
    as_unsigned,
    as_uuid,
    as_value,
    member,
    values_from,
    values_item,
    wrong,
)
from xentara_nb.protocol.commands.base import Command, CommandWithoutResult
from xentara_nb.protocol.errors import ProtocolError, ServerError
from xentara_nb.protocol.identifiers import NIL_UUID, EventType, OpCode
from xentara_nb.protocol.packets import Event
from xentara_nb.protocol.values import AttributeId, TimePoint, Value


@dataclass(frozen=True, slots=True)
class Read(Command[Mapping[AttributeId, Any]]):
    """read (4): the values of some attributes of an element.

    Each attribute succeeds or fails by itself. The answer's keys are the ids as asked for.
    """

    element_uuid: UUID
    attribute_ids: tuple[AttributeId, ...]

    opcode: ClassVar[OpCode] = OpCode.READ

    def parameters(self) -> dict[int, Any]:
        """Return ``{0: element, 1: [attribute ids]}``."""
        return {0: self.element_uuid, 1: _plain(self.attribute_ids)}

    @classmethod
    def _parse(cls, parameters: dict[int, Any]) -> Self:
        return cls(_element(parameters), _attribute_ids(parameters))

    def build_answer(self, result: Mapping[AttributeId, Value | ServerError]) -> dict[Any, Any]:
        """Return ``{attribute id: 121(value) or 122(error)}``."""
        return values_item(result)

    def parse_answer(self, item: Any) -> dict[AttributeId, Any]:
        """Return values and errors by attribute id."""
        return values_from(item, "the answer to read")


@dataclass(frozen=True, slots=True)
class Write(CommandWithoutResult):
    """write (5): gives one attribute of an element a value.

    Without a sub-session the rights of the connection count, with one those of both.
    """

    element_uuid: UUID
    attribute_id: AttributeId
    value: Value
    sub_session_id: UUID | None = None

    opcode: ClassVar[OpCode] = OpCode.WRITE

    def __post_init__(self) -> None:
        as_value(self.value, "the value to write")

    def parameters(self) -> dict[int, Any]:
        """Return ``{0: element, 1: attribute id, 2: value, 3: sub-session id}``."""
        (attribute_id,) = _plain((self.attribute_id,))
        parameters = {0: self.element_uuid, 1: attribute_id, 2: self.value}
        if self.sub_session_id is not None:
            parameters[3] = self.sub_session_id
        return parameters

    @classmethod
    def _parse(cls, parameters: dict[int, Any]) -> Self:
        return cls(
            _element(parameters),
            as_attribute_id(member(parameters, 1, "the attribute id"), "the attribute id"),
            member(parameters, 2, "the attribute value"),
            as_uuid(parameters[3], "the sub-session id") if 3 in parameters else None,
        )


class SubscriptionTarget(NamedTuple):
    """Some attributes of one element, to be subscribed to."""

    element_uuid: UUID
    attribute_ids: tuple[AttributeId, ...]


@dataclass(frozen=True, slots=True)
class Subscribe(Command[UUID]):
    """subscribe (6): events whenever one of the attributes changes.

    Parameters
    ----------
    targets : tuple of SubscriptionTarget
        What to subscribe to.
    maximum_update_rate : int, optional
        The shortest interval between two events, in milliseconds; changes within are merged.
    minimum_update_rate : int, optional
        The longest interval between two events, in milliseconds; sent even without a change.
    desired_subscription_id : uuid.UUID, optional
        The id that the subscription shall have.
    """

    targets: tuple[SubscriptionTarget, ...]
    maximum_update_rate: int | None = None
    minimum_update_rate: int | None = None
    desired_subscription_id: UUID | None = None

    opcode: ClassVar[OpCode] = OpCode.SUBSCRIBE

    def __post_init__(self) -> None:
        if self.desired_subscription_id == NIL_UUID:
            raise ProtocolError("the desired subscription id must not be nil")
        if (
            self.maximum_update_rate
            and self.minimum_update_rate
            and self.maximum_update_rate > self.minimum_update_rate
        ):
            raise ProtocolError(
                f"the shortest interval between events ({self.maximum_update_rate} ms) is above "
                f"the longest ({self.minimum_update_rate} ms)"
            )

    def parameters(self) -> dict[int, Any]:
        """Return ``{0: [{0: element, 1: [ids]}], 1: maximum, 2: minimum, 3: desired id}``."""
        parameters: dict[int, Any] = {
            0: [{0: uuid, 1: _plain(ids)} for uuid, ids in self.targets],
        }
        options = (self.maximum_update_rate, self.minimum_update_rate, self.desired_subscription_id)
        parameters.update((key, value) for key, value in enumerate(options, 1) if value is not None)
        return parameters

    @classmethod
    def _parse(cls, parameters: dict[int, Any]) -> Self:
        what = "the array of elements to subscribe to"
        targets = (
            as_map(item, f"an item of {what}")
            for item in as_list(member(parameters, 0, what), what)
        )
        return cls(
            tuple(SubscriptionTarget(_element(item), _attribute_ids(item)) for item in targets),
            as_unsigned(parameters[1], "maximum_update_rate") if 1 in parameters else None,
            as_unsigned(parameters[2], "minimum_update_rate") if 2 in parameters else None,
            as_uuid(parameters[3], "the desired subscription id") if 3 in parameters else None,
        )

    def build_answer(self, result: UUID) -> UUID:
        """Return the id of the subscription."""
        return result

    def parse_answer(self, item: Any) -> UUID:
        """Return the id of the subscription."""
        return as_uuid(item, "the answer to subscribe")


@dataclass(frozen=True, slots=True)
class Unsubscribe(CommandWithoutResult):
    """unsubscribe (7): ends a subscription."""

    subscription_id: UUID

    opcode: ClassVar[OpCode] = OpCode.UNSUBSCRIBE

    def parameters(self) -> dict[int, Any]:
        """Return ``{0: subscription id}``."""
        return {0: self.subscription_id}

    @classmethod
    def _parse(cls, parameters: dict[int, Any]) -> Self:
        what = "the subscription id"
        return cls(as_uuid(member(parameters, 0, what), what))


@dataclass(frozen=True, slots=True)
class DataChange:
    """The data change event: new values of one element. It names no subscription."""

    time_stamp: TimePoint
    element_uuid: UUID
    values: Mapping[AttributeId, Any]

    def event(self) -> Event:
        """Return the packet: ``{0: time stamp, 1: element, 2: {attribute id: value}}``."""
        body = {0: self.time_stamp, 1: self.element_uuid, 2: values_item(self.values)}
        return Event(int(EventType.DATA_CHANGE), body)

    @classmethod
    def from_event(cls, event: Event) -> Self:
        """Read the packet.

        Raises
        ------
        ProtocolError
            If the event is of another type or its body is not as the manual says.
        """
        if event.event_type != EventType.DATA_CHANGE:
            raise ProtocolError(f"an event of the unknown type {event.event_type}")
        body = as_map(event.body, "the body of an event")
        time_stamp = member(body, 0, "the time stamp of an event")
        if type(time_stamp) is not TimePoint:
            raise wrong("the time stamp of an event", "a time stamp (tag 1001)", time_stamp)
        element_uuid = as_uuid(
            member(body, 1, "the element of an event"), "the element of an event"
        )
        values = member(body, 2, "the values of an event")
        return cls(time_stamp, element_uuid, values_from(values, "an event"))


def _element(parameters: Mapping[int, Any]) -> UUID:
    return as_uuid(member(parameters, 0, "the element UUID"), "the element UUID")


def _attribute_ids(parameters: Mapping[int, Any]) -> tuple[AttributeId, ...]:
    what = "the array of attribute ids"
    listed = as_list(member(parameters, 1, what), what)
    return tuple(as_attribute_id(item, "an attribute id") for item in listed)


def _plain(attribute_ids: tuple[AttributeId, ...]) -> list[AttributeId]:
    """Return ids as the encoder takes them: the well-known ones are enums."""
    return [int(item) if isinstance(item, int) else item for item in attribute_ids]
