"""Values and tables as people read them: as text, and as HTML for the output of a cell or a form.

What comes from a server is not trusted, so every text is escaped; what is :class:`Html` already
says so by its type. Outside of a form there is no style sheet, so the tags themselves say what a
table needs to be read. Colours are JupyterLab's own where there is one, so that they fit the light
and the dark theme.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

import numpy as np
import pandas as pd

from xentara_nb.protocol.identifiers import DataType
from xentara_nb.protocol.text import safe
from xentara_nb.protocol.values import float_32

_MAX_TEXT = 400  # characters of one text of a server; the rest says nothing more
_MAX_CELL = 60  # characters of a cell in a table of text
_SHORT = 40  # characters of a cell that is no sentence, such as a UUID
_LEFT = "style='text-align:left'"
_SENTENCE = "style='text-align:left;overflow-wrap:anywhere;min-width:16em'"
_COLOURS = {
    "ok": "var(--jp-success-color0, #1b7f37)",
    "warning": "var(--jp-warn-color0, #b45309)",
    "error": "var(--jp-error-color1, #c62828)",
    "": "var(--jp-ui-font-color2, #666)",
}


class Html(str):
    """A text that is HTML: all others are escaped where they are shown."""

    __slots__ = ()


def plain(text: object) -> str:
    """Return a text of a server on one line, every character of it to be seen.

    Control characters and those that turn the direction of writing would let a server make a
    text look like another one.
    """
    return _cut(safe(str(text)), _MAX_TEXT)


def escape(text: object) -> Html:
    """Return a text of a server as HTML that says just that."""
    return text if isinstance(text, Html) else Html(html.escape(plain(text)))


def coloured(text: object, kind: str) -> Html:
    """Return a word in the colour of its kind: ``ok``, ``warning``, ``error`` or an empty text."""
    return Html(f"<b style='color:{_COLOURS[kind]}'>{escape(text)}</b>")


def value_text(value: object) -> str:
    """Return a value as a person reads it, on one line."""
    if value is None:
        return "–"
    if value is pd.NaT:
        return "never"
    if isinstance(value, str) and value != value.strip():
        return plain(repr(value))
    return plain(value)


def with_own_digits(value: object, data_type: object) -> object:
    """Return the value of a Float32 with no more digits than it holds; any other as it is.

    The data type is its number or its word. A whole number has all digits: it is one that was
    typed, and another is refused.

    Examples
    --------
    >>> with_own_digits(0.10000000149011612, "Float32"), with_own_digits("text", "Float32")
    (0.1, 'text')
    >>> with_own_digits(0.10000000149011612, "Float64"), with_own_digits(123456792.0, "Float32")
    (0.10000000149011612, 123456792.0)
    """
    is_short = data_type in (DataType.FLOAT_32, DataType.FLOAT_32.label)
    if not is_short or type(value) is not float or float_32(value) != value:
        return value
    if value.is_integer() and abs(value) < 1e16:  # beyond, Python itself shows an exponent
        return value
    return float(str(np.float32(value)))


def change_text(change: object) -> str:
    """Return the difference of two values, without the digits that only binary fractions have."""
    return value_text(float(f"{change:.10g}") if isinstance(change, float) else change)


def value_repr(value: object) -> str:
    """Return a value in one short line, texts in quotes."""
    return _cut(str(value) if isinstance(value, pd.Timestamp | UUID) else safe(repr(value)), 80)


def frame_text(
    frame: pd.DataFrame,
    *,
    whole: Collection[str] = (),
    left: Collection[str] = (),
    index: bool = False,
) -> str:
    """Return a frame as lines of text: all rows, and cells cut unless their column is ``whole``.

    Where there is no value, the cell is empty. Columns of sentences begin at the ``left``.
    """
    texts = {
        name: [
            safe(str(cell)) if name in whole else _cut(safe(str(cell)), _MAX_CELL)
            for cell in column
        ]
        for name, column in without_missing(frame).items()
    }
    for name in [each for each in texts if each in left]:
        width = max(len(cell) for cell in [str(name), *texts[name]])
        texts[name] = [f"{cell:<{width}}" for cell in texts[name]]
        texts = {f"{each:<{width}}" if each == name else each: texts[each] for each in texts}
    text = pd.DataFrame(texts, index=frame.index).to_string(index=index, max_colwidth=None)
    return "\n".join(line.rstrip() for line in text.split("\n")) if left else text


def without_missing(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with an empty text in the place of each missing value."""
    return frame.astype(object).where(frame.notna(), "")


def facts_text(facts: Mapping[str, object]) -> str:
    """Return names and values as text, one a line."""
    width = max(map(len, facts))
    return "\n".join(f"{name:>{width}}: {safe(str(value))}" for name, value in facts.items())


def facts_html(facts: Mapping[str, object], *, caption: str = "", hidden: bool = False) -> Html:
    """Return a table of names and values; a caption in a form can be for screen readers alone."""
    rows = "".join(
        f"<tr><th scope='row' {_LEFT}>{escape(name)}</th><td {_LEFT}>{escape(value)}</td></tr>"
        for name, value in facts.items()
    )
    head = _caption(caption, hidden)
    return Html(f"<table class='xnb-facts'>{head}<tbody>{rows}</tbody></table>")


def table_html(
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    caption: str = "",
    hidden: bool = False,
    sortable: bool = False,
) -> Html:
    """Return a table with a head; the caption is as in :func:`facts_html`.

    One that is ``sortable`` says so to the page of a form, which lets its columns be clicked.
    """
    head = "".join(f"<th scope='col' {_LEFT}>{escape(name)}</th>" for name in heads)
    body = "".join(
        f"<tr>{''.join(f'<td {_cell_style(cell)}>{escape(cell)}</td>' for cell in cells)}</tr>"
        for cells in rows
    )
    return Html(
        f"<table{' data-sort' if sortable else ''}>{_caption(caption, hidden)}"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell_style(cell: object) -> str:
    """Let a sentence, such as a reason, break anywhere, so that it takes the room that is left.

    Where there is none, the table is scrolled: a sentence of one letter a line is not read.
    """
    return _SENTENCE if len(str(cell)) > _SHORT and not isinstance(cell, Html) else _LEFT


def _caption(text: str, hidden: bool) -> str:
    classes = " class='xnb-hidden'" if hidden else ""
    return f"<caption{classes}>{escape(text)}</caption>" if text else ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
