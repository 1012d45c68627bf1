from __future__ import annotations

import contextlib
import csv
import errno
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import openpyxl
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from xentara_nb.errors import InventoryFileError, MissingExtraError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.tables.files import read_inventory, read_table, write_table
from xentara_nb.tables.frames import inventory_frame
from xentara_nb.tables.provenance import with_provenance

ENDINGS = [".csv", ".json", ".parquet", ".xlsx"]
NOTE = {"server": "plant:8080", "elements": 2, "vanished": ["x"]}
HEADER = "primary_key,element_uuid,category,attribute_name,attribute_id,access,data_type"
ROW = "Plant,00000000-0000-0000-0000-000000000001,data point,value,11,read and write,Float64"
RECORD = dict(zip(HEADER.split(","), ROW.split(","), strict=True))
KEYS = [
    *("NA", "nan", "None", "null", "", " ", "  two", "two  ", "\u00a0", "0", "-0", "1e5", "007"),
    *("=1+1", "+x", "-x", "@x", "\tx", "\rx", "\nx", "'x", "''x", "'=x", "'", "=", "\t", "TRUE"),
    *(
        'a"b',
        '"',
        '""',
        "a,b",
        ",",
        "a;b",
        ";",
        "a\nb",
        "a\rb",
        "a\r\nb",
        "\r\n",
        "\n",
        "\r",
        "a\n",
    ),
    *("😀", "é", "e\u0301", "\u2028", "\x85", "\ufeff", "\ufeffx", "\x7f", "2024-01-01"),
    *("_x000D_", "_x000D\r", "_x005F_x000D_", "_x", "x_", "#N/A", "#DIV/0!", "{}", "</t>", "&amp;"),
]


def inventory(keys: list[str], category: int = 2) -> pd.DataFrame:
    attributes = (
        AttributeInfo("value", 11, 2, 10),
        AttributeInfo("NA", UUID(int=77), 1, 0),
        AttributeInfo("=odd", Attribute.VALUE.uuid, 7, 23),
    )
    return inventory_frame(
        (key, UUID(int=number), category, attributes) for number, key in enumerate(keys, 1)
    )


def round_trip(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    write_table(frame, path)
    return read_inventory(path)


def refusal(path: Path, content: str | bytes) -> str:
    """Return what is said of a file with this content, without its name."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InventoryFileError) as caught:
        read_inventory(path)
    name, _, said = str(caught.value).partition(": ")
    assert name == str(path)
    return said


def with_cell(column: str, cell: str) -> str:
    return "\n".join([HEADER, ROW, ",".join({**RECORD, column: cell}.values()), ""])


# --- every kind of file


@pytest.mark.parametrize("ending", ENDINGS)
def test_difficult_texts(ending: str, tmp_path: Path) -> None:
    frame = inventory(KEYS, category=16)

    assert_frame_equal(round_trip(frame, tmp_path / f"plant{ending}"), frame)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_empty_inventory(ending: str, tmp_path: Path) -> None:
    assert_frame_equal(round_trip(inventory([]), tmp_path / f"plant{ending}"), inventory([]))


@pytest.mark.parametrize("ending", ENDINGS)
def test_rows_of_an_inventory_in_their_order(ending: str, tmp_path: Path) -> None:
    frame = inventory(["b", "a"]).iloc[[4, 1, 3]]

    assert_frame_equal(
        round_trip(frame, tmp_path / f"plant{ending}"),
        frame.reset_index(drop=True),
        check_categorical=False,
    )


# What XML, and so a workbook, cannot hold is left out here and tested below.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LEGAL = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\r\n_x0D"),
    max_size=12,
)


@pytest.mark.parametrize("ending", ENDINGS)
@given(st.data())
@settings(
    max_examples=settings.default.max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_text(ending: str, tmp_path: Path, data: st.DataObject) -> None:
    texts = LEGAL if ending == ".xlsx" else TEXTS
    keys = data.draw(st.lists(texts, min_size=1, max_size=6))
    names = data.draw(st.lists(texts, max_size=3))
    attributes = tuple(
        AttributeInfo(name, data.draw(st.integers(0, 1 << 63) | st.uuids()), 2, 10)
        for name in names
    )
    frame = inventory_frame(
        (key, UUID(int=number), number, attributes) for number, key in enumerate(keys)
    )

    assert_frame_equal(round_trip(frame, tmp_path / f"plant{ending}"), frame)


@pytest.mark.parametrize("ending", ENDINGS)
@given(st.data())
@settings(
    max_examples=settings.default.max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_added_column(ending: str, tmp_path: Path, data: st.DataObject) -> None:
    texts = LEGAL if ending == ".xlsx" else TEXTS
    # The empty text is a missing value afterwards in CSV and Excel, and is one before here.
    cells = data.draw(st.lists(texts.filter(bool) | st.none(), min_size=3, max_size=3))
    frame = inventory(["a"])
    name = data.draw(texts.filter(lambda text: text and text not in frame.columns))
    frame[name] = pd.Series(cells, dtype="str")
    first = data.draw(st.booleans())
    frame = frame[[name, *frame.columns.drop(name)]] if first else frame

    read = round_trip(frame, tmp_path / f"plant{ending}")
    if not any(cells):  # nothing to see the type by
        read, frame = read.astype({name: "str"}), frame.astype({name: "str"})
    assert_frame_equal(read, frame)


@pytest.mark.parametrize("ending", [".json", ".parquet", ".xlsx"])
def test_added_numbers(ending: str, tmp_path: Path) -> None:
    frame = inventory(["a"]).assign(
        count=[1, -2, 3], target=[0.1, -1e300, 2.5], good=[True, False, True], gap=[1.5, None, 2.5]
    )

    assert_frame_equal(round_trip(frame, tmp_path / f"plant{ending}"), frame)


def test_added_columns_of_any_dtype_in_parquet(tmp_path: Path) -> None:
    frame = inventory(["a"]).assign(
        time=pd.to_datetime([0, 1, None], unit="ns", utc=True),
        kind=pd.Categorical(["x", "y", "x"], categories=["y", "x", "z"], ordered=True),
        gap=pd.array([1, None, 3], dtype="Int64"),
        empty=["", "a", None],
    )

    assert_frame_equal(round_trip(frame, tmp_path / "plant.parquet"), frame)


def test_times_among_objects_keep_their_nanoseconds_in_parquet(tmp_path: Path) -> None:
    time = pd.Timestamp("2024-01-01T00:00:00.123456789Z")
    for other, kept in ((time, time), (time.tz_localize(None), str(time))):
        times = pd.Series([time, other, None], dtype=object)
        frame = round_trip(inventory(["a"]).assign(when=times), tmp_path / "plant.parquet")
        assert frame["when"][0] == kept
        assert pd.isna(frame["when"][2])


@pytest.mark.parametrize("ending", [".csv", ".json", ".xlsx"])
def test_added_columns_of_another_kind_become_text(ending: str, tmp_path: Path) -> None:
    frame = inventory(["a"]).assign(
        time=pd.to_datetime([0, 1, None], unit="ns", utc=True),
        other=[UUID(int=1), float("inf"), [1, 2]],
        numbers=pd.Series([np.int64(1), np.bool_(True), pd.NA], dtype=object),
    )
    read = round_trip(frame, tmp_path / f"plant{ending}")

    assert read["time"].isna().tolist() == [False, False, True]
    assert read["time"][1] == "1970-01-01 00:00:00.000000001+00:00"
    assert read["other"].tolist() == [str(UUID(int=1)), "inf", "[1, 2]"]
    assert read["numbers"].astype("str").tolist()[:2] == ["1", "True"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_added_numbers_are_no_formulas(ending: str, tmp_path: Path) -> None:
    frame = inventory(["a"]).assign(target=pd.Series([-1.5, -2.5, 1.0]).astype(object))
    read = round_trip(frame, tmp_path / f"plant{ending}")

    assert read["target"].astype(float).tolist() == [-1.5, -2.5, 1.0]


@pytest.mark.parametrize(
    ("ending", "kept"), [(".csv", {}), (".json", NOTE), (".parquet", NOTE), (".xlsx", {})]
)
def test_provenance(ending: str, kept: dict[str, Any], tmp_path: Path) -> None:
    frame = with_provenance(inventory(["a"]), NOTE)
    frame.attrs["other"] = object()

    read = round_trip(frame, tmp_path / f"plant{ending}")
    assert read.xentara.provenance == kept
    assert set(read.attrs) <= {"xentara"}


@pytest.mark.parametrize("ending", ENDINGS)
def test_large_ids(ending: str, tmp_path: Path) -> None:
    ids = [0, 10**15, 10**15 + 1, (1 << 64) - 1]
    attributes = tuple(AttributeInfo(str(number), number, 0, 0) for number in ids)
    frame = inventory_frame([("a", UUID(int=1), 0, attributes)])

    assert_frame_equal(round_trip(frame, tmp_path / f"plant{ending}"), frame)


def test_a_newer_file_is_read_with_the_words_of_today(tmp_path: Path) -> None:
    """A category that the writer had no word for, and this version has."""
    path = tmp_path / "plant.csv"
    path.write_text(with_cell("category", "2"), encoding="utf-8")

    assert read_inventory(path)["category"].tolist() == ["data point"] * 2


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_is_cut_off_or_altered(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"plant{ending}"
    write_table(with_provenance(inventory(["a", "b"]), NOTE), path)
    good = path.read_bytes()
    randomness = random.Random(7)
    for _ in range(100):
        bad = bytearray(good[: randomness.randrange(1, len(good) + 1)])
        bad[randomness.randrange(len(bad))] = randomness.randrange(256)
        path.write_bytes(bad)
        with contextlib.suppress(InventoryFileError):
            read_inventory(path)


# --- CSV


def test_the_bytes_of_a_csv(tmp_path: Path) -> None:
    attributes = (AttributeInfo("value", 11, 2, 10), AttributeInfo("a,b", UUID(int=255), 0, 23))
    frame = inventory_frame([("=1+1", UUID(int=1), 2, attributes)]).assign(
        note=["-x", None], target=[-1.5, 2]
    )
    write_table(frame, tmp_path / "plant.csv")

    assert (tmp_path / "plant.csv").read_bytes().decode() == (
        f"{HEADER},note,target\n"
        "'=1+1,00000000-0000-0000-0000-000000000001,data point,"
        '"a,b",00000000-0000-0000-0000-0000000000ff,read only,23,\'-x,-1.5\n'
        "'=1+1,00000000-0000-0000-0000-000000000001,data point,"
        "value,11,read and write,Float64,,2.0\n"
    )


@pytest.mark.parametrize("key", [key for key in KEYS if key[:1] in {*"=+-@\t\r\n'"} - {""}])
def test_no_cell_of_a_csv_begins_like_a_formula(key: str, tmp_path: Path) -> None:
    write_table(inventory([key]).assign(**{f"{key}!": key}), tmp_path / "plant.csv")
    with (tmp_path / "plant.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]

    assert cells.count(f"'{key}") == 6
    assert cells.count(f"'{key}!") == 1
    assert not any(cell.startswith(tuple("=+-@\t\r\n")) for cell in cells)


def test_the_same_inventory_gives_the_same_bytes(tmp_path: Path) -> None:
    frames = [inventory(KEYS), with_provenance(inventory(KEYS[::-1]), NOTE)]
    # The UUIDs follow the order of the keys: let them be the same.
    for number, frame in enumerate(frames):
        frame["element_uuid"] = [UUID(int=1)] * len(frame)
        write_table(frame, tmp_path / f"{number}.csv")

    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "1.csv").read_bytes()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_spreadsheets_make_of_it(
    delimiter: str, line_end: str, mark: str, tmp_path: Path
) -> None:
    path = tmp_path / "plant.csv"
    text = "\n".join(
        [HEADER + ",note", ROW + ",x", ROW.replace("Plant", "'=1") + ',"a\r\nb"', "", ""]
    )
    text = text.replace(",", delimiter).replace("\n", line_end).replace("\r" + line_end, "\r\n")
    path.write_bytes((mark + text).encode())
    frame = read_inventory(path)

    assert frame["primary_key"].tolist() == ["Plant", "=1"]
    assert frame["attribute_id"].tolist() == [11, 11]
    assert frame["note"].tolist() == ["x", "a\r\nb"]


def test_a_csv_that_pandas_wrote(tmp_path: Path) -> None:
    frame = inventory(["a", "b,c", "\r\n"])
    frame.to_csv(tmp_path / "plant.csv", index=False)

    assert_frame_equal(read_inventory(tmp_path / "plant.csv"), frame)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", r"^the file is empty"),
        ("\n\n", r"^the file is empty"),
        ("a\x00b", r"^the file has no column 'primary_key', 'element_uuid'"),
        (HEADER.replace(",access", ""), r"^the file has no column 'access'\. Write it again"),
        (HEADER + ",note,note", r"^the file has two columns 'note'"),
        (HEADER + ",,note", r"^column 8 of the file has no name"),
        (f"{HEADER},\n{ROW},x\n", r"^line 2: 8 cells under 7 columns"),
        (f",{HEADER}\nx,{ROW}", r"^column 1 of the file has no name"),
        (f"{HEADER}\n{ROW}\n\n{ROW},x\n", r"^line 4: 8 cells under 7 columns"),
        (f"{HEADER}\n{ROW}\nPlant\n", r"^line 3: 1 cells under 7 columns"),
        (f'{HEADER}\n{ROW}\n"{ROW}', r"^line 3: this is not CSV \(unexpected end of data\)"),
        (f'{HEADER}\n"a"b{ROW}', r"^line 2: this is not CSV"),
        (HEADER.encode() + b"\n" + ROW.encode() + b"\n\xe4", r"^line 3: this is not UTF-8"),
        (HEADER.encode("utf-16")[:-1], r"^line 1: this is not UTF-8 .*'CSV UTF-8'"),
        (with_cell("element_uuid", "1234"), r"^line 3, column 'element_uuid': '1234' is no UUID"),
        (with_cell("element_uuid", ""), r"^line 3, column 'element_uuid': '' is no UUID"),
        (with_cell("element_uuid", "x" * 999), r"^line 3, column 'element_uuid': 'x{59}… is no"),
        (with_cell("element_uuid", "0" * 32), r"^line 3, column 'element_uuid'"),
        (with_cell("attribute_id", "1.5"), r"^line 3, column 'attribute_id': '1\.5' is no attrib"),
        (with_cell("attribute_id", "-1"), r"^line 3, column 'attribute_id': '-1' is no attribute"),
        (with_cell("attribute_id", "0x1"), r"^line 3, column 'attribute_id': '0x1' is no attrib"),
        (with_cell("attribute_id", "٣"), r"^line 3, column 'attribute_id'"),
        (with_cell("attribute_id", f"{1 << 64}"), r"^line 3, column 'attribute_id'"),
        (with_cell("attribute_id", "9" * 9999), r"^line 3, column 'attribute_id'"),
        (with_cell("access", "write"), r"^line 3, column 'access': 'write' is none of: read only"),
        (with_cell("category", "Device"), r"^line 3, column 'category': 'Device' is none of"),
        (with_cell("data_type", ""), r"^line 3, column 'data_type': '' is none of: Boolean"),
        (with_cell("primary_key", "x" * 200_000), r"^line 3: this is not CSV \(field larger"),
    ],
)
def test_a_csv_that_is_no_inventory(content: str | bytes, said: str, tmp_path: Path) -> None:
    assert re.search(said, refusal(tmp_path / "plant.csv", content))


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"{HEADER}\n{text}"))
@settings(
    max_examples=settings.default.max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_anything_else_as_csv_or_json(tmp_path: Path, content: bytes | str) -> None:
    for ending in (".csv", ".json"):
        path = tmp_path / f"plant{ending}"
        path.write_bytes(
            content if isinstance(content, bytes) else content.encode(errors="surrogatepass")
        )
        with contextlib.suppress(InventoryFileError):
            read_inventory(path)


def test_a_text_that_csv_readers_refuse(tmp_path: Path) -> None:
    longest = "x" * 131_072
    assert round_trip(inventory([longest]), tmp_path / "plant.csv")["primary_key"][0] == longest
    with pytest.raises(InventoryFileError, match="131073 characters is too long for CSV"):
        write_table(inventory([longest + "x"]), tmp_path / "plant.csv")


# --- JSON


def test_the_text_of_a_json_file(tmp_path: Path) -> None:
    frame = with_provenance(inventory(["é"]), NOTE).iloc[1:]  # "=odd" comes first
    write_table(frame, tmp_path / "plant.json")
    text = (tmp_path / "plant.json").read_text(encoding="utf-8")

    document = json.loads(text)
    assert document["provenance"] == NOTE
    assert document["columns"] == HEADER.split(",")
    assert document["records"][0] == {
        "primary_key": "é",
        "element_uuid": str(UUID(int=1)),
        "category": "data point",
        "attribute_name": "NA",
        "attribute_id": str(UUID(int=77)),
        "access": "write only",
        "data_type": "Boolean",
    }
    assert document["records"][1]["attribute_id"] == 11
    assert len(text.splitlines()) == 4
    write_table(frame, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text(encoding="utf-8") == text


def test_a_bare_array_of_records(tmp_path: Path) -> None:
    path = tmp_path / "plant.json"
    path.write_text(json.dumps([RECORD, {**RECORD, "attribute_id": 9.0, "note": "x"}]), "utf-8")
    frame = read_inventory(path)

    assert frame["attribute_id"].tolist() == [11, 9]
    assert frame["note"].isna().tolist() == [True, False]
    assert frame.attrs == {}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "the file is empty"),
        (b"{", "line 1: this is not JSON"),
        (b'{\n"a": 1,\n?}', "line 3: this is not JSON"),
        (b"\xff\xfe\xff", "this is not JSON"),
        (b"[" * 100_000, "this is not JSON"),
        (b"9" * 5_000, "this is not JSON"),
        (b"1", "there is no array 'records'"),
        (b'{"records": {}}', "there is no array 'records'"),
        (b'{"records": [], "columns": 1}', "'columns' must be an array"),
        (b'{"records": [], "provenance": 1}', "'provenance' an object"),
        (b"[]", "the file has no column 'primary_key'"),
        (b'{"records": [], "columns": [1]}', "column 1 of the file has no name"),
        (b'{"records": [], "columns": ["a", "a"]}', "the file has two columns 'a'"),
        (b'[{"primary_key": "a"}]', "the file has no column 'element_uuid'"),
        (b"[1]", "record 1 is no object"),
        ([RECORD, {**RECORD, "access": None}], "record 2, column 'access': None is none of"),
        ([RECORD, {**RECORD, "access": True}], "record 2, column 'access': True is none of"),
        ([RECORD, {**RECORD, "primary_key": 5}], "record 2, column 'primary_key': 5 is no text"),
        ([RECORD, {**RECORD, "attribute_id": 1.5}], "column 'attribute_id': 1.5 is no attribute"),
        ([RECORD, {**RECORD, "attribute_id": float("nan")}], "column 'attribute_id': None is no"),
        ([RECORD, {**RECORD, "element_uuid": [1]}], "column 'element_uuid' holds lists or maps"),
        ([RECORD, {**RECORD, "primary_key": "\ud800"}], "holds half of a character"),
    ],
)
def test_a_json_file_that_is_no_inventory(document: object, said: str, tmp_path: Path) -> None:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()

    assert said in refusal(tmp_path / "plant.json", content)


# --- Parquet


def test_parquet_holds_plain_columns_for_others_to_read(tmp_path: Path) -> None:
    write_table(with_provenance(inventory(["a"]), NOTE), tmp_path / "plant.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "plant.parquet")

    assert table.column("attribute_id").to_pylist()[-1] == "11"
    assert json.loads(table.schema.metadata[b"xentara"]) == NOTE


def test_a_parquet_file_of_others(tmp_path: Path) -> None:
    columns: dict[str, Any] = {name: [cell] for name, cell in RECORD.items()}
    table = pyarrow.table({**columns, "attribute_id": [11], "note": [1.5]})
    pyarrow.parquet.write_table(
        table.replace_schema_metadata({b"xentara": b"[1]"}), tmp_path / "plant.parquet"
    )
    frame = read_inventory(tmp_path / "plant.parquet")

    assert frame["attribute_id"].tolist() == [11]
    assert frame["note"].tolist() == [1.5]
    assert frame.xentara.provenance == {}


@pytest.mark.parametrize("index", [None, "primary_key", "note"])
def test_a_parquet_file_with_an_index(index: str | None, tmp_path: Path) -> None:
    frame = inventory(["a", "b"])
    frame = frame.assign(note=range(len(frame))).astype({"attribute_id": str, "element_uuid": str})
    kept = frame[frame["primary_key"] == "b"]
    (kept if index is None else kept.set_index(index)).to_parquet(tmp_path / "plant.parquet")
    for read in (read_inventory, read_table):
        found = read(tmp_path / "plant.parquet")
        assert sorted(found) == sorted(frame)
        assert found["primary_key"].tolist() == kept["primary_key"].tolist()
        assert found["note"].tolist() == kept["note"].tolist()


def test_a_parquet_file_that_is_no_inventory(tmp_path: Path) -> None:
    path = tmp_path / "plant.parquet"
    columns: dict[str, Any] = {name: [cell] * 2 for name, cell in RECORD.items()}

    def said(**other: Any) -> str:
        pyarrow.parquet.write_table(pyarrow.table({**columns, **other}), path)
        return refusal(path, path.read_bytes())

    assert "this is not Parquet" in refusal(path, b"PAR1 and no more")
    assert "row 1 (the first is 0), column 'access': 'x'" in said(access=["read only", "x"])
    assert "column 'element_uuid': None is no UUID" in said(element_uuid=[None, None])
    # As large a number would be the same to an id column as a UUID.
    assert "'attribute_id': 3.402823669209385e+38 is no" in said(attribute_id=[2.0**128] * 2)
    assert "column 'primary_key' holds lists" in said(primary_key=[["a"], ["b"]])
    del columns["access"]
    assert "the file has no column 'access'" in said()
    table = pyarrow.table([pyarrow.array([1])] * 2, names=["a", "a"])
    pyarrow.parquet.write_table(table, path)
    assert "two columns 'a'" in refusal(path, path.read_bytes())
    metadata = {b"xentara": b"{"}
    table = pyarrow.table({**columns, "access": ["read only"] * 2})
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), path)
    assert "pandas cannot hold this" in refusal(path, path.read_bytes())


def test_an_added_column_that_parquet_cannot_hold(tmp_path: Path) -> None:
    frame = inventory(["a"]).assign(other=["a", 1, UUID(int=1)])

    with pytest.raises(InventoryFileError, match="Parquet cannot hold a column of it"):
        write_table(frame, tmp_path / "plant.parquet")
    assert list(tmp_path.iterdir()) == []


# --- Excel


def workbook(path: Path, rows: list[list[Any]], title: str = "Sheet1") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.active["H4"].font = openpyxl.styles.Font(bold=True)  # a cell, though an empty one
    book.save(path)
    return path.read_bytes()


def test_no_text_of_a_workbook_is_a_formula(tmp_path: Path) -> None:
    write_table(inventory(KEYS), tmp_path / "plant.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "plant.xlsx")["inventory"]

    kinds = {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row if cell.value}
    assert kinds == {"s", "n", "inlineStr"} & kinds
    assert sheet["E4"].value == 11


def test_a_workbook_that_a_spreadsheet_saved(tmp_path: Path) -> None:
    path = tmp_path / "plant.xlsx"
    cells: list[Any] = ROW.split(",")
    cells[4] = 11.0
    workbook(path, [[*HEADER.split(","), None], [*cells, None], [None] * 8, cells, [None]])
    frame = read_inventory(path)

    assert frame["attribute_id"].tolist() == [11, 11]
    assert frame["primary_key"].tolist() == ["Plant", "Plant"]


def test_a_workbook_that_is_no_inventory(tmp_path: Path) -> None:
    path = tmp_path / "plant.xlsx"
    header, cells = HEADER.split(","), ROW.split(",")

    def said(*rows: list[Any]) -> str:
        return refusal(path, workbook(path, list(rows)))

    assert "this is no Excel workbook" in refusal(path, b"PK and no more")
    older = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    assert "of an older Excel, or one with a password. Save it as" in refusal(path, older)
    renamed = path.with_suffix(".csv")
    assert "Let its name end in .xlsx" in refusal(renamed, b"PK\x03\x04\x14\x00\xff")
    assert "the sheet is empty" in said()
    assert "the sheet has no column 'data_type'" in said(header[:-1])
    assert "column 8 of the sheet has no name" in said([*header, None, "x"])
    assert "column 8 of the sheet has no name" in said([*header, 5])
    assert "two columns 'note'" in said([*header, "note", "note"])
    assert "row 3: there is a cell beside the columns" in said(header, cells, [*cells, "x"])
    assert "row 4, column 'primary_key': 7 is no text" in said(
        header, cells, [None], [7, *cells[1:]]
    )
    assert "row 2, column 'element_uuid': '' is no UUID" in said(header, ["a"])


@pytest.mark.parametrize("text", ["\x00", "a\x1fb", "\x0b", "\ufffe", "\uffff"])
def test_characters_that_a_sheet_cannot_hold(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plant.xlsx"
    path.write_bytes(b"old")

    with pytest.raises(InventoryFileError, match=r"row 3 \(.*column 'primary_key': a sheet cannot"):
        write_table(inventory(["", text]), path)
    with pytest.raises(InventoryFileError, match=r"row 1 \(.*column 'note': a sheet cannot"):
        write_table(inventory([""]).assign(note=["", text, ""]), path)
    with pytest.raises(InventoryFileError, match="the header: a sheet cannot"):
        write_table(inventory([""]).assign(**{f"x{text}": 1}), path)
    assert path.read_bytes() == b"old"


def test_texts_that_a_sheet_would_cut_off(tmp_path: Path) -> None:
    longest = "x" * 32_767

    assert round_trip(inventory([longest]), tmp_path / "plant.xlsx")["primary_key"][0] == longest
    for text in (longest + "x", "😀" * 16_384):
        with pytest.raises(InventoryFileError, match="a cell cannot hold a text of"):
            write_table(inventory([text]), tmp_path / "plant.xlsx")


def test_more_rows_than_a_sheet_holds(tmp_path: Path) -> None:
    many = inventory(["a"]).iloc[[0] * 1_048_576]

    with pytest.raises(InventoryFileError, match=r"1048577 rows of 7 cells .*CSV or Parquet"):
        write_table(many, tmp_path / "plant.xlsx")


# --- frames that are no inventories


@pytest.mark.parametrize(
    ("column", "cells", "said"),
    [
        ("primary_key", ["a", None, "b"], r"row 1 \(the first is 0\), column 'primary_key': nan"),
        ("element_uuid", ["x"] * 3, r"row 0 .*column 'element_uuid': 'x' is no uuid.UUID"),
        ("attribute_id", [1, -1, 2], r"row 1 .*column 'attribute_id': -1 is no uuid.UUID"),
        ("attribute_id", [3, True, 2], r"column 'attribute_id': True is no uuid.UUID"),
        ("attribute_id", [[1]] * 3, r"column 'attribute_id' holds lists or maps"),
        ("category", ["device", "x", "AI"], r"row 1 .*column 'category': 'x' is none of: root"),
    ],
)
def test_a_frame_with_something_else_in_it(
    column: str, cells: list[Any], said: str, tmp_path: Path
) -> None:
    frame = inventory(["a"])
    frame[column] = pd.Series(cells, dtype="str" if column == "primary_key" else object)

    with pytest.raises(InventoryFileError, match=said):
        write_table(frame, tmp_path / "plant.csv")


def test_a_frame_with_other_columns(tmp_path: Path) -> None:
    frame = inventory(["a"])

    for other, said in (
        (frame.assign(x=1).rename(columns={"x": "access"}), "the frame has two columns 'access'"),
        (frame.assign(access=pd.NA), "column 'access': <NA> is none of: "),
        (frame.assign(x=1).rename(columns={"x": 5}), "column 8 of the frame has no name"),
        (pd.concat({"a": frame}, axis=1), "column 1 of the frame has no name"),
    ):
        with pytest.raises(InventoryFileError, match=said.replace("(", r"\(")):
            write_table(other, tmp_path / "plant.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_half_of_a_character(ending: str, tmp_path: Path) -> None:
    with pytest.raises(InventoryFileError, match="half of a character"):
        write_table(inventory(["\ud800"]), tmp_path / f"plant{ending}")
    with pytest.raises(InventoryFileError, match="half of a character"):
        write_table(
            inventory(["a"]).assign(x=pd.Series(["\udc00", "", ""], dtype=object)),
            tmp_path / f"plant{ending}",
        )
    assert list(tmp_path.iterdir()) == []


# --- where the file goes


def test_another_ending(tmp_path: Path) -> None:
    for name in ("plant", "plant.xls", "plant.csv.gz"):
        with pytest.raises(InventoryFileError, match=r"\.csv, \.json, \.parquet or \.xlsx"):
            write_table(inventory(["a"]), tmp_path / name)
        with pytest.raises(ValueError, match=r"\.csv, \.json, \.parquet or \.xlsx"):
            read_inventory(tmp_path / name)


def test_a_path_as_text_and_the_ending_in_capitals(tmp_path: Path) -> None:
    path = str(tmp_path / "PLANT.CSV")
    write_table(inventory(["a"]), path)

    assert_frame_equal(read_inventory(path), inventory(["a"]))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_inventory(tmp_path / "plant.csv")
    with pytest.raises(FileNotFoundError, match=r"there is no such folder: '.*no'$"):
        write_table(inventory(["a"]), tmp_path / "no" / "plant.csv")
    for path in (None, 5):
        with pytest.raises(InventoryFileError, match="a path is a text or a Path"):
            read_inventory(path)


def test_a_folder_without_the_right_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(path: str, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "open", deny)  # root may write in any folder
    with pytest.raises(PermissionError) as caught:
        write_table(inventory(["a"]), tmp_path / "plant.csv")

    assert caught.value.filename == str(tmp_path / "plant.csv")  # not the temporary one


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plant.csv"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=rf"No space left on device: '.*{path.name}'"):
        write_table(inventory(["a"]), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes and links")
def test_mode_and_link_of_the_old_file_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "plant.csv", tmp_path / "link.csv"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    write_table(inventory(["a"]), link)

    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert_frame_equal(read_inventory(path), inventory(["a"]))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "plant.csv"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        write_table(inventory(["a"]), pipe)
        text, _ = reader.communicate(timeout=10)

    assert text.decode().startswith(HEADER)
    assert pipe.is_fifo()


# --- without the extras


@pytest.mark.parametrize(
    ("ending", "package", "extra"),
    [(".parquet", "pyarrow", "parquet"), (".xlsx", "openpyxl", "excel")],
)
def test_a_missing_extra(
    ending: str, package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"plant{ending}"
    path.write_bytes(b"old")
    monkeypatch.setitem(sys.modules, package, None)
    advice = rf"package {package}: run pip install 'xentara_nb\[{extra}\]'"
    with pytest.raises(MissingExtraError, match=advice):
        read_inventory(path)
    with pytest.raises(MissingExtraError, match=advice):
        write_table(inventory(["a"]), path)
    assert path.read_bytes() == b"old"


def test_csv_and_json_without_the_extras(tmp_path: Path) -> None:
    frame = inventory(KEYS).assign(note="x")
    write_table(frame, tmp_path / "plant.csv")
    script = """
import sys
sys.modules.update({"pyarrow": None, "openpyxl": None})
from xentara_nb import XentaraError, read_inventory
frame = read_inventory("plant.csv")
frame.xentara.to_file("plant.json")
assert read_inventory("plant.json").equals(frame)
frame.xentara.to_csv("again.csv")
for name in ("plant.parquet", "plant.xlsx"):
    try:
        frame.xentara.to_file(name)
    except XentaraError as error:
        print(type(error).__name__, error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert "MissingExtraError" in done.stdout
    assert "xentara_nb[excel]" in done.stdout
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "plant.csv").read_bytes()


@pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="a folder that takes no file from anyone"
)
def test_an_error_names_the_file_that_was_named() -> None:
    with pytest.raises(OSError, match=r"/proc/all\.csv"):
        write_table(pd.DataFrame({"a": [1]}), "/proc/all.csv")
