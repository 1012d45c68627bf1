from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from xentara_nb.errors import NotFoundError
from xentara_nb.protocol.commands import AttributeInfo, BrowseEntry
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.tables.frames import elements_frame, inventory_frame
from xentara_nb.tables.references import (
    Reference,
    Rows,
    are_several,
    attribute_label,
    attribute_reference,
    canonical,
    element_reference,
    element_references,
    same_attribute,
)

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
F = UUID("88130ce8-b9e7-4a2a-8f26-d32a931129aa")
CUSTOM = UUID(int=99)
VALUE = AttributeInfo("value", 11, 2, 10)
UNITS = AttributeInfo("units", CUSTOM, 0, 11)
INVENTORY = inventory_frame([("Plant.A", E, 2, (VALUE, UNITS)), ("NA", F, 2, (VALUE,))])
ROWS = [
    Reference("NA", F, 11, "value", 10),
    Reference("Plant.A", E, CUSTOM, "units", 11),
    Reference("Plant.A", E, 11, "value", 10),
]


@pytest.mark.parametrize("key", ["Plant.A", "NA", "nan", "None", "[a.b].c", "=1+1", " ", "😀", "0"])
def test_a_primary_key(key: str) -> None:
    assert element_reference(key) == Reference(key, None)
    assert str(element_reference(key)) == key
    assert element_reference(np.str_(key)) == Reference(key, None)


def test_a_uuid() -> None:
    assert element_reference(E) == Reference(None, E)
    assert str(element_reference(E)) == str(E)


def test_a_text_in_the_form_of_a_uuid_is_a_key_or_a_uuid() -> None:
    for text in (str(E), str(E).upper(), f"{{{E}}}", f"urn:uuid:{E}", f"URN:UUID:{E}".upper()):
        assert element_reference(text) == Reference(text, None, text_uuid=E)


@pytest.mark.parametrize(
    "key",
    [
        E.hex,
        str(E)[:6] + "-" + str(E)[6:8] + str(E)[9:],
        "e3ee1071-4d88-4ba1-8e5d-0f1e4ce2_ee8",
        "e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee\N{FULLWIDTH DIGIT EIGHT}",
        f"{{{E}",
        f"urn:{E}",
        f"{E}.value",
        str(E).replace("-", "_"),
        "x" + str(E)[1:],
    ],
)
def test_what_only_looks_like_a_uuid_is_a_key(key: str) -> None:
    assert element_reference(key) == Reference(key, None)


def test_an_element_that_is_called_like_a_uuid() -> None:
    # A row says which column it stands in.
    assert element_reference({"primary_key": str(E)}) == Reference(str(E), None)
    frame = pd.DataFrame({"primary_key": [str(E)], "element_uuid": [F]})
    assert element_references(frame) == [Reference(str(E), F)]


def test_a_reference_stays_what_it_is() -> None:
    assert element_reference(ROWS[0]) is ROWS[0]
    assert element_references(ROWS) == ROWS


def test_rows_of_an_inventory_in_every_form() -> None:
    row = INVENTORY.iloc[2]
    assert element_reference(row) == ROWS[2]
    assert element_references(row) == [ROWS[2]]
    rows = element_references(INVENTORY)
    assert type(rows) is Rows
    assert list(rows) == ROWS
    assert rows.element_uuids.tolist() == [row.element_uuid for row in ROWS]
    assert element_references([row for _, row in INVENTORY.iterrows()]) == ROWS
    assert element_references(list(INVENTORY.itertuples())) == ROWS
    assert element_references(next(INVENTORY.itertuples(index=False))) == [ROWS[0]]
    assert element_references(INVENTORY.to_dict("records")) == ROWS
    assert element_references(INVENTORY.to_dict("records")[0]) == [ROWS[0]]
    assert list(element_references(INVENTORY[INVENTORY.attribute_id == 11])) == [ROWS[0], ROWS[2]]
    assert list(element_references(INVENTORY.iloc[:0])) == []


def test_rows_of_browse_name_no_attribute() -> None:
    entry = BrowseEntry("Plant.A", E, 2)
    assert list(element_references(elements_frame([entry]))) == [Reference("Plant.A", E)]
    assert element_reference(entry) == Reference("Plant.A", E)


def test_many_elements() -> None:
    keys = ["Plant.A", "NA", str(E)]
    wanted = [Reference("Plant.A", None), Reference("NA", None)]
    wanted.append(Reference(str(E), None, text_uuid=E))
    for elements in (
        keys,
        tuple(keys),
        iter(keys),
        pd.Series(keys),
        pd.Series(keys, index=list("abc")),
        pd.Series(keys, index=pd.date_range("2024", periods=3)),
        pd.Series(keys, dtype="category"),
        pd.Index(keys),
        np.array(keys),
        np.array(keys, dtype=object),
        dict.fromkeys(keys).keys(),
    ):
        assert element_references(elements) == wanted
    assert element_references(INVENTORY.primary_key) == [
        Reference("NA", None),
        Reference("Plant.A", None),
        Reference("Plant.A", None),
    ]
    assert element_references(INVENTORY.element_uuid.drop_duplicates()) == [
        Reference(None, F),
        Reference(None, E),
    ]
    assert element_references("Plant.A") == [Reference("Plant.A", None)]
    assert element_references(E) == [Reference(None, E)]
    assert element_references([]) == []


@pytest.mark.parametrize("one", ["Plant.A", E, 5, None, np.array("Plant.A")])
def test_one_is_not_several(one: object) -> None:
    assert not are_several(one)
    assert are_several([one])
    assert are_several(np.array([one]))


def test_an_array_of_no_axis_is_no_element() -> None:
    with pytest.raises(NotFoundError, match="no element, but of type ndarray"):
        element_references(np.array("Plant.A"))


def test_rows_made_by_hand() -> None:
    assert element_reference({"element_uuid": str(E)}) == Reference(None, E)
    assert element_reference({"element_uuid": E, "primary_key": np.nan}) == Reference(None, E)
    assert element_reference({"element_uuid": None, "primary_key": "x"}) == Reference("x", None)
    assert element_reference({"primary_key": "x", "attribute_id": "units"}) == Reference(
        "x", None, None, "units"
    )
    assert element_reference({"primary_key": "x", "attribute_id": "value"}) == Reference(
        "x", None, None, "value"
    )
    assert element_reference({"primary_key": "x", "attribute_id": str(CUSTOM)}) == Reference(
        "x", None, CUSTOM
    )
    assert element_reference({"primary_key": "x", "attribute_name": "units"}) == Reference(
        "x", None, None, "units"
    )
    assert element_reference({"primary_key": "x", "data_type": "23"}) == Reference("x", None)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, float("nan")])
def test_what_is_missing_in_a_row_is_not_named(missing: object) -> None:
    row = {"primary_key": "x", "attribute_id": missing, "attribute_name": missing}
    assert element_reference(row) == Reference("x", None)


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ("", "an empty text names no element; the root is None"),
        (None, "no element, but of type NoneType"),
        (7, "no element, but of type int"),
        (1.5, "no element, but of type float"),
        (b"Plant.A", "no element, but of type int"),
        (object(), "no element, but of type object"),
        ({}, "no element, but of type dict"),
        ({"key": "x"}, "no element, but of type dict"),
        (pd.Series({"key": "x", "value": 2}), "no element, but of type int"),
        ({"primary_key": ""}, "primary_key and element_uuid are missing"),
        ({"primary_key": np.nan}, "primary_key and element_uuid are missing"),
        ({"primary_key": None, "element_uuid": pd.NA}, "are missing"),
        ({"element_uuid": "no uuid"}, "'no uuid' is no UUID"),
        ({"primary_key": "Plant.A", "element_uuid": "no uuid"}, "'no uuid' is no UUID"),
        ({"primary_key": "Plant.A", "element_uuid": 7}, "7 is no UUID"),
        ({"primary_key": 7, "element_uuid": UUID(int=1)}, "7 is no text"),
        ({"primary_key": "Plant.A", "attribute_name": 1.5}, "1.5 names no attribute"),
        (
            {"primary_key": "x", "attribute_id": "value", "attribute_name": "units"},
            "a row names two attributes, 'units' and, as its attribute_id, 'value'",
        ),
        (pd.DataFrame({"key": ["x"]}), "it needs a column element_uuid or primary_key"),
        (pd.DataFrame(), "it needs a column element_uuid or primary_key"),
        ([["Plant.A"]], "no element, but of type list"),
        (["Plant.A", ""], "an empty text"),
    ],
)
def test_what_names_no_element(element: Any, reason: str) -> None:
    with pytest.raises(NotFoundError, match=reason) as caught:
        element_references(element)
    assert isinstance(caught.value, LookupError)


# Attributes.


@pytest.mark.parametrize(
    ("attribute", "found"),
    [
        ("value", "value"),
        ("UUID", "UUID"),
        ("units", "units"),
        ("Value", "Value"),
        ("NA", "NA"),
        (11, 11),
        (0, 0),
        (Attribute.QUALITY, 9),
        (np.int64(11), 11),
        (np.uint8(11), 11),
        (4711, 4711),
        (CUSTOM, CUSTOM),
        (str(CUSTOM), str(CUSTOM)),
        (Attribute.VALUE.uuid, Attribute.VALUE.uuid),
    ],
)
def test_an_attribute(attribute: object, found: object) -> None:
    reference = attribute_reference(attribute)
    assert reference == found
    assert type(reference) is type(found)


@pytest.mark.parametrize(
    "attribute", ["", -1, np.int64(-1), True, np.True_, 1.0, None, b"value", ["value"], np.nan]
)
def test_what_names_no_attribute(attribute: object) -> None:
    with pytest.raises(NotFoundError, match="names no attribute: give its name, its integer or"):
        attribute_reference(attribute)


def test_a_well_known_attribute_has_two_ids() -> None:
    assert canonical(11) == canonical(Attribute.VALUE.uuid) == Attribute.VALUE
    assert canonical(4711) == 4711
    assert canonical(CUSTOM) == CUSTOM
    assert same_attribute(11, Attribute.VALUE.uuid)
    assert same_attribute(CUSTOM, CUSTOM)
    assert not same_attribute(11, Attribute.QUALITY.uuid)
    assert not same_attribute(11, CUSTOM)


def test_labels() -> None:
    assert attribute_label(11) == attribute_label(Attribute.VALUE.uuid) == "value"
    assert attribute_label("units") == "units"
    assert attribute_label(4711) == "4711"
    assert attribute_label(CUSTOM) == str(CUSTOM)


# --- ids that have become text, as in a file that pandas has read


def test_rows_that_pandas_has_read(tmp_path: Path) -> None:
    attributes = (AttributeInfo("value", 11, 2, 10), AttributeInfo("limit", UUID(int=77), 0, 10))
    inventory = inventory_frame([("Plant", UUID(int=1), 2, attributes)])
    expected = element_references(inventory)
    assert isinstance(expected, Rows)
    for ending, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
        inventory.xentara.to_file(tmp_path / f"plant{ending}")
        opened = read(tmp_path / f"plant{ending}")
        assert opened["attribute_id"].tolist() == [str(UUID(int=77)), "11"]
        rows = element_references(opened)
        # As fast as rows of an inventory, and each id as the protocol has it.
        assert isinstance(rows, Rows)
        assert list(rows) == list(expected)
        assert {type(each) for each in rows.attribute_ids} == {int, UUID}
        assert element_reference(opened.iloc[1]) == next(reversed(list(expected)))


def test_attribute_ids_of_a_frame_are_plain_uuids() -> None:
    info = AttributeInfo("limit", UUID(int=77), 0, 10)
    frame = inventory_frame([("Plant", UUID(int=1), 2, (info,))])
    (attribute,) = frame["attribute_id"].tolist()
    assert type(element_references(frame).attribute_ids[0]) is UUID
    assert type(element_reference(frame.iloc[0]).attribute_id) is UUID
    assert type(attribute_reference(attribute)) is UUID
    assert type(element_reference(attribute).element_uuid) is UUID


def test_the_largest_id_of_64_bits_as_a_text() -> None:
    row = {"primary_key": "Plant", "attribute_id": str((1 << 64) - 1)}
    assert element_reference(row).attribute_id == (1 << 64) - 1


@pytest.mark.parametrize("text", ["eleven", "011", "-1", "1.5", "٣", str(1 << 64)])
def test_a_text_that_is_no_id_is_a_name(text: str) -> None:
    row = {"primary_key": "Plant", "attribute_id": text}
    assert element_reference(row).attribute_name == text
    frame = pd.DataFrame({"primary_key": ["Plant"], "attribute_id": [text]})
    assert [each.attribute_name for each in element_references(frame)] == [text]
