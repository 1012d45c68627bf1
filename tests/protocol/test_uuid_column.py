"""UUIDs in one piece of memory: in everything they are the list of the same UUIDs."""

from __future__ import annotations

import copy
import pickle
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.protocol.uuid_column import UuidColumn, taken

UUIDS = [UUID(int=number) for number in (0, 1, 1 << 64, (1 << 128) - 1, 1)]


def test_a_column_is_a_sequence_of_uuids() -> None:
    column = UuidColumn.of(UUIDS)
    assert column.data == b"".join(uuid.bytes for uuid in UUIDS)
    assert len(column) == 5
    assert [column[at] for at in range(-5, 5)] == UUIDS * 2
    assert list(column) == column.tolist() == UUIDS
    assert [column[at] for at in range(-5, 5)] == UUIDS * 2  # the objects are there now
    assert {type(each) for each in column} == {UUID}
    assert (column[0].is_safe, hash(column[0])) == (UUIDS[0].is_safe, hash(UUIDS[0]))
    assert UUIDS[2] in column
    assert column.index(UUIDS[1]) == 1
    for at in (5, -6):
        with pytest.raises(IndexError):
            UuidColumn.of(UUIDS)[at]
    assert repr(column) == "<5 UUIDs>"
    assert UuidColumn.of(column) is column


def test_the_objects_are_made_once() -> None:
    column = UuidColumn.of(UUIDS)
    assert column.tolist() is column.tolist()
    assert column[1] is column.tolist()[1]


@given(st.lists(st.sampled_from(UUIDS), max_size=6), st.slices(6))
def test_slices_are_those_of_a_list(uuids: list[UUID], part: slice) -> None:
    found = UuidColumn.of(uuids)[part]
    assert type(found) is UuidColumn
    assert found == uuids[part]


@given(st.lists(st.integers(0, 4), max_size=8))
def test_what_is_taken(places: list[int]) -> None:
    expected = [UUIDS[at] for at in places]
    assert taken(UUIDS, places) == expected
    found = taken(UuidColumn.of(UUIDS), places)
    assert type(found) is UuidColumn
    assert found == expected


def test_equality() -> None:
    column = UuidColumn.of(UUIDS)
    assert column == UUIDS
    assert column == UuidColumn(column.data)
    assert column != UUIDS[:4]
    assert column != UuidColumn(b"")
    assert column != tuple(UUIDS)
    with pytest.raises(TypeError):
        hash(column)
    assert pickle.loads(pickle.dumps(column)) == copy.deepcopy(column) == column


def test_half_a_uuid() -> None:
    with pytest.raises(ValueError, match="17 bytes are no whole number of UUIDs"):
        UuidColumn(bytes(17))
