"""Input that must be refused: always one clear error, never another, and never late.

A client raises ProtocolError. A server answers: whatever comes, decode_requests gives requests
and failures, and a command that cannot be read is an InvalidParameterError.
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
import tracemalloc
from typing import Any, NamedTuple
from uuid import UUID

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xentara_nb.protocol import cbor
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
    ParseError,
    ProtocolError,
    XentaraError,
)
from xentara_nb.protocol.packets import (
    Event,
    Failure,
    Request,
    Success,
    decode_answers,
    decode_requests,
    encode_packets,
)

BOUND = 5.0
"""Seconds of computing for any single input here. Most of them take microseconds."""

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
ANSWERED = [
    ServerInformation(),
    Browse(E),
    MetaData(E),
    Lookup("x"),
    Read(E, (11,)),
    Write(E, 11, 5),
    Subscribe(()),
    GetStage(),
    CreateSubSession(Token("x")),
    ClientHello(),
]


@contextlib.contextmanager
def bounded():
    started = time.thread_time()
    yield
    assert time.thread_time() - started < BOUND


def at_the_client(data: bytes) -> bool:
    """Take a message as a client does, each answer as the answer to every command.

    Gives whether anything was refused, and fails on every error but a ProtocolError.
    """
    refused = False
    with bounded():
        try:
            answers = decode_answers(data)
        except ProtocolError as error:
            check_text(error)
            return True
        for answer in answers:
            if type(answer) is Failure:
                check_text(answer.error)
            elif type(answer) is Event:
                refused |= not read_as(DataChange.from_event, answer)
            else:
                assert type(answer) is Success
                for command in ANSWERED:
                    refused |= not read_as(command.parse_answer, answer.item)
    return refused


def at_the_server(data: bytes) -> bool:
    """Take a message as a server does, and answer what is wrong with it."""
    failures = []
    with bounded():
        for request in decode_requests(data):
            if type(request) is Failure:
                failures.append(request)
                continue
            assert type(request) is Request
            command = COMMANDS.get(request.opcode)
            if command is not None:
                try:
                    assert type(command.from_request(request)) is command
                except InvalidParameterError as error:
                    failures.append(Failure(request.message_id, error))
        for failure in failures:
            check_text(failure.error)
        # Every one of these can be sent.
        assert len(decode_answers(encode_packets(failures))) == len(failures)
    return bool(failures)


def read_as(parse, item) -> bool:
    try:
        parse(item)
    except ProtocolError as error:
        check_text(error)
        return False
    return True


def check_text(error: XentaraError) -> None:
    """A message must be one line that fits a terminal, and say something."""
    text = str(error)
    assert 10 < len(text) < 1000
    assert text.isprintable()


# Every vector, cut short, made longer, changed.


def test_the_vectors_themselves_are_not_refused(vector):
    if vector.is_request:
        assert not at_the_server(vector.data)
    else:
        decode_answers(vector.data)


def test_cut_short_at_every_byte(vector):
    for length in range(len(vector.data)):
        data = vector.data[:length]
        with pytest.raises(ProtocolError, match="not well-formed CBOR: "):
            decode_answers(data)
        (failure,) = decode_requests(data)
        assert type(failure.error) is ParseError
        assert at_the_server(data)


@pytest.mark.parametrize("more", ["00", "ff", "80", "f6", "00" * 1000])
def test_bytes_behind_the_message(vector, more):
    data = vector.data + bytes.fromhex(more)
    expected = rf"{len(more) // 2} bytes follow the CBOR item of {len(vector.data)} bytes"
    with pytest.raises(ProtocolError, match=expected):
        decode_answers(data)
    (failure,) = decode_requests(data)
    assert type(failure.error) is ParseError
    assert expected in failure.error.text


def test_every_byte_changed_to_every_head(vector):
    # One value of each major type and each way to give a length.
    heads = [major << 5 | info for major in range(8) for info in (0, 1, 22, 24, 25, 27, 28, 31)]
    for index in range(len(vector.data)):
        for head in heads:
            data = vector.data[:index] + bytes([head]) + vector.data[index + 1 :]
            at_the_client(data)
            at_the_server(data)


def test_the_directions_are_not_mixed_up(vector):
    if vector.is_request:
        with pytest.raises(ProtocolError, match="a packet from a server must begin with 1"):
            decode_answers(vector.data)
    else:
        assert at_the_server(vector.data)


# Random bytes, and vectors with random changes.


@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda tail: b"\x81\x84\x00\x01" + tail))
@example(b"")
@example(b"\x81\x83\x01\x01\xf9\x7e\x00")
def test_random_bytes(data):
    at_the_client(data)
    at_the_server(data)


def test_random_changes(vectors):
    def change(parts):
        data, edits = parts
        for position, removed, inserted in edits:
            position %= len(data) + 1
            data = data[:position] + inserted + data[position + removed :]
        return data

    pieces = st.binary(max_size=4) | st.sampled_from(
        [
            *(b"\xd8\x25", b"\xd9\x03\xe9", b"\xd8\x79", b"\xd8\x7a", b"\xf9\x7e\x00", b"\xf6"),
            *(b"\x9f", b"\xbf", b"\x5f", b"\x7f", b"\xd8\x1c", b"\xd8\x1d\x00", b"\xc2\x41\x01"),
            *(b"\xff", *vectors.values()),
        ]
    )
    edit = st.tuples(st.integers(0, 200), st.integers(0, 6), pieces)
    changed = st.tuples(st.sampled_from(sorted(vectors.values())), st.lists(edit, max_size=4))

    @given(changed.map(change))
    def run(data):
        at_the_client(data)
        at_the_server(data)

    run()


ANY_CBOR = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 64), (1 << 64) - 1)
    | st.floats()
    | st.text(st.characters(codec="utf-8"), max_size=5)
    | st.binary(max_size=17)
    | st.uuids()
    | st.sampled_from([cbor2.undefined, cbor2.CBORSimpleValue(99)]),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.integers(-1, 5) | st.booleans() | st.floats() | st.text(max_size=2) | st.uuids(),
            inner,
            max_size=4,
        )
        | st.builds(cbor2.CBORTag, st.sampled_from([0, 1, 4, 28, 37, 121, 122, 123, 1001]), inner)
    ),
    max_leaves=12,
)


@given(ANY_CBOR, st.sampled_from([0, 1, 2, 8]), st.integers(0, 14))
def test_anything_well_formed_in_any_place(item, kind, opcode):
    for message in (
        item,
        [item],
        [[kind, 1, item]],
        [[kind, 0, opcode, item]],
        [[0, item, opcode, {}]],
        [[item, 1, opcode]],
    ):
        data = cbor2.dumps(message)
        at_the_client(data)
        at_the_server(data)


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
    assert [type(command) for command, _, _ in ANSWERS] == list(COMMANDS.values())


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


# Keys.

BAD_KEYS = {
    "twice": "a200010002",
    "twice, in two forms": "a20001180002",
    "0 and false": "a20001f402",
    "1 and 1.0": "a20101f93c0002",
    "1 and true": "a20101f502",
    "a text twice": "a2616101616102",
    "a long text twice": "a2" + 2 * ("7a00010000" + "61" * 65536 + "01"),
    "a UUID twice": "a2" + 2 * ("d82550" + "00" * 16 + "01"),
    "twice in an indefinite map": "bf00010002ff",
    "a map without its last value": "bf000101ff",
}


@pytest.mark.parametrize("name", BAD_KEYS)
@pytest.mark.parametrize("around", ["{}", "81830101{}", "8184000100{}", "81830101a107{}"])
def test_keys_that_are_there_twice(name, around):
    data = bytes.fromhex(around.format(BAD_KEYS[name]))
    with pytest.raises(ProtocolError, match="not well-formed CBOR"):
        decode_answers(data)
    assert at_the_client(data)
    assert at_the_server(data)


@pytest.mark.parametrize("key", ["80", "8101", "a0", "d87980", "d91388a0", "c24101", "f7", "6131"])
def test_odd_keys_are_passed_over(key):
    data = bytes.fromhex(f"81830102a20001{key}05")
    (answer,) = decode_answers(data)
    assert ClientHello().parse_answer(answer.item) == 1


@pytest.mark.parametrize("key", ["f97e00", "f4", "f5", "f90000", "f93c00", "fb7ff0000000000001"])
def test_nan_and_booleans_and_floats_as_keys(key):
    data = bytes.fromhex(f"81830102a1{key}05")
    (answer,) = decode_answers(data)
    for command in (ClientHello(), ServerInformation(), MetaData(E), Read(E, ())):
        with pytest.raises(ProtocolError, match="must not have boolean or floating point keys"):
            command.parse_answer(answer.item)


def test_keys_that_cannot_be_hashed():
    # An alternative that holds a list would be one, were it not made unchangeable in a key.
    for key in ("d8798101", "d87aa10001", "d87b81a10001", "d81c8101", "c481a0"):
        at_the_client(bytes.fromhex(f"81830102a1{key}05"))
        at_the_server(bytes.fromhex(f"8184000200a1{key}05"))


# Bombs.

DEPTH_BOMBS = {
    "arrays": b"\x81",
    "indefinite arrays": b"\x9f",
    "maps": b"\xa1\x00",
    "maps in keys": b"\xa1",
    "indefinite maps": b"\xbf\x00",
    "unknown tags": b"\xc6",
    "alternatives": b"\xd8\x79",
    "UUIDs": b"\xd8\x25",
    "seconds": b"\xc1",
    "time stamps": b"\xd9\x03\xe9",
    "fractions": b"\xc4",
    "shared values": b"\xd8\x1c",
    "big numbers": b"\xc2",
    "sets": b"\xd9\x01\x02",
    "self-described": b"\xd9\xd9\xf7",
    "indefinite texts": b"\x7f",
    "indefinite bytes": b"\x5f",
    "everything": b"\x81\xa1\x00\x9f\xbf\x00\xd8\x79\xc6\xd8\x1c",
}


@pytest.mark.parametrize("name", DEPTH_BOMBS)
@pytest.mark.parametrize("levels", [50, 1_000, 500_000])
def test_depth_bombs(name, levels):
    bomb = DEPTH_BOMBS[name] * levels
    for prefix in (b"", b"\x81\x83\x01\x01", b"\x81\x84\x00\x01\x04"):
        assert at_the_client(prefix + bomb + b"\x00")
        assert at_the_server(prefix + bomb + b"\x00")


@pytest.mark.parametrize(
    ("opening", "closing"),
    [(b"\x81", b""), (b"\x9f", b"\xff"), (b"\xa1\x00", b""), (b"\xd8\x79", b""), (b"\xc6", b"")],
)
def test_how_deep_is_too_deep(opening, closing):
    def nested(levels: int) -> bytes:
        return opening * levels + b"\x00" + closing * levels

    assert cbor.MAX_DEPTH == 40
    cbor.decode(nested(40))
    with pytest.raises(ProtocolError, match="depth"):
        cbor.decode(nested(41))


@pytest.mark.parametrize("major", range(8))
@pytest.mark.parametrize("length", ["18ff", "19ffff", "1affffffff", "1b000000ffffffffff"])
@pytest.mark.parametrize("tail", [b"", b"\x00" * 20])
def test_huge_lengths(major, length, tail):
    head = bytes.fromhex(length)
    head = bytes([head[0] | major << 5]) + head[1:]
    tracemalloc.start()
    try:
        for prefix in (b"", b"\x81\x83\x01\x01", b"\x81\x84\x00\x01\x04"):
            at_the_client(prefix + head + tail)
            at_the_server(prefix + head + tail)
            if major in (2, 3, 4, 5):
                with pytest.raises(ProtocolError, match="not well-formed"):
                    decode_answers(prefix + head + tail)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("major", [2, 3, 4, 5])
@pytest.mark.parametrize("size", [1 << 31, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_lengths_at_the_limits_of_integers(major, size):
    data = bytes([0x1B | major << 5]) + size.to_bytes(8, "big")
    for prefix in (b"", b"\x81\x83\x01\x01", b"\x81\x84\x00\x01\x04"):
        assert at_the_client(prefix + data)
        assert at_the_server(prefix + data)


@pytest.mark.parametrize("major", range(8))
@pytest.mark.parametrize("info", [28, 29, 30, 31])
def test_heads_that_mean_nothing(major, info):
    data = bytes([major << 5 | info])
    with pytest.raises(ProtocolError, match="not well-formed"):
        cbor.decode(data)
    assert at_the_server(b"\x81\x84\x00\x01\x04" + data)


@pytest.mark.parametrize(
    "text",
    [
        "61ff",
        "62c328",
        "61c3",
        "63eda080",  # half of a surrogate pair
        "64f4908080",  # above the last code point
        "62c080",  # longer than need be
        "7f61c361a4ff",  # a letter cut in two
        "7f4161ff",  # bytes among the texts
        "5f6161ff",
        "7f7f6161ffff",
    ],
)
def test_texts_that_are_none(text):
    for prefix in ("", "81830101", "8184000103a100", "81830101a107"):
        data = bytes.fromhex(prefix + text)
        with pytest.raises(ProtocolError, match="not well-formed"):
            decode_answers(data)
        (failure,) = decode_requests(data)
        assert type(failure.error) is ParseError


def test_shared_references():
    cyclic = bytes.fromhex("d81c81d81d00")
    assert repr(cbor.decode(cyclic)) == "CBORTag(28, [CBORTag(29, 0)])"
    for prefix in ("", "81830101", "8184000104", "81830102a1000107"):
        at_the_client(bytes.fromhex(prefix) + cyclic)
        at_the_server(bytes.fromhex(prefix) + cyclic)
    # A message that would hold itself.
    assert at_the_client(bytes.fromhex("d81c81d81d00"))
    assert at_the_server(bytes.fromhex("d81c8184000104d81d00"))


def test_many_references_do_not_multiply():
    level = bytes.fromhex("d81c82d81d00d81d00")
    data = b"\x98\x1e" + level * 30
    item = cbor.decode(data)
    assert len(repr(item)) < 30 * 100


def test_texts_in_errors_are_short():
    key = b"\x7a\x00\x10\x00\x00" + b"\x1b" * 0x100000
    data = b"\x81\x84\x00\x01\x04\xa2" + (key + b"\x01") * 2
    (failure,) = decode_requests(data)
    assert len(failure.error.text) < 400
    assert len(encode_packets([failure])) < 500
    with pytest.raises(ProtocolError) as caught:
        decode_answers(data)
    check_text(caught.value)


@pytest.mark.parametrize("item", [b"\x00", b"\x60", b"\x80", b"\xa0", b"\xf6", b"\x9f\xff"])
def test_long_messages_of_nothing(item):
    data = b"\x99\x27\x10" + item * 10_000
    assert at_the_client(data)
    assert at_the_server(data)


def test_many_chunks():
    for head, chunk in ((b"\x5f", b"\x41a"), (b"\x7f", b"\x61a"), (b"\x7f", b"\x60")):
        with bounded():
            cbor.decode(head + chunk * 500_000 + b"\xff")
