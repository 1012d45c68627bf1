"""The columns that plans, reports and the journal have in common, each with its dtype."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from xentara_nb.protocol.identifiers import DataType, label
from xentara_nb.tables.frames import make_frame, object_array, string_array, time_array
from xentara_nb.writes.guards import Guard, Severity
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.planned import ResolvedAttribute

NO_TIME = pd.NaT.value
"""In nanoseconds, what pandas takes for no time."""

GUARD_COLUMNS = {guard: f"guard_{guard}" for guard in Guard}
"""The column of each guard in a plan."""

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


def build_frame(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Return a DataFrame, numbered from 0, whose dtypes follow from the names of its columns.

    Values are ``object``, with None where there is none; texts ``str``; times, in nanoseconds,
    ``datetime64[ns, UTC]``; outcomes and severities categoricals with all of their words.

    Examples
    --------
    >>> frame = build_frame({"value": [1, "a"], "outcome": [Outcome.SKIPPED, Outcome.UNKNOWN]})
    >>> frame["outcome"].dtype.name, frame["value"].tolist()
    ('category', [1, 'a'])
    """
    return make_frame({name: _column(name, values) for name, values in columns.items()})


def _column(name: str, values: Sequence[Any]) -> Any:
    if name in _TEXTS:
        return string_array(values)
    if name in ("time", "finished"):
        return time_array(values)
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
