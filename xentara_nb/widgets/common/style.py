r"""One look for all forms, in the light and the dark theme, and safe text for what servers say.

The colours are JupyterLab's own CSS variables, with fall-backs for pages that have none. Every
text that came from a server goes through :func:`escape` or, where a widget takes plain text,
through :func:`plain`.

Examples
--------
>>> escape("<b>Line 1</b>")
'&lt;b&gt;Line 1&lt;/b&gt;'
>>> plain("Line 1\u202e2 eniL")
'Line 1\\u202e2 eniL'
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import ipywidgets

FORM_CLASS = "xnb"
"""The CSS class of every form; the style sheet applies to nothing else on the page."""

_MAX_TEXT = 400  # characters of one text of a server; the rest says nothing more

_SHEET = """
.xnb { --xnb-border: var(--jp-border-color1, rgba(128,128,128,.4));
  --xnb-soft: var(--jp-layout-color2, rgba(128,128,128,.12));
  --xnb-text: var(--jp-ui-font-color1, inherit); --xnb-dim: var(--jp-ui-font-color2, #666);
  --xnb-accent: var(--jp-brand-color1, #1976d2);
  color: var(--xnb-text); font-size: var(--jp-ui-font-size1, 13px); line-height: 1.45;
  font-family: var(--jp-ui-font-family, sans-serif); padding: 2px; max-width: 1100px;
  overflow: visible; width: 100%; container-type: inline-size; }
.xnb .widget-html-content, .xnb .jupyter-widgets.widget-html { line-height: 1.45; height: auto; }
.xnb .widget-html-content { font-size: inherit; white-space: normal; align-self: stretch; }
.xnb h3 { margin: 0; font-size: 1.15em; font-weight: 600; color: var(--xnb-text); }
.xnb h4 { margin: 6px 0 2px; font-size: 1em; font-weight: 600; color: var(--xnb-text); }
.xnb p { margin: 2px 0; }
.xnb .xnb-dim { color: var(--xnb-dim); }
.xnb code, .xnb pre, .xnb .xnb-mono { font-family: var(--jp-code-font-family, monospace);
  font-size: var(--jp-code-font-size, 12px); background: none; color: inherit; padding: 0; }
.xnb code, .xnb td, .xnb .xnb-key { overflow-wrap: anywhere; }
.xnb pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.xnb-card.jupyter-widgets { border: 1px solid var(--xnb-border); border-radius: 4px;
  padding: 8px 10px; margin: 4px 0; overflow: visible; }
.xnb-row.jupyter-widgets { flex-flow: row wrap; align-items: center; gap: 4px 8px;
  overflow: visible; }
.xnb-row > .jupyter-widgets { margin: 2px 0; }
.xnb-columns.jupyter-widgets { flex-flow: row wrap; align-items: stretch; gap: 6px 12px;
  overflow: visible; }
.xnb-columns > .xnb-side { flex: 1 1 280px; min-width: 0; max-width: 100%; }
.xnb-columns.xnb-even > .xnb-side { flex: 1 1 300px; max-width: 420px; }
.xnb-columns > .xnb-main { flex: 2 1 380px; min-width: 0; max-width: 100%; }
.xnb .widget-text, .xnb .widget-dropdown, .xnb .widget-textarea { width: auto; min-width: 0;
  max-width: 460px; }
.xnb-row > .widget-text, .xnb-row > .widget-dropdown, .xnb-row > .widget-textarea {
  flex: 1 1 260px; }
.xnb-side .widget-text { max-width: none; }
.xnb .widget-select { width: auto; max-width: 100%; margin: 2px 0; }
.xnb .widget-select { position: relative; }
.xnb .widget-select > .widget-label { position: absolute; width: 1px; height: 1px; min-width: 0;
  overflow: hidden; clip-path: inset(50%); margin: 0; }
.xnb .widget-select > select { margin: 0; width: 100%; }
.xnb .widget-text .widget-label, .xnb .widget-dropdown .widget-label,
.xnb .widget-textarea .widget-label { min-width: 92px; width: auto; text-align: left;
  color: var(--xnb-text); }
.xnb .widget-checkbox { width: auto; max-width: 100%; height: auto; }
.xnb .widget-checkbox .widget-label-basic { white-space: normal; height: auto;
  line-height: 1.4; align-items: flex-start; }
.xnb .jupyter-button { width: auto; max-width: 100%; white-space: normal; height: auto;
  min-height: 28px; line-height: 1.35; padding: 4px 12px; overflow-wrap: anywhere; }
.xnb .jupyter-button:focus-visible, .xnb input:focus-visible, .xnb select:focus-visible,
.xnb textarea:focus-visible, .xnb summary:focus-visible, .xnb button:focus-visible {
  outline: 2px solid var(--xnb-accent); outline-offset: 1px; }
.xnb .jupyter-button.xnb-fold { background: none; box-shadow: none; text-align: left;
  padding: 4px 2px; font-weight: 600; color: var(--xnb-text); align-self: flex-start; }
.xnb .jupyter-button.xnb-fold:hover { text-decoration: underline; }
.xnb-notice { border-left: 4px solid var(--xnb-border); background: var(--xnb-soft);
  padding: 5px 10px; margin: 2px 0; border-radius: 2px; overflow-wrap: anywhere;
  white-space: pre-line; }
.xnb-notice.xnb-ok { border-color: var(--jp-success-color1, #2e7d32); }
.xnb-notice.xnb-warning { border-color: var(--jp-warn-color1, #ed8b00); }
.xnb-notice.xnb-error { border-color: var(--jp-error-color1, #c62828); }
.xnb-notice.xnb-busy { border-color: var(--xnb-accent); }
.xnb-scroll { overflow: auto; max-width: 100%; max-height: 420px; }
.xnb table { border-collapse: collapse; margin: 2px 0; font-size: inherit; border: none;
  table-layout: auto; }
.xnb th, .xnb td { text-align: left !important; vertical-align: top; padding: 2px 10px 2px 0;
  border: none; border-bottom: 1px solid var(--xnb-border); white-space: normal;
  max-width: none; color: inherit; background: none; }
.xnb thead th { position: sticky; top: 0; background: var(--jp-layout-color0, Canvas);
  color: var(--xnb-dim); font-weight: 600; }
.xnb tbody th { font-weight: 600; white-space: nowrap; }
.xnb caption { text-align: left; font-weight: 600; color: inherit; padding: 0; }
.xnb tr, .xnb tbody tr:nth-child(odd), .xnb tbody tr:hover { background: none; }
.xnb-badge { display: inline-block; border: 1px solid var(--xnb-border); border-radius: 9px;
  padding: 0 8px; font-size: .92em; white-space: nowrap; }
.xnb-badge::before { content: "●"; margin-right: 4px; color: var(--xnb-dim); }
.xnb-badge.xnb-ok::before { color: var(--jp-success-color1, #2e7d32); }
.xnb-badge.xnb-warning::before { color: var(--jp-warn-color1, #ed8b00); }
.xnb-badge.xnb-error::before { color: var(--jp-error-color1, #c62828); }
.xnb-copy { font: inherit; color: inherit; background: var(--xnb-soft); cursor: pointer;
  border: 1px solid var(--xnb-border); border-radius: 2px; padding: 2px 10px; }
.xnb-code { background: var(--jp-cell-editor-background, rgba(128,128,128,.08));
  border: 1px solid var(--xnb-border); border-radius: 2px; padding: 6px 8px; margin: 4px 0; }
.xnb-big { font-size: 1.25em; font-weight: 600; }
@container (max-width: 460px) {
  .xnb-facts tr, .xnb-facts th, .xnb-facts td { display: block; padding-right: 0; }
  .xnb-facts th { border: none; } }
.xnb ul { margin: 2px 0; padding-left: 0; list-style: none; }
.xnb-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); }
"""

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


def form(*children: ipywidgets.Widget, name: str) -> ipywidgets.VBox:
    """Return the outer box of a form, with the style sheet in it."""
    box = ipywidgets.VBox([sheet(), *children])
    box.add_class(FORM_CLASS)
    box.add_class(f"xnb-{name}")
    return box


def card(*children: ipywidgets.Widget) -> ipywidgets.VBox:
    """Return a box with a border."""
    box = ipywidgets.VBox(list(children))
    box.add_class("xnb-card")
    return box


def row(*children: ipywidgets.Widget) -> ipywidgets.HBox:
    """Return a row that wraps where there is no room."""
    box = ipywidgets.HBox(list(children))
    box.add_class("xnb-row")
    return box


def columns(side: ipywidgets.Widget, main: ipywidgets.Widget) -> ipywidgets.HBox:
    """Return two columns, which stand above each other where there is no room."""
    box = ipywidgets.HBox([side, main])
    box.add_class("xnb-columns")
    side.add_class("xnb-side")
    main.add_class("xnb-main")
    return box


def button(text: str, *, style: str = "", tooltip: str | None = None) -> ipywidgets.Button:
    """Return a button."""
    return ipywidgets.Button(description=text, button_style=style, tooltip=tooltip)


class Disclosure:
    """A button with something below it that it shows and hides; ipywidgets' accordion has no keys.

    Parameters
    ----------
    title : str
        What the button says.
    content : Widget
        What is below it.
    """

    def __init__(self, title: str, content: ipywidgets.Widget) -> None:
        self._title = title
        self.is_open = False
        self.button = ipywidgets.Button()
        self.button.add_class("xnb-fold")
        self.content = content
        self.widget = ipywidgets.VBox([self.button, content])
        self.button.on_click(lambda clicked: self.set_open(not self.is_open))
        self.set_open(False)

    def set_open(self, is_open: bool) -> None:
        """Show or hide what is below."""
        self.is_open = is_open
        show(self.content, is_open)
        self.set_title(self._title)

    def set_title(self, title: str) -> None:
        """Let the button say something else."""
        self._title = title
        self.button.description = f"{'▾' if self.is_open else '▸'} {title}"


def show(widget: ipywidgets.DOMWidget, visible: bool) -> None:
    """Show or hide a widget; what is hidden is hidden for the keyboard and screen readers too."""
    widget.layout.display = None if visible else "none"


def plain(text: object) -> str:
    """Return a text of a server on one line, every character of it to be seen.

    Control characters and those that turn the direction of writing would let a server make a
    text look like another one.
    """
    shown = "".join(_visible(character) for character in str(text))
    return shown if len(shown) <= _MAX_TEXT else f"{shown[:_MAX_TEXT]}…"


def escape(text: object) -> str:
    """Return a text of a server as HTML that says just that."""
    return html.escape(plain(text))


def paragraphs(text: object) -> str:
    """Return a message of ours, which may have several lines, as HTML."""
    lines = str(text).splitlines() or [""]
    return "\n".join(html.escape("".join(_visible(c) for c in line)) for line in lines[:40])


def badge(text: object, kind: str = "") -> str:
    """Return a small label; its meaning is in the words, the colour only helps."""
    return f'<span class="xnb-badge xnb-{kind}">{escape(text)}</span>'


def quality_badge(quality: object) -> str:
    """Return the label of a quality."""
    kinds = {"good": "ok", "acceptable": "warning", "unreliable": "warning", "bad": "error"}
    return badge(quality, kinds.get(str(quality), ""))


def facts(pairs: Iterable[tuple[str, str]], *, caption: str = "") -> str:
    """Return a table of names and values; the values are HTML."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{value}</td></tr>' for name, value in pairs
    )
    head = f"<caption class='xnb-hidden'>{escape(caption)}</caption>" if caption else ""
    return f"<table class='xnb-facts'>{head}<tbody>{rows}</tbody></table>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str) -> str:
    """Return a table with a head; the cells are HTML. The caption is for screen readers."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" for cells in rows)
    return (
        f'<div class="xnb-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption class='xnb-hidden'>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def heading(text: str, level: int = 3) -> ipywidgets.HTML:
    """Return a heading."""
    return ipywidgets.HTML(f"<h{level}>{escape(text)}</h{level}>")


def text_input(label: str, **options: Any) -> ipywidgets.Text:
    """Return an input for a line of text, with its label."""
    return ipywidgets.Text(description=label, style={"description_width": "initial"}, **options)


def choice(label: str, options: Any, **more: Any) -> ipywidgets.Dropdown:
    """Return a drop-down list, with its label."""
    return ipywidgets.Dropdown(
        description=label, options=options, style={"description_width": "initial"}, **more
    )


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Cs", "Zl", "Zp") and character != "\u00ad":
        return f"\\u{ord(character):04x}"
    return character
