"""An inventory is the same in any form of its answers, decoded in either way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from unittest import mock
from uuid import UUID

import pandas as pd
import pytest

from tests.conftest import Fake
from tests.support.server import QUALITY, VALUE, ClientGoneError, Element, Model, Wire
from xentara_nb.protocol.commands import AttributeInfo, DataChange
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.packets import Answer, Event, Failure, Success, encode_packets
from xentara_nb.protocol.values import TimePoint
from xentara_nb.queries.inventory import InventoryWarning

COUNT = 600  # more than one message of requests
EVENT = DataChange(TimePoint(1), UUID(int=1), {11: 1.0}).event()
NEW = Event(99, {0: 0})
Arrange = Callable[[list[Answer]], list[list[Answer]]]


def model() -> Model:
    """Return elements with a few attribute lists, one with a name like the head of a packet."""
    trap = AttributeInfo("ƒ\x01\x02¡\x02", UUID(hex="830102a10280830102a10280a4006130"), 0, 0)
    new = AttributeInfo("new", 14, 7, 99)
    lists = [(VALUE, QUALITY), (VALUE,), (), (QUALITY, new)]
    elements = {
        f"Point {number}": Element(UUID(int=number + 1), number % 20, lists[number % 4])
        for number in range(COUNT)
    }
    elements["Point 7"].attributes = (trap, VALUE)
    return Model(elements)


def whole(answers: list[Answer]) -> list[list[Answer]]:
    return [answers]


def in_another_order(answers: list[Answer]) -> list[list[Answer]]:
    return [answers[::-1]]


def over_several_messages(answers: list[Answer]) -> list[list[Answer]]:
    return [answers[:1], answers[1:100], answers[100:]]


def with_events_between(answers: list[Answer]) -> list[list[Answer]]:
    return [[EVENT], [*answers[:1], EVENT, NEW, *answers[1:]], [EVENT]]


def twice(answers: list[Answer]) -> list[list[Answer]]:
    return [answers[1:3], answers, answers]


def one_first(answers: list[Answer]) -> list[list[Answer]]:
    return [answers[-1:], answers]


def with_what_nobody_asked_for(answers: list[Answer]) -> list[list[Answer]]:
    stranger = Success(1 << 20, {2: []})
    return [[stranger, *answers], [*answers, stranger]]


def serve(
    arrange: Arrange,
    change: Callable[[bytes], bytes] = bytes,
    make: Callable[[], Model] = model,
) -> Callable[[Wire], None]:
    def script(wire: Wire) -> None:
        wire.hello()
        plant = make()
        while True:
            requests = wire.requests()
            for packets in arrange(list(plant.answers(requests))):
                wire.send_message(change(encode_packets(packets)))

    return script


@pytest.fixture
def expected(fake: Fake) -> Iterator[pd.DataFrame]:
    with (
        mock.patch("xentara_nb.connection.batch.decode_results", return_value=None),
        fake(serve(whole)).connect() as client,
    ):
        yield client.inventory(progress=False)


def same(frame: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(frame, expected, check_exact=True)
    for column in ("attribute_id", "element_uuid"):
        assert list(map(type, frame[column])) == list(map(type, expected[column]))


@pytest.mark.parametrize(
    "arrange",
    [
        whole,
        in_another_order,
        over_several_messages,
        with_events_between,
        twice,
        one_first,
        with_what_nobody_asked_for,
    ],
)
def test_the_form_of_the_answers_changes_nothing(
    fake: Fake, expected: pd.DataFrame, arrange: Arrange
) -> None:
    assert len(expected) > COUNT
    with fake(serve(arrange)).connect() as client:
        same(client.inventory(progress=False), expected)
        same(client.inventory(progress=False), expected)


def test_other_forms_of_the_bytes_change_nothing(fake: Fake, expected: pd.DataFrame) -> None:
    def change(message: bytes) -> bytes:
        # A longer head for the message, and the keys of attributes in their long form.
        assert message[:1] in (b"\x81", b"\x98", b"\x99")
        if message[:1] == b"\x81":
            message = b"\x98\x01" + message[1:]
        return message.replace(b"\xa4\x00\x65value", b"\xa4\x18\x00\x65value")

    with fake(serve(whole, change)).connect() as client:
        same(client.inventory(progress=False), expected)


def opened(message: bytes) -> bytes:
    """Return a message as an array of indefinite length."""
    head = 1 if message[0] < 0x98 else message[0] - 0x96
    return b"\x9f" + message[head:] + b"\xff"


def test_many_elements_in_arrays_of_indefinite_length(fake: Fake) -> None:
    server = fake(serve(whole, opened, lambda: Model.of_points(5000)))
    with server.connect() as client:
        assert len(client.inventory(progress=False)) == 10_000


@pytest.mark.parametrize("change", [bytes, opened], ids=["of a length", "open"])
def test_an_element_of_many_attributes(fake: Fake, change: Callable[[bytes], bytes]) -> None:
    attributes = [
        AttributeInfo(f"Attribute {number}", UUID(int=number), 2, 10) for number in range(5000)
    ]
    big = Element(UUID(int=1), 2, tuple(attributes))
    big.values.update({each.attribute_id: 1.5 for each in attributes})
    with fake(serve(whole, change, lambda: Model({"Big": big}))).connect() as client:
        inventory = client.inventory(progress=False)
        assert sorted(inventory["attribute_id"]) == [each.attribute_id for each in attributes]
        same(client.meta_data("Big"), inventory)
        assert client.read("Big")["value"].tolist() == [1.5] * 5000
        row = {"primary_key": "Big", "attribute_name": "Attribute 7", "value": 2.5}
        plan = client.plan_writes([row]).frame
        assert plan[["old_value", "value"]].values.tolist() == [[1.5, 2.5]]


def test_both_answers_are_decoded_the_short_way(fake: Fake) -> None:
    server = fake(Model.of_points(COUNT).serve)
    with (
        server.connect() as client,
        # The lists themselves are decoded elsewhere.
        mock.patch("xentara_nb.connection.connection.iterate_answers", side_effect=AssertionError),
    ):
        assert len(client.inventory(progress=False)) == 2 * COUNT


def test_elements_that_vanish(fake: Fake, expected: pd.DataFrame) -> None:
    def vanish(answers: list[Answer]) -> list[list[Answer]]:
        if len(answers) > 1:
            for at in (0, 5):
                answers[at] = Failure(answers[at].message_id, server_error(-32100))
        return [answers]

    server = fake(serve(vanish))
    with server.connect() as client, pytest.warns(InventoryWarning, match="^4 elements are not in"):
        frame = client.inventory(progress=False)
    gone = {f"Point {at}" for at in (0, 5, 512, 517)}
    rest = expected[~expected["primary_key"].isin(gone)].reset_index(drop=True)
    for column in ("access", "data_type"):
        assert list(frame[column].astype(str)) == list(rest[column].astype(str))
    assert list(frame["attribute_id"]) == list(rest["attribute_id"])


def test_a_connection_that_breaks_on_the_way_is_renewed_once(
    fake: Fake, expected: pd.DataFrame
) -> None:
    plant = model()

    def script(wire: Wire) -> None:
        wire.hello()
        while True:
            requests = wire.requests()
            if wire.number == 0 and requests[0].opcode == OpCode.META_DATA and len(requests) < 512:
                raise ClientGoneError
            wire.answer(*plant.answers(requests))

    server = fake(script)
    with server.connect() as client:
        same(client.inventory(progress=False), expected)
    assert len(server.wires) == 2
