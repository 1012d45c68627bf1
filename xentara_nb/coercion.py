"""What a user wants to write, as the attribute's data type takes it: never by a guess.

The rule is that nothing is lost on the way: an integer is never cut, a fraction never rounded
away, a text never taken for a boolean. What does not fit is refused, and nothing is sent.

Examples
--------
>>> coerce("42", DataType.SIGNED_INTEGER_32)
42
>>> coerce("4.2", DataType.SIGNED_INTEGER_8)
Traceback (most recent call last):
    ...
xentara_nb.errors.WriteRefusedError: '4.2' is no whole number, and the attribute is a SignedInteger8
"""

from __future__ import annotations

import math
import numbers
import re
import struct
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd

from xentara_nb.errors import WriteRefusedError
from xentara_nb.protocol.identifiers import Category, DataType, Quality, known, label
from xentara_nb.protocol.values import TimePoint, Value

_TRUE, _FALSE = ("true",), ("false",)
_INTEGER = re.compile(r"[+-]?\d{1,25}", re.ASCII)
_FLOAT = re.compile(
    r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?|[+-]?(inf|infinity|nan)",
    re.ASCII | re.IGNORECASE,
)


def coerce(value: Any, data_type: int, *, number_as_boolean: bool = False) -> Value:
    """Return a value in the form in which an attribute of a data type takes it.

    Parameters
    ----------
    value : object
        A Python, numpy or pandas scalar. A text is read as the data type says, as from a CSV.
    data_type : int
        A :class:`~xentara_nb.protocol.identifiers.DataType`.
    number_as_boolean : bool
        Whether 0 and 1 will do for a Boolean.

    Returns
    -------
    bool, int, float, str, uuid.UUID or TimePoint

    Raises
    ------
    WriteRefusedError
        If the value does not fit, with the reason.
    """
    kind = known(DataType, data_type)
    value = _plain(value)
    if value is None or value is pd.NA or value is pd.NaT:
        raise WriteRefusedError(
            f"there is no value to write ({'missing' if value is None else value}); "
            f"the attribute is a {label(DataType, data_type)}"
        )
    if not isinstance(kind, DataType):
        raise WriteRefusedError(
            f"the attribute has the data type {data_type}, which this version does not know"
        )
    if kind is DataType.BOOLEAN:
        return _boolean(value, number_as_boolean)
    if (allowed := kind.integer_range) is not None:
        return _integer(value, kind, allowed)
    if kind.is_float:
        return _float(value, kind)
    if kind.is_text:
        return _text(value, kind)
    if kind is DataType.TIME_POINT:
        return _time_point(value)
    if kind is DataType.UUID:
        return _uuid(value)
    if kind is DataType.QUALITY:
        return _labelled(value, Quality, kind)
    if kind is DataType.ELEMENT_CATEGORY:
        return _labelled(value, Category, kind)
    raise WriteRefusedError(
        f"an attribute of the data type {kind.label} cannot be written: the protocol has no form "
        "for its values"
    )


def _plain(value: Any) -> Any:
    """Return numpy's scalars as Python's; nothing is lost by that."""
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64):
        return value.item()
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return value.item()
    return value


def _refused(value: object, what: str, data_type: DataType) -> WriteRefusedError:
    shown = repr(value)
    if len(shown) > 80:
        shown = f"{shown[:80]}…"
    return WriteRefusedError(f"{shown} {what}, and the attribute is a {data_type.label}")


def _boolean(value: object, number_as_boolean: bool) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE + _FALSE:
        return value.strip().lower() in _TRUE
    if number_as_boolean and isinstance(value, int | float | str) and str(value) in ("0", "1"):
        return str(value) == "1"
    raise _refused(value, "is neither True nor False", DataType.BOOLEAN)


def _integer(value: object, data_type: DataType, allowed: range) -> int:
    if isinstance(value, bool):
        raise _refused(value, "is a boolean, no number", data_type)
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value.strip()):
            raise _refused(value, "is no whole number", data_type)
        number = int(value.strip())
    elif isinstance(value, numbers.Integral):
        number = int(value)
    elif isinstance(value, float):
        if not value.is_integer():
            raise _refused(value, "is no whole number", data_type)
        if abs(value) > 2**53:
            raise _refused(value, "is a float beyond 2**53, no exact whole number", data_type)
        number = int(value)
    else:
        raise _refused(value, "is no whole number", data_type)
    if number not in allowed:
        raise _refused(value, f"is not in {allowed[0]} to {allowed[-1]}", data_type)
    return number


def _float(value: object, data_type: DataType) -> float:
    if isinstance(value, bool):
        raise _refused(value, "is a boolean, no number", data_type)
    if isinstance(value, str):
        if not _FLOAT.fullmatch(value.strip()):
            raise _refused(value, "is no number", data_type)
        number = float(value)
        if math.isinf(number) and "inf" not in value.lower():
            raise _refused(value, "is too large", data_type)
    elif isinstance(value, float):
        if math.isnan(value):
            # In a DataFrame NaN is a missing value far more often than a value that is meant.
            raise _refused(value, "may be a missing value (write 'nan' to mean it)", data_type)
        number = value
    elif isinstance(value, numbers.Integral):
        try:
            number = float(int(value))
        except OverflowError:
            raise _refused(value, "is too large", data_type) from None
        if int(number) != int(value):
            raise _refused(value, "has more digits than a float can hold exactly", data_type)
    else:
        raise _refused(value, "is no number", data_type)
    if data_type is DataType.FLOAT_32:
        _check_float_32(value, number)
    return number


def _check_float_32(value: object, number: float) -> None:
    """Refuse what is out of the range of a Float32. Rounding to its precision is what it means."""
    if math.isfinite(number):
        try:
            rounded = struct.unpack(">f", struct.pack(">f", number))[0]
        except OverflowError:
            raise _refused(value, "is too large", DataType.FLOAT_32) from None
        if number != 0 and rounded == 0:
            raise _refused(value, "is too small to be told from 0", DataType.FLOAT_32)


def _text(value: object, data_type: DataType) -> str:
    if not isinstance(value, str):
        raise _refused(value, "is no text", data_type)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise _refused(
            value, "has characters that cannot be sent (surrogates)", data_type
        ) from None
    return str(value)


def _time_point(value: object) -> TimePoint:
    kind = DataType.TIME_POINT
    if isinstance(value, TimePoint):
        return value
    try:
        if isinstance(value, str):
            return TimePoint.parse(value.strip())
        if isinstance(value, datetime):  # pandas' Timestamp is one
            if value.tzinfo is None:
                raise _refused(value, "has no time zone", kind)
            return TimePoint(pd.Timestamp(value).as_unit("ns").value)
    except WriteRefusedError:
        raise
    except (ValueError, OverflowError) as error:
        raise WriteRefusedError(f"{error}, and the attribute is a {kind.label}") from None
    if isinstance(value, np.datetime64):
        raise _refused(value, "has no time zone", kind)
    raise _refused(value, "is no time stamp", kind)


def _uuid(value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    if isinstance(value, str):
        try:
            return UUID(value.strip())
        except ValueError:
            pass
    raise _refused(value, "is no UUID", DataType.UUID)


def _labelled(value: object, table: type[Quality] | type[Category], data_type: DataType) -> int:
    if isinstance(value, str):
        for member in table:
            if value.strip().lower() in (member.label.lower(), str(member.value)):
                return int(member)
    elif isinstance(value, int) and not isinstance(value, bool) and value in set(table):
        return int(value)
    choices = ", ".join(member.label for member in table)
    raise _refused(value, f"is none of: {choices}", data_type)
