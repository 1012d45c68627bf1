"""What a fleet costs: many servers against one, one that hangs, and the memory of a million rows.

All servers are one process that answers with bytes made beforehand, 20 ms late, so that what is
measured is the fleet, on the two cores that it shares with that process.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import os
import socket
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from unittest import mock

from tests.benchmarks.measuring import Contender, Server, server, timed
from tests.benchmarks.model import PASSWORD, USER
from tests.benchmarks.table import Figure, Sizes
from xentara_nb import Fleet
from xentara_nb import Server as OfFleet

DELAY = 0.02
DEADLINE = 2.0
FEW = 5  # servers
_VARIABLE = "XENTARA_NB_BENCHMARK"


def fleet(sizes: Sizes) -> Iterator[Figure]:
    """Compare the inventory of many servers with that of one, in threads and on Dask."""
    what = f"inventory of {sizes.servers} servers of {sizes.server_elements:,} elements"
    with (
        mock.patch.dict(os.environ, {_VARIABLE: PASSWORD}),
        server(sizes.server_elements, delay=DELAY) as one,
        server(sizes.server_elements, delay=DELAY, models=sizes.servers) as each_another,
        contextlib.ExitStack() as stack,
    ):
        contenders: dict[str, Contender] = {
            "one": inventory_of(one, 1, sizes.servers),
            "turns": inventory_of(one, sizes.servers, 1),
            "threads": inventory_of(one, sizes.servers, sizes.servers),
            "one again": inventory_of(one, 1, sizes.servers, again=True),
            "threads again": inventory_of(one, sizes.servers, sizes.servers, again=True),
        }
        if importlib.util.find_spec("distributed") is not None:
            executor = stack.enter_context(_dask_executor())
            contenders["dask one"] = inventory_of(one, 1, 1, executor)
            contenders["dask"] = inventory_of(one, sizes.servers, 1, executor)
        seconds = timed(contenders, min(sizes.rounds, 5))
        note = f"{seconds['one']:.2f} s for one"
        again = seconds["threads again"] / seconds["one again"]
        yield Figure(f"{what}, one after the other", "one server", _ratio(seconds, "turns"), None)
        yield Figure(
            f"{what}, in threads", "one server", _ratio(seconds, "threads"), 4, True, note=note
        )
        yield Figure(
            f"{what}, in threads, again, over connections that are kept",
            "one server, again",
            again,
            4,
            True,
            note=f"{seconds['one again']:.2f} s for one",
        )
        if "dask" in seconds:
            yield Figure(
                f"{what}, on Dask, two workers", "one server", _ratio(seconds, "dask"), None
            )
        contenders["models that differ"] = inventory_of(each_another, sizes.servers, sizes.servers)
        names = "one", "threads", "one again", "threads again", "models that differ"
        busy = timed(
            {name: contenders[name] for name in names}, min(sizes.rounds, 5), time.process_time
        )
        for each, suffix in (("", ""), (" again", ", again")):
            own = busy[f"threads{each}"] / sizes.servers
            yield Figure(
                f"{what}: processor time of each{suffix}",
                f"that of one server alone{suffix}",
                own / busy[f"one{each}"],
                None,
                note=f"{1e3 * own:.0f} ms",
            )
        own = busy["models that differ"] / sizes.servers
        yield Figure(
            f"{what} of models that differ: processor time of each",
            "that of one server alone",
            own / busy["one"],
            None,
            note=f"{1e3 * own:.0f} ms",
        )
        yield _one_hangs(one, sizes)
    yield from _memory(sizes)


def _ratio(seconds: dict[str, float], name: str) -> float:
    return seconds[name] / seconds["one"]


def inventory_of(
    one: Server,
    count: int,
    threads: int,
    executor: Executor | None = None,
    *,
    again: bool = False,
) -> Contender:
    """Return the inventory of a new fleet, with everything that belongs to connecting.

    Or the second one, over the connections of the first.
    """

    @contextlib.contextmanager
    def prepare() -> Iterator[Callable[[], object]]:
        with Fleet(servers(one, count), threads=threads, journal=False) as made:
            if again:
                made.inventory(progress=False)
            yield lambda: made.inventory(progress=False, executor=executor)

    return prepare


def servers(one: Server, count: int) -> list[OfFleet]:
    """Return the same server under many names."""
    return [
        OfFleet(
            f"s{number:03}",
            f"localhost:{one.port}",
            USER,
            f"env:{_VARIABLE}",
            ca_file=str(one.ca_file),
            timeout=600.0,
        )
        for number in range(count)
    ]


@contextlib.contextmanager
def _dask_executor() -> Iterator[Executor]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=16, processes=True, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client.get_executor()


def _one_hangs(one: Server, sizes: Sizes) -> Figure:
    """Return how much longer it takes with a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as hangs:  # no one accepts what it takes
        port = hangs.getsockname()[1]
        dead = OfFleet("hangs", f"127.0.0.1:{port}", USER, f"env:{_VARIABLE}")

        @contextlib.contextmanager
        def prepare() -> Iterator[Callable[[], object]]:
            both = [dead, *servers(one, FEW)]
            with Fleet(both, threads=FEW + 1, journal=False) as made:
                yield lambda: _quietly(made)

        seconds = timed({"hangs": prepare}, min(sizes.rounds, 2))["hangs"]
    return Figure(
        f"inventory of {FEW} servers, and of one that hangs",
        "its deadline",
        seconds / DEADLINE,
        1.2,
        True,
        note=f"{seconds:.2f} s",
    )


def _quietly(made: Fleet) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return made.inventory(progress=False, deadline=DEADLINE)


def _memory(sizes: Sizes) -> Iterator[Figure]:
    """Measure the most that is allocated for the frame of many servers, and without the frame."""
    count, elements = 2 * sizes.servers, max(1, sizes.server_elements // 2)
    with (
        mock.patch.dict(os.environ, {_VARIABLE: PASSWORD}),
        server(elements) as one,
        Fleet(servers(one, count), threads=8, journal=False) as made,
        tempfile.TemporaryDirectory() as folder,
    ):
        made.inventory(progress=False)  # which connects, and loads what is loaded late
        made.save(folder, "inventory", servers="s000", progress=False)
        gc.collect()
        tracemalloc.start()
        try:
            frame = made.inventory(progress=False)
            _, peak = tracemalloc.get_traced_memory()
            rows, finished = len(frame), int(frame.memory_usage(index=False, deep=False).sum())
            del frame
            gc.collect()
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            made.save(folder, "inventory", progress=False)
            _, saving = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    what = f"memory of {rows:,} rows of {count} servers"
    yield Figure(
        what,
        "the columns of the frame",
        peak / finished,
        None,
        note=f"{peak / 1e6:.0f} of {finished / 1e6:.0f} MB",
    )
    yield Figure(
        f"{what}, written as they come",
        "the columns of the frame",
        (saving - before) / finished,
        1.2,
        True,
        note=f"{(saving - before) / 1e6:.0f} MB",
    )
