"""Values come out of a recording as they went in."""

from __future__ import annotations

import math
import struct
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recordings.rows import ONE, TWO, attribute
from xentara_nb.protocol.identifiers import Attribute, DataType
from xentara_nb.protocol.values import TimePoint
from xentara_nb.recordings.columns import decode, described, descriptions, encode, ordered

INTEGERS = {
    DataType.UNSIGNED_INTEGER_64: (0, (1 << 64) - 1),
    DataType.SIGNED_INTEGER_64: (-(1 << 63), (1 << 63) - 1),
    DataType.UNSIGNED_INTEGER_8: (0, 255),
}


def through(values: list[Any], data_type: DataType | None) -> list[Any]:
    """Return values as they come out, None where there is none."""
    found, missing = decode(*encode(np.array([*values, None], dtype=object)[:-1]), data_type)
    return [None if gone else value for value, gone in zip(found, missing, strict=True)]


@pytest.mark.parametrize("data_type", INTEGERS)
@given(st.data())
def test_integers_are_exact(data_type: DataType, data: st.DataObject) -> None:
    low, high = INTEGERS[data_type]
    values = data.draw(st.lists(st.none() | st.integers(low, high)))
    assert through(values, data_type) == values


@given(st.lists(st.none() | st.floats()))
def test_floats_are_the_same_bit_by_bit(values: list[float | None]) -> None:
    def bits(found: list[Any]) -> list[bytes | None]:
        return [
            None if each is None else b"nan" if math.isnan(each) else struct.pack("d", each)
            for each in found
        ]

    assert bits(through(values, DataType.FLOAT_64)) == bits(values)


@pytest.mark.parametrize(
    ("data_type", "values"),
    [
        (DataType.BOOLEAN, [True, None, False]),
        (DataType.STRING, ["", "Grüße, 世界 🍺", None, "a\nb", "1"]),
        (DataType.UUID, [UUID(int=5), None]),
        (DataType.QUALITY, ["good", None, "bad"]),
        (DataType.ERROR_CODE, ["no error", 5, None]),
        (DataType.CUSTOM, ["x", 5, 0.5, None]),
        (DataType.FLOAT_32, [0.5, None]),
    ],
)
def test_other_types(data_type: DataType, values: list[Any]) -> None:
    assert through(values, data_type) == values


ODD = [1.5, -3, 7, "text", "12", UUID(int=5), 2**60, -(2**60), 2**63, math.inf, True, None]


@pytest.mark.parametrize("data_type", [*DataType, None], ids=str)
def test_values_that_are_not_of_their_data_type(data_type: DataType | None) -> None:
    """None is lost or made another one, but that texts stand for what has no number."""
    for odd in ODD:
        for values in ([odd], [odd, None, 1], [1, odd], ODD):
            found = through(values, data_type)
            assert len(found) == len(values)
            for value, back in zip(values, found, strict=True):
                assert back == value or back == str(value)


@pytest.mark.parametrize(
    ("data_type", "values"),
    [
        (DataType.FLOAT_64, [0.5, "text", 2.0]),
        (DataType.SIGNED_INTEGER_8, [1, 1.5, "x"]),
        (DataType.UNSIGNED_INTEGER_64, [2**64 - 1, -1]),
        (DataType.BOOLEAN, [True, 5, "x", False]),
        (DataType.UUID, [UUID(int=5), "x", 5]),
        (DataType.CUSTOM, [2**63, "x"]),
    ],
)
def test_others_beside_one_that_is_of_another_type(data_type: DataType, values: list[Any]) -> None:
    found = through(values, data_type)
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


def test_a_text_among_times() -> None:
    moment = TimePoint.parse("2024-01-01T11:11:11Z")
    stamp = pd.Timestamp(moment.nanoseconds, tz="UTC")
    values = np.array([stamp, "soon", 5, None], dtype=object)
    found, missing = decode(*encode(values), DataType.TIME_POINT)
    assert found.tolist() == [moment, "soon", 5, None]
    assert missing.tolist() == [False, False, False, True]


def test_times() -> None:
    moment = TimePoint.parse("2024-01-01T11:11:11.111587983Z")
    stamp = pd.Timestamp(moment.nanoseconds, tz="UTC")
    found, missing = decode(*encode(np.array([stamp, pd.NaT], dtype=object)), DataType.TIME_POINT)
    assert found.dtype == np.dtype("datetime64[ns]")
    assert found.view(np.int64)[0] == moment.nanoseconds
    assert missing.tolist() == [False, True]


def test_columns_of_pandas() -> None:
    for column in (
        pd.array([1, None], dtype="Int64"),
        pd.array([True, None], dtype="boolean"),
        pd.array([1.0, None], dtype="Float64"),
        pd.arrays.FloatingArray(np.array([1.0, 0.0]), np.array([False, True])),
    ):
        numbers, missing, _ = encode(column)
        assert numbers[0] == 1.0
        assert missing.tolist() == [False, True]
    large = pd.array([(1 << 63) - 1, None], dtype="Int64")
    assert decode(*encode(large), DataType.SIGNED_INTEGER_64)[0][0] == (1 << 63) - 1
    _, missing, texts = encode(pd.Series(["a", None], dtype="str").array)
    assert texts.tolist() == ["a", None]
    assert missing.all()
    # That a value is none and that there is none are two things.
    column = pd.arrays.FloatingArray(np.array([np.nan, 0.0]), np.array([False, True]))
    numbers, missing, _ = encode(column)
    assert np.isnan(numbers[0])
    assert missing.tolist() == [False, True]
    numbers, missing, texts = encode(np.array([1.5, np.nan]))
    assert np.isnan(numbers[1])
    assert not missing.any()
    assert set(texts) == {None}


def test_attributes_come_back_from_their_texts() -> None:
    other = ONE._replace(attribute_name="units", attribute_id=UUID(int=77))
    known = ONE._replace(attribute_id=Attribute.QUALITY, data_type=None)
    texts = descriptions([ONE, other, known])
    names = ("primary_key", "attribute_name", "data_type", "element_uuid", "attribute_id")
    found = [described(*each) for each in zip(*(texts[name] for name in names), strict=True)]
    assert found == [ONE, other, known]


def test_the_order_of_attributes() -> None:
    ten = attribute(10)
    assert ordered([TWO, ten, ONE]) == [ONE, ten, TWO]
