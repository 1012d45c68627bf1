from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow
import pytest

from xentara_nb.errors import InventoryFileError, OptionError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.tables.compare import compare
from xentara_nb.tables.frames import inventory_frame
from xentara_nb.tables.snapshots import snapshot_frame

A, B, C, D = (UUID(int=number) for number in range(1, 5))
CUSTOM = UUID(int=77)
VALUE = AttributeInfo("value", 11, 2, 10)
QUALITY = AttributeInfo("quality", 9, 0, 18)
LIMIT = AttributeInfo("limit", CUSTOM, 0, 10)
Element = tuple[str, UUID, int, tuple[AttributeInfo, ...]]


def inventory(*elements: Element) -> pd.DataFrame:
    return inventory_frame(elements)


def snapshot(**columns: list[Any]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    values: dict[str, list[Any]] = {
        "type": ["register"] * count,
        "display_name": [None] * count,
        "value": [1.5] * count,
        "units": ["mm"] * count,
        "quality": [0] * count,
        "update_time": [None] * count,
        **columns,
    }
    return snapshot_frame(
        primary_keys=["a", "b", "c", "d"][:count],
        element_uuids=[A, B, C, D][:count],
        categories=[2] * count,
        values=values,
        value_infos=[VALUE] * count,
        data_types={name: [None] * count for name in values},
        errors=[None] * count,
        time=len(repr(columns)),
    )


def test_what_cannot_be_read_any_more_is_no_other_type_or_unit() -> None:
    old = snapshot(value=[1.5, 2.5], units=["mm", ""])
    gone: list[Any] = [None, None]
    new = snapshot(value=gone, type=gone, units=gone, quality=gone)
    assert {change for change, *_ in changes(old, new)} == {"value", "type", "units", "quality"}
    new["error"] = ["unknown element"] * 2
    assert changes(old, new) == [
        ("value", "a", "value", 1.5, None),
        ("value", "b", "value", 2.5, None),
    ]
    # Where only the value has an error, the rest is compared.
    new = snapshot(value=gone, units=["m", ""]).assign(error=["access denied"] * 2)
    assert ("units", "a", None, "mm", "m") in changes(old, new)


def changes(old: Any, new: Any, **options: Any) -> list[tuple[Any, ...]]:
    frame = compare(old, new, **options).frame
    columns = ["change", "primary_key", "attribute_name", "old", "new"]
    frame = frame[columns].astype(object)
    return [tuple(row) for row in frame.where(frame.notna(), None).to_numpy().tolist()]


def test_nothing_has_changed() -> None:
    frame = inventory(("a", A, 2, (VALUE, LIMIT)), ("b", B, 1, ()), ("c", C, 2, (VALUE,)))
    found = compare(frame, frame.sample(frac=1, random_state=1))
    assert found.same
    assert not found
    assert len(found) == 0
    assert found.summary == repr(found) == "Nothing has changed: 2 elements are the same."
    assert found.counts == {}
    assert compare(frame.iloc[:0], frame.iloc[:0]).same
    changed = compare(frame, inventory(("a", A, 2, (VALUE,)))).frame
    assert found.frame.dtypes.equals(changed.dtypes)


def test_the_parts_are_all_of_it() -> None:
    old = snapshot(value=[1.5, 2.5, 3.5], units=["mm", "mm", "mm"])[:2]
    new = snapshot(value=[1.5, 2.6, 3.5], units=["m", "mm", "mm"])[1:]
    found = compare(old, new)
    assert found.added["primary_key"].tolist() == ["c"]
    assert found.removed["primary_key"].tolist() == ["a"]
    assert found.changed["new"].tolist() == [2.6]
    parts = pd.concat([found.added, found.removed, found.changed])
    pd.testing.assert_frame_equal(parts.sort_index(), found.frame)
    same = compare(old, old)
    assert [len(part) for part in (same.added, same.removed, same.changed)] == [0, 0, 0]


def test_elements_that_came_and_went() -> None:
    old = inventory(("a", A, 2, (VALUE, LIMIT)), ("b", B, 2, (VALUE,)))
    new = inventory(("b", B, 2, (VALUE,)), ("c", C, 2, (VALUE, QUALITY)), ("d", D, 2, (VALUE,)))
    assert changes(old, new) == [
        ("added", "c", None, None, None),
        ("added", "d", None, None, None),
        ("removed", "a", None, None, None),
    ]
    found = compare(old, new)
    assert found.counts == {"elements added": 2, "elements removed": 1}
    assert found.summary == "2 elements added and 1 element removed."
    assert found.frame["element_uuid"].tolist() == [C, D, A]
    assert found.changed.empty
    assert changes(old.iloc[:0], old) == [
        ("added", "a", None, None, None),
        ("added", "b", None, None, None),
    ]
    assert len(changes(old, old.iloc[:0])) == 2


def test_attributes_that_came_and_went() -> None:
    old = inventory(("a", A, 2, (VALUE, LIMIT)), ("b", B, 2, (VALUE,)))
    new = inventory(("a", A, 2, (VALUE, QUALITY)), ("b", B, 2, (VALUE,)))
    assert changes(old, new) == [
        ("added", "a", "quality", None, None),
        ("removed", "a", "limit", None, None),
    ]
    assert compare(old, new).summary == "1 attribute added and 1 attribute removed."


def test_what_was_renamed_retyped_and_locked() -> None:
    old = inventory(("a", A, 2, (VALUE, LIMIT)), ("b", B, 2, (VALUE,)))
    new = inventory(
        ("z", A, 1, (VALUE._replace(access=0), LIMIT._replace(name="max"))),
        ("b", B, 2, (VALUE._replace(data_type=99),)),
    )
    assert changes(old, new) == [
        ("renamed", "z", None, "a", "z"),
        ("renamed", "z", "max", "limit", "max"),
        ("category", "z", None, "data point", "element group"),
        ("retyped", "b", "value", "Float64", "99"),
        ("access", "z", "value", "read and write", "read only"),
    ]
    assert compare(old, new).summary == (
        "1 element renamed, 1 attribute renamed, 1 element given another category, 1 attribute "
        "given another data type and 1 attribute given another access."
    )


def test_another_server_has_other_uuids() -> None:
    old = inventory(("a", A, 2, (VALUE,)), ("b", B, 2, (VALUE,)))
    new = inventory(("a", C, 2, (VALUE,)), ("b", D, 2, (VALUE._replace(access=0),)))
    assert changes(old, new) == [
        ("replaced", "a", None, A, C),
        ("replaced", "b", None, B, D),
        ("access", "b", "value", "read and write", "read only"),
    ]


def test_a_well_known_attribute_by_its_other_id() -> None:
    old = inventory(("a", A, 2, (VALUE,)))
    new = inventory(("a", A, 2, (VALUE._replace(attribute_id=Attribute.VALUE.uuid),)))
    assert compare(old, new).same


def test_values_of_snapshots() -> None:
    old = snapshot(value=[1.5, True, None, "on"], quality=[0, 0, None, 3])
    new = snapshot(value=[1.75, False, None, None], quality=[0, 1, 0, 3])
    expected = [
        ("value", "a", "value", 1.5, 1.75),
        ("value", "b", "value", True, False),
        ("value", "d", "value", "on", None),
        ("quality", "b", "quality", "good", "acceptable"),
        ("quality", "c", "quality", None, "good"),
    ]
    assert changes(old, new) == expected
    assert changes(old, new, tolerance=0.25) == expected[1:]
    assert changes(old, new, tolerance=0.2) == expected
    assert compare(old, new).summary == "3 values changed and 2 qualities changed."


def test_what_else_snapshots_say() -> None:
    old = snapshot(value=[1, 1], limit=[5, float("nan")], display_name=[None, "B"])
    new = snapshot(
        value=[1, 1.0],
        limit=[6, float("nan")],
        display_name=["A", "B"],
        units=["mm", "cm"],
        type=["register", "data point"],
    )
    assert changes(old, new) == [
        ("type", "b", None, "register", "data point"),
        ("units", "b", None, "mm", "cm"),
        ("display name", "a", None, None, "A"),
        ("value", "a", "limit", 5, 6),
    ]


def test_columns_of_numbers() -> None:
    old, new = snapshot(value=[1.0, 2.0, None]), snapshot(value=[1.0, 2.5, None])
    old, new = (frame.astype({"value": "float64"}) for frame in (old, new))
    new.loc[0, "value"] = np.nan
    found = changes(old, new)
    assert [row[1] for row in found] == ["a", "b"]
    assert [row[1] for row in changes(old, new, tolerance=1)] == ["a"]


def test_rows_that_are_there_twice() -> None:
    frame = inventory(("a", A, 2, (VALUE,)), ("a", A, 2, (VALUE,)))
    assert compare(frame, frame).same
    assert changes(frame, frame.iloc[:1]) == [("removed", "a", "value", None, None)]


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet", ".xlsx"])
def test_files(ending: str, tmp_path: Path) -> None:
    old, new = snapshot(value=[1.5, "x"]), snapshot(value=[2.5, "x"])
    path = tmp_path / f"old{ending}"
    old.xentara.to_file(path)
    assert changes(path, new) == changes(str(path), new) == [("value", "a", "value", 1.5, 2.5)]
    assert compare(old, path).same


def test_what_pandas_and_others_have_read(tmp_path: Path) -> None:
    old = inventory(("a", A, 2, (VALUE, LIMIT)), ("b", B, 2, (VALUE,)))
    new = inventory(("a", A, 2, (VALUE._replace(access=0), LIMIT)), ("b", B, 2, (VALUE,)))
    for ending, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
        path = tmp_path / f"old{ending}"
        old.xentara.to_file(path)
        assert len(compare(read(path), new)) == len(compare(new, read(path))) == 1
        assert compare(read(path), old).same
    table = pyarrow.Table.from_pandas(pd.read_csv(tmp_path / "old.csv"))
    assert compare(table, old).same


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    frame = inventory(("a", A, 2, (VALUE,)))
    with pytest.raises(OptionError, match=r"row per attribute, .* and the other a row per element"):
        compare(frame, snapshot(value=[1]))
    with pytest.raises(OptionError, match=r"the new one is no DataFrame .* of type list"):
        compare(frame, [])
    frame = snapshot(value=[1.5])
    for name in ("primary_key", "units", "error"):
        doubled = pd.concat([frame, frame[[name]]], axis=1)
        with pytest.raises(OptionError, match=f"the old one has two columns '{name}'"):
            compare(doubled, frame)
        with pytest.raises(OptionError, match=f"the new one has two columns '{name}'"):
            compare(frame, doubled)
    for odd in (b"x", [1, 2], pd.Timestamp("2026-01-01")):
        with pytest.raises(OptionError, match="element_uuid holds what is no UUID"):
            compare(frame, frame.assign(element_uuid=[odd], value=2.5))
    with pytest.raises(OptionError, match="the old one has no columns primary_key"):
        compare(pd.DataFrame(), frame)
    for tolerance in (-1, float("nan"), "1", None):
        with pytest.raises(OptionError, match="tolerance must be 0 or more"):
            compare(frame, frame, tolerance=tolerance)
    (tmp_path / "x.csv").write_text("")
    with pytest.raises(InventoryFileError, match="is empty"):
        compare(tmp_path / "x.csv", frame)


def test_how_it_looks() -> None:
    old = inventory(("a", A, 2, (VALUE,)))
    new = inventory(("<b>\x1b", B, 2, (VALUE,)), *[(f"x{n}", UUID(int=n), 2, ()) for n in range(9)])
    found = compare(old, new)
    shown, page = repr(found), found._repr_html_()
    assert shown.startswith("1 element added and 1 element removed.\n")
    assert "\\x1b" in shown
    assert "<b>" not in page
    assert "&lt;b&gt;\\x1b" in page
    assert "success" in page
    assert "error-color" in page
    assert compare(old, old)._repr_html_() == (
        "<p><strong>Nothing has changed: 1 element is the same.</strong></p>"
    )
    many = inventory(*[(f"x{n}", UUID(int=100 + n), 2, (VALUE,)) for n in range(70)])
    assert "… and 11 more in .frame" in repr(compare(old, many))


def test_what_plain_pandas_has_written_has_not_changed(tmp_path: Path) -> None:
    """A CSV file of its own does not say which values are texts."""
    time = pd.Timestamp("2026-11-26 10:00", tz="UTC")
    new = snapshot(value=[0.10000000149011612, True, B, ""], units=["mm", "", "", ""])
    new.loc[3, "value"] = time
    new.to_csv(tmp_path / "new.csv")
    new.to_csv(tmp_path / "bare.csv", index=False)
    new.to_excel(tmp_path / "new.xlsx", index=False)
    for old in (*tmp_path.iterdir(), *map(pd.read_csv, tmp_path.glob("*.csv"))):
        assert compare(old, new).same
        assert compare(new, old).same
    new["value"] = new["value"].map(
        {0.10000000149011612: 0.25, True: False, B: C, time: time.floor("D")}
    )
    found = compare(tmp_path / "new.csv", new)
    assert found.counts == {"attributes value": 4}
    assert compare(tmp_path / "new.csv", new, tolerance=0.15).counts == {"attributes value": 3}
    assert found.frame["old"].tolist() == ["0.10000000149011612", "True", str(B), str(time)]


PAIRS: list[tuple[Any, Any]] = [
    *(("7", "007"), (7, "007"), ("007", 7), (2**53 + 1, 2**53), (True, "True"), ("None", None)),
    *((1.0, 1.0000000000000002), ("", None), (1.5, "1.50"), (B, str(B))),
]


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet", ".xlsx"])
@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_no_change_is_hidden_in_a_file_of_the_library(
    old: Any, new: Any, ending: str, tmp_path: Path
) -> None:
    before, after = tmp_path / f"old{ending}", tmp_path / f"new{ending}"
    for others in ([], [2.5, "Tea"]):
        one, other = snapshot(value=[old, *others]), snapshot(value=[new, *others])
        one.xentara.to_file(before)
        other.xentara.to_file(after)
        for pair in ((before, after), (before, other), (one, after)):
            assert compare(*pair).counts == {"attributes value": 1}
    # Values of one type.
    for frame, path in ((one, before), (other, after)):
        frame["value"] = "Tea" if path == before else "Coffee"
        frame.astype({"value": "str"}).xentara.to_file(path)
    assert len(compare(before, after)) == len(one)


@pytest.mark.parametrize(
    ("old", "new"), [("7", "007"), (2**63 + 1, 2**63), (True, False), ("Tea", "tea"), (7, 8)]
)
@pytest.mark.parametrize("tolerance", [0, 0.5])
def test_what_is_another_value_in_files_of_pandas_too(
    old: Any, new: Any, tolerance: float, tmp_path: Path
) -> None:
    one, other = snapshot(value=[old, "Tea"]), snapshot(value=[new, "Tea"])
    one.to_csv(tmp_path / "old.csv")
    for before in (tmp_path / "old.csv", pd.read_csv(tmp_path / "old.csv")):
        found = compare(before, other, tolerance=tolerance)
        assert found.counts == {"attributes value": 1}


def test_a_whole_number_is_within_a_tolerance_and_a_text_or_boolean_is_not(tmp_path: Path) -> None:
    names = {"display_name": ["1", "x", "y"], "units": ["", "", ""]}
    old = snapshot(value=[7, True, 1.5], **names)
    new = snapshot(value=[8, False, 1.75], **{**names, "display_name": ["2", "x", "y"]})
    old.to_csv(tmp_path / "old.csv")
    old.to_excel(tmp_path / "old.xlsx")
    for path in tmp_path.iterdir():
        found = changes(path, new, tolerance=1)
        assert [each[:2] for each in found] == [("display name", "a"), ("value", "b")]
