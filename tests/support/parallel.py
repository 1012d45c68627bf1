"""How several processes share the tests: by files, and one of them has the browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdist.scheduler import LoadFileScheduling

BROWSER = "tests/browser/"


class OneBrowser(LoadFileScheduling):
    """Give all files of the browser tests to one process, which has the only browser."""

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        # What stands before the first "::" is what is kept together.
        names = [name.replace(BROWSER, "tests/browser::", 1) for name in collection]
        super().add_node_collection(node, names)
