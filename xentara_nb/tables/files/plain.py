"""Tables that plain pandas can write: with plain columns, or with those that one writer takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias
from uuid import UUID

import numpy as np
import pandas as pd

from xentara_nb.errors import InventoryFileError, OptionError
from xentara_nb.tables.files.binary import check_sheet_texts
from xentara_nb.tables.files.cells import MAX_SHEET_INTEGER, TableError
from xentara_nb.tables.files.typed import fit_int64, retyped, to_typed
from xentara_nb.tables.frames import object_array
from xentara_nb.tables.id_arrays import IdDtype

Axis: TypeAlias = Literal[0, 1]
Writer: TypeAlias = Literal["excel", "json", "parquet", "sql"]


def plain_table(frame: pd.DataFrame, writer: Writer | None = None) -> pd.DataFrame:
    """Return a table with plain columns; see :meth:`XentaraAccessor.plain`."""
    try:
        return _all_plain(frame) if writer is None else _plain_for(frame, writer)
    except TableError as fault:
        raise InventoryFileError(str(fault)) from None


def _all_plain(frame: pd.DataFrame) -> pd.DataFrame:
    samples = "time" in frame.index.names
    columns = to_typed(frame if samples else frame.reset_index(drop=True), ".parquet").columns
    series = {name: pd.Series(cells) for name, cells in columns.items()}
    found = {
        name: each.dt.tz_convert("UTC").dt.tz_localize(None) if _has_zone(each) else each
        for name, each in series.items()
    }
    plain = pd.DataFrame(
        {name: each.array for name, each in found.items()}, index=None if samples else frame.index
    )
    return plain.set_index("time") if samples else plain


def _plain_for(frame: pd.DataFrame, writer: Writer) -> pd.DataFrame:
    """Return a table with what a writer of pandas refuses made plain, and all else as it is."""
    if writer not in _REFUSED:
        raise OptionError(f"writer is {', '.join(map(repr, _REFUSED))} or None, not {writer!r}")
    if writer == "excel":
        check_sheet_texts(frame)
        frame = _without_zones(frame)
    elif writer == "parquet":
        # pandas could not read what pyarrow notes of another dtype of the names of columns.
        frame = _with_index(frame, _ids_as_texts, axis=1)
    elif writer == "sql":
        frame = _with_index(frame, _ids_as_texts)
    if not _refused(frame, writer):
        return frame
    if not (frame.columns.is_unique and all(isinstance(name, str) for name in frame.columns)):
        return _without_types(frame, writer)
    # Cells of Excel and JSON have types: there numbers stay numbers among texts.
    ending = ".parquet" if writer in ("parquet", "sql") else ".json"
    frame = retyped(frame).copy(deep=False)
    for name in [str(frame.columns[at]) for at in _refused(frame, writer)]:
        rows = pd.DataFrame({name: frame[name].array})
        (_, cells), *types = to_typed(rows, ending).columns.items()
        if writer == "excel":
            cells = [str(each) if _is_long(each) else each for each in cells]
        frame[name] = pd.Series(cells, dtype=object if ending == ".json" else None).array
        for beside, words in types:
            frame.insert(frame.columns.tolist().index(name) + 1, beside, pd.Series(words).array)
    return frame


def _refused(frame: pd.DataFrame, writer: Writer) -> list[int]:
    """Return the places of the columns that a writer of pandas refuses."""
    return [at for at, (_, column) in enumerate(frame.items()) if _REFUSED[writer](column)]


def _without_types(frame: pd.DataFrame, writer: Writer) -> pd.DataFrame:
    """Do what can be done where no column can be put beside another that says what is in it."""
    simple = _SIMPLE.get(writer)
    if simple is None:
        return frame
    frame = frame.copy(deep=False)
    for at in _refused(frame, writer):
        frame.isetitem(at, object_array([simple(each) for each in frame.iloc[:, at].array]))
    return frame


def _without_zones(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its times in UTC, without a time zone."""
    frame = _with_index(_with_index(frame, _index_without_zone), _index_without_zone, axis=1)
    zoned = [at for at, dtype in enumerate(frame.dtypes) if isinstance(dtype, pd.DatetimeTZDtype)]
    if zoned:
        frame = frame.copy(deep=False)
        for at in zoned:
            frame.isetitem(at, frame.iloc[:, at].dt.tz_convert("UTC").dt.tz_localize(None))
    return frame


def _with_index(
    frame: pd.DataFrame, change: Callable[[pd.Index[Any]], pd.Index[Any]], axis: Axis = 0
) -> pd.DataFrame:
    """Return a table with an index that was changed, level by level where it has several."""
    index: Any = frame.axes[axis]
    if isinstance(index, pd.MultiIndex):
        levels: Any = [change(level) for level in index.levels]
        changed: Any = index.set_levels(levels, verify_integrity=False)
    else:
        changed = change(index)
    return frame if changed is index else frame.set_axis(changed, axis=axis)


def _index_without_zone(index: pd.Index[Any]) -> pd.Index[Any]:
    if isinstance(index, pd.DatetimeIndex) and index.tz is not None:
        return index.tz_convert("UTC").tz_localize(None)
    return index


def _ids_as_texts(index: pd.Index[Any]) -> pd.Index[Any]:
    return index.astype("str") if isinstance(index.dtype, IdDtype) else index


def _has_zone(column: pd.Series[Any]) -> bool:
    return isinstance(column.dtype, pd.DatetimeTZDtype)


def _types(column: pd.Series[Any]) -> set[type]:
    """Return the types of the values of a column of objects.

    There are none in another one; and in one with anything that no server sends, such as dates,
    for that is left to pandas.
    """
    types = set(map(type, column.array)) if column.dtype == object else set()
    types -= {type(None), type(pd.NA)}
    return types if types <= _OF_SERVERS else set()


def _has_zones(column: pd.Series[Any]) -> bool:
    """Return whether there are times with a time zone in a column of objects."""
    return pd.Timestamp in _types(column) and any(_is_zoned(each) for each in column.array)


def _is_zoned(cell: object) -> bool:
    return isinstance(cell, pd.Timestamp) and cell.tz is not None


def _is_long(cell: object) -> bool:
    """Return whether a cell is a whole number of which Excel would lose digits."""
    return type(cell) is int and abs(cell) > MAX_SHEET_INTEGER


def _refused_by_parquet(column: pd.Series[Any]) -> bool:
    types = _types(column)
    # Of times among objects, pyarrow drops the nanoseconds.
    alone = types == {pd.Timestamp} or (types == {int} and not fit_int64(column.dropna().tolist()))
    return len(types) > 1 or alone


def _refused_by_database(column: pd.Series[Any]) -> bool:
    if isinstance(column.dtype, IdDtype):
        return UUID in set(map(type, column.unique()))
    types = _types(column)
    return len(types) > 1 or not types <= {str, int, float, bool}


_NUMBERS = {np.dtype(each).type for each in "?bhilqBHILQefd"}
_OF_SERVERS = {bool, int, float, str, UUID, pd.Timestamp, type(pd.NaT)} | _NUMBERS

_REFUSED: Mapping[str, Callable[[pd.Series[Any]], bool]] = {
    "excel": _has_zones,
    "json": lambda column: UUID in _types(column),
    "parquet": _refused_by_parquet,
    "sql": _refused_by_database,
}

_SIMPLE: Mapping[str, Callable[[Any], Any]] = {
    "excel": lambda cell: cell.tz_convert("UTC").tz_localize(None) if _is_zoned(cell) else cell,
    "json": lambda cell: str(cell) if isinstance(cell, UUID) else cell,
}
