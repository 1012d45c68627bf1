"""What is measured: each function gives the rows of one table."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

import xentara_nb
from tests.benchmarks import baselines
from tests.benchmarks.faces import command_help, searching, tree
from tests.benchmarks.files import files
from tests.benchmarks.fleet import fleet
from tests.benchmarks.frames import frames
from tests.benchmarks.journals import journal
from tests.benchmarks.live import events, kept, polling
from tests.benchmarks.live_view import live_view
from tests.benchmarks.measuring import (
    ROOT,
    Contender,
    Server,
    general_path,
    plain,
    process,
    recorded,
    server,
    timed,
)
from tests.benchmarks.model import ATTRIBUTES, inventory_frame
from tests.benchmarks.recording import recording
from tests.benchmarks.shapes import failing, known, shapes
from tests.benchmarks.single import delayed, named, one_row, single_read, threads
from tests.benchmarks.table import Figure, Sizes
from xentara_nb import Client
from xentara_nb.connection.reconnecting import BATCH_SIZE, COLUMN
from xentara_nb.protocol.commands import ClientHello, Command, Read, Write
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.protocol.packets import encode_packets

DELAY = 0.02


def inventory_of(server: Server) -> Contender:
    """Return the inventory of a new client."""

    @contextlib.contextmanager
    def prepare() -> Iterator[Callable[[], object]]:
        with server.connect() as client:
            yield lambda: client.inventory(progress=False)

    return prepare


def unrecognised(contender: Contender) -> Contender:
    """Return the same without recognising anything."""

    @contextlib.contextmanager
    def prepare() -> Iterator[Callable[[], object]]:
        with general_path(), contender() as work:
            yield work

    return prepare


def inventory(sizes: Sizes) -> Iterator[Figure]:
    """Compare an inventory with cbor2 alone."""
    for count in dict.fromkeys((sizes.elements, sizes.many)):
        what = f"inventory of {count:,} elements"
        rounds = sizes.rounds if count < 100_000 else max(1, sizes.rounds // 3)
        with server(count) as one:
            messages = recorded(one, lambda client: client.inventory(progress=False))
            times = timed(
                {
                    "loads": plain(lambda messages=messages: baselines.decode(messages)),
                    "lists that repeat": inventory_of(one),
                    "recognition switched off": unrecognised(inventory_of(one)),
                },
                rounds,
            )
        loads = times["loads"]
        note = f"{sum(map(len, messages)) / count:.0f} bytes an element"
        yield Figure(
            f"{what}, lists that repeat",
            "cbor2.loads",
            loads / times["lists that repeat"],
            3,
            note=f"{note}, {count / times['lists that repeat']:,.0f} elements/s",
        )
        with server(count, distinct=True) as other:
            distinct = recorded(other, lambda client: client.inventory(progress=False))
            new = timed(
                {
                    "loads": plain(lambda distinct=distinct: baselines.decode(distinct)),
                    "new": inventory_of(other),
                },
                rounds,
            )
        yield Figure(f"{what}, no list repeats", "cbor2.loads", new["loads"] / new["new"], 0.65)
        yield Figure(
            f"{what}, recognition switched off",
            "cbor2.loads",
            loads / times["recognition switched off"],
            0.65,
        )
        trips = len(messages)
        yield Figure(
            f"{what}: round trips",
            f"1 + ceil(elements / {BATCH_SIZE})",
            trips / (1 + math.ceil(count / BATCH_SIZE)),
            1,
            most=True,
            note=f"{trips} messages",
        )


def scripts(sizes: Sizes) -> Iterator[Figure]:
    """Compare an inventory with a script that asks for one element a message."""

    def naive(one: Server, most: int | None) -> Contender:
        @contextlib.contextmanager
        def prepare() -> Iterator[Callable[[], object]]:
            with baselines.bare(one) as exchange:
                yield lambda: baselines.script(exchange, most)

        return prepare

    for delay, most, goal in ((0.0, None, 15), (DELAY, sizes.delayed, 1000)):
        with server(sizes.elements, delay=delay) as one:
            times = timed(
                {"script": naive(one, most), "inventory": inventory_of(one)},
                max(1, sizes.rounds // 3),
            )
        each = times["script"] / (most or sizes.elements)
        yield Figure(
            f"inventory of {sizes.elements:,} elements, answers after {delay * 1000:.0f} ms",
            "one request a message, list of dicts",
            each / (times["inventory"] / sizes.elements),
            goal,
            note=f"the script at {1 / each:,.0f} elements/s",
        )


def opcua(sizes: Sizes) -> Iterator[Figure]:
    """Compare the attributes a second of client CPU with asyncua's."""
    what, baseline = "attributes a second of client CPU", "asyncua, 4 attributes a variable"
    if importlib.util.find_spec("asyncua") is None:
        yield Figure(what, baseline, math.nan, 15, note="asyncua is not installed")
        return
    module = "tests.benchmarks.opcua_server"
    with server(sizes.elements) as one, process(module, sizes.elements) as port:
        times = timed(
            {
                "inventory": inventory_of(one),
                "asyncua": lambda: baselines.opcua(port, sizes.elements),
            },
            max(1, sizes.rounds // 3),
            time.process_time,
        )
    ours = sizes.elements * ATTRIBUTES / times["inventory"]
    theirs = sizes.elements * 4 / times["asyncua"]
    yield Figure(what, baseline, ours / theirs, 15, note=f"{ours:,.0f} against {theirs:,.0f}")


def growth(sizes: Sizes) -> Iterator[Figure]:
    """Compare the time per element in models of several sizes."""
    # As many elements in each run: of a small model, one inventory behind the other.
    turns = {
        count: max(1, sizes.elements // count)
        for count in dict.fromkeys((sizes.few, sizes.elements, sizes.many))
    }

    def inventories(count: int) -> Contender:
        one = stack.enter_context(server(count))

        @contextlib.contextmanager
        def prepare() -> Iterator[Callable[[], object]]:
            with contextlib.ExitStack() as clients:
                works = [clients.enter_context(inventory_of(one)()) for _ in range(turns[count])]
                yield lambda: [work() for work in works]

        return prepare

    with contextlib.ExitStack() as stack:
        contenders = {str(count): inventories(count) for count in turns}
        times = timed(contenders, max(1, sizes.rounds // 2), time.process_time)
        each = {count: times[str(count)] / count / turns[count] for count in turns}
    for count in dict.fromkeys((sizes.few, sizes.many)):
        yield Figure(
            f"client CPU per element at {count:,} elements",
            f"at {sizes.elements:,}",
            each[count] / each[sizes.elements],
            1.3,
            most=True,
            note=f"{each[count] * 1e6:.1f} us",
        )


def memory(sizes: Sizes) -> Iterator[Figure]:
    """Measure the memory of an inventory, per element."""

    def run(one: Server, measure: str) -> list[float]:
        command = [sys.executable, "-m", "tests.benchmarks.memory", one.port, one.ca_file, measure]
        output = subprocess.run(
            list(map(str, command)), cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout
        return [value / sizes.many for value in json.loads(output)]

    with server(sizes.many) as one:
        peak, left, columns = run(one, "traced")
        (resident,) = run(one, "resident") if sys.platform == "linux" else (math.nan,)
    what, unit = f"of an inventory of {sizes.many:,}, per element", " bytes"
    yield Figure(f"peak memory {what}", "tracemalloc", peak, 1000, most=True, unit=unit)
    yield Figure(f"peak memory {what}", "resident set", resident, 1000, most=True, unit=unit)
    yield Figure(
        f"columns {what}",
        "DataFrame.memory_usage()",
        columns,
        330,
        most=True,
        unit=unit,
        note=f"with the keys and UUIDs behind them {left:.0f}",
    )


def reading(sizes: Sizes) -> Iterator[Figure]:
    """Compare client.read with cbor2 alone."""
    elements = max(1, sizes.values // ATTRIBUTES)

    def rows(client: Client, shape: str) -> pd.DataFrame:
        frame = client.inventory(progress=False)
        if shape == "value":
            frame = frame[frame["attribute_name"] == "value"]
        return frame.head(sizes.values)

    for shape, count in (("all", elements), ("value", sizes.values)):
        with server(count) as one:
            messages = recorded(one, lambda client, shape=shape: client.read(rows(client, shape)))
            size = BATCH_SIZE * (COLUMN if shape == "value" else 1)
            messages = messages[-math.ceil(count / size) :]

            def prepared(again: bool, one: Server = one, shape: str = shape) -> Contender:
                @contextlib.contextmanager
                def prepare() -> Iterator[Callable[[], object]]:
                    with one.connect() as client:
                        wanted = rows(client, shape)
                        if again:
                            client.read(wanted)
                        yield lambda: client.read(wanted)

                return prepare

            times = timed(
                {
                    "loads": plain(lambda messages=messages: baselines.decode(messages)),
                    "for the first time": prepared(False),
                    "again": prepared(True),
                },
                sizes.rounds,
                time.process_time,
            )
        name = f"all {ATTRIBUTES} of {count:,}" if shape == "all" else f"one of each of {count:,}"
        for when in ("for the first time", "again"):
            yield Figure(
                f"client.read of {sizes.values:,} values ({name} elements), {when}",
                "cbor2.loads",
                times["loads"] / times[when],
                0.8 if shape == "all" else 0.5,
                note=f"{sizes.values / times[when]:,.0f} values/s",
            )


def snapshot(sizes: Sizes) -> Iterator[Figure]:
    """Compare a snapshot of a known model with bare packets that read the same."""
    hello = [ClientHello().request(1)]
    ids = (Attribute.TYPE, Attribute.VALUE, Attribute.QUALITY, Attribute.UPDATE_TIME)
    with server(sizes.values) as one:
        with one.connect() as client:
            uuids = client.browse()["element_uuid"].tolist()
        reads = [Read(uuid, tuple(map(int, ids))) for uuid in uuids]
        batches = [reads[at : at + BATCH_SIZE] for at in range(0, len(reads), BATCH_SIZE)]

        @contextlib.contextmanager
        def bare() -> Iterator[Callable[[], object]]:
            with baselines.bare(one) as exchange:
                baselines.send(exchange, baselines.packets(hello, 1))
                yield lambda: baselines.batched(exchange, batches)

        @contextlib.contextmanager
        def taken() -> Iterator[Callable[[], object]]:
            with one.connect() as client:
                client.snapshot(progress=False)
                yield client.snapshot

        times = timed({"bare": bare, "snapshot": taken}, sizes.rounds)
    yield Figure(
        f"client.snapshot of {sizes.values:,} elements, {len(ids)} attributes of each",
        "bare batched packets that read the same",
        times["snapshot"] / times["bare"],
        1,
        most=True,
        note=f"{sizes.values / times['snapshot']:,.0f} elements/s",
    )


def comparing(sizes: Sizes) -> Iterator[Figure]:
    """Compare two inventories, and merge them with pandas alone."""
    old, new = inventory_frame(sizes.many), inventory_frame(sizes.many)
    merges = {
        "ids": ["element_uuid", "attribute_id"],
        "names": ["primary_key", "attribute_name"],
    }
    times = timed(
        {
            "compare": plain(lambda: xentara_nb.compare(old, new)),
            **{
                name: plain(lambda columns=columns: old.merge(new, on=columns, how="outer"))
                for name, columns in merges.items()
            },
        },
        max(1, sizes.rounds // 3) if sizes.rounds else 0,
    )
    for name in merges:
        yield Figure(
            f"xentara_nb.compare of two inventories of {len(old):,} rows",
            f"one pandas.merge by {name}",
            times["compare"] / times[name],
            5,
            most=True,
            note=f"{times['compare']:.2f} s",
        )


def orders(client: Client, count: int) -> pd.DataFrame:
    """Return rows to write, each a new value."""
    frame = client.inventory(progress=False)
    frame = frame[frame["attribute_name"] == "value"].head(count)
    return frame.assign(value=[number + 0.5 for number in range(count)])


def writing(sizes: Sizes) -> Iterator[Figure]:
    """Compare many guarded writes with bare packets."""
    for count in dict.fromkeys((sizes.writes, sizes.orders)):
        yield from _writing(count, sizes.rounds if count <= 1000 else max(1, sizes.rounds // 3))


def _writing(count: int, rounds: int) -> Iterator[Figure]:
    hello = [ClientHello().request(1)]
    with server(count) as one:
        journal = one.folder / "journal.jsonl"
        with one.connect() as client:
            frame = orders(client, count)
        batches: list[list[Command[Any]]] = []
        for at in range(0, count, BATCH_SIZE):
            part = frame.iloc[at : at + BATCH_SIZE]
            writes = [
                Write(uuid, Attribute.VALUE, value)
                for uuid, value in zip(part["element_uuid"], part["value"], strict=True)
            ]
            reads = [
                Read(uuid, (Attribute.VALUE, Attribute.QUALITY)) for uuid in part["element_uuid"]
            ]
            batches.append([*writes, *reads])

        @contextlib.contextmanager
        def guarded() -> Iterator[Callable[[], object]]:
            with one.connect(journal=journal) as client:
                client.plan_writes(frame)  # now the meta data are known
                yield lambda: check(client.plan_writes(frame).apply(on_error="continue"))

        def check(report: Any) -> None:
            assert set(report.frame["outcome"].astype(str)) == {"VERIFIED"}, report.frame

        @contextlib.contextmanager
        def bare() -> Iterator[Callable[[], object]]:
            with baselines.bare(one) as exchange:
                baselines.send(exchange, baselines.packets(hello, 1))
                yield lambda: baselines.batched(exchange, batches)

        @contextlib.contextmanager
        def prepared() -> Iterator[Callable[[], object]]:
            messages = [
                encode_packets(command.request(at) for at, command in enumerate(batch, 2))
                for batch in batches
            ]
            with baselines.bare(one) as exchange:
                baselines.send(exchange, baselines.packets(hello, 1))
                yield lambda: baselines.send(exchange, messages)

        times = timed({"bare": bare, "prepared": prepared, "guarded": guarded}, rounds)
    yield Figure(
        f"{count:,} writes planned, checked, journalled and verified",
        "bare batched packets, written and read back",
        times["guarded"] / times["bare"],
        3,
        most=True,
        note=f"{times['guarded'] / count * 1e6:.0f} us a write, "
        f"{times['bare'] / count * 1e6:.0f} bare, "
        f"{times['prepared'] / count * 1e6:.0f} with messages encoded beforehand",
    )


def stopping(sizes: Sizes) -> Iterator[Figure]:
    """Compare writes of which each must be verified before the next with the bare packets."""
    count = sizes.single_writes
    with server(count) as one:
        journal, other = one.folder / "journal.jsonl", one.folder / "other.jsonl"
        with one.connect(journal=journal) as client:
            frame = orders(client, count)
            client.plan_writes(frame).apply()
        lines = journal.read_bytes().splitlines(keepends=True)
        messages = [
            encode_packets(
                [
                    Write(uuid, Attribute.VALUE, value).request(2),
                    Read(uuid, (Attribute.VALUE,)).request(3),
                ]
            )
            for uuid, value in zip(frame["element_uuid"], frame["value"], strict=True)
        ]

        @contextlib.contextmanager
        def applied() -> Iterator[Callable[[], object]]:
            with one.connect(journal=journal) as client:
                client.plan_writes(frame)
                yield lambda: client.plan_writes(frame).apply()

        @contextlib.contextmanager
        def bare() -> Iterator[Callable[[], object]]:
            file = os.open(other, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
            try:
                with baselines.bare(one) as exchange:
                    baselines.send(exchange, baselines.packets([ClientHello().request(1)], 1))
                    yield lambda: baselines.send_journalled(exchange, messages, lines, file)
            finally:
                os.close(file)

        times = timed({"bare": bare, "applied": applied}, sizes.rounds)
    yield Figure(
        f"{count:,} writes planned and applied one after the other, each verified",
        "bare packets, each written and read back, bare append and sync",
        times["applied"] / times["bare"],
        3,
        most=True,
        note=f"{times['applied'] / count * 1e6:.0f} us a write",
    )


def single_write(sizes: Sizes) -> Iterator[Figure]:
    """Compare one guarded write after the other with sending and journalling the same bytes."""
    count = sizes.single_writes
    with server(10) as one:
        journal, other = one.folder / "journal.jsonl", one.folder / "other.jsonl"
        with one.connect(journal=journal) as client:
            row = orders(client, 1).iloc[0]
            client.write(row["element_uuid"], 0.5, verify=False)
        lines = journal.read_bytes().splitlines(keepends=True)
        values = [number + 0.5 for number in range(count)]
        requests = [
            Write(row["element_uuid"], Attribute.VALUE, value).request(number)
            for number, value in enumerate(values, 10)
        ]
        messages = baselines.packets(requests, 1)

        @contextlib.contextmanager
        def guarded() -> Iterator[Callable[[], object]]:
            with one.connect(journal=journal) as client:
                client.write(row["element_uuid"], 0.25, verify=False)

                def work() -> None:
                    for value in values:
                        client.write(row["element_uuid"], value, verify=False)

                yield work

        @contextlib.contextmanager
        def bare() -> Iterator[Callable[[], object]]:
            file = os.open(other, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
            try:
                with baselines.bare(one) as exchange:
                    baselines.send(exchange, baselines.packets([ClientHello().request(1)], 1))
                    yield lambda: baselines.send_journalled(exchange, messages, lines, file)
            finally:
                os.close(file)

        times = timed({"bare": bare, "guarded": guarded}, sizes.rounds)
    yield Figure(
        "one client.write, meta data known, not verified",
        "bare send and receive, bare append and sync",
        times["guarded"] / times["bare"],
        1.5,
        most=True,
        note=f"{times['guarded'] / count * 1e6:.0f} against {times['bare'] / count * 1e6:.0f} us",
    )


def importing(sizes: Sizes) -> Iterator[Figure]:
    """Compare the time to import with that of pandas."""
    unwanted = ("ipywidgets", "websocket", "xentara_nb.simulator")

    def run(name: str) -> tuple[float, str]:
        code = (
            f"import sys, time; start = time.perf_counter(); import {name}; "
            "print(time.perf_counter() - start, "
            f"*[each for each in {unwanted!r} if each in sys.modules])"
        )
        output = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout
        seconds, _, loaded = output.strip().partition(" ")
        return float(seconds), loaded

    # The first time may read from the disk.
    runs = [(run("pandas"), run("xentara_nb")) for _ in range(sizes.rounds + 1)]
    runs = runs[1:] or runs
    pandas, ours = (min(run[which][0] for run in runs) for which in (0, 1))
    yield Figure(
        "import xentara_nb",
        "import pandas",
        ours / pandas,
        1.2,
        most=True,
        note=f"also loads {runs[0][1][1] or 'nothing that it should not'}",
    )


_ALL = (
    *(inventory, scripts, opcua, growth, memory, reading, snapshot, comparing, searching),
    *(writing, stopping, single_write, importing),
    *(single_read, one_row, named, threads, delayed),
    *(events, kept, polling, live_view, recording, fleet),
    *(files, journal, command_help, tree),
    *(shapes, failing, known, frames),
)
FIGURES: dict[str, Callable[[Sizes], Iterator[Figure]]] = {each.__name__: each for each in _ALL}
