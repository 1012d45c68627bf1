"""The wrong kind of thing for every field of every command: refused at both ends."""

from __future__ import annotations

import copy
import math
from typing import Any, NamedTuple
from uuid import UUID

import cbor2
import pytest

from tests.protocol.refusing import (
    E,
    check_text,
)
from xentara_nb.protocol.commands import (
    COMMANDS,
    Browse,
    ClientHello,
    CloseSubSession,
    CreateSubSession,
    DataChange,
    GetStage,
    Lookup,
    MetaData,
    Read,
    Resume,
    ServerInformation,
    Shutdown,
    Subscribe,
    Suspend,
    Token,
    Unsubscribe,
    Write,
)
from xentara_nb.protocol.errors import (
    InvalidParameterError,
    ProtocolError,
)
from xentara_nb.protocol.packets import (
    Event,
    Failure,
    Request,
    decode_answers,
    decode_requests,
)

# The wrong kind of thing for every field of every command.


def time_stamp(nanoseconds: int) -> cbor2.CBORTag:
    return cbor2.CBORTag(1001, {4: cbor2.CBORTag(4, [-9, nanoseconds])})


def ok(value: object) -> cbor2.CBORTag:
    return cbor2.CBORTag(121, value)


KINDS: dict[str, Any] = {
    "unsigned": 5,
    "negative": -5,
    "65 bits": -(1 << 64),
    "big number": 1 << 64,
    "negative big number": -(1 << 70),
    "true": True,
    "false": False,
    "float": 5.0,
    "infinity": math.inf,
    "NaN": math.nan,
    "text": "5",
    "empty text": "",
    "bytes": b"5",
    "UUID as bytes": E.bytes,
    "UUID as text": str(E),
    "array": [5],
    "empty array": [],
    "map": {5: 5},
    "empty map": {},
    "UUID": E,
    "nil UUID": UUID(int=0),
    "time": time_stamp(5),
    "value": ok({0: "5"}),
    "error": cbor2.CBORTag(122, {0: -32100}),
    "other alternative": cbor2.CBORTag(123, {0: "u", 1: "p"}),
    "unknown tag": cbor2.CBORTag(5000, 5),
    "null": None,
    "undefined": cbor2.undefined,
    "simple": cbor2.CBORSimpleValue(99),
}
UNSIGNED = {"unsigned"}
INTEGERS = {"unsigned", "negative"}
TEXTS = {"text", "empty text", "UUID as text"}
BOOLEANS = {"true", "false"}
UUIDS = {"UUID", "nil UUID"}
ATTRIBUTE_IDS = UNSIGNED | UUIDS
VALUES = INTEGERS | BOOLEANS | TEXTS | UUIDS | {"float", "infinity", "NaN", "time"}
ALL_KINDS = set(KINDS)


class Field(NamedTuple):
    """A place in a well-formed item, what may stand there, and whether it may be missing."""

    path: tuple[Any, ...]
    accepted: set[str]
    optional: bool = False


def target() -> dict[int, Any]:
    return {0: E, 1: [11, E]}


REQUESTS: dict[type, tuple[dict[int, Any], list[Field]]] = {
    ServerInformation: (
        {0: [0, 1, 2]},
        [Field((0,), {"empty array", "array"}), Field((0, 1), UNSIGNED)],
    ),
    Browse: (
        {0: E, 1: 1, 2: [1, 2]},
        [
            Field((0,), UUIDS),
            Field((1,), UNSIGNED, optional=True),
            Field((2,), {"empty array", "array"}, optional=True),
            Field((2, 1), UNSIGNED),
        ],
    ),
    # 5 is no meta data identifier.
    MetaData: (
        {0: E, 1: [0, 1, 2, 3]},
        [Field((0,), UUIDS), Field((1,), {"empty array"}), Field((1, 0), set())],
    ),
    Lookup: ({0: "Plant"}, [Field((0,), TEXTS - {"empty text"})]),
    Read: (
        {0: E, 1: [11, E]},
        [
            Field((0,), UUIDS),
            Field((1,), {"empty array", "array"}),
            Field((1, 0), ATTRIBUTE_IDS),
            Field((1, 1), ATTRIBUTE_IDS),
        ],
    ),
    Write: (
        {0: E, 1: 11, 2: 1.5, 3: E},
        [
            Field((0,), UUIDS),
            Field((1,), ATTRIBUTE_IDS),
            Field((2,), VALUES),
            Field((3,), UUIDS, optional=True),
        ],
    ),
    Subscribe: (
        {0: [target(), target()], 1: 4, 2: 6, 3: E},
        [
            Field((0,), {"empty array"}),
            Field((0, 1), set()),
            Field((0, 1, 0), UUIDS),
            Field((0, 1, 1), {"empty array", "array"}),
            Field((0, 1, 1, 0), ATTRIBUTE_IDS),
            Field((1,), UNSIGNED, optional=True),
            Field((2,), UNSIGNED, optional=True),
            Field((3,), {"UUID"}, optional=True),
        ],
    ),
    Unsubscribe: ({0: E}, [Field((0,), UUIDS)]),
    GetStage: ({}, []),
    Resume: ({0: E}, [Field((0,), UUIDS, optional=True)]),
    Suspend: ({0: E}, [Field((0,), UUIDS, optional=True)]),
    Shutdown: ({0: E}, [Field((0,), UUIDS, optional=True)]),
    CreateSubSession: (
        {0: cbor2.CBORTag(123, {0: "u", 1: "p"}), 1: E},
        [
            Field((0,), {"value", "other alternative"}),
            Field((1,), {"UUID"}, optional=True),
        ],
    ),
    CloseSubSession: ({0: E}, [Field((0,), UUIDS)]),
    ClientHello: ({0: 1, 1: 5}, [Field((0,), UNSIGNED), Field((1,), UNSIGNED)]),
}
LOG_INS = [
    (121, {0: "token"}, [Field((0,), TEXTS)]),
    (122, {0: b"der"}, [Field((0,), {"bytes", "UUID as bytes"})]),
    (123, {0: "u", 1: "p"}, [Field((0,), TEXTS), Field((1,), TEXTS)]),
]


def attribute() -> dict[int, Any]:
    return {0: "value", 1: 11, 2: 2, 3: 10}


OK_OR_ERROR = {"value", "error"}
ANSWERS: list[tuple[Any, Any, list[Field]]] = [
    # Nothing but the map itself: what it holds is told as it is.
    (
        ServerInformation(),
        {0: "2.0.8"},
        [Field((), {"map", "empty map"}), Field((0,), ALL_KINDS, optional=True)],
    ),
    (
        Browse(E),
        [{0: "A", 1: E, 2: 2}],
        [
            Field((), {"empty array"}),
            Field((0,), set()),
            Field((0, 0), TEXTS),
            Field((0, 1), UUIDS),
            Field((0, 2), INTEGERS),
        ],
    ),
    (
        MetaData(E),
        {0: "A", 1: 2, 2: [attribute(), attribute()], 3: False},
        [
            Field((), {"map", "empty map"}),
            Field((0,), TEXTS | {"null"}, optional=True),
            Field((1,), INTEGERS | {"null"}, optional=True),
            Field((2,), {"empty array", "null"}, optional=True),
            Field((2, 1), set()),
            Field((2, 1, 0), TEXTS),
            Field((2, 1, 1), ATTRIBUTE_IDS),
            Field((2, 1, 2), INTEGERS),
            Field((2, 1, 3), INTEGERS),
            Field((3,), BOOLEANS | {"null"}, optional=True),
        ],
    ),
    (Lookup("A"), E, [Field((), UUIDS)]),
    (
        Read(E, (11, 13)),
        {11: ok(5), 13: cbor2.CBORTag(122, {0: -32101, 1: "missing"})},
        [
            Field((), {"empty map"}),
            Field((11,), OK_OR_ERROR, optional=True),
            Field((13,), OK_OR_ERROR, optional=True),
        ],
    ),
    (Write(E, 11, 5), {}, [Field((), {"null", "empty map"})]),
    (Subscribe(()), E, [Field((), UUIDS)]),
    (Unsubscribe(E), {}, [Field((), {"null", "empty map"})]),
    (GetStage(), 2, [Field((), INTEGERS)]),
    (Resume(), {}, [Field((), {"null", "empty map"})]),
    (Suspend(), {}, [Field((), {"null", "empty map"})]),
    (Shutdown(), {}, [Field((), {"null", "empty map"})]),
    (CreateSubSession(Token("x")), E, [Field((), {"UUID"})]),
    (CloseSubSession(E), {}, [Field((), {"null", "empty map"})]),
    (ClientHello(), {0: 1}, [Field((), set()), Field((0,), UNSIGNED)]),
]
EVENT = (
    {0: time_stamp(5), 1: E, 2: {11: ok(5)}},
    [
        Field((), set()),
        Field((0,), {"time"}),
        Field((1,), UUIDS),
        Field((2,), {"empty map"}),
        Field((2, 11), OK_OR_ERROR, optional=True),
    ],
)
ERROR = (
    {0: -32100, 1: "unknown element"},
    [Field((), set()), Field((0,), INTEGERS), Field((1,), TEXTS | {"null"}, optional=True)],
)
MISSING = object()


def with_field(item: Any, path: tuple[Any, ...], value: object) -> Any:
    """Return the item with another value in one place, or with none there."""
    if not path:
        return value
    item = copy.copy(item)
    changed = with_field(item[path[0]], path[1:], value)
    if changed is MISSING:
        del item[path[0]]
    else:
        item[path[0]] = changed
    return item


def variants(item: Any, fields: list[Field]):
    """Give the item, then it with every kind of thing in every field, and with fields missing.

    Each with what was changed, and whether it is still right.
    """
    yield "itself", item, True
    for path, accepted, optional in fields:
        for name, value in KINDS.items():
            yield f"{path} {name}", with_field(item, path, value), name in accepted
        holder = item
        for step in path[:-1]:
            holder = holder[step]
        if path and isinstance(holder, dict):
            yield f"{path} missing", with_field(item, path, MISSING), optional


def check_reading(parse, content, error: type[Exception], what: str, accepted: bool) -> None:
    try:
        parse(content)
    except error as caught:
        check_text(caught)
        outcome = f"was refused: {caught}"
    else:
        outcome = "was accepted"
    assert outcome.startswith("was accepted") == accepted, f"{what} {outcome}"


def request_from(opcode: int, parameters: Any) -> Request | Failure:
    (request,) = decode_requests(cbor2.dumps([[0, 65, opcode, parameters]]))
    return request


def item_from(item: Any) -> Any:
    (answer,) = decode_answers(cbor2.dumps([[1, 65, item]]))
    return answer.item


def test_every_command_is_in_the_tables():
    assert set(REQUESTS) == set(COMMANDS.values())
    assert [type(command) for command, _, _ in ANSWERS] == [
        COMMANDS[code] for code in sorted(COMMANDS)
    ]


@pytest.mark.parametrize("command", REQUESTS, ids=lambda kind: kind.__name__)
def test_every_field_of_a_request(command):
    for what, variant, accepted in variants(*REQUESTS[command]):
        request = request_from(command.opcode, variant)
        check_reading(command.from_request, request, InvalidParameterError, what, accepted)


@pytest.mark.parametrize("command", REQUESTS, ids=lambda kind: kind.__name__)
def test_parameters_that_are_no_map(command):
    for name, value in KINDS.items():
        request = request_from(command.opcode, value)
        if name in ("map", "empty map"):
            assert type(request) is Request
        else:
            assert (request.message_id, type(request.error)) == (65, InvalidParameterError)
    for key in (True, False, 0.0, 1.0, math.nan):
        request = request_from(command.opcode, {key: E})
        with pytest.raises(InvalidParameterError, match="boolean or floating point keys"):
            command.from_request(request)


@pytest.mark.parametrize(("tag", "content", "fields"), LOG_INS)
def test_every_field_of_a_log_in(tag, content, fields):
    for what, variant, accepted in variants(content, [Field((), set()), *fields]):
        request = request_from(12, {0: cbor2.CBORTag(tag, variant)})
        parse = CreateSubSession.from_request
        check_reading(parse, request, InvalidParameterError, what, accepted)


@pytest.mark.parametrize("opcode", COMMANDS, ids=str)
def test_every_field_of_an_answer(opcode):
    command, item, fields = ANSWERS[opcode]
    for what, variant, accepted in variants(item, fields):
        received = item_from(variant)
        check_reading(command.parse_answer, received, ProtocolError, what, accepted)


def test_an_answer_without_an_item():
    empty = {"write", "unsubscribe", "resume", "suspend", "shutdown", "close_sub_session"}
    (answer,) = decode_answers(b"\x81\x82\x01\x08")
    for command, _, _ in ANSWERS:
        accepted = command.name in empty
        check_reading(command.parse_answer, answer.item, ProtocolError, command.name, accepted)


def test_every_field_of_an_event():
    for what, variant, accepted in variants(*EVENT):
        (event,) = decode_answers(cbor2.dumps([[8, 0, variant]]))
        check_reading(DataChange.from_event, event, ProtocolError, what, accepted)


def test_every_field_of_an_error():
    for what, variant, accepted in variants(*ERROR):
        data = cbor2.dumps([[2, 65, variant]])
        check_reading(decode_answers, data, ProtocolError, f"packet, {what}", accepted)
        failed = item_from({11: cbor2.CBORTag(122, variant)})
        event = Event(0, {**item_from(EVENT[0]), 2: failed})
        read = Read(E, (11,)).parse_answer
        check_reading(read, failed, ProtocolError, f"attribute, {what}", accepted)
        check_reading(DataChange.from_event, event, ProtocolError, f"event, {what}", accepted)
