"""What a long run of a client needs: work in threads, what it costs, and the truth about values."""

from __future__ import annotations

import gc
import os
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from xentara_nb.simulator import Simulator

PATIENCE = 60
STALE = 500_000_000
"""Nanoseconds within which the server must have told of a change."""

_PROCESS = Path("/proc/self")


@contextmanager
def in_background(*work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run functions in threads until the block ends; what one of them raises is raised then."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(work)) as pool:
        running = [pool.submit(each, stop) for each in work]
        try:
            yield
        finally:
            stop.set()
        for each in running:
            each.result(PATIENCE)


class Cost(NamedTuple):
    """What a process takes at a moment."""

    threads: int
    sockets: int
    resident: int  # bytes, where the system can tell

    @classmethod
    def now(cls) -> Cost:
        """Return what this process takes now."""
        gc.collect()
        resident = 0
        if _PROCESS.exists():
            pages = int((_PROCESS / "statm").read_text().split()[1])
            resident = pages * os.sysconf("SC_PAGE_SIZE")
        return cls(threading.active_count(), open_sockets(), resident)


def of_clients(snapshot: tracemalloc.Snapshot) -> int:
    """Return how many bytes clients have allocated, without the simulator and its log.

    That takes seconds of Python: for when nothing else runs that must be served in time.
    """
    filters = [
        tracemalloc.Filter(True, "*/xentara_nb/*", all_frames=True),
        tracemalloc.Filter(False, "*/xentara_nb/simulator/*", all_frames=True),
    ]
    return sum(each.size for each in snapshot.filter_traces(filters).statistics("filename"))


def open_sockets() -> int:
    """Return how many sockets this process has open, where the system can tell."""
    count = 0
    for each in (_PROCESS / "fd").iterdir() if _PROCESS.exists() else ():
        try:
            count += os.readlink(each).startswith("socket:")
        except FileNotFoundError:  # that of iterdir, or closed meanwhile
            continue
    return count


class Truth:
    """What an element's value was at each time: from a simulator's log of writes that only grow."""

    def __init__(self, plant: Simulator) -> None:
        writes = plant.writes
        assert (writes["code"] == 0).all()
        self.values = writes["value"].astype(float).to_numpy()
        self.times = writes["time"].astype("int64").to_numpy()
        assert (np.diff(self.values) > 0).all()

    def at(self, time: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the numbers of the writes that had arrived at some times, -1 for none."""
        return np.searchsorted(self.times, time, side="right") - 1

    def check_reads(self, reads: list[tuple[int, float, int]]) -> None:
        """Each value that was read was there between the beginning and the end of the reading."""
        begin, value, end = (np.array(each) for each in zip(*reads, strict=True))
        number = np.searchsorted(self.values, value)
        known = self.at(begin) > 0
        assert known.sum() > len(reads) / 2
        assert np.isin(value[known], self.values).all()
        # The last write that has arrived may not be carried out yet.
        assert (number >= self.at(begin) - 1)[known].all()
        assert (number <= self.at(end))[known].all()

    def check_changes(self, changes: pd.DataFrame, begin: int) -> None:
        """Each value of some changes of the element is true, and no change is lost but in gaps."""
        times = changes["time"].astype("int64").to_numpy()
        gaps = changes["error"].notna().to_numpy()
        values = changes["value"].to_numpy(dtype=float)
        assert gaps.any()
        assert np.isnan(values[gaps]).all()
        assert (np.diff(times) > 0).all()

        # Each value is the one that the plant had at that time.
        true = ~gaps & (times > begin)
        rows = self.at(times[true])
        at_that_time = self.values[np.maximum(rows, 0)]
        before = self.values[np.maximum(rows - 1, 0)]  # has arrived, was not carried out yet
        assert ((values[true] == at_that_time) | (values[true] == before) | (rows < 0)).all()

        # No value is shown for longer than it held there: then there is a gap.
        inside = (self.times >= times[0]) & (self.times + STALE < times[-1])
        moments, oldest = (self.times + STALE)[inside], np.flatnonzero(inside)
        shown = np.searchsorted(times, moments, side="right") - 1
        known = ~gaps[shown] & (times[shown] > begin)
        number = np.searchsorted(self.values, values[shown[known]])
        assert known.sum() > len(moments) / 10
        wrong = number < oldest[known]
        late = moments[known][wrong] - self.times[number[wrong] + 1]
        assert not wrong.any(), f"{wrong.sum()} changes were told of {late / 1e9} s late"

        # And what is not there at all was written in a gap: up to the next value it lasts.
        lost = inside & ~np.isin(self.values, values[~gaps])
        ends = np.searchsorted(times[~gaps], times[gaps], side="right")
        told = np.zeros(len(lost), dtype=bool)
        for start, end in zip(times[gaps], np.append(times[~gaps], times[-1])[ends], strict=True):
            told |= (self.times > start - STALE) & (self.times < end + STALE)
        assert told[lost].all()
