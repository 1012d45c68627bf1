"""Snapshots, values and samples in files: exactly as they were, and open to plain pandas."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from xentara_nb.errors import InventoryFileError, NotFoundError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import Quality
from xentara_nb.protocol.values import TimePoint
from xentara_nb.tables.compare import compare
from xentara_nb.tables.files import as_written, read_table, write_table
from xentara_nb.tables.frames import TEXT, categorical, inventory_frame
from xentara_nb.tables.provenance import with_provenance
from xentara_nb.tables.references import element_references
from xentara_nb.tables.snapshots import snapshot_frame
from xentara_nb.tables.values import values_frame

ENDINGS = [".csv", ".json", ".parquet", ".xlsx"]
CUSTOM = UUID(int=77)
KEYS = ["'x", "=1+1", "NA", "Plant"]
NOON = TimePoint.parse("2024-01-01T12:00:00.123456789Z")
VALUES: list[Any] = [
    *(True, False, 0, 1, -5, 2**63, -(2**63), 2**70, -(2**70), 1.0, -0.0, 0.1, 1e300, 5e-324, 1e16),
    *(float("inf"), float("-inf"), float("nan"), "", "'", "''", "=1+1", "1", "1.5", "True", "NaT"),
    *("NA", "a,b", 'say "x"', "line\nbreak", "°C", " ", "None"),
    *(None, NOON, TimePoint.NEVER, UUID(int=7)),
]


def values(results: list[Any]) -> pd.DataFrame:
    count = len(results)
    return values_frame(
        primary_keys=["Plant.Speed"] * count,
        element_uuids=[UUID(int=1)] * count,
        attribute_names=["value"] * count,
        attribute_ids=([11, UUID(int=77)] * count)[:count],
        data_types=[None] * count,
        results=results,
        times=[1_700_000_000_123_456_789] * count,
    )


def snapshot(count: int = 3) -> pd.DataFrame:
    info = AttributeInfo("value", 11, 2, 10)
    names = ("type", "display_name", "value", "units", "quality", "update_time", "limit")
    rows: dict[str, list[Any]] = {
        "type": ["register", None, ""],
        "display_name": [None, None, "NA"],
        "value": [1.5, None, "text"],
        "units": ["°C", None, ""],
        "quality": [0, None, "odd"],
        "update_time": [NOON, None, TimePoint.NEVER],
        "limit": [1, None, True],
    }
    return snapshot_frame(
        primary_keys=["Plant", "=1+1", "a,b"][:count],
        element_uuids=[UUID(int=number) for number in range(count)],
        categories=[2, 1, 99][:count],
        values={name: rows[name][:count] for name in names},
        value_infos=[info, None, info._replace(access=7, data_type=33)][:count],
        data_types={name: [None] * count for name in names},
        errors=[None, "no (-32101)", None][:count],
        time=1_700_000_000_123_456_789,
    )


def samples() -> pd.DataFrame:
    times = pd.date_range("2024-01-01", periods=3, freq="2s", tz="UTC", unit="ns", name="time")
    return pd.DataFrame(
        {
            "Plant.Speed": [1.0, np.nan, 3.5],
            "Plant.Whole": [1.0, 2.0, 3.0],
            "Plant.Count": pd.array([1, None, 2**62], dtype="Int64"),
            "Plant.Large": pd.array([1, None, 2**64 - 1], dtype="UInt64"),
            "Plant.Number": [1, 2, 3],
            "Plant.Run": [True, False, True],
            "Plant.Stop": pd.array([True, None, False], dtype="boolean"),
            "Plant.Text": pd.Series(["1", None, ""], dtype="str", index=range(3)).to_numpy(object),
            "Plant.Speed.quality": categorical(Quality, [0, None, 3]),
            "Plant.Time": times.to_numpy(),
            "Plant.Local": times.tz_convert("Europe/Berlin").as_unit("us"),
            "Plant.Empty": [np.nan] * 3,
        },
        index=pd.DatetimeIndex(times, freq=None),
    ).astype({"Plant.Text": TEXT})


def round_trip(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    write_table(frame, path)
    return read_table(path)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    assert_frame_equal(one, other, check_freq=False)
    for name in one.columns:
        if one[name].dtype == object:
            kinds = [list(map(type, frame[name])) for frame in (one, other)]
            assert kinds[0] == kinds[1], name
            assert list(map(repr, one[name])) == list(map(repr, other[name])), name


@pytest.mark.parametrize("ending", ENDINGS)
def test_values_of_every_kind(ending: str, tmp_path: Path) -> None:
    frame = values(VALUES)
    same(round_trip(frame, tmp_path / f"values{ending}"), frame)
    for results in ([1.5, 2.5], [1.0, 2.0], [1, 2], ["1", "2"], [True], [None, None], [NOON], []):
        frame = values(results)
        for part in (frame, frame.iloc[:0]):
            same(round_trip(part, tmp_path / f"values{ending}"), part)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_snapshot(ending: str, tmp_path: Path) -> None:
    for count in (3, 0):
        frame = snapshot(count)
        same(round_trip(frame, tmp_path / f"snapshot{ending}"), frame)


@pytest.mark.parametrize("ending", ENDINGS)
def test_samples_with_their_index(ending: str, tmp_path: Path) -> None:
    for frame in (samples(), samples().iloc[:0]):
        frame.xentara.to_file(tmp_path / f"samples{ending}")
        same(read_table(tmp_path / f"samples{ending}"), frame)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_inventory(ending: str, tmp_path: Path) -> None:
    frame = inventory_frame([("Plant", UUID(int=1), 2, (AttributeInfo("value", 11, 2, 10),))])
    same(round_trip(frame, tmp_path / f"plant{ending}"), frame)


@pytest.mark.parametrize("ending", [".json", ".parquet"])
def test_provenance(ending: str, tmp_path: Path) -> None:
    frame = with_provenance(snapshot(), {"server": "plant:8080"})
    assert round_trip(frame, tmp_path / f"x{ending}").xentara.provenance == {"server": "plant:8080"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([".csv", ".json", ".parquet"]),
    st.lists(
        st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats()
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
        | st.none()
    ),
)
def test_any_values(tmp_path: Path, ending: str, results: list[Any]) -> None:
    frame = values(results)
    same(round_trip(frame, tmp_path / f"values{ending}"), frame)


def test_plain_pandas_opens_the_files(tmp_path: Path) -> None:
    frame = snapshot()
    for ending, read in (
        (".csv", pd.read_csv),
        (".parquet", pd.read_parquet),
        (".xlsx", pd.read_excel),
    ):
        write_table(frame, tmp_path / f"x{ending}")
        opened = read(tmp_path / f"x{ending}")
        assert opened["primary_key"].tolist()[0] == "Plant"
        assert opened["element_uuid"].tolist() == [str(UUID(int=n)) for n in range(3)]
        assert opened["value"].astype(str).tolist()[0] == "1.5"
        assert [each.element_uuid for each in element_references(opened)] == [
            UUID(int=n) for n in range(3)
        ]
    write_table(values([1.5, 2.5]), tmp_path / "x.parquet")
    opened = pd.read_parquet(tmp_path / "x.parquet")
    assert opened["value"].tolist() == [1.5, 2.5]
    assert str(opened["time"].dtype) == "datetime64[ns, UTC]"
    write_table(samples(), tmp_path / "x.csv")
    assert pd.read_csv(tmp_path / "x.csv")["Plant.Speed"].tolist()[::2] == [1.0, 3.5]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_known_column_of_another_dtype(ending: str, tmp_path: Path) -> None:
    # The quality of a watch is a text, that of a snapshot one of the manual's words.
    frame = values([1.5, 2.5]).assign(quality=pd.Series(["good", "bad"], dtype=TEXT))
    for part in (frame, frame.iloc[:0]):
        same(round_trip(part, tmp_path / f"x{ending}"), part)


@pytest.mark.parametrize(
    ("ending", "read"), [(".csv", pd.read_csv), (".xlsx", pd.read_excel)], ids=["csv", "xlsx"]
)
def test_no_changes_by_plain_pandas(
    ending: str, read: Callable[[Path], pd.DataFrame], tmp_path: Path
) -> None:
    path = tmp_path / f"x{ending}"
    results = [each for each in VALUES if each != each or each not in ("'", "''")]
    uuids = [UUID(int=number) for number in range(9)]
    keys = ["=1+1", "None", "NA", "'x", "-", "007", "a,b", "+", "Plant"]
    kinds = (AttributeInfo("=f", 11, 2, 22), AttributeInfo("null", 9, 0, 18))
    inventory = inventory_frame([(key, uuids[at], 2, kinds) for at, key in enumerate(keys)])
    of_keys = pd.DataFrame({"primary_key": keys, "element_uuid": uuids, "value": 0.1 + 0.2})
    numbers = of_keys.assign(
        primary_key=[f"00{at}" for at in range(9)], value=[True, None] * 4 + [1]
    )
    for frame in (snapshot(), values(results), inventory, of_keys, numbers):
        write_table(frame, path)
        opened = read(path)
        assert compare(frame, opened).same
        assert compare(opened, frame).same
    # What has changed is still seen.
    write_table(of_keys, path)
    changed = of_keys.assign(
        primary_key=["=1+2", *keys[1:]], value=[*of_keys["value"][:8], 0.30000000000001]
    )
    assert compare(read(path), changed).frame["change"].tolist() == ["renamed", "value"]


def test_rows_that_plain_pandas_has_read_name_what_they_did(tmp_path: Path) -> None:
    inventory = inventory_frame(
        [
            (key, UUID(int=at), 2, (AttributeInfo("=f", CUSTOM, 2, 10),))
            for at, key in enumerate(KEYS)
        ]
    )
    inventory.xentara.to_file(tmp_path / "x.csv")
    opened = pd.read_csv(tmp_path / "x.csv")
    for rows in (opened, opened.to_dict("records"), list(opened.itertuples())):
        found = list(element_references(rows))
        assert [each.primary_key for each in found] == ["'x", "=1+1", None, "Plant"]
        assert [each.element_uuid for each in found] == [UUID(int=at) for at in range(4)]
        assert {(each.attribute_id, each.attribute_name) for each in found} == {(CUSTOM, "=f")}
    assert len(opened.xentara.attribute(CUSTOM)) == 4
    # The number of such a key may have been another text; without a UUID it names nothing.
    inventory.iloc[[2]].assign(primary_key="007").xentara.to_file(tmp_path / "x.csv")
    opened = pd.read_csv(tmp_path / "x.csv")
    (row,) = element_references(opened)
    assert (row.primary_key, row.element_uuid) == (None, UUID(int=2))
    with pytest.raises(NotFoundError, match="7 is no text"):
        element_references(opened[["primary_key"]])


def test_plain_columns_can_be_written_by_pandas(tmp_path: Path) -> None:
    # A formula runs in what pandas writes.
    mixed = [each for each in VALUES if each not in ("'", "''", "=1+1")]
    for frame in (snapshot().iloc[::2], values(mixed), samples(), values([]), values([1.5, None])):
        plain = frame.xentara.plain()
        assert plain.index.equals(
            frame.index.tz_localize(None) if "Plant.Run" in frame else frame.index
        )
        plain.to_parquet(tmp_path / "x.parquet")
        plain.to_excel(tmp_path / "x.xlsx", index="Plant.Run" in frame)
        plain.to_csv(tmp_path / "x.csv")
        plain.to_json(tmp_path / "x.json", date_format="iso", double_precision=15)
        plain.reset_index().to_feather(tmp_path / "x.feather")
        with closing(sqlite3.connect(":memory:")) as database:
            # SQLite has no whole numbers beyond 64 bits with a sign.
            plain.drop(columns="Plant.Large", errors="ignore").to_sql("points", database)
            opened = pd.read_sql("select * from points", database)
        if "element_uuid" in frame:
            assert compare(frame, plain).same
            assert compare(frame, opened).same
            assert compare(frame, pd.read_parquet(tmp_path / "x.parquet")).same
            assert compare(frame, pd.read_excel(tmp_path / "x.xlsx")).same
            assert compare(frame, pd.read_csv(tmp_path / "x.csv")).same
            assert compare(frame, pd.read_json(tmp_path / "x.json")).same
            assert compare(frame, pd.read_feather(tmp_path / "x.feather")).same


def test_columns_that_name_no_elements_are_kept(tmp_path: Path) -> None:
    chosen = snapshot()[["display_name", "value", "units", "update_time"]].iloc[[0, 2]]
    chosen = chosen.reset_index(drop=True)
    for ending in ENDINGS:
        chosen.xentara.to_file(tmp_path / f"x{ending}")
        assert_frame_equal(read_table(tmp_path / f"x{ending}"), chosen)
    assert chosen.xentara.plain().columns.tolist()[:3] == ["display_name", "value", "value (type)"]


def test_an_index_that_would_be_lost_is_refused(tmp_path: Path) -> None:
    keyed = snapshot().set_index("primary_key")
    for frame in (keyed, keyed.rename_axis(None), snapshot().set_index(["units", "type"])):
        with pytest.raises(InventoryFileError, match=r"would not be kept.*reset_index\(\)"):
            frame.xentara.to_file(tmp_path / "x.csv")
        assert frame.xentara.plain().index.equals(frame.index)


def test_a_row_without_any_value_is_refused_where_it_would_vanish(tmp_path: Path) -> None:
    empty = snapshot()[["display_name", "value"]]
    for ending in (".csv", ".xlsx"):
        with pytest.raises(InventoryFileError, match=r"row 1 \(the first is 0\) is empty"):
            empty.xentara.to_file(tmp_path / f"x{ending}")
    for ending in (".json", ".parquet"):
        empty.xentara.to_file(tmp_path / f"x{ending}")
        assert_frame_equal(read_table(tmp_path / f"x{ending}"), empty)


def test_a_text_that_plain_pandas_takes_for_missing_is_no_empty_text(tmp_path: Path) -> None:
    write_table(values(["NA", "", 1]), tmp_path / "x.csv")
    restored = as_written(pd.read_csv(tmp_path / "x.csv"))
    assert restored["value"].tolist() == [None, "", 1]


def test_what_plain_pandas_has_read_is_taken(tmp_path: Path) -> None:
    frame = values([1.5, True, "x", 3, None, NOON])
    for ending, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
        write_table(frame, tmp_path / f"x{ending}")
        opened = read(tmp_path / f"x{ending}")
        restored = as_written(opened)
        assert list(map(repr, restored["value"])) == list(map(repr, frame["value"]))
        assert "value (type)" not in restored
        opened.xentara.to_file(tmp_path / f"y{ending}")
        assert read_table(tmp_path / f"y{ending}")["value"].tolist() == frame["value"].tolist()
        assert compare(opened, frame).same
    assert as_written(frame) is frame
    with pytest.raises(InventoryFileError, match="'x' is no int"):
        as_written(pd.DataFrame({"value": ["x"], "value (type)": ["int"]}))


def test_floats_in_a_workbook_keep_all_their_digits(tmp_path: Path) -> None:
    results = [0.10000000149011612, 7.9958494827112645, 1 / 3, 5e-324, 1.7976931348623157e308]
    write_table(values(results), tmp_path / "x.xlsx")
    assert pd.read_excel(tmp_path / "x.xlsx")["value"].tolist() == results
    assert read_table(tmp_path / "x.xlsx")["value"].tolist() == results


def test_the_type_stands_beside_only_where_it_is_needed(tmp_path: Path) -> None:
    write_table(values([1.5]).astype({"value": "float64"}), tmp_path / "x.csv")
    assert "(type)" not in (tmp_path / "x.csv").read_text()
    write_table(values([1.5, "x"]), tmp_path / "x.csv")
    header, first, second = (tmp_path / "x.csv").read_text().splitlines()
    assert header.startswith(
        "primary_key,element_uuid,attribute_name,attribute_id,value,value (type),error,time"
    )
    assert ",1.5,float," in first
    assert ",x,text," in second


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("Plant,x,value,11,1.5,,", "column 'element_uuid': 'x' is no UUID"),
        (f"Plant,{UUID(int=1)},value,eleven,1.5,,", "column 'attribute_id': 'eleven' is no attr"),
        (f"Plant,{UUID(int=1)},value,11,1.5,,noon", "column 'time': 'noon' is no time"),
    ],
)
def test_a_cell_that_is_wrong(cell: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    header = "primary_key,element_uuid,attribute_name,attribute_id,value,error,time"
    path.write_text(f"{header}\n{cell}\n")
    with pytest.raises(InventoryFileError, match=f"line 2, {said}"):
        read_table(path)


def test_a_value_that_is_not_of_its_type(tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    for value, kind, said in (
        ("x", "float", "'x' is no float"),
        ("x", "odd", "'x' is no odd"),
        ("x", "int64", "'x' is no int64"),
        ("", "int64", "an empty cell is no int64"),
        ("", "bool", "an empty cell is no bool"),
        ("1_0", "int64", "'1_0' is no int64"),
        ("1_0", "float", "'1_0' is no float"),
        ("maybe", "bool", "'maybe' is no bool"),
        ("maybe", "Boolean", "'maybe' is no Boolean"),
    ):
        path.write_text(f"primary_key,value,value (type)\nPlant,{value},{kind}\n")
        with pytest.raises(InventoryFileError, match=f"line 2, column 'value': {said}"):
            read_table(path)


def test_all_cells_that_are_wrong_are_named(tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    rows = ["A,x,float,noon", "B,1.5,float,", "C,maybe,Boolean,2024-01-01T00:00:00Z"]
    path.write_text("\n".join(["primary_key,value,value (type),time", *rows]))
    with pytest.raises(InventoryFileError) as caught:
        read_table(path)
    assert str(caught.value).splitlines() == [
        f"{path}: line 2, column 'value': 'x' is no float. Restore the cell",
        "line 4, column 'value': 'maybe' is no Boolean. Restore the cell",
        "line 2, column 'time': 'noon' is no time, such as 2024-01-01T12:00:00+00:00. "
        "Restore the cell",
    ]
    path.write_text("\n".join(["primary_key,value,value (type)", *["A,,int64"] * 100_000]))
    with pytest.raises(InventoryFileError) as caught:
        read_table(path)
    first, *others, last = str(caught.value).splitlines()
    assert ("line 2, " in first, len(others), last) == (True, 19, "…")


@pytest.mark.parametrize("ending", ENDINGS)
def test_whole_numbers_beyond_64_bits(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{ending}"
    for numbers in ([2**70, 1], [-(2**70), 1], [2**63, -1], [2**63, 1]):
        frame = values([*numbers, None])
        write_table(frame, path)
        assert_frame_equal(read_table(path), frame)
        frame.to_parquet(tmp_path / "plain.parquet")
        assert_frame_equal(read_table(tmp_path / "plain.parquet"), frame)


def test_what_no_file_holds(tmp_path: Path) -> None:
    frame = snapshot()
    with pytest.raises(InventoryFileError, match=r"row 0 .* column 'value': 1.5 is no 1"):
        write_table(frame.assign(**{"value (type)": "1"}), tmp_path / "x.csv")
    with pytest.raises(InventoryFileError, match="of dtype timedelta64"):
        write_table(frame.assign(age=pd.Timedelta(1)), tmp_path / "x.csv")
    (tmp_path / "x.csv").touch()
    with pytest.raises(InventoryFileError, match="the file is empty"):
        read_table(tmp_path / "x.csv")
    with pytest.raises(InventoryFileError, match=r"\.csv, \.json, \.parquet or \.xlsx"):
        write_table(frame, tmp_path / "x.doc")


def test_a_time_that_its_column_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for cell in ("0001-01-03", "x" * 40_000):
        path.write_text(f"primary_key,time\nx,2024-01-01\ny,{cell}\n")
        with pytest.raises(InventoryFileError, match="line 3, column 'time'") as caught:
            read_table(path)
        assert len(str(caught.value)) < 1000


def test_what_the_spreadsheet_of_another_country_has_saved(tmp_path: Path) -> None:
    frame = values([190.5, -1e300, True, False, 7, "1.5", "wahr", NOON, None, UUID(int=7)])
    frame["moving"] = [True, False] * 5
    write_table(frame, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    words = {"190.5": "190,5", "-1e+300": "-1,0E+300", "True": "WAHR", "False": "FALSCH"}
    with (tmp_path / "b.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerows([words.get(cell, cell) for cell in row] for row in rows)
    assert_frame_equal(read_table(tmp_path / "b.csv"), frame)
