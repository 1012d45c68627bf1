"""Frames of many servers as one, with a column ``server``; and what such a frame is when empty."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import union_categoricals

from xentara_nb.errors import OptionError
from xentara_nb.queries.snapshot import SEARCHED_COLUMNS
from xentara_nb.tables.arrow import from_arrow
from xentara_nb.tables.frames import inventory_frame, make_frame
from xentara_nb.tables.references import are_several, attribute_label, attribute_reference
from xentara_nb.tables.snapshots import STANDARD_COLUMNS, column_name, snapshot_frame
from xentara_nb.tables.values import values_frame
from xentara_nb.tables.xentara_frame import as_xentara

SERVER = "server"
"""The column that says which server a row is of: a categorical with all servers of the fleet."""

_TWO_COLUMNS = f"there are two columns {SERVER}: take one of them out"
_NULLABLE = {
    "float64": pd.Float64Dtype(),
    "int64": pd.Int64Dtype(),
    "uint64": pd.UInt64Dtype(),
    "bool": pd.BooleanDtype(),
}
_NULLABLE_ARRAYS = {"bool": pd.arrays.BooleanArray, "float64": pd.arrays.FloatingArray}


def with_server(frame: pd.DataFrame, server: str, names: Sequence[str]) -> pd.DataFrame:
    """Return a frame with the column ``server`` in front, the data not copied."""
    codes = np.full(len(frame), list(names).index(server), np.int32)
    column = pd.Categorical.from_codes(codes, dtype=server_dtype(names))
    columns = {name: _array(frame[name]) for name in frame.columns if name != SERVER}
    return make_frame({SERVER: column, **columns})


def server_dtype(names: Sequence[str]) -> pd.CategoricalDtype[Any]:
    """Return the dtype of the column ``server``."""
    return pd.CategoricalDtype(pd.Index(list(names), dtype="str"))


def stacked(
    frames: Mapping[str, pd.DataFrame], names: Sequence[str], empty: pd.DataFrame
) -> pd.DataFrame:
    """Return the frames of some servers as one, in the order of the names.

    The frames are taken apart on the way: their columns are let go of one by one, so that at no
    time all of it is in memory twice.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        By server; all have the same columns.
    names : sequence of str
        All servers of the fleet, which are the categories of the column ``server``.
    empty : DataFrame
        What it is when there are no rows at all.
    """
    asked = [name for name in names if name in frames]
    if not asked:
        return as_xentara(empty)
    counts = [len(frames[name]) for name in asked]
    places = [place for place, name in enumerate(names) if name in frames]
    codes = np.repeat(np.array(places, np.int32), counts)
    columns: dict[str, Any] = {
        SERVER: pd.Categorical.from_codes(codes, dtype=server_dtype(names)),
    }
    parts = [
        # Without the note of where it came from, which would be copied for each column.
        {str(column): values for column, values in pd.DataFrame(frames[name]).items()}
        for name in asked
    ]
    if isinstance(frames, dict):
        frames.clear()
    for name in dict.fromkeys(chain.from_iterable(parts)):
        if name != SERVER:
            columns[name] = _concatenated(
                [
                    part.pop(name) if name in part else pd.Series([None] * count, dtype=object)
                    for part, count in zip(parts, counts, strict=True)
                ]
            )
    return make_frame(columns)


def _array(column: pd.Series[Any]) -> Any:
    """Return the values of a column, of numpy's dtypes as an array of numpy."""
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array


def _concatenated(parts: list[pd.Series[Any]]) -> Any:
    """Return columns as one array, no value of which is changed to fit the dtype of another."""
    dtypes = list(dict.fromkeys(each.dtype for each in parts))
    if all(isinstance(each, pd.CategoricalDtype) for each in dtypes):
        return union_categoricals(parts)  # in a tenth of the time that concat takes
    if len(dtypes) > 1:
        filled = [each for each in parts if len(each)]
        if 0 < len(filled) < len(parts):
            return _concatenated(filled)
        parts = _nullable(parts) or [each.astype(object) for each in parts]
    if len(parts) == 1:
        return _array(parts[0]).copy()  # for it may be shared, see protocol.sharing
    # Without sort=False it makes an index of the name of each part, which takes half of the time.
    return _array(pd.concat(parts, ignore_index=True, sort=False))


def _nullable(parts: list[pd.Series[Any]]) -> list[pd.Series[Any]] | None:
    """Return numbers of one kind, of which some have gaps, in the dtype with gaps; else None."""
    wanted = {_NULLABLE.get(str(each.dtype), each.dtype) for each in parts}
    if len(wanted) > 1 or not wanted <= set(_NULLABLE.values()):
        return None
    return [
        each
        if str(each.dtype) not in _NULLABLE
        # With the mask, for a NaN that was read is a value and no gap.
        else pd.Series(
            _NULLABLE_ARRAYS.get(str(each.dtype), pd.arrays.IntegerArray)(
                np.asarray(each), np.zeros(len(each), bool)
            )
        )
        for each in parts
    ]


def empty_frame(command: str, arguments: Mapping[str, Any], names: Sequence[str]) -> pd.DataFrame:
    """Return the frame that a command gives where there is nothing: its exact columns and dtypes.

    Only the column ``value`` of ``read`` has another dtype where all rows have one data type.
    """
    if command == "inventory":
        frame = inventory_frame([])
    elif command == "read":
        frame = values_frame(
            primary_keys=[],
            element_uuids=[],
            attribute_names=[],
            attribute_ids=[],
            data_types=[],
            results=[],
            times=[],
        ).astype({"value": object})
    elif command == "search":
        frame = _empty_snapshot(SEARCHED_COLUMNS).drop(columns=["error", "time"])
    else:
        extra = _attribute_columns(arguments.get("attributes"))
        frame = _empty_snapshot([*STANDARD_COLUMNS, *extra])
    dtype = server_dtype(names)
    return make_frame(
        {
            SERVER: pd.Categorical.from_codes([], dtype=dtype),
            **{name: _array(frame[name]) for name in frame.columns},
        }
    )


def _attribute_columns(attributes: Any) -> list[str]:
    """Return the columns that a snapshot has for attributes that are asked for besides."""
    if attributes is None:
        return []
    wanted = attributes if are_several(attributes) else [attributes]
    labels = [attribute_label(attribute_reference(each)) for each in wanted]
    columns = dict.fromkeys(map(column_name, labels))
    return [name for name in columns if name not in STANDARD_COLUMNS]


def _empty_snapshot(columns: Iterable[str]) -> pd.DataFrame:
    names = list(columns)
    return snapshot_frame(
        primary_keys=[],
        element_uuids=[],
        categories=[],
        values={name: [] for name in names},
        value_infos=[],
        data_types={name: [] for name in names},
        errors=[],
        time=0,
    )


def rows_by_server(given: Any) -> dict[str, Any] | None:
    """Return the rows of each server, in the order of the rows; None where none names a server.

    Rows are a table of any library, a list of dicts, Series or named tuples, or one of these.
    Anything else names no server.

    Raises
    ------
    OptionError
        If a row names no server and others do, or its server is missing; or if it names two.
    """
    given = with_server_column(given)
    if isinstance(given, pd.DataFrame):
        return by_server(given) if SERVER in given.columns else None
    if len(fields_of(given)):
        rows = [given]
    else:
        rows = list(given) if are_several(given) and not isinstance(given, Mapping) else []
    named = [_server_in(row) for row in rows]
    if not any(name is not None for name in named):
        return None
    found: dict[str, Any] = {}
    for name, row in zip(named, rows, strict=True):
        if not name:
            raise OptionError("a row names no server, though its list is one of rows with servers")
        found.setdefault(name, []).append(row)
    return found


def _server_in(row: Any) -> str | None:
    """Return the server that a row names, empty if it is missing; None if there is no such cell."""
    if SERVER not in fields_of(row):
        return None
    server = getattr(row, SERVER) if isinstance(row, tuple) else row[SERVER]
    return "" if pd.isna(server) is True else str(server)


def fields_of(row: Any) -> Collection[Any]:
    """Return what a row that names an element has; nothing if this is no such row."""
    names: Collection[Any] = ()
    if isinstance(row, Mapping | pd.Series):
        names = row.keys()
    elif isinstance(row, tuple):
        names = getattr(row, "_fields", ())
    return names if "primary_key" in names or "element_uuid" in names else ()


def with_server_column(given: Any) -> Any:
    """Return a table of any library as a DataFrame, its servers in a column and not the index.

    Anything else is returned as it is. Raises an OptionError as :func:`by_server`.
    """
    given = from_arrow(given)
    if isinstance(given, pd.DataFrame) and SERVER in given.index.names:
        if SERVER in given.columns:
            raise OptionError(_TWO_COLUMNS)
        return given.reset_index(SERVER)
    return given


def by_server(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each server, without the column ``server``, in the order of the rows.

    Raises
    ------
    OptionError
        If a row names no server, or two.
    """
    codes, names = servers_of(frame)
    rest = frame.drop(columns=SERVER)
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    parts = np.split(order, ends[:-1])  # one without rows where there are no servers
    return {
        name: rest.iloc[rows].reset_index(drop=True)
        for name, rows in zip(names, parts, strict=False)
    }


def rows_of(frame: pd.DataFrame, servers: Iterable[str]) -> pd.DataFrame:
    """Return the rows of some servers; raises as :func:`by_server`."""
    codes, names = servers_of(frame)
    wanted = set(servers)
    return frame[np.array([name in wanted for name in names], bool)[codes]]


def servers_of(frame: pd.DataFrame) -> tuple[npt.NDArray[np.intp], list[str]]:
    """Return the servers that rows are of, in the order of the rows, and each row's place in it.

    Raises an OptionError as :func:`by_server` does.
    """
    if list(frame.columns).count(SERVER) != 1:
        raise OptionError(_TWO_COLUMNS)
    codes, found = pd.factorize(frame[SERVER])
    if (codes < 0).any():
        raise OptionError("a row names no server: its column server is empty")
    # A name may be a number in a file, and the same one a text in other rows.
    same, names = pd.factorize(np.array([str(each) for each in found], object))
    return same[codes], list(names)
