"""The tree on the page: drawn by anywidget where it is installed, as a list where it is not."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ipywidgets
import traitlets

from xentara_nb.widgets.common.style import button, plain, row
from xentara_nb.widgets.common.tasks import TaskRunner
from xentara_nb.widgets.explorer.tree import CLOSED, MORE, OPEN, ROOT, Tree

_HERE = Path(__file__).parent
_MARKS = {OPEN: "▾ ", CLOSED: "▸ ", MORE: "… "}


class TreeView:
    """Shows a :class:`Tree`, opens its nodes, and tells which one is selected.

    Parameters
    ----------
    desk : TaskRunner
        Where the work is done.
    tree : Tree
        What is shown.
    select : callable
        Called with the number of the node that the user selects.
    plain_list : bool, optional
        Whether to show a list, which needs no further package. Left out, where anywidget is
        missing.
    """

    def __init__(
        self,
        desk: TaskRunner,
        tree: Tree,
        select: Callable[[int], object],
        *,
        plain_list: bool | None = None,
    ) -> None:
        self._desk, self._tree, self._select = desk, tree, select
        as_list = find_spec("anywidget") is None if plain_list is None else plain_list
        act = desk.guard(self.act)
        self.face: Any = _ListFace(act) if as_list else _drawn_face(act)
        self.widget: ipywidgets.Widget = self.face.widget

    def act(self, what: str, number: int) -> None:
        """Do what the user asks for: ``open``, ``close``, ``more`` or ``select``."""
        if what == "select":
            self._select(number)
        elif what == "close":
            self._tree.close(number)
            self.draw()
        elif what == "more":
            self._tree.more(number)
            self.draw()
        elif what == "open":
            self._desk.run(f"open {number}", lambda: self._open(number))

    def begin(self) -> None:
        """Fetch the first level."""
        self._desk.run("open the root", lambda: self._open(ROOT))

    def draw(self) -> None:
        """Show the tree as it is now."""
        self.face.draw(
            [
                [r.number, r.level, plain(r.name), plain(r.category), r.state]
                for r in self._tree.rows()
            ]
        )

    def _open(self, number: int) -> None:
        self._tree.open(number)
        self.draw()


def _drawn_face(act: Callable[[str, int], None]) -> Any:
    import anywidget

    class TreeWidget(anywidget.AnyWidget):
        _esm = _HERE / "tree.js"
        _css = _HERE / "tree.css"
        label = traitlets.Unicode("Elements of the model").tag(sync=True)
        rows: Any = traitlets.List().tag(sync=True)
        selected = traitlets.Int(0).tag(sync=True)

    class Face:
        def __init__(self) -> None:
            self.widget = TreeWidget()
            self.widget.on_msg(self._take)

        def draw(self, rows: list[list[Any]]) -> None:
            self.widget.rows = rows

        def _take(self, widget: Any, content: Any, buffers: Any) -> None:
            if isinstance(content, dict) and isinstance(content.get("number"), int):
                act(str(content.get("do")), content["number"])

    return Face()


class _ListFace:
    """A list with a button that opens and closes what is selected."""

    def __init__(self, act: Callable[[str, int], None]) -> None:
        self._act = act
        self._rows: list[list[Any]] = []
        self._drawing = False
        self.list = ipywidgets.Select(
            options=[], rows=14, description="Elements", style={"description_width": "0"}
        )
        self.toggle = button("Open or close")
        self.widget = ipywidgets.VBox([self.list, row(self.toggle)])
        self.list.observe(self._chosen, "index")
        self.toggle.on_click(self._toggled)

    def draw(self, rows: list[list[Any]]) -> None:
        before = self._row()
        self._drawing = True
        try:
            self._rows = rows
            self.list.options = [
                f"{chr(0xA0) * 3 * (level - 1)}{_MARKS.get(state, chr(0xA0) * 3)}{name}"
                for _, level, name, _, state in rows
            ]
            numbers = [r[0] for r in rows if r[4] != MORE]
            self.list.index = (
                rows.index(next(r for r in rows if r[0] == before[0] and r[4] != MORE))
                if before is not None and before[0] in numbers
                else None
            )
        finally:
            self._drawing = False

    def _row(self) -> list[Any] | None:
        at = self.list.index
        return self._rows[at] if at is not None and at < len(self._rows) else None

    def _chosen(self, change: object) -> None:
        chosen = self._row()
        if not self._drawing and chosen is not None and chosen[4] != MORE:
            self._act("select", chosen[0])

    def _toggled(self, clicked: object) -> None:
        chosen = self._row()
        if chosen is not None:
            what = {OPEN: "close", CLOSED: "open", MORE: "more"}.get(chosen[4])
            if what is not None:
                self._act(what, chosen[0])
