"""What recordings cost: writing at the pace of a plant, and reading a little of much."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd

from tests.benchmarks.table import Figure, Sizes
from xentara_nb import open_recording
from xentara_nb.protocol.identifiers import DataType
from xentara_nb.queries.reading import ResolvedAttribute
from xentara_nb.recordings.folder import HOUR, day_folder, hour_name
from xentara_nb.recordings.recorder import FLUSH_EVERY
from xentara_nb.recordings.writer import RecordingWriter, Rows

A_SECOND = 2  # changes of each attribute
START = 1_790_000_000 // 86400 * 24  # hours since 1970


def recording(sizes: Sizes) -> Iterator[Figure]:
    """Record an hour as it comes, and read one attribute's hour out of a day of such hours."""
    attributes = [
        ResolvedAttribute(
            *(f"Plant.Area {number % 10}.Unit {number // 10:03d}.Flow", UUID(int=number + 1)),
            *("value", 11, int(DataType.FLOAT_64)),
        )
        for number in range(sizes.recorded)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "recording"
        with RecordingWriter(folder, attributes) as writer:
            flushes = [
                _flush(writer, rows) for rows in _hour(len(attributes), sizes.recorded_minutes)
            ]
        busy = sum(flushes) / (len(flushes) * FLUSH_EVERY)
        a_row = writer.bytes / writer.rows
        yield Figure(
            f"recording {sizes.recorded:,} attributes at {A_SECOND} a second",
            "one core",
            100 * busy,
            None,
            unit=" %",
            note=f"{writer.rows / sum(flushes):,.0f} rows/s, longest flush {max(flushes):.2f} s; "
            f"{a_row:.1f} bytes a row, {a_row * sizes.recorded * A_SECOND * 86400 / 1e6:,.0f} MB "
            f"a day",
        )
        _day_of(folder)
        key = attributes[len(attributes) // 2].primary_key
        begin = pd.Timestamp(START * HOUR, tz="UTC")
        end = begin + pd.Timedelta("1h")
        ours = _shortest(
            lambda: open_recording(folder, start=begin, end=end, rows=[key]).frame(), sizes.rounds
        )
        filters = [
            ("day", "=", f"{begin:%Y-%m-%d}"),
            *(("time", ">=", begin), ("time", "<", end), ("primary_key", "=", key)),
        ]
        others = _shortest(
            lambda: pd.read_parquet(folder, columns=["time", "value"], filters=filters),
            sizes.rounds,
        )
        yield Figure(
            "one attribute's hour, out of a day",
            "pandas.read_parquet with filters",
            ours,
            0.2,
            most=True,
            unit=" s",
            note=f"pandas {others:.2f} s",
        )


def _hour(count: int, minutes: int) -> Iterator[Rows]:
    """Give what comes between two flushes: levels with noise, as single precision has them."""
    random = np.random.default_rng(1)
    levels = random.normal(50, 20, count)
    steps = round(FLUSH_EVERY * A_SECOND)
    places = np.tile(np.arange(count), steps)
    good, nothing = (np.full(len(places), each, dtype=object) for each in ("good", None))
    for flush in range(round(minutes * 60 / FLUSH_EVERY)):
        ticks = START * HOUR + (flush * steps + np.arange(steps)) * (10**9 // A_SECOND)
        times = np.repeat(ticks, count) + np.tile(random.integers(0, 2_000_000, count), steps)
        noise = random.normal(0, 0.5, len(places))
        values = np.float32(np.tile(levels, steps) + noise).astype(np.float64)
        missing = np.zeros(len(places), dtype=bool)
        yield Rows(places, times, values, missing, nothing, good, nothing, int(ticks[-1]))


def _flush(writer: RecordingWriter, rows: Rows) -> float:
    start = time.perf_counter()
    writer.append(rows)
    writer.flush()
    return time.perf_counter() - start


def _day_of(folder: Path) -> None:
    """Give the files of the first hour 23 more names, as the other hours of the day have them."""
    first = hour_name(START)
    for path in list(day_folder(folder, START).iterdir()):
        for hour in range(START + 1, START + 24):
            os.link(path, path.with_name(path.name.replace(first, hour_name(hour))))


def _shortest(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds + 1):  # the first time may read from the disk
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times[1:] or times)
