"""The form that looks around: the model as a tree, attributes with live values, DataFrames, CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import ipywidgets
import pandas as pd

from xentara_nb.client import Client
from xentara_nb.errors import NotFoundError, XentaraError
from xentara_nb.protocol.identifiers import Stage, label
from xentara_nb.tables.provenance import with_provenance
from xentara_nb.widgets.common import client_info, notebook
from xentara_nb.widgets.common.code import CodeCard
from xentara_nb.widgets.common.form import Form, close_parts
from xentara_nb.widgets.common.live import Live
from xentara_nb.widgets.common.search import SearchBox, SearchHit
from xentara_nb.widgets.common.style import (
    badge,
    button,
    card,
    columns,
    escape,
    heading,
    plain,
    row,
    show,
    text_input,
)
from xentara_nb.widgets.common.table import attribute_table, values_of
from xentara_nb.widgets.explorer import tree
from xentara_nb.widgets.explorer.treeview import TreeView


class Explorer(Form):
    """Look around in the model of a server.

    Parameters
    ----------
    client : Client
        A connected client.
    session : optional
        The sub-session that the write form, when it is opened from here, writes in.

    Attributes
    ----------
    selected : str
        The primary key of the element that is selected, or an empty text.
    frame : pandas.DataFrame
        What "To DataFrame" took last, in the form of ``client.inventory()``.

    Examples
    --------
    >>> from xentara_nb import simulate
    >>> with simulate() as plant, plant.connect() as client:
    ...     explorer = Explorer(client)
    ...     explorer.select("Plant.Line 1.Set point")
    ...     explorer.selected, len(explorer.take())
    ...     explorer.close()
    ('Plant.Line 1.Set point', 10)
    """

    title = "Xentara explorer"

    def __init__(self, client: Client, *, session: Any = None) -> None:
        super().__init__("explorer")
        self._client, self._session = client, session
        self.selected = ""
        self.frame = pd.DataFrame()
        self._described: pd.DataFrame | None = None
        self._write_form: Any = None
        self._make()
        self.settle()
        self.tree.begin()
        self.desk.run("head", self._show_head)

    def summary(self) -> str:
        """Return the server, and what is selected."""
        where = self._client.address.url
        return f"{where}, {self.selected} selected" if self.selected else where

    def select(self, element: str | UUID) -> None:
        """Select an element: show its attributes, and follow their values.

        Raises
        ------
        UnknownElementError
            If there is no such element.
        """
        described = self._client.meta_data(element)
        self._described = described
        self.selected = str(described["primary_key"].iloc[0]) if len(described) else str(element)
        category = str(described["category"].iloc[0]) if len(described) else ""
        self.name.value = (
            f"<div role='status'><h4 class='xnb-key'>{escape(self.selected)}</h4>"
            f"<p class='xnb-dim'>{escape(category)}, {len(described)} attributes</p></div>"
        )
        self.attributes.value = self._table({})
        self.code.hide()
        show(self.actions, True)
        show(self.hint, False)
        writable = described.xentara.writable()
        self.write.disabled = writable.empty or client_info.read_only(self._client)
        self.write.tooltip = (
            "This client is read only"
            if client_info.read_only(self._client)
            else "No attribute of this element can be written"
            if writable.empty
            else None
        )
        self.path.value = f"{_file_name(self.selected)}.csv"
        self.live.follow(described.xentara.readable())

    def take(self, *, below: bool = False) -> pd.DataFrame:
        """Return the attributes of what is selected, as ``client.inventory()`` does.

        Parameters
        ----------
        below : bool
            Whether to take all elements below it too.

        Raises
        ------
        NotFoundError
            If nothing is selected.
        """
        if not self.selected:
            raise NotFoundError("select an element first")
        own = self._client.meta_data(self.selected)
        if not below:
            self.frame = own
            return own
        rest = self._client.inventory(self.selected, progress=self._progress)
        notes = {**rest.xentara.provenance, "elements": rest.xentara.provenance["elements"] + 1}
        both = pd.concat([own, rest], ignore_index=True)
        for column in ("category", "access", "data_type"):
            both[column] = pd.api.types.union_categoricals([own[column], rest[column]])
        both = both.sort_values(["primary_key", "attribute_name"], ignore_index=True)
        self.frame = with_provenance(both, notes)
        return self.frame

    # What the page uses

    def _make(self) -> None:
        self.head = ipywidgets.HTML(f"<p>{escape(self._client.address.url)}</p>")
        self.search = SearchBox(self.desk, self._client, self._choose_found)
        model = tree.Tree(tree.children_of(self._client))
        self._tree_model = model
        self.tree = TreeView(
            self.desk, model, lambda number: self._choose(model.node(number).element_uuid)
        )
        self.name = ipywidgets.HTML()
        self.hint = ipywidgets.HTML(
            "<p class='xnb-dim'>Select an element: in the tree with the mouse or the arrow keys, "
            "or by typing part of its name into Find.</p>"
        )
        self.liveness = ipywidgets.HTML()
        self.attributes = ipywidgets.HTML()
        if notebook.shell() is not None:
            # Begins to count the views, so that nothing is read while nobody can see it.
            self.attributes._view_count = 0
        self.below = ipywidgets.Checkbox(description="with everything below it", indent=False)
        self.to_frame = button("To DataFrame")
        self.export = button("Export CSV")
        self.path = text_input("File")
        self.copy = button("Copy as code")
        self.write = button("Write …", style="primary")
        self.code = CodeCard()
        self.actions = ipywidgets.VBox(
            [
                row(self.write, self.copy),
                row(self.to_frame, self.below),
                row(self.path, self.export),
                self.code.widget,
            ]
        )
        show(self.actions, False)
        self.writing = ipywidgets.VBox([])
        self.live = Live(self._client, self._show_values, self._show_state, self._visible)
        self.when_closed(self.live.close)
        side = ipywidgets.VBox([self.search.box, self.tree.widget])
        main = ipywidgets.VBox(
            [self.name, self.hint, self.liveness, self.attributes, self.actions, self.notice]
        )
        self.fill(
            card(heading(self.title), self.head, columns(side, main)),
            self.writing,
        )
        guard = self.desk.guard
        self.to_frame.on_click(guard(lambda clicked: self._begin_take()))
        self.export.on_click(guard(lambda clicked: self._begin_export()))
        self.copy.on_click(guard(lambda clicked: self.code.show(self.as_code())))
        self.write.on_click(guard(lambda clicked: self._open_write_form()))

    def as_code(self) -> str:
        """Return a cell that reads what is selected."""
        client = notebook.name_of(self._client, "client")
        key = repr(self.selected)
        if self.below.value:
            return f"inventory = {client}.inventory({key})\ninventory"
        return f"values = {client}.read({key})\nvalues"

    def _show_head(self) -> None:
        client = self._client
        stage = label(Stage, int(client.get_stage()))
        kind = "ok" if stage == "operational" else "warning"
        self.head.value = (
            f"<p><code>{escape(client.address.url)}</code> as <b>{escape(client.user)}</b> "
            f"{badge(stage, kind)}"
            f"{' ' + badge('read only') if client_info.read_only(client) else ''}</p>"
        )

    def _visible(self) -> bool:
        # None: the page does not count, as where there is no page at all.
        return bool(self.attributes._view_count != 0)

    def _choose(self, element: UUID | None) -> None:
        if element is not None:
            self.notice.clear()
            self.desk.newest("select", lambda wanted: self._select_if(wanted, element))

    def _choose_found(self, found: SearchHit) -> None:
        self._choose(found.element_uuid)

    def _select_if(self, wanted: Any, element: UUID) -> None:
        if wanted():
            self.select(element)

    def _table(self, values: Any) -> str:
        described = self._described
        if described is None:
            return ""
        return attribute_table(described, values, caption=f"Attributes of {plain(self.selected)}")

    def _show_values(self, frame: pd.DataFrame) -> None:
        if len(frame) and str(frame["primary_key"].iloc[0]) == self.selected:
            self.attributes.value = self._table(values_of(frame))

    def _show_state(self, text: str, kind: str) -> None:
        self.liveness.value = badge(text, kind)

    def _progress(self, done: int, total: int) -> None:
        self.notice.say(f"{done:,} of {total:,} elements …", "busy")

    def _begin_take(self) -> None:
        def take() -> None:
            frame = self.take(below=self.below.value)
            elements = frame["element_uuid"].nunique()
            name = notebook.name_of(self, "explorer")
            self.notice.say(
                f"{name}.frame is a DataFrame of {len(frame):,} attributes of {elements:,} "
                f"element{'s' if elements != 1 else ''}.",
                "ok",
            )

        self.desk.run("take", take, busy="Fetching …")

    def _begin_export(self) -> None:
        path = Path(self.path.value.strip()).expanduser()

        def export() -> None:
            if path.suffix.lower() != ".csv":
                raise NotFoundError("the name of the file must end in .csv")
            if path.exists():
                raise NotFoundError(f"there is a file {path} already: choose another name")
            frame = self.take(below=self.below.value)
            frame.xentara.to_csv(path)
            self.notice.say(f"Wrote {len(frame):,} rows to {path.absolute()}.", "ok")

        self.desk.run("take", export, busy="Fetching …")

    def _open_write_form(self) -> None:
        from xentara_nb.widgets.write.form import WriteForm

        if client_info.read_only(self._client):
            raise XentaraError("this client is read only")
        if self._write_form is not None:
            self._write_form.close()
        self._write_form = WriteForm(
            self._client, self.selected, session=self._session, index=self.search.index
        )
        self.when_closed(self._write_form.close)
        old = self.writing.children
        self.writing.children = (self._write_form,)
        for widget in old:
            close_parts(widget)


def _file_name(key: str) -> str:
    """Return a name of a file for a key; nothing of it has a meaning in a path."""
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in key)
    return kept.strip("-")[:80] or "elements"
