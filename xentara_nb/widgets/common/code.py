"""Cells that do what a form does, to be copied."""

from __future__ import annotations

import html
from uuid import UUID

import ipywidgets
import pandas as pd

from xentara_nb.widgets.common.style import show

# Without a secure context, as on a plain http address, a page has no clipboard of its own.
_COPY = (
    "const text=this.parentNode.querySelector('pre').textContent;"
    "const done=()=>{this.textContent='Copied';setTimeout(()=>this.textContent='Copy',1500)};"
    "const old=()=>{const a=document.createElement('textarea');a.value=text;"
    "document.body.append(a);a.select();document.execCommand('copy');a.remove();done()};"
    "navigator.clipboard?navigator.clipboard.writeText(text).then(done,old):old()"
)


class CodeCard:
    """Shows some code, with a button that copies it."""

    def __init__(self) -> None:
        self.code = ""
        self.widget = ipywidgets.HTML()
        self.show("")

    def show(self, code: str) -> None:
        """Show code; nothing if there is none."""
        self.code = code
        self.widget.value = (
            "<div class='xnb-code' role='group' aria-label='Code for a cell'>"
            f"<pre tabindex='0'>{html.escape(code)}</pre>"
            f'<button type="button" class="xnb-copy" aria-live="polite" onclick="{_COPY}">Copy'
            "</button></div>"
        )
        show(self.widget, bool(code))


def cell(name: str, call: str, about: str) -> str:
    """Return a cell that shows what a call returns, with a comment that says what it is about.

    The call names elements and attributes by their ids, which cannot be mistaken as names can.
    """
    # A key may hold the end of a line, behind which it would be code.
    shown = about if about.isprintable() else repr(about)
    needed = {'UUID("': "from uuid import UUID", "xentara_nb.": "import xentara_nb"}
    imports = [line for used, line in needed.items() if used in call]
    return "\n".join([*imports, *([""] if imports else []), f"# {shown}", f"{name} = {call}", name])


def literal(value: object) -> str:
    """Return the Python code of a value."""
    if isinstance(value, pd.Timestamp):
        return repr(value.tz_convert("UTC").tz_localize(None).isoformat() + "Z")
    if isinstance(value, UUID):
        return f'UUID("{value}")'
    if isinstance(value, float):
        return f'float("{value}")' if value != value or abs(value) == float("inf") else repr(value)
    return repr(value) if isinstance(value, bool | int) else repr(str(value))
