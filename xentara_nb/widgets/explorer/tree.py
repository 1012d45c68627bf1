"""The model as a tree that is filled as it is opened: the logic, without a widget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple
from uuid import UUID

from xentara_nb.client import Client
from xentara_nb.locking import Lock

ROOT = ""  # stands for the root, which is never shown itself; any other element is its UUID
PAGE = 500  # children of one element that are shown at first; a row below them shows more
MAX_LEVELS = 100  # that are opened to reveal an element
LEAF, CLOSED, OPEN, MORE = "leaf", "closed", "open", "more"


class Child(NamedTuple):
    """An element below another."""

    primary_key: str
    element_uuid: UUID
    category: str

    def leads_to(self, key: str, element: str) -> bool:
        """Return whether it is an element, given its key and UUID, or above that."""
        return str(self.element_uuid) == element or key.startswith(f"{self.primary_key}.")


class Row(NamedTuple):
    """A row of the tree as it is seen; one that shows more has the element above it."""

    element: str
    level: int
    name: str
    category: str
    state: str


class Tree:
    """A tree whose elements are fetched when the one above them is opened.

    ``load`` returns the children of an element, given its UUID; of the root, given None.
    ``has_children`` says of elements whether there is something below them; it is asked for those
    that are shown only.
    """

    def __init__(
        self,
        load: Callable[[UUID | None], list[Child]],
        has_children: Callable[[list[UUID]], list[bool]],
    ) -> None:
        self._load, self._has_children = load, has_children
        self._lock = Lock()
        self._children: dict[str, list[Child]] = {}  # of elements that were opened
        self._expands: dict[UUID, bool] = {}  # whether there is something below it, where known
        self._open: set[str] = set()
        self._shown: dict[str, int] = {}  # how many children, where it is more than a page

    def open(self, element: str) -> None:
        """Show what is below an element; it is fetched the first time."""
        with self._lock:
            if element not in self._children:
                self._children[element] = self._load(None if element == ROOT else UUID(element))
            self._look_below(element)
            self._open.add(element)

    def close(self, element: str) -> None:
        """Hide what is below an element."""
        self._open.discard(element)

    def more(self, element: str, pages: int = 1) -> None:
        """Show more of the children of an element."""
        with self._lock:
            self._shown[element] = self._shown.get(element, PAGE) + pages * PAGE
            self._look_below(element)

    def _look_below(self, element: str) -> None:
        """Find out which of the children that are shown have children themselves."""
        shown = self._children[element][: self._shown.get(element, PAGE)]
        unknown = [each.element_uuid for each in shown if each.element_uuid not in self._expands]
        if unknown:
            self._expands.update(zip(unknown, self._has_children(unknown), strict=True))

    def reveal(self, key: str, element: str) -> bool:
        """Open all that is above an element; return whether it is among the rows now."""
        above = ROOT
        for _ in range(MAX_LEVELS):
            self.open(above)
            children = self._children[above]
            at = next((at for at, child in enumerate(children) if child.leads_to(key, element)), -1)
            if at < 0:
                return False
            hidden = at + 1 - self._shown.get(above, PAGE)
            if hidden > 0:
                self.more(above, math.ceil(hidden / PAGE))
            above = str(children[at].element_uuid)
            if above == element:
                return True
        return False

    def rows(self) -> list[Row]:
        """Return the rows that are to be seen."""
        return list(self._rows(ROOT, "", 1))

    def _rows(self, element: str, key: str, level: int) -> Iterator[Row]:
        if element not in self._open:
            return
        children, shown = self._children[element], self._shown.get(element, PAGE)
        for child in children[:shown]:
            uuid = str(child.element_uuid)
            expands = self._children.get(uuid, self._expands.get(child.element_uuid))
            state = (OPEN if uuid in self._open else CLOSED) if expands else LEAF
            name = child.primary_key.removeprefix(f"{key}.")
            yield Row(uuid, level, name, child.category, state)
            yield from self._rows(uuid, child.primary_key, level + 1)
        hidden = len(children) - shown
        if hidden > 0:
            text = f"{min(hidden, PAGE):,} more of {hidden:,}; or use Find"
            yield Row(element, level, text, "", MORE)


def children_of(client: Client, element: UUID | None) -> list[Child]:
    """Fetch the children of an element from a server; of the root, given None."""
    frame = client.browse(element, depth=1)
    columns = (frame[name].tolist() for name in Child._fields)
    return list(map(Child._make, zip(*columns, strict=True)))
