"""Settings that are kept in a file, and the plan back to them."""

from __future__ import annotations

import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from xentara_nb import (
    Client,
    InventoryFileError,
    OptionError,
    SettingsWarning,
    WriteRefusedError,
    read_table,
)
from xentara_nb.simulator import Simulator
from xentara_nb.writes.settings import take_settings

SET_POINT, BATCH = "Plant.Line 1.Set point", "Plant.Line 1.Batch"
COLUMNS = [
    *("primary_key", "element_uuid", "attribute_name", "attribute_id", "data_type"),
    *("value", "moving", "error", "time"),
]


@pytest.fixture
def rows(client: Client) -> pd.DataFrame:
    return client.meta_data([SET_POINT, BATCH]).xentara.attribute("value")


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet", ".xlsx"])
def test_what_differs_is_planned(
    ending: str, client: Client, rows: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / f"before{ending}"
    settings = client.save_settings(path, rows, observe=0)
    assert settings.columns.tolist() == COLUMNS
    pd.testing.assert_frame_equal(read_table(path), settings)
    assert len(client.plan_restore(path)) == 0
    before = float(settings.set_index("primary_key").loc[SET_POINT, "value"])
    client.write(SET_POINT, before + 5)
    plan = client.plan_restore(path)
    assert plan.frame["primary_key"].tolist() == [SET_POINT]
    assert len(client.plan_restore(path, tolerance=5)) == 0
    assert plan.frame["value"].tolist() == [before]
    assert plan.apply().ok
    assert len(client.plan_restore(settings)) == 0


def test_guards_count_as_for_any_plan(
    client: Client, rows: pd.DataFrame, tmp_path: Path, plant: Simulator
) -> None:
    path = tmp_path / "before.csv"
    before = client.save_settings(path, rows, observe=0)
    value = float(before.set_index("primary_key").loc[SET_POINT, "value"])
    client.write(SET_POINT, value + 5)
    policy = tmp_path / "policy.toml"
    policy.write_text(f'forbidden = ["{SET_POINT}"]\n')
    with plant.connect(policy=policy) as careful:
        plan = careful.plan_restore(path)
        assert plan.frame["severity"].tolist() == ["refused"]
        with pytest.raises(WriteRefusedError):
            plan.apply()
    assert client.plan_restore(path).apply().ok


def test_the_whole_plant(client: Client, tmp_path: Path) -> None:
    settings = client.save_settings(tmp_path / "all.parquet", observe=0)
    writable = client.inventory(progress=False).xentara.writable()
    assert len(settings) == len(writable)
    silent = settings[settings["error"].str.startswith("write only", na=False)]
    assert len(silent) == (writable["access"] == "write only").sum() > 0
    with pytest.warns(SettingsWarning, match="not restored: .*: write only: its value cannot"):
        client.plan_restore(settings)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_what_may_be_a_missing_value(client: Client, tmp_path: Path, ending: str) -> None:
    """NaN and a time that never was are not written back, and need not be where they are there."""
    names = ["Data Types.Float64", "Data Types.TimePoint"]
    rows = client.inventory(progress=False).xentara.attribute("value")
    rows = rows[rows["primary_key"].isin(names)]
    for name, value in zip(names, ["nan", "never"], strict=True):
        client.write(name, value)
    path = tmp_path / f"before{ending}"
    client.save_settings(path, rows, observe=0)
    assert len(client.plan_restore(path)) == 0
    for name, value in zip(names, [1.5, "2026-11-27 12:00Z"], strict=True):
        client.write(name, value)
    plan = client.plan_restore(path)
    assert plan.frame["severity"].tolist() == ["refused"] * 2
    assert plan.frame["primary_key"].tolist() == names


def test_what_has_no_form_in_the_protocol_is_named(client: Client) -> None:
    rows = client.inventory(progress=False).xentara.attribute("value")
    rows = rows[rows["data_type"].isin(["Custom", "ErrorCode"])].xentara.writable()
    settings = take_settings(client.read, rows, 0)
    assert len(settings) == 2
    with pytest.warns(SettingsWarning, match="has no form for values of the data type Custom"):
        plan = client.plan_restore(settings)
    assert plan.apply().ok


def test_no_settings_at_all(client: Client, rows: pd.DataFrame, tmp_path: Path) -> None:
    client.save_settings(tmp_path / "none.csv", rows.iloc[:0])
    assert len(client.plan_restore(tmp_path / "none.csv")) == 0


def test_what_the_plant_moves_by_itself_is_named(
    client: Client, rows: pd.DataFrame, tmp_path: Path
) -> None:
    readings = [client.read(rows), client.read(rows)]
    moved = readings[1]["primary_key"] == BATCH
    readings[1]["value"] = [
        value + 1 if other else value
        for value, other in zip(readings[1]["value"], moved, strict=True)
    ]

    def read(asked: pd.DataFrame) -> pd.DataFrame:
        return readings.pop(0)

    settings = take_settings(read, rows, 1e-3)
    assert settings.set_index("primary_key")["moving"].to_dict() == {SET_POINT: False, BATCH: True}
    settings["value"] = [value + 3 for value in settings["value"]]
    with pytest.warns(SettingsWarning, match=rf"^1 value is not .*: {BATCH}: the plant moves it"):
        plan = client.plan_restore(settings)
    assert plan.frame["primary_key"].tolist() == [SET_POINT]


def test_values_of_a_kind_that_there_is_not(client: Client, rows: pd.DataFrame) -> None:
    odd: list[Any] = [[1, 2], [], {0: 1}, float("nan"), None]
    rows = rows.iloc[[0] * len(odd)]

    def read(some: pd.DataFrame) -> pd.DataFrame:
        values = client.read(some).astype({"value": object})
        values["value"] = pd.Series(odd, dtype=object)
        return values

    assert take_settings(read, rows, 0.001)["moving"].tolist() == [False] * len(odd)


def test_what_could_not_be_read_is_named(client: Client, rows: pd.DataFrame) -> None:
    settings = take_settings(client.read, rows, 0)
    settings["value"] = settings["value"].astype(object)
    settings.loc[0, "value"] = None
    settings["error"] = [None, "not allowed (-32102)"]
    many = pd.concat([settings] * 4, ignore_index=True)
    with pytest.warns(SettingsWarning, match=r"^8 values are .*: no value was kept; .* and 3 more"):
        assert len(client.plan_restore(many)) == 0


def test_an_element_that_is_gone_is_refused_by_the_plan(client: Client, rows: Any) -> None:
    settings = take_settings(client.read, rows, 0).iloc[:1]
    gone = settings.assign(primary_key="Plant.Gone")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan = client.plan_restore(gone)
    assert plan.frame["severity"].tolist() == ["refused"]
    assert not plan.ok


def test_a_key_is_no_row(client: Client, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"not of the type str: take client\[key\]"):
        client.save_settings(tmp_path / "settings.csv", "Plant.Line 1.Set point")


def test_what_are_no_settings(client: Client, rows: pd.DataFrame) -> None:
    with pytest.raises(WriteRefusedError, match="these are no settings: there is no column value"):
        client.plan_restore(rows)


def test_odd_frames_are_said_in_words(client: Client, rows: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "before.csv"
    for name in ("primary_key", "data_type", "attribute_id"):
        with pytest.raises(OptionError, match=f"there is no column {name}"):
            client.save_settings(path, rows.drop(columns=name), observe=0)
    settings = client.save_settings(path, rows, observe=0)
    for name in ("primary_key", "value", "error"):
        with pytest.raises(WriteRefusedError, match=f"two columns '{name}'"):
            client.plan_restore(pd.concat([settings, settings[[name]]], axis=1))
    nothing = pd.Series([pd.NA] * len(settings), dtype="string")
    odd = settings.assign(attribute_name=nothing, data_type=[[1]] * len(settings))
    assert len(client.plan_restore(odd)) == 0  # all of it is there
    with pytest.warns(SettingsWarning, match="2 values are not restored"):
        client.plan_restore(settings.assign(error=[[1]] * len(settings)))


def test_progress(client: Client, rows: pd.DataFrame, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        calls.append((done, total))

    client.save_settings(tmp_path / "x.csv", rows, observe=0.01, progress=progress)
    assert calls == [(2, 2), (2, 2)]  # each reading
    calls.clear()
    client.save_settings(tmp_path / "x.csv", observe=0, progress=progress)
    assert {total for _, total in calls} == {len(client.browse()), calls[-1][1]}
    assert calls[-1][0] == calls[-1][1] < len(client.browse())


def test_an_emptied_boolean_is_not_false(client: Client, tmp_path: Path) -> None:
    path, run = tmp_path / "before.xlsx", "Plant.Line 1.Run"
    rows = client.meta_data([run]).xentara.attribute("value")
    client.write(run, True)
    client.save_settings(path, rows, observe=0)
    book = openpyxl.load_workbook(path)
    heads, row = book.active.iter_rows()
    row[[head.value for head in heads].index("value")].value = None
    book.save(path)
    with pytest.raises(InventoryFileError, match="row 2, column 'value': an empty cell is no bool"):
        client.plan_restore(path)


@pytest.mark.parametrize("cell", [7, 7.5, True, datetime(2026, 11, 26)])
def test_a_number_is_not_restored_as_a_text(cell: object, client: Client, tmp_path: Path) -> None:
    path, text = tmp_path / "before.xlsx", "Plant.Line 1.Recipe"
    for keys in ([text], [text, SET_POINT]):
        found = client.meta_data(keys).xentara.attribute("value")
        client.save_settings(path, found, observe=0)
        book = openpyxl.load_workbook(path)
        heads, row = list(book.active.iter_rows())[:2]
        row[[head.value for head in heads].index("value")].value = cell
        book.save(path)
        with pytest.raises(InventoryFileError, match=r"row 2, column 'value': .* is no text"):
            client.plan_restore(path)


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
@pytest.mark.parametrize("others", [[], [SET_POINT]])
def test_a_time_is_not_restored_without_its_zone(
    ending: str, others: list[str], client: Client, tmp_path: Path
) -> None:
    path, time = tmp_path / f"before{ending}", "Plant.Line 1.Last changeover"
    rows = client.meta_data([time, *others]).xentara.attribute("value")
    client.save_settings(path, rows, observe=0)
    if ending == ".csv":
        lines = path.read_text().split("\n")
        lines[1] = lines[1].replace("+00:00", "", 1)
        path.write_text("\n".join(lines))
    else:
        book = openpyxl.load_workbook(path)
        heads, row = list(book.active.iter_rows())[:2]
        row[[head.value for head in heads].index("value")].value = datetime(2026, 11, 26, 10)
        book.save(path)
    with pytest.raises(InventoryFileError, match="2, column 'value'"):
        client.plan_restore(path)
