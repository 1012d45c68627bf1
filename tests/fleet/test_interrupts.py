"""Ctrl-C at any place while a fleet is asked: no thread is left, and the fleet works on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.clients import eventually
from tests.support.interrupts import Interrupted
from xentara_nb import Fleet
from xentara_nb.fleet.pool import gather
from xentara_nb.fleet.recorders import Run, record_all

# An interrupt while a generator is thrown away is swallowed, which Python then mentions.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def fleet_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("fleet")]


def sweep(operation: Callable[[], Any], check: Callable[[], Any], samples: int | None) -> None:
    """Interrupt an operation at some places, or at all, and check what is left each time."""
    for _ in range(2):
        whole = Interrupted(operation)
        assert whole.error is None
    step = 1 if samples is None else max(1, whole.places // samples)
    for at in range(1, whole.places + 1, step):
        run = Interrupted(operation, at)
        assert run.error is None or type(run.error) is KeyboardInterrupt, run.where
        if run.error is not None:
            # What the traceback holds, such as a generator that is half done, ends with it.
            run.error = run.error.with_traceback(None)
        eventually(lambda: not fleet_threads(), where=run.where)
        check()
    print(f"{len(range(1, whole.places + 1, step))} of {whole.places} places")


@pytest.mark.parametrize(
    "samples", [pytest.param(25, id="some"), pytest.param(None, id="every", marks=pytest.mark.slow)]
)
def test_a_fleet_that_is_asked(fleet: Fleet, samples: int | None) -> None:
    def ask() -> Any:
        return fleet.inventory("Plant.Line 1", depth=1, progress=False)

    def check() -> None:
        assert set(ask()["server"]) == {"north", "south"}

    sweep(ask, check, samples)


def test_tasks() -> None:
    def tasks() -> Any:
        return [*gather(dict.fromkeys("ab", (int, ())), 1, progress=False)]

    def check() -> None:
        assert tasks() == [("a", 0), ("b", 0)]

    sweep(tasks, check, None)


def test_an_executor_of_the_caller() -> None:
    with ThreadPoolExecutor(1, "callers") as pool:

        def tasks() -> Any:
            return [*gather(dict.fromkeys("ab", (int, ())), 1, pool, progress=False)]

        def check() -> None:
            assert pool.submit(abs, -1).result(10) == 1

        sweep(tasks, check, None)


def test_a_recording() -> None:
    """What has begun has ended when it is over."""
    begun: list[str] = []
    ended: list[str] = []

    def record(name: str) -> Run:
        def run(_: object) -> None:
            begun.append(name)
            ended.append(name)

        return run

    def check() -> None:
        assert begun == ended
        begun.clear()
        ended.clear()

    sweep(lambda: record_all({name: record(name) for name in "ab"}, 1.0, False), check, None)
