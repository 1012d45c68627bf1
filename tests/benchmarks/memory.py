"""How much memory an inventory takes, in a process of its own.

``python -m tests.benchmarks.memory PORT CA_FILE MEASURE`` prints bytes: with ``traced`` the most
that was allocated above the start, what is left of it, and the size of the frame's columns; with
``resident`` by how much the process has grown at most.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import tracemalloc
from pathlib import Path

from .measuring import Server


def main(port: str, ca_file: str, measure: str) -> None:
    server = Server(int(port), Path(ca_file), Path())
    with server.connect() as client:
        client.meta_data(client.lookup("Plant.Line 0000.Point 00"))  # loads what is loaded late
        gc.collect()
        if measure == "resident":
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            client.inventory(progress=False)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            print(json.dumps([grown * 1024]))
        else:
            tracemalloc.start()
            frame = client.inventory(progress=False)
            left, peak = tracemalloc.get_traced_memory()
            columns = int(frame.memory_usage(index=False).sum())
            print(json.dumps([peak, left, columns]))


if __name__ == "__main__":
    main(*sys.argv[1:])
