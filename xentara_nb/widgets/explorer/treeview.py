"""The tree on the page: drawn by anywidget where it is installed, as a list where it is not."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any
from uuid import UUID

import ipywidgets

from xentara_nb.tables.rendering import plain
from xentara_nb.widgets.common.style import button, row
from xentara_nb.widgets.common.tasks import TaskRunner
from xentara_nb.widgets.explorer.tree import CLOSED, MORE, OPEN, ROOT, Row, Tree

_MARKS = {OPEN: "▾ ", CLOSED: "▸ ", MORE: "… "}
_TOGGLES = {OPEN: "close", CLOSED: "open", MORE: "more"}
_SPACE = "\N{NO-BREAK SPACE}" * 3


class TreeView:
    """Shows a :class:`Tree`, opens its nodes, and calls ``select`` with the UUID of one."""

    def __init__(self, tasks: TaskRunner, tree: Tree, select: Callable[[UUID], object]) -> None:
        self.tree = tree
        self._tasks, self._select = tasks, select
        self.widget: Any
        if find_spec("anywidget") is None:
            self.widget = ListTree(tasks.guard(self.act))
        else:
            from xentara_nb.widgets.explorer.drawn_tree import DrawnTree

            self.widget = DrawnTree(tasks.guard(self.act))

    def act(self, what: str, element: str) -> None:
        """Do what the user asks for: ``open``, ``close``, ``more`` or ``select``."""
        if what == "select":
            self._select(UUID(element))
        elif what == "open":
            self._tasks.run(f"open {element}", lambda: self._change(self.tree.open, element))
        elif what == "close":
            self._change(self.tree.close, element)
        elif what == "more":
            self._tasks.run(f"more {element}", lambda: self._change(self.tree.more, element))

    def begin(self) -> None:
        """Fetch the first level."""
        self.act("open", ROOT)

    def reveal(self, key: str, element: UUID) -> None:
        """Show an element as the one that is selected, and open all that is above it."""

        def open_all(wanted: Callable[[], bool]) -> None:
            there = self.tree.reveal(key, str(element))
            if wanted():
                self._draw()
                self.widget.selected = str(element) if there else ""

        self._tasks.run_latest("reveal", open_all)

    def _change(self, change: Callable[[str], None], element: str) -> None:
        change(element)
        self._draw()

    def _draw(self) -> None:
        self.widget.rows = [
            each._replace(name=plain(each.name), category=plain(each.category))
            for each in self.tree.rows()
        ]


class ListTree(ipywidgets.VBox):
    """The tree as a list, with a button that opens and closes what is selected."""

    def __init__(self, act: Callable[[str, str], None]) -> None:
        self._act = act
        self._rows: list[Row] = []
        self.list = ipywidgets.Select(options=[], rows=14, description="Elements")
        self.toggle = button("Open or close")
        super().__init__([self.list, row(self.toggle)])
        self.list.observe(self._chosen, "index")
        self.toggle.on_click(self._toggled)

    @property
    def rows(self) -> list[Row]:
        """The rows that are shown."""
        return self._rows

    @rows.setter
    def rows(self, rows: list[Row]) -> None:
        before = self._selected()
        self._rows = []  # a new list selects by itself, which is no choice of the user
        self.list.options = [
            f"{_SPACE * (each.level - 1)}{_MARKS.get(each.state, _SPACE)}{each.name}"
            for each in rows
        ]
        self._rows = rows
        self.selected = "" if before is None else before.element

    @property
    def selected(self) -> str:
        """The element that is selected, an empty text if there is none."""
        row = self._selected()
        return "" if row is None or row.state == MORE else row.element

    @selected.setter
    def selected(self, element: str) -> None:
        rows, self._rows = self._rows, []  # it is no choice of the user
        elements = [None if each.state == MORE else each.element for each in rows]
        self.list.index = elements.index(element) if element in elements else None
        self._rows = rows

    def _selected(self) -> Row | None:
        at = self.list.index
        return self._rows[at] if at is not None and at < len(self._rows) else None

    def _chosen(self, change: object) -> None:
        selected = self._selected()
        if selected is not None and selected.state != MORE:
            self._act("select", selected.element)

    def _toggled(self, clicked: object) -> None:
        selected = self._selected()
        if selected is not None and selected.state in _TOGGLES:
            self._act(_TOGGLES[selected.state], selected.element)
