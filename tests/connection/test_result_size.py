"""What the results of a message may keep, where the server chooses the dearest content."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import cbor2
import pytest

from tests.conftest import Fake
from tests.support.server import PASSWORD, USER, FakeServer, Wire
from xentara_nb.connection.address import parse_address
from xentara_nb.connection.batch import UnreadableAnswerError
from xentara_nb.connection.connection import Connection
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.result_size import ResultSize
from xentara_nb.connection.tls import Trust
from xentara_nb.errors import ProtocolError
from xentara_nb.protocol import cbor
from xentara_nb.protocol.commands import Command, MetaData, Read
from xentara_nb.protocol.commands.model import AttributeInfo, MetaDataAnswer, attributes_item
from xentara_nb.protocol.cost import ALWAYS_OF_REQUESTS, memory_of, memory_of_attribute
from xentara_nb.protocol.identifiers import Access, DataType
from xentara_nb.protocol.values import Alternative, TimePoint

FEW, MANY = 4, 40
ELEMENT = UUID(int=1)


def connect(server: FakeServer) -> Connection:
    connection = Connection(parse_address(server.url)[0])
    connection.open(Credentials(USER, PASSWORD), Trust(), Deadline(10))
    return connection


def attributes(number: int, count: int) -> tuple[AttributeInfo, ...]:
    """Return a list whose attributes are in no other one."""
    first = number * count
    return tuple(AttributeInfo(f"{n:x}", 300 + n, 0, 0) for n in range(first, first + count))


def lists(number: int) -> dict[int, Any]:
    return {2: attributes_item(attributes(number, 600))}


def arrays(number: int) -> dict[int, Any]:
    return {11: Alternative(0, list(range(1000, 4000)))}


@pytest.mark.parametrize(
    ("command", "item"),
    [(MetaData(ELEMENT, (2,)), lists), (Read(ELEMENT, (11,)), arrays)],
    ids=["attribute lists", "arrays of numbers"],
)
def test_results_that_would_keep_more_than_ten_times_their_message(
    fake: Fake, command: Command[Any], item: Callable[[int], dict[int, Any]]
) -> None:
    def script(wire: Wire) -> None:
        wire.hello()
        for _ in range(2):
            requests = wire.requests()
            packets = [[1, each.message_id, item(at)] for at, each in enumerate(requests)]
            wire.send_message(cbor.encode(packets))
        wire.until_gone()

    connection = connect(fake(script))
    connection.execute([command] * FEW, Deadline(60))
    with pytest.raises(UnreadableAnswerError, match="its results would keep more than"):
        connection.execute([command] * MANY, Deadline(60))
    connection.close()


def test_each_attribute_counts_once() -> None:
    size = ResultSize(0)
    for _ in range(1000):
        size.add(MetaDataAnswer(attributes=attributes(0, 100)))
    many = MetaDataAnswer(attributes=attributes(1, 100_000))
    with pytest.raises(ProtocolError, match="would keep more than 1,048,576 bytes of memory"):
        size.add(many)


@pytest.mark.parametrize("attribute_id", [5, 3000, 1 << 63, UUID(int=1 << 99)], ids=str)
@pytest.mark.parametrize(("access", "data_type"), [(Access.READ_ONLY, DataType.STRING), (999, -1)])
def test_the_memory_of_an_attribute(attribute_id: Any, access: int, data_type: int) -> None:
    for name in ("ab", "a" * 1000, "Füllstand", "😀" * 9):
        attribute = AttributeInfo(name, attribute_id, access, data_type)
        places = memory_of_attribute(*attribute) - memory_of(attribute)
        assert 32 <= places < 150


def test_lists_in_which_each_attribute_is_another_one_are_taken() -> None:
    many = [AttributeInfo(f"State {n:05}", UUID(int=n << 64), 2, 10) for n in range(20_000)]
    size = ResultSize(len(cbor.encode(attributes_item(many))))
    for at in range(0, len(many), 20):
        size.add(MetaDataAnswer(attributes=tuple(many[at : at + 20])))


def test_usual_values_do_not_count() -> None:
    size = ResultSize(0)
    for number in range(50_000):
        size.add({11: 1.5, 9: number, 1: "a" * 20, 2: TimePoint(number)})
    size.add(MetaDataAnswer("key", 1, None, True))


@pytest.mark.parametrize(
    "item",
    [
        list(range(1000, 20_000)),
        [1.5] * 20_000,
        [[1], [300, "ab", b"ab"], {1: "a"}, None, True] * 2000,
        [cbor2.CBORTag(99, [1] * 30), Alternative(0, UUID(int=5))] * 2000,
    ],
    ids=["integers", "floats", "containers", "tags"],
)
def test_the_memory_of_an_item_is_not_underestimated(item: Sequence[object]) -> None:
    data = cbor.encode(item)
    tracemalloc.start()
    decoded = cbor.decode(data, ALWAYS_OF_REQUESTS)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken <= memory_of(decoded) < 2 * taken
