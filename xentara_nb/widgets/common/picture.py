"""The picture of a form that stands below it, for readers of a saved notebook without a kernel."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from xentara_nb.tables.rendering import Html

SOON = 1.0
"""Between two pictures of what was done, in seconds."""

FIRST = 5.0
"""Between the first two pictures of values that move, in seconds: the first has hardly any."""

LONGEST_PAUSE = 60.0
"""Between two pictures of values that move, in seconds, once they have moved for a while."""

# In a page without the form, which says so in words of its own, there is the picture alone.
_STYLE = (
    "<style>.jp-OutputArea-child:has(+ .jp-OutputArea-child .xnb-picture):not(:has(.xnb))"
    "{display:none}</style>"
)


class Picture:
    """Shows what ``draw`` returns below a form, in each place where the form is shown."""

    def __init__(self, draw: Callable[[], dict[str, Any]]) -> None:
        self._draw = draw
        self._shown: list[Any] = []  # IPython's handles
        self._begun = self._last = 0.0  # the first picture, and the last one
        self._changed = 0.0  # the last one but for the first: what is done then is shown at once
        self._is_stale = False

    def show(self, bundle: dict[str, Any]) -> None:
        """Show a form, given what stands for it in a notebook, and the picture below it."""
        from IPython.display import display

        show: Callable[..., Any] = display  # it has no types
        show({kind: data for kind, data in bundle.items() if kind != "text/html"}, raw=True)
        self._shown.append(show(self._draw(), raw=True, display_id=True))
        self._begun = self._last = time.monotonic()

    def change(self) -> None:
        """Draw it again soon: what the form shows has changed."""
        self._is_stale = True
        self.refresh()

    def refresh(self) -> None:
        """Draw it again if it is time to; called now and then."""
        now = time.monotonic()
        if self._is_stale:
            is_due = now - self._changed >= SOON
        else:
            is_due = now - self._last >= min(LONGEST_PAUSE, max(FIRST, (now - self._begun) / 2))
        if self._shown and is_due:
            self.draw()

    def draw(self) -> None:
        """Draw it again now."""
        self._last = self._changed = time.monotonic()
        self._is_stale = False
        for each in self._shown:
            each.update(self._draw(), raw=True)


def picture_html(content: str, note: str) -> Html:
    """Return a picture; it is hidden beside a form that lives."""
    return Html(f"<div class='xnb-picture'>{_STYLE}{content}<p><small>{note}</small></p></div>")
