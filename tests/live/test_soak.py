"""A watch, a recording and reads for a long time, over a connection that is broken at random.

``XENTARA_NB_SOAK_SECONDS`` is how long the long one takes, ``XENTARA_NB_SOAK_SEED`` makes it break
the connection in the same way again.
"""

from __future__ import annotations

import os
import random
import threading
import time
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest

import xentara_nb
from tests.support.clients import eventually
from tests.support.proxy import DOWN, UP, Proxy
from tests.support.soak import PATIENCE, Cost, Truth, in_background, of_clients, open_sockets
from xentara_nb import Client
from xentara_nb.connection import probing
from xentara_nb.errors import XentaraError
from xentara_nb.live import subscribing
from xentara_nb.recordings.recorder import Recorder
from xentara_nb.simulator import Simulator

SET_POINT, RUN = "Plant.Line 1.Set point", "Plant.Line 1.Run"
SECONDS = float(os.environ.get("XENTARA_NB_SOAK_SECONDS", "60"))


class Load:
    """What goes on at the same time, each in a thread until it is to stop."""

    def __init__(self, near: Client, far: Client, proxy: Proxy, folder: Path, seed: int) -> None:
        self.near, self.far, self.proxy, self.folder = near, far, proxy, folder
        self.seed = seed
        self.reads: list[tuple[int, float, int]] = []
        self.failed_reads = self.broken = 0
        self.begun = threading.Event()

    def write(self, stop: threading.Event) -> None:
        """Let a value grow, so that each one is written once."""
        chance = random.Random(self.seed)
        value = 0.0
        while not stop.wait(0.02):
            value += 0.0625 if chance.random() < 0.5 else 0.1  # halves, singles and doubles
            self.near.write(SET_POINT, value, verify=False)

    def read(self, stop: threading.Event) -> None:
        """Read it."""
        while not stop.wait(0.05):
            begin = time.time_ns()
            try:
                value = self.far.read(SET_POINT, "value")["value"].iloc[0]
            except XentaraError:
                self.failed_reads += 1
            else:
                self.reads.append((begin, float(value), time.time_ns()))

    def disturb(self, stop: threading.Event) -> None:
        """Break the connection: now, after some bytes more, or so that no one is told."""
        chance = random.Random(-self.seed)
        ways = (
            self.proxy.cut,
            self.proxy.freeze,
            lambda: self.proxy.freeze(UP),
            lambda: self.proxy.freeze(DOWN),
            lambda: self.proxy.arm(UP, chance.randrange(200)),
            lambda: self.proxy.arm(DOWN, chance.randrange(2000)),
        )
        while not stop.wait(chance.uniform(0.3, 3.0)):
            chance.choice(ways)()
            self.broken += 1
        self.proxy.disarm()

    def record(self, stop: threading.Event) -> None:
        """Record it."""

        def report(recorder: Recorder) -> None:
            if recorder.writer.rows:
                self.begun.set()
            if stop.is_set():
                recorder.stop()

        self.far.record([SET_POINT, RUN], self.folder, flush_every=0.5, progress=report)


def of_set_point(changes: pd.DataFrame) -> pd.DataFrame:
    return changes[changes["primary_key"] == SET_POINT].reset_index(drop=True)


@pytest.mark.parametrize(
    ("seconds", "seed"),
    [
        (4, 4),
        pytest.param(
            SECONDS,
            int(os.environ.get("XENTARA_NB_SOAK_SEED") or random.randrange(1 << 32)),
            marks=pytest.mark.slow,
            id="long",
        ),
    ],
)
@pytest.mark.timeout(SECONDS + 180)
def test_nothing_is_lost_untold_or_untrue_and_nothing_grows(
    plant: Simulator,
    journal: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    seed: int,
) -> None:
    monkeypatch.setattr(subscribing, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(probing, "QUIET_TIME", 0.2)
    print(f"XENTARA_NB_SOAK_SECONDS={seconds:g} XENTARA_NB_SOAK_SEED={seed}")
    with (
        Proxy(plant.port) as proxy,
        plant.connect(journal=False) as near,
        xentara_nb.connect(
            proxy.url, user="engineer", password="engineer-demo", timeout=2.0, journal=False
        ) as far,
        far.watch([SET_POINT, RUN], keep=1000) as watch,
    ):
        load = Load(near, far, proxy, tmp_path / "recording", seed)
        watch.until(lambda latest: latest["value"].notna().all(), timeout=PATIENCE)
        first = Cost.now()
        costs, snapshots = [], []
        with in_background(load.record):
            assert load.begun.wait(PATIENCE)
            begin = time.time_ns()
            if seconds > 10:
                tracemalloc.start(6)
            try:
                with in_background(load.write, load.read, load.disturb):
                    for _ in range(2):
                        assert not threading.Event().wait(seconds / 2)
                        costs.append(Cost.now())
                        if tracemalloc.is_tracing():
                            snapshots.append(tracemalloc.take_snapshot())
            finally:
                tracemalloc.stop()
            last = plant.writes["value"].iloc[-1]
            watch.until(lambda latest: last in latest["value"].tolist(), timeout=PATIENCE)
        # A connection that was given up may end at this moment.
        eventually(lambda: threading.active_count() <= first.threads, PATIENCE)
        eventually(lambda: open_sockets() <= first.sockets, PATIENCE)
        changes, dropped = watch.changes(), watch.dropped
    recorded = xentara_nb.open_recording(tmp_path / "recording").changes()
    print(
        f"{load.broken} times broken, {len(load.reads)} reads and {load.failed_reads} that failed, "
        f"{len(plant.writes)} writes, {len(recorded)} rows recorded, "
        f"{recorded['error'].notna().sum()} of them gaps, {dropped} changes dropped by the watch",
        *(first, *costs),
        sep="\n",
    )
    if snapshots:
        allocated = [of_clients(each) for each in snapshots]
        print(f"the clients have allocated {allocated} bytes")
        assert allocated[1] - allocated[0] < 500_000
    half, end = costs
    assert end.resident - half.resident < 30_000_000 + 100_000 * seconds  # the simulator's log

    truth = Truth(plant)
    truth.check_reads(load.reads)
    truth.check_changes(of_set_point(changes), begin)
    truth.check_changes(of_set_point(recorded), begin)
    # What the watch still has is what was recorded, gaps included.
    columns = ["time", "value", "error"]
    both, of_watch = of_set_point(recorded)[columns], of_set_point(changes)[columns]
    since = max(both["time"].iloc[0], of_watch["time"].iloc[0])
    until = min(both["time"].iloc[-1], of_watch["time"].iloc[-1])
    pd.testing.assert_frame_equal(
        *(
            each[each["time"].between(since, until, inclusive="right")].reset_index(drop=True)
            for each in (both, of_watch)
        )
    )
