"""The form that explores: the model as a tree, attributes with live values, DataFrames, CSV."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

import ipywidgets
import pandas as pd

from xentara_nb.client import Client
from xentara_nb.errors import OptionError, OutputExistsError
from xentara_nb.paths import user_path
from xentara_nb.protocol.identifiers import Stage, label
from xentara_nb.protocol.text import pasted, quantity
from xentara_nb.tables.provenance import with_provenance
from xentara_nb.tables.rendering import escape
from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.code import CodeCard, cell, literal
from xentara_nb.widgets.common.form import put_form, read_only
from xentara_nb.widgets.common.live import Live
from xentara_nb.widgets.common.search import SearchBox
from xentara_nb.widgets.common.style import (
    badge,
    button,
    card,
    columns,
    dim,
    heading,
    row,
    show,
)
from xentara_nb.widgets.common.table import Values, attribute_table, now_html, values_of
from xentara_nb.widgets.common.trend import Trend
from xentara_nb.widgets.explorer.stage import WORDS, StageCard
from xentara_nb.widgets.explorer.tree import Tree, children_of
from xentara_nb.widgets.explorer.treeview import TreeView
from xentara_nb.widgets.login.client_form import ClientForm
from xentara_nb.widgets.login.form import LoginForm
from xentara_nb.widgets.write.form import WriteForm
from xentara_nb.writes.sub_session import SubSession


class Explorer(ClientForm):
    """Look around in the model of a server.

    Parameters
    ----------
    client : Client or LoginForm
        A connected client; or a log-in form, whose client is taken as soon as there is one.
    session : SubSession, optional
        The sub-session that the write form, when it is opened from here, writes in. With a log-in
        form, its sub-session counts as well, if there is one.

    Attributes
    ----------
    selected : str
        The primary key of the element that is selected, or an empty text.
    frame : pandas.DataFrame
        What "To DataFrame" took last, in the form of ``client.inventory()``.
    write_form : WriteForm or None
        The write form that was opened from here.

    Examples
    --------
    >>> from xentara_nb import simulate
    >>> with simulate() as plant, plant.connect() as client:
    ...     explorer = Explorer(client)
    ...     explorer.select("Plant.Line 1.Set point")
    ...     explorer.selected, len(explorer.take())
    ...     explorer.close()
    ('Plant.Line 1.Set point', 12)
    """

    title = "Xentara explorer"
    words = WORDS

    def __init__(self, client: Client | LoginForm, *, session: SubSession | None = None) -> None:
        super().__init__("explorer", client, session)
        self._client_or_login = client
        self.selected = ""
        self._element: UUID | None = None
        self.frame = pd.DataFrame()
        self.write_form: WriteForm | None = None
        self._described = pd.DataFrame()
        self.trend = Trend()
        self.write_box = ipywidgets.VBox()
        notebook.register(self)
        self.begin()

    def summary(self) -> str:
        """Return the server, and what is selected."""
        if self.shown_client is None:
            return "no one is logged in"
        where = self.shown_client.address.url
        return f"{where}, {self.selected} selected" if self.selected else where

    def content_html(self) -> str:
        """Return the server, and what was selected with its values."""
        if self.shown_client is None:
            return super().content_html()
        parts = [f"<h3>{escape(self.title)}</h3>", self.head.value, self.name.value]
        parts.append(self.live.text.value)
        if self.write_form is not None:
            parts.append(self.write_form.content_html())
        return "".join(parts)

    def select(self, element: str | UUID) -> None:
        """Select an element: show its attributes, and follow their values.

        Parameters
        ----------
        element : str or uuid.UUID
            Its primary key or UUID.

        Raises
        ------
        LoginError
            If no one is logged in.
        UnknownElementError
            If there is no such element.
        """
        self._select(element, lambda: True)

    def _select(self, element: str | UUID, wanted: Callable[[], bool]) -> None:
        described = self.client.meta_data(element)
        if not wanted():
            return
        self._described = described
        self.selected = str(described["primary_key"].iloc[0]) if len(described) else str(element)
        self._element = described["element_uuid"].iloc[0] if len(described) else None
        category = str(described["category"].iloc[0]) if len(described) else ""
        self.name.value = (
            f"<div role='status'><h4 class='xnb-key'>{escape(self.selected)}</h4>"
            f"<p class='xnb-dim'>{escape(category)}, {len(described)} attributes</p></div>"
        )
        self.trend.clear()
        self.live.text.value = self._table({})
        self.code.show("")
        show(self.actions, True)
        show(self.hint, False)
        self._enable_write()
        # Nothing of a key has a meaning in a path.
        name = re.sub(r"[^\w-]", "-", self.selected).strip("-")[:80] or "elements"
        self.path.value = f"{name}.csv"
        self.live.follow(described.xentara.readable())
        self.search.show_selected(self._element)
        if self._element is not None:
            self.tree.reveal(self.selected, self._element)
        self.picture.change()

    def take(self, *, below: bool = False) -> pd.DataFrame:
        """Return the attributes of what is selected, as ``client.inventory()`` does.

        Parameters
        ----------
        below : bool
            Whether to take all elements below it too.

        Raises
        ------
        OptionError
            If nothing is selected.
        """
        element = self._selected_element()
        own = self.client.meta_data(element)
        if not below:
            self.frame = own
            return own
        rest = self.client.inventory(element, progress=self._progress)
        notes = {**rest.xentara.provenance, "elements": rest.xentara.provenance["elements"] + 1}
        both = pd.concat([own, rest], ignore_index=True)
        for column in ("category", "access", "data_type"):
            both[column] = pd.api.types.union_categoricals([own[column], rest[column]])
        both = both.sort_values(["primary_key", "attribute_name"], ignore_index=True)
        self.frame = with_provenance(both, notes)
        return self.frame

    def export_csv(self, path: Path, *, below: bool = False) -> pd.DataFrame:
        """Write what :meth:`take` returns into a new CSV file, and return it.

        Parameters
        ----------
        path : pathlib.Path
            The file, which ends in ``.csv``.
        below : bool, default False
            Also what is below the element.

        Raises
        ------
        OptionError
            If nothing is selected, or the name does not end in ``.csv``.
        OutputExistsError
            If there is such a file already.
        """
        if path.suffix.lower() != ".csv":
            raise OptionError("the name of the file must end in .csv")
        if path.exists():
            raise OutputExistsError(f"there is a file {path} already: choose another name")
        frame = self.take(below=below)
        frame.xentara.to_csv(path)
        return frame

    def as_code(self) -> str:
        """Return a cell that reads what is selected."""
        client = notebook.name_in(self.client, "client", "client")
        element = literal(self._selected_element())
        if self.below.value:
            return cell("inventory", f"{client}.inventory({element})", self.selected)
        return cell("values", f"{client}.read({element})", self.selected)

    # What the page uses

    def build(self, client: Client) -> None:
        """Make the parts of the form for a client."""
        self.search = SearchBox(self.tasks, client, lambda found: self._choose(found.element_uuid))
        tree = Tree(partial(children_of, client), client.has_children)
        self.tree = TreeView(self.tasks, tree, self._choose)
        self.name = ipywidgets.HTML()
        self.hint = ipywidgets.HTML(
            "<p>Select an element, in the tree or by typing part of its name into Find, to:</p>"
            "<ul class='xnb-list'><li>see its attributes, with values that follow the server</li>"
            "<li>write a value, which is reviewed first</li>"
            "<li>take attributes into a DataFrame or a CSV file, also of all elements below</li>"
            "<li>copy the code that does the same</li></ul>"
        )
        self.live = Live(client, self._show_values)
        self.while_built.callback(self.live.close)
        self.below = ipywidgets.Checkbox(description="with everything below it", indent=False)
        self.to_frame = button("To DataFrame")
        self.export = button("Export CSV")
        self.path = ipywidgets.Text(description="File")
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
        self.tree_box = ipywidgets.VBox([self.tree.widget])
        side = ipywidgets.VBox([self.search.box, self.tree_box])
        main = ipywidgets.VBox(
            [self.name, self.hint, self.live.state, self.live.text, self.actions, self.notice]
        )
        self.stage = StageCard(self, client)
        top = [heading(self.title), self.head, self.connection.box, self.stage.widget]
        self.fill(card(*top, columns(side, main)), self.write_box)
        handler = self.tasks.handler
        self.to_frame.on_click(handler(lambda: self._fetch(self._take)))
        self.export.on_click(handler(lambda: self._fetch(self._export)))
        self.copy.on_click(handler(lambda: self.code.show(self.as_code())))
        self.write.on_click(handler(self._open_write_form))

    def built(self) -> None:
        """Show the first level of the tree, and what was selected before."""
        self.tree.begin()
        if self._element is not None:
            self._choose(self._element)

    def enable(self, on: bool) -> None:
        """Let what needs a connection work, or not."""
        for widget in (self.to_frame, self.export, self.below, self.path):
            widget.disabled = not on
        self.search.enable(on)
        self.stage.enable(on)
        for part in (self.tree_box, self.live.text):
            dim(part, not on)
        self._enable_write()
        self.live.refresh()

    def show_head(self) -> None:
        """Show the server, as whom the client works, and the stage; soon, and in a thread."""
        self.tasks.run_latest("head", self._show_head)

    def _enable_write(self) -> None:
        reason = None
        if not self.connection.available:
            reason = "There is no connection"
        elif self.shown_client is not None and read_only(self.shown_client):
            reason = "This client is read only"
        elif not self._described.empty and self._described.xentara.writable().empty:
            reason = "No attribute of this element can be written"
        self.write.disabled, self.write.tooltip = reason is not None, reason

    def _selected_element(self) -> UUID:
        if self._element is None:
            raise OptionError("select an element first")
        return self._element

    def _show_head(self, wanted: Callable[[], bool]) -> None:
        client = self.shown_client
        if client is None:
            return
        if self.connection.available:
            stage = label(Stage, int(client.get_stage()))
            shown = badge(stage, "ok" if stage == "operational" else "warning")
        else:
            shown = badge("closed" if client.closed else "not connected", "error")
        if wanted():
            self.head.value = (
                f"<p><code>{escape(client.address.url)}</code> as <b>{escape(client.user)}</b> "
                f"{shown}{' ' + badge('read only') if read_only(client) else ''}</p>"
            )
            self.picture.change()

    def _choose(self, element: UUID) -> None:
        self.notice.clear()
        self.tasks.run_latest("select", lambda wanted: self._select(element, wanted))

    def _table(self, values: Values) -> str:
        caption = f"Attributes of {self.selected}"
        table = attribute_table(self._described, values, caption=caption)
        return now_html(values, self.trend.html()) + table

    def _show_values(self, frame: pd.DataFrame) -> None:
        if len(frame) and str(frame["primary_key"].iloc[0]) == self.selected:
            values = values_of(frame)
            self.trend.add(
                values.get("updateTime", (None, None))[0], values.get("value", (None,))[0]
            )
            self.live.text.value = self._table(values)
            self.picture.refresh()

    def _progress(self, done: int, total: int) -> None:
        self.notice.say(f"{done:,} of {total:,} elements …", "busy")

    def _fetch(self, job: Callable[[], object]) -> None:
        self.tasks.run("take", job, busy="Fetching …")

    def _take(self) -> None:
        frame = self.take(below=self.below.value)
        elements = frame["element_uuid"].nunique()
        name = notebook.name_of(self, "explorer")
        self.notice.say(
            f"{name}.frame is a DataFrame of {len(frame):,} attributes of "
            f"{quantity(elements, 'element')}.",
            "ok",
        )

    def _export(self) -> None:
        path = user_path(pasted(self.path.value))
        frame = self.export_csv(path, below=self.below.value)
        self.notice.say(f"Wrote {len(frame):,} rows to {path.absolute()}.", "ok")

    def _open_write_form(self) -> None:
        self.write_form = WriteForm(
            self._client_or_login,
            self._selected_element(),
            session=self._session,
            index=self.search.index,
        )
        put_form(self.write_box, self.write_form)
