"""What is to be written, in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from xentara_nb import Client, InventoryFileError
from xentara_nb.writes.files import names_file, read_writes

SET_POINT, BATCH, RUN = "Plant.Line 1.Set point", "Plant.Line 1.Batch", "Plant.Line 1.Run"


def planned(client: Client, path: Path) -> list[Any]:
    return client.plan_writes(path).frame["value"].tolist()


def test_a_csv_of_people(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "writes.csv"
    path.write_text(
        f"primary_key,attribute_id,value\n{SET_POINT},11,195\n{BATCH},,7\n{RUN},,true\n"
    )
    assert planned(client, path) == [195.0, 7, True]
    assert client.plan_writes(str(path)).ok


def test_a_csv_of_people_with_decimal_commas(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "writes.csv"
    path.write_text(
        f"primary_key;value\n{SET_POINT};190,5\n{BATCH};7,0\n{RUN};WAHR\nData Types.String;1,5\n"
    )
    assert planned(client, path) == [190.5, 7, True, "1,5"]


def test_an_excel_file_of_people(client: Client, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["primary_key", "value"], [SET_POINT, 195.5], [BATCH, 7], [RUN, True]):
        book.active.append(row)
    book.save(tmp_path / "writes.xlsx")
    assert planned(client, tmp_path / "writes.xlsx") == [195.5, 7, True]
    assert client.plan_writes(tmp_path / "writes.xlsx").ok


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet", ".xlsx"])
def test_what_was_kept(ending: str, client: Client, tmp_path: Path) -> None:
    path = tmp_path / f"values{ending}"
    frame = client.snapshot([SET_POINT, BATCH, RUN])
    frame.xentara.to_file(path)
    assert planned(client, path) == frame["value"].tolist()
    frame = client.read([SET_POINT, BATCH, RUN], "value")
    frame.xentara.to_file(path)
    assert planned(client, path) == frame["value"].tolist()
    rows = client.meta_data([SET_POINT]).xentara.attribute("value")
    rows.assign(value="195").xentara.to_file(path)
    assert planned(client, path) == [195.0]


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "writes.csv"
    for text, names in (
        ("key,value\na,1\n", "'key', 'value'"),
        ("primary_key\na\n", "'primary_key'"),
        ("Primary Key;Value\na;1\n", "'Primary Key', 'Value'"),
    ):
        path.write_text(text)
        with pytest.raises(InventoryFileError, match=f"primary_key and value .*, but {names}"):
            read_writes(path)
    pd.DataFrame({"primary_key": ["a"]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(InventoryFileError, match="has no columns primary_key and value"):
        read_writes(tmp_path / "x.parquet")
    with pytest.raises(FileNotFoundError):
        read_writes(tmp_path / "none.csv")
    with pytest.raises(InventoryFileError, match=r"\.csv, \.json, \.parquet or \.xlsx"):
        read_writes(tmp_path / "writes.txt")
    assert all(map(names_file, ("writes.txt", "Plan.XLS", "plan.ods", "plan.csv")))
    assert not names_file("Plant.Line 1.Set point")
