"""Many tasks at once, in threads here or in any executor: what is done comes as it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from xentara_nb.errors import OptionError
from xentara_nb.fleet.steps import in_thread
from xentara_nb.protocol.text import listed
from xentara_nb.queries.progress import BAR_DELAY, shown

T = TypeVar("T")

THREADS = 32
"""How many servers are asked at the same time in threads, if nothing else is said."""

_TICK = 0.5  # seconds between two looks at who is slow
_SLOW = 2.0  # seconds after which a server is called slow
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class FleetProgress:
    """How far a fleet has come.

    Attributes
    ----------
    done, total : int
        How many servers are done, and how many there are.
    waiting : dict of str to float
        The servers that are being asked, the slowest first, and for how many seconds.
    """

    done: int
    total: int
    waiting: Mapping[str, float]

    def __str__(self) -> str:
        slow = [(name, seconds) for name, seconds in self.waiting.items() if seconds >= _SLOW]
        named = listed((f"{name} ({seconds:.0f} s)" for name, seconds in slow), _MOST_SHOWN)
        waiting = f", waiting for {named}" if slow else ""
        return f"{self.done:,} of {self.total:,} servers{waiting}"


ProgressLike: TypeAlias = "bool | Callable[[FleetProgress], object] | None"
"""How to show progress: None for a bar on long work, True or False, or ``f(FleetProgress)``."""

Tasks: TypeAlias = "Mapping[str, tuple[Callable[..., T], tuple[Any, ...]]]"
"""By server, a function and what it is given."""

_Step: TypeAlias = "FleetProgress | tuple[str, T | BaseException]"


def check_threads(threads: object) -> int:
    """Return a number of threads; raises OptionError if it is none."""
    if type(threads) is not int or not 1 <= threads <= 1000:
        raise OptionError(f"threads must be a number from 1 to 1000, not {threads!r}")
    return threads


def gather(
    tasks: Tasks[T],
    threads: int,
    executor: Executor | None = None,
    progress: ProgressLike = None,
    what: str = "Fleet",
) -> Iterator[tuple[str, T | BaseException]]:
    """Run tasks and give what each returns, or the error that ended it, in the order of their ends.

    In threads no more tasks are begun than there are threads, and results that wait to be taken
    count: so no more than that are in memory.
    """
    work = _run(tasks, threads, executor)
    with closing(in_thread(work)) as steps, _reporting(progress, len(tasks), what) as report:
        yield from _reported(steps, report)


def _reported(
    steps: Iterator[_Step[T]], report: Callable[[FleetProgress], object]
) -> Iterator[tuple[str, T | BaseException]]:
    for step in steps:
        if isinstance(step, FleetProgress):
            report(step)
        else:
            yield step
        del step  # before the next one is waited for


def _run(
    tasks: Tasks[T], threads: int, executor: Executor | None
) -> Generator[_Step[T], None, None]:
    """Run tasks, and give what each returns, and now and then how far it has come."""
    total = len(tasks)
    most = min(threads, max(total, 1))
    running: dict[Future[T], str] = {}
    own = ThreadPoolExecutor(most, "fleet asking") if executor is None else None
    pool = own or executor
    assert pool is not None
    try:
        yield from _gather(tasks, pool, running, threads if own else total)
    finally:
        # Reached early when it is interrupted: what runs ends by itself, in its own time.
        for future in running:
            future.cancel()
        if own is not None:
            own.shutdown(wait=False, cancel_futures=True)


def _gather(
    tasks: Tasks[T], pool: Executor, running: dict[Future[T], str], most: int
) -> Generator[_Step[T], None, None]:
    total = len(tasks)
    waiting = dict(tasks)
    started: dict[str, float] = {}
    while waiting or running:
        while waiting and len(running) < most:
            name = next(iter(waiting))
            function, arguments = waiting.pop(name)
            try:
                running[pool.submit(function, *arguments)] = name
            except BrokenExecutor as error:  # one of its workers has ended
                yield name, error
            else:
                started[name] = time.monotonic()
        wait(running, timeout=_TICK, return_when=FIRST_COMPLETED)
        # It passes over those that an executor has cancelled which was shut down meanwhile.
        done = [each for each in running if each.done()]
        while done:  # each is let go of before the next one is given
            future = done.pop()
            name = running.pop(future)
            del started[name]
            failure = (
                CancelledError("by the executor") if future.cancelled() else future.exception()
            )
            result = future.result() if failure is None else failure
            del future, failure
            yield name, result
            del result
        now = time.monotonic()
        slow = {each: now - start for each, start in started.items()}
        yield FleetProgress(total - len(waiting) - len(running), total, slow)


def _reporting(
    progress: ProgressLike, total: int, what: str
) -> AbstractContextManager[Callable[[FleetProgress], object]]:
    def draw(bar: Any, state: FleetProgress) -> None:
        bar.set_postfix_str(str(state).partition(", ")[2], refresh=False)
        bar.update(state.done - bar.n)

    delay = 0.0 if progress else BAR_DELAY
    return shown(progress, draw, delay, total=total, unit="server", desc=what)
