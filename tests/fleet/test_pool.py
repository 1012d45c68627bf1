"""Many tasks at once: in what order, how many, and what becomes of errors."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from xentara_nb.errors import OptionError
from xentara_nb.fleet.pool import FleetProgress, check_threads, gather


def test_what_is_done_comes_first() -> None:
    gate = threading.Event()
    tasks = {"slow": (gate.wait, (30,)), "fast": (int, ("5",)), "wrong": (int, ("x",))}
    found = gather(tasks, 3, progress=False)
    first = dict([next(found), next(found)])
    assert first["fast"] == 5
    assert isinstance(first["wrong"], ValueError)
    gate.set()
    assert list(found) == [("slow", True)]


def test_no_more_at_once_than_threads() -> None:
    """Results that wait to be taken count, too: so many are in memory at most."""
    begun: queue.SimpleQueue[int] = queue.SimpleQueue()
    found = gather({str(at): (begun.put, (at,)) for at in range(10)}, 2, progress=False)
    assert begun.empty()
    for taken, _ in enumerate(found, 1):
        assert begun.qsize() <= taken + 2
    assert begun.qsize() == 10


def test_an_executor_gets_all_at_once() -> None:
    class Counting(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **options: Any) -> Future[Any]:
            submitted.append(1)
            return super().submit(*arguments, **options)

    submitted: list[int] = []
    with Counting(1) as pool:
        found = gather({str(at): (abs, (at,)) for at in range(9)}, 2, pool, progress=False)
        first = next(found)
        assert len(submitted) == 9
        assert dict([first, *found]) == {str(at): at for at in range(9)}
        # It is that of the caller, and goes on.
        assert pool.submit(abs, -1).result() == 1


def test_an_executor_that_is_broken() -> None:
    class Broken(Executor):
        def submit(self, *arguments: Any, **options: Any) -> Future[Any]:
            raise BrokenProcessPool("a worker was killed")

    found = dict(gather({"a": (abs, (1,)), "b": (abs, (1,))}, 2, Broken(), progress=False))
    assert {name: type(error) for name, error in found.items()} == {
        "a": BrokenProcessPool,
        "b": BrokenProcessPool,
    }


def test_an_executor_that_is_shut_down_meanwhile() -> None:
    begun, gate = threading.Event(), threading.Event()

    def run() -> bool:
        begun.set()
        return gate.wait(30)

    with ThreadPoolExecutor(1) as pool:
        tasks = {"now": (int, ()), "running": (run, ()), "waiting": (abs, (1,))}
        found = gather(tasks, 2, pool, progress=False)
        assert next(found) == ("now", 0)
        assert begun.wait(30)
        pool.shutdown(wait=False, cancel_futures=True)
        name, error = next(found)
        assert (name, type(error)) == ("waiting", CancelledError)
        gate.set()
        assert list(found) == [("running", True)]


def test_what_is_left_is_not_begun_when_it_is_given_up() -> None:
    gate, begun = threading.Event(), []

    def task(name: str) -> None:
        begun.append(name)
        gate.wait(30)

    found = gather({"first": (int, ()), **{n: (task, (n,)) for n in "abcdef"}}, 2, progress=False)
    next(found)
    found.close()
    gate.set()
    assert len(begun) <= 2


def test_progress_says_who_is_slow() -> None:
    seen: list[FleetProgress] = []
    gate = threading.Event()

    def look(state: FleetProgress) -> None:
        seen.append(state)
        if state.done == 1:
            gate.set()

    tasks = {"fast": (int, ()), "slow": (gate.wait, (30,))}
    assert len(list(gather(tasks, 2, progress=look))) == 2
    assert (seen[0].total, seen[-1].done, dict(seen[-1].waiting)) == (2, 2, {})
    assert any(list(state.waiting) == ["slow"] for state in seen)
    waiting = {name: 60.0 - at for at, name in enumerate("abcd")} | {"new": 0.1}
    assert str(FleetProgress(3, 8, waiting)) == (
        "3 of 8 servers, waiting for a (60 s), b (59 s), c (58 s) and 1 more"
    )
    assert str(FleetProgress(3, 8, {"new": 0.1})) == "3 of 8 servers"


def test_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(gather({"a": (int, ())}, 1, progress=True, what="Inventory")) == [("a", 0)]
    shown = capsys.readouterr().err
    assert "Inventory" in shown
    assert "1/1" in shown


@pytest.mark.parametrize("threads", [0, 1001, True, "8"])
def test_what_is_no_number_of_threads(threads: object) -> None:
    with pytest.raises(OptionError, match="a number from 1 to 1000"):
        check_threads(threads)
