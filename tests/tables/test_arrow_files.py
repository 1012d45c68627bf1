"""Columns from pyarrow: the same cells as without it, or none at all."""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import UUID

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.errors import InventoryFileError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.tables.files import read_inventory, text, write_table
from xentara_nb.tables.files.cells import TableError
from xentara_nb.tables.files.text import read_cells
from xentara_nb.tables.frames import inventory_frame

pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
from xentara_nb.tables.files.arrow import coded_column, read_columns  # noqa: E402  # needs pyarrow


def both(data: bytes) -> bool:
    """Compare the cells of a CSV with and without pyarrow; return whether it was used."""
    used = []

    def watched(content: bytes, count: int, longest: int) -> object:
        columns = read_columns(content, count, longest)
        used.append(columns is not None)
        return columns

    results = []
    for read in (watched, lambda *arguments: None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(text, "read_columns", read)
            try:
                found = read_cells(data)
                rows = len(next(iter(found.columns.values()), ()))
                places = [found.place(row) for row in (0, rows // 2, rows - 1)] if rows else []
                results.append((list(found.columns.items()), places))
            except TableError as error:
                results.append(str(error))
    assert results[0] == results[1]
    return used == [True]


PLAIN = [
    "a,b\n1,2\n",
    "a,b\n1,2",
    "a,b\nNA,null\nNaN, x \n",
    "a,b\n'=1,'\n",
    "primary_key,b\nä,\U0001f600\n\x0b,\x85\n",
    "primary_key,b\n1,\u2028\n\ufeff,2\n",
    "\ufeffa,b\n1,2\n",
    "a\nb\n",
    "a,b\n1,ä\n",
    "a,b\n" + "1,2\n" * 70_000,
]
OTHERS = [
    "a,b\n,2\n1,\n",
    *("", "\n", "a,b", "a,b\n", "a,b\n\n", "a,b\n1,2\n\n3,4\n", "a,b\n1,2\n,\n", "a\n\n1\n"),
    *('a,b\n"1",2\n', 'a,b\n1"2,3\n', 'a,b\n"1\n2",3\n', 'a,b\n"1"2,3\n', '"a",b\n1,2\n'),
    *("a,b\r\n1,2\r\n", "a,b\n1\r,2\n", "a,b\n1,2,\n", "a,b\n1,2,3\n", "a,b\n1\n", "a,b,\n1,2,\n"),
    *("a;b\n1;2\n", "value;b\n1,5;2\n", "sep=,\na,b\n1,2\n", "sep=;\na;b\n1;2\n", "a,a\n1,2\n"),
    *("a,b\n1,\0\n", f"a,b\n{'x' * 131_073},2\n", "\n\na,b\n1,2\n", "a,\n1,2\n"),
]


@pytest.mark.parametrize("content", PLAIN, ids=range(len(PLAIN)))
def test_a_plain_csv_is_read_by_pyarrow(content: str) -> None:
    assert both(content.encode())


@pytest.mark.parametrize("content", OTHERS, ids=range(len(OTHERS)))
def test_anything_else_is_left_to_the_general_way(content: str) -> None:
    both(content.encode())


def test_bytes_that_are_no_text() -> None:
    for data in (b"a,b\n\xff,2\n", b"a,b\n1,\xed\xa0\x80\n"):
        assert not both(data)


@given(st.text(st.sampled_from("ab,,,\n\n\r\"' ;\té\0"), max_size=40))
def test_any_csv_is_the_same_both_ways(content: str) -> None:
    both(content.encode())


@given(st.lists(st.lists(st.text(st.sampled_from("ab'= é"), max_size=3), min_size=3, max_size=3)))
def test_a_csv_of_plain_rows_is_the_same_both_ways(rows: list[list[str]]) -> None:
    both("\n".join(map(",".join, [["x", "y", "z"], *rows])).encode())


def column(codes: list[int | None], texts: list[str | None], kind: object = None) -> object:
    values = pyarrow.array(texts, kind or pyarrow.string())
    array = pyarrow.DictionaryArray.from_arrays(pyarrow.array(codes, pyarrow.int32()), values)
    return pyarrow.chunked_array([array])


def test_a_dictionary_is_taken_as_it_is() -> None:
    parts = [column([0, 1, 0], ["x", "y"]), column([1, 0], ["z", "y"])]
    joined = pyarrow.chunked_array([part.chunk(0) for part in parts])
    found = coded_column(joined)
    assert found is not None
    assert found.tolist() == ["x", "y", "x", "y", "z"]
    assert list(found.cells) == ["x", "y", "z"]


@pytest.mark.parametrize(
    "other",
    [
        column([0, None], ["x"]),
        column([0, 1], ["x", None]),
        column([0], ["x", "of no row"]),
        column([], ["x"]),
        column([0], [1], pyarrow.int64()),
        pyarrow.chunked_array([pyarrow.array(["x"])]),
    ],
    ids=["gap", "gap in the dictionary", "unused", "empty", "numbers", "no dictionary"],
)
def test_another_column_is_not(other: object) -> None:
    assert coded_column(other) is None


@pytest.fixture
def inventory() -> pd.DataFrame:
    infos = (AttributeInfo("value", 11, 2, 10), AttributeInfo("own", UUID(int=7), 0, 99))
    keys = ("Plant.A", "Plant.B", "=1+1", "")
    return inventory_frame((key, UUID(int=n), n, infos) for n, key in enumerate(keys))


def test_an_inventory_that_others_have_written(inventory: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    frames = {
        "as it is": inventory,
        "categories": inventory.astype("category"),
        "objects": inventory.astype(object).map(str),
        "unused": inventory.astype("category").iloc[:3],
        "added": inventory.assign(x=range(len(inventory)), y="z"),
    }
    for name, frame in frames.items():
        frame.astype({"category": "str"}).to_parquet(path, index=False)
        found = read_inventory(path)
        wanted = inventory.iloc[: len(frame)].reset_index(drop=True)
        pd.testing.assert_frame_equal(found[list(inventory)], wanted, obj=name)
        assert list(found)[7:] == list(frame)[7:]


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".json"])
def test_part_of_an_inventory_holds_no_more_than_that(
    inventory: pd.DataFrame, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"a{ending}"
    part = inventory.iloc[2:4].reset_index(drop=True)
    write_table(part, path)
    assert read_inventory(path).equals(part)
    assert b"Plant.B" not in path.read_bytes()


def test_what_is_wrong_is_found_where_it_is(inventory: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_table(inventory, path)
    lines = path.read_text().split("\n")
    lines[5] = lines[5].replace("read and write", "read und write").replace("read only", "?")
    path.write_text("\n".join(lines))
    with pytest.raises(InventoryFileError, match=r"line 6, column 'access'"):
        read_inventory(path)


def test_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert read_columns(b"a,b\n1,2\n", 2, 100) is None


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("element_uuid", "00000000-0000-0000-0000-00000000000 "),
        ("element_uuid", "00000000-0000-0000-0000-00000000000g"),
        ("element_uuid", "00000000-0000-0000-0000-0000000000000"),
        ("element_uuid", "000000000000-0000-0000-0000-00000000"),
        ("element_uuid", "{0000000-0000-0000-0000-000000000000"),
        ("element_uuid", "00000000-0000-0000-0000-0000000000\u0661"),
        ("element_uuid", ""),
    ],
)
def test_one_wrong_id_among_right_ones(
    inventory: pd.DataFrame, tmp_path: Path, column: str, cell: str
) -> None:
    path = tmp_path / "a.csv"
    write_table(inventory, path)
    lines = path.read_text().split("\n")
    wrong = lines[3].replace(str(inventory[column][2]), cell)
    assert wrong != lines[3]
    path.write_text("\n".join([*lines[:3], wrong, *lines[4:]]))
    with pytest.raises(InventoryFileError, match=rf"line 4, column '{column}': .* is no UUID"):
        read_inventory(path)


def test_ids_in_capitals_are_the_same(inventory: pd.DataFrame, tmp_path: Path) -> None:
    inventory = inventory.assign(element_uuid=[UUID(int=0xABCDEF << 96)] * len(inventory))
    inventory["element_uuid"] = inventory["element_uuid"].astype("xentara_id")
    path = tmp_path / "a.csv"
    write_table(inventory, path)
    path.write_text(path.read_text().replace("00abcdef", "00ABcDEF"))
    assert read_inventory(path).equals(inventory)
