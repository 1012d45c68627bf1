"""The DataFrame of a snapshot: one row per element, and a column per attribute."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pandas as pd

from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import (
    ATTRIBUTES_BY_NAME,
    Access,
    Attribute,
    Category,
    DataType,
    Quality,
)
from xentara_nb.protocol.values import TimePoint
from xentara_nb.tables.frames import (
    WORDED_TYPES,
    categorical,
    labelled,
    make_frame,
    object_array,
    string_array,
    time_array,
    to_display,
)
from xentara_nb.tables.id_arrays import id_array

STANDARD_COLUMNS: Mapping[str, str | Attribute] = {
    "type": Attribute.TYPE,
    "display_name": "displayName",
    "value": Attribute.VALUE,
    "units": "units",
    "quality": Attribute.QUALITY,
    "update_time": Attribute.UPDATE_TIME,
}
"""The columns that every snapshot reads, and their attributes: by id, or by name without one."""

RESERVED_COLUMNS = frozenset(
    {"primary_key", "element_uuid", "category", "access", "data_type", "error", "time"}
)
"""The columns of a snapshot that hold no attribute."""

TIME_COLUMNS = frozenset({"update_time", "change_time", "source_time", "write_time"})
"""The columns of a snapshot that hold time stamps."""

TEXT_COLUMNS = frozenset({"type", "display_name", "units", "key", "name"})
"""The columns of a snapshot that hold texts."""


def column_name(attribute_name: str) -> str:
    """Return the column of an attribute: that of a well-known one is written as pandas would.

    Examples
    --------
    >>> column_name("updateTime"), column_name("myLimit"), column_name("error")
    ('update_time', 'myLimit', 'error_attribute')
    """
    name = attribute_name
    if name in ATTRIBUTES_BY_NAME or name == "displayName":
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return f"{name}_attribute" if name in RESERVED_COLUMNS else name


def snapshot_frame(
    *,
    primary_keys: Sequence[str],
    element_uuids: Sequence[UUID],
    categories: Sequence[int],
    values: Mapping[str, Sequence[Any]],
    value_infos: Sequence[AttributeInfo | None],
    data_types: Mapping[str, Sequence[int | None]],
    errors: Sequence[str | None],
    time: int,
) -> pd.DataFrame:
    """Return a snapshot, one row per element in the order given.

    ``values`` and ``data_types`` are by column; a value that there is none of is None. ``time`` is
    in nanoseconds since 1970.
    """
    columns: dict[str, Any] = {
        "primary_key": string_array(primary_keys),
        "element_uuid": id_array(element_uuids),
        "category": categorical(Category, categories),
    }
    for name in filter(values.__contains__, STANDARD_COLUMNS):
        columns[name] = _column(name, values[name], data_types[name])
    columns["access"] = categorical(Access, [info and info.access for info in value_infos])
    columns["data_type"] = categorical(DataType, [info and info.data_type for info in value_infos])
    for name in values:
        if name not in columns:
            columns[name] = _column(name, values[name], data_types[name])
    columns["error"] = string_array(errors)
    columns["time"] = time_array([time] * len(primary_keys))
    return make_frame(columns)


def _column(name: str, values: Sequence[Any], data_types: Sequence[int | None]) -> Any:
    if name in TEXT_COLUMNS:
        return string_array([each if each is None else str(each) for each in values])
    if name in TIME_COLUMNS:
        never = TimePoint.NEVER.nanoseconds
        return time_array([getattr(each, "nanoseconds", never) for each in values])
    if name == "quality":
        # By identity: a few objects are on all rows.
        words = {id(each): _quality_word(each) for each in values}
        return labelled(Quality, [words[id(each)] for each in values])
    held = object_array(values)
    for row, (value, data_type) in enumerate(zip(values, data_types, strict=True)):
        if data_type in WORDED_TYPES or isinstance(value, TimePoint):
            held[row] = to_display(value, data_type, _NO_ID)
    return held


def _quality_word(value: Any) -> str | None:
    return None if value is None else str(to_display(value, DataType.QUALITY, _NO_ID))


_NO_ID = 1 << 62  # of no attribute: the data type alone says what a value is
