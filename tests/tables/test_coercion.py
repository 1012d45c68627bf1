"""What a user wants to write becomes what the data type takes, or is refused: never a guess."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import re
import struct
import uuid
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.zones import time_zone
from xentara_nb.errors import WriteRefusedError
from xentara_nb.protocol import cbor
from xentara_nb.protocol.identifiers import Category, DataType, Quality
from xentara_nb.protocol.values import TimePoint, float_32
from xentara_nb.tables.coercion import coerce
from xentara_nb.tables.spreadsheets import NumberCell

INTEGERS = [kind for kind in DataType if kind.integer_range is not None]
FLOATS = [DataType.FLOAT_32, DataType.FLOAT_64]
TEXTS = [kind for kind in DataType if kind.is_text]
WITHOUT_A_FORM = [DataType.ERROR_CODE, DataType.CUSTOM, DataType.NONE]
TYPES = [kind for kind in DataType if kind not in WITHOUT_A_FORM]

NOW = TimePoint(1_704_107_471_111_587_983)
TEXT = "2024-01-01T11:11:11.111587983Z"
ID = uuid.UUID("88130ce8-b9e7-4a2a-8f26-d32a931129aa")


def refused(value, data_type, match="", **options):
    """Return why a value is refused; a failure names the value and the data type."""
    case = f"{value!r} as {data_type!r}"
    try:
        result = coerce(value, data_type, **options)
    except WriteRefusedError as error:
        said = str(error)
    except Exception as error:
        error.add_note(case)
        raise
    else:
        pytest.fail(f"{case} became {result!r}")
    assert re.search(match, said), case
    return said


# Anything that a cell of a DataFrame, a CSV or a Python program may hold.
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**65), 2**65)
    | st.floats()
    | st.floats(width=32)
    | st.decimals()
    | st.fractions()
    | st.text()
    | st.from_regex(r"[+-]?[0-9]{1,25}(\.[0-9]{0,5})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
    | st.sampled_from(["true", "False", " 1 ", "0", "nan", "inf", "-0", "good", "device", TEXT])
    | st.binary()
    | st.uuids()
    | st.uuids().map(str)
    | st.datetimes()
    | st.datetimes(timezones=st.just(datetime.UTC))
    | st.timedeltas()
    | st.complex_numbers()
    | st.sampled_from([pd.NA, pd.NaT, np.ma.masked, np.nan, Decimal("sNaN")])
    | st.integers(-(2**63), 2**63 - 1).map(lambda n: np.datetime64(n, "ns"))
    | st.integers(-(2**63), 2**63 - 1).map(lambda n: np.timedelta64(n, "ns"))
    | st.integers(-128, 127).map(np.int8)
    | st.integers(0, 2**64 - 1).map(np.uint64)
    | st.floats(width=32).map(np.float32)
    | st.floats().map(np.float64)
    | st.floats().map(np.longdouble)
    | st.booleans().map(np.bool_)
    | st.lists(st.integers(), max_size=2)
)


@given(ANYTHING, st.sampled_from(DataType), st.booleans())
def test_anything_is_taken_in_its_form_or_refused(value, data_type, number_as_boolean):
    try:
        result = coerce(value, data_type, number_as_boolean=number_as_boolean)
    except WriteRefusedError as error:
        message = str(error)
        assert message
        assert message.isprintable()
        return
    expected = (
        bool
        if data_type is DataType.BOOLEAN
        else float
        if data_type.is_float
        else str
        if data_type.is_text
        else TimePoint
        if data_type is DataType.TIME_POINT
        else uuid.UUID
        if data_type is DataType.UUID
        else int
    )
    assert type(result) is expected
    if expected is int and data_type.integer_range is not None:
        assert result in data_type.integer_range
    # It can be sent.
    sent = cbor.decode(cbor.encode(result))
    assert sent == result or result != result
    # It is the same when it is coerced again; only a NaN that was meant must be meant again.
    if result == result:
        again = coerce(result, data_type)
        assert (again, type(again)) == (result, expected)
        if expected is float:
            assert math.copysign(1, again) == math.copysign(1, result)


@given(
    st.one_of(
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False),
        st.decimals(allow_nan=False, places=None),
        st.fractions(),
    ),
    st.sampled_from(INTEGERS),
)
def test_an_integer_is_exactly_the_number_or_refused(number, data_type):
    try:
        result = coerce(number, data_type)
    except WriteRefusedError:
        whole = not isinstance(number, float | Decimal) or math.isfinite(number)
        whole = whole and number == math.floor(number)
        beyond = isinstance(number, float) and abs(number) >= 2**53
        assert not whole or beyond or math.floor(number) not in data_type.integer_range
    else:
        assert result == number


@given(st.sampled_from(INTEGERS), st.data())
def test_every_integer_of_a_type_is_taken_in_every_form(data_type, data):
    limits = data_type.integer_range
    number = data.draw(
        st.integers(limits[0], limits[-1]) | st.sampled_from([limits[0], limits[-1]])
    )
    for form in (number, str(number), f" {number}\n", Decimal(number), Fraction(number)):
        assert coerce(form, data_type) == number
    signed, unsigned = -(2**63) <= number < 2**63, number >= 0
    assert not signed or coerce(np.int64(number), data_type) == number
    assert not unsigned or coerce(np.uint64(number), data_type) == number
    for beyond in (limits[0] - 1, limits[-1] + 1):
        refused(beyond, data_type, f"is not in {limits[0]} to {limits[-1]}")
        refused(str(beyond), data_type, "is not in")


@pytest.mark.parametrize(
    "value",
    [
        *(4.2, "4.2", "42.0", "4e1", "", " ", "4 2", "4_2", "0x2a", "٤٢", "∞", "--4", "1" * 500),
        *(True, False, np.True_, math.inf, Decimal("4.2"), Decimal("Infinity"), Fraction(1, 3)),
        *(Decimal("1E+999999"), Decimal("1E-999999"), 4 + 0j, b"42", [42], np.array([42])),
        *(np.timedelta64(5, "ns"), np.array(np.timedelta64(5, "ns")), np.datetime64(5, "ns")),
        *(datetime.timedelta(5), datetime.date(2024, 1, 1), NOW, ID, object),
    ],
    ids=repr,
)
def test_what_is_no_whole_number_is_refused(value):
    for data_type in INTEGERS:
        refused(value, data_type, data_type.label)


def test_the_cell_of_a_file_that_was_a_float_in_a_table_is_as_one() -> None:
    for text, number in (("42.0", 42), ("-9007199254740991.0", 1 - 2**53), (str(2**60), 2**60)):
        assert coerce(NumberCell.of(text, text, text), DataType.SIGNED_INTEGER_64) == number
    for text in ("9007199254740992.0", "-9007199254740992.00"):
        cell = NumberCell.of(text, text, text)
        refused(cell, DataType.SIGNED_INTEGER_64, "no exact whole number")


def test_a_whole_float_is_a_number_up_to_where_floats_have_gaps():
    assert coerce(42.0, DataType.SIGNED_INTEGER_32) == 42
    for form, digits in ((float, 53), (np.float64, 53), (np.float32, 24), (np.float16, 11)):
        assert coerce(form(2**digits - 1), DataType.SIGNED_INTEGER_64) == 2**digits - 1
        # It may have been one more.
        assert form(2**digits + 1) == 2**digits
        refused(form(2**digits), DataType.SIGNED_INTEGER_64, rf"float from 2\*\*{digits} up")
        refused(form(-(2**digits)), DataType.SIGNED_INTEGER_64, "no exact whole number")
    assert coerce(-0.0, DataType.SIGNED_INTEGER_8) == 0


@pytest.mark.parametrize(
    "value",
    [
        *(None, pd.NA, pd.NaT, np.datetime64("NaT", "s"), np.timedelta64("NaT", "s"), np.ma.masked),
        *(math.nan, np.float32("nan"), np.longdouble("nan"), Decimal("NaN"), Decimal("sNaN")),
        *(np.array(None), np.array(math.nan), np.ma.array(1, mask=True)),
    ],
    ids=repr,
)
def test_what_is_missing_is_refused(value):
    for data_type in (*TYPES, *WITHOUT_A_FORM):
        refused(value, data_type, "(no value to write|may be a missing value)")


def test_nan_can_be_meant():
    for data_type in FLOATS:
        assert math.isnan(coerce("nan", data_type))
        assert math.isnan(coerce(" NaN ", data_type))
    assert "'nan' to mean it" in refused(math.nan, DataType.FLOAT_64)
    assert "to mean it" not in refused(math.nan, DataType.STRING)


def test_booleans():
    for value in (True, np.True_, "true", " TRUE", "True\n", "WAHR", "vrai ", "DOĞRU"):
        assert coerce(value, DataType.BOOLEAN) is True
    for value in (False, np.False_, "false", "Falsch", "FAŁSZ", "YANLIŞ"):
        assert coerce(value, DataType.BOOLEAN) is False
    for value in (0, 1, 1.0, "0", " 1 ", np.int8(1)):
        message = refused(value, DataType.BOOLEAN, "number_as_boolean=True")
        assert "Boolean" in message
        result = coerce(value, DataType.BOOLEAN, number_as_boolean=True)
        assert result is bool(int(value))
    for value in (2, -1, 0.5, "2", "yes", "on", "", "truee", b"1", Decimal(1), Fraction(1), [True]):
        refused(value, DataType.BOOLEAN, "is neither True nor False", number_as_boolean=True)


@given(st.floats(allow_nan=False))
def test_every_float_is_taken_as_it_is(number):
    for form in (number, np.float64(number), repr(number), np.longdouble(number)):
        result = coerce(form, DataType.FLOAT_64)
        assert struct.pack(">d", result) == struct.pack(">d", number)


@given(st.floats(allow_nan=False, width=32))
def test_every_float_32_is_taken_as_it_is(number):
    assert coerce(number, DataType.FLOAT_32) == number
    assert coerce(np.float32(number), DataType.FLOAT_32) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_32_is_refused_beyond_its_range_and_never_becomes_0_or_infinite(number):
    held = float_32(number)
    if math.isinf(held):
        refused(number, DataType.FLOAT_32, "is too large")
    elif held == 0 != number:
        refused(number, DataType.FLOAT_32, "is too small")
    else:
        # As it came: rounding is the server's, and a plan shows 0.1 as 0.1.
        assert coerce(number, DataType.FLOAT_32) == number


@given(st.integers(-(10**320), 10**320) | st.integers(-(2**60), 2**60), st.sampled_from(FLOATS))
def test_a_whole_number_is_exact_in_a_float_or_refused(number, data_type):
    refusals = []
    for form in (number, str(number), Decimal(number), Fraction(number)):
        try:
            result = coerce(form, data_type)
        except WriteRefusedError as error:
            refusals.append(str(error))
            continue
        assert int(result) == number
        assert data_type is DataType.FLOAT_64 or float_32(result) == result
    assert all(re.search("more digits|too large|no number", text) for text in refusals)


def test_the_edges_of_floats():
    assert coerce(2**53, DataType.FLOAT_64) == 2**53
    refused(2**53 + 1, DataType.FLOAT_64, "more digits")
    refused("9007199254740993", DataType.FLOAT_64, "more digits")
    assert coerce(2**24, DataType.FLOAT_32) == 2**24
    refused(2**24 + 1, DataType.FLOAT_32, "more digits")
    assert coerce(2**24 + 1, DataType.FLOAT_64) == 2**24 + 1
    for value in ("1e400", "-1e400", 10**400, Decimal("1e400"), Fraction(10**400, 3)):
        refused(value, DataType.FLOAT_64, "is too large")
    for value in ("1e-400", "0." + "0" * 390 + "1", Decimal("1e-400"), Fraction(1, 10**400)):
        refused(value, DataType.FLOAT_64, "is too small")
    for value in (1e39, "1e39", Decimal("1e39"), 10**39):
        refused(value, DataType.FLOAT_32, "is too large")
    assert coerce("1e39", DataType.FLOAT_64) == 1e39
    for value in ("inf", "-Infinity", Decimal("-Infinity")):
        assert math.isinf(coerce(value, DataType.FLOAT_32))
    assert coerce("0e400", DataType.FLOAT_64) == 0.0
    for value in ("-0", "-0.0", "-0e5", Decimal("-0"), -0.0):
        assert math.copysign(1, coerce(value, DataType.FLOAT_64)) == -1
    assert coerce("0.1", DataType.FLOAT_64) == coerce(Decimal("0.1"), DataType.FLOAT_64) == 0.1
    assert coerce(Fraction(1, 3), DataType.FLOAT_64) == 1 / 3


@pytest.mark.parametrize("data_type", FLOATS)
@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "4,2", "1_000.0", "0x1p3", "4.2.1", "e5", "infinite", "4 2", "٤.٢", True),
        *(np.True_, b"4.2", 4 + 0j, np.timedelta64(5, "s"), NOW, ID, datetime.timedelta(1)),
        *([1.0], "1" * 500),
    ],
    ids=repr,
)
def test_what_is_no_float_is_refused(value, data_type):
    refused(value, data_type, data_type.label)


def test_a_decimal_does_not_depend_on_the_context():
    with decimal.localcontext(decimal.Context(prec=2)):
        assert coerce(Decimal("123456789"), DataType.SIGNED_INTEGER_32) == 123456789
        assert coerce(Decimal("1.23456789"), DataType.FLOAT_64) == 1.23456789


class Words(str, enum.Enum):  # noqa: UP042  # StrEnum calls itself by its value, this one does not
    STILL = "Still 0.5 l"


@pytest.mark.parametrize("data_type", TEXTS)
def test_texts(data_type):
    for text in ("", " spaces stay ", "Grüße, 世界 \N{BEER MUG}", "1", "true", "nan", "a\0b\n"):
        assert coerce(text, data_type) == text
    result = coerce(Words.STILL, data_type)
    assert (result, type(result)) == ("Still 0.5 l", str)
    assert type(coerce(np.str_("x"), data_type)) is str
    for value in (1, 1.5, True, b"text", NOW, ID, ["a"], Decimal(1)):
        refused(value, data_type, "is no text")
    refused("\ud800", data_type, "surrogates")


def test_time_stamps():
    moment = pd.Timestamp(NOW.nanoseconds, unit="ns", tz="UTC")
    for value in (NOW, TEXT, f" {TEXT} ", moment, moment.tz_convert("Europe/Berlin")):
        assert coerce(value, DataType.TIME_POINT) == NOW
    to_the_microsecond = datetime.datetime(2024, 1, 1, 11, 11, 11, 111587, datetime.UTC)
    nanoseconds = coerce(to_the_microsecond, DataType.TIME_POINT).nanoseconds
    assert nanoseconds == 1_704_107_471_111_587_000
    assert coerce("2024-01-01 12:11:11.111587983+01:00", DataType.TIME_POINT) == NOW
    assert coerce("2024-01-01T11:11:11.1115879830Z", DataType.TIME_POINT) == NOW
    assert coerce("never", DataType.TIME_POINT) == TimePoint.NEVER
    assert coerce("for ever", DataType.TIME_POINT) == TimePoint.FOREVER
    refused("2024-01-01", DataType.TIME_POINT, "with a time zone")
    refused("2024-01-01 11:11:11 or so", DataType.TIME_POINT, "with a time zone")
    refused("2024-01-01T11:11:11.1115879831Z", DataType.TIME_POINT, "more exact than nanoseconds")
    refused("2024-02-30T00:00:00Z", DataType.TIME_POINT, "is not a time stamp")
    far = datetime.datetime(9999, 1, 1, tzinfo=datetime.UTC)
    refused(far, DataType.TIME_POINT, "is not in the years 1678 to 2261")
    for value in (1_704_107_471, 1.5, True, datetime.date(2024, 1, 1), datetime.time(1), ID):
        refused(value, DataType.TIME_POINT, "is no time stamp")


class _NoOffset(datetime.tzinfo):
    def utcoffset(self, when):
        return None


def test_times_without_a_time_zone_are_those_of_this_computer(monkeypatch):
    local = datetime.datetime(2024, 7, 1, 10, 0)
    with time_zone(monkeypatch, "Europe/Berlin"):
        for value in (
            *("2024-07-01 10:00", "2024-07-01T10:00:00", " 2024-07-01 10:00+02:00 "),
            *(local, local.replace(tzinfo=_NoOffset()), pd.Timestamp(local)),
            *(np.datetime64(local, "ns"), np.array(local, "M8[s]")),
        ):
            assert coerce(value, DataType.TIME_POINT) == TimePoint.parse("2024-07-01T08:00:00Z")
        nanoseconds = pd.Timestamp("2024-01-01 12:11:11.111587983")
        assert coerce(nanoseconds, DataType.TIME_POINT) == NOW
        for value in ("2024-03-31 02:30", datetime.datetime(2024, 10, 27, 2, 30)):
            refused(value, DataType.TIME_POINT, "is not one time")
        late = "2024-10-27 02:30+01:00"
        assert coerce(late, DataType.TIME_POINT) == TimePoint.parse("2024-10-27T01:30:00Z")


class MyUuid(uuid.UUID):
    pass


def test_uuids():
    for value in (ID, str(ID), f" {{{ID}}} ", ID.hex, ID.urn, MyUuid(str(ID))):
        result = coerce(value, DataType.UUID)
        assert (result, type(result)) == (ID, uuid.UUID)
    for value in ("", "88130ce8", str(ID)[:-1], ID.int, ID.bytes, 1, True):
        refused(value, DataType.UUID, "is no UUID")


@pytest.mark.parametrize(
    ("table", "data_type"),
    [(Quality, DataType.QUALITY), (Category, DataType.ELEMENT_CATEGORY)],
)
def test_words_of_the_manual(table, data_type):
    for member in table:
        for value in (member, int(member), np.uint8(member), member.label, str(int(member))):
            result = coerce(value, data_type)
            assert (result, type(result)) == (int(member), int)
        assert coerce(f" {member.label.upper()} ", data_type) == member
    for value in (len(table), -1, "", "excellent", 1.0, True, b"good", Decimal(1)):
        message = refused(value, data_type, "is none of")
        assert table(1).label in message


@pytest.mark.parametrize("data_type", WITHOUT_A_FORM)
def test_types_without_a_form_are_refused(data_type):
    for value in ("text", 1, True):
        refused(value, data_type, f"data type {data_type.label} cannot be written")


def test_a_data_type_that_is_not_known_is_refused():
    refused(1, 23, "data type 23, which this version does not know")


def test_arrays_of_no_dimension_are_their_only_item():
    assert coerce(np.array(42), DataType.SIGNED_INTEGER_8) == 42
    assert coerce(np.array("true"), DataType.BOOLEAN) is True
    assert coerce(np.array(ID), DataType.UUID) == ID
    assert coerce(np.ma.array(42, mask=False), DataType.SIGNED_INTEGER_8) == 42
    refused(np.ma.array([42]), DataType.SIGNED_INTEGER_8, "no whole number")


def test_a_decimal_comma_is_named_and_not_guessed():
    """It may stand between thousands as well."""
    for text in ("1,5", "-195,25", "1,234"):
        refused(text, DataType.FLOAT_64, r"is no number \(write it with a point, and no comma\)")
    refused("1,234,567", DataType.FLOAT_64, "is no number, and")


def test_a_long_double_that_no_float_holds_is_refused():
    value = np.longdouble(1) + np.finfo(np.longdouble).eps
    if float(value) == value:
        pytest.skip("a long double is a double here")
    refused(value, DataType.FLOAT_64, "is no number")
    refused(value, DataType.SIGNED_INTEGER_64, "is no whole number")


@pytest.mark.parametrize("data_type", TYPES)
def test_messages_have_the_right_article(data_type):
    article = "an" if data_type.label[:2] in ("Un", "El") else "a"
    for value in (None, math.nan, object()):
        refused(value, data_type, f"the attribute is {article} {data_type.label}")
    if data_type is DataType.TIME_POINT:
        refused("2024-02-30T00:00:00Z", data_type, "the attribute is a TimePoint")


def test_long_values_are_shown_short():
    message = refused("x" * 10_000, DataType.SIGNED_INTEGER_8)
    assert len(message) < 200
    assert "…" in message


def test_what_pandas_keeps_is_taken():
    frame = pd.DataFrame(
        {
            "Int64": pd.array([1, None], dtype="Int64"),
            "boolean": pd.array([True, None], dtype="boolean"),
            "category": pd.Categorical(["a", None]),
            "str": pd.array(["a", None], dtype="str"),
            "time": pd.to_datetime(["2024-01-01T00:00Z", None]),
        }
    )
    kinds = {
        "Int64": DataType.SIGNED_INTEGER_8,
        "boolean": DataType.BOOLEAN,
        "category": DataType.STRING,
        "str": DataType.STRING,
        "time": DataType.TIME_POINT,
    }
    for name, data_type in kinds.items():
        for get in (frame[name].tolist(), list(frame[name]), frame[name].to_numpy(dtype=object)):
            coerce(get[0], data_type)
            refused(get[1], data_type)
