"""How plans, reports and results look: as a DataFrame, as text and as HTML.

What comes from a server is escaped. Colours are JupyterLab's own where there is one, so that they
fit the light and the dark theme.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd

from xentara_nb.protocol.identifiers import DataType, label
from xentara_nb.protocol.text import safe, safe_lines
from xentara_nb.tables.frames import make_frame, object_array, string_array, time_array
from xentara_nb.writes.guards import Guard, Severity
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.planned import ResolvedAttribute

GUARD_COLUMNS = {guard: f"guard_{guard}" for guard in Guard}
"""The column of each guard in a plan."""

MAX_ROWS = 60
"""How many rows of a table are shown."""

_TEXTS = frozenset(
    {
        *("primary_key", "attribute_name", "data_type", "old_quality", "reason", "error"),
        *("server", "user", "session_user", "account", "computer", "plan", "id"),
        *GUARD_COLUMNS.values(),
    }
)
_OTHERS: dict[str, Any] = {
    "severity": pd.CategoricalDtype([str(severity) for severity in Severity]),
    "outcome": pd.CategoricalDtype([str(outcome) for outcome in Outcome]),
    "duration": "float64",
    "sent": "bool",
    "process": "Int64",
}
# The columns that are shown, under shorter names.
_SHOWN = {
    "primary_key": "primary_key",
    "attribute_name": "attribute",
    "old_value": "old",
    "value": "new",
    "change": "change",
    "read_back": "read back",
    "severity": "severity",
    "outcome": "outcome",
    "reason": "",
    "error": "",
}
_RED = "var(--jp-error-color1, #c62828)"
_ORANGE = "var(--jp-warn-color0, #b45309)"
_GREEN = "var(--jp-success-color0, #1b7f37)"
_GREY = "var(--jp-ui-font-color2, #666)"
_COLOURS: dict[str, str] = {
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
_NO_TIME = int(pd.NaT.value)
_LEFT = "style='text-align:left'"

Title: TypeAlias = list[tuple[str, str | None]]
"""The words of a headline, each with the outcome or severity that it is coloured as."""


def build_frame(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Return a DataFrame, numbered from 0, whose dtypes follow from the names of its columns.

    Values are ``object``; texts ``str``; times, in nanoseconds, ``datetime64[ns, UTC]``; outcomes
    and severities categoricals with all of their words. None stands for what there is not.
    """
    return make_frame({name: _column(name, values) for name, values in columns.items()})


def _column(name: str, values: Sequence[Any]) -> Any:
    if name in _TEXTS:
        return string_array(values)
    if name in ("time", "finished"):
        return time_array([_NO_TIME if value is None else value for value in values])
    if (dtype := _OTHERS.get(name)) is not None:
        return pd.Series(values, dtype=dtype)
    return object_array(values)


def target_columns(targets: Iterable[ResolvedAttribute]) -> dict[str, list[Any]]:
    """Return the columns that say which attributes these are."""
    rows = list(targets)
    infos = [target.info for target in rows]
    return {
        "primary_key": [target.primary_key for target in rows],
        "element_uuid": [target.element_uuid for target in rows],
        "attribute_name": [target.attribute_name for target in rows],
        "attribute_id": [info and info.attribute_id for info in infos],
        "data_type": [info and label(DataType, info.data_type) for info in infos],
    }


def value_text(value: object) -> str:
    """Return a value in one short line."""
    text = str(value) if isinstance(value, pd.Timestamp) else safe(repr(value))
    return _short(text, 80)


def counted(kinds: Iterable[str], among: Iterable[str]) -> Title:
    """Return the words of a headline that say how many rows are of each outcome or severity."""
    rows = list(kinds)
    return [(f"{rows.count(kind)} {kind}", kind) for kind in among if kind in rows]


def table_text(title: Title, frame: pd.DataFrame) -> str:
    """Return a plan or report as text."""
    head = safe(" ".join(text for text, _ in title))
    if frame.empty:
        return head
    # pandas writes the line ends in cells as escapes itself.
    table = _shown(frame).to_string(max_rows=MAX_ROWS, max_colwidth=60)
    return f"{head}\n{safe_lines(table)}"


def table_html(title: Title, frame: pd.DataFrame) -> str:
    """Return a plan or report as HTML, of a long one the first rows."""
    head = " ".join(_coloured(text, kind) for text, kind in title)
    if frame.empty:
        return f"<div><p>{head}</p></div>"
    shown = _shown(frame.head(MAX_ROWS))
    names = "".join(f"<th {_LEFT}>{name}</th>" for name in shown)
    kinds = shown.columns.isin(["outcome", "severity"])
    body = ""
    for number, *cells in shown.itertuples(name=None):
        cells = [
            _coloured(_cell(cell), cell if kind else None)
            for cell, kind in zip(cells, kinds, strict=True)
        ]
        body += f"<tr><th>{number}</th>{''.join(f'<td {_LEFT}>{cell}</td>' for cell in cells)}</tr>"
    table = f"<table><thead><tr><th></th>{names}</tr></thead><tbody>{body}</tbody></table>"
    more = len(frame) - len(shown)
    return f"<div><p>{head}</p>{table}{f'<p>… and {more} more rows</p>' if more else ''}</div>"


def facts_text(facts: Mapping[str, str]) -> str:
    """Return names and values as text, one a line."""
    width = max(map(len, facts))
    return "\n".join(f"{name:>{width}}: {safe(text)}" for name, text in facts.items())


def facts_html(facts: Mapping[str, str], outcome: Outcome) -> str:
    """Return names and values as HTML, the outcome coloured."""
    rows = (
        f"<tr><th {_LEFT}>{html.escape(name)}</th>"
        f"<td {_LEFT}>{_coloured(text, outcome if name == 'outcome' else None)}</td></tr>"
        for name, text in facts.items()
    )
    return f"<table>{''.join(rows)}</table>"


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    shown = frame[[name for name in _SHOWN if name in frame]].rename(columns=_SHOWN)
    return shown.assign(**{"": shown[""].fillna("")})


def _coloured(text: str, kind: str | None) -> str:
    shown = html.escape(safe(text))
    return shown if kind is None else f"<b style='color:{_COLOURS[kind]}'>{shown}</b>"


def _cell(value: object) -> str:
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return ""
    return _short(str(value), 120)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
