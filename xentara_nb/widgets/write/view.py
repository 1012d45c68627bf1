"""The parts of a write form, and how they stand on the page."""

from __future__ import annotations

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.tables.rendering import escape
from xentara_nb.widgets.common.code import CodeCard
from xentara_nb.widgets.common.live import Live
from xentara_nb.widgets.common.search import SearchBox
from xentara_nb.widgets.common.style import button, card, columns, heading, row, show
from xentara_nb.widgets.login.client_form import ClientForm
from xentara_nb.widgets.login.form import LoginForm
from xentara_nb.widgets.write.history import History
from xentara_nb.widgets.write.outcome import OutcomeCard
from xentara_nb.widgets.write.review import WORDS
from xentara_nb.widgets.write.target import WriteTarget
from xentara_nb.writes.results import WriteResult
from xentara_nb.writes.sub_session import SubSession


class WriteView(ClientForm):
    """What a write form looks like; what it does is the business of :class:`WriteForm`."""

    title = "Write a value"
    words = WORDS

    search: SearchBox
    live: Live
    history: History

    def __init__(self, client: Client | LoginForm, session: SubSession | None) -> None:
        super().__init__("write", client, session)
        self.results: list[WriteResult] = []
        self.target: WriteTarget | None = None

    def lay_out(self) -> None:
        """Make the parts, and put them into the form."""
        self.name = ipywidgets.HTML(
            "<p class='xnb-dim'>Type part of the name of an element into Find.</p>"
        )
        self.attribute = ipywidgets.Dropdown(description="Attribute")
        self.attribute_row = row(self.attribute)
        self.input_box = ipywidgets.VBox()
        self.checks = ipywidgets.HTML()
        self.review = button("Review", style="primary")
        self.copy = button("Copy as code")
        self.code = CodeCard()
        self.outcome = OutcomeCard()
        buttons = row(self.review, self.copy)
        side = [self.attribute_row, self.live.text, self.live.state]
        main = [self.input_box, self.checks, buttons, self.code.widget]
        main += [self.confirmation.card, self.outcome.widget]
        self.inside = columns(ipywidgets.VBox(side), ipywidgets.VBox(main)).add_class("xnb-even")
        show(self.inside, False)
        parts = [self.head, self.connection.box, self.search.box, self.name, self.inside]
        parts.append(self.notice)
        self.fill(card(heading(self.title), *parts, self.history.disclosure.widget))

    def content_html(self) -> str:
        """Return what was written to, its value, and what became of the last write."""
        if self.shown_client is None or self.target is None:
            return super().content_html()
        parts = [f"<h3>{escape(self.title)}</h3>", self.head.value, self.name.value]
        parts.append(self.live.text.value)
        if self.results:
            parts.append(self.outcome.text.value)
        return "".join(parts)
