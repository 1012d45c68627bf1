"""A large journal, against JSON alone; each measured in a process of its own.

``python -m tests.benchmarks.journals PATH MEASURE ROUNDS`` prints seconds (of processor time), or
by how many bytes the process has grown at most.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measuring import ROOT, plain, timed
from tests.benchmarks.memory import resident
from tests.benchmarks.table import Figure, Sizes
from xentara_nb import read_journal
from xentara_nb.writes.journal_reading import last_writes

SERVER = "wss://server.example.com:8080/api/ws"


def journal(sizes: Sizes) -> Iterator[Figure]:
    """Compare reading a journal with json.loads of each line."""
    lines = f"{sizes.lines:,} lines"
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "journal.jsonl")
        _write(path, sizes.lines // 2)

        def run(measure: str) -> float:
            module = "tests.benchmarks.journals"
            command = [sys.executable, "-m", module, str(path), measure, str(min(3, sizes.rounds))]
            output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
            return float(output.stdout)

        loads, read, last = run("loads"), run("read"), run("last")
        grown = run("memory") if sys.platform == "linux" else math.nan
    yield Figure(
        f"read_journal of {lines}",
        "json.loads of each line",
        read / loads,
        1.5,
        most=True,
        note=f"{read:.2f} s",
    )
    yield Figure(
        f"read_journal of {lines}", "resident set", grown / 1e9, 0.5, most=True, unit=" GB"
    )
    yield Figure(
        f"the last writes of a journal of {lines}",
        "processor time",
        last * 1000,
        5,
        most=True,
        unit=" ms",
    )


def _write(path: Path, count: int) -> None:
    """Write a journal of so many writes, as they are written, over the months of a year."""
    origin = (
        f'"server": "{SERVER}", "user": "engineer", "session_user": null, "account": "anna", '
        f'"computer": "pc-engineering-3", "process": {os.getpid()}'
    )
    with path.open("w") as file:
        for number in range(count):
            moment = f"2025-{1 + number * 12 // count:02}-{1 + number % 28:02}T12:{number % 60:02}"
            moment += f":00.{number % 1_000_000:06}Z"
            file.write(
                f'{{"event": "intent", "time": "{moment}", "plan": "{number:032x}", {origin}, '
                f'"id": "{number:032x}-1", "primary_key": "Plant.Line {number % 1000}.Set point", '
                f'"element_uuid": "{uuid.UUID(int=number % 1000)}", "attribute_name": "value", '
                f'"attribute_id": 11, "data_type": 10, "old_value": {number * 1.1}, '
                f'"value": {number * 1.2}}}\n'
                f'{{"event": "outcome", "time": "{moment}", "id": "{number:032x}-1", '
                f'"outcome": "VERIFIED", "read_back": {number * 1.2}}}\n'
            )
    path.chmod(0o600)


def _main(path: str, measure: str, rounds: str) -> None:
    read_journal(False)  # loads what is loaded late
    if measure == "memory":
        before = resident("VmRSS")
        read_journal(path)
        print(resident("VmHWM") - before)
        return

    def loads() -> None:
        with Path(path).open("rb") as file:
            for line in file:
                json.loads(line)

    works = {
        "loads": loads,
        "read": lambda: read_journal(path),
        "last": lambda: last_writes(path, SERVER, 20),
    }
    print(timed({measure: plain(works[measure])}, int(rounds), time.process_time)[measure])


if __name__ == "__main__":
    _main(*sys.argv[1:])
