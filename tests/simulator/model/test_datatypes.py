"""What fits a data type, and what is said of the rest."""

from __future__ import annotations

import math
from uuid import UUID

import pytest

from xentara_nb.protocol.errors import (
    ServerError,
    TypeMismatchError,
    ValueOutOfRangeError,
)
from xentara_nb.protocol.identifiers import DataType
from xentara_nb.protocol.values import TimePoint, Value
from xentara_nb.simulator.documents import ConfigurationError, JsonNode, Settings
from xentara_nb.simulator.model import datatypes
from xentara_nb.simulator.model.datatypes import (
    Interval,
    PositiveInterval,
    convert,
    skill_name,
)

UUID_1 = UUID(int=1)


@pytest.mark.parametrize(
    ("data_type", "value", "expected"),
    [
        (DataType.BOOLEAN, True, True),
        (DataType.BOOLEAN, 1, True),
        (DataType.SIGNED_INTEGER_8, -128, -128),
        (DataType.SIGNED_INTEGER_64, 3.0, 3),
        (DataType.UNSIGNED_INTEGER_64, 2**64 - 1, 2**64 - 1),
        # What the vendor's own page makes of -5; a float cannot distinguish it from a large number.
        (DataType.SIGNED_INTEGER_64, 18446744073709551611, -5),
        (DataType.SIGNED_INTEGER_8, 18446744073709551611, -5),
        (DataType.UNSIGNED_INTEGER_64, 18446744073709551611, 18446744073709551611),
        (DataType.FLOAT_64, 18446744073709551611, 18446744073709551616.0),
        # What a terminal program makes of digits that were typed in.
        (DataType.STRING, 4711, "4711"),
        (DataType.FLOAT_64, 5, 5.0),
        (DataType.FLOAT_32, 0.1, 0.10000000149011612),
        (DataType.FLOAT_32, math.inf, math.inf),
        (DataType.STRING, "x", "x"),
        (DataType.U32_STRING, "", ""),
        (DataType.TIME_POINT, TimePoint(5), TimePoint(5)),
        (DataType.UUID, UUID_1, UUID_1),
        (DataType.QUALITY, 3, 3),
        (DataType.ELEMENT_CATEGORY, 15, 15),
        (DataType.ERROR_CODE, "x", "x"),
    ],
)
def test_what_fits(data_type: DataType, value: Value, expected: Value) -> None:
    converted = convert(data_type, value)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("data_type", "value", "error"),
    [
        (DataType.SIGNED_INTEGER_8, 128, ValueOutOfRangeError),
        (DataType.UNSIGNED_INTEGER_8, -1, ValueOutOfRangeError),
        (DataType.SIGNED_INTEGER_8, 2**64 - 129, ValueOutOfRangeError),
        (DataType.SIGNED_INTEGER_8, 2.0**64, ValueOutOfRangeError),
        (DataType.SIGNED_INTEGER_64, 2.0**64 - 4096, ValueOutOfRangeError),
        (DataType.SIGNED_INTEGER_32, 1e20, ValueOutOfRangeError),
        (DataType.SIGNED_INTEGER_32, math.inf, ValueOutOfRangeError),
        (DataType.FLOAT_32, 1e39, ValueOutOfRangeError),
        (DataType.QUALITY, 4, ValueOutOfRangeError),
        (DataType.BOOLEAN, 2, ValueOutOfRangeError),
        (DataType.BOOLEAN, "true", TypeMismatchError),
        (DataType.SIGNED_INTEGER_32, 1.5, TypeMismatchError),
        (DataType.SIGNED_INTEGER_32, math.nan, TypeMismatchError),
        (DataType.SIGNED_INTEGER_32, True, TypeMismatchError),
        (DataType.SIGNED_INTEGER_32, "1", TypeMismatchError),
        (DataType.FLOAT_64, False, TypeMismatchError),
        (DataType.STRING, 1.5, TypeMismatchError),
        (DataType.STRING, True, TypeMismatchError),
        (DataType.TIME_POINT, 1, TypeMismatchError),
        (DataType.UUID, "x", TypeMismatchError),
        (DataType.NONE, 1, TypeMismatchError),
    ],
)
def test_what_does_not_fit(data_type: DataType, value: Value, error: type[ServerError]) -> None:
    with pytest.raises(error):
        convert(data_type, value)


@pytest.mark.parametrize("data_type", list(DataType))
def test_first_values_fit_their_type(data_type: DataType) -> None:
    value = datatypes.first_value(data_type)
    if isinstance(value, ServerError):
        assert data_type is DataType.NONE
    else:
        assert datatypes.same(convert(data_type, value), value)


def test_values_of_a_configuration() -> None:
    def read(data_type: DataType, value: object) -> Value:
        return datatypes.from_json(data_type, JsonNode(value, "x.json"))

    assert read(DataType.TIME_POINT, "2024-01-01 11:11:11Z") == TimePoint(1704107471000000000)
    assert read(DataType.UUID, str(UUID_1)) == UUID_1
    assert read(DataType.UUID, str(UUID(int=0))) == UUID(int=0)
    for wrong in (None, [], "x"):
        with pytest.raises(ConfigurationError):
            read(DataType.FLOAT_64, wrong)
    with pytest.raises(ConfigurationError, match=r"x\.json: the number is out of range"):
        read(DataType.FLOAT_64, math.inf)
    for number in (10**400, -(10**400)):  # more than any float holds
        with pytest.raises(ConfigurationError, match="out of range"):
            read(DataType.FLOAT_32, number)
    # What one client sends for -5 and for 0 is a large number in a file.
    for large in (2**64 - 5, 2**64):
        with pytest.raises(ConfigurationError, match="out of range"):
            read(DataType.SIGNED_INTEGER_64, large)


@pytest.mark.parametrize(
    ("name", "data_type"),
    [
        ("BOOLEAN", DataType.BOOLEAN),
        ("UNSIGNED16", DataType.UNSIGNED_INTEGER_16),
        ("INTEGER32", DataType.SIGNED_INTEGER_32),
        ("REAL32", DataType.FLOAT_32),
        ("LREAL", DataType.FLOAT_64),
        ("VISIBLE_STRING", DataType.STRING),
        ("STRING(80)", DataType.STRING),
        ("WString [20]", DataType.STRING),
        ("ARRAY[0..3] OF INT", None),
        ("uint64", DataType.UNSIGNED_INTEGER_64),
        ("nonsense", None),
    ],
)
def test_names_that_skills_use(name: str, data_type: DataType | None) -> None:
    assert skill_name(name) is data_type


class Times(Settings):
    """Settings with time intervals."""

    every: PositiveInterval = 1
    offset: Interval = 0


def _interval(text: str) -> int:
    return JsonNode({"offset": text}, "x.json").validate(Times).offset


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("0", 0), ("500ms", 500_000_000), ("1.5h", 5_400_000_000_000), ("-3us", -3000), ("2µs", 2000)],
)
def test_intervals(text: str, nanoseconds: int) -> None:
    assert _interval(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "5", "1 s", "1d", "s", "1e3s", "٣s"])
def test_what_is_no_interval(text: str) -> None:
    with pytest.raises(ConfigurationError):
        _interval(text)


@pytest.mark.parametrize("text", ["0", "0s", "-1s"])
def test_intervals_that_must_be_positive(text: str) -> None:
    with pytest.raises(ConfigurationError, match="above zero"):
        JsonNode({"every": text}, "x.json").validate(Times)


def test_nan_is_the_same_as_nan() -> None:
    assert datatypes.same(math.nan, math.nan)
    assert not datatypes.same(1, True)
    assert not datatypes.same(1, 1.0)
