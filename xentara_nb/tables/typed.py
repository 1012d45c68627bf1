"""Columns of values in the type that they have: numbers that can be plotted and counted with.

The dtype of a column follows from the data type of its attributes: ``float64`` for both kinds of
floats, ``int64`` or ``uint64`` for integers, ``bool`` for Booleans, ``datetime64[ns, UTC]`` for
time stamps and ``str`` for texts, qualities and categories. Where a value is missing it is
pandas' type with gaps instead: ``Float64``, ``Int64``, ``UInt64`` or ``boolean``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from xentara_nb.protocol.identifiers import DataType, Quality
from xentara_nb.protocol.values import TimePoint
from xentara_nb.tables.frames import categorical, string_array, time_array

Array: TypeAlias = npt.NDArray[Any]

_OBJECT, _TIME = np.dtype(object), np.dtype("datetime64[ns]")
# By the kind of dtype, the type of the values that fit it as they are.
_EXACT: dict[str, type] = {"f": float, "b": bool, "i": int, "u": int}


def storage_dtype(data_type: int | None) -> np.dtype[Any]:
    """Return the dtype of numpy for values of a data type; object for texts and the like."""
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


def column_of(values: Array, data_types: Sequence[int | None]) -> Any:
    """Return a column of objects in the type that they have in common; objects if they have none.

    None is a missing value, and only that. The data types are those of the rows.
    """
    distinct = set(data_types)
    missing = np.fromiter((value is None for value in values), bool, len(values))
    if len(distinct) != 1 or not len(values):
        return values
    (data_type,) = distinct
    dtype = storage_dtype(data_type)
    if is_text(data_type):
        texts = all(value is None or type(value) is str for value in values)
        return string_array(values) if texts else values
    present = values[~missing] if missing.any() else values
    if dtype == _TIME:
        # They are pandas.Timestamp already, and never is NaT.
        if not all(value is pd.NaT or isinstance(value, pd.Timestamp) for value in present):
            return values
        return pd.DatetimeIndex(pd.Series(values, dtype="datetime64[ns, UTC]"))
    expected = _EXACT.get(dtype.kind)
    kinds = set(map(type, present))
    if expected is None or not (
        kinds <= {expected} or (dtype.kind == "f" and kinds <= {int, float})
    ):
        return values
    try:
        numbers = np.zeros(len(values), dtype=dtype)
        numbers[~missing] = present
    except OverflowError:  # more than the data type can hold
        return values
    return typed_array(numbers, missing, data_type)
