"""What a form does on its page without the kernel; needs the package anywidget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import anywidget
import traitlets

from xentara_nb.widgets.common.script import script


class Page(anywidget.AnyWidget):
    """Says on the page when the kernel has gone or is busy, and counts the ages of values.

    Attributes
    ----------
    zone : str
        The time zone of the user, as the page tells it; an empty text before it does.
    """

    _esm = script(__package__, "page.js")

    zone = traitlets.Unicode().tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.add_class("xnb-page")

    @traitlets.validate("zone")
    def _only_zones(self, proposal: Mapping[str, Any]) -> str:
        name = str(proposal["value"])
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # one that this computer does not know
            return ""
        return name

    def done(self) -> None:
        """Tell the page that the kernel has seen what its user did."""
        self.send({"do": "done"})
