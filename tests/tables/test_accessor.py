from __future__ import annotations

import importlib
import warnings
from collections import Counter
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from xentara_nb.errors import InventoryFileError, NotFoundError, XentaraError
from xentara_nb.protocol.commands import AttributeInfo, BrowseEntry
from xentara_nb.protocol.identifiers import Attribute, Category
from xentara_nb.tables import accessor
from xentara_nb.tables.files import read_inventory
from xentara_nb.tables.frames import (
    categorical,
    elements_frame,
    inventory_frame,
    make_frame,
    string_array,
)
from xentara_nb.tables.id_arrays import id_array
from xentara_nb.tables.provenance import with_provenance
from xentara_nb.tables.references import element_references

CUSTOM = UUID(int=77)


@pytest.fixture
def inventory() -> pd.DataFrame:
    point = (
        AttributeInfo("value", 11, 2, 10),
        AttributeInfo("order", CUSTOM, 1, 10),
        AttributeInfo("quality", 9, 0, 18),
        AttributeInfo("odd", 99, 3, 10),
    )
    return inventory_frame(
        [
            ("b", UUID(int=1), 2, point),
            ("a", UUID(int=2), 2, point),
            ("c", UUID(int=3), 1, point[2:3]),
            ("d", UUID(int=4), 1, ()),
        ]
    )


def test_writable(inventory: pd.DataFrame) -> None:
    rows = inventory.xentara.writable()

    assert rows["access"].tolist() == ["write only", "read and write"] * 2
    assert rows.index.tolist() == [1, 3, 5, 7]


def test_readable(inventory: pd.DataFrame) -> None:
    rows = inventory.xentara.readable()

    assert set(rows["access"]) == {"read only", "read and write"}
    assert len(rows) == 5


def test_filters_keep_added_columns_and_work_on_what_is_left(inventory: pd.DataFrame) -> None:
    inventory["target"] = range(len(inventory))
    rows = inventory[inventory["primary_key"] == "b"].xentara.writable()

    assert rows["target"].tolist() == [5, 7]
    assert rows.xentara.readable()["target"].tolist() == [7]


def test_filters_take_words_that_are_no_categoricals(inventory: pd.DataFrame) -> None:
    texts = inventory.astype({"access": "str", "category": "str"})

    assert len(texts.xentara.writable()) == 4
    assert texts.xentara.elements()["category"].tolist() == [
        *("data point", "data point", "element group")
    ]


@pytest.mark.parametrize(
    ("attribute", "name", "count"),
    [
        ("value", "value", 2),
        (11, "value", 2),
        (Attribute.VALUE, "value", 2),
        (Attribute.VALUE.uuid, "value", 2),
        (CUSTOM, "order", 2),
        (9, "quality", 3),
    ],
)
def test_attribute(
    inventory: pd.DataFrame, attribute: str | int | UUID, name: str, count: int
) -> None:
    assert inventory.xentara.attribute(attribute)["attribute_name"].tolist() == [name] * count


def test_attribute_by_the_other_of_its_two_ids() -> None:
    by_uuid = (AttributeInfo("value", Attribute.VALUE.uuid, 2, 10),)
    frame = inventory_frame([("a", UUID(int=1), 2, by_uuid)])

    assert len(frame.xentara.attribute(11)) == 1


def test_attribute_that_no_row_has(inventory: pd.DataFrame) -> None:
    with pytest.raises(NotFoundError, match=r"no row has the attribute 'vlaue'; did you mean 'val"):
        inventory.xentara.attribute("vlaue")
    for attribute in ("nothing", 12345, UUID(int=12345)):
        with pytest.raises(NotFoundError, match=rf"attribute '{attribute}'; there are: \w+, "):
            inventory.xentara.attribute(attribute)
    # One that there is may have no row here, and where there are no rows nothing is missed.
    for attribute in ("writeError", 13, Attribute.WRITE_ERROR.uuid):
        assert inventory.xentara.attribute(attribute).empty
    assert inventory.iloc[:0].xentara.attribute("vlaue").empty


@pytest.mark.parametrize("attribute", [True, 1.0, None, b"value"])
def test_attribute_of_another_type(inventory: pd.DataFrame, attribute: object) -> None:
    with pytest.raises(TypeError, match="its name, an integer or a UUID"):
        inventory.xentara.attribute(attribute)


def test_elements(inventory: pd.DataFrame) -> None:
    frame = inventory.xentara.elements()

    expected = elements_frame(
        [
            BrowseEntry("a", UUID(int=2), 2),
            BrowseEntry("b", UUID(int=1), 2),
            BrowseEntry("c", UUID(int=3), 1),
        ]
    ).assign(attributes=[4, 4, 1])
    assert_frame_equal(frame, expected)


def test_elements_in_the_order_of_the_frame(inventory: pd.DataFrame) -> None:
    frame = inventory.iloc[::-1].xentara.writable().xentara.elements()

    assert frame["primary_key"].tolist() == ["b", "a"]
    assert frame["attributes"].tolist() == [2, 2]


def test_elements_with_one_key_are_two_elements() -> None:
    attributes = (AttributeInfo("a", 1, 0, 0), AttributeInfo("b", 2, 0, 0))
    frame = inventory_frame([("k", UUID(int=n), n, attributes) for n in (2, 1)])

    elements = frame.xentara.elements()
    assert elements["element_uuid"].tolist() == [UUID(int=1), UUID(int=2)]
    assert elements["attributes"].tolist() == [2, 2]


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1, 2, 3, None])), max_size=8
    ),
    st.sampled_from([None, "string", "object"]),
)
@settings(max_examples=50)
def test_elements_of_any_rows(rows: list[tuple[str | None, int | None]], other: str | None) -> None:
    keys = [key for key, _ in rows]
    ids = [None if number is None else UUID(int=number) for _, number in rows]
    frame = make_frame(
        {
            "primary_key": string_array(keys),
            "element_uuid": id_array(ids),
            "category": categorical(Category, [2] * len(rows)),
        }
    )
    if other is not None:
        frame = frame.astype({"primary_key": other})
    counts = Counter(zip(keys, ids, strict=True))  # in the order of the frame
    found = frame.xentara.elements()
    assert [None if pd.isna(key) else key for key in found["primary_key"]] == [
        key for key, _ in counts
    ]
    assert found["element_uuid"].tolist() == [uuid for _, uuid in counts]
    assert found["attributes"].tolist() == list(counts.values())
    assert list(found.dtypes) == [*frame.dtypes, np.dtype("int64")]
    assert found.index.equals(pd.RangeIndex(len(counts)))


def test_elements_of_nothing() -> None:
    frame = inventory_frame([]).xentara.elements()

    assert frame.dtypes.astype(str).tolist() == ["str", "object", "category", "int64"]
    assert_frame_equal(frame[["primary_key", "element_uuid", "category"]], elements_frame([]))


def test_provenance(inventory: pd.DataFrame) -> None:
    note = {"server": "plant:8080"}

    assert inventory.xentara.provenance == {}
    assert with_provenance(inventory, note).xentara.writable().xentara.provenance == note
    assert with_provenance(elements_frame([]), note).xentara.provenance == note


def test_a_frame_of_something_else() -> None:
    frame = pd.DataFrame({"primary_key": ["a"], "category": ["device"]})

    with pytest.raises(AttributeError, match=r"no column 'element_uuid'.*rows"):
        frame.xentara.elements()
    with pytest.raises(AttributeError, match="no column 'primary_key'"):
        frame[["category"]].xentara.search("a")


@pytest.mark.parametrize("method", ["writable", "readable"])
def test_a_frame_without_access(method: str) -> None:
    with pytest.raises(AttributeError, match="no column 'access'"):
        getattr(elements_frame([]).xentara, method)()


def test_a_frame_without_category_or_attribute(inventory: pd.DataFrame) -> None:
    rest = inventory[["primary_key", "element_uuid"]]

    with pytest.raises(AttributeError, match="no column 'category'"):
        rest.xentara.elements()
    with pytest.raises(AttributeError, match="no column 'attribute_name'"):
        rest.xentara.attribute("value")
    with pytest.raises(AttributeError, match="no column 'attribute_id'"):
        rest.xentara.attribute(11)


def test_to_csv_whatever_the_ending(inventory: pd.DataFrame, tmp_path: Path) -> None:
    inventory.xentara.to_csv(tmp_path / "attributes.txt")

    assert_frame_equal(read_inventory(tmp_path / "attributes.txt", ending=".csv"), inventory)


def test_to_file_by_the_ending(inventory: pd.DataFrame, tmp_path: Path) -> None:
    inventory.xentara.to_file(str(tmp_path / "attributes.JSON"))

    assert_frame_equal(read_inventory(tmp_path / "attributes.JSON"), inventory)
    with pytest.raises(InventoryFileError, match=r"\.csv, \.json, \.parquet or \.xlsx"):
        inventory.xentara.to_file(tmp_path / "attributes.doc")


def test_repr(inventory: pd.DataFrame) -> None:
    assert repr(inventory.xentara) == "<XentaraAccessor of 9 rows>"


def test_it_can_be_imported_again() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reloaded = importlib.reload(accessor)

    assert pd.DataFrame.xentara is reloaded.XentaraAccessor


def test_a_doubled_column_is_said_in_words() -> None:
    frame = inventory_frame([("Plant", UUID(int=1), 2, (AttributeInfo("value", 11, 2, 10),))])
    for name in ("primary_key", "attribute_id"):
        doubled = pd.concat([frame, frame[[name]]], axis=1)
        with pytest.raises(XentaraError, match=f"two columns '{name}'"):
            doubled.xentara.writable()
        with pytest.raises(XentaraError, match=f"two columns '{name}'"):
            element_references(doubled)


@pytest.mark.parametrize("column", ["primary_key", "element_uuid"])
def test_cells_that_name_no_element_are_said_in_words(column: str) -> None:
    frame = inventory_frame([("Plant", UUID(int=1), 2, (AttributeInfo("value", 11, 2, 10),))])
    with pytest.raises(XentaraError, match="holds what names no element"):
        frame.assign(**{column: [["Plant"]]}).xentara.elements()
