"""The face of the write form: its parts and where they stand; what they do is in write.py."""

from __future__ import annotations

import ipywidgets

from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.code import CodeCard
from xentara_nb.widgets.common.form import Form
from xentara_nb.widgets.common.style import button, card, choice, columns, heading, row, show


class WriteView(Form):
    """The parts of a write form.

    From the top: search, the present value beside the input for the new one, the verdict of the
    guards, the review with the place for the order button, the outcome, and the journal.
    """

    title = "Write a value"

    def __init__(self) -> None:
        super().__init__("write")
        self.head = ipywidgets.HTML()
        self.name = ipywidgets.HTML(
            "<p class='xnb-dim'>Type part of the name of an element into Find.</p>"
        )
        self.attribute = choice("Attribute", [])
        self.attribute_row = row(self.attribute)
        self.present = ipywidgets.HTML()
        if notebook.shell() is not None:
            # Begins to count the views, so that nothing is read while nobody can see it.
            self.present._view_count = 0
        self.liveness = ipywidgets.HTML()
        self.input_box = ipywidgets.VBox([])
        self.verdict = ipywidgets.HTML()
        self.review = button("Review", style="primary")
        self.copy = button("Copy as code")
        self.code = CodeCard()
        self.review_text = ipywidgets.HTML()
        self.order_row = row()
        self.cancel = button("Do not write")
        self.review_card = card(self.review_text, row(self.order_row, self.cancel))
        self.outcome = ipywidgets.HTML()
        self.undo = button("Undo …")
        self.resolve = button("Read the value now")
        self.outcome_card = card(self.outcome, row(self.undo, self.resolve))

    def lay_out(self, search: ipywidgets.Widget, history: ipywidgets.Widget) -> None:
        """Put the parts into the form."""
        self.inside = columns(
            ipywidgets.VBox([self.attribute_row, self.present, self.liveness]),
            ipywidgets.VBox(
                [
                    self.input_box,
                    self.verdict,
                    row(self.review, self.copy),
                    self.code.widget,
                    self.review_card,
                    self.outcome_card,
                ]
            ),
        )
        self.inside.add_class("xnb-even")
        for widget in (self.inside, self.review_card, self.outcome_card):
            show(widget, False)
        self.fill(
            card(
                heading(self.title),
                self.head,
                search,
                self.name,
                self.inside,
                self.notice,
                history,
            )
        )

    def is_visible(self) -> bool:
        """Return whether anybody can see the present value."""
        return bool(self.present._view_count != 0)
