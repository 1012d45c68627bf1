"""CBOR: exact bytes, shortest floats, time stamps, and the tags that mean nothing here."""

from __future__ import annotations

import collections
import math
import struct
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from uuid import UUID

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.protocol.strategies import VALUES
from xentara_nb.protocol import cbor
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import Quality
from xentara_nb.protocol.values import Alternative, TimePoint

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
E_HEX = "d82550e3ee10714d884ba18e5d0f1e4ce25ee8"
MOMENT = 1704107471111587983

# What stands here was taken from RFC 8949, appendix A, and from the vectors of another client.
BOTH_WAYS = [
    (0, "00"),
    (23, "17"),
    (24, "1818"),
    (255, "18ff"),
    (256, "190100"),
    (65535, "19ffff"),
    (65536, "1a00010000"),
    (4294967295, "1affffffff"),
    (4294967296, "1b0000000100000000"),
    (9223372036854775807, "1b7fffffffffffffff"),
    (9223372036854775808, "1b8000000000000000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-1, "20"),
    (-24, "37"),
    (-25, "3818"),
    (-32700, "397fbb"),
    (-9223372036854775808, "3b7fffffffffffffff"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    ("", "60"),
    ("ü水𐅑", "69c3bce6b0b4f0908591"),
    ("\x00", "6100"),
    (b"", "40"),
    (b"\x30\x03", "423003"),
    ([], "80"),
    ([1, [2, 3]], "8201820203"),
    ({}, "a0"),
    ({1: 2, 0: "a"}, "a20102006161"),
    (E, E_HEX),
    ({E: 1}, f"a1{E_HEX}01"),
    (Alternative(0, 5), "d87905"),
    (Alternative(1, {0: -32100}), "d87aa100397d63"),
    (Alternative(2, {0: "u", 1: "p"}), "d87ba2006175016170"),
    (TimePoint(MOMENT), "d903e9a104c482281b17a634b75ab2088f"),
    (TimePoint(0), "d903e9a104c4822800"),
    (TimePoint(-1), "d903e9a104c4822820"),
    (TimePoint.NEVER, "d903e9a101f9fc00"),
    (TimePoint.FOREVER, "d903e9a101f97c00"),
    (TimePoint(-(1 << 63) + 1), "d903e9a104c482283b7ffffffffffffffe"),
]


@pytest.mark.parametrize(("item", "text"), BOTH_WAYS, ids=[text for _, text in BOTH_WAYS])
def test_exact_bytes(item, text):
    assert cbor.encode(item).hex() == text
    back = cbor.decode(bytes.fromhex(text))
    assert back == item
    assert type(back) is type(item)
    assert repr(back) == repr(item)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ((1, 2), "820102"),
        (Quality.BAD, "03"),
        (collections.OrderedDict({1: 2}), "a10102"),
        (bytearray(b"a"), "4161"),
    ],
)
def test_kinds_of_known_types_are_sent_as_these(item, text):
    assert cbor.encode(item).hex() == text


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("1800", 0),
        ("1b0000000000000005", 5),
        ("f90000", 0.0),
        ("fa3fc00000", 1.5),
        ("fb3ff8000000000000", 1.5),
        ("9f0102ff", [1, 2]),
        ("9f83010203ff", [[1, 2, 3]]),
        ("bf00016161f6ff", {0: 1, "a": None}),
        ("7f6161626263ff", "abc"),
        ("5f41014102ff", b"\x01\x02"),
        ("7fff", ""),
        ("d8255f" + "4800" + "00" * 7 + "4800" + "00" * 6 + "01ff", UUID(int=1)),
        ("9800", []),
        ("b800", {}),
    ],
)
def test_other_forms_of_the_same_are_taken(text, item):
    back = cbor.decode(bytes.fromhex(text))
    assert back == item
    assert type(back) is type(item)


# Floats.


def _fits(value: float, mantissa_bits: int, lowest: int, highest: int) -> bool:
    """Whether a form with these limits holds a finite float, worked out with integers alone.

    The value is n * 2**e with n odd. The form holds it when n has no more bits than the mantissa
    with its hidden one, the last bit does not lie below ``lowest``, nor the first above
    ``highest``.
    """
    numerator, denominator = abs(value).as_integer_ratio()
    if not numerator:
        return True
    zeros = (numerator & -numerator).bit_length() - 1
    odd = numerator >> zeros
    exponent = zeros - (denominator.bit_length() - 1)
    bits = odd.bit_length()
    return bits <= mantissa_bits and exponent >= lowest and exponent + bits - 1 <= highest


def _expected_size(value: float) -> int:
    if not math.isfinite(value) or _fits(value, 11, -24, 15):
        return 3
    return 5 if _fits(value, 24, -149, 127) else 9


SPECIAL_FLOATS = [
    (0.0, "f90000"),
    (-0.0, "f98000"),
    (1.0, "f93c00"),
    (1.5, "f93e00"),
    (5.0, "f94500"),
    (65504.0, "f97bff"),
    (65505.0, "fa477fe100"),
    (65520.0, "fa477ff000"),
    (65536.0, "fa47800000"),
    (65536.5, "fa47800040"),
    (5.960464477539063e-08, "f90001"),
    (2.9802322387695312e-08, "fa33000000"),
    (6.103515625e-05, "f90400"),
    (6.097555160522461e-05, "f903ff"),
    (100000.0, "fa47c35000"),
    (3.4028234663852886e38, "fa7f7fffff"),
    (3.4028235677973366e38, "fb47effffff0000000"),
    (1.401298464324817e-45, "fa00000001"),
    (7.006492321624085e-46, "fb3690000000000000"),
    (0.1, "fb3fb999999999999a"),
    (1.1, "fb3ff199999999999a"),
    (-4.1, "fbc010666666666666"),
    (1e300, "fb7e37e43c8800759c"),
    (5e-324, "fb0000000000000001"),
    (2.2250738585072009e-308, "fb000fffffffffffff"),
    (1.7976931348623157e308, "fb7fefffffffffffff"),
    (math.inf, "f97c00"),
    (-math.inf, "f9fc00"),
]


@pytest.mark.parametrize(("value", "text"), SPECIAL_FLOATS, ids=lambda item: str(item))
def test_float(value, text):
    assert cbor.encode(value).hex() == text
    assert cbor.shortest_float(value).hex() == text
    back = cbor.decode(bytes.fromhex(text))
    assert type(back) is float
    assert repr(back) == repr(value)
    assert len(text) == 2 * _expected_size(value)


@pytest.mark.parametrize("text", ["7ff8000000000000", "fff8000000000001", "7ff0000000000001"])
def test_every_nan_is_sent_as_the_same(text):
    (nan,) = struct.unpack(">d", bytes.fromhex(text))
    assert cbor.encode(nan).hex() == "f97e00"


@pytest.mark.parametrize("text", ["f97e00", "f9fe01", "fa7fc00000", "fb7ff8000000000000"])
def test_every_nan_is_read(text):
    assert math.isnan(cbor.decode(bytes.fromhex(text)))


HALVES = st.floats(width=16, allow_nan=False)
SINGLES = st.floats(width=32, allow_nan=False)
DOUBLES = st.integers(0, (1 << 64) - 1).map(lambda n: struct.unpack(">d", n.to_bytes(8, "big"))[0])
POWERS = st.builds(
    lambda n, e: math.ldexp(n, e), st.integers(-(1 << 26), 1 << 26), st.integers(-180, 130)
)


@given(st.floats() | HALVES | SINGLES | DOUBLES | POWERS)
@example(2.0**-24)
@example(2.0**-25)
@example(2.0**-149)
@example(2.0**-150)
@example(65504.0 + 16.0)
def test_floats_are_as_short_as_can_be_and_exact(value):
    data = cbor.encode(value)
    assert len(data) == _expected_size(value)
    form = {3: ">e", 5: ">f", 9: ">d"}[len(data)]
    assert data[0] == {3: 0xF9, 5: 0xFA, 9: 0xFB}[len(data)]
    (back,) = struct.unpack(form, data[1:])
    assert back == value or (math.isnan(back) and math.isnan(value))
    if not math.isnan(value):
        assert math.copysign(1, back) == math.copysign(1, value)
        assert repr(cbor.decode(data)) == repr(value)


def test_every_half_float_is_sent_as_one():
    for number in range(1 << 16):
        data = b"\xf9" + number.to_bytes(2, "big")
        value = cbor.decode(data)
        assert cbor.encode(value) == (b"\xf9\x7e\x00" if math.isnan(value) else data)


# Everything else, round.


def test_values_survive():
    @given(VALUES)
    def run(value):
        back = cbor.decode(cbor.encode([value, Alternative(0, value), {1: value}]))
        assert back == [value, (0, value), {1: value}]
        assert type(back[0]) is type(value)
        assert type(back[1]) is Alternative
        assert repr(back[0]) == repr(value)

    run()


@given(st.integers(-(1 << 63), (1 << 63) - 1).map(TimePoint))
def test_time_points_survive(moment):
    assert cbor.decode(cbor.encode(moment)) == moment


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 9), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_our_bytes_are_plain_cbor(item):
    # A decoder without any of our settings reads the same.
    assert cbor2.loads(cbor.encode(item)) == item


# Time stamps: every form of the protocol, and no other.

SECONDS_2024 = 1704067200
ACCEPTED_TIMES = {
    "nanoseconds": ("d903e9a104c482281b17a634b75ab2088f", MOMENT),
    "microseconds": ("d903e9a104c482251b00060dd710212001", 1704067200_000001000),
    "milliseconds": ("d903e9a104c482221b0000018cc251f400", SECONDS_2024 * 10**9),
    "negative nanoseconds": ("d903e9a104c4822820", -1),
    "negative microseconds": ("d903e9a104c4822520", -1_000),
    "negative milliseconds": ("d903e9a104c4822220", -1_000_000),
    "the lowest number": ("d903e9a104c482283b7fffffffffffffff", -(1 << 63)),
    "the highest number": ("d903e9a104c482281b7fffffffffffffff", (1 << 63) - 1),
    "never under key 1": ("d903e9a101f9fc00", -(1 << 63)),
    "for ever under key 1": ("d903e9a101f97c00", (1 << 63) - 1),
    "never as a single": ("d903e9a101faff800000", -(1 << 63)),
    "never as a double": ("d903e9a101fbfff0000000000000", -(1 << 63)),
    "never under tag 1": ("c1f9fc00", -(1 << 63)),
    "for ever under tag 1": ("c1f97c00", (1 << 63) - 1),
    "tag 1, integer": ("c11a65920080", SECONDS_2024 * 10**9),
    "tag 1, negative": ("c120", -(10**9)),
    "tag 1, float": ("c1fb41d9648020200000", 1704067200_500000000),
    "key 1, integer": ("d903e9a1011a65920080", SECONDS_2024 * 10**9),
    "key 1, float": ("d903e9a101fb41d9648020200000", 1704067200_500000000),
    "key 1 and nanoseconds, passed over": ("d903e9a2011a6592008028187b", SECONDS_2024 * 10**9),
    "key 1 and microseconds, passed over": ("d903e9a2011a6592008025187b", SECONDS_2024 * 10**9),
    "key 1 and milliseconds, passed over": ("d903e9a2011a6592008022187b", SECONDS_2024 * 10**9),
    "key 4 and a negative key": ("d903e9a204c482280528187b", 5),
    "key 4 and a negative key of an odd kind": ("d903e9a204c482280528d9138880", 5),
    "an indefinite map": ("d903e9bf04c4822805ff", 5),
    "an indefinite array": ("d903e9a104c49f2805ff", 5),
    "numbers longer than need be": ("d903e9a104c4823808190005", 5),
}


@pytest.mark.parametrize("name", ACCEPTED_TIMES)
def test_time_stamp_form(name):
    text, nanoseconds = ACCEPTED_TIMES[name]
    assert cbor.decode(bytes.fromhex(text)) == TimePoint(nanoseconds)


REJECTED_TIMES = {
    "exponent 0": ("d903e9a104c4820005", "must be \\[-9, -6 or -3, integer\\]"),
    "exponent -10": ("d903e9a104c4822905", "-9, -6 or -3"),
    "exponent -12": ("d903e9a104c4822b05", "-9, -6 or -3"),
    "exponent -2": ("d903e9a104c4822105", "-9, -6 or -3"),
    "exponent 1": ("d903e9a104c4820105", "-9, -6 or -3"),
    "exponent -9.0": ("d903e9a104c482f9c88005", "-9, -6 or -3"),
    "exponent true": ("d903e9a104c482f505", "-9, -6 or -3"),
    "exponent an array": ("d903e9a104c4828005", "-9, -6 or -3"),
    "mantissa a big number": ("d903e9a104c48228c24105", "-9, -6 or -3"),
    "mantissa a negative big number": ("d903e9a104c48228c34105", "-9, -6 or -3"),
    "mantissa a float": ("d903e9a104c48228f94500", "-9, -6 or -3"),
    "mantissa true": ("d903e9a104c48228f5", "-9, -6 or -3"),
    "mantissa null": ("d903e9a104c48228f6", "-9, -6 or -3"),
    "one item": ("d903e9a104c48128", "-9, -6 or -3"),
    "three items": ("d903e9a104c483280506", "-9, -6 or -3"),
    "fraction a map": ("d903e9a104c4a12805", "-9, -6 or -3"),
    "fraction an integer": ("d903e9a104c405", "-9, -6 or -3"),
    "above 64 bits": ("d903e9a104c482281b8000000000000000", "does not fit 64 bits"),
    "below 64 bits": ("d903e9a104c482283b8000000000000000", "does not fit 64 bits"),
    "microseconds above 64 bits": ("d903e9a104c482251b7fffffffffffffff", "does not fit 64 bits"),
    "an infinity under key 4": ("d903e9a104f9fc00", "must hold a decimal fraction"),
    "an array without tag 4": ("d903e9a104822805", "must hold a decimal fraction"),
    "a big float (tag 5)": ("d903e9a104c5822805", "must hold a decimal fraction"),
    "a rational (tag 30)": ("d903e9a104d81e822805", "must hold a decimal fraction"),
    "keys 1 and 4": ("d903e9a2010504c4822805", "either key 4 or key 1"),
    "keys 4 and 5": ("d903e9a204c48228050500", "either key 4 or key 1"),
    "key 5 alone": ("d903e9a10505", "either key 4 or key 1"),
    "key 0 alone": ("d903e9a100c4822805", "either key 4 or key 1"),
    "a negative key alone": ("d903e9a12805", "either key 4 or key 1"),
    "no key": ("d903e9a0", "either key 4 or key 1"),
    "true for key 1": ("d903e9a1f505", "either key 4 or key 1"),
    "1.0 for key 1": ("d903e9a1f93c0005", "either key 4 or key 1"),
    "4.0 for key 4": ("d903e9a1f94400c4822805", "either key 4 or key 1"),
    "text keys": ("d903e9a1613105", "either key 4 or key 1"),
    "not a map": ("d903e905", "must hold a map"),
    "an array": ("d903e98104", "must hold a map"),
    "NaN under key 1": ("d903e9a101f97e00", "cannot be NaN"),
    "NaN under tag 1": ("c1f97e00", "cannot be NaN"),
    "true under key 1": ("d903e9a101f5", "must be a number"),
    "text under tag 1": ("c16130", "must be a number"),
    "a big number under tag 1": ("c1c24105", "must be a number"),
    "tag 1 above 64 bits": ("c11b7fffffffffffffff", "does not fit 64 bits"),
    "tag 1, a float above 64 bits": ("c1fb4415af1d78b58c40", "does not fit 64 bits"),
    "tag 1, a very big float": ("c1fb7e37e43c8800759c", "infinity"),
}


@pytest.mark.parametrize("name", REJECTED_TIMES)
def test_what_is_no_time_stamp(name):
    text, reason = REJECTED_TIMES[name]
    with pytest.raises(ProtocolError, match=reason):
        cbor.decode(bytes.fromhex(text))


@pytest.mark.parametrize(
    "text",
    [
        "c074323031332d30332d32315432303a30343a30305a",  # tag 0, a date as text
        "c4822805",  # tag 4 by itself
        "d903ea05",  # tag 1002, a duration
        "d903ec6a323032342d30312d3031",  # tag 1004, a day
    ],
)
def test_what_other_protocols_use_for_times_is_no_time_here(text):
    assert type(cbor.decode(bytes.fromhex(text))) is cbor2.CBORTag


# UUIDs.


@pytest.mark.parametrize(
    "text",
    [
        "d82540",
        "d8254f" + "00" * 15,
        "d82551" + "00" * 17,
        "d82500",
        "d825f6",
        "d82570" + "61" * 16,
        "d8257824" + b"e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8".hex(),
        "d82590" + "00" * 16,
        "d825a0",
        E_HEX[:4] + E_HEX,
    ],
)
def test_what_is_no_uuid(text):
    with pytest.raises(ProtocolError, match="must hold a byte string of 16 bytes"):
        cbor.decode(bytes.fromhex(text))


# Tags without a meaning here.


def _tag(number: int) -> bytes:
    for size, head in ((0, 0xC0 | number), (1, 0xD8), (2, 0xD9), (4, 0xDA), (8, 0xDB)):
        limit = 24 if size == 0 else 1 << 8 * size
        if number < limit:
            return bytes([head]) + (number.to_bytes(size, "big") if size else b"")
    raise AssertionError(number)


USED_TAGS = {1, 37, 121, 122, 123, 1001}
TAG_CONTENTS = [
    *("05", "f5", "60", "4105", "80", "820102", "a0", "a10002", "6a323031332d30332d3231"),
    *("50" + "00" * 16, "74323031332d30332d32315432303a30343a30305a", "f93c00", "d81d00"),
]


def test_the_tags_of_cbor2_stay_opaque():
    contents = [bytes.fromhex(text) for text in TAG_CONTENTS]
    for number in [*range(300), 1000, 1002, 1003, 1004, 43000, 43001, 55799, 65536, 2**64 - 1]:
        if number in USED_TAGS:
            continue
        for content in contents:
            item = cbor.decode(_tag(number) + content)
            assert type(item) is cbor2.CBORTag
            assert item.tag == number


def test_no_other_tag_has_a_meaning():
    contents = [bytes.fromhex(text) for text in ("05", "820102")]
    for number in range(300, 66_000):
        if number not in USED_TAGS:
            for content in contents:
                item = cbor.decode(_tag(number) + content)
                assert type(item) is cbor2.CBORTag


def test_shared_references_make_no_cycle():
    item = cbor.decode(bytes.fromhex("d81c82d81d00d81d00"))
    assert item == cbor2.CBORTag(28, [cbor2.CBORTag(29, 0), cbor2.CBORTag(29, 0)])


def test_a_big_number_stays_small():
    item = cbor.decode(b"\xc2\x5a\x00\x10\x00\x00" + b"\xff" * 0x100000)
    assert type(item) is cbor2.CBORTag
    assert type(item.value) is bytes


@pytest.mark.parametrize(
    "text",
    [
        "d91388d903e9a104c4822805",  # tag 5000
        "d913888201d903e9a104c4822805",
        "d91388a100d903e9a104c4822805",
        "a1d903e9a104c482280500",  # a key
        "a181d903e9a104c482280500",
    ],
)
def test_a_time_stamp_inside_something_unknown_is_still_one(text):
    # There cbor2 hands out maps that cannot be changed.
    assert "TimePoint(nanoseconds=5)" in repr(cbor.decode(bytes.fromhex(text)))


@pytest.mark.parametrize("inside", [E_HEX, "d87905", "d87aa100397d63", "d87ba2006175016170"])
def test_everything_else_inside_something_unknown_is_read_as_well(inside):
    outer = cbor.decode(bytes.fromhex(f"d91388{inside}"))
    assert type(outer) is cbor2.CBORTag
    assert type(outer.value) in (UUID, Alternative)


# What cannot be sent.


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (1 << 64, "more than 64 bits"),
        (-(1 << 63) - 1, "more than 64 bits"),
        ([{0: 1 << 70}], "more than 64 bits"),
        ("\ud800", "a text has characters .*surrogates.*PYTHONUTF8=1"),
        (Decimal("1.5"), "no form for a Decimal"),
        (Fraction(1, 2), "no form for a Fraction"),
        (1j, "no form for a complex"),
        (datetime(2024, 1, 1, tzinfo=UTC), "no form for a datetime"),
        (datetime(2024, 1, 1), "no form for a datetime"),
        (date(2024, 1, 1), "no form for a date"),
        ({1}, "no form for a set"),
        (frozenset([1]), "no form for a frozenset"),
        (object(), "cannot encode type"),
        ([SimpleNamespace()], "cannot encode type"),
        (Alternative(3, 0), "there is no alternative 3"),
        (Alternative(-1, 0), "there is no alternative -1"),
    ],
)
def test_what_cannot_be_sent(item, reason):
    with pytest.raises(ProtocolError, match=f"^this cannot be sent: .*{reason}"):
        cbor.encode(item)


def test_what_is_encoded_already_is_sent_as_it_is():
    part = [{0: "value", 1: E, 2: 1.5}, TimePoint(5)]
    once = cbor.encode(part)
    whole = {0: cbor.Encoded(once), 1: [cbor.Encoded(once), Alternative(0, cbor.Encoded(once))]}
    assert cbor.encode(whole) == cbor.encode({0: part, 1: [part, Alternative(0, part)]})


def test_a_cycle_cannot_be_sent():
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(ProtocolError, match="cannot be sent"):
        cbor.encode(cycle)
