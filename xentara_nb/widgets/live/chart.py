"""The widget on the page: table and chart, drawn there by ``live.js`` from what a feed has found.

What came from a server is only ever put into the page as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import traitlets

from xentara_nb.widgets.common.script import part, script
from xentara_nb.widgets.live.feed import SPANS, News, message


class Chart(anywidget.AnyWidget):
    """A table of values and a chart of some of them.

    Attributes
    ----------
    rows : list of dict
        Name, unit and kind (``number``, ``switch`` or ``text``) of each attribute.
    charted : list of int
        The places of those that are charted; the page chooses them too.
    span : float
        How much of the past is charted, in seconds; 0 for everything.
    paused : bool
        Whether the page stands still.
    state : dict
        ``kind`` (``live``, ``lost`` or ``closed``), and ``text``, which says why.
    asked : bool
        Whether the page has asked for everything, so that it can take what is new from then on.
    """

    _esm = script(__package__, "live.js")
    _css = part(__package__, "live.css")

    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    more = traitlets.Unicode().tag(sync=True)
    charted = traitlets.List(traitlets.Int()).tag(sync=True)
    span = traitlets.Float(SPANS[0]).tag(sync=True)
    paused = traitlets.Bool(False).tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, on_ask: Callable[[], object], **traits: Any) -> None:
        super().__init__(**traits)
        self.asked = False
        self._on_ask = on_ask
        self._view_count = 0  # lets the page count the views
        # It does so behind its question for everything, and a cell that takes long may run between.
        self._is_counted = False
        self.observe(self._count, "_view_count")
        self.on_msg(self._receive)

    @property
    def is_visible(self) -> bool:
        """Whether it can be seen, as far as is known."""
        return not self._is_counted or bool(self._view_count != 0)

    def tell(self, news: Sequence[News]) -> None:
        """Send what is new to the page."""
        content, buffers = message(news)
        self.send(content, buffers=buffers)

    @traitlets.validate("charted")
    def _only_rows(self, proposal: Mapping[str, Any]) -> list[int]:
        return [row for row in dict.fromkeys(proposal["value"]) if 0 <= row < len(self.rows)]

    @traitlets.validate("span")
    def _only_spans(self, proposal: Mapping[str, Any]) -> float:
        span: float = proposal["value"]
        return span if span in SPANS else SPANS[0]

    def _count(self, change: object) -> None:
        self._is_counted = True

    def _receive(self, widget: object, content: object, buffers: object) -> None:
        if isinstance(content, dict) and content.get("kind") == "ask":
            self.asked = True
            self._on_ask()
