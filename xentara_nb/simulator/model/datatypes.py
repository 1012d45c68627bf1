"""Data types: their names in a configuration, their first values, and what fits them.

A server converts what it is sent, as long as nothing is lost: a whole number is a float as well,
a float without a fraction is a whole number. Browsers rely on it, for they have only one kind of
number. Two peculiarities of clients are understood. One sends a negative whole number -n as the
unsigned 2^64 - n, which a signed integer takes as the negative number that is meant; a float cannot
distinguish it from a large number, and takes it as that. Another sends a text of digits as an
integer, which a text attribute takes as its digits.

Examples
--------
>>> convert(DataType.FLOAT_64, 5), convert(DataType.UNSIGNED_INTEGER_8, 3.0)
(5.0, 3)
>>> convert(DataType.UNSIGNED_INTEGER_8, 256)
Traceback (most recent call last):
...
xentara_nb.protocol.errors.ValueOutOfRangeError: ...
"""

from __future__ import annotations

import math
import re
import struct
import sys
from decimal import Decimal
from typing import Annotated, TypeAlias
from uuid import UUID

from pydantic import AfterValidator

from xentara_nb.protocol.errors import ServerError, TypeMismatchError, ValueOutOfRangeError
from xentara_nb.protocol.identifiers import NIL_UUID, Category, DataType, Quality
from xentara_nb.protocol.values import TimePoint, Value, float_32
from xentara_nb.simulator.documents import JsonNode, from_text, invalid, one_of, quoted

NO_ERROR = ""
"""What the attributes ``error`` and ``writeError`` say when all is well."""

KEYWORDS = {
    "bool": DataType.BOOLEAN,
    "int8": DataType.SIGNED_INTEGER_8,
    "int16": DataType.SIGNED_INTEGER_16,
    "int32": DataType.SIGNED_INTEGER_32,
    "int64": DataType.SIGNED_INTEGER_64,
    "uint8": DataType.UNSIGNED_INTEGER_8,
    "uint16": DataType.UNSIGNED_INTEGER_16,
    "uint32": DataType.UNSIGNED_INTEGER_32,
    "uint64": DataType.UNSIGNED_INTEGER_64,
    "float32": DataType.FLOAT_32,
    "float64": DataType.FLOAT_64,
    "string": DataType.STRING,
    "timeStamp": DataType.TIME_POINT,
    "UUID": DataType.UUID,
}
"""The data types by the names that a model gives them."""

# Names that skills use, of CANopen and of IEC 61131, with what separates words taken out.
_SKILL_NAMES = {
    **{keyword.lower(): data_type for keyword, data_type in KEYWORDS.items()},
    **{
        name: data_type
        for data_type, names in {
            DataType.BOOLEAN: "boolean bit bit1",
            DataType.SIGNED_INTEGER_8: "signed8 integer8 sint",
            DataType.SIGNED_INTEGER_16: "signed16 integer16 int",
            DataType.SIGNED_INTEGER_32: "signed32 integer32 integer24 dint integer",
            DataType.SIGNED_INTEGER_64: "signed64 integer64 integer40 integer48 integer56 lint",
            DataType.UNSIGNED_INTEGER_8: (
                "unsigned8 unsignedinteger8 usint byte bitarr8 bit2 bit3 bit4 bit5 bit6 bit7 bit8"
            ),
            DataType.UNSIGNED_INTEGER_16: (
                "unsigned16 unsignedinteger16 uint word bitarr16 "
                "bit9 bit10 bit11 bit12 bit13 bit14 bit15 bit16"
            ),
            DataType.UNSIGNED_INTEGER_32: (
                "unsigned32 unsignedinteger32 unsigned24 udint dword bitarr32"
            ),
            DataType.UNSIGNED_INTEGER_64: (
                "unsigned64 unsignedinteger64 unsigned40 unsigned48 unsigned56 ulint lword"
            ),
            DataType.FLOAT_32: "real32 real float single",
            DataType.FLOAT_64: "real64 lreal double",
            DataType.STRING: "visiblestring octetstring unicodestring text wstring",
            DataType.TIME_POINT: "timeofday timestamp datetime timepoint",
            DataType.UUID: "guid",
        }.items()
        for name in names.split()
    },
}
_LENGTH = re.compile(r"(?<=string)\s*(?:\(\d+\)|\[\d+\])$")  # "STRING(80)" of IEC 61131
_FLOAT32_LARGEST = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]


Keyword: TypeAlias = Annotated[DataType, one_of(KEYWORDS, "data type")]
"""A data type by the name that a model gives it."""
SignalKeyword: TypeAlias = Annotated[
    DataType, one_of({name: KEYWORDS[name] for name in tuple(KEYWORDS)[:11]}, "data type")
]
"""One that a signal generator makes: a number or a boolean."""
AnyDataType: TypeAlias = Annotated[
    DataType, one_of({**KEYWORDS, **{kind.label: kind for kind in DataType}}, "data type")
]
"""A data type by its keyword, or by a name such as ``U16String``."""


def skill_name(text: str) -> DataType | None:
    """Return the data type that a skill means by a name such as ``UNSIGNED16``, if any."""
    return _SKILL_NAMES.get("".join(c for c in _LENGTH.sub("", text.lower()) if c.isalnum()))


def first_value(data_type: DataType) -> Value | ServerError:
    """Return what an attribute of the type holds before anything was read or written."""
    if data_type.integer_range is not None:
        return 0
    return 0.0 if data_type.is_float else _FIRST_VALUES.get(data_type, "")


_FIRST_VALUES: dict[DataType, Value | ServerError] = {
    DataType.BOOLEAN: False,
    DataType.TIME_POINT: TimePoint.NEVER,
    DataType.UUID: NIL_UUID,
    DataType.QUALITY: int(Quality.GOOD),
    DataType.ELEMENT_CATEGORY: int(Category.DATA_POINT),
    DataType.ERROR_CODE: NO_ERROR,
    DataType.NONE: TypeMismatchError("the attribute has no data type"),
}


def convert(data_type: DataType, value: Value) -> Value:
    """Return a written value as an attribute of the type holds it.

    Raises TypeMismatchError if it is of another kind or would lose a fraction, ValueOutOfRangeError
    if it is too large or too small.
    """
    if data_type is DataType.BOOLEAN:
        return value if isinstance(value, bool) else bool(_whole(value, range(2)))
    limits = data_type.integer_range or _NUMBERED.get(data_type)
    if limits is not None:
        return _whole(value, limits)
    if data_type.is_float:
        return _float(data_type, value)
    if data_type.is_text and type(value) is int:
        return str(value)
    if data_type.is_text or data_type in (DataType.ERROR_CODE, DataType.CUSTOM):
        return _of(str, value)
    if data_type is DataType.TIME_POINT:
        return _of(TimePoint, value)
    if data_type is DataType.UUID:
        return _of(UUID, value)
    raise TypeMismatchError


_NUMBERED = {DataType.QUALITY: range(len(Quality)), DataType.ELEMENT_CATEGORY: range(len(Category))}


def nearest(data_type: DataType, number: float) -> Value:
    """Return the value of a data type, one of numbers, that is nearest to a number."""
    limits = data_type.integer_range or _NUMBERED.get(data_type)
    if limits is None:
        largest = _FLOAT32_LARGEST if data_type is DataType.FLOAT_32 else sys.float_info.max
        return convert(data_type, min(max(number, -largest), largest))
    if not math.isfinite(number):
        return 0 if math.isnan(number) else limits[-1] if number > 0 else limits[0]
    return min(max(round(number), limits[0]), limits[-1])


def from_json(data_type: DataType, node: JsonNode) -> Value:
    """Return a value as a configuration gives it: times and UUIDs are texts there."""
    value = node.value
    if not isinstance(value, bool | int | float | str):
        node.fail(f"this is no {data_type.label}", "Write a number, a boolean or a text.")
    if isinstance(value, float) and math.isinf(value):  # 1e999, which JSON lets through
        node.fail("the number is out of range", "Write one that a float can hold.")
    try:
        if (limits := data_type.integer_range) and type(value) is int and value not in limits:
            raise ValueOutOfRangeError  # what one client means by it is not meant in a file
        if data_type is DataType.UUID and isinstance(value, str):
            return UUID(value)
        if data_type is DataType.TIME_POINT and isinstance(value, str):
            return TimePoint.parse(value)
        return convert(data_type, value)
    except ServerError as error:
        node.fail(f"this does not fit {data_type.label} ({error.text})", "Write one that does.")
    except ValueError as error:
        node.fail(str(error), f"Write a {data_type.label} as the manual says.")


def same(one: object, other: object) -> bool:
    """Whether two values are the same, so that nothing has changed; NaN is the same as NaN."""
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _whole(value: Value, limits: range) -> int:
    if isinstance(value, float) and not math.isnan(value):
        if math.isinf(value):
            raise ValueOutOfRangeError
        if value.is_integer():
            value = int(value)
    elif type(value) is int and value >= 1 << 63 and value - (1 << 64) in limits:
        value -= 1 << 64
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeMismatchError
    if value not in limits:
        raise ValueOutOfRangeError
    return value


def _float(data_type: DataType, value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeMismatchError
    try:
        value = float(value)
    except OverflowError:  # JSON has integers of any size
        raise ValueOutOfRangeError from None
    if data_type is DataType.FLOAT_64 or not math.isfinite(value):
        return value
    rounded = float_32(value)
    if math.isinf(rounded):
        raise ValueOutOfRangeError
    return rounded


def _of(kind: type[Value], value: Value) -> Value:
    if not isinstance(value, kind):
        raise TypeMismatchError
    return value


_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,  # the Greek letter, which looks the same
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_INTERVAL = re.compile(r"(-?\d{1,18}(?:\.\d{1,18})?)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)


def _parse_interval(text: str) -> int:
    match = _INTERVAL.fullmatch(text)
    if match is None and text != "0":
        raise invalid(
            f"{quoted(text)} is not a time interval",
            "Write a number and its unit, such as '500ms'.",
        )
    return 0 if match is None else int(Decimal(match[1]) * _UNITS[match[2]])


def _check_positive(nanoseconds: int) -> int:
    if nanoseconds <= 0:
        raise invalid("the interval must be above zero", "Write a longer one.")
    return nanoseconds


Interval: TypeAlias = Annotated[int, from_text(_parse_interval)]
"""The nanoseconds of a time interval such as ``500ms`` or ``1.5h``."""
PositiveInterval: TypeAlias = Annotated[Interval, AfterValidator(_check_positive)]
