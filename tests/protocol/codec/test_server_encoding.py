"""The fast encoder gives the bytes of the general one."""

from __future__ import annotations

import struct
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xentara_nb.protocol import cbor
from xentara_nb.protocol.checks import error_item
from xentara_nb.protocol.codec import server_encoding
from xentara_nb.protocol.commands import AttributeInfo, DataChange
from xentara_nb.protocol.commands.model import attributes_item
from xentara_nb.protocol.errors import MissingAttributeError, ServerError
from xentara_nb.protocol.identifiers import Access, Attribute, DataType
from xentara_nb.protocol.packets import Success, encode_packets
from xentara_nb.protocol.values import Alternative, TimePoint, Value

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
_VALUES = (
    st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.floats(width=16)
    | st.floats(width=32)
    | st.text()
    | st.uuids()
    | st.builds(TimePoint, st.integers(-(2**63), 2**63 - 1))
)


@given(_VALUES)
@example(struct.unpack(">d", bytes.fromhex("7ff8000000000001"))[0])
@example(struct.unpack(">d", bytes.fromhex("fff0000000000001"))[0])
def test_what_an_attribute_holds(value: Value) -> None:
    assert server_encoding.attribute_value(value) == cbor.encode(Alternative(0, value))


def test_an_attribute_that_fails() -> None:
    error = MissingAttributeError()
    assert server_encoding.attribute_value(error) == cbor.encode(Alternative(1, error_item(error)))


@given(st.integers(0, 2**64 - 1))
def test_integers(value: int) -> None:
    assert server_encoding.integer(value) == cbor.encode(value)
    if value < 2**63:
        assert server_encoding.integer(-1 - value) == cbor.encode(-1 - value)


@given(st.text(), st.uuids(), st.integers(0, 15))
def test_entries_of_browse(key: str, uuid: UUID, category: int) -> None:
    assert server_encoding.browse_entry(key, uuid, category) == cbor.encode(
        {0: key, 1: uuid, 2: category}
    )


def test_attribute_lists() -> None:
    infos = (
        AttributeInfo("value", Attribute.VALUE, Access.READ_AND_WRITE, DataType.FLOAT_64),
        AttributeInfo("own", E, Access.READ_ONLY, DataType.STRING),
    )
    plain = [{0: "value", 1: 11, 2: 2, 3: 10}, {0: "own", 1: E, 2: 0, 3: 11}]
    assert cbor.encode(attributes_item(infos)) == cbor.encode(plain)


@pytest.mark.parametrize("count", [0, 1, 23, 24, 255, 256, 70_000])
def test_messages(count: int) -> None:
    assert server_encoding.message([b"\x00"] * count) == cbor.encode([0] * count)


def test_success() -> None:
    item = cbor.encode({0: 1})
    assert server_encoding.message([server_encoding.success(300, item)]) == encode_packets(
        [Success(300, {0: 1})]
    )


@given(
    st.integers(0, 2**63 - 2),
    st.dictionaries(
        st.integers(0, 13) | st.uuids(),
        _VALUES | st.just(MissingAttributeError()),
        min_size=1,
        max_size=4,
    ),
)
def test_events(now: int, values: dict[int | UUID, Value | ServerError]) -> None:
    time_stamp = server_encoding.time(now)
    parts = [(server_encoding.attribute_id(key), value) for key, value in values.items()]
    packet = server_encoding.event(
        time_stamp, server_encoding.event_body(server_encoding.uuid(E), parts)
    )
    assert server_encoding.message([packet]) == encode_packets(
        [DataChange(TimePoint(now), E, values).event()]
    )
    if len(parts) == 1:
        frame = server_encoding.event_frame(server_encoding.uuid(E), parts[0][0])
        body = frame + server_encoding.attribute_value(parts[0][1])
        assert server_encoding.event(time_stamp, body) == packet


def test_the_event_of_the_reference() -> None:
    values: dict[int | UUID, Value | ServerError] = {11: 1.5, 9: 0}
    parts = [(server_encoding.attribute_id(key), value) for key, value in values.items()]
    packet = server_encoding.event(
        server_encoding.time(1704107471111000000 + 587983),
        server_encoding.event_body(server_encoding.uuid(E), parts),
    )
    assert packet.startswith(bytes.fromhex("830800a300d903e9a104c482281b"))
    body = "01d82550e3ee10714d884ba18e5d0f1e4ce25ee802a20bd879f93e0009d87900"
    assert packet.endswith(bytes.fromhex(body))
