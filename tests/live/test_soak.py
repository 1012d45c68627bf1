"""A watch for a long time, over a connection that is cut and frozen at random."""

from __future__ import annotations

import gc
import random
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

import xentara_nb
from tests.support.proxy import Proxy
from xentara_nb import Client
from xentara_nb.connection import connection
from xentara_nb.errors import XentaraError
from xentara_nb.live import subscribing
from xentara_nb.simulator import Simulator

SET_POINT, RUN = "Plant.Line 1.Set point", "Plant.Line 1.Run"
PATIENCE = 60
STALE = 500_000_000
"""Nanoseconds within which the server must have told of a change."""


@contextmanager
def busy(work: object, *threads: object) -> Iterator[None]:
    """Run functions in threads until the block ends."""
    stop = threading.Event()
    running = [threading.Thread(target=each, args=(stop,)) for each in (work, *threads)]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in running:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def grown(before: tracemalloc.Snapshot, after: tracemalloc.Snapshot) -> int:
    """Return by how much the memory of the connections and watches has grown, in bytes."""
    # What was allocated on their behalf: the simulator, with its log, lives here too.
    ours = [
        tracemalloc.Filter(True, f"*/xentara_nb/{room}/*", all_frames=True)
        for room in ("live", "connection")
    ]
    first, last = (each.filter_traces(ours).statistics("filename") for each in (before, after))
    return sum(each.size for each in last) - sum(each.size for each in first)


@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.timeout(180)
def test_no_loss_that_is_not_told_and_nothing_that_is_not_true(
    plant: Simulator, journal: Path, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    monkeypatch.setattr(subscribing, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(connection, "QUIET_TIME", 0.2)
    chance = random.Random(seconds)

    def write(near: Client, stop: threading.Event) -> None:
        value = 0.0
        while not stop.wait(0.02):
            value += 0.0625 if chance.random() < 0.5 else 0.1  # halves, singles and doubles
            near.write(SET_POINT, value, verify=False)

    def read(stop: threading.Event) -> None:
        while not stop.wait(0.05):
            with suppress(XentaraError):
                client.read(SET_POINT, "value")

    def disturb(stop: threading.Event) -> None:
        while not stop.wait(chance.uniform(0.3, 1.5)):
            if chance.random() < 0.5:
                proxy.cut()
            else:
                proxy.freeze()

    with (
        Proxy(plant.port) as proxy,
        plant.connect(journal=False) as near,
        xentara_nb.connect(
            proxy.url, user="engineer", password="engineer-demo", timeout=0.5, journal=False
        ) as client,
        client.watch([SET_POINT, RUN]) as watch,
    ):
        watch.until(lambda latest: latest["value"].notna().all(), timeout=PATIENCE)
        begin = time.time_ns()
        threads = threading.active_count()
        if seconds > 10:
            tracemalloc.start(12)
        snapshots = []
        with busy(lambda stop: write(near, stop), read, disturb):
            for _ in range(2):
                assert not threading.Event().wait(seconds / 2)
                if tracemalloc.is_tracing():
                    gc.collect()
                    snapshots.append(tracemalloc.take_snapshot())
        last = plant.writes["value"].iloc[-1]
        watch.until(lambda latest: last in latest["value"].tolist(), timeout=PATIENCE)
        assert threading.active_count() <= threads + 2  # a connection may end at this moment
        if snapshots:
            tracemalloc.stop()
            assert grown(*snapshots) < 500_000
        changes = watch.changes()

    of_one = changes[changes["primary_key"] == SET_POINT].reset_index(drop=True)
    times = of_one["time"].astype("int64").to_numpy()
    gaps = of_one["error"].notna().to_numpy()
    values = of_one["value"].to_numpy()
    written = plant.writes["value"].astype(float).to_numpy()
    written_at = plant.writes["time"].astype("int64").to_numpy()
    assert gaps.any()
    assert (np.diff(times) > 0).all()

    # Each value is the one that the plant had at that time.
    true = ~gaps & (times > begin)
    rows = np.searchsorted(written_at, times[true], side="right") - 1
    at_that_time = written[np.maximum(rows, 0)]
    before = written[np.maximum(rows - 1, 0)]  # has arrived, and was not carried out yet
    assert ((values[true] == at_that_time) | (values[true] == before) | (rows < 0)).all()

    # And no value is shown for longer than it held there: then there is a gap.
    moments = written_at[:-1] + STALE
    moments, oldest = moments[moments < times[-1]], np.arange(len(written))
    shown = np.searchsorted(times, moments, side="right") - 1
    known = ~gaps[shown] & (times[shown] > begin)
    position = np.searchsorted(written, values[shown[known]].astype(float))
    assert known.sum() > len(moments) / 10
    assert (position >= oldest[: len(moments)][known]).all()
