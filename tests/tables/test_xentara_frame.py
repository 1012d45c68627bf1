"""Tables that are shown safely, and that pandas writes with all that they hold."""

from __future__ import annotations

import copy
import io
import pickle
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from decimal import Decimal
from functools import singledispatch
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

from xentara_nb import Client, XentaraFrame, compare, read_journal, read_table
from xentara_nb.errors import InventoryFileError
from xentara_nb.protocol.identifiers import Category, Quality
from xentara_nb.tables.frames import categorical, make_frame, object_array, string_array, time_array
from xentara_nb.tables.id_arrays import id_array
from xentara_nb.tables.provenance import with_provenance
from xentara_nb.tables.xentara_frame import XentaraSeries, as_xentara

NAMES = ["Pump\x1b[2J", "Valve\u202e1"]
HIDDEN = ("\x1b", "\u202e")
NOON = pd.Timestamp("2024-05-06 12:00:00.123456789", tz="UTC")
PLAIN = pd.DataFrame({"primary_key": NAMES, "value": [1.5, 2.5], "x\x1by": [1, 2]})


def ours(plain: pd.DataFrame = PLAIN) -> pd.DataFrame:
    return XentaraFrame(plain)


def test_errors_are_shown_whole_in_a_notebook() -> None:
    long = "word " * 20 + "and what to do"
    for name in ("error", "reason"):
        assert "what to do" in ours(pd.DataFrame({name: [None, long]}))._repr_html_()
    for table in (pd.DataFrame({"value": [long]}), pd.DataFrame({"error": [None], "value": long})):
        assert "what to do" not in ours(table)._repr_html_()
    # A width that the user has chosen counts.
    with pd.option_context("display.max_colwidth", 40):
        assert "what to do" not in ours(pd.DataFrame({"error": [long]}))._repr_html_()


def points(values: list[Any]) -> pd.DataFrame:
    """Return a table with all kinds of columns that those of a server have."""
    count = len(values)
    frame = make_frame(
        {
            "primary_key": string_array([f"Plant.{number}" for number in range(count)]),
            "element_uuid": id_array([UUID(int=number) for number in range(count)]),
            "category": categorical(Category, [2] * count),
            "attribute_id": id_array([11, UUID(int=9), *[11] * count][:count]),
            "value": object_array(values),
            "quality": categorical(Quality, [0] * count),
            "time": time_array([NOON.value] * count),
        }
    )
    return with_provenance(frame, {"server": "wss://plant"})


MIXED = [1.5, True, "on", 3, None, NOON, pd.NaT, UUID(int=7), float("nan")]


RESULTS: dict[str, Callable[[Any], Any]] = {
    "itself": lambda frame: frame,
    "rows": lambda frame: frame[frame["value"] > 1],
    "columns": lambda frame: frame[["primary_key", "x\x1by"]],
    "column": lambda frame: frame["primary_key"],
    "attribute": lambda frame: frame.primary_key,
    "row": lambda frame: frame.iloc[0],
    "loc": lambda frame: frame.loc[:, "primary_key"],
    "copy": lambda frame: copy.copy(frame),
    "deepcopy": copy.deepcopy,
    "pickle": lambda frame: pickle.loads(pickle.dumps(frame)),
    "sort_values": lambda frame: frame.sort_values("value"),
    "query": lambda frame: frame.query("value > 1"),
    "assign": lambda frame: frame.assign(limit=1),
    "astype": lambda frame: frame.astype({"value": "float32"}),
    "set_index": lambda frame: frame.set_index("primary_key"),
    "index": lambda frame: frame.set_index("primary_key")["value"],
    "groupby": lambda frame: frame.groupby("primary_key").sum(),
    "size": lambda frame: frame.groupby("primary_key").size(),
    "mean": lambda frame: frame.groupby("primary_key")["value"].mean(),
    "agg": lambda frame: frame.groupby("primary_key")["value"].agg(["min", "max"]),
    "pivot": lambda frame: frame.pivot(columns="primary_key", values="value"),
    "pivot_table": lambda frame: frame.pivot_table(index="primary_key", values="value"),
    "melt": lambda frame: frame.melt("primary_key", value_name="found"),
    "merge": lambda frame: frame.merge(PLAIN, on="primary_key"),
    "join": lambda frame: frame.join(PLAIN.add_suffix("_2")),
    "concat": lambda frame: pd.concat([frame, PLAIN]),
    "beside": lambda frame: pd.concat([frame["primary_key"], frame["value"]], axis=1),
    "transpose": lambda frame: frame.T,
    "apply": lambda frame: frame.apply(lambda row: row, axis=1),
    "max": lambda frame: frame.max(),
    "agg to a table": lambda frame: frame.agg({"primary_key": ["min"]}),
    "agg to a row": lambda frame: frame.aggregate("min"),
    "describe": lambda frame: frame.describe(include="all"),
    "describe column": lambda frame: frame["primary_key"].describe(),
    "value_counts": lambda frame: frame.value_counts(),
    "value_counts of a column": lambda frame: frame["primary_key"].value_counts(),
    "to_frame": lambda frame: frame["primary_key"].to_frame(),
    "str": lambda frame: frame["primary_key"].str.upper(),
}


def test_what_pandas_makes_of_one_of_ours_shows_what_cannot_be_seen() -> None:
    for name, make in RESULTS.items():
        found, expected = make(ours()), make(PLAIN)
        assert type(found) in (XentaraFrame, XentaraSeries), name
        for text in (repr(found), str(found), found.to_string()):
            assert not any(each in text for each in HIDDEN), name
        equal: Any = assert_frame_equal if found.ndim == 2 else assert_series_equal
        equal(found, expected)
        equal(expected, found)
    assert any(each in repr(PLAIN) for each in HIDDEN)  # or there is nothing to show


def test_a_table_beside_ours_stays_as_it_is() -> None:
    beside = PLAIN.copy()
    for make in (
        lambda: ours().merge(beside, on="primary_key"),
        lambda: pd.concat([ours(), beside]),
        lambda: ours().join(beside.add_suffix("_2")),
        lambda: ours().combine_first(beside),
        lambda: ours().where(beside.notna(), beside),
        lambda: ours().groupby("primary_key").apply(lambda _: beside),
        lambda: ours().reindex_like(beside),
        lambda: ours().align(beside),
        lambda: ours()[["value"]] + beside[["value"]],
        lambda: ours()["value"].combine_first(beside["value"]),
        lambda: ours().assign(limit=beside["value"]),
        lambda: XentaraFrame(beside),
    ):
        make()
        assert type(beside) is pd.DataFrame
        assert type(beside["value"]) is pd.Series
    # With it in front, the result is one of pandas: so it is made ours, or made plain.
    front = pd.concat([beside, ours()])
    assert type(front) is pd.DataFrame
    assert not any(each in repr(XentaraFrame(front)) for each in HIDDEN)
    changed = XentaraFrame(beside)
    changed["value"] = 0
    assert beside["value"].tolist() == [1.5, 2.5]


def test_texts_for_people_show_what_cannot_be_seen(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tabulate: Any = ModuleType("tabulate")
    tabulate.__version__, tabulate.tabulate = "0.9.0", lambda table, **_: table.to_csv()
    monkeypatch.setitem(sys.modules, "tabulate", tabulate)
    frame = ours()
    frame.info()
    frame["primary_key"].rename("x\x1by").info()
    buffer = io.StringIO()
    frame.to_string(buffer)
    frame["primary_key"].to_string(buffer)
    frame.info(buf=buffer)
    frame.info(None, buffer, 2)
    texts = [capsys.readouterr().out, buffer.getvalue(), frame.to_html(), frame._repr_html_()]
    texts += [frame.to_markdown(), frame["primary_key"].to_markdown()]
    with pd.option_context("display.large_repr", "info", "display.max_rows", 1):
        texts += [repr(frame), frame._repr_html_()]
    for text in texts:
        assert not any(each in text for each in HIDDEN)
        assert r"\x1b" in text
    with pd.option_context("display.notebook_repr_html", False):
        assert frame._repr_html_() is None
    # A file keeps what the values are.
    frame.to_string(tmp_path / "x.txt")
    assert (tmp_path / "x.txt").read_text(encoding="utf-8") == PLAIN.to_string()


def test_the_classes_pass_for_those_of_pandas() -> None:
    frame, nothing = ours(), ours(PLAIN.iloc[:0])
    assert isinstance(PLAIN, XentaraFrame)
    assert not isinstance(PLAIN["value"], XentaraFrame)
    assert not isinstance(PLAIN["value"], XentaraSeries)
    assert XentaraSeries == pd.Series != pd.DataFrame
    assert {pd.Series: 1}[XentaraSeries] == 1
    assert_frame_equal(nothing, PLAIN.iloc[:0])
    assert frame.equals(PLAIN)
    assert PLAIN.equals(frame)
    for left, right in ((frame, PLAIN), (PLAIN, frame)):
        with pytest.raises(AssertionError, match="values are different"):
            assert_frame_equal(left, right.assign(value=[1.5, 3]))

    @singledispatch
    def kind(table: Any) -> str:
        return "other"

    kind.register(pd.DataFrame, lambda table: "table")
    kind.register(pd.Series, lambda column: "column")
    assert [kind(frame), kind(frame["value"]), kind(1)] == ["table", "column", "other"]
    assert as_xentara(nothing) is nothing
    assert isinstance(Mock(spec=XentaraFrame), XentaraFrame)


def test_a_table_is_compared_with_a_plain_one() -> None:
    changed = PLAIN.assign(value=[1.5, 3])
    assert_frame_equal(ours().compare(changed), PLAIN.compare(changed))
    assert type(changed) is pd.DataFrame
    column = changed["value"]
    assert_frame_equal(ours()["value"].compare(column), PLAIN["value"].compare(column))
    with pytest.raises(TypeError, match="can only compare"):
        ours().compare(column)


def test_other_libraries_take_them() -> None:
    polars = pytest.importorskip("polars")
    frame = ours()
    assert pyarrow.Table.from_pandas(frame).equals(pyarrow.Table.from_pandas(PLAIN))
    assert pyarrow.table(frame)["primary_key"].to_pylist() == NAMES
    assert polars.from_pandas(frame).equals(polars.from_pandas(PLAIN))
    assert polars.DataFrame(frame)["value"].to_list() == [1.5, 2.5]
    assert np.asarray(frame[["value"]]).tolist() == [[1.5], [2.5]]


def test_attrs_go_with_the_rows() -> None:
    frame = points([1.5, "on"])
    for found in (frame[frame["value"] == "on"], frame.copy(), frame.sort_values("primary_key")):
        assert found.xentara.provenance == {"server": "wss://plant"}


def test_parquet_of_values_of_several_types(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    for values in (MIXED, MIXED[:2], [1, 2.5], [2**64 - 1, -1], [2**63, None], [None, None], []):
        frame = points(values)
        frame.to_parquet(path)
        assert list(map(repr, read_table(path)["value"])) == list(map(repr, values))
        assert_frame_equal(read_table(path), frame)
        assert read_table(path).attrs == frame.attrs
        assert compare(frame, pd.read_parquet(path)).same
        frame.iloc[1::2].to_parquet(path)
        assert_frame_equal(read_table(path), frame.iloc[1::2].reset_index(drop=True))
        frame.to_feather(path)
        assert compare(frame, pd.read_feather(path)).same
    opened = pd.read_parquet(points(MIXED).to_parquet() and io.BytesIO(points(MIXED).to_parquet()))
    assert opened.columns.tolist()[4:6] == ["value", "value (type)"]
    assert opened["time"].tolist() == [NOON] * len(MIXED)
    # What was opened is one of pandas, and saved again when it was made ours.
    XentaraFrame(opened).to_parquet(path)
    assert_frame_equal(read_table(path), points(MIXED))


def test_what_no_server_sends_is_left_to_pandas() -> None:
    for values in (
        [date(2024, 5, 6), pd.NaT],  # as dt.date has them of times that are missing
        [Decimal("1.5"), float("nan")],
        [[1.5], float("nan")],
        [b"on", float("nan")],
        [True, pd.NA],
    ):
        frame = ours(pd.DataFrame({"primary_key": NAMES, "x": pd.Series(values, dtype=object)}))
        assert frame.to_parquet() == pd.DataFrame(frame).to_parquet()
    with closing(sqlite3.connect(":memory:")) as database:
        ours(PLAIN.assign(day=date(2024, 5, 6))).to_sql("days", database)
        (table,) = database.execute("select sql from sqlite_master where type = 'table'")
        assert '"day" DATE' in table[0]
        assert "(type)" not in table[0]


def test_what_is_not_known_is_no_text(tmp_path: Path) -> None:
    frame = points([1.5, "on", pd.NA])
    frame.to_parquet(tmp_path / "x.parquet")
    frame.xentara.to_file(tmp_path / "x.csv")
    for name in ("x.parquet", "x.csv"):
        assert read_table(tmp_path / name)["value"].tolist() == [1.5, "on", None]


def test_values_that_were_read_are_written_again_beside_others(tmp_path: Path) -> None:
    frame = XentaraFrame(pd.read_parquet(io.BytesIO(points(MIXED).to_parquet())))
    frame["note"] = object_array([1, "x", UUID(int=2), NOON, *[None] * (len(MIXED) - 4)])
    frame.to_parquet(tmp_path / "x.parquet")
    assert list(map(repr, read_table(tmp_path / "x.parquet")["value"])) == list(map(repr, MIXED))
    frame.to_excel(tmp_path / "x.xlsx")
    assert read_table(tmp_path / "x.xlsx")["value"].tolist()[:4] == MIXED[:4]
    with closing(sqlite3.connect(":memory:")) as database:
        assert frame.to_sql("points", database) == len(MIXED)


def test_ids_as_names_of_columns_are_read_back_from_parquet() -> None:
    frame = points([1.5, 2.5]).pivot(index="primary_key", columns="element_uuid", values="value")
    opened = pd.read_parquet(io.BytesIO(frame.to_parquet()))
    assert opened.columns.tolist() == [str(UUID(int=0)), str(UUID(int=1))]


def test_parquet_of_times_among_objects_keeps_nanoseconds(tmp_path: Path) -> None:
    frame = points([NOON, 1.5, NOON])
    frame[::2].to_parquet(tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet")["value"].tolist() == [NOON, NOON]
    assert pd.read_parquet(tmp_path / "x.parquet")["value"].tolist() == [NOON, NOON]


def test_parquet_of_samples(tmp_path: Path) -> None:
    times = pd.DatetimeIndex([NOON, NOON + pd.Timedelta(1)], name="time")
    frame = XentaraFrame({"Plant.A": [1.5, None], "Plant.B": ["on", 3]}, index=times)
    frame["Plant.B"] = frame["Plant.B"].astype(object)
    frame.to_parquet(tmp_path / "x.parquet")
    assert_frame_equal(read_table(tmp_path / "x.parquet"), frame)
    frame.to_excel(tmp_path / "x.xlsx")
    opened = pd.read_excel(tmp_path / "x.xlsx")
    assert opened["time"].dt.round("ms").tolist()[0] == NOON.tz_localize(None).round("ms")
    assert opened["Plant.B"].tolist() == ["on", 3]


def test_excel_of_times_with_a_zone(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    for values in (MIXED, [1.5, "on", True], []):
        frame = points(values)
        with pd.ExcelWriter(path) as writer:
            frame.to_excel(writer, sheet_name="a", index=False)
            frame["time"].to_excel(writer, sheet_name="b")
        opened = pd.read_excel(path, sheet_name="a")
        assert compare(frame, opened).same
        assert pd.read_excel(path, sheet_name="b").shape == (len(frame), 2)
    points([1.5, "on", True]).to_excel(path, index=False, columns=["value", "time"])
    opened = pd.read_excel(path)
    assert opened["value"].tolist() == [1.5, "on", True]  # numbers, with which one can calculate
    assert str(opened["time"].dtype).startswith("datetime64")
    # Also in an index, in a column that is there twice, and in the names of columns.
    frame = points([1.5, "on"]).set_index(["time", "primary_key"])
    twice = XentaraFrame(pd.concat([points([1.5])[["time"]], points([1.5])[["time"]]], axis=1))
    names = points([1.5]).pivot(index="primary_key", columns="time", values="attribute_id")
    for found in (frame, twice, names):
        found.to_excel(path)
        assert len(pd.read_excel(path)) == len(found)


def test_excel_without_names_of_columns(tmp_path: Path) -> None:
    frame = points([1.5, NOON, UUID(int=7)]).drop(columns=["category", "quality"])
    frame.T.to_excel(tmp_path / "x.xlsx")
    opened = pd.read_excel(tmp_path / "x.xlsx", index_col=0)
    assert pd.Timestamp(opened[1]["value"]).round("ms") == NOON.tz_localize(None).round("ms")
    assert opened[2]["value"] == str(UUID(int=7))


def test_excel_of_naive_times_is_left_to_pandas(tmp_path: Path) -> None:
    times = object_array([pd.Timestamp("2024-05-06"), 1.5])
    ours(pd.DataFrame({"x": times})).to_excel(tmp_path / "x.xlsx", index=False)
    assert pd.read_excel(tmp_path / "x.xlsx")["x"].tolist() == times.tolist()


def test_excel_of_what_no_sheet_can_hold_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    frame = ours(PLAIN[["value"]].set_axis(["a", "b"]))
    frame.to_excel(path)
    before = path.read_bytes()
    for wrong, where in (
        (ours().drop(columns="x\x1by"), "row 0 (the first is 0), column 'primary_key'"),
        (ours()[["value", "x\x1by"]], "the header"),
        (frame.T.assign(b="\ufffe").T, "row 1 (the first is 0), column 'value'"),
        (frame.set_axis(["a", "b\0"]), "row 1 (the first is 0), the index"),
        (frame.rename_axis("a\x1b"), "the header"),
        (pd.concat({"a\x1b": frame}, axis=1), "the header"),
    ):
        with pytest.raises(InventoryFileError, match=re.escape(f"{where}: a sheet cannot hold")):
            wrong.to_excel(path)
        assert path.read_bytes() == before


def test_the_numbers_of_the_rows_that_pandas_writes_are_no_column(
    client: Client, tmp_path: Path
) -> None:
    frame = client.inventory("Plant.Line 1").head(20)
    frame[frame.attribute_name == "value"].to_csv(tmp_path / "a.csv")
    assert len(read_table(tmp_path / "a.csv")) == (frame.attribute_name == "value").sum()
    frame.to_csv(tmp_path / "a.csv")
    frame.to_excel(tmp_path / "a.xlsx")
    assert_frame_equal(read_table(tmp_path / "a.csv"), frame)
    assert_frame_equal(read_table(tmp_path / "a.xlsx"), frame)
    frame.rename(columns={"access": ""}).to_excel(tmp_path / "a.xlsx")
    with pytest.raises(InventoryFileError, match="column 7 of the sheet has no name"):
        read_table(tmp_path / "a.xlsx")


def test_excel_keeps_long_whole_numbers_beside_times(tmp_path: Path) -> None:
    values = object_array([NOON, -(2**63), 5])
    frame = ours(pd.DataFrame({"primary_key": ["a", "b", "c"], "value": values}))
    frame.to_excel(tmp_path / "a.xlsx")
    assert read_table(tmp_path / "a.xlsx")["value"].tolist() == [NOON, -(2**63), 5]


def test_json_and_databases(tmp_path: Path) -> None:
    found = points([1.5, UUID(int=7)])["value"]
    assert found.to_json() == f'{{"0":1.5,"1":"{UUID(int=7)}"}}'
    assert found.to_frame(0).to_json() == f'{{"0":{found.to_json()}}}'
    for values in (MIXED, [1.5, "on"], []):
        frame = points(values)
        text = frame.to_json(date_format="iso", double_precision=15)
        assert compare(frame, pd.read_json(io.StringIO(text))).same
        with closing(sqlite3.connect(":memory:")) as database:
            frame.to_sql("points", database, index=False)
            frame["element_uuid"].to_sql("uuids", database)
            frame.set_index("element_uuid")[["time"]].to_sql("times", database)
            assert compare(frame, pd.read_sql("select * from points", database)).same
            for name in ("uuids", "times"):
                uuids = pd.read_sql(f"select element_uuid from {name}", database)["element_uuid"]
                assert uuids.tolist() == list(map(str, frame["element_uuid"]))


def test_what_pandas_writes_is_written_by_it(tmp_path: Path) -> None:
    for writer in ("excel", "json", "parquet", "sql"):
        frame = ours(PLAIN[["value"]])
        assert frame.xentara.plain(writer) is frame
    plain = pd.DataFrame(points([1.5, 2.5]))
    plain.attrs = points([1.5, 2.5]).attrs
    assert points([1.5, 2.5]).to_parquet() == plain.to_parquet()
    with pytest.raises(ValueError, match="Duplicate column names"):
        ours(pd.concat([points(MIXED), points(MIXED)], axis=1)).to_parquet()
    with pytest.raises(ValueError, match="'excel', 'json', 'parquet', 'sql' or None, not 'csv'"):
        ours().xentara.plain("csv")


def test_all_tables_of_a_client_are_of_the_class(client: Client, tmp_path: Path) -> None:
    rows = client.inventory("Plant.Line 1").xentara.readable().head(40)
    before = client.snapshot(rows)
    with client.watch(rows) as watch:
        watch.until(lambda latest: latest["value"].notna().any(), timeout=30)
        tables = [watch.latest(), watch.changes(), watch.frame(), watch.attributes]
    plan = client.plan_writes({"Plant.Line 1.Set point": 195, "Plant.Line 1.Batch": 7})
    tables += [rows, client.read(rows), before, client.search("set point"), plan.frame]
    tables += [plan.apply().frame, compare(before, client.snapshot(rows)).frame]
    tables += [client.browse(), read_journal(), rows.xentara.elements()]
    path = tmp_path / "x"
    for frame in tables:
        assert type(frame) is XentaraFrame
        index = frame.index.name is not None
        frame.to_parquet(path)
        assert len(pd.read_parquet(path)) == len(frame)
        frame.to_excel(tmp_path / "x.xlsx", index=index)
        assert len(pd.read_excel(tmp_path / "x.xlsx")) == len(frame)
        with closing(sqlite3.connect(":memory:")) as database:
            frame.to_sql("x", database, index=index)
            assert len(pd.read_sql("select * from x", database)) == len(frame)
    for frame in (rows, before, client.read(rows)):
        frame.to_parquet(path)
        assert_frame_equal(read_table(path, ending=".parquet"), frame.reset_index(drop=True))


def test_a_narrow_terminal_shows_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    columns = {f"column {number}": ["x" * 20] for number in range(4)}
    frame = XentaraFrame({**columns, "value": [42.5], "time": ["y" * 30]})
    with pd.option_context("display.max_columns", 0):  # as pandas has it in a terminal
        assert "42.5" not in repr(pd.DataFrame(frame))
        assert "42.5" in repr(frame)
        assert max(map(len, repr(frame).split("\n"))) <= 60
        wide = XentaraFrame({f"column {number}": [number] for number in range(1000)})
        assert len(repr(wide)) < 2000
        with pd.option_context("display.width", 200):
            assert max(map(len, repr(frame).split("\n"))) > 60
    with pd.option_context("display.max_columns", 2):  # what the user has chosen
        assert "42.5" not in repr(frame)
