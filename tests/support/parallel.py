"""How several processes share the tests: by files, and one of them has the browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdist.scheduler import LoadFileScheduling

BROWSER = "tests/browser/"
# The others of which one takes ten seconds or more, the longest first: begun late, it would be all
# that is left, and one process would wait for the other.
LONG = (
    "tests/test_notebooks.py",
    "tests/writes/test_cut.py",
    "tests/cli/test_simulating.py",
    "tests/benchmarks/test_benchmarks.py",
    "tests/tables/test_files.py",
    "tests/client/test_interrupts.py",
    "tests/live/test_watch.py",
)


def turn(name: str) -> int:
    """Return when a test's file is begun, by the test's name: the least at first."""
    if name.startswith(BROWSER):
        return 0
    file = name.partition("::")[0]
    return 1 + (LONG.index(file) if file in LONG else len(LONG))


class OneBrowser(LoadFileScheduling):
    """Give all files of the browser tests to one process, which has the only browser."""

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        # What stands before the first "::" is what is kept together.
        names = [name.replace(BROWSER, "tests/browser::", 1) for name in collection]
        super().add_node_collection(node, names)
