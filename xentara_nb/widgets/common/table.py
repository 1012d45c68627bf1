"""Attributes and their values as HTML, every text of the server escaped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from xentara_nb.widgets.common.style import escape, plain, quality_badge, table

_FIRST = ("value", "quality", "error", "writeError", "deviceState")
_LAST = ("key", "name", "type", "category", "UUID")


def value_text(value: object) -> str:
    """Return a value as a person reads it, on one line.

    Examples
    --------
    >>> value_text(21.5), value_text(True), value_text(None), value_text(pd.NaT)
    ('21.5', 'True', '–', 'never')
    """
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


def attribute_table(
    described: pd.DataFrame, values: Mapping[str, tuple[Any, str | None]], *, caption: str
) -> str:
    """Return the table of an element's attributes.

    Parameters
    ----------
    described : pandas.DataFrame
        The rows of an inventory.
    values : mapping
        Value and error by attribute name, as far as they are read.
    caption : str
        What the table is, for screen readers.
    """
    rows = []
    names, accesses, data_types = (
        described[column].tolist() for column in ("attribute_name", "access", "data_type")
    )
    ordered = sorted(zip(names, accesses, data_types, strict=True), key=lambda row: _order(row[0]))
    for name, access, data_type in ordered:
        value, error = values.get(name, (None, None))
        if access == "write only":
            cell = '<span class="xnb-dim">cannot be read</span>'
        elif error is not None:
            cell = f'<span class="xnb-dim">{escape(error)}</span>'
        elif name == "quality" and value is not None:
            cell = quality_badge(value)
        else:
            cell = f'<span class="xnb-mono">{escape(value_text(value))}</span>'
        rows.append((escape(name), cell, escape(data_type), escape(access)))
    return table(("Attribute", "Value", "Data type", "Access"), rows, caption=caption)


def values_of(frame: pd.DataFrame) -> dict[str, tuple[Any, str | None]]:
    """Return value and error by attribute name, from what ``client.read`` gave for an element."""
    names: Sequence[str] = frame["attribute_name"].tolist()
    errors = [error if isinstance(error, str) else None for error in frame["error"].tolist()]
    return dict(zip(names, zip(frame["value"].tolist(), errors, strict=True), strict=True))


def _order(name: str) -> tuple[int, str]:
    """Return where an attribute stands: what changes first, what an element is at the end."""
    if name in _FIRST:
        return _FIRST.index(name), name
    if name in _LAST:
        return len(_FIRST) + 1 + _LAST.index(name), name
    return len(_FIRST), name
