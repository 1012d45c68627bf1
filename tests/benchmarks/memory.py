"""How much memory an inventory takes, in a process of its own.

``python -m tests.benchmarks.memory PORT CA_FILE MEASURE`` prints bytes: with ``traced`` the most
that was allocated above the start, what is left of it, and the size of the frame's columns; with
``resident`` by how much the process has grown at most.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import tracemalloc
from pathlib import Path

from tests.benchmarks.measuring import Server


def resident(which: str) -> int:
    """Return the process's resident set, present or at its most, in bytes; Linux only."""
    # Not getrusage, whose maximum begins with that of the process which started this one.
    (line,) = re.findall(rf"^{which}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    return int(line) * 1024


def main(port: str, ca_file: str, measure: str) -> None:
    server = Server(int(port), Path(ca_file), Path())
    with server.connect() as client:
        client.meta_data(client.lookup("Plant.Line 0000.Point 00"))  # loads what is loaded late
        gc.collect()
        if measure == "resident":
            before = resident("VmRSS")
            client.inventory(progress=False)
            print(json.dumps([resident("VmHWM") - before]))
        else:
            tracemalloc.start()
            frame = client.inventory(progress=False)
            left, peak = tracemalloc.get_traced_memory()
            columns = int(frame.memory_usage(index=False).sum())
            print(json.dumps([peak, left, columns]))


if __name__ == "__main__":
    main(*sys.argv[1:])
