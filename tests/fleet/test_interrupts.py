"""Ctrl-C at any place while a fleet is asked: no thread is left, and the fleet works on."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.clients import eventually
from tests.support.interrupts import Interrupted
from xentara_nb import Fleet, Server
from xentara_nb.fleet.asking import Asking
from xentara_nb.fleet.call import Call
from xentara_nb.fleet.clients import Clients
from xentara_nb.fleet.plan import FleetPlan
from xentara_nb.fleet.pool import gather
from xentara_nb.fleet.recorders import Connect, record_all
from xentara_nb.simulator import Simulator

# An interrupt while a generator is thrown away is swallowed, which Python then mentions.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def fleet_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("fleet")]


def sweep(operation: Callable[[], Any], check: Callable[[], Any]) -> None:
    """Interrupt an operation at every place, and check what is left each time."""
    for _ in range(2):
        whole = Interrupted(operation)
        assert whole.error is None
    for at in range(1, whole.places + 1):
        run = Interrupted(operation, at)
        assert run.error is None or type(run.error) is KeyboardInterrupt, run.where
        if run.error is not None:
            # What the traceback holds, such as a generator that is half done, ends with it.
            run.error = run.error.with_traceback(None)
        eventually(lambda: not fleet_threads(), where=run.where)
        check()
    print(f"{whole.places} places")


def test_servers_that_are_asked(server_of: Callable[..., Server], journal: Path) -> None:
    servers = {name: server_of(name) for name in ("north", "south")}
    clients = Clients(servers.values())
    asking = Asking(servers, clients, 2, None)

    def ask() -> Any:
        arguments = {"elements": "Plant.Line 1.Set point", "attributes": "value"}
        return [*asking.answers(Call("read", arguments, progress=False))]

    def check() -> None:
        assert {name: error for name, _, error, _ in ask()} == {"north": None, "south": None}

    with closing(clients):
        sweep(ask, check)


def test_a_second_one_while_a_plan_ends(fleet: Fleet, plants: dict[str, Simulator]) -> None:
    """What was sent says so, also where the next one comes in the middle of what notes that."""
    values = itertools.cycle([195, 205])

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    def apply(at: int = 0) -> tuple[Interrupted, FleetPlan]:
        plan = fleet.plan_writes({"Plant.Line 1.Set point": next(values)}, servers=list(plants))
        for plant in plants.values():
            plant.forget()
        return Interrupted(lambda: plan.apply(verify=False, progress=stop), at), plan

    apply()
    last = apply()[0].places
    for at in range(last - 60, last + 1):
        run, plan = apply(at)
        assert plan.report is not None
        for name, plant in plants.items():
            sent = sum(result.sent for result in plan.report.reports[name])
            assert sent >= len(plant.writes), run.where


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_whole_fleet_that_is_asked(fleet: Fleet) -> None:
    def ask() -> Any:
        return fleet.inventory("Plant.Line 1", depth=1, progress=False)

    def check() -> None:
        assert set(ask()["server"]) == {"north", "south"}

    sweep(ask, check)


def test_tasks() -> None:
    def tasks() -> Any:
        return [*gather(dict.fromkeys("ab", (int, ())), 1, progress=False)]

    def check() -> None:
        assert tasks() == [("a", 0), ("b", 0)]

    sweep(tasks, check)


def test_an_executor_of_the_caller() -> None:
    with ThreadPoolExecutor(1, "callers") as pool:

        def tasks() -> Any:
            return [*gather(dict.fromkeys("ab", (int, ())), 1, pool, progress=False)]

        def check() -> None:
            assert pool.submit(abs, -1).result(10) == 1

        sweep(tasks, check)


def test_a_recording() -> None:
    """What has begun has ended when it is over."""
    begun: list[str] = []
    ended: list[str] = []

    def record(name: str) -> Connect:
        def run(_: object) -> None:
            begun.append(name)
            ended.append(name)

        return lambda: run

    def check() -> None:
        assert begun == ended
        begun.clear()
        ended.clear()

    sweep(lambda: record_all({name: record(name) for name in "ab"}, 1.0, False), check)
