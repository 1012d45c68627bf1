"""Recording from many servers at once, a thread for each, until all are stopped together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import timedelta

from xentara_nb.errors import ConnectionLostError, XentaraError
from xentara_nb.fleet.steps import in_thread
from xentara_nb.protocol.text import listed, quantity
from xentara_nb.recordings.progress import reporting, size_text
from xentara_nb.recordings.recorder import Recorder

_TICK = 1.0  # seconds between two reports

Run = Callable[[Callable[[Recorder], object]], object]
"""Records from one server, and calls what it is given with its recorder every second."""

Connect = Callable[[], Run]
"""Connects to one server; what it returns records from it."""


def record_all(
    servers: Mapping[str, Connect],
    for_: float | None,
    progress: bool | Callable[[Mapping[str, Recorder]], object] | None,
) -> dict[str, XentaraError]:
    """Record from all servers until each has ended, or until Ctrl-C.

    Return by server why it has failed; what it has recorded by then is on the disk. Ctrl-C does not
    wait for a server that is not connected yet.
    """
    recorders: dict[str, Recorder] = {}
    ended: dict[str, BaseException | None] = {}
    work = _run(servers, recorders, ended)
    try:
        with closing(in_thread(work, wait=True)) as steps, reporting(progress, line) as show:
            for _ in steps:
                show(dict(recorders))
    except KeyboardInterrupt:
        # Everything is written, and how else should it end.
        if for_ is not None or not recorders or len(ended) < len(servers):
            raise
    failed: dict[str, XentaraError] = {}
    for name in servers:
        error = ended.get(name)
        if isinstance(error, XentaraError):
            failed[name] = error.with_traceback(None)
        elif error is not None:
            raise error
    return failed


def _run(
    servers: Mapping[str, Connect],
    recorders: dict[str, Recorder],
    ended: dict[str, BaseException | None],
) -> Generator[None, None, None]:
    """Record from all servers, and give an item now and then; stop them when this is closed."""
    stopped = threading.Event()
    begun: set[str] = set()
    futures: dict[str, Future[None]] = {}

    def record(name: str, connect: Connect) -> None:
        def report(recorder: Recorder) -> None:
            recorders[name] = recorder
            if stopped.is_set():
                recorder.stop()

        try:
            run = connect()
            begun.add(name)
            if not stopped.is_set():  # or no one may wait for it
                run(report)
                ended[name] = None
        except BaseException as error:
            ended[name] = error

    pool = ThreadPoolExecutor(max(len(servers), 1), "fleet recording")
    try:
        for name, connect in servers.items():
            futures[name] = pool.submit(record, name, connect)
        yield from _until_done(set(futures.values()))
    finally:
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)
        for recorder in list(recorders.values()):
            recorder.stop()
        wait([future for name, future in futures.items() if name in begun])
        for name in servers:
            ended.setdefault(name, ConnectionLostError("it was stopped before it was connected"))


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
