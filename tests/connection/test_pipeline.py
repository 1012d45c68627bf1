from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from tests.conftest import Fake
from tests.support.server import PASSWORD, USER, FakeServer, Model, Wire
from xentara_nb.connection.address import parse_address
from xentara_nb.connection.connection import Connection, open_connection
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.pipeline import BATCH_SIZE, IN_FLIGHT, pipeline
from xentara_nb.connection.tls import Trust
from xentara_nb.errors import ConnectionLostError, DeadlineError
from xentara_nb.protocol.commands import GetStage, Lookup
from xentara_nb.protocol.errors import UnknownElementError

LOOKUPS = [Lookup(f"Point {number}") for number in range(10)]


@contextmanager
def connected(server: FakeServer) -> Iterator[Connection]:
    address, _ = parse_address(server.url)
    connection = open_connection(address, Credentials(USER, PASSWORD), Trust(), Deadline(5))
    try:
        yield connection
    finally:
        connection.close()


@pytest.mark.parametrize(("size", "messages"), [(1, 10), (3, 4), (5, 2), (10, 1), (11, 1)])
@pytest.mark.parametrize("in_flight", [1, 2, 20])
def test_results_in_order_in_as_few_messages_as_wanted(
    fake: Fake, size: int, messages: int, in_flight: int
) -> None:
    server = fake(Model.of_points(9).serve)
    with connected(server) as connection:
        batches = list(pipeline(connection, LOOKUPS, 5, batch_size=size, in_flight=in_flight))

    assert [len(batch) for batch in batches] == [size] * (10 // size) + [10 % size] * (
        10 % size > 0
    )
    results = [result for batch in batches for result in batch]
    assert results[:9] == [UUID(int=number + 1) for number in range(9)]
    assert isinstance(results[9], UnknownElementError)
    assert server.messages == 1 + messages


def test_nothing_to_send(fake: Fake) -> None:
    server = fake(Model().serve)
    with connected(server) as connection:
        assert list(pipeline(connection, [], 5)) == []
    assert server.messages == 1


def test_so_many_are_in_flight_and_no_more(fake: Fake) -> None:
    model = Model.of_points(10)
    waiting: list[int] = []

    def script(wire: Wire) -> None:
        wire.hello()
        held = [wire.requests() for _ in range(3)]
        # A fourth message comes only after the first was answered.
        waiting.append(wire.server.messages - 1)
        wire.answer(*model.answers(held.pop(0)))
        held.append(wire.requests())
        for requests in held:
            wire.answer(*model.answers(requests))
        model.go_on(wire)

    with connected(fake(script)) as connection:
        batches = pipeline(connection, LOOKUPS, 5, batch_size=1, in_flight=3)
        assert [len(batch) for batch in batches] == [1] * 10
    assert waiting == [3]


def test_each_batch_has_the_whole_time(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets: list[float] = []

    class Watched(Deadline):
        def __init__(self, seconds: float) -> None:
            super().__init__(seconds)
            budgets.append(seconds)

    with connected(fake(Model.of_points(10).serve)) as connection:
        monkeypatch.setattr("xentara_nb.connection.pipeline.Deadline", Watched)
        list(pipeline(connection, LOOKUPS, 3.5, batch_size=5))
    assert budgets == [3.5] * 4  # to send and to answer, twice


def test_closing_the_results_early_leaves_nothing_behind(fake: Fake) -> None:
    answer = threading.Event()

    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*Model.of_points(10).answers(wire.requests()))
        answer.wait(5)
        wire.until_goodbye()

    with connected(fake(script)) as connection:
        batches = pipeline(connection, LOOKUPS, 5, batch_size=2, in_flight=4)
        next(batches)
        assert connection.pending == 6
        batches.close()
        assert not connection.pending
        answer.set()


def test_a_server_that_stops_answering(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*Model.of_points(10).answers(wire.requests()))
        wire.until_goodbye()

    with connected(fake(script)) as connection:
        batches = pipeline(connection, LOOKUPS, 0.05, batch_size=2)
        assert len(next(batches)) == 2
        with pytest.raises(DeadlineError, match=r"did not answer 2 x lookup within 0.05 s"):
            next(batches)
        assert not connection.pending


def test_a_connection_that_ends_on_the_way(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*Model.of_points(10).answers(wire.requests()))
        wire.requests()

    with connected(fake(script)) as connection:
        batches = pipeline(connection, LOOKUPS, 5, batch_size=4, in_flight=2)
        assert len(next(batches)) == 4
        with pytest.raises(ConnectionLostError):
            next(batches)


def test_what_is_measured_to_be_fast() -> None:
    assert 256 <= BATCH_SIZE <= 1024
    assert IN_FLIGHT == 8


def test_a_single_command(fake: Fake) -> None:
    with connected(fake(Model(stage=5).serve)) as connection:
        assert list(pipeline(connection, [GetStage()], 5)) == [[5]]
