"""How several processes share the tests: by files, the long ones first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdist.scheduler import LoadFileScheduling

# Whose files are for one process: they have one browser, or begin with the same long imports.
TOGETHER = ("tests/browser/", "tests/test_notebook")
# Of which each takes ten seconds or more, the longest first: begun late, one of them would be all
# that is left, and one process would wait for the other.
LONG = (
    *TOGETHER,
    "tests/writes/test_cut.py",
    "tests/cli/test_simulating.py",
    "tests/fleet/test_dask_frames.py",
    "tests/benchmarks/test_benchmarks.py",
    "tests/test_magics.py",
    "tests/protocol/test_cost.py",
    "tests/widgets/write/test_form.py",
    "tests/test_docstrings.py",
    "tests/tables/test_files.py",
    "tests/connection/test_reconnecting.py",
    "tests/client/test_interrupts.py",
    "tests/live/test_watch.py",
)


def turn(name: str) -> int:
    """Return when a test is begun, by its name: the least first."""
    return next((at for at, long in enumerate(LONG) if name.startswith(long)), len(LONG))


class InGroups(LoadFileScheduling):
    """Give each file to one process, and files that belong together to the same."""

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        # What stands before the first "::" is what is kept together.
        names = list(collection)
        for group in TOGETHER:
            names = [
                group + "::" + name.removeprefix(group) if name.startswith(group) else name
                for name in names
            ]
        super().add_node_collection(node, names)
