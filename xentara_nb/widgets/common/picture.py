"""The picture of a form that stands below it, for readers of a saved notebook without a kernel."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from xentara_nb.tables.rendering import Html

SOON = 1.0
"""Between two pictures of what was done, in seconds."""

FIRST = 5.0
"""Before the second picture, in seconds: the first one is drawn before a value has come."""

SELDOM = 60.0
"""Between two pictures of values that move, in seconds."""

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
        self._last = 0.0
        self._is_stale = False

    def show(self, bundle: dict[str, Any]) -> None:
        """Show a form, given what stands for it in a notebook, and the picture below it."""
        from IPython.display import display

        show: Callable[..., Any] = display  # it has no types
        show({kind: data for kind, data in bundle.items() if kind != "text/html"}, raw=True)
        self._shown.append(show(self._draw(), raw=True, display_id=True))
        self._last = time.monotonic() - SELDOM + FIRST

    def change(self) -> None:
        """Draw it anew soon: what the form shows has changed."""
        self._is_stale = True
        self.refresh()

    def refresh(self) -> None:
        """Draw it anew if it is time to; called now and then."""
        passed = time.monotonic() - self._last
        if self._shown and passed >= (SOON if self._is_stale else SELDOM):
            self.draw()

    def draw(self) -> None:
        """Draw it anew now."""
        self._last, self._is_stale = time.monotonic(), False
        for each in self._shown:
            each.update(self._draw(), raw=True)


def picture_html(content: str, note: str) -> Html:
    """Return a picture; it is hidden beside a form that lives."""
    return Html(f"<div class='xnb-picture'>{_STYLE}{content}<p><small>{note}</small></p></div>")
