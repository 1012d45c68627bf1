"""Tables on the command line: for people, or as JSON lines; and rows from files."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xentara_nb.cli.common import show, table, usable
from xentara_nb.cli.options import UsageError, attribute
from xentara_nb.paths import user_path
from xentara_nb.tables import INVENTORY_COLUMNS

if TYPE_CHECKING:
    import pandas as pd


def show_rows(frame: pd.DataFrame, as_json: bool, columns: Sequence[str] | None = None) -> None:
    """Print a frame: as a table of all or some columns, or all of it as JSON lines."""
    if as_json:
        for line in json_lines(frame):
            show(line)
    else:
        show(table(frame if columns is None else frame[list(columns)]))


def json_lines(frame: pd.DataFrame) -> list[str]:
    """Return each row of a frame as a line of JSON, in ASCII.

    Times are texts in ISO 8601, UUIDs are texts, what is missing is null. JSON has no NaN and no
    infinity: they are the texts ``"nan"``, ``"inf"`` and ``"-inf"``.
    """
    columns: dict[str, list[Any]] = {}
    for name in frame.columns:
        # Among objects a NaN is a value; in a column with a type there is no value there.
        column = frame[name]
        gone = column.isna() & (column.dtype != object)
        columns[str(name)] = [
            None if nothing else to_json(cell) for cell, nothing in zip(column, gone, strict=True)
        ]
    rows = zip(*columns.values(), strict=True)
    return [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]


def to_json(value: object) -> Any:
    """Return a value as JSON can hold it: a number, a Boolean, a text or null."""
    from datetime import datetime

    import numpy as np
    import pandas as pd

    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def read_rows(path: str, *, folder_too: bool = False) -> pd.DataFrame:
    """Read rows that name elements from a file: any that we write, or any CSV that does.

    Or from a folder with a file for each server. Raises UsageError if there are no rows.
    """
    with usable(path):
        if folder_too and user_path(path).is_dir():
            from xentara_nb.fleet.files import read_fleet

            frame = read_fleet(path)
        else:
            frame = _read_file(path)
    if frame.empty:  # as of a filter that found nothing: there would be nothing to do
        raise UsageError(f"{path} has no rows, so it names no element")
    return frame


def _read_file(path: str) -> pd.DataFrame:
    from xentara_nb.tables.files import read_cells, read_inventory, read_table

    is_csv = Path(path).suffix.lower() == ".csv"
    frame = read_cells(path) if is_csv else read_table(path)
    found = set(frame.columns)
    if is_csv and found >= set(INVENTORY_COLUMNS):
        return read_inventory(path)
    if not {"primary_key", "element_uuid"} & found:
        there = ", ".join(map(repr, frame.columns)) or "it is empty"
        raise UsageError(f"{path} has no column primary_key in its first line, but: {there}")
    if is_csv and "attribute_id" in found:
        frame["attribute_id"] = [cell and attribute(cell) for cell in frame["attribute_id"]]
    return frame
