"""Fifty servers, one DataFrame: what a fleet gives, and what it does about those that fail."""

from __future__ import annotations

import pickle
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pyarrow
import pytest

from xentara_nb import Fleet, FleetWarning, Server, read_fleet
from xentara_nb.client import client as client_module
from xentara_nb.errors import (
    ConnectionLostError,
    LoginError,
    NotFoundError,
    OptionError,
    WriteRefusedError,
)
from xentara_nb.fleet.pool import FleetProgress
from xentara_nb.fleet.tasks import run_task
from xentara_nb.protocol.sharing import sharing
from xentara_nb.simulator import Simulator
from xentara_nb.tables.files import read_table

SET_POINT, SPEED = "Plant.Line 1.Set point", "Plant.Line 1.Speed"


def quiet(frame: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FleetWarning)
        return frame()


def test_an_inventory_is_that_of_each_server(fleet: Fleet) -> None:
    frame = fleet.inventory(categories="data point", progress=False)
    assert frame["server"].cat.categories.tolist() == ["north", "south"]
    for name in fleet.servers:
        own = fleet[name].inventory(categories="data point")
        rows = frame[frame["server"] == name].drop(columns="server").reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, own)
    assert frame.attrs["xentara"]["servers"] == ["north", "south"]
    assert fleet.failures.empty


def test_servers_with_one_model_share_its_decoding(
    server_of: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    build = client_module.inventory_frame_of
    monkeypatch.setattr(
        client_module, "inventory_frame_of", lambda *columns: made.append(1) or build(*columns)
    )
    # One after the other, or both would make it.
    with Fleet([server_of("north"), server_of("south")], threads=1, journal=False) as fleet:
        frame = fleet.inventory("Plant.Line 1", progress=False)
        assert len(made) == 1
        south = frame[frame["server"] == "south"].reset_index(drop=True)
        own = fleet["south"].inventory("Plant.Line 1")
        pd.testing.assert_frame_equal(south.drop(columns="server"), own)
        assert len(made) == 2  # nothing is kept after the call
        with sharing():  # as another call that is under way at the same time
            one, other = (fleet.inventory("Plant.Line 1", servers="north") for _ in range(2))
            assert len(made) == 3
        one.loc[0, "primary_key"] = "changed"
        assert other["primary_key"].tolist() == own["primary_key"].tolist()


def test_servers_of_one_model_share_neither_columns_nor_notes(fleet: Fleet, tmp_path: Path) -> None:
    with sharing():  # as while another thread asks a fleet
        north, south = (fleet[name].inventory("Plant.Line 1") for name in ("north", "south"))
    north.columns = north.columns.str.upper()
    assert "primary_key" in south
    notes = [each.attrs["xentara"]["server"] for each in (north, south)]
    assert notes == [fleet[name].address.url for name in ("north", "south")]
    fleet.save(tmp_path, "inventory", progress=False)
    saved = [read_table(path) for path in sorted(tmp_path.rglob("*.parquet"))]
    assert [each.attrs["xentara"]["server"] for each in saved] == notes


def test_what_is_written_into_an_array_reaches_no_other_server(fleet: Fleet) -> None:
    with sharing():  # as while another thread asks a fleet
        north, south = (fleet[name].inventory("Plant.Line 1") for name in ("north", "south"))
        before = south.copy()
        for column in north.columns:
            north[column].array[:] = north[column].array[::-1].copy()
        both = fleet.inventory("Plant.Line 1", progress=False)
        assert not north.equals(before)
        pd.testing.assert_frame_equal(south, before)
        for name in ("north", "south"):
            again = both[both["server"] == name].drop(columns="server").reset_index(drop=True)
            pd.testing.assert_frame_equal(again, before)


def test_rows_are_read_from_the_server_that_they_name(fleet: Fleet) -> None:
    fleet["south"].write(SET_POINT, 123.0)
    rows = fleet.search("set line 1", category="data point", writable=True)
    rows = rows[rows["primary_key"] == SET_POINT]
    values = fleet.read(rows, "value")
    assert values[["server", "value"]].values.tolist() == [["north", 210.0], ["south", 123.0]]
    assert values["value"].dtype == "float64"
    only = fleet.read(rows[rows["server"] == "south"], "value")
    assert only["server"].tolist() == ["south"]
    assert fleet.snapshot(rows)["value"].tolist() == [210.0, 123.0]
    # In any table, and where the server is in the index.
    plain = pd.DataFrame({"server": ["south"], "primary_key": [SET_POINT]})
    for table in (plain.set_index("server"), pyarrow.Table.from_pandas(plain)):
        assert fleet.read(table, "value")["server"].tolist() == ["south"]
    # In dicts and other single rows as well.
    record = {"server": "south", "primary_key": SET_POINT}
    for given in (record, [record], plain.iloc[0], next(plain.itertuples()), iter([record])):
        assert fleet.read(given, "value")["server"].tolist() == ["south"]
    for given in ([record, SET_POINT], [record, {**record, "server": None}]):
        with pytest.raises(OptionError, match="a row names no server"):
            fleet.read(given)
    with pytest.raises(OptionError, match="two columns server"):
        fleet.read(plain.set_index("server", drop=False))
    with pytest.raises(NotFoundError, match="no server 'west' in the fleet"):
        fleet.read(rows.assign(server="west"))


@pytest.mark.parametrize(
    "arguments",
    [
        {"elements": [[SET_POINT]]},
        {"elements": [pd.DataFrame({"server": ["south"], "primary_key": [SET_POINT]})]},
        {"elements": ""},
        {"elements": SET_POINT, "attributes": [None]},
    ],
)
def test_what_names_nothing_anywhere_is_no_failure_of_the_servers(
    fleet: Fleet, arguments: dict[str, Any]
) -> None:
    with pytest.raises(NotFoundError):
        fleet.read(**arguments)
    with pytest.raises(NotFoundError, match="is no category"):
        fleet.inventory(categories="datapoint!")
    assert fleet.failures.empty


def test_each_server_gets_all_of_what_can_be_gone_through_once(
    fleet: Fleet, tmp_path: Path
) -> None:
    keys = [SET_POINT, "Plant.Line 2.Set point"]
    both = [[name, key] for name in fleet.servers for key in keys]
    values = fleet.read(iter(keys), iter(["value"]), servers=iter(fleet.servers), progress=False)
    assert values[["server", "primary_key"]].values.tolist() == both
    recording = fleet.record(iter(keys), tmp_path, iter(["value"]), for_=0.1, progress=False)
    changes = recording.changes()[["server", "primary_key"]].drop_duplicates()
    assert sorted(changes.values.tolist()) == both


def test_one_failure_is_a_row_and_not_the_end(fleet_with_a_failure: Fleet) -> None:
    fleet = fleet_with_a_failure
    with pytest.warns(FleetWarning, match="1 of 3 servers failed: locked") as caught:
        frame = fleet.read(SET_POINT, "value")
    assert caught[0].filename == __file__
    assert frame["server"].tolist() == ["north", "south"]
    assert frame["server"].cat.categories.tolist() == ["north", "locked", "south"]
    assert frame.attrs["xentara"]["failed"] == ["locked"]
    failures = fleet.failures
    assert failures[["server", "kind"]].values.tolist() == [["locked", "LoginError"]]
    assert failures.dtypes.astype(str).to_dict() == {
        "server": "str",
        "kind": "str",
        "error": "str",
        "since": "datetime64[ns, UTC]",
    }
    # It fails since the first time, until it has answered.
    quiet(lambda: fleet.read(SET_POINT, "value"))
    assert fleet.failures["since"].tolist() == failures["since"].tolist()
    assert "1 of them fail" in repr(fleet)
    assert "hush" not in repr(fleet) + fleet._repr_html_()
    with pytest.raises(LoginError):
        fleet["locked"]


def test_where_all_fail_the_frame_is_empty_and_exact(
    server_of: Callable[..., Server], fleet: Fleet
) -> None:
    with Fleet([server_of("north", user="nobody")]) as locked, pytest.warns(FleetWarning):
        frame = locked.snapshot()
    assert frame.empty
    assert list(frame.columns) == list(fleet.snapshot(SET_POINT).columns)


def test_a_server_that_is_back_fails_no_more(fleet: Fleet, plants: dict[str, Simulator]) -> None:
    plants["south"].faults.delay(60)
    with pytest.warns(FleetWarning, match="1 of 1 server failed: south"):
        assert fleet.read(SET_POINT, "value", servers="south", deadline=0.3).empty
    assert fleet.failures[["server", "kind"]].values.tolist() == [["south", "DeadlineError"]]
    plants["south"].faults.clear()
    assert fleet.read(SET_POINT, "value")["server"].tolist() == ["north", "south"]
    assert fleet.failures.empty


def test_connections_are_kept(fleet: Fleet, plants: dict[str, Simulator]) -> None:
    client = fleet["north"]
    fleet.read(SET_POINT, servers="north")
    fleet.search("speed", servers=["north"])
    assert fleet.client("north") is client
    assert plants["north"].requests["connection"].nunique() == 1
    client.close()
    assert fleet["north"] is not client


def test_two_threads_make_one_connection(fleet: Fleet, plants: dict[str, Simulator]) -> None:
    barrier = threading.Barrier(4)

    def client(_: int) -> object:
        barrier.wait(30)
        return fleet["north"]

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(client, range(4)))) == 1


def test_progress(fleet: Fleet) -> None:
    seen: list[FleetProgress] = []
    fleet.read(SET_POINT, progress=seen.append)
    assert (seen[-1].done, seen[-1].total) == (2, 2)


def test_only_some_servers(fleet: Fleet) -> None:
    assert fleet.search("speed", servers="south")["server"].unique().tolist() == ["south"]
    with pytest.raises(NotFoundError, match="did you mean 'north'"):
        fleet.inventory(servers=["nort"])
    with pytest.raises(NotFoundError):
        fleet["east"]


def test_an_executor(
    server_of: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, fleet: Fleet
) -> None:
    class Pickling(ThreadPoolExecutor):
        """As another process: what goes there and comes back is pickled."""

        def submit(self, function, *arguments):
            task = pickle.dumps((function, arguments))
            sent.append(task)
            return super().submit(lambda: pickle.loads(pickle.dumps(_run(task))))

    sent: list[bytes] = []
    monkeypatch.setenv("WORKER", "engineer-demo")
    servers = [server_of(name, password_from="env:WORKER") for name in fleet.servers]
    with Fleet(servers) as portable, Pickling(2) as pool:
        frame = portable.read(SET_POINT, "value", executor=pool)
        assert frame["value"].tolist() == [210.0, 210.0]
        points = portable.snapshot(SET_POINT, executor=pool)
        found = portable.compare(points.assign(units="furlongs"), executor=pool)
        assert found.frame["old"].tolist() == ["furlongs", "furlongs"]
        monkeypatch.delenv("WORKER")
        with pytest.warns(FleetWarning, match="WORKER is not set here"):
            assert portable.read(SET_POINT, executor=pool).empty
        with pytest.raises(OptionError, match="was given in this process"):
            fleet.read(SET_POINT, executor=pool)
    assert len(sent) == 8
    assert not [each for each in sent if b"engineer-demo" in each]


def test_a_worker_that_is_killed_is_a_failure(
    server_of: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Executor):
        def submit(self, *arguments: Any, **options: Any) -> Future[Any]:
            raise BrokenProcessPool("a worker was killed")

    monkeypatch.setenv("WORKER", "engineer-demo")
    with Fleet([server_of("north", password_from="env:WORKER")]) as fleet:
        with pytest.warns(FleetWarning, match="the worker that asked it has ended"):
            assert fleet.search("speed", executor=Killed()).empty
        assert fleet.failures["kind"].tolist() == ["ConnectionLostError"]


def _run(task: bytes) -> object:
    function, arguments = pickle.loads(task)
    assert function is run_task
    return function(*arguments)


def test_saved_as_it_comes_and_compared_later(fleet: Fleet, tmp_path: Path) -> None:
    keys = [SET_POINT, "Plant.Line 2.Set point"]
    saved = fleet.save(tmp_path, "snapshot", elements=keys)
    assert saved[["server", "rows"]].values.tolist() == [["north", 2], ["south", 2]]
    whole = pd.read_parquet(tmp_path)
    assert sorted(whole["server"].unique()) == ["north", "south"]
    old = read_fleet(tmp_path)
    assert old.dtypes.to_dict() == fleet.snapshot(keys).dtypes.to_dict()

    rows = fleet.read(keys, "value")
    fleet["north"].write(SET_POINT, 99.0)
    found = fleet.compare(rows)
    assert found.changed_servers == ["north"]
    assert found.frame[["server", "change", "primary_key", "old", "new"]].values.tolist() == [
        ["north", "value", SET_POINT, 210.0, 99.0]
    ]
    changes = fleet.compare(tmp_path).frame
    assert set(changes["primary_key"]) <= set(keys)  # the rest was not asked for then
    here = changes[changes["primary_key"] == SET_POINT]
    assert here[["server", "new"]].values.tolist() == [["north", 99.0]]


def test_what_is_compared_says_which_part_it_is_of(
    fleet: Fleet, plants: dict[str, Simulator], tmp_path: Path
) -> None:
    part = {"root": "Plant.Line 1", "depth": 1, "categories": "data point"}
    plants["south"].faults.vanish(SPEED)
    fleet.save(tmp_path / "folder", "inventory", **part)
    fleet.inventory(**part).xentara.to_file(tmp_path / "all.parquet")
    plants["south"].faults.clear()
    old = read_fleet(tmp_path / "folder")
    for known in (old, read_fleet(tmp_path / "all.parquet"), fleet.inventory(**part)):
        found = fleet.compare(known)
        assert found.whole
        added = [] if known["server"].value_counts().nunique() == 1 else [["south", SPEED]]
        assert found.frame[["server", "primary_key"]].values.tolist() == added
    # With a row less it may be of any part.
    found = fleet.compare(old[old["primary_key"] != SET_POINT])
    assert found.frame.empty
    assert "What the older table does not have was left out" in found.summary
    gone = fleet.compare(old.assign(primary_key="Plant.Gone", element_uuid=UUID(int=7)).iloc[1:])
    assert set(gone.frame["change"]) == {"removed"}


def test_of_few_elements_only_these_are_asked_for(
    fleet: Fleet, plants: dict[str, Simulator]
) -> None:
    rows = fleet.inventory("Plant.Line 1", depth=1, progress=False)
    few = rows[rows["primary_key"].isin([SET_POINT, SPEED])].reset_index(drop=True)
    points = fleet.snapshot([SET_POINT, "Plant.Line 2.Set point"], progress=False)
    fleet["north"].write(SET_POINT, 99.0, verify=False)

    def changed(old: pd.DataFrame) -> list[list[object]]:
        found = fleet.compare(old, servers=old["server"].unique(), progress=False)
        assert not found.whole
        assert not found.not_compared
        return found.frame[["server", "change", "primary_key", "old"]].values.tolist()

    before = {name: len(plant.requests) for name, plant in plants.items()}
    assert changed(few) == []
    assert changed(few.assign(data_type="Text").iloc[:1])[0][:2] == ["north", "retyped"]
    assert changed(points) == [["north", "value", SET_POINT, 210.0]]
    for name, plant in plants.items():
        assert "browse" not in set(plant.requests["command"][before[name] :])
    # What is not there any more may have another UUID, so all are looked through.
    south = few["server"] == "south"
    other = few.assign(element_uuid=few["element_uuid"].astype(object).where(~south, UUID(int=7)))
    gone = changed(other[other["primary_key"] == SET_POINT])
    assert gone == [["south", "replaced", SET_POINT, UUID(int=7)]]
    plants["north"].faults.vanish(SPEED)
    fleet["north"].close()  # for the model of a server changes when it is started again
    assert changed(few) == [["north", "removed", SPEED, None]]


def test_columns_that_were_asked_for_are_compared(fleet: Fleet, tmp_path: Path) -> None:
    rows = fleet.search("set line 1", writable=True, servers="north")
    fleet.save(tmp_path, "snapshot", elements=rows, attributes=["name"], progress=False)
    old = read_fleet(tmp_path)
    for table in (old.assign(name="Other"), old[old["primary_key"] == SET_POINT].assign(name="")):
        found = fleet.compare(table, progress=False)
        assert set(found.frame["attribute_name"]) == {"name"}
        assert len(found) == len(table)
        assert not found.whole


def test_what_is_compared_names_what_it_lacks(fleet_with_a_failure: Fleet) -> None:
    fleet = fleet_with_a_failure
    old = quiet(lambda: fleet.read(SET_POINT, "value"))
    locked = old[old["server"] == "north"].assign(server="locked")
    both = pd.concat([locked, old[old["server"] == "north"]])
    with pytest.warns(FleetWarning):
        found = fleet.compare(both)
    assert list(found.comparisons) == ["north"]
    assert list(found.not_compared) == ["locked", "south"]
    assert "user" in found.not_compared["locked"]
    assert found.not_compared["south"] == "there is nothing old of it"
    assert not found.same
    assert not found
    nothing = fleet.compare(locked, servers="south")
    assert list(nothing.not_compared) == ["south"]
    with pytest.raises(OptionError, match="has a column server"):
        fleet.compare(old.drop(columns="server"))


def test_it_says_what_is_meant_to_be_written_where(fleet: Fleet, tmp_path: Path) -> None:
    plan = fleet.plan_writes({SET_POINT: 195}, servers=["south", "north"])
    assert plan.order == ["south", "north"]
    by_server = fleet.plan_writes({"north": {SET_POINT: 195}, "south": {SPEED: 1}})
    assert by_server.frame["server"].tolist() == ["north", "south"]
    rows = pd.DataFrame({"server": ["south"], "primary_key": [SET_POINT], "value": [195]})
    rows.to_csv(tmp_path / "writes.csv", index=False)
    for writes in (rows, tmp_path / "writes.csv"):
        assert fleet.plan_writes(writes).order == ["south"]
    with pytest.raises(WriteRefusedError, match="no server of the fleet"):
        fleet.plan_writes({SET_POINT: 195})
    with pytest.raises(WriteRefusedError, match="say to which servers"):
        fleet.plan_writes([rows])
    with pytest.raises(NotFoundError):
        fleet.plan_writes(rows.assign(server="west"))


def test_a_closed_fleet(fleet: Fleet) -> None:
    client = fleet["north"]
    fleet.close()
    fleet.close()
    assert client.closed
    with pytest.raises(ConnectionLostError, match="this fleet is closed"):
        fleet["north"]
    with pytest.raises(TypeError):
        iter(fleet)
