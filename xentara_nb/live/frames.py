"""The DataFrames of values that move: wide, one column for each attribute, and long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from xentara_nb.errors import OptionError
from xentara_nb.live.history import Array, Changes
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.queries.reading import ResolvedAttribute
from xentara_nb.tables.frames import make_frame, object_array, string_array, time_array, to_display
from xentara_nb.tables.id_arrays import id_array
from xentara_nb.tables.references import same_attribute
from xentara_nb.tables.values import typed_array
from xentara_nb.tables.xentara_frame import as_xentara

MAX_CELLS = 200_000_000
"""How many values a wide DataFrame may have."""


def column_names(attributes: Sequence[ResolvedAttribute]) -> list[str]:
    """Return the names of the columns of a wide DataFrame, each once.

    A name is the element's key; behind it the attribute's name where that is not the value, or
    where several attributes of the element are there; and its UUID where two have one key.
    """
    elements = Counter(attribute.element_uuid for attribute in attributes)
    names = [
        attribute.primary_key
        if same_attribute(attribute.attribute_id, Attribute.VALUE)
        and elements[attribute.element_uuid] == 1
        else f"{attribute.primary_key}.{attribute.attribute_name}"
        for attribute in attributes
    ]
    counts = Counter(names)
    return [
        name
        if counts[name] == 1
        else f"{name} ({attribute.element_uuid}, {attribute.attribute_id})"
        for name, attribute in zip(names, attributes, strict=True)
    ]


def wide_frame(
    names: Sequence[str],
    attributes: Sequence[ResolvedAttribute],
    columns: Sequence[Changes],
    fill: str | None = None,
    freq: object = None,
) -> pd.DataFrame:
    """Return one column for each attribute, one row for each time; see :meth:`Watch.frame`."""
    if fill not in (None, "forward"):
        raise OptionError(f"fill is None or 'forward', not {fill!r}")
    times = _union([column.times for column in columns])
    step = None if freq is None else _nanoseconds(freq)
    if step is not None and len(times):
        first = -(-int(times[0]) // step) * step
        count = max(-(-(int(times[-1]) - first) // step) + 1, 1)
        _check_size(count * len(columns))
        times = first + step * np.arange(count)
    _check_size(len(times) * len(columns))
    index = pd.DatetimeIndex(time_array(times), name="time")
    data = {}
    for name, attribute, column in zip(names, attributes, columns, strict=True):
        values = typed_array(*_at(times, column, fill, step), attribute.data_type, gaps=True)
        data[name] = pd.Series(values, index=index, copy=False, dtype=values.dtype)
    return as_xentara(pd.DataFrame(data, index=index, copy=False))


def _at(times: Array, column: Changes, fill: str | None, step: int | None) -> tuple[Array, Array]:
    """Return the values of a column at some times, and where there is none."""
    if not len(column.times):
        return np.zeros(len(times), dtype=column.values.dtype), np.ones(len(times), dtype=bool)
    if fill is None and step is None:
        if len(times) == len(column.times):  # all of them
            return column.values, column.missing
        spread = with_gaps(column, times)
        return spread.values, spread.missing
    rows = np.searchsorted(column.times, times, side="right") - 1
    missing = rows < 0
    rows[missing] = 0
    missing |= column.missing[rows]
    if fill is None and step is not None:  # only what came since the row before
        missing |= column.times[rows] <= times - step
    return column.values[rows], missing


def with_gaps(column: Changes, times: Array) -> Changes:
    """Return a column with an entry for each time, missing where it had none."""
    values = np.zeros(len(times), dtype=column.values.dtype)
    missing = np.ones(len(times), dtype=bool)
    rows = np.searchsorted(times, column.times)
    values[rows], missing[rows] = column.values, column.missing
    return Changes(times, values, missing)


def changes_frame(
    attributes: Sequence[ResolvedAttribute],
    columns: Sequence[Changes],
    qualities: Sequence[Changes | None],
    errors: Sequence[dict[int, str]],
) -> pd.DataFrame:
    """Return one row for each change, in the order of their times; see :meth:`Watch.changes`."""
    columns = [
        with_quality_changes(column, quality)
        for column, quality in zip(columns, qualities, strict=True)
    ]
    texts: list[str | None] = []
    words: list[str | None] = []
    for column, quality, found in zip(columns, qualities, errors, strict=True):
        texts += (
            [found.get(time) for time in column.times.tolist()]
            if found
            else [None] * len(column.times)
        )
        words += quality_words(column.times, quality)
    return long_frame(attributes, columns, words, texts)


def long_frame(
    attributes: Sequence[ResolvedAttribute],
    columns: Sequence[Changes],
    qualities: Sequence[str | None],
    errors: Sequence[str | None],
) -> pd.DataFrame:
    """Return one row for each change, in the order of their times.

    The qualities and errors are those of all columns, one column behind the other.
    """
    owner = np.repeat(np.arange(len(columns)), [len(column.times) for column in columns])
    times = np.concatenate([column.times for column in columns] or [np.empty(0, np.int64)])
    order = np.lexsort((owner, times))
    owner = owner[order]
    values = [displayed(*each) for each in zip(attributes, columns, strict=True)]
    return make_frame(
        {
            "time": time_array(times[order]),
            "primary_key": string_array([each.primary_key for each in attributes]).take(owner),
            "element_uuid": id_array([each.element_uuid for each in attributes]).take(owner),
            "attribute_name": string_array([each.attribute_name for each in attributes]).take(
                owner
            ),
            "attribute_id": id_array([each.attribute_id for each in attributes]).take(owner),
            "value": common_column(attributes, columns, values).take(order),
            "quality": string_array(qualities).take(order),
            "error": string_array(errors).take(order),
        }
    )


def with_quality_changes(column: Changes, quality: Changes | None) -> Changes:
    """Return the changes of a value, and it once more where only its quality has changed."""
    if quality is None or not len(quality.times) or not len(column.times):
        return column
    changed = quality.values[1:] != quality.values[:-1]
    times = quality.times[1:][changed & ~quality.missing[1:]]
    rows = np.searchsorted(column.times, times, side="right") - 1
    # Not where the value itself has come, nor before it has, nor in a gap.
    more = (rows >= 0) & (column.times[rows] != times) & ~column.missing[rows]
    if not more.any():
        return column
    rows, times = rows[more], times[more]
    order = np.argsort(np.concatenate([column.times, times]), kind="stable")
    return Changes(
        np.concatenate([column.times, times])[order],
        np.concatenate([column.values, column.values[rows]])[order],
        np.concatenate([column.missing, column.missing[rows]])[order],
    )


def displayed(attribute: ResolvedAttribute, column: Changes) -> Any:
    """Return the values of one attribute as a column, typed."""
    values = column.values
    if values.dtype == object:
        values = object_array(
            [to_display(value, attribute.data_type, attribute.attribute_id) for value in values]
        )
    return typed_array(values, column.missing, attribute.data_type, gaps=True)


def common_column(
    attributes: Sequence[ResolvedAttribute], columns: Sequence[Changes], values: Sequence[Any]
) -> Any:
    """Return some columns one behind the other: typed if they have one type, else objects."""
    distinct = {each.data_type for each in attributes}
    if len(distinct) == 1 and len({column.values.dtype for column in columns}) == 1:
        joined = np.concatenate([column.values for column in columns])
        missing = np.concatenate([column.missing for column in columns])
        return displayed(attributes[0], Changes(missing, joined, missing))
    # As Python has them, like those that are read: Parquet and JSON take no scalars of numpy.
    objects = [
        [
            None if gone else value
            for value, gone in zip(found.tolist(), column.missing, strict=True)
        ]
        for found, column in zip(values, columns, strict=True)
    ]
    return object_array([value for each in objects for value in each])


def quality_words(times: Array, quality: Changes | None) -> list[str | None]:
    """Return the quality that held at each time; None where it is not known."""
    if quality is None or not len(quality.times):
        return [None] * len(times)
    rows = np.searchsorted(quality.times, times, side="right") - 1
    known = rows >= 0
    rows[~known] = 0
    missing = ~known | quality.missing[rows]
    words = typed_array(quality.values[rows], missing, None)
    return [None if gone else str(word) for word, gone in zip(words, missing, strict=True)]


def _union(columns: Sequence[Array]) -> Array:
    if not columns:
        return np.empty(0, dtype=np.int64)
    first = columns[0]
    # Values of one message have one time, so often the columns are alike.
    if all(len(each) == len(first) and (each == first).all() for each in columns):
        return first
    return np.unique(np.concatenate(columns))


def _nanoseconds(freq: object) -> int:
    try:
        step = int(pd.Timedelta(freq).value)  # type: ignore[arg-type]  # what is none raises
    except (ValueError, TypeError):
        raise OptionError(f"{freq!r} is no time between two rows, such as '100ms'") from None
    if step <= 0:
        raise OptionError(f"the time between two rows must be more than nothing, not {freq!r}")
    return step


def _check_size(cells: int) -> None:
    if cells > MAX_CELLS:
        raise OptionError(
            f"a DataFrame of {cells:,} values is too large: choose fewer attributes, a larger "
            "freq, or changes(), which has no gaps"
        )
