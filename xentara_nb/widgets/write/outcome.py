"""What became of the last write of a form, and what can be done about it."""

from __future__ import annotations

import ipywidgets

from xentara_nb.widgets.common.style import button, card, row, show
from xentara_nb.widgets.write.review import result_html
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.results import WriteResult


class OutcomeCard:
    """Shows a result, with a button to undo it, or to read the value of one that is not known.

    Attributes
    ----------
    unit : str
        The unit of the value that was written.
    """

    def __init__(self) -> None:
        self.unit = ""
        self.text = ipywidgets.HTML()
        self.undo = button("Undo …")
        self.resolve = button("Read the value now")
        self.widget = card(self.text, row(self.undo, self.resolve))
        self.show(None)

    def show(self, result: WriteResult | None, unit: str = "") -> None:
        """Show a result, of a value with a unit if it has one; nothing if there is no result."""
        self.unit = unit
        show(self.widget, result is not None)
        if result is None:
            return
        self.text.value = result_html(result, unit)
        show(self.undo, result.outcome.taken)
        show(self.resolve, result.outcome in (Outcome.UNKNOWN, Outcome.DIFFERS))

    def enable(self, on: bool) -> None:
        """Let the buttons work, or not."""
        self.undo.disabled = self.resolve.disabled = not on
