"""What a user wants to write, as the attribute's data type takes it: never by a guess.

The rule is that nothing is lost on the way: an integer is never cut, a fraction never rounded
away, a text never taken for a boolean. What does not fit is refused, and nothing is sent.

A float means the nearest number that its type holds: 0.1, ``"0.1"`` and ``Decimal("0.1")`` are
taken for a Float32 as for a Float64. A whole number has to be exact also there: ``2**53 + 1`` is
refused for a Float64, and ``2**24 + 1`` for a Float32.

A time without a time zone is one of this computer's, see :mod:`xentara_nb.tables.times`.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import Decimal
from numbers import Integral, Rational
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd

from xentara_nb.errors import WriteRefusedError
from xentara_nb.protocol.identifiers import Category, DataType, Quality, known, label
from xentara_nb.protocol.text import UNSENDABLE
from xentara_nb.protocol.values import TimePoint, Value, float_32
from xentara_nb.tables.spreadsheets import NumberCell, truth
from xentara_nb.tables.times import time_point_of

# Most values are of these types, and need no closer look unless they are NaN.
_PLAIN = frozenset({bool, int, float, str})
_INTEGER = re.compile(r"[+-]?\d{1,400}", re.ASCII)
# As a table writes whole numbers beside fractions. 1.000 may be a thousand.
_NO_FRACTION = re.compile(r"([+-]?\d{1,400})\.(?:0{1,2}|0{4,400})", re.ASCII)
_FLOAT = re.compile(
    r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?|[+-]?(inf|infinity|nan)",
    re.ASCII | re.IGNORECASE,
)
_BEYOND_NANOSECONDS = re.compile(r"\.\d{9}\d*[1-9]", re.ASCII)
# An English word that is spoken with a vowel at its beginning: not "a U8String", nor "a Uuid".
_VOWEL_FIRST = re.compile(r"[aeio]|u(?![\du])", re.IGNORECASE)
_DIGITS: dict[type, int] = {np.float16: 11, np.float32: 24}  # binary ones, where they are not 53
# A number written with more digits than this fits no data type, and is not worked out.
_MOST_DIGITS = 400


def coerce(value: Any, data_type: int, *, number_as_boolean: bool = False) -> Value:
    """Return a value in the form in which an attribute of a data type takes it.

    A text is read as the data type says, as from a CSV. Coerced again, the result is the same.
    With ``number_as_boolean`` 0 and 1 will do for a Boolean. Raises WriteRefusedError.
    """
    kind = known(DataType, data_type)
    if not isinstance(kind, DataType):
        raise WriteRefusedError(
            f"the attribute has the data type {data_type}, which this version does not know"
        )
    digits = 53
    if type(value) not in _PLAIN or value != value:
        digits = _DIGITS.get(type(value), digits)
        value = _plain(value)
        _refuse_missing(value, kind)
        if isinstance(value, np.timedelta64):  # which numpy takes for an integer
            raise _refused(value, "is a duration, which no attribute holds", kind)
        if isinstance(value, NumberCell):
            value = value.written if kind.is_text else value.number
            if kind.integer_range is not None and (whole := _NO_FRACTION.fullmatch(value)):
                # From there on it may be another one that a table had as a float.
                value = whole[1] if abs(float(value)) < 2**digits else float(value)
    if kind is DataType.BOOLEAN:
        return _boolean(value, number_as_boolean)
    if (allowed := kind.integer_range) is not None:
        return _integer(value, kind, allowed, digits)
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
        f"an attribute of the data type {label(DataType, kind)} cannot be written: the protocol "
        "has no form for its values"
    )


def _plain(value: Any) -> Any:
    """Return numpy's scalars as Python's, where nothing is lost by that.

    Times stay as they are: numpy would make a bare number of them.
    """
    if isinstance(value, np.ma.MaskedArray) and value.ndim == 0:
        value = pd.NA if bool(np.ma.getmaskarray(value)) else value.data
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.longdouble):
        return float(value) if np.isnan(value) or float(value) == value else value
    if isinstance(value, np.bool_ | np.integer | np.floating | np.str_) and not isinstance(
        value, np.timedelta64
    ):
        return value.item()
    return value


def _refuse_missing(value: object, data_type: DataType) -> None:
    if (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, np.datetime64 | np.timedelta64) and np.isnat(value))
    ):
        raise WriteRefusedError(
            f"there is no value to write ({'missing' if value is None else value}); "
            f"the attribute is {with_article(data_type.label)}"
        )
    if (isinstance(value, float) and math.isnan(value)) or (
        isinstance(value, Decimal) and value.is_nan()
    ):
        # In a DataFrame NaN is a missing value far more often than a value that is meant.
        hint = " (write the text 'nan' to mean it)" if data_type.is_float else ""
        raise _refused(value, f"may be a missing value{hint}", data_type)


def _refused(value: object, what: str, data_type: DataType) -> WriteRefusedError:
    shown = repr(value) if isinstance(value, str) else " ".join(repr(value).split())
    if len(shown) > 80:
        shown = f"{shown[:80]}…"
    return WriteRefusedError(
        f"{shown} {what}, and the attribute is {with_article(data_type.label)}"
    )


def with_article(word: str) -> str:
    """Return a word with its article in front: "a U8String", "an Uuid" would be wrong."""
    return f"{'an' if _VOWEL_FIRST.match(word) else 'a'} {word}"


def _boolean(value: object, number_as_boolean: bool) -> bool:
    kind = DataType.BOOLEAN
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (found := truth(value.strip())) is not None:
        return found
    number = value.strip() if isinstance(value, str) else value
    if isinstance(number, int | float | str) and number in (0, 1, "0", "1"):
        if number_as_boolean:
            return number in (1, "1")
        raise _refused(value, "is a number (number_as_boolean=True takes 0 and 1)", kind)
    raise _refused(value, "is neither True nor False", kind)


def _integer(value: object, data_type: DataType, allowed: range, digits: int) -> int:
    # The first number with a neighbour that is rounded to it.
    if isinstance(value, float) and value.is_integer() and abs(value) >= 2**digits:
        raise _refused(value, f"is a float from 2**{digits} up, no exact whole number", data_type)
    number = _whole(value, data_type)
    if number is None:
        what = "is a boolean, no number" if isinstance(value, bool) else "is no whole number"
        raise _refused(value, what, data_type)
    if number not in allowed:
        raise _refused(value, f"is not in {allowed[0]} to {allowed[-1]}", data_type)
    return number


def _whole(value: object, data_type: DataType) -> int | None:
    """Return the whole number that a value stands for, None if it stands for none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value.strip()) else None
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Rational):
        return int(value.numerator) if value.denominator == 1 else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, Decimal) and value.is_finite():
        if value.adjusted() > _MOST_DIGITS:
            raise _refused(value, "is too large", data_type)
        return int(value) if value == value.to_integral_value() else None
    return None


def _float(value: object, data_type: DataType) -> float:
    if not isinstance(value, float):
        number = _whole(value, data_type)
        if number is not None:
            return _whole_float(value, number, data_type)
        value_as_float = _nearest(value, data_type)
    else:
        value_as_float = float(value)
    if data_type is DataType.FLOAT_32 and math.isfinite(value_as_float):
        rounded = float_32(value_as_float)
        if math.isinf(rounded):
            raise _refused(value, "is too large", data_type)
        if rounded == 0 != value_as_float:
            raise _refused(value, "is too small to differ from 0", data_type)
    return value_as_float


def _whole_float(value: object, number: int, data_type: DataType) -> float:
    try:
        held = float(number)
    except OverflowError:
        held = math.inf
    if data_type is DataType.FLOAT_32:
        held = float_32(held)
    if math.isinf(held):
        raise _refused(value, "is too large", data_type)
    if int(held) != number:
        raise _refused(value, "has more digits than the type can hold exactly", data_type)
    # "-0" is a whole number and a float of its own.
    return -0.0 if number == 0 and str(value).strip().startswith("-") else held


def _nearest(value: object, data_type: DataType) -> float:
    """Return the float nearest to a number that is not whole."""
    if isinstance(value, bool):
        raise _refused(value, "is a boolean, no number", data_type)
    exact = value
    if isinstance(value, str) and _FLOAT.fullmatch(value.strip()):
        exact = Decimal(value.strip())
    if not isinstance(exact, Decimal | Rational):
        comma = isinstance(value, str) and _FLOAT.fullmatch(value.strip().replace(",", ".", 1))
        what = "is no number (write it with a point, and no comma)" if comma else "is no number"
        raise _refused(value, what, data_type)
    try:
        number = float(exact)
    except OverflowError:
        number = math.inf
    if math.isinf(number) and not (isinstance(exact, Decimal) and exact.is_infinite()):
        raise _refused(value, "is too large", data_type)
    if number == 0 != exact:
        raise _refused(value, "is too small to differ from 0", data_type)
    return number


def _text(value: object, data_type: DataType) -> str:
    if not isinstance(value, str):
        raise _refused(value, "is no text", data_type)
    # The text itself, also of an enum that would call itself something else.
    text = str.__str__(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _refused(value, UNSENDABLE, data_type) from None
    return text


def _time_point(value: object) -> TimePoint:
    kind = DataType.TIME_POINT
    if isinstance(value, TimePoint):
        return value
    try:
        if isinstance(value, str):
            if _BEYOND_NANOSECONDS.search(value):
                raise _refused(value, "is more exact than nanoseconds", kind)
            return time_point_of(value)
        if isinstance(value, datetime | np.datetime64):  # pandas' Timestamp is one
            return time_point_of(value)
    except WriteRefusedError:
        raise
    except pd.errors.OutOfBoundsDatetime:
        raise _refused(value, "is not in the years 1678 to 2261", kind) from None
    except (ValueError, OverflowError) as error:
        raise WriteRefusedError(
            f"{error}, and the attribute is {with_article(kind.label)}"
        ) from None
    raise _refused(value, "is no time stamp", kind)


def _uuid(value: object) -> UUID:
    if isinstance(value, UUID):
        return UUID(int=value.int)
    if isinstance(value, str):
        try:
            return UUID(value.strip())
        except ValueError:
            pass
    raise _refused(value, "is no UUID", DataType.UUID)


def _labelled(value: object, table: type[Quality] | type[Category], data_type: DataType) -> int:
    member = table.find(value)
    if member is None:
        raise _refused(value, f"is none of: {table.labels()}", data_type)
    return int(member)
