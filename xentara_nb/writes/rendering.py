"""How plans and reports look: as a DataFrame, as text and as HTML."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from xentara_nb.protocol.identifiers import DataType, label
from xentara_nb.protocol.text import quantity, safe
from xentara_nb.tables.frames import make_frame, object_array, string_array, time_array
from xentara_nb.tables.id_arrays import id_array
from xentara_nb.tables.rendering import (
    Html,
    change_text,
    coloured,
    escape,
    frame_text,
    table_html,
    with_own_digits,
    without_missing,
)
from xentara_nb.writes.guards import Guard, Severity
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.planned import TargetAttribute

GUARD_COLUMNS = {guard: f"guard_{guard}" for guard in Guard}
"""The column of each guard in a plan."""

MAX_ROWS = 60
"""How many rows of a table are shown."""

_TEXTS = frozenset(
    {
        *("primary_key", "attribute_name", "data_type", "old_quality", "units", "reason", "error"),
        *GUARD_COLUMNS.values(),
    }
)
_OTHERS: dict[str, Any] = {
    "severity": pd.CategoricalDtype([str(severity) for severity in Severity]),
    "outcome": pd.CategoricalDtype([str(outcome) for outcome in Outcome]),
}
_NUMPY: dict[str, Any] = {"duration": np.float64, "sent": np.bool_}
# The columns that are shown, under shorter names.
_SHOWN = {
    "server": "server",
    "primary_key": "primary_key",
    "attribute_name": "attribute",
    "old_value": "old",
    "value": "new",
    "units": "units",
    "change": "change",
    "read_back": "read back",
    "severity": "severity",
    "outcome": "outcome",
    "reason": "",
    "error": "",
}
KINDS: dict[str, str] = {
    Outcome.APPLIED: "ok",
    Outcome.VERIFIED: "ok",
    Outcome.NOT_READABLE: "warning",
    Outcome.DIFFERS: "error",
    Outcome.REJECTED: "error",
    Outcome.UNKNOWN: "error",
    Outcome.SKIPPED: "",
    Severity.OK: "ok",
    Severity.WARNING: "warning",
    Severity.REFUSED: "error",
}
"""The kind of each outcome and severity, which gives it its colour; the meaning is in the words."""

NO_CHANGE = "no change"
"""What is shown as the change where the new value is the present one."""

NO_POLICY = "no policy: no limits were checked"
"""What is said of a plan that no policy applies to."""

_NO_TIME = int(pd.NaT.value)

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
    if name == "time":
        return time_array([_NO_TIME if value is None else value for value in values])
    if (dtype := _OTHERS.get(name)) is not None:
        return pd.array(values, dtype=dtype)
    if (kind := _NUMPY.get(name)) is not None:
        return np.array(values, dtype=kind)
    if name in ("element_uuid", "attribute_id"):
        return id_array(values)
    return object_array(values)


def target_columns(targets: Iterable[TargetAttribute]) -> dict[str, list[Any]]:
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


def shown_change(old: Any, new: Any, change: Any) -> str | None:
    """Return the change as it is shown: the difference, that there is none, or None.

    The values are those of the table, None where one is not known or does not fit.
    """
    known = old is not None and new is not None
    # A change of 0 also where a Float32 holds fewer digits than were given. What is not the same
    # as itself: NaN, and the time that is never.
    if known and (change == 0 or old == new or (old != old and new != new)):
        return NO_CHANGE
    return None if pd.isna(change) else change_text(change)


def as_shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table of a plan or report with its values and changes as they are shown."""
    shown = {}
    if "change" in frame:
        rows = zip(frame["old_value"], frame["value"], frame["change"], strict=True)
        shown["change"] = object_array([shown_change(*row) for row in rows])
    for name in frame.columns.intersection(["old_value", "value", "read_back"]):
        shown[name] = object_array([*map(with_own_digits, frame[name], frame["data_type"])])
    return frame.assign(**shown)


def counted(kinds: Iterable[str], among: Iterable[str]) -> Title:
    """Return the words of a headline that say how many rows are of each outcome or severity."""
    rows = list(kinds)
    return [(f"{rows.count(kind)} {kind}", kind) for kind in among if kind in rows]


class Shown(ABC):
    """A plan or report, which shows itself as a headline and a table: of many rows the first."""

    @property
    @abstractmethod
    def frame(self) -> pd.DataFrame:
        """Return all of it, a row for each write."""

    @abstractmethod
    def title(self) -> Title:
        """Return the headline."""

    def __repr__(self) -> str:
        head, frame = safe(" ".join(text for text, _ in self.title())), self.frame
        if frame.empty:
            return head
        return "\n".join([head, frame_text(_shown(frame), index=True), *_more(frame)])

    def _repr_html_(self) -> str:
        words = [escape(text) if kind is None else _word(text, kind) for text, kind in self.title()]
        head, frame = f"<p>{' '.join(words)}</p>", self.frame
        if frame.empty:
            return f"<div>{head}</div>"
        shown = _shown(frame)
        rows = (
            [
                Html(f"<b>{row}</b>"),
                *(
                    _word(cell, cell) if name in ("severity", "outcome") else cell
                    for name, cell in zip(shown, cells, strict=True)
                ),
            ]
            for row, *cells in shown.itertuples(name=None)
        )
        more = "".join(f"<p>{text}</p>" for text in _more(frame))
        return f"<div>{head}{table_html(['', *shown], rows)}{more}</div>"


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    shown = as_shown(frame.head(MAX_ROWS))[[name for name in _SHOWN if name in frame]]
    if "units" in shown and shown["units"].isna().all():
        shown = shown.drop(columns="units")
    return without_missing(shown).rename(columns=_SHOWN)


def _more(frame: pd.DataFrame) -> list[str]:
    more = len(frame) - MAX_ROWS
    return [f"… and {quantity(more, 'more row')}"] if more > 0 else []


def _word(text: str, kind: str) -> Html:
    return coloured(text, KINDS[kind])
