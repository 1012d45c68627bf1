"""How things are measured: a server of its own process, and contenders that take turns."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias
from unittest import mock

import xentara_nb
from tests.benchmarks.model import PASSWORD, USER
from tests.support.certificates import make_certificate
from xentara_nb import Client
from xentara_nb.connection.messages import WebSocket

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 600.0


@contextlib.contextmanager
def process(module: str, *arguments: object) -> Iterator[int]:
    """Run a server until the block ends, and give its port."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if not line:
                raise RuntimeError(f"{module} did not start")
            yield int(line)
        finally:
            server.kill()


class Server:
    """A running benchmark server."""

    def __init__(self, port: int, ca_file: Path, folder: Path) -> None:
        self.port, self.ca_file, self.folder = port, ca_file, folder

    def connect(self, **options: Any) -> Client:
        """Return a new client; each asks the same messages, whose answers are made already."""
        options = {"journal": False, "timeout": PATIENCE, **options}
        return xentara_nb.connect(
            f"localhost:{self.port}", user=USER, password=PASSWORD, ca_file=self.ca_file, **options
        )


@contextlib.contextmanager
def server(
    elements: int,
    *,
    delay: float = 0.0,
    distinct: bool = False,
    models: int = 1,
    events: tuple[int, int] = (0, 1),
) -> Iterator[Server]:
    """Start a server of so many elements, its answers delayed by so many seconds.

    A subscribe is followed by so many events, so many in each message. Of several models, each
    connection gets the next one.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = make_certificate(folder)
        options = ["--delay", delay, *(["--distinct"] if distinct else [])]
        options += ["--models", models, "--events", *events]
        module = "tests.benchmarks.server"
        with process(module, own.path, own.key_path, elements, *options) as port:
            yield Server(port, own.path, folder)


Contender: TypeAlias = Callable[[], contextlib.AbstractContextManager[Callable[[], object]]]
"""Prepares what is not measured, such as a connection, and gives the work that is."""


def plain(work: Callable[[], object]) -> Contender:
    """Return work that needs nothing else."""
    return lambda: contextlib.nullcontext(work)


def timed(
    contenders: dict[str, Contender],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Return the shortest time of each, in seconds; they take turns, after one that is not counted.

    Without rounds that one is all there is. The shortest: what else the computer does can only
    make a run longer.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            with contender() as work:
                gc.collect()
                start = clock()
                result = work()
                seconds = clock() - start
                del result
            if turn or not rounds:
                times[name].append(seconds)
    return {name: min(each) for name, each in times.items()}


@contextlib.contextmanager
def general_path() -> Iterator[None]:
    """Recognise nothing within the block: what browse answers is taken entry by entry."""

    with mock.patch("xentara_nb.connection.batch.decode_results", return_value=None):
        yield


def recorded(server: Server, work: Callable[[Client], object]) -> list[bytes]:
    """Return the messages that a new client receives for some work, without that for its hello."""
    messages: list[bytes] = []
    receive, look, drop = WebSocket.recv_data, WebSocket.next_message, WebSocket.drop_message
    seen: list[bytes | None] = []

    def recv_data(self: WebSocket) -> tuple[int, bytes]:
        opcode, data = receive(self)
        messages.append(data)
        return opcode, data

    def next_message(self: WebSocket) -> bytes | None:
        seen[:] = [look(self)]
        return seen[0]

    def drop_message(self: WebSocket) -> None:
        messages.extend(each for each in seen if each is not None)
        drop(self)

    ways = {"recv_data": recv_data, "next_message": next_message, "drop_message": drop_message}
    with mock.patch.multiple(WebSocket, **ways), server.connect() as client:
        work(client)
        return messages[1:]
