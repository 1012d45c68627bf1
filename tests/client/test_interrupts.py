"""Ctrl-C at any place: afterwards the client works, or says at once that it was closed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.clients import connection_of, eventually, reader_threads
from tests.support.interrupts import Interrupted
from xentara_nb import Client, WritePlan, read_journal
from xentara_nb.errors import ConnectionLostError
from xentara_nb.simulator import Simulator
from xentara_nb.writes.outcome import Outcome

SET_POINT = "Plant.Line 1.Set point"

# What C has begun with may be dropped or swallowed by it, which Python then mentions.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Scene:
    """A plant, a client of it, and what can be done with them."""

    def __init__(self, plant: Simulator) -> None:
        self.plant = plant
        self.value = 100
        self.plan: WritePlan | None = None
        self.client = plant.connect(timeout=90.0)

    def prepare(self, operation: str) -> None:
        self.value = self.value % 150 + 1
        self.plan = None
        self.plant.forget()
        if operation == "renew":
            connection_of(self.client).close(graceful=False)

    def connect(self) -> Client:
        return self.plant.connect(timeout=90.0)

    def read(self) -> Any:
        return self.client.read(SET_POINT)

    def renew(self) -> Any:
        return self.client.get_stage()

    def inventory(self) -> Any:
        return self.client.inventory("Plant.Line 1", progress=False)

    def write(self) -> Any:
        return self.client.write(SET_POINT, float(self.value))

    def apply(self) -> Any:
        self.plan = self.client.plan_writes({SET_POINT: float(self.value)})
        return self.plan.apply()

    def subscribe(self) -> Any:
        with self.client.subscribe(SET_POINT) as subscription:
            return subscription.next_event(60.0)

    def watch(self) -> Any:
        with self.client.watch(SET_POINT) as watch:
            return next(iter(watch))

    def close(self) -> None:
        self.client.close()


OPERATIONS = (
    *("connect", "read", "renew", "inventory", "write", "apply", "subscribe", "watch", "close"),
)


@pytest.fixture
def scene(plant: Simulator, journal: Path) -> Iterator[Scene]:
    scene = Scene(plant)
    yield scene
    scene.client.close()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0


def places(scene: Scene, operation: str) -> int:
    """Return at how many places an operation can be interrupted, when all is warm."""
    for _ in range(3):
        scene.prepare(operation)
        run = Interrupted(getattr(scene, operation))
        assert run.error is None
        if operation == "connect":
            run.result.close()
        if operation == "close":
            scene.client = scene.connect()
    scene.client.get_stage()
    return run.places


def interrupt(scene: Scene, operation: str, at: int, pool: ThreadPoolExecutor, files: int) -> None:
    """Interrupt an operation at one place, and check what is left."""
    scene.prepare(operation)
    begin = time.monotonic()
    run = Interrupted(getattr(scene, operation), at)
    assert run.error is None or type(run.error) is KeyboardInterrupt, run.where
    if operation == "connect":
        if run.result is not None:
            run.result.close()
    else:
        # In another thread, for a lock that this one has left taken would be open to it.
        pool.submit(check_client, scene.client, run.where).result()
        if operation == "read":
            scene.write()
            assert len(scene.plant.writes) == 1, run.where
    assert time.monotonic() - begin < 30, run.where  # and not until the time-out of the client
    closed = scene.client.closed
    outside = ("in __enter__\n    def __enter__", "in __exit__\n    def __exit__")
    if run.error is not None and any(place in run.where for place in outside):
        # The block had not begun, or nothing of its end: what the traceback holds ends with it.
        run.error = run.error.with_traceback(None)
    eventually(lambda: len(reader_threads()) <= (0 if closed else 1), where=run.where)
    # A connection has its socket, and a duplicate of that.
    eventually(lambda: open_files() <= files - (2 if closed else 0), where=run.where)
    if operation in ("write", "apply"):
        check_write(scene, operation, run)
    if scene.client.closed:
        scene.client = scene.connect()


def check_client(client: Client, where: str) -> None:
    if client.closed:
        with pytest.raises(ConnectionLostError, match="this client is closed"):
            client.get_stage()
    else:
        assert client.get_stage() == 2, where
        assert len(client.read(SET_POINT, "value")) == 1, where


def check_write(scene: Scene, operation: str, run: Interrupted) -> None:
    arrived = len(scene.plant.writes)
    assert arrived <= 1, run.where
    if run.error is None:
        return
    notes = " ".join(getattr(run.error, "__notes__", ()))
    if operation == "write":
        if arrived:
            assert any(outcome in notes for outcome in ("UNKNOWN", "APPLIED", "VERIFIED")), (
                run.where
            )
        assert ("UNKNOWN" in notes) == ("client.read(" in notes), run.where
    elif arrived:
        assert scene.plan is not None
        assert scene.plan.report is not None, run.where
        assert scene.plan.report[0].sent, run.where
        assert scene.plan.applied, run.where
    if arrived:
        last = read_journal(scene.client.journal).iloc[-1]
        assert last.value == scene.value, run.where
        assert last.outcome != Outcome.SKIPPED, run.where


def sweep(scene: Scene, operation: str, samples: int | None) -> None:
    count = places(scene, operation)
    step = 1 if samples is None else max(1, count // samples)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(check_client, scene.client, "").result()
        files = open_files()
        for at in range(1, count + 1, step):
            interrupt(scene, operation, at, pool, files)
        print(f"{operation}: {len(range(1, count + 1, step))} of {count} places")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_ctrl_c_at_some_places(scene: Scene, operation: str) -> None:
    sweep(scene, operation, 40)


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_ctrl_c_at_every_place(scene: Scene, operation: str) -> None:
    sweep(scene, operation, None)
