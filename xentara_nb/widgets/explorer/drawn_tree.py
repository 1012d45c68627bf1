"""The tree as anywidget draws it; needs the package anywidget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from xentara_nb.widgets.common.script import part, script


class DrawnTree(anywidget.AnyWidget):
    """Draws the rows in sight; calls ``act`` with what the user asks for and the element."""

    _esm = script(__package__, "tree.js")
    _css = part(__package__, "tree.css")
    rows: Any = traitlets.List().tag(sync=True)  # of Row
    selected = traitlets.Unicode().tag(sync=True)  # an element, or an empty text

    def __init__(self, act: Callable[[str, str], None]) -> None:
        super().__init__()
        self._act = act
        self.on_msg(self._receive)

    def _receive(self, widget: object, content: object, buffers: object) -> None:
        if isinstance(content, dict) and isinstance(content.get("element"), str):
            self._act(str(content.get("do")), content["element"])
