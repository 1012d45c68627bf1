"""Values and tables as the forms show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd

from xentara_nb.tables import rendering
from xentara_nb.tables.rendering import Html, escape
from xentara_nb.widgets.common.style import badge

Values: TypeAlias = Mapping[str, tuple[Any, str | None]]
"""Value and error by attribute name, as far as they are read."""

# What changes stands first, what an element is at the end, the rest between them.
_ORDER = {
    name: at for at, name in enumerate(("value", "quality", "error", "writeError", "deviceState"))
}
_ORDER |= {name: at for at, name in enumerate(("key", "name", "type", "category", "UUID"), 100)}


QUALITY_KINDS = {"good": "ok", "acceptable": "warning", "unreliable": "warning", "bad": "error"}
"""The kinds of the qualities, which give them their colours."""


def value_text(value: object) -> str:
    """Return a value as a person reads it, a time stamp to the millisecond, in UTC."""
    if not isinstance(value, pd.Timestamp):
        return rendering.value_text(value)
    if value.year > 2261:
        return "for ever"
    return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d} UTC"


def value_html(value: object) -> Html:
    """Return a value in the type of code."""
    return Html(f"<span class='xnb-mono'>{escape(value_text(value))}</span>")


def quality_badge(quality: object) -> Html:
    """Return the label of a quality."""
    return badge(quality, QUALITY_KINDS.get(str(quality), ""))


def facts(pairs: Mapping[str, object], *, caption: str) -> Html:
    """Return a table of names and values; the caption is for screen readers."""
    return rendering.facts_html(pairs, caption=caption, hidden=True)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str) -> Html:
    """Return a table with a head, which scrolls; the caption is for screen readers."""
    return Html(
        f'<div class="xnb-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"{rendering.table_html(heads, rows, caption=caption, hidden=True)}</div>"
    )


def attribute_table(described: pd.DataFrame, values: Values, *, caption: str) -> Html:
    """Return the table of an element's attributes, which are rows of an inventory."""
    columns = (described[name].tolist() for name in ("attribute_name", "access", "data_type"))
    rows = [
        (name, _value_cell(name, access, values), data_type, access)
        for name, access, data_type in sorted(
            zip(*columns, strict=True), key=lambda row: (_ORDER.get(row[0], 50), row[0])
        )
    ]
    return table(("Attribute", "Value", "Data type", "Access"), rows, caption=caption)


def _value_cell(name: str, access: str, values: Values) -> Html:
    value, error = values.get(name, (None, None))
    if access == "write only":
        error = "cannot be read"
    if error is not None:
        return Html(f'<span class="xnb-dim">{escape(error)}</span>')
    if name == "quality" and value is not None:
        return quality_badge(value)
    return value_html(value)


def values_of(frame: pd.DataFrame) -> Values:
    """Return value and error by attribute name, from what ``client.read`` gave for an element."""
    errors = [error if isinstance(error, str) else None for error in frame["error"].tolist()]
    pairs = zip(frame["value"].tolist(), errors, strict=True)
    return dict(zip(frame["attribute_name"].tolist(), pairs, strict=True))
