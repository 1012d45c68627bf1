"""The codec of reads: exactly the generic decoder, or none."""

from __future__ import annotations

import math
import time
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.protocol.codec.helpers import (
    CUSTOM,
    EDITS,
    FIRST_IDS,
    PIECES,
    TRAP,
    UUIDS,
    E,
    edited,
    generic,
)
from xentara_nb.protocol.codec.reads import ReadRequests
from xentara_nb.protocol.commands import Read
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.identifiers import NIL_UUID, Attribute
from xentara_nb.protocol.packets import Event, Failure, Success, encode_packets
from xentara_nb.protocol.values import TimePoint

ANY = Read(NIL_UUID, ())
# A number that holds the tag of a value, and one that holds all that stands behind itself.
TAG = 0xD879_D879_D879_D879
BEHIND = int.from_bytes(bytes.fromhex("0b d879 09 d879 0b d8"), "big")
VALUES = [
    *(True, False, 0, 1, 23, 24, 255, 256, 65_535, 65_536, 1 << 32, (1 << 64) - 1, TAG),
    *(-1, -24, -25, -256, -257, -65_537, -(1 << 32) - 1, -(1 << 63)),
    *(0.0, -0.0, 1.5, 0.1, 100_000.0, 3.5e38, math.inf, -math.inf, 5e-324),
    *("", "a", "Größe", "x" * 23, "x" * 24, "x" * 255, "x" * 256, "x" * 70_000, "\x0b\x18y"),
    *(E, TRAP, UUID(int=TAG << 64 | TAG)),
    *(TimePoint(0), TimePoint(1_700_000_000_000_000_000), TimePoint(-1), TimePoint(TAG >> 1)),
    *(TimePoint.NEVER, TimePoint.FOREVER),
]
UUIDS_OF_TAGS = [UUID(int=TAG << 64 | number) for number in range(9)]
VALUE_OF_ANY_KIND = st.one_of(
    st.sampled_from([*VALUES, BEHIND, UUID(int=TAG << 64 | BEHIND)]),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.floats(allow_nan=False),
    st.text(max_size=30),
    st.uuids(),
    st.integers(-(1 << 63), (1 << 63) - 1).map(TimePoint),
    st.sampled_from([server_error(-32101), server_error(-32102, "\x83\x02\x01ØyØz")]),
)
IDS = st.integers(0, 300) | UUIDS | st.sampled_from(Attribute)


def message(answers, first_id=1) -> bytes:
    """Return the answers as the generic encoder makes them."""
    return encode_packets(
        Success(number, ANY.build_answer(values)) for number, values in enumerate(answers, first_id)
    )


def requests_for(answers) -> ReadRequests:
    return ReadRequests([E] * len(answers), [tuple(values) for values in answers])


def exactly(results):
    """Return results so that what differs in its type, its sign or its order differs."""
    return results is not None and [
        [(key, type(value), repr(value)) for key, value in values.items()] for values in results
    ]


def values_of(requests: ReadRequests, data: bytes, first_id=1):
    """Decode with the codec; a result must be what the generic decoder gives."""
    result = requests.decode(data, first_id)
    if result is not None:
        assert exactly(result) == exactly(generic(ANY, data, first_id, len(requests)))
    return None if result is None else list(result)


# Requests.


def test_the_request_by_hand():
    assert ReadRequests([E, CUSTOM], [(Attribute.VALUE,), (9, CUSTOM)]).encode(65).hex() == (
        "82"
        "84 00 1841 04 a2 00 d82550 e3ee10714d884ba18e5d0f1e4ce25ee8 01 81 0b"
        "84 00 1842 04 a2 00 d82550 00000000000040008000000000000001"
        "01 82 09 d82550 00000000000040008000000000000001"
    ).replace(" ", "")


@given(
    st.lists(st.tuples(UUIDS, st.lists(IDS, max_size=4).map(tuple)), max_size=30),
    st.sampled_from(FIRST_IDS),
)
def test_requests_are_those_of_the_generic_encoder(wanted, first_id):
    reads = [Read(*each) for each in wanted]
    requests = ReadRequests.of(reads)
    assert requests.encode(first_id) == encode_packets(
        read.request(number) for number, read in enumerate(reads, first_id)
    )


def test_requests_are_a_sequence_of_commands():
    reads = [Read(UUID(int=number), (number, CUSTOM)) for number in range(5)]
    requests = ReadRequests.of(reads)
    assert len(requests) == 5
    assert list(requests) == reads
    assert requests[3] == reads[3]
    part = requests[1:3]
    assert type(part) is ReadRequests
    assert list(part) == reads[1:3]
    answers = message([{1: 0.5, CUSTOM: "a"}, {2: 1.5, CUSTOM: "b"}], 7)
    assert values_of(part, answers, 7) == [{1: 0.5, CUSTOM: "a"}, {2: 1.5, CUSTOM: "b"}]


# Answers.


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
def test_every_kind_of_value(value):
    for answers in ([{11: value}], [{11: value, 9: 0, CUSTOM: value}], [{CUSTOM: value}] * 3):
        assert values_of(requests_for(answers), message(answers)) is not None


@pytest.mark.parametrize("first_id", FIRST_IDS)
@pytest.mark.parametrize("count", [1, 2, 24, 300])
def test_many(first_id, count):
    singles = [{11: number / 8} for number in range(count)]
    assert values_of(requests_for(singles), message(singles, first_id), first_id) == singles
    answers = [{11: number / 8, 9: number, CUSTOM: str(number)} for number in range(count)]
    mixed = [values if number % 3 else {0: "x"} for number, values in enumerate(answers)]
    for each in (answers, mixed):
        assert values_of(requests_for(each), message(each, first_id), first_id) == each


def test_not_a_number():
    (values,) = requests_for([{11: math.nan}]).decode(message([{11: math.nan}]), 1)
    assert math.isnan(values[11])


def test_tags_inside_of_values_cost_only_time():
    answers = [{11: TAG, 9: UUID(int=TAG << 64 | TAG), 7: "Ø"}, {11: TAG}]
    assert values_of(requests_for(answers), message(answers)) == answers
    # Here a wrong cut looks right: what stands behind the value stands inside of it as well.
    answers = [{11: BEHIND, 9: 1, 0: 2}]
    assert values_of(requests_for(answers), message(answers)) in (None, answers)


def test_a_value_full_of_tags_takes_no_longer_than_it_should():
    text = "\u0639" * 1_000_000  # d8 b9 again and again; as tags: d8 79
    data = message([{11: text, 9: 0}, {11: 1}]).replace(b"\xd8\xb9", b"\xd8\x79")
    requests = requests_for([{11: text, 9: 0}, {11: 1}])
    start = time.process_time()
    assert values_of(requests, data) is None  # it is no UTF-8 any more
    assert time.process_time() - start < 10
    answers = [
        {11: 1, **{key: UUID(int=(TAG << 64) + number) for key in UUIDS_OF_TAGS}}
        for number in range(99)
    ]
    assert values_of(requests_for(answers), message(answers)) == answers


SOUND = [{11: 1.5, 9: 0}, {11: 2.5, 9: 0}]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        message(SOUND[:1]),
        message([*SOUND, SOUND[0]]),
        message(SOUND[::-1], 2),
        message(SOUND) + b"\x00",
        message([{11: 1.5, 9: 0}, {9: 0, 11: 2.5}]),  # in another order
        message([{11: 1.5, 9: 0}, {11: 2.5}]),
        message([{11: 1.5, 9: 0}, {11: 2.5, 8: 0}]),
        message([{11: [], 9: 0}, {11: 2.5, 9: 0}]),
        message([{11: 1.5, 9: [1]}, {11: 2.5, 9: 0}])[:-4],
        encode_packets([Success(1, ANY.build_answer(SOUND[0])), Failure(2, server_error(-32100))]),
        encode_packets([Success(1, ANY.build_answer(SOUND[0])), Success(2)]),
        encode_packets([Event(0, {}), Success(1, ANY.build_answer(SOUND[0]))]),
    ],
)
def test_anything_else_is_left_to_the_generic_decoder(data):
    assert values_of(requests_for(SOUND), data) is None


def test_errors_in_place_of_values():
    error = server_error(-32101)
    answers = [{11: 1.5, 9: error}, {11: TAG, 9: error}, {11: error, 9: 0, CUSTOM: "x"}]
    assert values_of(requests_for(answers), message(answers)) is not None
    data = message(answers).replace(b"missing", b"miss\xffng")  # an error that cannot be read
    assert values_of(requests_for(answers), data) is None
    long = [{11: server_error(-32101, f"{number}" * 30_000), 9: 0} for number in range(3)]
    assert values_of(requests_for(long), message(long)) is None


@pytest.mark.parametrize("answers", [[{}], [{}, {11: 1}], [{11: 1}, {}]])
def test_a_request_for_nothing(answers):
    assert values_of(requests_for(answers), message(answers)) is None


def test_a_request_for_the_same_twice():
    requests = ReadRequests([E], [(11, 11)])
    assert values_of(requests, message([{11: 1}])) is None
    twice = bytes.fromhex("81 830101 a2 0b d87901 0b d87902")
    assert values_of(requests, twice) is None


# By what stands behind 81 83 01 01 a1 0b d879: values in forms that are unusual, or none.
@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("1801", 1),
        ("190001", 1),
        ("1b0000000000000001", 1),
        ("3800", -1),
        ("3bffffffffffffffff", -(1 << 64)),
        ("fb3ff8000000000000", 1.5),
        ("fa3fc00000", 1.5),
        ("7801 61", "a"),
        ("790001 61", "a"),
        ("7f 6161 6162 ff", "ab"),
        ("d903e9 a1 04 c4 82 25 01", TimePoint(1000)),
        ("d903e9 a1 01 01", TimePoint(1_000_000_000)),
        ("d903e9 a1 01 f9fc00", TimePoint.NEVER),
        ("f6", None),
        ("43 010203", b"\x01\x02\x03"),
    ],
)
def test_values_in_other_forms(item, value):
    data = bytes.fromhex("81 830101 a1 0b d879" + item)
    assert values_of(ReadRequests([E], [(11,)]), data) == [{11: value}]


@pytest.mark.parametrize(
    "item",
    [
        *("", "18", "19 00", "fb 00", "61", "61ff", "62 61", "78", "78 02 61", "7801 61 61", "ff"),
        *("1c", "00 00", "f5 f5", "d82550 00", "d82541 00", "d903e9 a0", "81", "a1 00", "61 6161"),
        "d903e9 a1 04 c4 82 28 1b ffffffffffffffff",
        "d903e9 a1 04 c4 82 28 1b 00",
        "d903e9 a1 04 c4 82 00 01",
        "c5" * 45 + "00",
    ],
)
def test_what_is_no_value(item):
    data = bytes.fromhex("81 830101 a1 0b d879" + item)
    assert generic(ANY, data, 1, 1) is None
    assert values_of(ReadRequests([E], [(11,)]), data) is None


@pytest.mark.parametrize("depth", range(28, 42))
def test_the_limit_of_nesting_is_that_of_the_message(depth):
    data = bytes.fromhex("81 830101 a1 0b d879" + "c5" * depth + "00")
    found = values_of(ReadRequests([E], [(11,)]), data)
    assert (found is None) is (generic(ANY, data, 1, 1) is None)


def test_tags_in_tags_that_take_far_more_memory_than_their_bytes():
    count = 5000
    items = [b"\xc5" * 13 + b"\x1a" + at.to_bytes(4) for at in range(1 << 20, (1 << 20) + count)]
    answers = [b"\x83\x01\x19" + at.to_bytes(2) for at in range(1000, 1000 + count)]
    pieces = [each + b"\xa1\x0b\xd8\x79" + item for each, item in zip(answers, items, strict=True)]
    data = b"\x99" + count.to_bytes(2) + b"".join(pieces)
    assert values_of(ReadRequests([E] * count, [(11,)] * count), data, 1000) is None


def test_cut_short_or_changed_in_any_byte():
    answers = [{11: 1.5, 9: 0, 0: "Pump", 6: TimePoint(5), CUSTOM: E}, {11: 300, 9: -1}]
    data, requests = message(answers), requests_for(answers)
    assert values_of(requests, data) == answers
    for length in range(len(data)):
        assert values_of(requests, data[:length]) is None
    for index in range(len(data)):
        for byte in (0x00, 0x01, 0x0B, 0x18, 0x61, 0x78, 0x80, 0x83, 0xA1, 0xD8, 0xD9, 0xF5, 0xFF):
            values_of(requests, data[:index] + bytes([byte]) + data[index + 1 :])


@given(
    st.lists(st.dictionaries(IDS, VALUE_OF_ANY_KIND, min_size=1, max_size=4), max_size=6),
    st.integers(0, 30) | st.sampled_from([254, 65_534, (1 << 32) - 2]),
    EDITS,
)
@example([{11: TAG, 9: TAG}], 1, [])
@example([], 0, [(1, 0, b"\xd8\x79")])  # nothing was asked for, and something stands there
def test_values_are_exact_or_there_are_none(answers, first_id, edits):
    requests, data = requests_for(answers), message(answers, first_id)
    values_of(requests, data, first_id)
    values_of(requests, edited(data, edits), first_id)


@given(st.lists(PIECES | st.just(b"\xd8\x79"), max_size=12))
def test_made_of_pieces(pieces):
    data = b"".join(pieces)
    for ids in ((0,), (2,), (0, 2), (CUSTOM,)):
        for start in (b"", b"\x81\x83\x01\x01", b"\x81\x83\x01\x01\xa1\x02\xd8\x79"):
            values_of(ReadRequests([E], [ids]), start + data)
