"""Files as spreadsheets leave them, and as strangers make them."""

from __future__ import annotations

import os
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from xentara_nb.errors import InventoryFileError, WriteRefusedError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import DataType
from xentara_nb.tables.coercion import coerce
from xentara_nb.tables.files import read_cells, read_inventory, read_table, write_table
from xentara_nb.tables.frames import inventory_frame

HEADER = "primary_key,element_uuid,category,attribute_name,attribute_id,access,data_type"
ROW = "Plant,00000000-0000-0000-0000-000000000001,data point,value,11,read and write,Float64"


def read(path: Path, text: str, encoding: str = "utf-8") -> pd.DataFrame:
    path.write_bytes(text.encode(encoding))
    return read_inventory(path)


def inventory(key: str = "Plant") -> pd.DataFrame:
    return inventory_frame([(key, UUID(int=1), 2, (AttributeInfo("value", 11, 2, 10),))])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_spreadsheets_leave_is_no_error(
    tmp_path: Path, delimiter: str, end: str, encoding: str
) -> None:
    head, row = (f"{line},,".replace(",", delimiter) for line in (HEADER, ROW))
    empty = delimiter * 8
    for lines in (
        (head, row, empty, empty, ""),
        (f"sep={delimiter}", head, row),
        ('"' + head.rstrip(delimiter).replace(delimiter, f'"{delimiter}"') + '"', row, ""),
        (head.rstrip(delimiter), row, empty + delimiter),
    ):
        frame = read(tmp_path / "a.csv", end.join(lines), encoding)
        pd.testing.assert_frame_equal(frame, inventory())


@pytest.mark.parametrize(
    ("delimiter", "cell", "number"),
    [
        (";", "3,5", "3.5"),
        (";", "1,234", "1.234"),
        (";", "0.125", "0.125"),
        ("\t", "-3,5e2", "-3.5e2"),
    ],
)
def test_decimal_commas(tmp_path: Path, delimiter: str, cell: str, number: str) -> None:
    head, row = (line.replace(",", delimiter) for line in (HEADER, ROW))
    frame = read(tmp_path / "a.csv", f"{head}{delimiter}value\n{row}{delimiter}{cell}\n")
    assert list(frame["value"]) == [number]
    text = row.replace("Float64", "String")
    frame = read(tmp_path / "a.csv", f"{head}{delimiter}value\n{text}{delimiter}{cell}\n")
    assert list(frame["value"]) == [cell]
    (tmp_path / "b.csv").write_text(f"primary_key{delimiter}value\nPlant{delimiter}{cell}\n")
    assert list(read_cells(tmp_path / "b.csv")["value"]) == [number]
    (tmp_path / "b.csv").write_text(
        f"primary_key{delimiter}value\nPlant{delimiter}{cell}\nB{delimiter}on\n"
    )
    assert list(read_cells(tmp_path / "b.csv")["value"]) == [cell, "on"]


def test_values_to_be_written_are_what_their_data_type_wants(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("primary_key;value\nA;3,50\nB;on\nC;20,0\nD;1,000\n")
    decimal, word, whole, thousand = read_cells(path)["value"]
    assert coerce(decimal, DataType.FLOAT_64) == 3.5
    assert coerce(decimal, DataType.STRING) == "3,50"
    assert coerce(whole, DataType.SIGNED_INTEGER_8) == 20
    for cell in (decimal, word, thousand):
        with pytest.raises(WriteRefusedError, match="no whole number"):
            coerce(cell, DataType.SIGNED_INTEGER_16)
    # Nothing else in the column: it is a text all the same where one is wanted.
    path.write_text("primary_key;value\nA;3,50\n")
    assert [coerce(each, DataType.STRING) for each in read_cells(path)["value"]] == ["3,50"]
    # Between commas, one within quotes may mean a thousand.
    path.write_text('primary_key,value\nA,20.00\nB,"3,5"\n')
    whole, quoted = read_cells(path)["value"]
    assert coerce(whole, DataType.SIGNED_INTEGER_8) == 20
    assert coerce(whole, DataType.STRING) == "20.00"
    with pytest.raises(WriteRefusedError, match="no number"):
        coerce(quoted, DataType.FLOAT_64)


@pytest.mark.parametrize(("delimiter", "cell"), [(";", "1.234"), (";", "-12.500"), ("\t", "1,234")])
def test_a_thousand_or_a_fraction(tmp_path: Path, delimiter: str, cell: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"primary_key{delimiter}value\nA{delimiter}2\nPlant{delimiter}{cell}\n")
    with pytest.raises(
        InventoryFileError, match=r"line 3, column 'value': .*is a thousand in some"
    ):
        read_cells(path)
    path.write_text(f"primary_key,value\nPlant,{cell.replace(',', '.')}\n")
    assert list(read_cells(path)["value"]) == [cell.replace(",", ".")]


@pytest.mark.parametrize("before", ["", "\ufeff", "\u00a0", "\x01", "\x1f ", "\u3000", "\u200b"])
@pytest.mark.parametrize("sign", list("=+-@＝＋－＠"))
def test_no_cell_runs_as_a_formula(tmp_path: Path, before: str, sign: str) -> None:
    key = f"{before}{sign}1+1"
    path = tmp_path / "a.csv"
    write_table(inventory(key), path)
    (cell,) = (line.split(",")[0] for line in path.read_text().splitlines()[1:])
    assert cell.lstrip('"').startswith("'")
    assert list(read_inventory(path)["primary_key"]) == [key]


def check_quick_error(path: Path, said: str) -> None:
    start = time.thread_time()
    with pytest.raises(InventoryFileError, match=said):
        read_inventory(path)
    assert time.thread_time() - start < 20


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize("ending", ["csv", "json", "parquet", "xlsx"])
def test_what_is_no_file(tmp_path: Path, ending: str) -> None:
    fifo, device = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    os.mkfifo(fifo)
    device.symlink_to("/dev/zero")
    check_quick_error(fifo, "is a FIFO")
    check_quick_error(device, "is a device")


def test_a_parquet_file_with_a_text_that_is_no_utf_8(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    text = pyarrow.array([b"Plant\xca"], pyarrow.binary()).view(pyarrow.string())
    parquet.write_table(pyarrow.table({"primary_key": text, "value": [1]}), tmp_path / "a.parquet")
    with pytest.raises(InventoryFileError, match="UTF"):
        read_table(tmp_path / "a.parquet")


def test_a_small_parquet_file_with_many_rows(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    columns = {
        name: pyarrow.DictionaryArray.from_arrays(
            pyarrow.repeat(pyarrow.scalar(0, pyarrow.int8()), 6_000_000), [cell]
        )
        for name, cell in zip(HEADER.split(","), ROW.split(","), strict=True)
    }
    parquet.write_table(pyarrow.table(columns), path)
    assert path.stat().st_size < 800_000
    check_quick_error(path, "it has 6,000,000 rows")


def sheet_of(path: Path, rows: int) -> None:
    cells = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in HEADER.split(","))
    openpyxl = pytest.importorskip("openpyxl")
    openpyxl.Workbook().save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f"<row>{cells}</row>{'<row><c><v>1</v></c></row>' * rows}</sheetData></worksheet>"
    ).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def test_a_small_workbook_with_many_rows(tmp_path: Path) -> None:
    sheet_of(tmp_path / "a.xlsx", 100_000)
    check_quick_error(tmp_path / "a.xlsx", "more than an inventory has in a file of")
    sheet_of(tmp_path / "b.xlsx", 1_000_000)
    check_quick_error(tmp_path / "b.xlsx", "unpacks to")


def test_a_header_of_many_columns(tmp_path: Path) -> None:
    names = ",".join(f"n{number}" for number in range(1_000_000))
    (tmp_path / "a.csv").write_text(f"{HEADER},{names}\n")
    check_quick_error(tmp_path / "a.csv", "has 1,000,007 columns")
    record = ",".join(f'"n{number}":0' for number in range(100_000))
    (tmp_path / "a.json").write_text(f'{{"columns": [], "records": [{{{record}}}]}}')
    check_quick_error(tmp_path / "a.json", "has 100,000 columns")


def test_a_json_file_of_many_records(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"[" + b"{}," * 5_000_010 + b"{}]")
    check_quick_error(tmp_path / "a.json", "it has 5,000,008 rows")


def test_the_error_of_a_formula_is_no_text(tmp_path: Path) -> None:
    def broken(book: Any) -> None:
        book.active["B2"].data_type, book.active["B3"].data_type = "e", "s"

    rows = [["primary_key", "value"], ["Plant.A", "#REF!"], ["Plant.B", "#REF!"]]
    read = read_table(workbook(tmp_path / "a.xlsx", rows, broken))["value"]
    assert read.isna().tolist() == [True, False]
    assert read[1] == "#REF!"


def test_the_sheet_of_a_workbook_that_is_in_sight(tmp_path: Path) -> None:
    def hide(book: Any) -> None:
        chart = pytest.importorskip("openpyxl.chart")
        book.create_chartsheet("inventory", 0).add_chart(chart.BarChart())
        sheet = book.create_sheet("Earlier", 1)
        for row in (["primary_key", "value"], ["Plant", 999.5]):
            sheet.append(row)
        sheet.sheet_state = "veryHidden"

    rows = [["primary_key", "value"], ["Plant", 200.5]]
    assert read_table(workbook(tmp_path / "a.xlsx", rows, hide))["value"].tolist() == [200.5]


def test_a_workbook_without_a_sheet_that_can_be_read(tmp_path: Path) -> None:
    def only_a_chart(book: Any) -> None:
        chart = pytest.importorskip("openpyxl.chart")
        book.create_chartsheet("inventory").add_chart(chart.BarChart())
        book.remove(book["Sheet"])

    with pytest.raises(InventoryFileError, match="Save it as 'Excel Workbook', not as 'Strict"):
        read_table(workbook(tmp_path / "a.xlsx", [], only_a_chart))


@pytest.mark.parametrize("cell", ["05.11.2026 14:00", "11/05/2026 2:00 PM", "now", "46331.58"])
def test_a_time_that_means_another_one_elsewhere(tmp_path: Path, cell: str) -> None:
    (tmp_path / "a.csv").write_text(f"time;a\n2026-11-05 14:00;1\n{cell};1\n")
    with pytest.raises(InventoryFileError, match=r"line 3, column 'time': .* is no time, such as"):
        read_table(tmp_path / "a.csv")


def test_cells_of_several_types_stay_what_they_are(tmp_path: Path) -> None:
    cells = [42, "42", True, 1.5, datetime(2026, 2, 1)]
    rows = [["primary_key", "value"], *(["Plant", cell] for cell in cells)]
    read = read_table(workbook(tmp_path / "a.xlsx", rows))["value"].tolist()
    assert list(map(type, read)) == [int, str, bool, float, datetime]
    # A spreadsheet makes the first of February of the text 1.2.
    with pytest.raises(WriteRefusedError, match="is no text"):
        coerce(read[-1], DataType.STRING)


@pytest.mark.parametrize(
    ("cell", "value"), [("NaN", None), ('"nan"', "nan"), ("[1]", [1]), ('{"a": 1}', {"a": 1})]
)
def test_what_other_writers_of_json_mean(tmp_path: Path, cell: str, value: object) -> None:
    (tmp_path / "a.json").write_text(f'[{{"primary_key" : "Plant", "value": {cell}}}]')
    assert read_table(tmp_path / "a.json")["value"].tolist() == [value]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ('{"primary_key": "A", "value": 1, "value": 2}', "record 2 has a member twice"),
        ('{"primary_key": "A", "value" : 1, "value": 2}', "record 2 has a member twice"),
        ('{"primary_key": "\\ud800", "value": 1}', "record 2, column 'primary_key'.*half of a"),
        ('{"element_uuid": [1], "value": 1}', r"record 2, column 'element_uuid': \[1\] is no UUID"),
    ],
)
def test_a_record_of_json_that_is_wrong(tmp_path: Path, record: str, said: str) -> None:
    (tmp_path / "a.json").write_text(f'[{{"primary_key": "B", "value": 1}}, {record}]')
    with pytest.raises(InventoryFileError, match=said):
        read_table(tmp_path / "a.json")


def test_a_table_of_json_with_two_arrays_of_records(tmp_path: Path) -> None:
    array = '"records": [{"primary_key": "A", "value": 1}]'
    (tmp_path / "a.json").write_text(f"{{{array}, {array}}}")
    with pytest.raises(InventoryFileError, match="around the records has a member twice"):
        read_table(tmp_path / "a.json")


def workbook(
    path: Path, rows: list[list[Any]], change: Callable[[Any], None] | None = None
) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if change is not None:
        change(book)
    book.save(path)
    return path
