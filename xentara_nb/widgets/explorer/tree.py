"""The model as a tree that is filled as it is opened: the logic, without a widget.

Examples
--------
>>> from uuid import UUID
>>> below = {None: [Child("Plant", UUID(int=1), "element group", True)],
...          UUID(int=1): [Child("Plant.Speed", UUID(int=2), "data point", False)]}
>>> tree = Tree(below.__getitem__)
>>> tree.open(ROOT)
>>> tree.open(1)
>>> [(row.level, row.name, row.state) for row in tree.rows()]
[(1, 'Plant', 'open'), (2, 'Speed', 'leaf')]
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from xentara_nb.client import Client
from xentara_nb.errors import NotFoundError
from xentara_nb.widgets.common import client_info

ROOT = 0
"""The number of the root, which is never shown itself."""

PAGE = 500
"""How many children of one element are shown at first; a row below them shows more."""

LEAF, CLOSED, OPEN, MORE = "leaf", "closed", "open", "more"


class Child(NamedTuple):
    """An element below another."""

    key: str
    element_uuid: UUID
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
    """An element in the tree."""

    number: int
    parent: int
    level: int
    key: str
    name: str
    element_uuid: UUID | None
    category: str
    has_children: bool
    is_open: bool = False
    shown: int = PAGE
    children: list[int] | None = field(default=None)


class Tree:
    """A tree whose nodes are fetched when they are opened.

    Parameters
    ----------
    load : callable
        Returns the children of an element, given its UUID; of the root, given None.
    """

    def __init__(self, load: Callable[[UUID | None], list[Child]]) -> None:
        self._load = load
        self._numbers = itertools.count(ROOT + 1)
        self._lock = threading.Lock()
        self._nodes = {ROOT: Node(ROOT, -1, 0, "", "", None, "root element", True)}

    def node(self, number: int) -> Node:
        """Return a node by its number.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        try:
            return self._nodes[number]
        except KeyError:
            raise NotFoundError("this part of the tree is not there any more") from None

    def open(self, number: int) -> None:
        """Show what is below a node; it is fetched the first time."""
        node = self.node(number)
        with self._lock:
            if node.children is None:
                children = self._load(node.element_uuid)
                node.children = [self._add(node, child) for child in children]
                node.has_children = bool(children)
            node.is_open = node.has_children

    def close(self, number: int) -> None:
        """Hide what is below a node."""
        self.node(number).is_open = False

    def more(self, number: int) -> None:
        """Show more of the children of a node."""
        self.node(number).shown += PAGE

    def rows(self) -> list[Row]:
        """Return the rows that are to be seen."""
        return list(self._rows(self._nodes[ROOT]))

    def path(self, number: int) -> Iterator[int]:
        """Give the numbers of the nodes above a node, the nearest first."""
        node = self.node(number)
        while node.parent >= 0:
            yield node.parent
            node = self.node(node.parent)

    def _add(self, parent: Node, child: Child) -> int:
        number = next(self._numbers)
        prefix = f"{parent.key}."
        name = child.key[len(prefix) :] if child.key.startswith(prefix) else child.key
        self._nodes[number] = Node(
            number,
            parent.number,
            parent.level + 1,
            child.key,
            name,
            child.element_uuid,
            child.category,
            child.has_children,
        )
        return number

    def _rows(self, parent: Node) -> Iterator[Row]:
        if parent.children is None or not (parent.is_open or parent.number == ROOT):
            return
        for number in parent.children[: parent.shown]:
            node = self._nodes[number]
            state = LEAF if not node.has_children else OPEN if node.is_open else CLOSED
            yield Row(number, node.level, node.name, node.category, state)
            yield from self._rows(node)
        hidden = len(parent.children) - parent.shown
        if hidden > 0:
            text = f"{min(hidden, PAGE):,} more of {hidden:,}; or use Find"
            yield Row(parent.number, parent.level + 1, text, "", MORE)


def children_of(client: Client) -> Callable[[UUID | None], list[Child]]:
    """Return a function that fetches the children of an element from a server."""

    def load(element: UUID | None) -> list[Child]:
        frame = client.browse(element, depth=1)
        uuids = frame["element_uuid"].tolist()
        return [
            Child(*each)
            for each in zip(
                frame["primary_key"].tolist(),
                uuids,
                frame["category"].tolist(),
                client_info.have_children(client, uuids),
                strict=True,
            )
        ]

    return load
