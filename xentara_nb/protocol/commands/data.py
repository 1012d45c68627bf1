"""The commands that move values: read, write, subscribe, unsubscribe, and the data change event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self
from uuid import UUID

from xentara_nb.protocol.checks import (
    as_attribute_id,
    as_map,
    as_time_point,
    as_unsigned,
    as_uuid,
    as_value,
    member,
    members_of,
    values_from,
    values_item,
)
from xentara_nb.protocol.commands.base import (
    Command,
    CommandWithoutResult,
    array_of,
    command,
    parameter,
    plain,
)
from xentara_nb.protocol.errors import ProtocolError, ServerError
from xentara_nb.protocol.identifiers import NIL_UUID, EventType, OpCode
from xentara_nb.protocol.packets import Event
from xentara_nb.protocol.values import AttributeId, TimePoint, Value

_ATTRIBUTE_IDS = array_of(as_attribute_id, "an attribute id")


@command
class Read(Command[Mapping[AttributeId, Any]]):
    """read (4): the values of some attributes of an element.

    Each attribute succeeds or fails by itself. The answer's keys are the ids as asked for.
    """

    element_uuid: UUID = parameter(0, "the element UUID", as_uuid)
    attribute_ids: tuple[AttributeId, ...] = parameter(
        1, "the array of attribute ids", _ATTRIBUTE_IDS
    )

    opcode: ClassVar[OpCode] = OpCode.READ

    def build_answer(self, result: Mapping[AttributeId, Value | ServerError]) -> dict[Any, Any]:
        """Return ``{attribute id: 121(value) or 122(error)}``."""
        return values_item(result)

    def parse_answer(self, item: Any) -> dict[AttributeId, Any]:
        """Return values and errors by attribute id; those that were not asked for are ignored."""
        return values_from(item, "the answer to read", set(self.attribute_ids))


@command
class Write(CommandWithoutResult):
    """write (5): gives one attribute of an element a value.

    Without a sub-session the rights of the connection count, with one those of both.
    """

    element_uuid: UUID = parameter(0, "the element UUID", as_uuid)
    attribute_id: AttributeId = parameter(1, "the attribute id", as_attribute_id)
    value: Value = parameter(2, "the attribute value", lambda value, _: value)
    sub_session_id: UUID | None = parameter(3, "the sub-session id", as_uuid, default=None)

    opcode: ClassVar[OpCode] = OpCode.WRITE

    def __post_init__(self) -> None:
        as_value(self.value, "the value to write")  # at both ends


class SubscriptionTarget(NamedTuple):
    """Some attributes of one element, to be subscribed to."""

    element_uuid: UUID
    attribute_ids: tuple[AttributeId, ...]


def _target(item: object, name: str) -> SubscriptionTarget:
    target = as_map(item, name)
    return SubscriptionTarget(
        member(target, 0, "the element UUID", as_uuid),
        member(target, 1, "the array of attribute ids", _ATTRIBUTE_IDS),
    )


@command
class Subscribe(Command[UUID]):
    """subscribe (6): events whenever one of the attributes changes.

    The maximum update rate is the shortest interval between two events, in milliseconds: changes
    within are merged. The minimum update rate is the longest: an event is sent without a change.
    """

    targets: tuple[SubscriptionTarget, ...] = parameter(
        0,
        "the array of elements to subscribe to",
        array_of(_target, "an item of the array of elements to subscribe to"),
        build=lambda targets: [{0: uuid, 1: plain(ids)} for uuid, ids in targets],
    )
    maximum_update_rate: int | None = parameter(1, "maximum_update_rate", as_unsigned, default=None)
    minimum_update_rate: int | None = parameter(2, "minimum_update_rate", as_unsigned, default=None)
    desired_subscription_id: UUID | None = parameter(
        3, "the desired subscription id", as_uuid, default=None
    )

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

    def parse_answer(self, item: Any) -> UUID:
        """Return the id of the subscription."""
        return as_uuid(item, "the answer to subscribe")


@command
class Unsubscribe(CommandWithoutResult):
    """unsubscribe (7): ends a subscription."""

    subscription_id: UUID = parameter(0, "the subscription id", as_uuid)

    opcode: ClassVar[OpCode] = OpCode.UNSUBSCRIBE


@dataclass(frozen=True, slots=True)
class DataChange:
    """The data change event: new values of one element. It names no subscription.

    Examples
    --------
    >>> DataChange(TimePoint(0), UUID(int=1), {11: 210.0}).values
    {11: 210.0}
    """

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

        Raises a ProtocolError if it is of another type or its body is not as the manual says.
        """
        if event.event_type != EventType.DATA_CHANGE:
            raise ProtocolError(f"an event of the unknown type {event.event_type}")
        body = members_of(event.body, "the body of an event", _BODY)
        if len(body) < len(_BODY):
            key = min(_BODY.keys() - body.keys())
            raise ProtocolError(f"{_BODY[key][0]} (key {key}) is missing")
        return cls(body[0], body[1], body[2])


_BODY: Mapping[int, tuple[str, Callable[[Any, str], Any]]] = {
    0: ("the time stamp of an event", as_time_point),
    1: ("the element of an event", as_uuid),
    2: ("the values of an event", lambda item, _: values_from(item, "an event")),
}
