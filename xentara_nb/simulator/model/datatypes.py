"""Data types: their names in a configuration, their first values, and what fits them.

A server converts what it is sent, as long as nothing is lost: a whole number is a float as well,
a float without a fraction is a whole number. Browsers rely on it, for they have only one kind of
number. Two peculiarities of clients are understood: one sends a negative whole number -n as the
unsigned 2^64 - n, which a signed integer takes as the negative number that is meant (a float cannot
tell it from a large number, and takes it as that); and one sends a text of digits as an integer,
which a text attribute takes as its digits.

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
from decimal import Decimal
from uuid import UUID

from xentara_nb.protocol.errors import (
    IllegalValueError,
    ServerError,
    TypeMismatchError,
    ValueOutOfRangeError,
)
from xentara_nb.protocol.identifiers import NIL_UUID, Category, DataType, Quality
from xentara_nb.protocol.values import TimePoint, Value
from xentara_nb.simulator.documents import JsonNode

NO_ERROR = "no error"
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

SIGNAL_KEYWORDS = tuple(KEYWORDS)[:11]
"""The names of those that a signal generator makes: numbers and booleans."""

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
# The simulator's own points can have every data type there is.
_ALL_NAMES = {**KEYWORDS, **{data_type.label: data_type for data_type in DataType}}

FLOAT32_LARGEST = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]


def keyword(place: JsonNode, allowed: tuple[str, ...] = tuple(KEYWORDS)) -> DataType:
    """Return the data type that a model names with a keyword.

    Raises
    ------
    ConfigurationError
        If there is no such keyword.
    """
    text = place.text()
    if text not in allowed:
        place.fault(f"there is no data type {text!r} here", f"Take one of {', '.join(allowed)}.")
    return KEYWORDS[text]


def any_name(place: JsonNode) -> DataType:
    """Return the data type that a keyword, or a name such as ``U16String``, means."""
    data_type = _ALL_NAMES.get(place.text())
    if data_type is None:
        place.fault(
            f"there is no data type {place.value!r}", f"Take one of {', '.join(_ALL_NAMES)}."
        )
    return data_type


def skill_name(text: str) -> DataType | None:
    """Return the data type that a skill means by a name such as ``UNSIGNED16``, if any."""
    return _SKILL_NAMES.get("".join(c for c in text.lower() if c.isalnum()))


def first_value(data_type: DataType) -> Value | ServerError:
    """Return what an attribute of the type holds before anything was read or written."""
    if data_type is DataType.BOOLEAN:
        return False
    if data_type.integer_range is not None:
        return 0
    if data_type.is_float:
        return 0.0
    return _FIRST_VALUES.get(data_type, "")


_FIRST_VALUES: dict[DataType, Value | ServerError] = {
    DataType.TIME_POINT: TimePoint.NEVER,
    DataType.UUID: NIL_UUID,
    DataType.QUALITY: int(Quality.GOOD),
    DataType.ELEMENT_CATEGORY: int(Category.DATA_POINT),
    DataType.ERROR_CODE: NO_ERROR,
    DataType.NONE: TypeMismatchError("the attribute has no data type"),
}


def convert(data_type: DataType, value: Value) -> Value:
    """Return a written value as an attribute of the type holds it.

    Raises
    ------
    TypeMismatchError
        If the value is of another kind, or would lose a fraction.
    ValueOutOfRangeError
        If the value is too large or too small.
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


def from_json(data_type: DataType, place: JsonNode) -> Value:
    """Return a value as a configuration gives it: times and UUIDs are texts there.

    Raises
    ------
    ConfigurationError
        If it does not fit the data type.
    """
    value = place.value
    if data_type is DataType.UUID:
        # Other than an element, a value may well be the nil UUID.
        return NIL_UUID if value == str(NIL_UUID) else place.uuid()
    if data_type is DataType.TIME_POINT:
        try:
            return TimePoint.parse(place.text())
        except ValueError as error:
            place.fault(str(error), "Write it as RFC 3339 says.")
    if not isinstance(value, bool | int | float | str):
        place.fault(f"this is no {data_type.label}", "Write a number, a boolean or a text.")
    try:
        return convert(data_type, value)
    except ServerError as error:
        place.fault(f"this does not fit {data_type.label} ({error.text})", "Write one that does.")


def same(one: object, other: object) -> bool:
    """Whether two values are the same, so that nothing has changed; NaN is the same as NaN."""
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _whole(value: Value, limits: range) -> int:
    if isinstance(value, float) and not math.isnan(value):
        if math.isinf(value):
            raise ValueOutOfRangeError
        if value.is_integer():
            value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeMismatchError
    if value >= 1 << 63 and value - (1 << 64) in limits:
        value -= 1 << 64
    if value not in limits:
        raise ValueOutOfRangeError
    return value


def _float(data_type: DataType, value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeMismatchError
    value = float(value)
    if data_type is DataType.FLOAT_64 or not math.isfinite(value):
        return value
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        raise ValueOutOfRangeError from None
    return rounded


def _of(kind: type[Value], value: Value) -> Value:
    if not isinstance(value, kind):
        raise TypeMismatchError
    return value


def check_limits(
    value: Value, minimum: Value | None, maximum: Value | None, allowed: tuple[Value, ...] | None
) -> None:
    """Check a value against the limits that a device has.

    Raises
    ------
    ValueOutOfRangeError
        If it is beyond a limit.
    IllegalValueError
        If it is not among the allowed ones.
    """
    if isinstance(value, int | float):
        if isinstance(minimum, int | float) and not value >= minimum:
            raise ValueOutOfRangeError(f"the lowest value is {minimum}")
        if isinstance(maximum, int | float) and not value <= maximum:
            raise ValueOutOfRangeError(f"the highest value is {maximum}")
    if allowed is not None and value not in allowed:
        raise IllegalValueError(f"the device takes one of {', '.join(map(str, allowed))}")


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


def interval(place: JsonNode, *, positive: bool = False) -> int:
    """Return the nanoseconds of a time interval such as ``500ms`` or ``1.5h``.

    Raises
    ------
    ConfigurationError
        If it is none, or not above zero where it must be.
    """
    text = place.text()
    match = _INTERVAL.fullmatch(text)
    if match is None and text != "0":
        place.fault(
            f"{text!r} is not a time interval", "Write a number and its unit, such as '500ms'."
        )
    nanoseconds = 0 if match is None else int(Decimal(match[1]) * _UNITS[match[2]])
    if positive and nanoseconds <= 0:
        place.fault("the interval must be above zero", "Write a longer one.")
    return nanoseconds
