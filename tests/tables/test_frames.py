from __future__ import annotations

import random
import subprocess
import sys
import tracemalloc
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from xentara_nb.protocol.commands import AttributeInfo, BrowseEntry
from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType
from xentara_nb.protocol.uuid_column import UuidColumn
from xentara_nb.protocol.values import TimePoint
from xentara_nb.tables import ELEMENT_COLUMNS, INVENTORY_COLUMNS
from xentara_nb.tables.frames import (
    InventoryElement,
    categorical,
    elements_frame,
    inventory_frame,
    inventory_frame_of,
    make_frame,
    no_texts,
    object_array,
    string_array,
    time_array,
    to_display,
)
from xentara_nb.tables.id_arrays import id_array

CUSTOM = UUID(int=77)
POINT = (
    AttributeInfo("value", 11, Access.READ_AND_WRITE, DataType.FLOAT_64),
    AttributeInfo("quality", 9, Access.READ_ONLY, DataType.QUALITY),
    AttributeInfo("units", CUSTOM, Access.READ_ONLY, DataType.STRING),
)
GROUP = (AttributeInfo("name", 1, Access.READ_ONLY, DataType.STRING),)
DTYPES = ["str", "object", "category", "str", "object", "category", "category"]


def element(
    key: str, number: int, attributes: tuple[AttributeInfo, ...], category: int = 2
) -> InventoryElement:
    return key, UUID(int=number), category, attributes


# --- the inventory


def test_one_row_per_attribute_sorted_by_key_and_name() -> None:
    frame = inventory_frame([element("b", 1, POINT), element("a", 2, GROUP, 1)])

    assert frame.columns.tolist() == list(INVENTORY_COLUMNS)
    assert frame.index.equals(pd.RangeIndex(4))
    assert frame["primary_key"].tolist() == ["a", "b", "b", "b"]
    assert frame["element_uuid"].tolist() == [UUID(int=2), *[UUID(int=1)] * 3]
    assert frame["category"].tolist() == ["element group", *["data point"] * 3]
    assert frame["attribute_name"].tolist() == ["name", "quality", "units", "value"]
    assert frame["attribute_id"].tolist() == [1, 9, CUSTOM, 11]
    assert frame["access"].tolist() == [*["read only"] * 3, "read and write"]
    assert frame["data_type"].tolist() == ["String", "Quality", "String", "Float64"]


def test_dtypes_of_a_full_and_an_empty_inventory() -> None:
    full, empty = inventory_frame([element("a", 1, POINT)]), inventory_frame([])

    for frame in (full, empty, inventory_frame([element("a", 1, ())])):
        assert frame.dtypes.astype(str).tolist() == DTYPES
        assert frame["primary_key"].dtype == "str"
        assert isinstance(frame.index, pd.RangeIndex)
    assert full.dtypes.equals(empty.dtypes)
    assert not full["category"].cat.ordered


def test_categories_are_all_words_of_the_manual_in_the_order_of_the_identifiers() -> None:
    frame = inventory_frame([element("a", 1, POINT)])

    assert frame["category"].cat.categories.tolist() == [member.label for member in Category]
    assert frame["access"].cat.categories.tolist() == [member.label for member in Access]
    assert frame["data_type"].cat.categories.tolist() == [member.label for member in DataType]


def test_unknown_identifiers_are_their_numbers_behind_the_known_ones() -> None:
    new = (AttributeInfo("x", 99, 7, 123), AttributeInfo("y", 100, 3, 23))
    frame = inventory_frame([element("a", 1, new, 1 << 63), element("b", 2, GROUP, 16)])

    assert frame["category"].tolist() == [str(1 << 63)] * 2 + ["16"]
    assert frame["category"].cat.categories.tolist()[16:] == ["16", str(1 << 63)]
    assert frame["access"].cat.categories.tolist()[3:] == ["3", "7"]
    assert frame["data_type"].cat.categories.tolist()[23:] == ["23", "123"]


def test_attribute_ids_compare_as_what_they_are() -> None:
    frame = inventory_frame([element("a", 1, POINT)])

    assert frame[frame.attribute_id == 11].attribute_name.tolist() == ["value"]
    assert frame[frame.attribute_id == CUSTOM].attribute_name.tolist() == ["units"]
    assert frame[frame.element_uuid == UUID(int=1)].equals(frame)
    assert type(frame["attribute_id"].iloc[2]) is int


def test_equal_lists_that_are_not_the_same_objects() -> None:
    copies = [tuple(AttributeInfo(*each) for each in POINT) for _ in range(3)]
    frame = inventory_frame([element(str(n), n, copies[n]) for n in range(3)])

    assert_frame_equal(frame, inventory_frame([element(str(n), n, POINT) for n in range(3)]))


def test_keys_that_are_used_twice_are_told_apart_by_name_then_uuid_then_id() -> None:
    twice = (AttributeInfo("v", 11, 0, 0), AttributeInfo("v", 2, 0, 0), AttributeInfo("a", 5, 0, 0))
    frame = inventory_frame([element("k", 2, twice), element("k", 1, twice)])

    assert frame["attribute_name"].tolist() == ["a", "a", "v", "v", "v", "v"]
    assert [uuid.int for uuid in frame["element_uuid"]] == [1, 2, 1, 1, 2, 2]
    assert frame["attribute_id"].tolist() == [5, 5, 11, 2, 11, 2]  # by their text


attributes = st.builds(
    AttributeInfo,
    st.sampled_from(["", "a", "b", "NA"]),
    st.one_of(st.integers(0, 12), st.integers(0, 3).map(lambda n: UUID(int=n))),
    st.integers(0, 4),
    st.integers(0, 30),
)
elements = st.lists(
    st.tuples(
        st.sampled_from(["", "a", "NA", "é", "😀"]),
        st.integers(0, 3).map(lambda n: UUID(int=n)),
        st.integers(0, 20),
        st.lists(attributes, max_size=3).map(tuple),
    ),
    max_size=6,
)


@given(elements, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_sorted_frame(
    given_elements: list[InventoryElement], randomness: random.Random
) -> None:
    shuffled = list(given_elements)
    randomness.shuffle(shuffled)
    frame = inventory_frame(given_elements)
    assert_frame_equal(frame, inventory_frame(shuffled))

    def number(label: str, table: Any) -> int:
        return next((int(member) for member in table if member.label == label), 0) or int(
            label if label.isdigit() else 0
        )

    shown = [
        (key, uuid, number(category, Category), name, attribute_id, number(access, Access))
        for key, uuid, category, name, attribute_id, access, _ in frame.itertuples(index=False)
    ]
    expected = sorted(
        ((e, a) for e in given_elements for a in e[3]),
        key=lambda row: (row[0][0], row[1].name, row[0][1], str(row[1].attribute_id), row[1][2:]),
    )
    assert sorted(map(str, shown)) == sorted(
        str((*e[:3], a.name, a.attribute_id, a.access)) for e, a in expected
    )
    assert [row[:2] + row[3:5] for row in shown] == [
        (*e[:2], a.name, a.attribute_id) for e, a in expected
    ]


def test_an_inventory_is_small() -> None:
    """Each key, name and id is in memory once; a row takes four references and three bytes."""
    frame = inventory_frame(
        element(f"Plant.{n}", n, POINT if n % 2 else GROUP) for n in range(1000)
    )

    assert frame.memory_usage(index=False).sum() <= 36 * len(frame) + 100
    assert len({id(key) for key in frame["primary_key"]}) == 1000
    assert len({id(name) for name in frame["attribute_name"]}) == 4


def test_an_inventory_needs_little_beside_itself_while_it_is_made() -> None:
    count = 20_000
    attributes = tuple(AttributeInfo(f"attribute {number}", number, 0, 11) for number in range(10))
    keys = [f"Plant.{number:05}" for number in range(count)]
    uuids = UuidColumn(bytes(16 * count))
    tracemalloc.start()
    try:
        frame = inventory_frame_of(keys, uuids, [2] * count, [attributes] * count)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(frame) == 10 * count
    assert most < 1.6 * kept  # an index for each row at a time, of two that there are


# --- the answer to browse


def test_elements_sorted_by_key_then_uuid() -> None:
    entries = [
        BrowseEntry("b", UUID(int=1), 2),
        BrowseEntry("a", UUID(int=3), Category.AI),
        BrowseEntry("a", UUID(int=2), 16),
    ]
    frame = elements_frame(iter(entries))

    assert frame.columns.tolist() == list(ELEMENT_COLUMNS)
    assert frame["element_uuid"].tolist() == [UUID(int=2), UUID(int=3), UUID(int=1)]
    assert frame["category"].tolist() == ["16", "AI", "data point"]


def test_no_elements_have_the_same_dtypes() -> None:
    assert elements_frame([]).dtypes.astype(str).tolist() == DTYPES[:3]


# --- values in words


@given(st.integers(-(1 << 63) + 1, (1 << 63) - 1))
def test_every_time_stamp_is_kept_to_the_nanosecond(nanoseconds: int) -> None:
    shown = to_display(TimePoint(nanoseconds), DataType.TIME_POINT, Attribute.UPDATE_TIME)

    assert isinstance(shown, pd.Timestamp)
    assert (shown.value, shown.unit, str(shown.tz)) == (nanoseconds, "ns", "UTC")


@pytest.mark.parametrize(
    ("value", "data_type", "attribute_id", "shown"),
    [
        (0, DataType.QUALITY, CUSTOM, "good"),
        (3, None, Attribute.QUALITY, "bad"),
        (3, None, Attribute.QUALITY.uuid, "bad"),
        ("Good", None, 9, "good"),
        ("odd", None, 9, "odd"),
        (7, 18, 9, "7"),
        (2, DataType.ELEMENT_CATEGORY, CUSTOM, "data point"),
        ("Data Point", None, Attribute.CATEGORY.uuid, "data point"),
        ("ai", None, 4, "AI"),
        (16, 19, 4, "16"),
        (2, 3, 11, 2),
        (True, 18, 9, True),
        (1.5, 18, 9, 1.5),
        ("good", 11, 1, "good"),
        (0, DataType.ERROR_CODE, CUSTOM, "no error"),
        (0, None, Attribute.ERROR.uuid, "no error"),
        (-32109, DataType.ERROR_CODE, 13, "write error (-32109)"),
        (-99, DataType.ERROR_CODE, 12, -99),
        ("no data", DataType.ERROR_CODE, 12, "no data"),
        ("", DataType.ERROR_CODE, 12, ""),
        (0, 3, 11, 0),
    ],
)
def test_present(value: object, data_type: int | None, attribute_id: Any, shown: object) -> None:
    result = to_display(value, data_type, attribute_id)

    assert result == shown
    assert type(result) is type(shown)


# --- without the extras


def test_the_same_without_pyarrow() -> None:
    script = """
import sys
sys.modules.update({"pyarrow": None, "openpyxl": None})
import pandas as pd
from uuid import UUID
from xentara_nb.tables.frames import inventory_frame
from xentara_nb.protocol.commands import AttributeInfo
frame = inventory_frame([("NA", UUID(int=1), 2, (AttributeInfo("value", 11, 2, 10),))])
print(frame.dtypes.astype(str).tolist(), frame["primary_key"].tolist())
print(frame["primary_key"].dtype == "str", frame["primary_key"].dtype.storage)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"{DTYPES} ['NA']", "True python"]


def test_texts_are_of_one_dtype_whether_pyarrow_is_there_or_not() -> None:
    dtype = inventory_frame([])["primary_key"].dtype

    assert isinstance(dtype, pd.StringDtype)
    assert dtype.storage == "python"
    assert dtype.na_value is np.nan


def test_the_names_of_columns_belong_to_each_frame() -> None:
    first, second = (make_frame({"a": np.array([1]), "b": string_array(["x"])}) for _ in range(2))
    first.columns.name = "changed"
    first.columns = pd.Index(["c", "d"])
    assert second.columns.tolist() == ["a", "b"]
    assert second.columns.name is None
    assert second.columns.dtype == pd.Index(["a", "b"]).dtype


def test_a_frame_of_the_columns_of_another_one_can_be_changed() -> None:
    other = pd.DataFrame({"a": [1.0, 2.0]})
    frame = make_frame({"a": other["a"].to_numpy()})  # which pandas makes read-only
    frame.loc[0, "a"] = 5.0
    assert (frame["a"].tolist(), other["a"].tolist()) == ([5.0, 2.0], [1.0, 2.0])


def test_a_column_of_objects_stays_one() -> None:
    frame = make_frame({"a": object_array(["x", "y"]), "b": object_array([1, 2])})
    assert frame.dtypes.tolist() == [object, object]


def test_a_frame_is_the_one_that_pandas_makes_of_the_same_columns() -> None:
    frame = make_frame(
        {
            "text": string_array(["a", None]),
            "number": np.array([1.5, 2.5]),
            "id": id_array([1, UUID(int=1)]),
            "word": categorical(Access, [0, 1]),
            "time": time_array([0, 1]),
        }
    )
    series = {name: pd.Series(frame[name].tolist(), dtype=frame[name].dtype) for name in frame}
    assert_frame_equal(frame, pd.DataFrame(series), check_index_type="exact")
    frame.loc[0, "number"] = 7.5
    assert frame["number"].tolist() == [7.5, 2.5]
    assert frame.dtypes.tolist() == [each.dtype for each in series.values()]


def test_columns_of_times_are_copies() -> None:
    numbers = np.array([0, -(1 << 63)])
    times = time_array(numbers)
    numbers[0] = 5
    assert times.tolist() == [pd.Timestamp(0, tz="UTC"), pd.NaT]
    assert times.dtype == pd.DatetimeTZDtype("ns", "UTC")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_no_texts(count: int) -> None:
    assert no_texts(count).isna().tolist() == [True] * count
    assert no_texts(count).dtype == string_array([]).dtype
