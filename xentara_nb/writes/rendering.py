"""How results, plans and reports look, as text and as HTML.

What comes from a server is escaped. Colours are JupyterLab's own where there is one, so that they
fit the light and the dark theme.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import pandas as pd

from xentara_nb.protocol.text import safe, safe_cell
from xentara_nb.tables.frames import object_array
from xentara_nb.writes.guards import Severity
from xentara_nb.writes.outcome import Outcome

MAX_ROWS = 60
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
_LEFT = "style='text-align:left'"

Kind: TypeAlias = Outcome | Severity
"""What has a colour."""


def value_text(value: object) -> str:
    """Return a value in one short line."""
    text = str(value) if isinstance(value, pd.Timestamp) else safe(repr(value))
    return _short(text, 80)


def counted(kinds: Iterable[Kind], among: Iterable[Kind]) -> list[tuple[str, Kind | None]]:
    """Return the words of a headline that say how many rows are of each kind."""
    rows = list(kinds)
    return [(f"{rows.count(kind)} {kind}", kind) for kind in among if kind in rows]


class Table(NamedTuple):
    """A headline, and a table with a coloured column.

    Attributes
    ----------
    title : sequence of (str, Outcome, Severity or None)
        The words of the headline, each with what it is coloured as.
    columns : mapping
        The cells by the name of their column; of a long table the first rows are shown.
    coloured : str
        The column of outcomes or severities.
    """

    title: Sequence[tuple[str, Kind | None]]
    columns: Mapping[str, Sequence[object]]
    coloured: str

    def text(self) -> str:
        """Return it as text."""
        head = safe(" ".join(text for text, _ in self.title))
        frame = pd.DataFrame(
            {
                name: object_array([safe_cell(cell) for cell in cells])
                for name, cells in self.columns.items()
            }
        )
        if not len(frame):
            return head
        return f"{head}\n{frame.to_string(max_rows=MAX_ROWS, max_colwidth=60)}"

    def html(self) -> str:
        """Return it as HTML."""
        head = " ".join(_coloured(text, kind) for text, kind in self.title)
        count = len(self.columns[self.coloured])
        if not count:
            return f"<div><p>{head}</p></div>"
        rows = []
        for number, cells in enumerate(zip(*self.columns.values(), strict=True)):
            if number == MAX_ROWS:
                break
            shown = (
                _coloured(_cell(cell), cell if isinstance(cell, Kind) else None) for cell in cells
            )
            rows.append(
                f"<th>{number}</th>" + "".join(f"<td {_LEFT}>{cell}</td>" for cell in shown)
            )
        names = "".join(f"<th {_LEFT}>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        table = f"<table><thead><tr><th></th>{names}</tr></thead><tbody>{body}</tbody></table>"
        more = f"<p>… and {count - MAX_ROWS} more rows</p>" if count > MAX_ROWS else ""
        return f"<div><p>{head}</p>{table}{more}</div>"


class Facts(NamedTuple):
    """Names and values, one a line.

    Attributes
    ----------
    lines : mapping
        The values by their names.
    kinds : mapping
        The outcome or severity of those lines that are coloured.
    """

    lines: Mapping[str, str]
    kinds: Mapping[str, Kind]

    def text(self) -> str:
        """Return them as text."""
        width = max(map(len, self.lines))
        return "\n".join(f"{name:>{width}}: {safe(text)}" for name, text in self.lines.items())

    def html(self) -> str:
        """Return them as HTML."""
        rows = (
            f"<tr><th {_LEFT}>{html.escape(name)}</th>"
            f"<td {_LEFT}>{_coloured(text, self.kinds.get(name))}</td></tr>"
            for name, text in self.lines.items()
        )
        return f"<table>{''.join(rows)}</table>"


def _coloured(text: str, kind: Kind | None) -> str:
    shown = html.escape(safe(text))
    return shown if kind is None else f"<b style='color:{_COLOURS[kind]}'>{shown}</b>"


def _cell(value: object) -> str:
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return ""
    return _short(str(value), 120)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
