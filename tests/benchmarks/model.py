"""The model that is measured, and the bytes with which a server answers for it.

Ten attributes an element, three of them with a UUID for an id as an element's own attributes have
it, from a dozen distinct lists: about 260 bytes of meta data and 50 of browse an element.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pandas as pd

from xentara_nb.protocol.commands import (
    COMMANDS,
    AttributeInfo,
    Browse,
    BrowseEntry,
    ClientHello,
    Command,
    DataChange,
    GetStage,
    Lookup,
    MetaData,
    MetaDataAnswer,
    Read,
    Unsubscribe,
    Write,
)
from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType, OpCode, Stage
from xentara_nb.protocol.packets import (
    NOTHING,
    Request,
    Success,
    decode_requests,
    encode_packets,
)
from xentara_nb.protocol.values import TimePoint
from xentara_nb.tables.frames import inventory_frame_of

USER, PASSWORD = "engineer", "measured"

ATTRIBUTES = 10
"""How many attributes an element has."""

_RO, _RW = Access.READ_ONLY, Access.READ_AND_WRITE
_COMMON = (
    AttributeInfo("value", Attribute.VALUE, _RW, DataType.FLOAT_64),
    AttributeInfo("key", Attribute.PRIMARY_KEY, _RO, DataType.STRING),
    AttributeInfo("type", Attribute.TYPE, _RO, DataType.STRING),
    AttributeInfo("category", Attribute.CATEGORY, _RO, DataType.ELEMENT_CATEGORY),
    AttributeInfo("updateTime", Attribute.UPDATE_TIME, _RO, DataType.TIME_POINT),
    AttributeInfo("changeTime", Attribute.CHANGE_TIME, _RO, DataType.TIME_POINT),
    AttributeInfo("quality", Attribute.QUALITY, _RO, DataType.QUALITY),
)
_LISTS = 12
_NOW = 1_700_000_000_000_000_000


def _own(source: random.Random) -> list[AttributeInfo]:
    """Return attributes as only elements of some types have them."""
    return [
        AttributeInfo(
            f"{name} {number}", UUID(int=source.getrandbits(128), version=4), _RO, DataType.STRING
        )
        for name in ("unit", "lower limit", "upper limit")
        for number in range(32)
    ]


class Model:
    """A model of some elements.

    Parameters
    ----------
    count : int
        How many.
    repeat : bool
        Whether elements share a dozen attribute lists; otherwise hardly any two have the same.
    number : int
        Models of another number have the same keys, and other UUIDs and attribute lists.
    """

    def __init__(self, count: int, *, repeat: bool = True, number: int = 0) -> None:
        source = random.Random(count + 1_000_000_007 * number)
        self.entries = [
            BrowseEntry(
                f"Plant.Line {number // 100:04}.Point {number % 100:02}",
                UUID(int=source.getrandbits(128), version=4),
                Category.DATA_POINT,
            )
            for number in range(count)
        ]
        own = _own(source)
        lists = [
            (*_COMMON, *source.sample(own, ATTRIBUTES - len(_COMMON)))
            for _ in range(_LISTS if repeat else count)
        ]
        chosen = source.choices(lists, k=count) if repeat else lists
        self.lists = {
            entry.element_uuid: each for entry, each in zip(self.entries, chosen, strict=True)
        }
        self.keys = {entry.element_uuid: entry.primary_key for entry in self.entries}
        self.uuids = {key: uuid for uuid, key in self.keys.items()}


def inventory_frame(count: int) -> pd.DataFrame:
    """Return the inventory of so many elements."""
    model = Model(count)
    return inventory_frame_of(
        [entry.primary_key for entry in model.entries],
        [UUID(int=entry.element_uuid.int) for entry in model.entries],
        [int(entry.category) for entry in model.entries],
        [model.lists[entry.element_uuid] for entry in model.entries],
    )


def search_keys(count: int) -> list[str]:
    """Return keys of so many elements, of words that repeat."""
    source = random.Random(count)
    words = ["Tank", "Level", "Pressure", "Pump", "Valve", "Motor", "Speed", "Temperature", "Inlet"]
    return [
        f"Plant.{source.choice(words)} {number // 100:04}.{source.choice(words)} {number % 100:02}"
        for number in range(count)
    ]


@dataclass
class State:
    """What a connection has been told so far, as far as it changes later answers.

    The server looks an answer up by the state and the bytes of the message.
    """

    model: Model
    values: dict[UUID, Any] = field(default_factory=dict)
    known: dict[bytes, tuple[bytes, State]] = field(default_factory=dict)

    def answer(self, message: bytes) -> tuple[bytes, State]:
        """Return the answer to a message, and the state after it."""
        found = self.known.get(message)
        if found is None:
            values = dict(self.values)
            requests = [self._command(request) for request in decode_requests(message)]
            answer = encode_packets(
                Success(number, command.build_answer(self._result(command, values)))
                for number, command in requests
            )
            after = self if values == self.values else State(self.model, values)
            found = self.known[message] = (answer, after)
        return found

    @staticmethod
    def _command(request: object) -> tuple[int, Command[Any]]:
        assert isinstance(request, Request), request
        return request.message_id, COMMANDS[request.opcode].from_request(request)

    def _result(self, command: Command[Any], values: dict[UUID, Any]) -> Any:
        model = self.model
        match command:
            case ClientHello():
                return 1
            case GetStage():
                return Stage.OPERATIONAL
            case Browse():
                return model.entries
            case Lookup(key):
                return model.uuids[key]
            case MetaData(uuid):
                return MetaDataAnswer(
                    model.keys[uuid], Category.DATA_POINT, model.lists[uuid], False
                )
            case Read(uuid, ids):
                return {each: self._value(uuid, each, values) for each in ids}
            case Write(uuid, _, value):
                values[uuid] = value
                return NOTHING
            case Unsubscribe():
                return NOTHING
        raise NotImplementedError(command.name)

    def _value(self, uuid: UUID, attribute: object, values: dict[UUID, Any]) -> Any:
        number = uuid.int % 100_000
        match attribute:
            case Attribute.VALUE:
                return values.get(uuid, number / 8)
            case Attribute.PRIMARY_KEY:
                return self.model.keys[uuid]
            case Attribute.TYPE:
                return "register"
            case Attribute.CATEGORY:
                return "data point"
            case Attribute.UPDATE_TIME | Attribute.CHANGE_TIME:
                return TimePoint(_NOW + number * 1_000_000)
            case Attribute.QUALITY:
                return 0
        return f"{number % 50} m/s"


def is_subscribe(message: bytes) -> bool:
    """Return whether a message subscribes to something."""
    (first, *_) = decode_requests(message)
    return isinstance(first, Request) and first.opcode == OpCode.SUBSCRIBE


def subscribed(message: bytes) -> bytes:
    """Return the answer to a message that subscribes."""
    (request,) = decode_requests(message)
    assert isinstance(request, Request)
    assert request.parameters is not None
    return encode_packets([Success(request.message_id, request.parameters[3])])


def event_messages(elements: int, count: int, each: int) -> list[bytes]:
    """Return so many events of the values of elements in turn, so many in a message.

    As servers do it, those of one message have one time.
    """
    source = random.Random(count)
    uuids = list(Model(elements).keys) if count else []
    messages = []
    for start in range(0, count, each):
        now = TimePoint(_NOW + start * 1_000_000)
        messages.append(
            encode_packets(
                DataChange(
                    now, uuids[at % elements], {int(Attribute.VALUE): source.gauss(20, 5)}
                ).event()
                for at in range(start, start + each)
            )
        )
    return messages
