"""Ctrl-C at any place while a simulator starts or stops: no thread and no socket is left."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.support.clients import eventually
from tests.support.interrupts import Interrupted
from xentara_nb.cli import build_parser
from xentara_nb.simulator import ConfigurationError, Simulator, simulate

Documents = dict[str, dict[str, Any]]

# What C has begun with may be dropped or swallowed by it, which Python then mentions.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Scene:
    """A simulator on a port of its own, and what can be done with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.others = threads()  # of the simulators that all tests share
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.plant = simulate(port=self.port, elements=5)
        self.arguments = build_parser().parse_args(
            ["simulate", "--elements", "5", "--port", str(self.port)]
        )

    def prepare(self, operation: str) -> None:
        self.plant = simulate(port=self.port, elements=5)
        if operation in ("stop", "fault", "restart"):
            self.plant.start()

    def make(self) -> None:
        with simulate(port=self.port, elements=5) as self.plant:
            pass

    def block(self) -> None:
        with self.plant:
            pass

    def start(self) -> None:
        self.plant.start()

    def stop(self) -> None:
        self.plant.stop()

    def fault(self) -> None:
        self.plant.faults.refuse_writes(0.5)
        self.plant.forget()

    def restart(self) -> None:
        self.plant.faults.restart()

    def command(self) -> None:
        try:
            with patch.object(Simulator, "wait", return_value=True):  # as if it were shut down
                self.arguments.run(self.arguments)
        finally:
            gc.unfreeze()

    def wrong(self) -> None:
        with suppress(ConfigurationError), simulate(self.folder) as self.plant:
            pass


OPERATIONS = ("make", "block", "start", "stop", "fault", "restart", "command", "wrong")
LEFT_RUNNING = ("start", "stop", "fault", "restart")
UNTOUCHED = ("in __exit__\n    def __exit__(self, *_: object) -> None:\n",)


@pytest.fixture
def scene(small: Documents, write_folder: Callable[[Documents], Path]) -> Scene:
    files = {"certificatePath": "no.pem", "privateKeyPath": "no.key"}
    small["security.json"]["TLS"] = {"serverCertificate": files}
    folder = write_folder(small)
    for name in files.values():  # which is found out when it starts
        (folder / name).write_text("neither")
    return Scene(folder)


def threads() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name.startswith("simulator")}


def sockets() -> int:
    folder = Path("/proc/self/fd")
    if not folder.exists():
        return 0
    opened = 0
    for name in os.listdir(folder):
        with suppress(OSError):  # that of the folder itself
            opened += os.readlink(folder / name).startswith("socket:")
    return opened


def listens(port: int) -> bool:
    # Not by connecting to it: a socket that is given the same port connects to itself.
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return True
    return False


def interrupt(scene: Scene, operation: str, at: int, before: int) -> int:
    """Interrupt an operation at one place, check what is left, and return the number of places."""
    scene.prepare(operation)
    run = Interrupted(getattr(scene, operation), at)
    assert run.error is None or type(run.error) is KeyboardInterrupt, run.where
    assert gc.isenabled(), run.where
    if run.error is not None:
        run.error = run.error.with_traceback(None)
    # Interrupted where the end begins, a block has done nothing of it.
    if operation in LEFT_RUNNING or run.where.endswith(UNTOUCHED):
        scene.plant.stop()
    eventually(lambda: threads() <= scene.others, where=run.where)
    eventually(lambda: sockets() <= before, where=run.where)
    assert not listens(scene.port), run.where
    return run.places


def sweep(scene: Scene, operation: str, samples: int | None) -> None:
    before = 1_000_000
    for _ in range(3):
        count = interrupt(scene, operation, 0, before)
    before = sockets()
    step = 1 if samples is None else max(1, count // samples)
    for at in range(1, count + 1, step):
        interrupt(scene, operation, at, before)
    print(f"{operation}: {len(range(1, count + 1, step))} of {count} places")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_ctrl_c_at_some_places(scene: Scene, operation: str) -> None:
    sweep(scene, operation, 25)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_ctrl_c_at_every_place(scene: Scene, operation: str) -> None:
    sweep(scene, operation, None)
