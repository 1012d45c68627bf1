from __future__ import annotations

import copy
import pickle
from operator import ge, gt, le, lt
from uuid import UUID

import pandas as pd
import pytest

from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.tables.attribute_ids import (
    AttributeUuid,
    attribute_id_array,
    plain_id,
    plain_ids,
)
from xentara_nb.tables.frames import inventory_frame

LOW, HIGH = UUID(int=5), UUID(int=1 << 100)
ATTRIBUTES = (
    AttributeInfo("units", HIGH, 0, 11),
    AttributeInfo("value", 11, 2, 10),
    AttributeInfo("key", 0, 0, 11),
    AttributeInfo("limit", LOW, 2, 10),
)


def test_it_is_ordered_behind_integers_and_among_uuids() -> None:
    ids = attribute_id_array([HIGH, 11, LOW, 0]).tolist()
    assert sorted(ids) == [0, 11, LOW, HIGH]
    low = AttributeUuid(int=LOW.int)
    for number in (3, 1 << 70):
        for less, more in ((lt, gt), (le, ge)):
            assert less(number, low)
            assert more(low, number)
            assert not less(low, number)
            assert not more(number, low)
    assert low <= LOW < AttributeUuid(int=HIGH.int)
    with pytest.raises(TypeError):
        low < "text"  # type: ignore[operator] # noqa: B015


def test_it_is_the_uuid_it_stands_for() -> None:
    uuid = AttributeUuid(int=LOW.int)
    assert uuid == LOW
    assert [uuid, 11].index(LOW) == 0
    assert {LOW: 1}[uuid] == 1
    assert repr(uuid) == f"UUID('{LOW}')"
    for other in (copy.deepcopy(uuid), pickle.loads(pickle.dumps(uuid))):
        assert other == uuid
        assert other > 11
    assert type(plain_id(uuid)) is UUID
    assert plain_id(11) == 11
    assert [type(each) for each in plain_ids([uuid, 11, uuid, None])] == [
        UUID,
        int,
        UUID,
        type(None),
    ]


def test_inventories_are_sorted_and_merged_by_it() -> None:
    one = inventory_frame([("a", UUID(int=1), 2, ATTRIBUTES[:3])])
    other = inventory_frame([("b", UUID(int=2), 2, ATTRIBUTES[1:])])
    both = pd.concat([one, other])
    assert both.dtypes.equals(one.dtypes)
    assert both.sort_values("attribute_id")["attribute_id"].tolist() == [0, 0, 11, 11, LOW, HIGH]
    assert (both["attribute_id"] == 11).sum() == 2
    assert (both["attribute_id"] == LOW).sum() == 1
    merged = one.merge(other, on="attribute_id", how="outer", suffixes=("", "_other"))
    assert merged["attribute_id"].tolist() == [0, 11, LOW, HIGH]
    assert merged["primary_key_other"].isna().tolist() == [False, False, False, True]
    wide = both.pivot(index="attribute_id", columns="primary_key", values="attribute_name")
    assert wide.index.tolist() == [0, 11, LOW, HIGH]
    assert both.groupby("attribute_id").size().tolist() == [2, 2, 1, 1]
