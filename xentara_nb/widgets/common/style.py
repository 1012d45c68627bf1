"""One look for all forms, in the light and the dark theme.

Every text that came from a server goes through :func:`xentara_nb.tables.rendering.escape` or, where
a widget takes plain text, through :func:`xentara_nb.tables.rendering.plain`.
"""

from __future__ import annotations

import html
from collections.abc import Callable

import ipywidgets

from xentara_nb.protocol.text import safe
from xentara_nb.tables.rendering import Html, escape
from xentara_nb.widgets.common.script import part

_SHEET = part(__package__, "style.css")

# A notebook in command mode takes the arrow keys away from lists: it looks at what has the focus,
# and leaves alone what carries this attribute. Only lists need it, so Ctrl+S goes on working in
# the other fields. Where a page forbids inline handlers, lists are left to the mouse.
_KEYS = (
    "const form=this.closest('.xnb');form&&form.addEventListener('focusin',event=>{"
    "if(event.target.matches('select,input,[role=tree]'))"
    "event.target.setAttribute('data-lm-suppress-shortcuts','true')})"
)


def sheet() -> ipywidgets.HTML:
    """Return the style sheet, as a widget to be put into a form."""
    widget = ipywidgets.HTML(f'<style onload="{html.escape(_KEYS)}">{_SHEET}</style>')
    widget.layout = ipywidgets.Layout(height="0", margin="0", width="0", overflow="hidden")
    return widget


def card(*children: ipywidgets.Widget) -> ipywidgets.VBox:
    """Return a box with a border."""
    return ipywidgets.VBox(children).add_class("xnb-card")


def row(*children: ipywidgets.Widget) -> ipywidgets.HBox:
    """Return a row that wraps where there is no room."""
    return ipywidgets.HBox(children).add_class("xnb-row")


def columns(side: ipywidgets.Widget, main: ipywidgets.Widget) -> ipywidgets.HBox:
    """Return two columns, which stand above each other where there is no room."""
    parts = [side.add_class("xnb-side"), main.add_class("xnb-main")]
    return ipywidgets.HBox(parts).add_class("xnb-columns")


def button(text: str, *, style: str = "", tooltip: str | None = None) -> ipywidgets.Button:
    """Return a button."""
    return ipywidgets.Button(description=text, button_style=style, tooltip=tooltip)


def heading(text: str) -> ipywidgets.HTML:
    """Return the heading of a form."""
    return ipywidgets.HTML(f"<h3>{escape(text)}</h3>")


def on_enter(field: ipywidgets.Text, callback: Callable[[], object]) -> None:
    """Call a function when Enter is pressed in a field; ipywidgets' on_submit is deprecated.

    The class tells the page that Enter does something there.
    """

    def receive(widget: object, content: object, buffers: object) -> None:
        if isinstance(content, dict) and content.get("event") == "submit":
            callback()

    field.add_class("xnb-enter").on_msg(receive)


def show(widget: ipywidgets.DOMWidget, visible: bool) -> None:
    """Show or hide a widget; what is hidden is hidden for the keyboard and screen readers too."""
    widget.layout.display = None if visible else "none"


def dim(widget: ipywidgets.DOMWidget, off: bool) -> None:
    """Let a widget look as if it does not work, or again as it does."""
    (widget.add_class if off else widget.remove_class)("xnb-off")


class Disclosure:
    """A button that shows and hides what is below it; ipywidgets' accordion has no keys."""

    def __init__(self, title: str, content: ipywidgets.Widget) -> None:
        self._is_open = False
        self.content = content
        self.button = ipywidgets.Button().add_class("xnb-disclosure")
        self.button.on_click(lambda clicked: self._toggle())
        self.widget = ipywidgets.VBox([self.button, content])
        show(content, False)
        self.set_title(title)

    def set_title(self, title: str) -> None:
        """Let the button say something else."""
        self._title = title
        self.button.description = f"{'▾' if self._is_open else '▸'} {title}"

    def _toggle(self) -> None:
        self._is_open = not self._is_open
        show(self.content, self._is_open)
        self.set_title(self._title)


def paragraphs(text: object) -> str:
    """Return a message of ours, which may have several lines, as HTML."""
    lines = str(text).splitlines() or [""]
    return "\n".join(html.escape(safe(line)) for line in lines[:40])


def badge(text: object, kind: str = "") -> Html:
    """Return a small label; its meaning is in the words, the colour only helps."""
    return Html(f'<span class="xnb-badge xnb-{kind}">{escape(text)}</span>')
