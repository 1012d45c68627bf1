"""The codec of writes: exactly the generic decoder, or none."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.codec.helpers import CUSTOM, EDITS, FIRST_IDS, UUIDS, E, edited, generic
from xentara_nb.protocol.codec.writes import WriteRequests
from xentara_nb.protocol.commands import Write
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.protocol.packets import Event, Failure, Success, encode_packets
from xentara_nb.protocol.values import TimePoint

VALUES = st.one_of(
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.floats(),
    st.text(max_size=30),
    st.uuids(),
    st.integers(-(1 << 63), (1 << 63) - 1).map(TimePoint),
)
IDS = st.integers(0, 300) | UUIDS | st.sampled_from(Attribute)
WRITES = st.builds(
    Write,
    UUIDS,
    st.integers(0, 300) | UUIDS | st.sampled_from(Attribute),
    VALUES,
    st.none() | UUIDS,
)


def test_the_request_by_hand():
    assert WriteRequests([Write(E, Attribute.VALUE, 1.5), Write(E, 9, True, CUSTOM)]).encode(
        65
    ).hex() == (
        "82"
        "84 00 1841 05 a3 00 d82550 e3ee10714d884ba18e5d0f1e4ce25ee8 01 0b 02 f93e00"
        "84 00 1842 05 a4 00 d82550 e3ee10714d884ba18e5d0f1e4ce25ee8 01 09 02 f5"
        "03 d82550 00000000000040008000000000000001"
    ).replace(" ", "")


@given(st.lists(WRITES, max_size=30), st.sampled_from(FIRST_IDS))
def test_requests_are_those_of_the_generic_encoder(writes, first_id):
    requests = WriteRequests(writes)
    assert requests.encode(first_id) == encode_packets(
        write.request(number) for number, write in enumerate(writes, first_id)
    )


def test_requests_are_a_sequence_of_commands():
    writes = [Write(UUID(int=number), 11, number) for number in range(5)]
    requests = WriteRequests(writes)
    assert len(requests) == 5
    assert list(requests) == writes
    assert requests[3] == writes[3]
    part = requests[1:3]
    assert type(part) is WriteRequests
    assert list(part) == writes[1:3]


@pytest.mark.parametrize("first_id", FIRST_IDS)
@pytest.mark.parametrize("count", [1, 2, 24, 300])
def test_all_done(first_id, count):
    requests = WriteRequests([Write(E, 11, 1)] * count)
    packets = [Success(number) for number in range(first_id, first_id + count)]
    assert requests.decode(encode_packets(packets), first_id) == [None] * count
    assert requests.decode(encode_packets(packets), first_id + 1) is None
    assert requests.decode(encode_packets(packets[1:]), first_id) is None
    assert requests.decode(encode_packets([*packets, packets[-1]]), first_id) is None
    assert requests.decode(encode_packets(packets) + b"\x00", first_id) is None


@pytest.mark.parametrize(
    "packet", [Failure(2, server_error(-32104)), Success(2, {}), Success(3), Event(0, {})]
)
def test_anything_else_is_left_to_the_generic_decoder(packet):
    requests = WriteRequests([Write(E, 11, 1)] * 3)
    message = encode_packets([Success(1), packet, Success(3)])
    assert requests.decode(message, 1) is None


@given(st.integers(0, 30), st.integers(0, 300), EDITS)
def test_answers_are_exact_or_there_are_none(count, first_id, edits):
    requests = WriteRequests([Write(E, 11, 1)] * count)
    packets = encode_packets(Success(number) for number in range(first_id, first_id + count))
    data = edited(packets, edits)
    result = requests.decode(data, first_id)
    if result is not None:
        assert result == generic(Write(E, 11, 1), data, first_id, count)
