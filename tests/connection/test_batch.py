from __future__ import annotations

from uuid import UUID

import pytest

from xentara_nb.connection.batch import UNANSWERED, Batch, UnreadableAnswerError
from xentara_nb.errors import ConnectionLostError, ProtocolError
from xentara_nb.protocol.codec import encode_requests
from xentara_nb.protocol.codec.attribute_lists import ListRequests
from xentara_nb.protocol.commands import (
    Browse,
    GetStage,
    Lookup,
    MetaData,
    MetaDataAnswer,
    Read,
)
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.packets import Event, Failure, Request, Success, encode_packets

E = UUID(int=7)


def take(batch: Batch, answer: Success | Failure) -> None:
    batch.take(answer.message_id, batch.parse(answer))


def test_requests() -> None:
    batch = Batch([GetStage(), Lookup("x")], 7)

    assert list(batch.ids) == [7, 8]
    assert encode_requests(batch.commands, batch.first_id) == encode_packets(
        [Request(7, 8), Request(8, 3, {0: "x"})]
    )


def test_names() -> None:
    assert Batch([GetStage()], 1).names == "get_stage"
    assert Batch([GetStage()] * 3, 1).names == "3 x get_stage"
    assert Batch([Lookup("x"), GetStage(), Lookup("y")], 1).names == "3 x lookup, get_stage"


def test_the_kind_of_the_first_command() -> None:
    assert Batch([Browse(E), GetStage()], 1).begins_with(Browse)
    assert not Batch([GetStage(), Browse(E)], 1).begins_with(Browse)
    assert not Batch([], 1).begins_with(Browse)
    assert not Batch([Read(E, (11,))], 1).begins_with(Browse)


def test_answers_in_any_order() -> None:
    batch = Batch([GetStage(), GetStage()], 7)
    assert not batch.wait(0)
    take(batch, Success(8, 5))
    assert not batch.wait(0)
    take(batch, Failure(7, server_error(-32603)))
    assert batch.wait(0)
    assert list(batch.results()) == [server_error(-32603), 5]


def test_what_is_there_when_it_fails() -> None:
    batch = Batch([GetStage(), GetStage()], 7)
    take(batch, Success(8, 2))
    error = ConnectionLostError("gone")
    batch.fail(error)

    assert batch.wait(0)
    assert batch.failure is error
    assert batch.answers == [UNANSWERED, 2]


def test_an_answer_that_cannot_be_read() -> None:
    batch = Batch([GetStage()], 1)
    take(batch, Success(1, "two"))

    with pytest.raises(UnreadableAnswerError, match="must be an integer") as caught:
        list(batch.results())
    assert isinstance(caught.value, ProtocolError)
    assert caught.value.sent


# Many elements at once.


def lists(first_id: int, *ids: int) -> bytes:
    return encode_packets([Success(first_id + i, {2: []}) for i in ids])


def test_a_message_that_is_all_the_answers() -> None:
    batch = Batch(ListRequests([UUID(int=1), UUID(int=2)]), 7)
    assert encode_requests(batch.commands, batch.first_id) == encode_packets(
        MetaData(UUID(int=number), (2,)).request(6 + number) for number in (1, 2)
    )
    assert batch.names == "2 x meta_data"
    assert batch.take_all(lists(7, 0, 1))
    assert batch.wait(0)
    assert list(batch.results()) == [MetaDataAnswer(attributes=())] * 2
    assert not batch.take_all(lists(7, 0, 1))


@pytest.mark.parametrize(
    "message", [lists(7, 1, 0), lists(7, 0), lists(8, 0, 1), lists(7, 0, 1) + b"x", b"", b"\xff"]
)
def test_any_other_message_is_taken_packet_by_packet(message: bytes) -> None:
    batch = Batch(ListRequests([UUID(int=1), UUID(int=2)]), 7)
    assert not batch.take_all(message)
    assert not batch.wait(0)
    take(batch, Success(8, {2: []}))
    assert not batch.take_all(lists(7, 0, 1))
    take(batch, Failure(7, server_error(-32100)))
    assert list(batch.results()) == [server_error(-32100), MetaDataAnswer(attributes=())]


def test_other_commands_are_always_taken_packet_by_packet() -> None:
    batch = Batch([GetStage()], 7)
    assert encode_requests(batch.commands, batch.first_id) == encode_packets([Request(7, 8)])
    assert not batch.take_all(encode_packets([Success(7, 2)]))


@pytest.mark.parametrize("answer", [Success(7, 2), Failure(7, server_error(-32100))])
def test_a_single_answer(answer: Success | Failure) -> None:
    batch = Batch([GetStage()], 7)
    assert batch.take_one(encode_packets([answer]))
    assert batch.wait(0)
    assert repr(batch.results()) == repr([batch.parse(answer)])
    assert not batch.take_one(encode_packets([answer]))


def test_a_single_answer_that_is_not_what_the_manual_says() -> None:
    batch = Batch([GetStage()], 7)
    assert batch.take_one(encode_packets([Success(7, "x")]))
    with pytest.raises(UnreadableAnswerError):
        batch.results()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff",
        encode_packets([]),
        encode_packets([Success(8, 2)]),
        encode_packets([Success(7, 2), Success(8, 2)]),
        encode_packets([Event(1, {})]),
        encode_packets([Success(7, 2)])[:-1],
        encode_packets([Success(7, 2)]) + b"x",
    ],
)
def test_and_nothing_else(message: bytes) -> None:
    batch = Batch([GetStage()], 7)
    assert not batch.take_one(message)
    assert not batch.wait(0)
    two = Batch([GetStage(), GetStage()], 7)
    assert not two.take_one(encode_packets([Success(7, 2)]))
