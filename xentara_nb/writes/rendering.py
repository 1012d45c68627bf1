"""How results, plans and reports look, as text and as HTML.

What comes from a server is escaped. Colours are JupyterLab's own where there is one, so that they
fit the light and the dark theme.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from xentara_nb.writes.guards import Severity
from xentara_nb.writes.outcome import Outcome

if TYPE_CHECKING:
    from xentara_nb.writes.results import WriteResult

MOST_ROWS = 60
"""How many rows of a table are shown."""

_RED = "var(--jp-error-color1, #c62828)"
_ORANGE = "var(--jp-warn-color0, #b45309)"
_GREEN = "var(--jp-success-color0, #1b7f37)"
_GREY = "var(--jp-ui-font-color2, #666)"
_COLOURS = {
    Outcome.APPLIED: _GREEN,
    Outcome.VERIFIED: _GREEN,
    Outcome.NOT_READABLE: _ORANGE,
    Outcome.DIFFERS: _RED,
    Outcome.REJECTED: _RED,
    Outcome.UNKNOWN: _RED,
    Outcome.SKIPPED: _GREY,
    Severity.OK: _GREEN,
    Severity.WARNING: _ORANGE,
    Severity.REFUSED: _RED,
}
Title: TypeAlias = Sequence[tuple[str, Outcome | Severity | None]]
"""The words of a headline, each with the outcome or level whose colour it has, or None."""

_LEFT = "style='text-align:left'"


def value_text(value: object) -> str:
    """Return a value in one short line."""
    text = value if isinstance(value, str) else repr(value)
    text = str(value) if isinstance(value, pd.Timestamp) else text
    text = repr(value) if isinstance(value, str) else text
    return text if len(text) <= 80 else f"{text[:79]}…"


def result_rows(result: WriteResult) -> dict[str, str]:
    """Return what a result shows, line by line."""
    rows = {"write to": f"{result.primary_key} ({result.attribute_name})"}
    rows["old value"] = value_text(result.old_value) if result.order.knows_old else "not known"
    rows["new value"] = value_text(result.value)
    read = result.raw_read_back is not None
    rows["read back"] = value_text(result.read_back) if read else "not read"
    rows["outcome"] = f"{result.outcome}: {result.text}"
    if result.time is not None:
        took = "" if result.duration is None else f", answered after {result.duration * 1e3:.1f} ms"
        rows["sent"] = f"{result.time.isoformat(timespec='milliseconds')}{took}"
    return rows


def result_text(result: WriteResult) -> str:
    """Return a result as text, its outcome first."""
    rows = result_rows(result)
    return "\n".join(f"{name:>9}: {text}" for name, text in rows.items())


def result_html(result: WriteResult) -> str:
    """Return a result as HTML."""
    colour = _COLOURS[result.outcome]
    lines = [
        f"<tr><th {_LEFT}>{html.escape(name)}</th>"
        f"<td {_LEFT}>{_value(name, text, colour)}</td></tr>"
        for name, text in result_rows(result).items()
    ]
    return f"<table>{''.join(lines)}</table>"


def _value(name: str, text: str, colour: str) -> str:
    shown = html.escape(text)
    return f"<b style='color:{colour}'>{shown}</b>" if name == "outcome" else shown


def table_text(title: Title, frame: pd.DataFrame) -> str:
    """Return a headline and a table as text."""
    head = " ".join(text for text, _ in title)
    return f"{head}\n{frame.to_string(max_rows=MOST_ROWS, max_colwidth=60)}" if len(frame) else head


def table_html(
    title: Title,
    frame: pd.DataFrame,
    marked: Mapping[str, Sequence[Any]],
) -> str:
    """Return a headline and a table as HTML.

    Parameters
    ----------
    title : sequence of (str, Outcome, Level or None)
        The words of the headline.
    frame : pandas.DataFrame
        The table; of a long one the first rows are shown.
    marked : mapping
        The outcomes or levels of every row, of the columns that have their colours.
    """
    head = " ".join(
        html.escape(text)
        if kind is None
        else f"<b style='color:{_COLOURS[kind]}'>{html.escape(text)}</b>"
        for text, kind in title
    )
    rows = []
    names = list(frame.columns)
    for number, values in enumerate(frame.head(MOST_ROWS).itertuples(index=False)):
        cells = [f"<th>{number}</th>"]
        for name, value in zip(names, values, strict=True):
            text = html.escape(_cell(value))
            if name in marked:
                text = f"<b style='color:{_COLOURS[marked[name][number]]}'>{text}</b>"
            cells.append(f"<td {_LEFT}>{text}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    header = "".join(f"<th {_LEFT}>{html.escape(str(name))}</th>" for name in names)
    more = f"<p>… and {len(frame) - MOST_ROWS} more rows</p>" if len(frame) > MOST_ROWS else ""
    table = (
        f"<table><thead><tr><th></th>{header}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )
    return f"<div><p>{head}</p>{table if rows else ''}{more}</div>"


def _cell(value: object) -> str:
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return ""
    text = str(value)
    return text if len(text) <= 120 else f"{text[:119]}…"
