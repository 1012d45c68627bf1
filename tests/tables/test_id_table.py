"""The table of ids: one that keeps UUIDs as bytes is the same as one of objects."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.protocol.uuid_column import UuidColumn
from xentara_nb.tables.id_arrays import IdArray, id_array
from xentara_nb.tables.id_table import IdTable, key_of

# Some share their first half, some the last; and there are more than a few.
SOME = [UUID(int=(high << 64) + low) for high in (0, 1, 2**64 - 1) for low in (0, 1, 2**64 - 1)]
OTHERS = [UUID(int=7), 0, 1, 11, -1, str(SOME[1]), "11", "Plant", None, np.nan, True, 2.0]


def both(uuids: Sequence[UUID]) -> tuple[IdArray, IdArray]:
    """Return the same column twice: kept as bytes, and as objects."""
    return id_array(UuidColumn.of(uuids)), id_array(list(uuids))


@given(st.lists(st.sampled_from(SOME), max_size=80), st.lists(st.integers(-1, 79), max_size=90))
def test_a_column_of_bytes_is_one_of_objects(uuids: list[UUID], places: list[int]) -> None:
    places = [at for at in places if at < len(uuids)]
    one, other = (each.take(places, allow_fill=True) for each in both(uuids))
    for wanted in (*SOME, *OTHERS):
        assert (one == wanted).tolist() == (other == wanted).tolist()
        assert (one != wanted).tolist() == (other != wanted).tolist()
    assert one.argsort().tolist() == other.argsort().tolist()
    assert one.factorize()[0].tolist() == other.factorize()[0].tolist()
    assert one.unique().tolist() == other.unique().tolist()
    assert one.isin(SOME[:3]).tolist() == other.isin(SOME[:3]).tolist()
    assert [one[at] for at in range(len(one))] == other.tolist()
    assert one.tolist() == other.tolist()
    assert one.astype(str).tolist() == other.astype(str).tolist()
    assert (one == other).tolist() == (~other.isna()).tolist()


@given(st.lists(st.lists(st.sampled_from(SOME), max_size=3), min_size=1, max_size=4))
def test_columns_of_bytes_are_put_together(parts: list[list[UUID]]) -> None:
    columns = [pd.Series(id_array(UuidColumn.of(part))) for part in parts]
    expected = [uuid for part in parts for uuid in part]
    assert pd.concat(columns).tolist() == expected
    with_objects = pd.concat([*columns, pd.Series(id_array([11, SOME[0]]))])
    assert with_objects.tolist() == [*expected, 11, SOME[0]]
    assert with_objects.dtype == columns[0].dtype


def test_a_few_are_made_one_by_one() -> None:
    given = UuidColumn.of(SOME * 100)
    column = id_array(given)
    assert column[:3].tolist() == SOME[:3]
    assert column[3:3].tolist() == []
    assert repr(pd.Series(column)).count("\n") < 20
    assert given[0] is not given[0]  # they are still not there
    assert column.tolist() == SOME * 100
    assert given[0] is given[0]


def test_changes_and_copies() -> None:
    column = pd.Series(id_array(UuidColumn.of(SOME)))
    assert pickle.loads(pickle.dumps(column)).equals(column)
    column[0] = 11
    column[1] = "22345678-1234-1234-1234-123456789abc"
    column[2] = None
    expected = [11, UUID("22345678-1234-1234-1234-123456789abc"), None, *SOME[3:]]
    assert column.tolist() == expected


def test_a_part_of_a_large_column_is_small() -> None:
    part = pd.Series(id_array(UuidColumn.of(SOME * 1000))).iloc[[5, 4]]
    assert len(pickle.dumps(part)) < 2000
    assert pickle.loads(pickle.dumps(part)).tolist() == [SOME[5], SOME[4]]


@pytest.mark.parametrize("ids", [[], SOME, [*SOME, *SOME], [3, -1, 3]])
def test_which_ids_have_a_key(ids: list[int | UUID]) -> None:
    tables = [IdTable(np.fromiter(ids, np.object_, len(ids)))]
    if ids[:1] != [3]:
        tables.append(IdTable(UuidColumn.of(ids)))
    for table in tables:
        for wanted in (*SOME, *OTHERS, 3):
            same = [key_of(each) == key_of(wanted) for each in ids]
            assert table.have(key_of(wanted)).tolist() == same
        assert [table[at] for at in range(len(table))] == ids
