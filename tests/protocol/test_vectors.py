"""Every message of another client, both ways: the bytes that we make, and what we read in them."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.protocol.vectors import BY_NAME
from xentara_nb.protocol import cbor
from xentara_nb.protocol.commands import (
    COMMANDS,
    AttributeInfo,
    Browse,
    BrowseEntries,
    BrowseEntry,
    ClientHello,
    DataChange,
    Lookup,
    MetaData,
    MetaDataAnswer,
    Read,
    Subscribe,
    SubscriptionTarget,
    Unsubscribe,
    Write,
)
from xentara_nb.protocol.errors import MissingAttributeError, UnknownElementError
from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType, Quality
from xentara_nb.protocol.packets import (
    NOTHING,
    Failure,
    Request,
    Success,
    decode_answers,
    decode_requests,
    encode_packets,
)
from xentara_nb.protocol.values import TimePoint

ELEMENT = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
OTHER = UUID("88130ce8-b9e7-4a2a-8f26-d32a931129aa")
SUBSCRIPTION = UUID("0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0ff")
MOMENT = TimePoint(1704107471111587983)

SUBSCRIBE = Subscribe(
    (SubscriptionTarget(ELEMENT, (11, 9)), SubscriptionTarget(OTHER, (11,))),
    minimum_update_rate=100,
    desired_subscription_id=SUBSCRIPTION,
)
REQUESTS = {
    "hello": [(1, ClientHello(1, 1))],
    "lookup": [(2, Lookup("Group 1.Data Point 1"))],
    "browse_without_options": [(3, Browse(ELEMENT))],
    "browse": [(4, Browse(ELEMENT, 2, (Category.ELEMENT_GROUP, Category.DATA_POINT)))],
    "meta_data": [(4, MetaData(ELEMENT))],
    "write_5": [(4, Write(ELEMENT, Attribute.VALUE, 5))],
    "write_half": [(4, Write(ELEMENT, Attribute.VALUE, 1.5))],
    "write_time": [(4, Write(ELEMENT, 11, TimePoint.parse("2024-01-01T11:11:11.111Z")))],
    "unsubscribe": [(3, Unsubscribe(SUBSCRIPTION))],
    "batch": [
        (1, ClientHello()),
        (2, Lookup("Group 1.Data Point 1")),
        (3, Browse(ELEMENT)),
        (4, MetaData(ELEMENT, (0, 1, 2, 3))),
    ],
}


def read_requests(data: bytes) -> list[tuple[int, object]]:
    """Do what a server does."""
    requests = decode_requests(data)
    assert all(type(request) is Request for request in requests)
    return [(r.message_id, COMMANDS[r.opcode].from_request(r)) for r in requests]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_exactly_these_bytes(name):
    packets = [command.request(message_id) for message_id, command in REQUESTS[name]]
    assert encode_packets(packets).hex() == BY_NAME[name].hex()


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_read(name):
    assert read_requests(BY_NAME[name]) == REQUESTS[name]


def test_the_types_of_written_values_are_kept():
    values = {
        name: read_requests(BY_NAME[name])[0][1].value
        for name in ("write_5", "write_half", "write_time")
    }
    assert repr(values["write_5"]) == "5"
    assert repr(values["write_half"]) == "1.5"
    assert values["write_time"] == TimePoint(1704107471111000000)


def test_a_subscribe_with_its_keys_in_another_order_is_read():
    assert read_requests(BY_NAME["subscribe"]) == [(2, SUBSCRIBE)]


def test_our_subscribe_says_the_same_in_the_order_of_the_manual():
    ours = encode_packets([SUBSCRIBE.request(2)])
    assert cbor.decode(ours) == cbor.decode(BY_NAME["subscribe"])
    assert len(ours) == len(BY_NAME["subscribe"])
    assert ours.hex() == (
        "8184000206a3"
        "0082a200d82550e3ee10714d884ba18e5d0f1e4ce25ee80182 0b09"
        "a200d8255088130ce8b9e74a2a8f26d32a931129aa01810b"
        "021864"
        "03d825500f1e2d3c4b5a49788695a4b3c2d1e0ff"
    ).replace(" ", "")


META_DATA_ANSWER = MetaDataAnswer(
    "Group 1.DP",
    Category.DATA_POINT,
    (AttributeInfo("value", Attribute.VALUE, Access.READ_AND_WRITE, DataType.BOOLEAN),),
    False,
)
READ_ANSWER = {11: True, 9: 0, 6: MOMENT, 13: MissingAttributeError("missing attribute")}
ANSWERS = {
    "hello_answer": (1, ClientHello(), 1),
    "lookup_answer": (2, Lookup("Group 1"), ELEMENT),
    "browse_answer": (
        4,
        Browse(ELEMENT),
        [BrowseEntry("Group 1", ELEMENT, Category.ELEMENT_GROUP)],
    ),
    "meta_data_answer": (5, MetaData(ELEMENT), META_DATA_ANSWER),
    "write_answer": (8, Write(ELEMENT, 11, True), None),
    "read_answer": (6, Read(ELEMENT, (11, 9, 6, 13)), READ_ANSWER),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_exactly_these_bytes(name):
    message_id, command, result = ANSWERS[name]
    answer = Success(message_id, command.build_answer(result))
    assert encode_packets([answer]).hex() == BY_NAME[name].hex()


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_read(name):
    message_id, command, result = ANSWERS[name]
    (answer,) = decode_answers(BY_NAME[name])
    assert type(answer) is Success
    assert answer.message_id == message_id
    parsed = command.parse_answer(answer.item)
    assert parsed == result
    assert type(parsed) is (BrowseEntries if name == "browse_answer" else type(result))


def test_the_types_in_a_read_answer_are_kept():
    (answer,) = decode_answers(BY_NAME["read_answer"])
    values = Read(ELEMENT, (11, 9, 6, 13)).parse_answer(answer.item)
    assert values[11] is True
    assert repr(values[9]) == "0"
    assert values[6].isoformat() == "2024-01-01T11:11:11.111587983Z"


def test_identifiers_in_answers_are_members_of_their_tables():
    (answer,) = decode_answers(BY_NAME["meta_data_answer"])
    meta_data = MetaData(ELEMENT).parse_answer(answer.item)
    assert meta_data.category is Category.DATA_POINT
    assert meta_data.attributes[0].access is Access.READ_AND_WRITE
    assert meta_data.attributes[0].data_type is DataType.BOOLEAN


def test_a_success_without_an_item_has_two_items():
    assert decode_answers(BY_NAME["write_answer"]) == [Success(8, NOTHING)]
    assert encode_packets([Success(8)]) == BY_NAME["write_answer"]


def test_an_error_both_ways():
    failure = Failure(3, UnknownElementError("unknown element"))
    assert decode_answers(BY_NAME["error"]) == [failure]
    assert encode_packets([failure]).hex() == BY_NAME["error"].hex()


def test_an_event_both_ways():
    change = DataChange(MOMENT, ELEMENT, {Attribute.VALUE: 1.5, Attribute.QUALITY: Quality.GOOD})
    assert encode_packets([change.event()]).hex() == BY_NAME["event"].hex()
    (event,) = decode_answers(BY_NAME["event"])
    assert DataChange.from_event(event) == change
    assert repr(DataChange.from_event(event).values) == "{11: 1.5, 9: 0}"
