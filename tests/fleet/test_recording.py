"""Recordings of a fleet: one data set, and what becomes of a server that fails."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from xentara_nb import Fleet, FleetWarning, open_fleet_recording, open_recording
from xentara_nb.errors import LoginError, RecordingError
from xentara_nb.recordings.recorder import Recorder

RECIPE, SET_POINT = "Plant.Line 1.Recipe", "Plant.Line 1.Set point"


def test_one_data_set(fleet: Fleet, tmp_path: Path) -> None:
    seen: list[Mapping[str, Recorder]] = []
    recording = fleet.record([RECIPE, SET_POINT], tmp_path, for_=0.3, progress=seen.append)
    assert set(seen[-1]) == {"north", "south"}
    changes = recording.changes()
    assert changes["server"].cat.categories.tolist() == ["north", "south"]
    assert len(changes) >= 4
    of_north = changes[changes["server"] == "north"].drop(columns="server")
    pd.testing.assert_frame_equal(
        of_north.reset_index(drop=True), open_recording(tmp_path / "server=north").changes()
    )
    assert recording["south"].folder == tmp_path / "server=south"
    # pandas and others read the folder as one table.
    whole = pd.read_parquet(tmp_path)
    assert len(whole) == len(changes)
    assert set(whole["server"]) == {"north", "south"}
    assert {"day", "time", "value"} <= set(whole.columns)

    # Recorded into again, it goes on, and nothing stands there twice.
    fleet.record(SET_POINT, tmp_path, for_=0.1, servers="north", progress=False)
    later = open_fleet_recording(tmp_path, rows=SET_POINT, servers=["north"])
    assert not later.changes()[["time", "primary_key"]].duplicated().any()
    assert len(later.files) == 2
    assert "1 servers" in repr(later)


def test_duckdb_reads_it(fleet: Fleet, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB comes with [dev]")
    recording = fleet.record([RECIPE, SET_POINT], tmp_path, for_=0.1, progress=False)
    counts = duckdb.sql(
        f"select server, count(*) from read_parquet('{tmp_path}/**/*.parquet', "
        "hive_partitioning=true) group by server order by server"
    ).fetchall()
    expected = recording.changes()["server"].value_counts()
    assert counts == [("north", expected["north"]), ("south", expected["south"])]


def test_one_that_fails_leaves_the_others(fleet_with_a_failure: Fleet, tmp_path: Path) -> None:
    fleet = fleet_with_a_failure
    with pytest.warns(FleetWarning, match="1 of 3 servers failed: locked"):
        recording = fleet.record(SET_POINT, tmp_path, for_=0.1, progress=False)
    assert list(recording.recordings) == ["north", "south"]
    assert fleet.failures["server"].tolist() == ["locked"]
    with pytest.raises(LoginError):
        fleet.record(SET_POINT, tmp_path, for_=0.1, servers="locked", progress=False)


def test_rows_name_their_server(fleet: Fleet, tmp_path: Path) -> None:
    rows = fleet.search("recipe")
    rows = rows[(rows["server"] == "south") & (rows["primary_key"] == RECIPE)]
    with warnings.catch_warnings():
        warnings.simplefilter("error", FleetWarning)
        recording = fleet.record(rows, tmp_path, for_=0.1, progress=False)
    assert list(recording.recordings) == ["south"]


def test_what_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no such folder"):
        open_fleet_recording(tmp_path / "nothing")
    with pytest.raises(RecordingError, match="no recording of the server north"):
        open_fleet_recording(tmp_path, servers=["north"])
    assert open_fleet_recording(tmp_path).changes().empty
