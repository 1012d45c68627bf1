"""Recording from many servers at once, a thread for each, until all are stopped together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import timedelta

from xentara_nb.errors import XentaraError
from xentara_nb.fleet.steps import in_thread
from xentara_nb.protocol.text import listed, quantity
from xentara_nb.recordings.progress import reporting, size_text
from xentara_nb.recordings.recorder import Recorder

_TICK = 1.0  # seconds between two reports

Run = Callable[[Callable[[Recorder], object]], object]
"""Records from one server, and calls what it is given with its recorder every second."""


def record_all(
    runs: Mapping[str, Run],
    for_: float | None,
    progress: bool | Callable[[Mapping[str, Recorder]], object] | None,
) -> dict[str, XentaraError]:
    """Record from all servers until each has ended, or until Ctrl-C.

    Return by server why it has failed; what it has recorded by then is on the disk.
    """
    recorders: dict[str, Recorder] = {}
    ended: dict[str, BaseException | None] = {}
    work = _run(runs, recorders, ended)
    try:
        with closing(in_thread(work, wait=True)) as steps, reporting(progress, line) as show:
            for _ in steps:
                show(dict(recorders))
    except KeyboardInterrupt:
        # Everything is written, and how else should it end.
        if for_ is not None or len(ended) < len(runs):
            raise
    failed: dict[str, XentaraError] = {}
    for name in runs:
        error = ended.get(name)
        if isinstance(error, XentaraError):
            failed[name] = error.with_traceback(None)
        elif error is not None:
            raise error
    return failed


def _run(
    runs: Mapping[str, Run], recorders: dict[str, Recorder], ended: dict[str, BaseException | None]
) -> Generator[None, None, None]:
    """Record from all servers, and give an item now and then; stop them when this is closed."""
    stopped = threading.Event()

    def record(name: str, run: Run) -> None:
        def report(recorder: Recorder) -> None:
            recorders[name] = recorder
            if stopped.is_set():
                recorder.stop()

        try:
            run(report)
            ended[name] = None
        except BaseException as error:
            ended[name] = error

    with ThreadPoolExecutor(max(len(runs), 1), "fleet") as pool:
        try:
            futures = {pool.submit(record, name, run) for name, run in runs.items()}
            yield from _until_done(futures)
        finally:
            stopped.set()
            for recorder in list(recorders.values()):
                recorder.stop()


def _until_done(waiting: set[Future[None]]) -> Generator[None, None, None]:
    while waiting:
        _, waiting = wait(waiting, timeout=_TICK)
        yield


def line(recorders: Mapping[str, Recorder]) -> str:
    """Return what the recorders of a fleet have done so far, in one line."""
    every = list(recorders.values())
    seconds = max((each.seconds for each in every), default=0.0)
    rows = sum(each.writer.rows for each in every)
    size = size_text(sum(each.writer.bytes for each in every))
    text = (
        f"{timedelta(seconds=int(seconds))}: {quantity(rows, 'change')} of "
        f"{quantity(len(every), 'server')}, {size}"
    )
    watches = {name: each.watch for name, each in recorders.items()}
    lost = [name for name, each in watches.items() if each.lost and each.ended is None]
    if lost:
        text += f"; no connection at present: {listed(lost, 3)}"
    return text
