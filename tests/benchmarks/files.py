"""Inventories in files, against plain pandas; also where pyarrow is not installed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from tests.benchmarks.measuring import ROOT, plain, timed
from tests.benchmarks.model import ATTRIBUTES, inventory_frame
from tests.benchmarks.table import Figure, Sizes
from xentara_nb.tables.files import read_inventory, write_table


def files(sizes: Sizes) -> Iterator[Figure]:
    """Compare files of inventories with plain pandas."""
    frame = inventory_frame(max(1, sizes.rows // ATTRIBUTES))
    rows, rounds = f"{len(frame):,} rows", min(3, sizes.rounds)
    with tempfile.TemporaryDirectory() as name:
        csv, parquet, other = (Path(name, each) for each in ("a.csv", "a.parquet", "b.parquet"))
        write_table(frame, csv)
        times = timed(
            {
                "read_csv": plain(lambda: pd.read_csv(csv)),
                "CSV": plain(lambda: read_inventory(csv)),
                "to_parquet": plain(lambda: frame.to_parquet(other)),
                "write": plain(lambda: write_table(frame, parquet)),
                "read_parquet": plain(lambda: pd.read_parquet(other)),
                "read": plain(lambda: read_inventory(parquet)),
            },
            rounds,
            time.process_time,
        )
        code = (
            "import sys; sys.modules['pyarrow'] = None; "
            "from tests.benchmarks.files import without_pyarrow; "
            f"without_pyarrow({str(csv)!r}, {rounds})"
        )
        command = [sys.executable, "-c", code]
        output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        theirs, ours = json.loads(output.stdout)
    yield Figure(
        f"read_inventory of a CSV of {rows}",
        "pandas.read_csv",
        times["CSV"] / times["read_csv"],
        3,
        most=True,
        note=f"{times['CSV']:.2f} s",
    )
    yield Figure(
        f"the same without pyarrow, {rows}",
        "pandas.read_csv, without pyarrow",
        ours / theirs,
        6,
        most=True,
        note=f"{ours:.2f} s",
    )
    for what, baseline in (("write", "to_parquet"), ("read", "read_parquet")):
        yield Figure(
            f"Parquet, {what} {rows}",
            f"plain pandas, {baseline}",
            times[what] / times[baseline],
            1.5,
            most=True,
            note=f"{times[what]:.2f} s",
        )


def without_pyarrow(path: str, rounds: int) -> None:
    """Print how long pandas and the library take for a CSV file."""
    times = timed(
        {"pandas": plain(lambda: pd.read_csv(path)), "ours": plain(lambda: read_inventory(path))},
        rounds,
        time.process_time,
    )
    print(json.dumps([times["pandas"], times["ours"]]))
