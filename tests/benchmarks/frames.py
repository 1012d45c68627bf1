"""What is done to an inventory all the time, against the least that pandas takes for it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from tests.benchmarks.measuring import plain, timed
from tests.benchmarks.model import ATTRIBUTES, Model
from tests.benchmarks.table import Figure, Sizes
from xentara_nb.protocol.uuid_column import UuidColumn
from xentara_nb.tables.frames import inventory_frame_of


def received(count: int) -> pd.DataFrame:
    """Return an inventory as it comes from a server, its UUIDs not made into objects."""
    model = Model(count)
    return inventory_frame_of(
        [entry.primary_key for entry in model.entries],
        UuidColumn.of([entry.element_uuid for entry in model.entries]),
        [int(entry.category) for entry in model.entries],
        [model.lists[entry.element_uuid] for entry in model.entries],
    )


def frames(sizes: Sizes) -> Iterator[Figure]:
    """Measure filters of an inventory, and its elements."""
    frame = received(sizes.many)
    uuid = frame["element_uuid"].iloc[len(frame) // 2]
    numbers = pd.Series(np.arange(len(frame)) // ATTRIBUTES)
    work = {
        "pandas": plain(lambda: numbers == 11),
        "grouped": plain(lambda: frame.groupby("primary_key", sort=False).size()),
        "frame.xentara.elements()": plain(lambda: frame.xentara.elements()),
        "inventory.attribute_id == 11": plain(lambda: frame["attribute_id"] == 11),
        "inventory.element_uuid == uuid": plain(lambda: frame["element_uuid"] == uuid),
    }
    times = timed(work, sizes.rounds, time.process_time)
    for name, baseline, goal in (
        ("frame.xentara.elements()", "grouped", 100),
        ("inventory.attribute_id == 11", "pandas", 5),
        ("inventory.element_uuid == uuid", "pandas", 5),
    ):
        what = {"grouped": "pandas groups the keys in", "pandas": "pandas compares integers in"}
        yield Figure(
            f"{name} of {len(frame):,} rows",
            "processor time",
            times[name] * 1000,
            goal,
            most=True,
            unit=" ms",
            note=f"{what[baseline]} {times[baseline] * 1000:.1f} ms",
        )
