"""The view of the write form: its parts and where they stand; what they do is in ``form``."""

from __future__ import annotations

import ipywidgets

from xentara_nb.widgets.common.code import CodeCard
from xentara_nb.widgets.common.form import Form
from xentara_nb.widgets.common.live import Live
from xentara_nb.widgets.common.search import SearchBox
from xentara_nb.widgets.common.style import button, card, columns, heading, row, show
from xentara_nb.widgets.write.history import History


class WriteView(Form):
    """The parts of a write form.

    From the top: search, the present value beside the input for the new one, what the guards say,
    the review with the place for the confirm button, the outcome, and the journal.
    """

    title = "Write a value"

    def __init__(self) -> None:
        super().__init__("write")
        self.head = ipywidgets.HTML()
        self.name = ipywidgets.HTML(
            "<p class='xnb-dim'>Type part of the name of an element into Find.</p>"
        )
        self.attribute = ipywidgets.Dropdown(description="Attribute", options=[])
        self.attribute_row = row(self.attribute)
        self.input_box = ipywidgets.VBox([])
        self.checks = ipywidgets.HTML()
        self.review = button("Review", style="primary")
        self.copy = button("Copy as code")
        self.code = CodeCard()
        self.review_text = ipywidgets.HTML()
        self.confirm_row = row()
        self.cancel = button("Do not write")
        self.review_card = card(self.review_text, row(self.confirm_row, self.cancel))
        self.outcome = ipywidgets.HTML()
        self.undo = button("Undo …")
        self.resolve = button("Read the value now")
        self.outcome_card = card(self.outcome, row(self.undo, self.resolve))

    def lay_out(self, search: SearchBox, live: Live, history: History) -> None:
        """Put the parts into the form."""
        main = ipywidgets.VBox(
            [
                self.input_box,
                self.checks,
                row(self.review, self.copy),
                self.code.widget,
                self.review_card,
                self.outcome_card,
            ]
        )
        side = ipywidgets.VBox([self.attribute_row, live.text, live.state])
        self.inside = columns(side, main)
        self.inside.add_class("xnb-even")
        for widget in (self.inside, self.review_card, self.outcome_card):
            show(widget, False)
        self.fill(
            card(
                heading(self.title),
                self.head,
                search.box,
                self.name,
                self.inside,
                self.notice,
                history.disclosure.widget,
            )
        )
