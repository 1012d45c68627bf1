"""The checks of what came over the network."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import cbor2
import pytest

from xentara_nb.protocol import checks
from xentara_nb.protocol.errors import (
    MissingAttributeError,
    ProtocolError,
    ReadOnlyError,
    ServerError,
)
from xentara_nb.protocol.identifiers import Attribute, Quality
from xentara_nb.protocol.packets import NOTHING
from xentara_nb.protocol.values import Alternative, TimePoint

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")


class SubUUID(UUID):
    """What a caller, but never the decoder, could come up with."""


KINDS = [
    (True, "a boolean"),
    (5, "an integer"),
    (5.0, "a floating point number"),
    ("5", "a text"),
    (b"5", "a byte string"),
    ([5], "an array"),
    ((5,), "an array"),
    ({5: 5}, "a map"),
    (E, "a UUID"),
    (TimePoint(5), "a time stamp"),
    (Alternative(0, 5), "an alternative"),
    (None, "null"),
    (cbor2.undefined, "undefined"),
    (cbor2.CBORSimpleValue(99), "a simple value"),
    (cbor2.CBORTag(2, b"5"), "something with tag 2"),
    (Decimal(5), "a Decimal"),
    (NOTHING, "nothing"),
]
ACCEPTED = {
    checks.as_int: (int, "an integer"),
    checks.as_unsigned: (int, "an integer"),
    checks.as_text: (str, "a text"),
    checks.as_bool: (bool, "a boolean"),
    checks.as_bytes: (bytes, "a byte string"),
    checks.as_time_point: (TimePoint, "a time stamp (tag 1001)"),
    checks.as_uuid: (UUID, "a UUID (tag 37)"),
    checks.as_attribute_id: ((int, UUID), "an integer from 0 up or a UUID (tag 37)"),
    checks.as_list: (list, "an array"),
    checks.as_map: (dict, "a map"),
    checks.as_value: (
        (bool, int, float, str, UUID, TimePoint),
        "a boolean, number, text, UUID or time stamp",
    ),
}


@pytest.mark.parametrize(("value", "name"), KINDS, ids=[name for _, name in KINDS])
def test_describe(value, name):
    assert checks.describe(value) == name
    assert str(checks.wrong("it", "better", value)) == f"it must be better, not {name}"


@pytest.mark.parametrize("check", ACCEPTED, ids=lambda check: check.__name__)
def test_every_check_with_every_kind(check):
    kinds, expected = ACCEPTED[check]
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    for value, name in KINDS:
        try:
            result, said = check(value, "it"), ""
        except ProtocolError as error:
            result, said = None, str(error)
        if type(value) in kinds:
            assert said == "", name
            assert result is value, name
        else:
            assert said == f"it must be {expected}, not {name}", name


@pytest.mark.parametrize("number", [-(1 << 63), -1, 0, (1 << 64) - 1])
def test_integers_of_64_bits(number):
    assert checks.as_int(number, "it") == number
    assert checks.as_value(number, "it") == number


@pytest.mark.parametrize("number", [-(1 << 63) - 1, -(1 << 64), 1 << 64, 1 << 70])
@pytest.mark.parametrize("check", [checks.as_int, checks.as_value])
def test_integers_of_more_than_64_bits(check, number):
    with pytest.raises(ProtocolError, match=r"^it must be an integer that fits 64 bits$"):
        check(number, "it")


def test_negative_numbers():
    assert checks.as_unsigned(0, "it") == 0
    with pytest.raises(ProtocolError, match=r"^it must not be negative$"):
        checks.as_unsigned(-1, "it")
    assert checks.as_attribute_id(0, "it") == 0
    with pytest.raises(ProtocolError, match="from 0 up"):
        checks.as_attribute_id(-1, "it")


@pytest.mark.parametrize("value", [Quality.GOOD, SubUUID(int=1)])
def test_a_value_must_be_of_the_very_type(value):
    with pytest.raises(ProtocolError):
        checks.as_value(value, "it")


@pytest.mark.parametrize("key", [True, False, 0.0, -0.0, 1.0, 2.5, float("nan")])
def test_a_map_has_no_keys_that_only_python_takes_for_integers(key):
    with pytest.raises(ProtocolError, match="it must not have boolean or floating point keys"):
        checks.as_map({key: 0}, "it")


@pytest.mark.parametrize("key", [7, -7, "text", b"bytes", E, None, (), cbor2.undefined])
def test_a_map_may_have_keys_that_are_passed_over(key):
    assert checks.as_map({0: 1, key: 2}, "it")[0] == 1


def test_member():
    assert checks.member({0: 5}, 0, "it", checks.as_int) == 5
    with pytest.raises(ProtocolError, match=r"^it must be an integer, not null$"):
        checks.member({0: None}, 0, "it", checks.as_int)
    with pytest.raises(ProtocolError, match=r"^it \(key 1\) is missing$") as caught:
        checks.member({0: 5}, 1, "it", checks.as_int)
    assert caught.value.__cause__ is None


# Errors inside answers.


def test_error_both_ways():
    error = ReadOnlyError("no")
    assert checks.error_item(error) == {0: -32103, 1: "no"}
    assert type(checks.error_item(error)[0]) is int
    assert checks.error_from({0: -32103, 1: "no"}, "it") == error
    assert checks.error_item(ReadOnlyError()) == {0: -32103, 1: "value is read only"}


@pytest.mark.parametrize("item", [{0: -32103}, {0: -32103, 1: None}, {0: -32103, 2: b"new"}])
def test_an_error_without_a_text(item):
    error = checks.error_from(item, "it")
    assert type(error) is ReadOnlyError
    assert error.server_text is None


def test_an_unknown_error_code():
    error = checks.error_from({0: -32113, 1: "new"}, "it")
    assert type(error) is ServerError
    assert error.code == -32113


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ([], "^it must be a map, not an array$"),
        (-32103, "^it must be a map, not an integer$"),
        ({}, r"^the code of it \(key 0\) is missing$"),
        ({1: "no"}, r"^the code of it \(key 0\) is missing$"),
        ({0: "no"}, "^the code of it must be an integer, not a text$"),
        ({0: None}, "^the code of it must be an integer, not null$"),
        ({False: -32103}, "^it must not have boolean"),
        ({0: -32103, 1: 5}, "^the message of it must be a text, not an integer$"),
        ({0: -(1 << 64)}, "^the code of it must be an integer that fits 64 bits$"),
    ],
)
def test_what_is_no_error(item, reason):
    with pytest.raises(ProtocolError, match=reason):
        checks.error_from(item, "it")


# Maps of attribute values.


def test_values_both_ways():
    values = {11: 1.5, 9: 0, E: "x", 13: MissingAttributeError("missing attribute")}
    item = {
        11: (0, 1.5),
        9: (0, 0),
        E: (0, "x"),
        13: (1, {0: -32101, 1: "missing attribute"}),
    }
    assert checks.values_item(values) == item
    assert checks.values_from(checks.values_item(values), "it") == values
    assert checks.values_from({}, "it") == {}


@pytest.mark.parametrize("odd", [None, b"x", [1], {1: 2}, cbor2.undefined, cbor2.CBORTag(2, b"")])
def test_a_value_of_an_odd_kind_is_kept(odd):
    assert checks.values_from({11: Alternative(0, odd)}, "it") == {11: odd}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ([], "^it must be a map, not an array$"),
        ({-1: Alternative(0, 1)}, "^an attribute id in it must be an integer from 0 up"),
        ({"value": Alternative(0, 1)}, "^an attribute id in it must be .*, not a text$"),
        ({True: Alternative(0, 1)}, "^it must not have boolean"),
        (
            {11: 1.5},
            r"^attribute 'value' in it must be a value \(tag 121\) or an error \(122\), not a fl",
        ),
        ({6: None}, "^attribute 'updateTime' in it must be .*, not null$"),
        ({83: (0, 1)}, "^attribute 83 in it must be .*, not an array$"),
        ({11: Alternative(2, 1)}, "^attribute 'value' in it must be .*, not an alternative$"),
        ({E: 5}, f"^attribute {E} in it must be .*, not an integer$"),
        (
            {11: Alternative(1, "no")},
            "^the error of attribute 'value' in it must be a map, not a text$",
        ),
        ({11: Alternative(1, {})}, "^the code of the error of attribute 'value' in it .* missing$"),
    ],
)
def test_what_is_no_map_of_values(item, reason):
    with pytest.raises(ProtocolError, match=reason):
        checks.values_from(item, "it")


# Messages.


def test_attribute_text():
    assert checks.attribute_text(11) == "attribute 'value'"
    assert checks.attribute_text(Attribute.WRITE_TIME) == "attribute 'writeTime'"
    assert checks.attribute_text(14) == "attribute 14"
    assert checks.attribute_text(E) == f"attribute {E}"
