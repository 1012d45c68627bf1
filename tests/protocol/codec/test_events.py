"""The codec of events: pieces that the generic decoder takes as well, or none."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.codec.helpers import EDITS, E, edited
from xentara_nb.protocol.codec.events import split_events
from xentara_nb.protocol.commands import DataChange
from xentara_nb.protocol.errors import ProtocolError, server_error
from xentara_nb.protocol.packets import Event, Success, decode_answers, encode_packets
from xentara_nb.protocol.values import TimePoint

CUSTOM = UUID("00000000-0000-4000-8000-000000000001")
FRAME = bytes.fromhex("830800a300d903e9a104c482281b17a634b75ab2088f01d82550")
# A UUID may be any bytes: here the beginning of an event, up to within its time stamp.
TRAP = UUID(bytes=FRAME[:14] + b"\0\0")
NOW = TimePoint(1_704_107_471_111_587_983)
USUAL = st.one_of(
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1) | st.integers(-300, 300),
    st.floats() | st.floats(width=16) | st.floats(width=32),
    st.integers(1 << 32, (1 << 63) - 2).map(TimePoint),
)
UNUSUAL = st.sampled_from([TimePoint.NEVER, TimePoint(5), "text", E, server_error(-32101)])
IDS = st.sampled_from([0, 9, 11, 6, 23, CUSTOM, TRAP]) | st.uuids()
ELEMENTS = st.sampled_from([E, CUSTOM, TRAP]) | st.uuids()
TIMES = st.just(NOW) | st.integers(1 << 32, (1 << 63) - 2).map(TimePoint)


def changes(values: st.SearchStrategy, max_values: int = 3) -> st.SearchStrategy:
    mapping = st.dictionaries(IDS, values, min_size=1, max_size=max_values)
    return st.lists(st.builds(DataChange, TIMES, ELEMENTS, mapping), min_size=1, max_size=30)


def message(found: list[DataChange]) -> bytes:
    return encode_packets(change.event() for change in found)


def generic(data: bytes) -> list[DataChange] | None:
    try:
        return [DataChange.from_event(event) for event in decode_answers(data)]
    except (ProtocolError, AttributeError):
        return None


def head(count: int) -> bytes:
    return bytes((0x80 + count,)) if count < 24 else bytes((0x98, count))


@given(changes(USUAL))
def test_usual_events_are_all_recognised(found: list[DataChange]) -> None:
    data = message(found)

    events = split_events(data)

    assert events is not None
    assert len(events) == len(found)
    assert head(len(found)) + b"".join(events) == data


@given(changes(USUAL | UNUSUAL, max_values=5), EDITS)
def test_what_is_recognised_is_right(found: list[DataChange], edits: list) -> None:
    data = edited(message(found), edits)
    events = split_events(data)
    if events is None:
        return
    whole = generic(data)
    assert whole is not None
    assert len(events) == len(whole)
    assert data.endswith(b"".join(events))


@pytest.mark.parametrize("count", [1, 23, 24, 255, 256, 1000])
def test_messages_of_any_length(count: int) -> None:
    found = [DataChange(NOW, E, {11: 0.5 + at}) for at in range(count)]

    events = split_events(message(found))

    assert events is not None
    assert len(events) == count


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\x98",
        b"\x9f" + FRAME,
        encode_packets([Success(1)]),
        encode_packets([Event(0, {}), Success(1)]),
        encode_packets([Event(1, {0: NOW, 1: E, 2: {}})]),
        message([DataChange(NOW, E, {})]),
        message([DataChange(NOW, E, {11: "a"})]),
        message([DataChange(NOW, E, {11: 1.5})]) + b"\0",
        message([DataChange(NOW, E, {11: 1.5})])[:-1],
        # A head that says one event more or less than there are.
        head(2) + message([DataChange(NOW, E, {11: 1.5})])[1:],
        head(1) + message([DataChange(NOW, E, {11: 1.5})] * 2)[1:],
        head(2) + message([DataChange(NOW, TRAP, {11: 1.5})])[1:],
    ],
)
def test_anything_else_is_for_the_generic_decoder(data: bytes) -> None:
    assert split_events(data) is None


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("attribute", [b"\x0b", b"\xd8\x25\x50" + E.bytes])
def test_an_attribute_that_is_there_twice(count: int, attribute: bytes) -> None:
    values = (attribute + b"\xd8\x79\xf5", b"\x09\xd8\x79\x00", attribute + b"\xd8\x79\xf4")
    body = values[0] + b"".join(values[3 - count + 1 :])
    data = b"\x81" + FRAME + E.bytes + b"\x02" + bytes((0xA0 + count,)) + body

    assert split_events(data) is None
    with pytest.raises(ProtocolError):
        decode_answers(data)
