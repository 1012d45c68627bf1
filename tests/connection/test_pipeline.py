from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
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

Sizes = Callable[..., None]
LOOKUPS = [Lookup(f"Point {number}") for number in range(10)]


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> Sizes:
    """Set how many commands go into a message, and how many messages are in flight."""

    def chosen(batch_size: int, in_flight: int = IN_FLIGHT) -> None:
        monkeypatch.setattr("xentara_nb.connection.pipeline.BATCH_SIZE", batch_size)
        monkeypatch.setattr("xentara_nb.connection.pipeline.IN_FLIGHT", in_flight)

    return chosen


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
    fake: Fake, sizes: Sizes, size: int, messages: int, in_flight: int
) -> None:
    sizes(size, in_flight)
    server = fake(Model.of_points(9).serve)
    with connected(server) as connection:
        batches = list(pipeline(connection, LOOKUPS, 5))

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


def test_so_many_are_in_flight_and_no_more(fake: Fake, sizes: Sizes) -> None:
    sizes(1, 3)
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
        batches = pipeline(connection, LOOKUPS, 5)
        assert [len(batch) for batch in batches] == [1] * 10
    assert waiting == [3]


def test_each_batch_has_the_whole_time(
    fake: Fake, sizes: Sizes, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes(5)
    budgets: list[float] = []

    class Watched(Deadline):
        def __init__(self, seconds: float) -> None:
            super().__init__(seconds)
            budgets.append(seconds)

    with connected(fake(Model.of_points(10).serve)) as connection:
        monkeypatch.setattr("xentara_nb.connection.pipeline.Deadline", Watched)
        list(pipeline(connection, LOOKUPS, 3.5))
    assert budgets == [3.5] * 4  # to send and to answer, twice


def test_closing_the_results_early_leaves_nothing_behind(fake: Fake, sizes: Sizes) -> None:
    sizes(2, 4)
    answer = threading.Event()

    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*Model.of_points(10).answers(wire.requests()))
        answer.wait(5)
        wire.until_goodbye()

    with connected(fake(script)) as connection:
        batches = pipeline(connection, LOOKUPS, 5)
        next(batches)
        assert connection.pending == 6
        batches.close()
        assert not connection.pending
        answer.set()


def test_a_server_that_stops_answering(fake: Fake, sizes: Sizes) -> None:
    sizes(2)

    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*Model.of_points(10).answers(wire.requests()))
        wire.until_goodbye()

    with connected(fake(script)) as connection:
        batches = pipeline(connection, LOOKUPS, 0.05)
        assert len(next(batches)) == 2
        with pytest.raises(DeadlineError, match=r"did not answer 2 x lookup within 0.05 s"):
            next(batches)
        assert not connection.pending


def test_a_connection_that_ends_on_the_way(fake: Fake, sizes: Sizes) -> None:
    sizes(4, 2)

    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*Model.of_points(10).answers(wire.requests()))
        wire.requests()

    with connected(fake(script)) as connection:
        batches = pipeline(connection, LOOKUPS, 5)
        assert len(next(batches)) == 4
        with pytest.raises(ConnectionLostError):
            next(batches)


def test_what_is_measured_to_be_fast() -> None:
    assert 256 <= BATCH_SIZE <= 1024
    assert IN_FLIGHT == 8


def test_a_single_command(fake: Fake) -> None:
    with connected(fake(Model(stage=5).serve)) as connection:
        assert list(pipeline(connection, [GetStage()], 5)) == [[5]]
