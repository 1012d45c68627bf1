"""Watches of a plant that moves."""

from __future__ import annotations

import gc
import queue
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.clients import eventually
from xentara_nb import Client, UnknownElementError, Watch
from xentara_nb.errors import ConnectionLostError, DeadlineError, NotFoundError, OptionError
from xentara_nb.simulator import Simulator

SET_POINT, RUN, SPEED = "Plant.Line 1.Set point", "Plant.Line 1.Run", "Plant.Line 1.Speed"
PATIENCE = 30


def complete(latest: pd.DataFrame) -> bool:
    return bool(latest["value"].notna().all())


def write(client: Client, *values: float) -> None:
    for value in values:
        client.write(SET_POINT, value, verify=False)


def seen(value: float) -> Any:
    """Return what is true when a value has come."""
    return lambda latest: value in latest["value"].tolist()


def test_the_latest_values(client: Client) -> None:
    with client.watch([SET_POINT, RUN]) as watch:
        latest = watch.until(complete, timeout=PATIENCE)

        assert latest.dtypes.astype(str).to_dict() == {
            "primary_key": "str",
            "element_uuid": "object",
            "attribute_name": "str",
            "value": "object",
            "quality": "str",
            "update_time": "datetime64[ns, UTC]",
            "source_time": "datetime64[ns, UTC]",
            "age": "float64",
            "error": "str",
        }
        assert latest["primary_key"].tolist() == [SET_POINT, RUN]
        assert latest["quality"].tolist() == ["good", "good"]
        assert latest["error"].isna().all()
        assert (latest["age"] >= 0).all()
        assert watch.names == [SET_POINT, RUN]
        assert watch.attributes["attribute_name"].tolist() == ["value", "value"]
        assert watch.quality(SET_POINT) == "good"
        assert watch.ended is watch.lost is None


def test_changes_and_frame(client: Client) -> None:
    write(client, 120)
    with client.watch([SET_POINT, RUN]) as watch:
        watch.until(complete, timeout=PATIENCE)
        for value in (121.5, 122.0, 123.25):  # halves, singles and doubles on the wire
            write(client, value)
            watch.until(seen(value), timeout=PATIENCE)

    changes = watch.changes()
    of_one = changes[changes["primary_key"] == SET_POINT]
    assert of_one["value"].tolist() == [120.0, 121.5, 122.0, 123.25]
    assert of_one["quality"].tolist() == ["good"] * 4
    assert changes["time"].is_monotonic_increasing
    frame = watch.frame()
    assert frame.dtypes.astype(str).to_dict() == {SET_POINT: "float64", RUN: "boolean"}
    assert frame[SET_POINT].dropna().tolist() == [120.0, 121.5, 122.0, 123.25]
    assert watch.frame(fill="forward")[RUN].notna().all()
    times, values, missing = watch.columns(SET_POINT)
    assert values.tolist() == [120.0, 121.5, 122.0, 123.25]
    assert pd.to_datetime(times, utc=True).tolist() == frame[SET_POINT].dropna().index.tolist()
    assert not missing.any()
    assert watch.columns(0, last=1).values.tolist() == [123.25]


def test_rows_of_an_inventory_of_any_attribute(client: Client) -> None:
    rows = client.meta_data(SET_POINT)
    rows = rows[rows["attribute_name"].isin(["value", "quality", "updateTime"])]
    with client.watch(rows) as watch:
        latest = watch.until(lambda latest: latest["age"].notna().all(), timeout=PATIENCE)

    assert watch.names == [f"{SET_POINT}.{name}" for name in rows["attribute_name"]]
    assert "good" in latest["value"].tolist()
    update_time = client.read(SET_POINT, "updateTime")["value"][0]
    value = latest[latest["attribute_name"] == "value"].iloc[0]
    assert value["update_time"] == update_time
    assert str(watch.frame()[f"{SET_POINT}.quality"].dtype) == "str"


def test_changes_one_by_one_as_they_come(client: Client) -> None:
    write(client, 130)
    with client.watch(SET_POINT) as watch, ThreadPoolExecutor(1) as pool:
        changes = iter(watch)
        first = next(changes)
        assert (first.column, first.value, first.error) == (SET_POINT, 130.0, None)
        assert isinstance(first.time, pd.Timestamp)
        waiting = pool.submit(next, changes)
        write(client, 131)
        assert waiting.result(PATIENCE).value == 131.0
        rest = pool.submit(list, changes)
        write(client, 132)
        watch.until(seen(132), timeout=PATIENCE)
        watch.close()
        assert [change.value for change in rest.result(PATIENCE)] == [132.0]
    assert [change.value for change in watch] == [130.0, 131.0, 132.0]


def test_waiting_in_vain(client: Client) -> None:
    with client.watch(SET_POINT) as watch:
        with pytest.raises(DeadlineError, match=r"did not come within 0.01 s"):
            watch.until(lambda latest: False, timeout=0.01)
        with pytest.raises(ZeroDivisionError):
            watch.until(lambda latest: 1 / 0)
    with pytest.raises(ConnectionLostError, match="closed"):
        watch.until(lambda latest: False)


def test_a_function_is_called_on_changes(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    calls: queue.SimpleQueue[Watch] = queue.SimpleQueue()

    def fail(watch: Watch) -> None:
        raise ValueError("no good")

    with client.watch(SET_POINT) as watch:
        watch.on_change(fail)
        stop = watch.on_change(calls.put)
        assert calls.get(timeout=PATIENCE) is watch
        while not watch.columns(0).times.size:
            calls.get(timeout=PATIENCE)
        write(client, 140)
        while watch.columns(0, last=1).values[0] != 140:
            calls.get(timeout=PATIENCE)
        stop()
        stop()
        watch.until(complete, timeout=PATIENCE)
    assert sum("no good" in str(record.exc_info) for record in caplog.records) == 1


def test_the_end_is_told_as_well(client: Client) -> None:
    ended = threading.Event()
    watch = client.watch(SET_POINT)
    watch.on_change(lambda watch: ended.set() if watch.ended else None)
    client.close()

    assert ended.wait(PATIENCE)
    assert "closed" in str(watch.ended)
    with pytest.raises(ConnectionLostError, match="closed"):
        list(watch)
    watch.close()


def test_the_last_changes_are_kept(client: Client) -> None:
    write(client, 150)
    with client.watch(SET_POINT, keep=2) as watch:
        for value in (151, 152, 153):
            watch.until(complete, timeout=PATIENCE)
            write(client, value)
            watch.until(seen(value), timeout=PATIENCE)
        assert watch.frame()[SET_POINT].tolist() == [152.0, 153.0]
        assert watch.dropped == watch.frame().attrs["dropped"] == watch.changes().attrs["dropped"]
        assert watch.dropped == 2
        assert repr(watch) == "<Watch of 1 attribute, 2 changes kept, 2 dropped, open>"
    assert repr(watch).endswith("ended: the watch is closed>")


def test_changes_are_kept_for_a_time(client: Client) -> None:
    write(client, 150)
    with client.watch(SET_POINT, keep="1ns") as watch:
        for value in (151, 152):
            watch.until(complete, timeout=PATIENCE)
            write(client, value)
            watch.until(seen(value), timeout=PATIENCE)
        # The last one, and no other that held within the time before it.
        assert watch.frame()[SET_POINT].tolist()[-1] == 152.0
        assert watch.dropped


@pytest.mark.parametrize("keep", [0, -1, True, "sometimes", "0s", None, 1.5])
def test_what_cannot_be_kept(client: Client, keep: Any) -> None:
    with pytest.raises(OptionError, match="keep"):
        client.watch(SET_POINT, keep=keep)


@pytest.mark.parametrize(
    "rates", [{"every": 0}, {"at_least": -1}, {"every": float("nan")}, {"every": "1s"}]
)
def test_rates_that_are_none(client: Client, rates: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(rates))):
        client.watch(SET_POINT, **rates)


@pytest.mark.parametrize(
    ("predicate", "timeout", "message"),
    [
        ("ready", 1, "the predicate is a function"),
        (lambda latest: latest["value"] > 0, 1, r"end with \.all\(\) or \.any\(\)"),
        (lambda latest: True, "1s", "timeout is a time in seconds"),
    ],
)
def test_what_cannot_be_waited_for(
    client: Client, predicate: Any, timeout: Any, message: str
) -> None:
    with client.watch(SET_POINT) as watch, pytest.raises(OptionError, match=message):
        watch.until(predicate, timeout=timeout)


def test_what_cannot_be_called(client: Client) -> None:
    with client.watch(SET_POINT) as watch, pytest.raises(OptionError, match="is a function"):
        watch.on_change("print")


def test_rates_as_the_server_takes_them(client: Client, plant: Simulator) -> None:
    with client.watch(SET_POINT, every=0.05, at_least=0.05) as watch:
        watch.until(lambda latest: len(watch.columns(0).times) >= 3, timeout=PATIENCE)
    (parameters,) = plant.requests.query("command == 'subscribe'")["parameters"]
    assert (parameters["1"], parameters["2"]) == (50, 50)


def test_what_is_not_there(client: Client) -> None:
    with pytest.raises((NotFoundError, UnknownElementError)):
        client.watch("Plant.Nothing")
    with client.watch(SET_POINT) as watch:
        for row in ("Plant", 7):
            with pytest.raises(NotFoundError, match="no attribute of this watch"):
                watch.columns(row)


def test_a_quality_that_changes_alone(client: Client, plant: Simulator) -> None:
    with client.watch(SET_POINT) as watch:
        watch.until(complete, timeout=PATIENCE)
        plant.faults.bad_quality(SET_POINT)
        watch.until(lambda latest: "bad" in latest["quality"].tolist(), timeout=PATIENCE)

    changes = watch.changes()
    assert changes["quality"].tolist() == ["good", "bad"]
    assert changes["value"].nunique() == 1


def test_an_attribute_that_cannot_be_read_is_an_error_in_its_row(
    client: Client, plant: Simulator
) -> None:
    with client.watch([SET_POINT, RUN]) as watch:
        watch.until(complete, timeout=PATIENCE)
        plant.faults.read_error(SET_POINT)
        latest = watch.until(lambda latest: latest["error"].notna().any(), timeout=PATIENCE)

    assert latest["value"].isna().tolist() == [True, False]
    changes = watch.changes()
    assert changes["value"][changes["error"].notna()].isna().all()
    assert np.isnan(watch.frame()[SET_POINT].to_numpy()[-1])


def test_a_watch_that_is_not_used_any_more_ends(client: Client, plant: Simulator) -> None:
    other = client.watch(RUN)
    other.until(complete, timeout=PATIENCE)
    watch = client.watch(SET_POINT)
    watch.until(complete, timeout=PATIENCE)
    gone = threading.Event()
    weakref.finalize(watch, gone.set)
    del watch
    gc.collect()
    assert gone.wait(PATIENCE)  # its thread may just have looked at it
    other.close()

    eventually(lambda: plant.requests["command"].tolist().count("unsubscribe") == 2)


def test_a_client_that_is_not_used_any_more_ends(plant: Simulator) -> None:
    client = plant.connect(journal=False)
    watch = client.watch(SET_POINT)
    watch.until(complete, timeout=PATIENCE)
    del client, watch
    gc.collect()  # its threads end, which the fixture nothing_left_behind looks at
