"""Small requests, several threads and a slow line: what a call takes beside the bare exchange."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from uuid import UUID

import cbor2
import pandas as pd

from tests.benchmarks import baselines
from tests.benchmarks.measuring import Contender, Server, plain, recorded, server, timed
from tests.benchmarks.table import Figure, Sizes
from xentara_nb import Client
from xentara_nb.connection.reconnecting import BATCH_SIZE, COLUMN
from xentara_nb.protocol.codec.columns import ColumnReads
from xentara_nb.protocol.commands import ClientHello, Read
from xentara_nb.protocol.identifiers import Attribute, DataType
from xentara_nb.tables.values import values_frame

NETWORK_DELAY = 0.2


def single_read(sizes: Sizes) -> Iterator[Figure]:
    """Compare one client.read after the other with the same bytes, and with those in a frame."""
    count = sizes.single_writes
    with server(10) as one:
        with one.connect() as client:
            uuid = client.browse()["element_uuid"][0]
            frame = client.read(uuid, "value")
        columns = {name: frame[name].array for name in frame}
        messages = baselines.packets([Read(uuid, (Attribute.VALUE,)).request(2)], 1) * count

        @contextlib.contextmanager
        def read() -> Iterator[Callable[[], object]]:
            with one.connect() as client:
                client.read(uuid, "value")

                def work() -> None:
                    for _ in range(count):
                        client.read(uuid, "value")

                yield work

        def bare(then: Callable[[bytes], object]) -> Contender:
            @contextlib.contextmanager
            def prepare() -> Iterator[Callable[[], object]]:
                with baselines.bare(one) as exchange:
                    baselines.send(exchange, baselines.packets([ClientHello().request(1)], 1))

                    def work() -> None:
                        for message in messages:
                            then(exchange(message))

                    yield work

            return prepare

        def script(answer: bytes) -> pd.DataFrame:
            ((_, _, values),) = cbor2.loads(answer)
            row = {name: [column[0]] for name, column in columns.items()}
            return pd.DataFrame(row | {"value": [values[11]], "time": [pd.Timestamp.now("UTC")]})

        times = timed(
            {
                "bare": bare(len),
                "pandas": bare(lambda _: pd.DataFrame(columns)),
                "script": bare(script),
                "read": read,
            },
            sizes.rounds,
        )
    yield Figure(
        "a bare exchange, and pandas.DataFrame of its seven columns",
        "bare exchange over websocket-client",
        times["pandas"] / times["bare"],
        None,
    )
    yield Figure(
        "one client.read, model known",
        "a script: bare exchange, cbor2.loads, pandas.DataFrame",
        times["read"] / times["script"],
        1,
        most=True,
        note=f"{times['read'] / count * 1e6:.0f} against {times['script'] / count * 1e6:.0f} us",
    )
    yield Figure(
        "one client.read, model known",
        "bare exchange over websocket-client",
        times["read"] / times["bare"],
        2,
        most=True,
        note=f"{times['read'] / count * 1e6:.0f} against {times['bare'] / count * 1e6:.0f} us",
    )


def one_row(sizes: Sizes) -> Iterator[Figure]:
    """Measure how long the frame of one value takes to build."""
    count = sizes.single_writes

    def frames() -> None:
        for _ in range(count):
            values_frame(
                primary_keys=["Plant.Line 0001.Point 01"],
                element_uuids=[UUID(int=1)],
                attribute_names=["value"],
                attribute_ids=[int(Attribute.VALUE)],
                data_types=[int(DataType.FLOAT_64)],
                results=[1.5],
                times=[1_700_000_000_000_000_000],
            )

    seconds = timed({"frame": plain(frames)}, sizes.rounds, time.process_time)["frame"]
    yield Figure(
        "building a frame of one row",
        "processor time",
        seconds / count * 1e6,
        150,
        most=True,
        unit=" us",
    )


def named(sizes: Sizes) -> Iterator[Figure]:
    """Compare client.read of elements named by their keys or UUIDs with cbor2 alone."""
    with server(sizes.values) as one:
        with one.connect() as client:
            entries = client.browse()
        reads = [
            Read(uuid, (Attribute.VALUE,)).request(number)
            for number, uuid in enumerate(entries["element_uuid"], 2)
        ]
        answers: list[bytes] = []
        with baselines.bare(one) as exchange:
            baselines.send(exchange, baselines.packets([ClientHello().request(1)], 1))
            answers.extend(map(exchange, baselines.packets(reads, 512)))

        def by(names: list[str] | list[UUID]) -> Contender:
            @contextlib.contextmanager
            def prepare() -> Iterator[Callable[[], object]]:
                with one.connect() as client:
                    client.read(names, "value")
                    yield lambda: client.read(names, "value")

            return prepare

        ways = {"keys": entries["primary_key"].tolist(), "UUIDs": entries["element_uuid"].tolist()}
        times = timed(
            {
                "loads": plain(lambda: baselines.decode(answers)),
                **{name: by(names) for name, names in ways.items()},
            },
            sizes.rounds,
            time.process_time,
        )
    for name in ways:
        yield Figure(
            f"client.read of {sizes.values:,} values, one of each element, by {name}",
            "cbor2.loads",
            times["loads"] / times[name],
            0.3,
        )


def threads(sizes: Sizes) -> Iterator[Figure]:
    """Compare two threads on one client with one, and a write with the inventory beside it."""

    def together(client: Client, elements: list[UUID], count: int) -> None:
        each = len(elements) // count
        readers = [
            threading.Thread(
                target=client.read, args=(elements[at * each : (at + 1) * each], "value")
            )
            for at in range(count)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

    def known(client: Client) -> list[UUID]:
        elements: list[UUID] = client.browse()["element_uuid"].tolist()
        half = len(elements) // 2
        # What the threads ask for as well: a client keeps what it found out for the same arguments.
        for part in (elements, elements[:half], elements[half : 2 * half]):
            client.read(part, "value")
        return elements

    with server(sizes.values) as one:
        _make_answers(one, known)

        def reading(count: int) -> Contender:
            @contextlib.contextmanager
            def prepare() -> Iterator[Callable[[], object]]:
                with one.connect() as client:
                    elements = known(client)
                    yield lambda: together(client, elements, count)

            return prepare

        times = timed({"one": reading(1), "two": reading(2)}, sizes.rounds)
    yield Figure(
        f"client.read of {sizes.values:,} values by two threads, half each",
        "by one thread",
        times["two"] / times["one"],
        1,
        most=True,
    )
    yield from _held_up(sizes)


def _make_answers(one: Server, known: Callable[[Client], list[UUID]]) -> None:
    """Let the server make the answers to all messages that two threads may send, in any order.

    Which ids the messages of one have depends on how many the other has sent before.
    """
    elements: list[UUID] = []

    def work(client: Client) -> None:
        elements.extend(known(client))
        client.get_stage()

    ((_, next_id, _),) = cbor2.loads(recorded(one, work)[-1])
    half, size = len(elements) // 2, BATCH_SIZE * COLUMN
    halves = [
        [part[at : at + size] for at in range(0, half, size)]
        for part in (elements[:half], elements[half : 2 * half])
    ]
    with baselines.bare(one) as exchange:
        baselines.send(exchange, baselines.packets([ClientHello().request(1)], 1))
        for own, other in (halves, halves[::-1]):
            for first, part in zip(_starts(own, next_id), own, strict=False):
                for first_id in _starts(other, first):
                    exchange(ColumnReads(part, Attribute.VALUE).encode(first_id))


def _starts(parts: list[list[UUID]], first: int) -> Iterator[int]:
    """Return where each part begins, counted from a first number, and where the last one ends."""
    return itertools.accumulate(map(len, parts), initial=first)


def _held_up(sizes: Sizes) -> Iterator[Figure]:
    with server(sizes.many) as one, one.connect() as client:
        uuid = client.browse()["element_uuid"][0]

        def slowest_write(busy: threading.Event | None) -> float:
            slowest, number = 0.0, 0
            while number < 3 or (busy is not None and not busy.is_set()):
                number += 1
                start = time.perf_counter()
                client.write(uuid, number + 0.5, verify=False)
                slowest = max(slowest, time.perf_counter() - start)
            return slowest

        def beside_inventory() -> tuple[float, float]:
            done = threading.Event()

            def take() -> None:
                try:
                    client.inventory(progress=False)
                finally:
                    done.set()

            start = time.perf_counter()
            other = threading.Thread(target=take)
            other.start()
            slowest = slowest_write(done)
            other.join()
            return slowest, time.perf_counter() - start

        slowest_write(None)
        runs = [beside_inventory() for _ in range(max(1, sizes.rounds // 3))]
    slowest, whole = min(runs)
    yield Figure(
        f"the slowest client.write beside an inventory of {sizes.many:,} elements",
        "the inventory",
        slowest / whole,
        0.25,
        most=True,
        note=f"{slowest * 1e3:.0f} ms of {whole * 1e3:.0f}",
    )


def delayed(sizes: Sizes) -> Iterator[Figure]:
    """Compare an inventory over a slow line with the round trips that it needs."""

    def of(one: Server) -> Contender:
        @contextlib.contextmanager
        def prepare() -> Iterator[Callable[[], object]]:
            with one.connect() as client:
                yield lambda: client.inventory(progress=False)

        return prepare

    with server(sizes.elements) as near, server(sizes.elements, delay=NETWORK_DELAY) as far:
        times = timed({"near": of(near), "far": of(far)}, max(1, sizes.rounds // 3))
    yield Figure(
        f"inventory of {sizes.elements:,} elements, answers after {NETWORK_DELAY * 1e3:.0f} ms",
        "without the delay, and two round trips",
        times["far"] / (times["near"] + 2 * NETWORK_DELAY),
        1.1,
        most=True,
        note=f"{times['far'] * 1e3:.0f} ms",
    )
