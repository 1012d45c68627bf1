"""The table of a plan on the page, in which values are typed; needs the package anywidget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from xentara_nb.widgets.common.script import script


class PlanTable(anywidget.AnyWidget):
    """Shows rows of a plan; calls ``edit`` with the place of a row and what was typed there.

    Attributes
    ----------
    rows : list of dict
        ``key``, ``attribute``, ``present``, ``text`` (the new value as it is typed), ``unit``,
        ``change``, ``severity``, ``kind`` (of the severity, which gives it its colour) and
        ``reason`` of each row, all texts.
    disabled : bool
        Whether nothing can be typed.
    """

    _esm = script(__package__, "plan_table.js")

    rows: Any = traitlets.List(traitlets.Dict()).tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, edit: Callable[[int, str], object]) -> None:
        super().__init__()
        self._edit = edit
        self.on_msg(self._receive)

    def _receive(self, widget: object, content: object, buffers: object) -> None:
        if not isinstance(content, dict):
            return
        if content.get("do") == "ask":
            # What has changed while a page asked the kernel for all widgets did not reach it.
            self.send_state("rows")
        if content.get("do") != "edit":
            return
        row, text = content.get("row"), content.get("text")
        if isinstance(row, int) and 0 <= row < len(self.rows) and isinstance(text, str):
            self._edit(row, text)
