"""Values as a person reads them, and tables of them as HTML, every text of the server escaped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd

from xentara_nb.widgets.common.style import badge, escape, plain

Values: TypeAlias = Mapping[str, tuple[Any, str | None]]
"""Value and error by attribute name, as far as they are read."""

# What changes stands first, what an element is at the end, the rest between them.
_ORDER = {
    name: at for at, name in enumerate(("value", "quality", "error", "writeError", "deviceState"))
}
_ORDER |= {name: at for at, name in enumerate(("key", "name", "type", "category", "UUID"), 100)}


def value_text(value: object) -> str:
    """Return a value as a person reads it, on one line."""
    if value is None:
        return "–"
    if value is pd.NaT:
        return "never"
    if isinstance(value, pd.Timestamp):
        return time_text(value)
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return f"{value:.1f}" if abs(value) < 1e16 else repr(value)
    if isinstance(value, str) and value != value.strip():
        return plain(repr(value))
    return plain(value)


def time_text(time: pd.Timestamp) -> str:
    """Return a time stamp to the millisecond, in UTC."""
    if time.year > 2261:
        return "for ever"
    return f"{time:%Y-%m-%d %H:%M:%S}.{time.microsecond // 1000:03d} UTC"


def value_html(value: object) -> str:
    """Return a value in the type of code."""
    return f"<span class='xnb-mono'>{escape(value_text(value))}</span>"


def quality_badge(quality: object) -> str:
    """Return the label of a quality."""
    kinds = {"good": "ok", "acceptable": "warning", "unreliable": "warning", "bad": "error"}
    return badge(quality, kinds.get(str(quality), ""))


def facts(pairs: Iterable[tuple[str, str]], *, caption: str) -> str:
    """Return a table of names and values, which are HTML. The caption is for screen readers."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{value}</td></tr>' for name, value in pairs
    )
    return f"<table class='xnb-facts'>{_caption(caption)}<tbody>{rows}</tbody></table>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str) -> str:
    """Return a table with a head; the cells are HTML. The caption is for screen readers."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" for cells in rows)
    return (
        f'<div class="xnb-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table>{_caption(caption)}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        "</div>"
    )


def _caption(text: str) -> str:
    return f"<caption class='xnb-hidden'>{escape(text)}</caption>"


def attribute_table(described: pd.DataFrame, values: Values, *, caption: str) -> str:
    """Return the table of an element's attributes, which are rows of an inventory."""
    columns = (described[name].tolist() for name in ("attribute_name", "access", "data_type"))
    rows = [
        (escape(name), _value_cell(name, access, values), escape(data_type), escape(access))
        for name, access, data_type in sorted(
            zip(*columns, strict=True), key=lambda row: (_ORDER.get(row[0], 50), row[0])
        )
    ]
    return table(("Attribute", "Value", "Data type", "Access"), rows, caption=caption)


def _value_cell(name: str, access: str, values: Values) -> str:
    value, error = values.get(name, (None, None))
    if access == "write only":
        error = "cannot be read"
    if error is not None:
        return f'<span class="xnb-dim">{escape(error)}</span>'
    if name == "quality" and value is not None:
        return quality_badge(value)
    return value_html(value)


def values_of(frame: pd.DataFrame) -> Values:
    """Return value and error by attribute name, from what ``client.read`` gave for an element."""
    errors = [error if isinstance(error, str) else None for error in frame["error"].tolist()]
    pairs = zip(frame["value"].tolist(), errors, strict=True)
    return dict(zip(frame["attribute_name"].tolist(), pairs, strict=True))
