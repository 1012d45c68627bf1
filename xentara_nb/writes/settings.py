"""Settings: the writable values of a plant, kept in a file, and a plan back to them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from xentara_nb.connection.deadline import check_timeout
from xentara_nb.errors import OptionError, WriteRefusedError
from xentara_nb.protocol.identifiers import Access, DataType
from xentara_nb.protocol.text import listed, quantity
from xentara_nb.protocol.values import TimePoint
from xentara_nb.tables.files import as_written
from xentara_nb.tables.frames import doubled_column
from xentara_nb.tables.spreadsheets import is_missing
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.plan import WritePlan, make_plan
from xentara_nb.writes.planned import PlannedWrite
from xentara_nb.writes.read_back import same_value
from xentara_nb.writes.requests import write_requests

_WRITE_ONLY = "write only: its value cannot be read"

_NAMES = ["primary_key", "element_uuid", "attribute_name", "attribute_id", "data_type"]

# The data types of values that can be read and not sent, with any access of the attribute.
_NO_FORM = {each.label for each in (DataType.CUSTOM, DataType.ERROR_CODE, DataType.NONE)}


class SettingsWarning(UserWarning):
    """Some values are not restored; the message says which and why."""


def take_settings(
    read: Callable[[pd.DataFrame], pd.DataFrame], rows: pd.DataFrame, observe: float
) -> pd.DataFrame:
    """Read the writable rows of an inventory, and see which of the values move by themselves."""
    if not isinstance(rows, pd.DataFrame):
        raise OptionError(
            f"settings are of rows of an inventory, not of the type {type(rows).__name__}: "
            "take client[key] for those of one element, or filter client.inventory()"
        )
    missing = set(_NAMES) - set(rows.columns)
    if missing:
        raise OptionError(
            f"these are no rows of an inventory: there is no column {', '.join(sorted(missing))}; "
            "choose rows of it rather than columns"
        )
    rows = rows.xentara.writable()
    readable = rows[rows["access"] != Access.WRITE_ONLY.label]
    values = read(readable)
    # What moves while no one writes is no setting.
    moving = [False] * len(values)
    if observe and len(values):
        time.sleep(check_timeout(observe))
        pairs = zip(values["value"].tolist(), read(readable)["value"].tolist(), strict=True)
        moving = [_moves(first, second) for first, second in pairs]
    values.insert(4, "data_type", readable["data_type"].array)
    values.insert(6, "moving", np.array(moving, dtype=bool))
    silent = rows[rows["access"] == Access.WRITE_ONLY.label]
    if silent.empty:
        return values
    others = silent[_NAMES].assign(
        value=None, moving=False, error=_WRITE_ONLY, time=values["time"].max()
    )
    others = others.astype({"value": object, "error": values["error"].dtype})
    both = pd.concat([values.astype({"value": object}), others], ignore_index=True)
    both["time"] = pd.to_datetime(both["time"], utc=True).dt.as_unit("ns")
    return both


def _moves(first: Any, second: Any) -> bool:
    if is_missing(first) or is_missing(second):
        return is_missing(first) != is_missing(second)
    return bool(first != second)


def plan_settings(
    context: WriteContext, settings: pd.DataFrame, *, tolerance: float = 0.0
) -> WritePlan:
    """Return the plan to write back the settings that are other ones now."""
    settings = as_written(settings)
    missing = {"primary_key", "element_uuid", "attribute_id", "value"} - set(settings.columns)
    if missing:
        raise WriteRefusedError(
            f"these are no settings: there is no column {', '.join(sorted(missing))}; keep them "
            "with client.save_settings(path)"
        )
    if (name := doubled_column(settings, settings.columns)) is not None:
        raise WriteRefusedError(f"these settings have two columns {name!r}: take one of them out")
    left_out = _left_out(settings)
    if left_out:
        count = quantity(len(left_out), "value is", "values are")
        reasons = listed(left_out.values(), separator="; ")
        warnings.warn(f"{count} not restored: {reasons}", SettingsWarning, stacklevel=3)
    chosen = settings.iloc[[row for row in range(len(settings)) if row not in left_out]]
    return make_plan(
        context,
        write_requests(chosen),
        is_needless=lambda planned: _is_there(planned, tolerance),
    )


def _left_out(settings: pd.DataFrame) -> dict[int, str]:
    """Return the rows that cannot be restored, each with its key and why."""
    nothing: list[Any] = [None] * len(settings)
    columns: list[Sequence[Any]] = [
        settings[name].tolist() if name in settings.columns else nothing
        for name in ("primary_key", "attribute_name", "data_type", "value", "moving", "error")
    ]
    found = {}
    for row, (key, name, kind, value, moving, error) in enumerate(zip(*columns, strict=True)):
        named = f"{key} ({name})" if isinstance(name, str) and name != "value" else key
        if isinstance(error, list) or not pd.isna(error):
            found[row] = f"{named}: {error}"
        elif moving is True:
            found[row] = f"{named}: the plant moves it by itself"
        elif value is None or value is pd.NA:
            found[row] = f"{named}: no value was kept"
        elif isinstance(kind, str) and kind in _NO_FORM:
            found[row] = f"{named}: the protocol has no form for values of the data type {kind}"
    return found


def _is_there(planned: PlannedWrite, tolerance: float) -> bool:
    info, error = planned.target.info, planned.target.error
    if info is None or error is not None or not planned.knows_old:
        return False
    if planned.new is None:
        # As a value to write these two are refused, for they may stand for a missing one.
        kept, old = planned.request.value, planned.old
        if kept is pd.NaT:
            return bool(old == TimePoint.NEVER)
        return isinstance(kept, float) and isinstance(old, float) and kept != kept and old != old
    return same_value(planned.new, planned.old, info.data_type, tolerance)
