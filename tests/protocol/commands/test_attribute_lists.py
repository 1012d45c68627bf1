"""The attribute list of meta data: what it means, and what is shared between elements."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.protocol.commands.model import (
    AttributeInfo,
    attributes_item,
    parse_attributes,
    shared_list,
)
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.identifiers import Access, DataType

CUSTOM = UUID("00000000-0000-4000-8000-000000000001")
VALUE = {0: "value", 1: 11, 2: 2, 3: 10}
UNITS = {0: "units", 1: CUSTOM, 2: 0, 3: 11}


def test_both_ways():
    value, units = infos = parse_attributes([VALUE, UNITS])
    assert value == AttributeInfo("value", 11, Access.READ_AND_WRITE, DataType.FLOAT_64)
    assert units == AttributeInfo("units", CUSTOM, Access.READ_ONLY, DataType.STRING)
    assert (type(value.access), type(value.data_type)) == (Access, DataType)
    assert attributes_item(infos) == [VALUE, UNITS]
    assert [type(part) for part in attributes_item(infos)[0].values()] == [str, int, int, int]
    assert parse_attributes([]) == ()
    assert attributes_item(()) == []


def test_equal_attributes_and_lists_are_shared():
    first = parse_attributes([dict(VALUE), dict(UNITS)])
    assert parse_attributes([dict(VALUE), dict(UNITS)]) is first
    turned = parse_attributes([dict(UNITS), dict(VALUE)])
    assert turned == first[::-1]
    assert turned[0] is first[1]
    assert parse_attributes([dict(VALUE)]) == first[:1]


def test_other_keys_are_passed_over():
    assert parse_attributes([{**VALUE, 4: [None], -1: {}, "new": b""}]) == parse_attributes([VALUE])


@pytest.mark.parametrize(
    "other",
    [
        {**VALUE, 0: "Value"},
        {**VALUE, 1: 12},
        {**VALUE, 1: UUID(int=11)},
        {**VALUE, 2: 1},
        {**VALUE, 2: 3},
        {**VALUE, 3: 9},
        {**VALUE, 3: 23},
    ],
)
def test_what_differs_in_anything_is_another(other):
    (first,) = parse_attributes([VALUE])
    (second,) = parse_attributes([other])
    assert first != second
    assert attributes_item([second]) == [other]


@pytest.mark.parametrize(
    ("path", "wrong"),
    [(1, 1.0), (1, True), (2, 1.0), (2, True), (3, 1.0), (3, True), (1, [1]), (2, {}), (0, 5)],
)
def test_what_python_takes_for_equal_is_still_refused(path, wrong):
    # The sound one first, so that it is remembered.
    sound = {0: "x", 1: 1, 2: 1, 3: 1}
    parse_attributes([sound])
    with pytest.raises(ProtocolError, match="must be a"):
        parse_attributes([{**sound, path: wrong}])


@pytest.mark.parametrize("item", [["value", 11, 2, 10], ("value", 11, 2, 10), "value", 5, None])
def test_what_is_no_map(item):
    parse_attributes([VALUE])
    with pytest.raises(ProtocolError, match="an entry of the attribute list must be a map, not"):
        parse_attributes([item])


@pytest.mark.parametrize("key", range(4))
def test_what_is_missing(key):
    parse_attributes([VALUE])
    with pytest.raises(ProtocolError, match=rf"\(key {key}\) is missing"):
        parse_attributes([{k: v for k, v in VALUE.items() if k != key}])


@pytest.mark.parametrize("key", [True, 1.0])
def test_boolean_and_floating_point_keys(key):
    # The sound one first, so that it is remembered.
    parse_attributes([VALUE])
    with pytest.raises(ProtocolError, match="must not have boolean or floating point keys"):
        parse_attributes([VALUE, {0: "value", key: 11, 2: 2, 3: 10}])


def test_not_everything_is_remembered():
    for number in range(10_100):
        attribute = {**VALUE, 1: number}
        (info,) = infos = parse_attributes([attribute])
        assert info.attribute_id == number
        assert parse_attributes([dict(attribute)]) is infos
    assert shared_list.cache_info().currsize == 10_000


@given(
    st.lists(
        st.lists(
            st.builds(
                AttributeInfo,
                st.sampled_from(["a", "b", ""]),
                st.integers(0, 3) | st.sampled_from([CUSTOM, UUID(int=1)]),
                st.integers(-1, 4),
                st.integers(-1, 24),
            ),
            max_size=4,
        ),
        max_size=8,
    )
)
def test_many_lists_survive_beside_each_other(lists):
    for infos in lists:
        back = parse_attributes(attributes_item(infos))
        assert back == tuple(infos)
        assert [type(info.attribute_id) for info in back] == [
            type(info.attribute_id) for info in infos
        ]
