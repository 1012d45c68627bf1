"""What stands in the files of a recording: their columns, and how values get in and out.

A recording is a folder of Parquet files, one folder in it for each day (by UTC)::

    folder/day=2026-11-26/part-20261126T14-3f2a9c-0001.parquet

with one row for each change:

================== ============================== ===============================================
column             type                           what
================== ============================== ===============================================
``time``           timestamp in ns, UTC           when it happened, by the server's clock
``primary_key``    text                           the element
``attribute_name`` text                           the attribute
``value``          double                         numbers, and Booleans as 0 and 1
``text``           text                           texts, times, UUIDs; and integers that a double
                                                  does not hold exactly, which are in both columns
``quality``        text                           the quality that held then, in the manual's words
``error``          text                           why there is no value; in a gap, why there is one
``data_type``      text                           the data type, in the manual's words
``element_uuid``   text                           the UUID of the element
``attribute_id``   text                           the number or UUID of the attribute
``recorded``       timestamp in ns, UTC           when it was recorded, by this computer's clock
================== ============================== ===============================================

Within a file the rows are sorted by attribute, so that one attribute is read without the others.

An element's own update and source times are attributes like others: the server reports a change of
them by events of their own, at the cost of the value itself, so they are recorded where they are
asked for, as ``client.record(rows, folder, ["value", "updateTime", "sourceTime"])``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd

from xentara_nb.protocol.identifiers import DataType, label
from xentara_nb.protocol.values import TimePoint
from xentara_nb.queries.reading import ResolvedAttribute
from xentara_nb.tables.values import storage_dtype

if TYPE_CHECKING:
    import pyarrow as pa

Array: TypeAlias = npt.NDArray[Any]

COLUMNS = (
    *("time", "primary_key", "attribute_name", "value", "text", "quality", "error", "data_type"),
    *("element_uuid", "attribute_id", "recorded"),
)
_EXACT = 1 << 53  # the integers up to here are all doubles
_DATA_TYPES = {member.label: int(member) for member in DataType}


def ordered(attributes: Sequence[ResolvedAttribute]) -> list[ResolvedAttribute]:
    """Return attributes in the order in which their rows stand in a file."""
    return sorted(
        attributes,
        key=lambda each: (
            *(each.primary_key, each.attribute_name),
            *(str(each.element_uuid), str(each.attribute_id)),
        ),
    )


def descriptions(attributes: Sequence[ResolvedAttribute]) -> dict[str, list[str]]:
    """Return the texts that describe attributes, by the names of their columns."""
    return {
        "primary_key": [each.primary_key for each in attributes],
        "attribute_name": [each.attribute_name for each in attributes],
        "data_type": [
            "" if each.data_type is None else label(DataType, each.data_type) for each in attributes
        ],
        "element_uuid": [str(each.element_uuid) for each in attributes],
        "attribute_id": [str(each.attribute_id) for each in attributes],
    }


def described(key: str, name: str, data_type: str, uuid: str, identifier: str) -> ResolvedAttribute:
    """Return the attribute that the texts of a row describe."""
    attribute_id = int(identifier) if identifier.isdecimal() else UUID(identifier)
    return ResolvedAttribute(key, UUID(uuid), name, attribute_id, _DATA_TYPES.get(data_type))


def encode(values: Any) -> tuple[Array, Array, Array]:
    """Return values as they are recorded: numbers, where there is none, and texts.

    A value is what DataFrames have: a Python or numpy scalar, a Timestamp, a UUID, or None, NaT or
    NA where there is none.
    """
    if isinstance(values, pd.arrays.FloatingArray):
        gone = values.isna()
        return values.to_numpy(np.float64, na_value=np.nan), gone, _no_texts(len(values))
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return values.astype(np.float64), np.zeros(len(values), bool), _no_texts(len(values))
    # Not with asarray, which makes floats of integers with gaps.
    found = values if isinstance(values, np.ndarray) else values.astype(object)
    # A missing text is a NaN, which among numbers is a value.
    gone = np.zeros(len(values), bool) if found is values else np.asarray(values.isna())
    numbers = np.zeros(len(found))
    missing = np.ones(len(found), dtype=bool)
    texts = _no_texts(len(found))
    for at, value in enumerate(np.asarray(found, dtype=object)):
        if gone[at] or value is None or value is pd.NA or value is pd.NaT:
            continue
        if isinstance(value, bool | np.bool_ | int | np.integer | float | np.floating):
            numbers[at], missing[at] = float(value), False
            if not -_EXACT <= value <= _EXACT and not isinstance(value, float | np.floating):
                texts[at] = str(int(value))
        elif isinstance(value, pd.Timestamp):
            texts[at] = TimePoint(value.value).isoformat()
        else:
            texts[at] = str(value)
    return numbers, missing, texts


def _no_texts(count: int) -> Array:
    return np.full(count, None, dtype=object)


def decode(
    numbers: Array, missing: Array, texts: Array, data_type: int | None
) -> tuple[Array, Array]:
    """Return what :func:`encode` was given, and where it is missing.

    Its dtype is numpy's for the data type, or object where that has none, or where a server has
    sent what is not of that type.
    """
    with suppress(ValueError, OverflowError):
        values = _typed(numbers, missing, texts, storage_dtype(data_type))
        if values is not None:
            return values
    found = np.full(len(numbers), None, dtype=object)
    for at, text in enumerate(texts):
        if text is not None:
            found[at] = _from_text(text, missing[at], data_type)
        elif not missing[at]:
            found[at] = _from_number(numbers[at], data_type)
    return found, np.fromiter((value is None for value in found), bool, len(found))


def _typed(
    numbers: Array, missing: Array, texts: Array, dtype: np.dtype[Any]
) -> tuple[Array, Array] | None:
    """Return the values in a dtype; None, or a ValueError or OverflowError, if they are not of it.

    A number has a text, too, if it is a whole one with more digits than a float.
    """
    kind = dtype.kind if dtype != np.int8 else "O"  # the words of qualities
    has_text = pd.notna(texts)
    if kind == "M" and missing.all():
        stamps = [0 if text is None else TimePoint.parse(text).nanoseconds for text in texts]
        return np.array(stamps, dtype=np.int64).view("datetime64[ns]"), ~has_text
    if kind in "OM" or (has_text & missing).any():
        return None
    if kind == "f":
        return numbers.astype(dtype), missing
    plain = np.where(missing | has_text, 0, numbers)
    least, most = (0, 1) if kind == "b" else (0 if kind == "u" else -_EXACT, _EXACT)
    if not ((plain == np.trunc(plain)) & (least <= plain) & (plain <= most)).all():
        return None
    values = plain.astype(dtype)
    for at in np.flatnonzero(has_text).tolist():
        values[at] = int(texts[at])
    return None if kind == "b" and has_text.any() else (values, missing)


def _from_text(text: str, missing: bool, data_type: int | None) -> object:
    with suppress(ValueError):
        if not missing:
            return int(text)
        if data_type == DataType.UUID:
            return UUID(text)
        if data_type == DataType.TIME_POINT:
            return TimePoint.parse(text)
    return text


def _from_number(number: float, data_type: int | None) -> object:
    if data_type == DataType.BOOLEAN and number in (0, 1):
        return bool(number)
    is_float = storage_dtype(data_type).kind == "f"
    return float(number) if is_float else _plain(number)


def _plain(number: float) -> object:
    return int(number) if float(number).is_integer() else float(number)


def schema() -> pa.Schema:
    """Return the schema of the files."""
    import pyarrow as pa

    stamp = pa.timestamp("ns", tz="UTC")
    others = {"time": stamp, "recorded": stamp, "value": pa.float64()}
    return pa.schema([(name, others.get(name, pa.string())) for name in COLUMNS])
