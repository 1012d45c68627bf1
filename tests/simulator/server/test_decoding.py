"""Messages in which something is wrong: which of their requests get an error."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xentara_nb.protocol import cbor
from xentara_nb.protocol.packets import Failure, Request
from xentara_nb.simulator.server.decoding import BrokenRequest, read_requests

STAGE = [0, 1, 8]
DEEP = b"\x81" * 200 + b"\x00"

# What a decoder cannot take, though it is well-formed.
STRANGE = {
    "a UUID that is a text": cbor2.dumps(cbor2.CBORTag(37, "e3ee1071")),
    "a UUID that is too short": cbor2.dumps(cbor2.CBORTag(37, b"123")),
    "a time that is none": cbor2.dumps(cbor2.CBORTag(1001, {5: 1})),
    "a key twice": bytes.fromhex("a200010002"),
    "a text that is no UTF-8": bytes.fromhex("62fffe"),
    "arrays in arrays": DEEP,
    "arrays without end": b"\x9f" * 200 + b"\xff" * 200,
    "maps without end": b"\xbf\x00" * 200 + b"\x00" + b"\xff" * 200,
    "tags around tags": b"\xd8\x25" * 200 + b"\x00",
    "pieces of a text": bytes.fromhex("7f6161" + "62fffe" + "ff"),
}


def _message(*packets: bytes) -> bytes:
    return bytes((0x80 | len(packets),)) + b"".join(packets)


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("head", ["84 00 18 20 04", "9f 00 19 0020 04"])
def test_only_the_request_with_the_strange_thing_fails(strange: bytes, head: str) -> None:
    end = b"\xff" if head.startswith("9f") else b""
    broken = bytes.fromhex(head) + b"\xa1\x00" + strange + end
    before, found, after = read_requests(
        _message(cbor2.dumps(STAGE), broken, cbor2.dumps([0, 3, 8, {}]))
    )
    assert (before, after) == (Request(1, 8), Request(3, 8, {}))
    assert isinstance(found, BrokenRequest)
    assert (found.message_id, found.opcode, found.error.code) == (32, 4, -32602)
    assert found.error.text.startswith("invalid parameter: ")
    assert "bytes is not well-formed" not in found.error.text


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize(
    ("before", "after", "message_id"),
    [("83", "0708", 0), ("8300", "08", 0), ("830007", "", 7), ("8200", "", 0), ("81", "", 0)],
)
def test_the_beginning_of_a_packet(
    strange: bytes, before: str, after: str, message_id: int
) -> None:
    packet = bytes.fromhex(before) + strange + bytes.fromhex(after)
    stage, found = read_requests(_message(cbor2.dumps(STAGE), packet))
    assert stage == Request(1, 8)
    assert isinstance(found, Failure)
    assert found.error.code == -32700
    assert found.message_id == (7 if before == "83" else message_id)


def test_a_packet_of_another_type_and_of_another_length() -> None:
    for packet in ("84010704", "8500070400"):
        (found,) = read_requests(_message(bytes.fromhex(packet) + DEEP))
        assert isinstance(found, Failure)
        assert (found.message_id, found.error.code) == (7, -32700)


def test_something_strange_that_is_no_packet() -> None:
    (found,) = read_requests(_message(STRANGE["a key twice"]))
    assert isinstance(found, Failure)
    assert (found.message_id, found.error.code) == (0, -32700)


@pytest.mark.parametrize("parameters", [None, [], 5, "x", True])
def test_parameters_that_are_no_map(parameters: Any) -> None:
    (found,) = read_requests(cbor2.dumps([[0, 7, 14, parameters]]))
    assert isinstance(found, BrokenRequest)
    assert (found.message_id, found.opcode, found.error.code) == (7, 14, -32602)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x82" + cbor2.dumps(STAGE),
        b"\x9f" + cbor2.dumps(STAGE),
        _message(cbor2.dumps(STAGE)) + b"\x00",
        b"\x81\x1c",
        b"\x9c" + cbor2.dumps(STAGE) * 28,
        b"\x98",
        b"\x81\xff",
        b"\x81\xbf\x00\xff",
        b"\x81\x5f\x61a\xff",
        b"\x81\x5f\x5f\xff\xff",
        b"\x81\x59\x00",
        b"\x81\x58\x05abc",
        b"\x81\xdf",
        b"\x9b" + b"\xff" * 8,
        b"x" * 3,
    ],
)
def test_what_is_not_well_formed_is_refused_as_a_whole(message: bytes) -> None:
    (found,) = read_requests(message)
    assert isinstance(found, Failure)
    assert (found.message_id, found.error.code) == (0, -32700)


def test_a_large_message_is_not_taken_apart() -> None:
    padding = cbor2.dumps([0, 1, 3, {0: "x" * 300_000}])
    (found,) = read_requests(_message(padding, cbor2.dumps([0, 2, 4, {0: cbor2.CBORTag(37, 5)}])))
    assert isinstance(found, Failure)
    assert (found.message_id, found.error.code) == (0, -32700)


def test_a_message_that_says_that_it_is_cbor() -> None:
    assert read_requests(cbor2.dumps(cbor2.CBORTag(55799, [STAGE]))) == [Request(1, 8)]


_ITEMS = st.recursive(
    st.integers(-(1 << 64), (1 << 64) - 1)
    | st.binary()
    | st.text()
    | st.floats()
    | st.booleans()
    | st.none(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.integers(), inner)
        | st.builds(cbor2.CBORTag, st.integers(100, 120), inner)
    ),
)


@given(_ITEMS, st.sampled_from(list(STRANGE.values())))
def test_the_requests_around_any_parameters_are_read(item: object, strange: bytes) -> None:
    broken = bytes.fromhex("8400182004a200") + cbor2.dumps(item) + b"\x01" + strange
    before, found, after = read_requests(
        _message(cbor2.dumps(STAGE), broken, cbor2.dumps([0, 3, 8, {}]))
    )
    assert (before, after) == (Request(1, 8), Request(3, 8, {}))
    assert isinstance(found, BrokenRequest)
    assert (found.message_id, found.opcode) == (32, 4)


@given(st.binary())
@example(b"\x9f\x9f\x00\xff\xa1\x00\x81\xd8\x25\x41\x00\xff")
def test_no_bytes_make_it_raise(data: bytes) -> None:
    for message in (data, b"\x81" + data, b"\x81\x84\x00\x01\x04" + data):
        assert all(isinstance(one, Request | Failure) for one in read_requests(message))


def test_what_is_slow_is_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the same hash: decoding is stopped once, and not begun again piece by piece."""
    monkeypatch.setattr(cbor, "MAX_SECONDS", 0.01)
    monkeypatch.setattr(cbor, "SLOWEST", 0.0)
    same_hash = [UUID(int=number * (2**61 - 1)) for number in range(4000)]
    slow = cbor2.dumps([0, 2, 8, {0: dict.fromkeys(same_hash, 0)}])
    (found,) = read_requests(_message(cbor2.dumps(STAGE), slow))
    assert isinstance(found, Failure)
    assert "far too long" in found.error.text
