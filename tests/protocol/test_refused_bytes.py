"""Bytes that must be refused: always with one clear error, never another, and never late.

A client raises ProtocolError. A server answers: decode_requests gives requests and failures for any
bytes, and a command that cannot be read is an InvalidParameterError.
"""

from __future__ import annotations

import itertools
import tracemalloc

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.protocol.refusing import (
    E,
    at_the_client,
    at_the_server,
    bounded,
    check_text,
)
from tests.protocol.vectors import BY_NAME, VECTORS, each_vector
from xentara_nb.protocol import cbor
from xentara_nb.protocol.commands import (
    ClientHello,
    MetaData,
    Read,
    ServerInformation,
)
from xentara_nb.protocol.cost import ALWAYS_OF_REQUESTS
from xentara_nb.protocol.errors import (
    ParseError,
    ProtocolError,
)
from xentara_nb.protocol.packets import (
    decode_answers,
    decode_requests,
    encode_packets,
)

# Every vector, cut short, made longer, changed.


@each_vector
def test_the_vectors_themselves_are_not_refused(vector):
    if vector.is_request:
        assert not at_the_server(vector.data)
    else:
        decode_answers(vector.data)


@each_vector
def test_cut_short_at_every_byte(vector):
    for length in range(len(vector.data)):
        data = vector.data[:length]
        with pytest.raises(ProtocolError, match="not well-formed CBOR: "):
            decode_answers(data)
        (failure,) = decode_requests(data)
        assert type(failure.error) is ParseError
        assert at_the_server(data)


@each_vector
@pytest.mark.parametrize("more", ["00", "ff", "80", "f6", "00" * 1000])
def test_bytes_behind_the_message(vector, more):
    data = vector.data + bytes.fromhex(more)
    expected = rf"{len(more) // 2} bytes follow the CBOR item of {len(vector.data)} bytes"
    with pytest.raises(ProtocolError, match=expected):
        decode_answers(data)
    (failure,) = decode_requests(data)
    assert type(failure.error) is ParseError
    assert expected in failure.error.text


# One value of each major type and each way to give a length.
HEADS = [major << 5 | info for major in range(8) for info in (0, 1, 22, 24, 25, 27, 28, 31)]


def change_bytes_to_heads(data, step):
    places = itertools.product(range(len(data)), HEADS)
    for index, head in itertools.islice(places, 0, None, step):
        changed = data[:index] + bytes([head]) + data[index + 1 :]
        at_the_client(changed)
        at_the_server(changed)


@each_vector
def test_every_byte_changed_to_some_heads(vector):
    change_bytes_to_heads(vector.data, 7)  # other ones at each byte


@pytest.mark.slow
def test_every_byte_changed_to_every_head():
    for vector in VECTORS:
        change_bytes_to_heads(vector.data, 1)


@each_vector
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


def test_random_changes():
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
            *(b"\xff", *BY_NAME.values()),
        ]
    )
    edit = st.tuples(st.integers(0, 200), st.integers(0, 6), pieces)
    changed = st.tuples(st.sampled_from(sorted(BY_NAME.values())), st.lists(edit, max_size=4))

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


@pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_long_messages_of_nothing(count):
    for item in (b"\x00", b"\x60", b"\x80", b"\xa0", b"\xf6", b"\x9f\xff"):
        data = b"\x99" + count.to_bytes(2, "big") + item * count
        assert at_the_client(data)
        assert at_the_server(data)


def test_many_chunks():
    for head, chunk in ((b"\x5f", b"\x41a"), (b"\x7f", b"\x61a"), (b"\x7f", b"\x60")):
        with bounded():
            cbor.decode(head + chunk * 500_000 + b"\xff", ALWAYS_OF_REQUESTS)
