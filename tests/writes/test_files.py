"""What is to be written, in a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pandas as pd
import pytest

from xentara_nb import Client, InventoryFileError
from xentara_nb.cli import main
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


NUMBER, TIME = "Data Types.Float64", "Data Types.TimePoint"
SAID = {  # in the README and in the help of the command, of commas and of semicolons
    "true": (",;", RUN, True),
    "TRUE": (",;", RUN, True),
    "42": (",;", BATCH, 42),
    "1.5": (",;", NUMBER, 1.5),
    "1,5": (";", NUMBER, 1.5),
    "2026-11-26 10:00+01:00": (",;", TIME, pd.Timestamp("2026-11-26 09:00Z")),
}


@pytest.mark.parametrize("cell", SAID)
def test_cells_that_are_said(
    cell: str, client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["apply", "--help"])
    assert f"`{cell}`" in readme
    assert cell in " ".join(capsys.readouterr().out.split())
    path = tmp_path / "writes.csv"
    delimiters, key, value = SAID[cell]
    for delimiter in delimiters:
        path.write_text(f"primary_key{delimiter}value\n{key}{delimiter}{cell}\n")
        plan = client.plan_writes(path)
        assert plan.ok
        assert plan.frame["value"].tolist() == [value]


@pytest.mark.parametrize(
    ("key", "cell", "value"),
    [
        *((RUN, cell, True) for cell in ("True", "WAHR", " true ")),
        *((BATCH, cell, 42) for cell in ("42.0", "+42")),
        (NUMBER, "1e3", 1000.0),
        (TIME, "2026-11-26T09:00:05Z", pd.Timestamp("2026-11-26 09:00:05Z")),
        *(("Data Types.String", text, text) for text in ("007", "TRUE", "NA", "1.50", "=1", " x ")),
        ("Data Types.String", '"a,b"', "a,b"),
        ("Data Types.String", "''tis", "'tis"),
        ("Data Types.Quality", "good", "good"),
        ("Data Types.Uuid", str(UUID(int=7)), UUID(int=7)),
    ],
)
def test_cells_of_people(
    key: str, cell: str, value: object, client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "writes.csv"
    path.write_text(f"primary_key,value\n{key},{cell}\n")
    assert planned(client, path) == [value]


@pytest.mark.parametrize(
    ("key", "cell"),
    [
        *((RUN, cell) for cell in ("1", "0", "yes", "on", "t", "")),
        *((BATCH, cell) for cell in ('"4,2"', '"1,000"', "4.2", "1.000", "1e3", "")),
        *((NUMBER, cell) for cell in ('"1,5"', '"1.234,5"', '"1,234.5"', "1_000", "5%", "NA", "")),
        *((TIME, cell) for cell in ("26.11.2026 10:00", "11/26/2026", "46352.5", "2026-11-26", "")),
        ("Data Types.String", ""),
        ("Data Types.Custom", '"[1, 2]"'),
    ],
)
def test_cells_that_are_refused(key: str, cell: str, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "writes.csv"
    path.write_text(f"primary_key,value\n{key},{cell}\n")
    plan = client.plan_writes(path)
    assert not plan.ok
    assert plan.frame["value"].tolist() == [None]


def test_a_comma_in_a_number_between_commas_is_another_cell(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "writes.csv"
    path.write_text(f"primary_key,value\n{NUMBER},1,5\n")
    with pytest.raises(InventoryFileError, match="line 2: 3 cells under 2 columns"):
        client.plan_writes(path)


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


def edit(path: Path, changes: dict[str, Any]) -> None:
    """Change values in a file, as in a spreadsheet."""
    if path.suffix == ".csv":
        cells = pd.read_csv(path, dtype=object, keep_default_na=False)
        rows = cells["primary_key"].map(changes)
        cells["value"] = rows.where(cells["primary_key"].isin(list(changes)), cells["value"])
        cells.to_csv(path, index=False)
        return
    book = openpyxl.load_workbook(path)
    heads, *rows = book.active.iter_rows()
    at = [head.value for head in heads].index("value")
    for row in rows:
        if row[0].value in changes:
            row[at].value = changes[row[0].value]
    book.save(path)


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_a_text_that_was_emptied_is_no_value_to_write(
    ending: str, client: Client, plant: Any, tmp_path: Path
) -> None:
    """An empty text has an apostrophe in a file; an empty cell is none."""
    recipe, path = "Plant.Line 1.Recipe", tmp_path / f"values{ending}"
    for text in ("", "Tea"):
        client.write(recipe, text)
        client.read([recipe, SET_POINT], "value").xentara.to_file(path)
        assert planned(client, path) == [text, 210.0]
    edit(path, {recipe: None})
    frame = client.plan_writes(path).frame
    assert frame["severity"].tolist() == ["refused", "ok"]
    assert "there is no value to write" in frame["reason"][0]


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_values_that_were_edited_are_refused_row_by_row(
    ending: str, client: Client, tmp_path: Path
) -> None:
    """Not the whole file, for the first of them alone."""
    path, time = tmp_path / f"values{ending}", "Plant.Line 1.Last changeover"
    keys = [SET_POINT, BATCH, RUN, time, "Plant.Line 2.Set point", "Plant.Line 1.Recipe"]
    client.read(keys, "value").xentara.to_file(path)
    edit(path, {SET_POINT: "195;5", BATCH: 4.5, RUN: "yes", time: "2026-11-05 10:00"})
    frame = client.plan_writes(path).frame
    assert frame["severity"].tolist() == ["refused"] * 3 + ["warning", "ok", "ok"]
    assert [str(each).partition(",")[0] for each in frame["reason"]][:4] == [
        "'195;5' is no number",
        f"{'4.5' if ending == '.xlsx' else repr('4.5')} is no whole number",
        "'yes' is neither True nor False",
        frame["reason"][3],
    ]
    assert "no time zone was given" in frame["reason"][3]
    # One type in all of the column.
    client.read([SET_POINT, "Plant.Line 2.Set point"], "value").xentara.to_file(path)
    edit(path, {SET_POINT: "fast"})
    assert client.plan_writes(path).frame["severity"].tolist() == ["refused", "ok"]


CELLS = [  # in a file of the library, that people have edited
    (RUN, None, None),  # an emptied cell is not False
    (NUMBER, "1_000", None),  # which Python alone takes for a number
    (NUMBER, "٤", None),
    (NUMBER, str(2**53 + 1), {".csv": None, ".xlsx": None}),  # no Float64 has all its digits
    (BATCH, "42.0", {".csv": 42, ".xlsx": None}),  # there a text
    ("Data Types.String", "007", "007"),
    ("Data Types.String", "TRUE", "TRUE"),
    ("Data Types.String", 7, {".csv": "7", ".xlsx": None}),  # there no text
    (TIME, "2026-11-26 10:00Z", pd.Timestamp("2026-11-26 10:00Z")),
]


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
@pytest.mark.parametrize(("key", "cell", "value"), CELLS, ids=range(len(CELLS)))
def test_what_an_edited_cell_means_depends_on_no_other_one(
    key: str, cell: object, value: object, ending: str, client: Client, tmp_path: Path
) -> None:
    path, other = tmp_path / f"values{ending}", "Plant.Line 2.Set point"
    value = value[ending] if isinstance(value, dict) else value
    for keys, changes in (
        ([key], {}),  # where all values may be of one type
        ([key, RUN, "Data Types.Uuid", other], {}),
        ([key, RUN, "Data Types.Uuid", other], {other: "oops"}),
    ):
        client.read(list(dict.fromkeys(keys)), "value").xentara.to_file(path)
        typed = str(cell) if ending == ".csv" and cell is not None else cell
        edit(path, {key: typed, **changes})
        found = client.plan_writes(path).frame.set_index("primary_key")
        assert found["value"][key] == value
        assert (found["severity"][key] == "refused") == (value is None)


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_a_time_without_a_zone_is_said_to_be_one(
    ending: str, client: Client, tmp_path: Path
) -> None:
    """Also where all values are times."""
    path = tmp_path / f"values{ending}"
    client.read([TIME], "value").xentara.to_file(path)
    edit(path, {TIME: "2026-11-26 10:00" if ending == ".csv" else datetime(2026, 11, 26, 10)})
    assert "no time zone was given" in client.plan_writes(path).frame["reason"][0]


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet", ".xlsx"])
def test_texts_and_nan_of_a_table(ending: str, client: Client, tmp_path: Path) -> None:
    """An empty text stays one where all values are texts, and NaN may be a missing value."""
    path, text = tmp_path / f"values{ending}", "Data Types.String"
    for each in ("", "'", "''", "None", "nan", "007"):
        client.write(text, each)
        client.read([text], "value").xentara.to_file(path)
        assert planned(client, path) == [each]
    frame = client.read([NUMBER, text, RUN], "value")
    frame.loc[0, "value"] = float("nan")
    frame.xentara.to_file(path)
    assert client.plan_writes(path).frame["severity"].tolist() == ["refused", "ok", "ok"]


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet", ".xlsx"])
def test_whole_numbers_in_an_inventory_are_exact(
    ending: str, client: Client, tmp_path: Path
) -> None:
    """A float, which pandas makes of them beside gaps and fractions, would be another one."""
    path, large = tmp_path / f"rows{ending}", "Data Types.UnsignedInteger64"
    rows = client.meta_data([NUMBER, large]).xentara.attribute("value")
    for other in (None, 0.5):
        values = pd.Series([other, 2**53 + 1], dtype=object)
        if ending != ".parquet" or other is None:  # which has one type in a column
            rows.assign(value=values.to_numpy()).xentara.to_file(path)
            assert planned(client, path) == [other, 2**53 + 1]
