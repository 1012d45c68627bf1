from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.errors import NotFoundError
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.identifiers import DataType, Quality
from xentara_nb.protocol.values import TimePoint
from xentara_nb.tables.frames import string_array
from xentara_nb.tables.id_arrays import id_array
from xentara_nb.tables.values import (
    ValuesAhead,
    is_text,
    storage_dtype,
    typed_array,
    values_frame,
)


def values(**columns: Any) -> pd.DataFrame:
    count = len(columns["results"])
    given: dict[str, Any] = {
        "primary_keys": ["Plant.Speed"] * count,
        "element_uuids": [UUID(int=1)] * count,
        "attribute_names": ["value"] * count,
        "attribute_ids": [11] * count,
        "data_types": [None] * count,
        "times": [0] * count,
    }
    return values_frame(**{**given, **columns})


# --- the answer to read


def test_values_and_errors_side_by_side() -> None:
    error = server_error(-32101, "no\nsuch\tthing")
    frame = values(results=[1.5, error, server_error(-32000 - 999), NotFoundError("gone")])

    assert frame.columns.tolist() == [
        *("primary_key", "element_uuid", "attribute_name", "attribute_id"),
        *("value", "error", "time"),
    ]
    assert frame["value"].tolist() == [1.5, pd.NA, pd.NA, pd.NA]
    assert frame["error"].isna().tolist() == [True, False, False, False]
    assert frame["error"].tolist()[1:] == [
        "no such thing (-32101)",
        "unknown Xentara error (-32999)",
        "gone",
    ]


# --- made before the values are there

_IDS = [11, 11, 0, 9, 12, UUID(int=7)]
_RESULTS = [
    *(1.5, float("nan"), -0.0, 2, -1, 1 << 63, 1 << 64, True, "1", None),
    *(TimePoint(5), server_error(-32101), NotFoundError("gone")),
]


@given(st.data())
def test_a_frame_that_was_made_ahead_is_the_same_or_none(data: st.DataObject) -> None:
    data_type = data.draw(st.sampled_from([*DataType, 99, None]))
    count = data.draw(st.integers(1, 3))
    kind = data.draw(st.sampled_from([float, int, bool, object]))
    some = [each for each in _RESULTS if isinstance(each, kind)]
    results = data.draw(st.lists(st.sampled_from(some), min_size=count, max_size=count))
    ids = data.draw(st.lists(st.sampled_from(_IDS), min_size=count, max_size=count))
    texts = [f"Plant.{number}" for number in range(count)]
    columns = string_array(texts), id_array([UUID(int=1)] * count), string_array(texts)
    ahead = ValuesAhead.of(*columns, id_array(ids), [data_type] * count)
    if ahead is None or not ahead.filled(results, 1_700_000_000_000_000_000):
        return
    wanted = values_frame(
        primary_keys=columns[0],
        element_uuids=columns[1],
        attribute_names=columns[2],
        attribute_ids=id_array(ids),
        data_types=[data_type] * count,
        results=results,
        times=[1_700_000_000_000_000_000] * count,
    )
    pd.testing.assert_frame_equal(ahead.frame, wanted)
    # What is done to it is done to it alone.
    ahead.frame.loc[:, "primary_key"] = "mine"
    ahead.frame.loc[:, "value"] = wanted["value"].iloc[::-1].to_numpy()
    assert columns[0].tolist() == texts


@pytest.mark.parametrize(
    ("data_type", "results"),
    [
        (DataType.FLOAT_32, [1.5, 2.5]),
        (DataType.SIGNED_INTEGER_16, [-1, 2]),
        (DataType.UNSIGNED_INTEGER_64, [1 << 63, 2]),
        (DataType.BOOLEAN, [True, False]),
    ],
)
def test_numbers_and_booleans_can_be_made_ahead(data_type: DataType, results: list[Any]) -> None:
    ahead = ValuesAhead.of(
        *(string_array(["P"] * 2), id_array([UUID(int=1)] * 2), string_array(["value"] * 2)),
        *(id_array([11] * 2), [data_type] * 2),
    )
    assert ahead is not None
    assert ahead.filled(results, 1)
    assert ahead.frame["value"].tolist() == results


MISSING = server_error(-32101)


@pytest.mark.parametrize(
    ("results", "data_type", "dtype"),
    [
        ([], None, "object"),
        ([1, 2], DataType.SIGNED_INTEGER_8, "int64"),
        ([1, 2], DataType.UNSIGNED_INTEGER_64, "uint64"),
        ([1.5, float("nan")], DataType.FLOAT_32, "float64"),
        ([1.5, 2], DataType.FLOAT_64, "float64"),
        ([True, False], DataType.BOOLEAN, "bool"),
        ([1, MISSING], DataType.SIGNED_INTEGER_8, "Int64"),
        ([1, MISSING], DataType.UNSIGNED_INTEGER_64, "UInt64"),
        ([1.5, MISSING], DataType.FLOAT_64, "Float64"),
        ([True, MISSING], DataType.BOOLEAN, "boolean"),
        ([MISSING], DataType.FLOAT_64, "Float64"),
        ([MISSING], None, "object"),
        (["a", MISSING], DataType.STRING, "str"),
        ([0, MISSING], DataType.QUALITY, "str"),
        ([2, "Device"], DataType.ELEMENT_CATEGORY, "str"),
        ([TimePoint(0), TimePoint.NEVER, MISSING], DataType.TIME_POINT, "datetime64[ns, UTC]"),
        ([UUID(int=1)], DataType.UUID, "object"),
        # What the server has not said is seen by the values.
        ([1, 2], None, "int64"),
        ([1 << 63], None, "uint64"),
        ([1.5, MISSING], None, "Float64"),
        (["a"], None, "str"),
        ([TimePoint(0)], None, "datetime64[ns, UTC]"),
        ([1, 2.5], None, "object"),
        # And what is none of its data type stays as it came.
        (["a", 1.5], DataType.FLOAT_64, "object"),
        ([-1], DataType.UNSIGNED_INTEGER_64, "object"),
        ([True], DataType.SIGNED_INTEGER_8, "object"),
        ([1.5], DataType.STRING, "object"),
        ([1.5], DataType.TIME_POINT, "object"),
        ([1], 99, "object"),
    ],
)
def test_values_of_one_data_type_have_its_dtype(
    results: list[Any], data_type: int | None, dtype: str
) -> None:
    frame = values(results=results, data_types=[data_type] * len(results))

    assert frame.dtypes.astype(str).tolist() == [
        *("str", "object", "str", "object", dtype, "str", "datetime64[ns, UTC]"),
    ]
    assert frame["value"].isna().tolist() == [
        each is MISSING or each == TimePoint.NEVER or (each != each and dtype == "float64")
        for each in results
    ]


def test_values_of_several_data_types_stay_what_they_are() -> None:
    frame = values(results=[1, 1.5], data_types=[DataType.SIGNED_INTEGER_8, DataType.FLOAT_64])

    assert [type(value) for value in frame["value"]] == [int, float]


def test_the_time_of_a_reading_to_the_nanosecond() -> None:
    frame = values(results=[1, 2], times=[1_700_000_000_123_456_789, 0])

    assert frame["time"].tolist() == [
        pd.Timestamp("2023-11-14T22:13:20.123456789Z"),
        pd.Timestamp("1970-01-01T00:00:00Z"),
    ]


def test_unknown_keys_and_names_are_missing() -> None:
    frame = values(results=[1], primary_keys=[None], attribute_names=[None])

    assert frame["primary_key"].isna().all()
    assert frame["attribute_name"].isna().all()


@pytest.mark.parametrize(
    "column",
    ["primary_keys", "element_uuids", "attribute_names", "attribute_ids", "data_types", "times"],
)
def test_columns_of_different_lengths(column: str) -> None:
    with pytest.raises(ValueError, match=r"length|shorter|longer"):
        values(results=[1, 2], **{column: [1]})


def test_values_stay_what_they_are() -> None:
    results = [True, 1 << 63, 1.5, "NA", UUID(int=1), float("inf")]
    frame = values(results=results)

    assert frame["value"].tolist() == results
    assert [type(value) for value in frame["value"]] == [type(value) for value in results]


def test_time_stamps_among_values() -> None:
    frame = values(results=[TimePoint(1), 5, TimePoint.NEVER, TimePoint.FOREVER])

    assert frame["value"].tolist()[:2] == [pd.Timestamp(1, tz="UTC"), 5]
    assert frame["value"][2] is pd.NaT
    assert frame["value"][3] == pd.Timestamp.max.tz_localize("UTC")


@pytest.mark.parametrize("gaps", [False, True])
def test_typed_arrays_of_what_numpy_holds(gaps: bool) -> None:
    none, some = np.zeros(2, bool), np.array([False, True])
    dtypes = [
        str(typed_array(np.array(each), none, None, gaps=gaps).dtype)
        for each in ([1.5, 2.5], [1, 2], [True, False])
    ]
    assert dtypes == (["float64", "Int64", "boolean"] if gaps else ["float64", "int64", "bool"])
    assert pd.isna(typed_array(np.array([1.5, 2.5]), some, None, gaps=gaps))[1]
    qualities = typed_array(np.array([0, 3], dtype=np.int8), some, DataType.QUALITY, gaps=gaps)
    assert qualities[0] == Quality.GOOD.label
    assert pd.isna(qualities[1])
    texts = typed_array(np.array(["a", "b"], dtype=object), some, DataType.STRING, gaps=gaps)
    assert (str(texts.dtype), texts[0]) == ("str", "a")
    assert pd.isna(texts[1])


def test_how_data_types_are_kept() -> None:
    kept = {each: str(storage_dtype(each)) for each in DataType}
    assert set(kept.values()) == {
        *("float64", "int64", "uint64", "bool", "int8", "datetime64[ns]", "object")
    }
    assert storage_dtype(None) == storage_dtype(99) == np.dtype(object)
    assert {each for each in DataType if is_text(each)} == {
        *(DataType.STRING, DataType.W_STRING, DataType.U8_STRING, DataType.U16_STRING),
        *(DataType.U32_STRING, DataType.QUALITY, DataType.ELEMENT_CATEGORY),
    }
    assert not is_text(None)
