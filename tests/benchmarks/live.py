"""What is measured of values that move."""

from __future__ import annotations

import contextlib
import gc
import time
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from tests.benchmarks import baselines
from tests.benchmarks.measuring import Contender, Server, plain, server, timed
from tests.benchmarks.table import Figure, Sizes
from xentara_nb import Client
from xentara_nb.live.watch import Watch
from xentara_nb.protocol.commands import ClientHello, Subscribe, SubscriptionTarget
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.protocol.packets import encode_packets

RATE = 10.0
"""How often values are polled, in a second."""


def rows(client: Client) -> pd.DataFrame:
    frame = client.inventory(progress=False)
    return frame[frame["attribute_name"] == "value"]


def arrived(watch: Watch, last: int, count: int) -> None:
    """Wait until so many changes of the last attribute are there."""
    while len(watch.columns(last).times) < count:
        time.sleep(0.01)


def watched(one: Server, elements: int, count: int) -> Contender:
    """Return what makes a DataFrame of all events that follow a subscribe."""

    @contextlib.contextmanager
    def prepare() -> Iterator[Callable[[], object]]:
        with one.connect() as client:
            found = rows(client)
            attributes = ["value"]

            def work() -> pd.DataFrame:
                with client.watch(found["element_uuid"], attributes, keep=count) as watch:
                    arrived(watch, elements - 1, count // elements)
                    return watch.frame()

            # What the server is asked beforehand is known then.
            client.read(found)
            client.meta_data(found["element_uuid"])
            yield work

    return prepare


def bare(one: Server, elements: int, messages: int) -> Contender:
    @contextlib.contextmanager
    def prepare() -> Iterator[Callable[[], object]]:
        with one.connect() as client:
            uuids = rows(client)["element_uuid"].tolist()
        targets = tuple(SubscriptionTarget(each, (int(Attribute.VALUE),)) for each in uuids)
        request = Subscribe(targets, None, None, uuid.uuid4())
        with baselines.bare_socket(one) as socket:
            socket.send_binary(encode_packets([ClientHello().request(1)]))
            socket.recv()
            message = encode_packets([request.request(2)])
            yield lambda: baselines.receive(socket, message, messages)

    return prepare


def events(sizes: Sizes) -> Iterator[Figure]:
    """Compare events from the wire into a DataFrame with receiving and decoding them alone."""
    for each, elements, goal in ((1, 10, 1.0), (100, 100, 3.0)):
        count = sizes.events // 5 if each == 1 else sizes.events
        with server(elements, events=(count, each)) as one:
            contenders = {
                "bare": bare(one, elements, count // each),
                "watch": watched(one, elements, count),
            }
            # The processor's time: how fast the server sends is not what is compared.
            times = timed(contenders, sizes.rounds, time.process_time)
        yield Figure(
            f"client CPU: {count:,} events into watch.frame(), {each} a message",
            "websocket-client recv, cbor2.loads",
            times["bare"] / times["watch"],
            goal,
            note=f"{count / times['watch']:,.0f} against {count / times['bare']:,.0f} events/s",
        )


def kept(sizes: Sizes) -> Iterator[Figure]:
    """Measure the memory of a change of a Float64 that a watch keeps."""
    elements, count = 10, sizes.events
    with server(elements, events=(count, 1)) as one, one.connect() as client:
        found = rows(client)
        client.meta_data(found["element_uuid"])
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        with client.watch(found["element_uuid"], ["value"], keep=count) as watch:
            arrived(watch, elements - 1, count // elements)
            gc.collect()
            after = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    yield Figure(
        f"a Float64 change that is kept, of {count:,}",
        "tracemalloc",
        (after - before) / count,
        64,
        most=True,
        unit=" bytes",
    )


def polling(sizes: Sizes) -> Iterator[Figure]:
    """Measure the part of a core that polling takes."""
    elements = 100

    def work(client: Client, values: Any) -> Callable[[], object]:
        return lambda: client.sample(
            values, every=1 / RATE, for_=sizes.polls / RATE, progress=False
        )

    with server(elements) as one, one.connect() as client:
        values = rows(client)
        work(client, values)()
        times = timed(
            {"sample": plain(work(client, values))}, min(sizes.rounds, 2), time.process_time
        )
    yield Figure(
        f"polling {elements} values {RATE:g} times a second",
        "of a core",
        times["sample"] / (sizes.polls / RATE) * 100,
        1.5,
        most=True,
        unit=" %",
    )
