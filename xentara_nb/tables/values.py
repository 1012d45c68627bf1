"""Columns of values in the type that they have: numbers that can be plotted and counted with.

The dtype of a column follows from the data type of its attributes: ``float64`` for both kinds of
floats, ``int64`` or ``uint64`` for integers, ``bool`` for Booleans, ``datetime64[ns, UTC]`` for
time stamps and ``str`` for texts, qualities and categories. Where a value is missing it is
pandas' type with gaps instead: ``Float64``, ``Int64``, ``UInt64`` or ``boolean``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from xentara_nb.protocol.errors import XentaraError
from xentara_nb.protocol.identifiers import DataType, Quality
from xentara_nb.protocol.values import AttributeId, TimePoint
from xentara_nb.tables.frames import (
    WORDED_IDS,
    WORDED_TYPES,
    categorical,
    error_text,
    make_frame,
    no_texts,
    object_array,
    string_array,
    time_array,
    to_display,
)
from xentara_nb.tables.id_arrays import IdArray, id_array

Array: TypeAlias = npt.NDArray[Any]
_V = TypeVar("_V")

_OBJECT, _TIME = np.dtype(object), np.dtype("datetime64[ns]")
# By the kind of dtype, the type of the values that fit it as they are.
_EXACT: dict[str, type] = {"f": float, "b": bool, "i": int, "u": int}
_FEW = 64  # rows
_SHOWN_AS_THEY_ARE = frozenset({bool, float, int, str})
_BY_TYPE: dict[type, DataType] = {
    float: DataType.FLOAT_64,
    bool: DataType.BOOLEAN,
    str: DataType.STRING,
    pd.Timestamp: DataType.TIME_POINT,
}


def values_frame(
    *,
    primary_keys: Sequence[str | None] | ExtensionArray,
    element_uuids: Sequence[UUID] | IdArray,
    attribute_names: Sequence[str | None] | ExtensionArray,
    attribute_ids: Sequence[AttributeId] | IdArray,
    data_types: Sequence[int | None],
    results: Sequence[object],
    times: Sequence[int] | npt.NDArray[np.int64],
) -> pd.DataFrame:
    """Return the answer to read: one row per attribute, in the order given.

    A result is a value or the error that came in its place; a time is in nanoseconds since 1970.
    Columns of another frame are copied.
    """
    if len(data_types) != len(results):
        raise ValueError("the data types of values differ from these in their length")
    kinds = set(map(type, results))
    worded = _worded(data_types, attribute_ids)
    errors = no_texts(len(results))
    values: Sequence[Any] | Array = results
    if len(worded) or not kinds <= _SHOWN_AS_THEY_ARE:
        values = shown = object_array(results)
        errors = _to_columns(shown)
        _show_words(shown, worded, data_types, attribute_ids)
    return make_frame(
        {
            "primary_key": string_array(primary_keys),
            "element_uuid": _ids(element_uuids),
            "attribute_name": string_array(attribute_names),
            "attribute_id": _ids(attribute_ids),
            "value": column_of(values, data_types),
            "error": errors,
            "time": time_array(times),
        }
    )


def _to_columns(values: Array) -> Any:
    """Return the errors among values, which become None; make times of time stamps."""
    numbers = {each: number for number, each in enumerate(dict.fromkeys(map(type, values)))}
    of_kind = np.fromiter(map(numbers.__getitem__, map(type, values)), np.intp, len(values))
    errors = no_texts(len(values))
    for kind, number in numbers.items():
        if issubclass(kind, XentaraError):
            rows = np.flatnonzero(of_kind == number)
            errors[rows] = [error_text(each) for each in values[rows]]
            values[rows] = None
    # All time stamps together take a third of the time; and many elements have the same.
    if TimePoint in numbers:
        rows = np.flatnonzero(of_kind == numbers[TimePoint])
        nanoseconds = np.fromiter((value.nanoseconds for value in values[rows]), np.int64)
        distinct, places = np.unique(nanoseconds, return_inverse=True)
        values[rows] = np.asarray(time_array(distinct), np.object_)[places]
    return errors


def _ids(ids: Sequence[int | UUID] | IdArray) -> IdArray:
    # A few rows of a large table do not keep all of it.
    return ids.compact().copy() if isinstance(ids, IdArray) else id_array(ids)


def _distinct(values: Sequence[_V]) -> list[_V]:
    """Return each object once: hashing all ids and data types takes longer than all the rest."""
    # Mostly all are the same, which a list finds out at once; and that they are not, as well.
    if isinstance(values, list) and values == values[:1] * len(values):
        return values[:1]
    return list(dict(zip(map(id, values), values, strict=True)).values())


def _worded(
    data_types: Sequence[int | None], attribute_ids: Sequence[AttributeId] | IdArray
) -> npt.NDArray[np.intp]:
    """Return the rows whose values may be shown in the manual's words; see :func:`to_display`."""
    found = np.zeros(len(data_types), bool)
    if isinstance(attribute_ids, IdArray):
        codes, table = attribute_ids.codes, attribute_ids.table
        # For a few rows, pandas takes longer than for all the rest.
        used = set(codes.tolist()) if len(codes) <= _FEW else pd.unique(codes).tolist()
        if worded := [code for code in used if code >= 0 and table[code] in WORDED_IDS]:
            found |= np.isin(codes, worded)
    else:
        worded_ids = {id(each) for each in _distinct(attribute_ids) if each in WORDED_IDS}
        if worded_ids:
            there = map(worded_ids.__contains__, map(id, attribute_ids))
            found |= np.fromiter(there, bool, len(found))
    worded_types = {id(each) for each in _distinct(data_types) if each in WORDED_TYPES}
    if worded_types:
        there = map(worded_types.__contains__, map(id, data_types))
        found |= np.fromiter(there, bool, len(found))
    return np.flatnonzero(found)


def _show_words(
    values: Array,
    rows: npt.NDArray[np.intp],
    data_types: Sequence[int | None],
    attribute_ids: Sequence[AttributeId] | IdArray,
) -> None:
    """Show some of the values in the manual's words; of equal ones, this is found out once."""
    ids = (
        attribute_ids[rows].tolist()
        if isinstance(attribute_ids, IdArray)
        else [attribute_ids[row] for row in rows]
    )
    known: dict[tuple[type, object, int | None, int], object] = {}
    for row, attribute_id in zip(rows.tolist(), ids, strict=True):
        value = values[row]
        if type(value) is int or type(value) is str:
            key = type(value), value, data_types[row], id(attribute_id)
            if key not in known:
                known[key] = to_display(value, data_types[row], attribute_id)
            values[row] = known[key]


def storage_dtype(data_type: int | None) -> np.dtype[Any]:
    """Return the dtype of numpy for values of a data type; object where numpy has none."""
    known = _known(data_type)
    if known is None:
        return _OBJECT
    if known.is_float:
        return np.dtype(np.float64)
    if known.integer_range is not None:
        return np.dtype(np.uint64 if known is DataType.UNSIGNED_INTEGER_64 else np.int64)
    others = {
        DataType.BOOLEAN: np.dtype(bool),
        DataType.TIME_POINT: _TIME,
        DataType.QUALITY: np.dtype(np.int8),
    }
    return others.get(known, _OBJECT)


def _common_type(kinds: set[type], values: Sequence[Any] | Array) -> DataType | None:
    """Return the data type of values that have one type, where the server has not said it."""
    if kinds == {int}:
        large = max(value for value in values if value is not None) >= 1 << 63
        return DataType.UNSIGNED_INTEGER_64 if large else DataType.SIGNED_INTEGER_64
    return next((each for kind, each in _BY_TYPE.items() if kinds == {kind}), None)


def _known(data_type: int | None) -> DataType | None:
    try:
        return DataType(data_type)  # type: ignore[arg-type]  # None raises too
    except ValueError:
        return None


def is_text(data_type: int | None) -> bool:
    """Return whether values of a data type are shown as texts."""
    known = _known(data_type)
    words = (DataType.QUALITY, DataType.ELEMENT_CATEGORY)
    return known is not None and (known in words or known.is_text)


def typed_array(values: Array, missing: Array, data_type: int | None, *, gaps: bool = False) -> Any:
    """Return a column of values that numpy holds in the dtype of :func:`storage_dtype`.

    Where ``missing`` is true the value is missing. With ``gaps``, the dtype is the one with gaps
    also where there are none, and of floats ``float64``, whose gaps are NaN.
    """
    kind = values.dtype.kind
    some = bool(missing.any())
    if kind == "M":
        nanoseconds = values.view(np.int64).copy()
        nanoseconds[missing] = TimePoint.NEVER.nanoseconds  # the number that pandas has for NaT
        return time_array(nanoseconds)
    if values.dtype == np.int8:
        words = np.asarray(categorical(Quality, values.tolist()), dtype=object)
        words[missing] = None
        return string_array(words)
    if kind == "f" and gaps:
        return np.where(missing, np.nan, values)
    if kind in "fbiu" and (some or gaps):
        wrapped = {
            "f": pd.arrays.FloatingArray,
            "b": pd.arrays.BooleanArray,
            "i": pd.arrays.IntegerArray,
            "u": pd.arrays.IntegerArray,
        }
        return wrapped[kind](values, missing)
    if kind == "O":
        found = values.copy()
        found[missing] = None
        texts = all(value is None or type(value) is str for value in found)
        return string_array(found) if texts and is_text(data_type) else found
    return values


def column_of(values: Sequence[Any] | Array, data_types: Sequence[int | None]) -> Any:
    """Return a column of objects in the type that they have in common; objects if they have none.

    None is a missing value, and only that. The data types are those of the rows.
    """
    distinct = set(_distinct(data_types))
    if len(distinct) != 1 or not len(values):
        return object_array(values)
    (data_type,) = distinct
    kinds = set(map(type, values))
    if data_type is None:
        data_type = _common_type(kinds - {type(None)}, values)
    if is_text(data_type):
        return string_array(values) if kinds <= {str, type(None)} else object_array(values)
    dtype = storage_dtype(data_type)
    if dtype == _TIME:  # they are pandas.Timestamp already, and never is NaT
        times = kinds <= {pd.Timestamp, type(pd.NaT), type(None)}
        held = object_array(values)
        return pd.array(held, dtype="datetime64[ns, UTC]") if times else held
    expected = _EXACT.get(dtype.kind)
    exact = {expected, type(None)} | ({int} if expected is float else set())
    if expected is None or not kinds <= exact:
        return object_array(values)
    try:
        if type(None) not in kinds:
            return np.fromiter(values, dtype, len(values))
        held = object_array(values)
        missing = np.fromiter((value is None for value in values), bool, len(values))
        numbers = np.zeros(len(values), dtype=dtype)
        numbers[~missing] = held[~missing]
    except OverflowError:  # more than the data type can hold
        return object_array(values)
    return typed_array(numbers, missing, data_type)
