"""Columns of values in the type that they have: numbers that can be plotted and counted with.

The dtype of a column follows from the data type of its attributes: ``float64`` for both kinds of
floats, ``int64`` or ``uint64`` for integers, ``bool`` for Booleans, ``datetime64[ns, UTC]`` for
time stamps and ``str`` for texts, qualities and categories. Where a value is missing it is
pandas' type with gaps instead: ``Float64``, ``Int64``, ``UInt64`` or ``boolean``.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Self, TypeAlias
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
    time_view,
    to_display,
)
from xentara_nb.tables.id_arrays import IdArray, id_array

Array: TypeAlias = npt.NDArray[Any]

_OBJECT, _TIME = np.dtype(object), np.dtype("datetime64[ns]")
# By the kind of dtype, the type of the values that fit it as they are.
_EXACT: dict[str, type] = {"f": float, "b": bool, "i": int, "u": int}
_FEW = 64  # rows
_WORDED = frozenset({int, str})  # the types of the values that may be shown in words
_NO_ROWS = np.zeros(0, np.intp)
_nanoseconds = attrgetter("nanoseconds")
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
    ids = _ids(attribute_ids)
    worded = _worded(data_types, ids) if kinds & _WORDED else _NO_ROWS
    errors = no_texts(len(results))
    values: Sequence[Any] | Array = results
    if len(worded) or not kinds <= _SHOWN_AS_THEY_ARE:
        values = shown = object_array(results)
        errors = _to_columns(shown, results, kinds)
        _show_words(shown, worded, data_types, ids)
    columns = primary_keys, element_uuids, attribute_names
    return _frame(*columns, ids, column_of(values, data_types), errors, time_array(times))


def _frame(
    primary_keys: Sequence[str | None] | ExtensionArray,
    element_uuids: Sequence[UUID] | IdArray,
    attribute_names: Sequence[str | None] | ExtensionArray,
    attribute_ids: IdArray,
    values: Any,
    errors: ExtensionArray,
    times: ExtensionArray,
) -> pd.DataFrame:
    return make_frame(
        {
            "primary_key": string_array(primary_keys),
            "element_uuid": _ids(element_uuids),
            "attribute_name": string_array(attribute_names),
            "attribute_id": attribute_ids,
            "value": values,
            "error": errors,
            "time": times,
        }
    )


class ValuesAhead:
    """The frame of a few numbers or Booleans, made before they are there.

    To make a frame takes as long as a server needs for its answer, which can be waited for
    meanwhile.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame.
    values, nanoseconds : numpy.ndarray
        The memory of its columns ``value`` and ``time``.
    """

    def __init__(
        self, frame: pd.DataFrame, values: Array, nanoseconds: npt.NDArray[np.int64]
    ) -> None:
        self.frame, self._values, self._nanoseconds = frame, values, nanoseconds

    @classmethod
    def of(
        cls,
        primary_keys: ExtensionArray,
        element_uuids: IdArray,
        attribute_names: ExtensionArray,
        attribute_ids: IdArray,
        data_types: Sequence[int | None],
    ) -> Self | None:
        """Return the frame of some rows; None if what is in it depends on more than the values."""
        if not 0 < len(data_types) <= _FEW or len(set(data_types)) != 1:
            return None
        dtype, ids = storage_dtype(data_types[0]), _ids(attribute_ids)
        if dtype.kind not in _EXACT or len(_worded(data_types, ids)):
            return None
        values, nanoseconds = np.zeros(len(ids), dtype), np.zeros(len(ids), np.int64)
        frame = _frame(
            *(primary_keys, element_uuids, attribute_names, ids),
            *(values, no_texts(len(ids)), time_view(nanoseconds)),
        )
        return cls(frame, values, nanoseconds)

    def filled(self, results: Sequence[object], time: int) -> bool:
        """Put the values into the frame, if they are just of its data type; return whether.

        Then it is what :func:`values_frame` would return.
        """
        values: Any = results
        if set(map(type, results)) != {_EXACT[self._values.dtype.kind]}:
            return False
        try:
            self._values[:] = np.fromiter(values, self._values.dtype, len(self._values))
        except OverflowError:  # more than the data type can hold
            return False
        self._nanoseconds[:] = time
        return True


def _to_columns(values: Array, results: Sequence[object], kinds: set[type]) -> Any:
    """Return the errors among results, which become None in an array; make times of time stamps."""
    numbers = {each: number for number, each in enumerate(kinds)}
    of_kind = np.fromiter(map(numbers.__getitem__, map(type, results)), np.intp, len(results))
    errors = no_texts(len(values))
    for kind, number in numbers.items():
        if issubclass(kind, XentaraError):
            rows = np.flatnonzero(of_kind == number)
            errors[rows] = [error_text(each) for each in values[rows]]
            values[rows] = None
    # All time stamps together take a third of the time; and many elements have the same.
    if TimePoint in numbers:
        rows = np.flatnonzero(of_kind == numbers[TimePoint])
        nanoseconds = np.fromiter(map(_nanoseconds, values[rows].tolist()), np.int64, len(rows))
        distinct, places = np.unique(nanoseconds, return_inverse=True)
        values[rows] = np.asarray(time_array(distinct), np.object_)[places]
    return errors


def _ids(ids: Sequence[int | UUID] | IdArray) -> IdArray:
    # A few rows of a large table do not keep all of it.
    return ids.compact().copy() if isinstance(ids, IdArray) else id_array(ids)


def _worded(data_types: Sequence[int | None], attribute_ids: IdArray) -> npt.NDArray[np.intp]:
    """Return the rows whose values may be shown in the manual's words; see :func:`to_display`."""
    codes, table = attribute_ids.codes, attribute_ids.table
    found = np.zeros(len(codes), bool)
    # For a few rows, pandas takes longer than for all the rest.
    used = set(codes.tolist()) if len(codes) <= _FEW else pd.unique(codes).tolist()
    if worded := [code for code in used if code >= 0 and table[code] in WORDED_IDS]:
        found |= np.isin(codes, worded)
    if not WORDED_TYPES.isdisjoint(data_types):
        found |= np.fromiter(map(WORDED_TYPES.__contains__, data_types), bool, len(found))
    return np.flatnonzero(found)


def _show_words(
    values: Array,
    rows: npt.NDArray[np.intp],
    data_types: Sequence[int | None],
    attribute_ids: IdArray,
) -> None:
    """Show some of the values in the manual's words; of equal ones, this is found out once."""
    there = np.fromiter(map(_WORDED.__contains__, map(type, values[rows])), bool, len(rows))
    rows = rows[there]
    held, ids = values[rows].tolist(), attribute_ids[rows].tolist()
    types = [data_types[row] for row in rows.tolist()]
    # An id is told from others by its identity: the hash of a UUID takes long.
    keys = list(zip(map(type, held), held, types, map(id, ids), strict=True))
    distinct = dict(zip(keys, zip(held, types, ids, strict=True), strict=True))
    shown = {key: to_display(*each) for key, each in distinct.items()}
    values[rows] = object_array([shown[key] for key in keys])


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
    distinct = set(data_types)
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
