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


def quantity_html(value: object, unit: str) -> Html:
    """Return a value in the type of code, with its unit if there is one."""
    if not unit:
        return value_html(value)
    return Html(f"{value_html(value)} <span class='xnb-dim'>{escape(unit)}</span>")


def fingerprint_html(fingerprint: str) -> Html:
    """Return a fingerprint in the type of code, which is broken behind its colons alone."""
    shown = escape(fingerprint).replace(":", ":<wbr>")
    return Html(f"<span class='xnb-mono xnb-fingerprint'>{shown}</span>")


def ago(seconds: float) -> str:
    """Return how long ago something was, as the page counts it on.

    Examples
    --------
    >>> ago(3.2), ago(150), ago(8000), ago(200_000)
    ('3 s ago', '2 min ago', '2 h ago', '2 days ago')
    """
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s ago"
    if whole < 7200:
        return f"{whole // 60} min ago"
    return f"{whole // 3600} h ago" if whole < 172_800 else f"{whole // 86_400} days ago"


def age_html(time: object) -> Html:
    """Return the age of a time that has passed, and the time itself for who points at it.

    An empty text if it is no such time, as one that lies ahead.
    """
    if not isinstance(time, pd.Timestamp) or time.year <= 1970:
        return Html("")
    age = (pd.Timestamp.now("UTC") - time).total_seconds()
    if age < -1:  # two clocks may differ by a little
        return Html("")
    return Html(
        f"<time class='xnb-dim' datetime='{time.isoformat()}' title='{value_text(time)}' "
        f"data-age='{max(age, 0.0):.3f}'>{ago(age)}</time>"
    )


def time_html(time: object) -> Html:
    """Return a value, and its age if it is a time."""
    age = age_html(time)
    return Html(f"{value_html(time)} {age}") if age else value_html(time)


def quality_badge(quality: object) -> Html:
    """Return the label of a quality."""
    return badge(quality, QUALITY_KINDS.get(str(quality), ""))


def facts(pairs: Mapping[str, object], *, caption: str) -> Html:
    """Return a table of names and values; the caption is for screen readers."""
    return rendering.facts_html(pairs, caption=caption, hidden=True)


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    caption: str,
    sortable: bool = False,
) -> Html:
    """Return a table with a head, which scrolls; the caption is for screen readers."""
    return Html(
        f'<div class="xnb-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"{rendering.table_html(heads, rows, caption=caption, hidden=True, sortable=sortable)}"
        "</div>"
    )


def attribute_table(described: pd.DataFrame, values: Values, *, caption: str) -> Html:
    """Return the table of an element's attributes, which are rows of an inventory."""
    columns = (described[name].tolist() for name in ("attribute_name", "access", "data_type"))
    rows = [
        (name, _value_cell(name, access, data_type, values), data_type, access)
        for name, access, data_type in sorted(
            zip(*columns, strict=True), key=lambda row: (_ORDER.get(row[0], 50), row[0])
        )
    ]
    heads = ("Attribute", "Value", "Data type", "Access")
    return table(heads, rows, caption=caption, sortable=True)


def now_html(values: Values, trend: str = "") -> Html:
    """Return the present value of an element on one line: unit, quality, age and trend."""
    value, error = values.get("value", (None, None))
    if error is not None or value is None:
        return Html("")
    if isinstance(value, float):
        value = f"{value:.7g}"  # more digits no one reads faster; the table has them
    parts = [f"<span class='xnb-big'>{escape(with_unit(value, values))}</span>"]
    quality, time = (values.get(name, (None, None))[0] for name in ("quality", "updateTime"))
    if quality is not None:
        parts.append(quality_badge(quality))
    return Html(f"<div class='xnb-now'>{''.join([*parts, age_html(time), trend])}</div>")


def with_unit(value: object, values: Values) -> str:
    """Return a value as a person reads it, with the unit of its element if that has one."""
    return f"{value_text(value)} {_unit(values)}".rstrip()


def _unit(values: Values) -> str:
    unit = values.get("units", ("", None))[0]
    return unit if isinstance(unit, str) else ""


def _value_cell(name: str, access: str, data_type: str, values: Values) -> Html:
    value, error = values.get(name, (None, None))
    value = rendering.with_own_digits(value, data_type)
    if access == "write only":
        error = "cannot be read"
    if error is not None:
        return Html(f'<span class="xnb-dim">{escape(error)}</span>')
    if name == "quality" and value is not None:
        return quality_badge(value)
    if name == "value" and (unit := _unit(values)):
        return quantity_html(value, unit)
    return time_html(value)


def values_of(frame: pd.DataFrame) -> Values:
    """Return value and error by attribute name, from what ``client.read`` gave for an element."""
    errors = [error if isinstance(error, str) else None for error in frame["error"].tolist()]
    pairs = zip(frame["value"].tolist(), errors, strict=True)
    return dict(zip(frame["attribute_name"].tolist(), pairs, strict=True))
