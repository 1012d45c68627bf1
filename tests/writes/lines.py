"""Lines of a journal for the tests, programs that append them, and the dtypes of the frames."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence

import pandas as pd

KEY = "Plant.Line 1.Set point"


def line(number: int, event: str = "intent", **more: object) -> str:
    record = {
        "event": event,
        "id": f"plan-{number}",
        "time": "2026-01-02T03:04:05.678901Z",
        "plan": "plan",
        "server": "wss://plant:8080/api/ws",
        "user": "anna",
        "session_user": None,
        "account": "a",
        "computer": "c",
        "process": 1,
        "primary_key": KEY,
        "element_uuid": "88130ce8-b9e7-4a2a-8f26-d32a931129aa",
        "attribute_name": "value",
        "attribute_id": 11,
        "data_type": 10,
        "old_value": 1.5,
        "value": float(number),
    }
    if event == "outcome":
        record = {name: record[name] for name in ("event", "id", "time")} | {"outcome": "VERIFIED"}
    return json.dumps(record | more)


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


def write_by_programs(method: str, programs: Sequence[Sequence[str]]) -> None:
    """Let several programs append lines to the journal at the same time."""
    program = (
        "import sys; from xentara_nb.writes.journal import Journal\n"
        "sys.stdin.readline()\n"
        f"for line in sys.stdin: Journal().{method}([line.rstrip()])"
    )
    command = [sys.executable, "-c", program]
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, text=True))
            for _ in programs
        ]
        for each, lines in zip(running, programs, strict=True):
            assert each.stdin is not None
            each.stdin.write("\n" + "".join(f"{text}\n" for text in lines))
            each.stdin.close()
        assert [each.wait(60) for each in running] == [0] * len(running)
