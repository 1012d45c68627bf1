"""A button that opens the browser's picker of a day and a time; needs the package anywidget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from xentara_nb.widgets.common.script import script


class TimePicker(anywidget.AnyWidget):
    """Calls ``choose`` with what was picked, such as ``2026-11-26 10:00``."""

    _esm = script(__package__, "time_picker.js")

    picked = traitlets.Unicode().tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, choose: Callable[[str], object]) -> None:
        super().__init__()
        self._choose = choose
        self.observe(self._take, "picked")

    def _take(self, change: Any) -> None:
        self._choose(str(change["new"]).replace("T", " "))
