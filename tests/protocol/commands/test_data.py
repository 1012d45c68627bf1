"""read, write, subscribe, unsubscribe and the data change event."""

from __future__ import annotations

import math
from uuid import UUID

import cbor2
import pytest

from xentara_nb.protocol.commands import (
    DataChange,
    Read,
    Subscribe,
    SubscriptionTarget,
    Unsubscribe,
    Write,
)
from xentara_nb.protocol.errors import (
    AccessDeniedError,
    InvalidParameterError,
    MissingAttributeError,
    ProtocolError,
    WriteOnlyError,
)
from xentara_nb.protocol.identifiers import NIL_UUID, Attribute, Quality
from xentara_nb.protocol.packets import (
    Event,
    Request,
    decode_answers,
    decode_requests,
    encode_packets,
)
from xentara_nb.protocol.values import Alternative, TimePoint

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
E_HEX = "d82550e3ee10714d884ba18e5d0f1e4ce25ee8"
OTHER = UUID("88130ce8-b9e7-4a2a-8f26-d32a931129aa")
CUSTOM = UUID("00000000-0000-4000-8000-000000000001")
MOMENT = TimePoint(1704107471111587983)


def asked(command):
    """Send a command to a server."""
    (request,) = decode_requests(encode_packets([command.request(1)]))
    return type(command).from_request(request)


# read


def test_read_by_integer_and_uuid():
    command = Read(E, (Attribute.VALUE, CUSTOM, 83))
    assert encode_packets([command.request(1)]).hex() == (
        f"8184000104a200{E_HEX}01830bd82550000000000000400080000000000000011853"
    )
    assert asked(command) == command
    assert [type(item) for item in asked(command).attribute_ids] == [int, UUID, int]


def test_each_attribute_of_a_read_succeeds_or_fails_by_itself():
    command = Read(E, (11, CUSTOM, 13, 83))
    result = {
        11: 1.5,
        CUSTOM: "bar",
        13: MissingAttributeError("missing attribute"),
        83: WriteOnlyError(),
    }
    item = command.build_answer(result)
    assert item == {
        11: Alternative(0, 1.5),
        CUSTOM: Alternative(0, "bar"),
        13: Alternative(1, {0: -32101, 1: "missing attribute"}),
        83: Alternative(1, {0: -32104, 1: "value is write only"}),
    }
    answer = command.parse_answer(item)
    assert answer[11] == 1.5
    assert answer[CUSTOM] == "bar"
    assert type(answer[13]) is MissingAttributeError
    assert type(answer[83]) is WriteOnlyError


@pytest.mark.parametrize("code", [-32103, -32104, -32108, -32109])
def test_both_readings_of_the_manual_are_taken_on_a_read(code):
    answer = Read(E, (11,)).parse_answer({11: Alternative(1, {0: code})})
    assert answer[11].code == code


def test_read_ignores_what_it_was_not_asked_for_and_misses_nothing():
    assert Read(E, (11,)).parse_answer({12: Alternative(0, "")}) == {}
    assert Read(E, ()).parse_answer({}) == {}


# write

WRITTEN = [
    (True, "f5"),
    (False, "f4"),
    (0, "00"),
    (-3, "22"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-9223372036854775808, "3b7fffffffffffffff"),
    (5.0, "f94500"),
    (0.1, "fb3fb999999999999a"),
    (math.inf, "f97c00"),
    ("", "60"),
    ("5", "6135"),
    (E, E_HEX),
    (MOMENT, "d903e9a104c482281b17a634b75ab2088f"),
    (TimePoint.NEVER, "d903e9a101f9fc00"),
]


@pytest.mark.parametrize(("value", "text"), WRITTEN, ids=[text for _, text in WRITTEN])
def test_written_values(value, text):
    command = Write(E, 11, value)
    data = bytes.fromhex(f"8184000105a300{E_HEX}010b02{text}")
    assert encode_packets([command.request(1)]) == data
    (request,) = decode_requests(data)
    back = Write.from_request(request)
    assert type(back.value) is type(value)
    assert repr(back.value) == repr(value)


def test_a_written_nan():
    assert math.isnan(asked(Write(E, 11, math.nan)).value)


@pytest.mark.parametrize(
    "value", [None, b"x", [1], (1,), {1: 2}, 1j, 1 << 64, Quality.GOOD, Alternative(0, 1), object()]
)
def test_what_cannot_be_written(value):
    with pytest.raises(ProtocolError, match=r"^the value to write must be"):
        Write(E, 11, value)


@pytest.mark.parametrize(
    "text", ["f6", "f7", "4178", "8101", "a10102", "d87905", "c24105", "c06178", "e0"]
)
def test_a_server_refuses_other_kinds_of_values(text):
    data = bytes.fromhex(f"8184000105a300{E_HEX}010b02{text}")
    (request,) = decode_requests(data)
    with pytest.raises(InvalidParameterError, match="the value to write must be a boolean, number"):
        Write.from_request(request)


def test_a_server_takes_the_other_forms_of_a_time_stamp():
    (request,) = decode_requests(bytes.fromhex(f"8184000105a300{E_HEX}010802c11a65920080"))
    assert Write.from_request(request).value == TimePoint(1704067200 * 10**9)


# subscribe

TARGETS = (SubscriptionTarget(E, (11, CUSTOM)), SubscriptionTarget(OTHER, ()))


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({}, {}),
        ({"maximum_update_rate": 100}, {1: 100}),
        ({"minimum_update_rate": 1000}, {2: 1000}),
        ({"maximum_update_rate": 0, "minimum_update_rate": 0}, {1: 0, 2: 0}),
        ({"desired_subscription_id": OTHER}, {3: OTHER}),
        ({"maximum_update_rate": 100, "minimum_update_rate": 100}, {1: 100, 2: 100}),
        # Zero is no limit.
        ({"maximum_update_rate": 100, "minimum_update_rate": 0}, {1: 100, 2: 0}),
    ],
)
def test_subscribe_options(options, parameters):
    command = Subscribe(TARGETS, **options)
    listed = [{0: E, 1: [11, CUSTOM]}, {0: OTHER, 1: []}]
    assert command.request(1).parameters == {0: listed, **parameters}
    assert asked(command) == command


def test_subscribe_to_nothing_or_twice_to_the_same():
    for targets in ((), (SubscriptionTarget(E, (11, 11)), SubscriptionTarget(E, (11,)))):
        assert asked(Subscribe(targets)) == Subscribe(targets)


def test_subscribe_rates_the_wrong_way_round():
    with pytest.raises(ProtocolError, match=r"\(101 ms\) is above the longest \(100 ms\)"):
        Subscribe(TARGETS, 101, 100)
    with pytest.raises(InvalidParameterError, match=r"\(101 ms\) is above the longest"):
        Subscribe.from_request(Request(1, Subscribe.opcode, {0: [], 1: 101, 2: 100}))


def test_subscribe_with_a_nil_id():
    with pytest.raises(ProtocolError, match="desired subscription id must not be nil"):
        Subscribe(TARGETS, desired_subscription_id=NIL_UUID)
    with pytest.raises(InvalidParameterError, match="must not be nil"):
        Subscribe.from_request(Request(1, Subscribe.opcode, {0: [], 3: NIL_UUID}))


def test_subscribe_answer():
    command = Subscribe(TARGETS)
    assert command.build_answer(OTHER) == OTHER
    assert command.parse_answer(OTHER) == OTHER


def test_unknown_keys_of_a_target_are_passed_over():
    command = Subscribe.from_request(
        Request(1, Subscribe.opcode, {0: [{0: E, 1: [11], 2: b"new"}]})
    )
    assert command == Subscribe((SubscriptionTarget(E, (11,)),))


def test_unsubscribe():
    assert Unsubscribe(OTHER).request(1).parameters == {0: OTHER}
    assert asked(Unsubscribe(NIL_UUID)) == Unsubscribe(NIL_UUID)


# the data change event


def test_data_change_both_ways():
    change = DataChange(
        MOMENT, E, {Attribute.VALUE: 1.5, CUSTOM: "bar", 13: AccessDeniedError("no")}
    )
    event = change.event()
    assert event == Event(
        0,
        {
            0: MOMENT,
            1: E,
            2: {
                11: Alternative(0, 1.5),
                CUSTOM: Alternative(0, "bar"),
                13: Alternative(1, {0: -32102, 1: "no"}),
            },
        },
    )
    (received,) = decode_answers(encode_packets([event]))
    assert DataChange.from_event(received) == change


@pytest.mark.parametrize("odd", [None, b"x", [1], {1: 2}, cbor2.CBORTag(5000, 1)], ids=repr)
def test_an_event_of_a_newer_server(odd):
    body = {0: MOMENT, 1: E, 2: {11: Alternative(0, 5)}, 3: odd, "new": odd}
    (event,) = decode_answers(encode_packets([Event(0, body)]))
    assert DataChange.from_event(event) == DataChange(MOMENT, E, {11: 5})


@pytest.mark.parametrize("number", [1, 2, 9, -1])
def test_an_event_of_an_unknown_type(number):
    (event,) = decode_answers(encode_packets([Event(number, [None])]))
    assert event == Event(number, [None])
    with pytest.raises(ProtocolError, match=f"an event of the unknown type {number}"):
        DataChange.from_event(event)


def test_several_events_in_one_message():
    changes = [DataChange(TimePoint(n), UUID(int=n), {11: n}) for n in range(3)]
    data = encode_packets(change.event() for change in changes)
    assert [DataChange.from_event(event) for event in decode_answers(data)] == changes


def test_an_event_may_have_another_form_of_time_stamp():
    data = bytes.fromhex(f"81830800a300c11a6592008001{E_HEX}02a0")
    (event,) = decode_answers(data)
    assert DataChange.from_event(event).time_stamp == TimePoint(1704067200 * 10**9)
