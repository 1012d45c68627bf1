"""The model as a tree that is filled as it is opened: the logic, without a widget."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from xentara_nb.client import Client
from xentara_nb.errors import NotFoundError

ROOT = 0  # the number of the root, which is never shown itself
PAGE = 500  # children of one element that are shown at first; a row below them shows more
LEAF, CLOSED, OPEN, MORE = "leaf", "closed", "open", "more"


class Child(NamedTuple):
    """An element below another; the root has no UUID."""

    primary_key: str
    element_uuid: UUID | None
    category: str
    has_children: bool


class Row(NamedTuple):
    """A row of the tree as it is seen."""

    number: int
    level: int
    name: str
    category: str
    state: str


@dataclass(slots=True)
class Node:
    """An element in the tree, and how it is shown."""

    number: int
    level: int
    name: str
    element: Child
    is_open: bool = False
    shown: int = PAGE
    children: list[int] | None = None  # None before they are fetched


class Tree:
    """A tree whose nodes are fetched when they are opened.

    ``load`` returns the children of an element, given its UUID; of the root, given None.
    """

    def __init__(self, load: Callable[[UUID | None], list[Child]]) -> None:
        self._load = load
        self._numbers = itertools.count(ROOT + 1)
        self._lock = threading.Lock()
        self._nodes = {ROOT: Node(ROOT, 0, "", Child("", None, "", True))}

    def node(self, number: int) -> Node:
        """Return a node by its number; raises NotFoundError if there is none."""
        try:
            return self._nodes[number]
        except KeyError:
            raise NotFoundError("this part of the tree is not there any more") from None

    def open(self, number: int) -> None:
        """Show what is below a node; it is fetched the first time."""
        node = self.node(number)
        with self._lock:
            if node.children is None:
                children = self._load(node.element.element_uuid)
                node.children = [self._add(node, child) for child in children]
            node.is_open = True

    def close(self, number: int) -> None:
        """Hide what is below a node."""
        self.node(number).is_open = False

    def more(self, number: int) -> None:
        """Show more of the children of a node."""
        self.node(number).shown += PAGE

    def rows(self) -> list[Row]:
        """Return the rows that are to be seen."""
        return list(self._rows(self._nodes[ROOT]))

    def _add(self, parent: Node, child: Child) -> int:
        number = next(self._numbers)
        name = child.primary_key.removeprefix(f"{parent.element.primary_key}.")
        self._nodes[number] = Node(number, parent.level + 1, name, child)
        return number

    def _rows(self, parent: Node) -> Iterator[Row]:
        if parent.children is None or not parent.is_open:
            return
        for number in parent.children[: parent.shown]:
            node = self._nodes[number]
            expands = node.element.has_children if node.children is None else node.children
            state = (OPEN if node.is_open else CLOSED) if expands else LEAF
            yield Row(number, node.level, node.name, node.element.category, state)
            yield from self._rows(node)
        hidden = len(parent.children) - parent.shown
        if hidden > 0:
            text = f"{min(hidden, PAGE):,} more of {hidden:,}; or use Find"
            yield Row(parent.number, parent.level + 1, text, "", MORE)


def children_of(client: Client, element: UUID | None) -> list[Child]:
    """Fetch the children of an element from a server; of the root, given None."""
    frame = client.browse(element, depth=1)
    frame["has_children"] = client.has_children(frame["element_uuid"])
    return [Child(*each) for each in frame[list(Child._fields)].itertuples(index=False)]
