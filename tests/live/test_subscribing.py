"""Subscriptions that are shared, and that survive the loss of their connection."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

import xentara_nb
from tests.conftest import Fake
from tests.support.clients import eventually
from tests.support.proxy import DOWN, UP, Proxy
from tests.support.server import Wire, publishing
from xentara_nb import Client, UnknownElementError, Watch
from xentara_nb.connection import probing
from xentara_nb.errors import LoginError
from xentara_nb.live import subscribing
from xentara_nb.live.routing import EventRouter
from xentara_nb.protocol.commands import DataChange
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.packets import Success, encode_packets
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator import Simulator

SET_POINT, RUN, SPEED = "Plant.Line 1.Set point", "Plant.Line 1.Run", "Plant.Line 1.Speed"
PATIENCE = 30


def complete(latest: pd.DataFrame) -> bool:
    return bool(latest["value"].notna().all())


def settled(watch: Watch) -> Watch:
    watch.until(complete, timeout=PATIENCE)
    return watch


def seen(value: float) -> Any:
    return lambda latest: value in latest["value"].tolist()


def subscribed(plant: Simulator, command: str = "subscribe") -> int:
    return plant.requests["command"].tolist().count(command)


# Sharing.


def test_two_watches_of_an_attribute_share_a_subscription(client: Client, plant: Simulator) -> None:
    with client.watch([SET_POINT, RUN]) as first:
        settled(first)
        with client.watch(SET_POINT) as second:
            # The first event of the subscription is long past.
            settled(second)
            assert subscribed(plant) == 1
            client.write(SET_POINT, 160, verify=False)
            for watch in (first, second):
                watch.until(seen(160.0), timeout=PATIENCE)
        assert subscribed(plant, "unsubscribe") == 0
        client.write(SET_POINT, 161, verify=False)
        first.until(seen(161.0), timeout=PATIENCE)
    # The thread of the watches may be the one that does it.
    eventually(lambda: subscribed(plant, "unsubscribe") == 1)
    assert 161.0 not in second.frame()[SET_POINT].tolist()


def test_the_first_of_two_may_end_first(client: Client, plant: Simulator) -> None:
    first = settled(client.watch([SET_POINT, RUN]))
    second = settled(client.watch([RUN, SPEED]))  # one of them is shared
    first.close()
    assert subscribed(plant, "unsubscribe") == 0
    with client.watch(SET_POINT) as third:
        settled(third)  # no other one follows it any more, so it begins again
        assert subscribed(plant) == 3
    second.close()
    eventually(lambda: subscribed(plant, "unsubscribe") == 3)


def test_other_rates_are_another_subscription(client: Client, plant: Simulator) -> None:
    with client.watch(SET_POINT) as first, client.watch(SET_POINT, every=0.01) as second:
        settled(first)
        settled(second)
        assert subscribed(plant) == 2
        client.write(SET_POINT, 170, verify=False)
        for watch in (first, second):
            watch.until(seen(170.0), timeout=PATIENCE)
        # Both get the events of both, at most one at a time.
        assert first.frame()[SET_POINT].tolist()[-1] == 170.0


def test_a_subscription_beside_a_watch(client: Client) -> None:
    with client.watch(SET_POINT) as watch, client.subscribe(SET_POINT) as subscription:
        settled(watch)
        assert subscription.next_event(PATIENCE).values
        client.write(SET_POINT, 175, verify=False)
        watch.until(seen(175.0), timeout=PATIENCE)
        events = subscription.events(PATIENCE)
        assert any(175.0 in event.values.values() for event in events)


def test_a_subscription_that_the_server_refuses(client: Client, plant: Simulator) -> None:
    row = client.meta_data(SET_POINT).head(1)
    plant.faults.vanish(SET_POINT)
    with pytest.raises(UnknownElementError):
        client.watch(row)
    # And it leaves nothing behind.
    plant.faults.clear()
    with client.watch(row) as watch:
        settled(watch)


def test_events_that_no_one_looks_at_are_not_kept_as_they_came(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribing, "TICK", 1000.0)
    monkeypatch.setattr(subscribing, "MAX_UNDECODED", 3)
    with client.watch(SET_POINT) as watch:
        settled(watch)
        kept = watch.kept
        while watch.kept < kept + 3:  # which does not look at what is not decoded
            client.write(SET_POINT, 300 + watch.kept, verify=False)


# Surviving.


def gaps(watch: Watch) -> pd.DataFrame:
    changes = watch.changes()
    return changes[changes["error"].notna()]


def test_a_connection_that_is_cut(far_client: Client, proxy: Proxy, plant: Simulator) -> None:
    with far_client.watch([SET_POINT, RUN]) as watch, plant.connect(journal=False) as near:
        settled(watch)
        proxy.cut()
        watch.until(lambda latest: len(gaps(watch)), timeout=PATIENCE)
        near.write(SET_POINT, 181, verify=False)
        watch.until(seen(181.0), timeout=PATIENCE)
        assert watch.lost is None
        near.write(SET_POINT, 182, verify=False)
        watch.until(seen(182.0), timeout=PATIENCE)

    of_one = watch.changes().query("primary_key == @SET_POINT")
    assert of_one["error"].notna().sum() == 1
    assert of_one["time"].is_monotonic_increasing
    assert len(gaps(watch)) == 2
    assert gaps(watch)["value"].isna().all()
    assert gaps(watch)["error"].str.contains("was lost").all()
    # There is nothing to show within the gap, also where the last value is to go on.
    frame = watch.frame(fill="forward")
    gap = gaps(watch)["time"].iloc[0]
    assert frame.loc[gap].isna().all()


def test_a_call_that_connects_again_does_not_take_the_watch_along(
    far_client: Client, proxy: Proxy, plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribing, "FIRST_DELAY", 1000.0)
    with far_client.watch(SET_POINT) as watch:
        settled(watch)
        for value in (183.0, 184.0):
            proxy.cut()
            far_client.get_stage()
            far_client.write(SET_POINT, value, verify=False)
            watch.until(seen(value), timeout=PATIENCE)


def test_a_connection_that_is_frozen_is_noticed_without_a_call(
    far_client: Client, proxy: Proxy, plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "QUIET_TIME", 0.1)
    with far_client.watch(SET_POINT) as watch, plant.connect(journal=False) as near:
        settled(watch)
        proxy.freeze(UP, DOWN)
        watch.until(lambda latest: len(gaps(watch)), timeout=PATIENCE)
        noticed = pd.Timestamp.now("UTC")
        near.write(SET_POINT, 185, verify=False)
        watch.until(seen(185.0), timeout=PATIENCE)

    (gap,) = gaps(watch).itertuples()
    assert "has sent nothing" in gap.error
    # It was silent before: for the quiet time, and while a ping was not answered.
    assert (noticed - gap.time).total_seconds() > 1


def test_a_gap_that_is_noticed_late_begins_where_nothing_came_any_more(
    far_client: Client, proxy: Proxy, plant: Simulator
) -> None:
    busy, go_on = threading.Event(), threading.Event()

    def keep_busy(watch: Watch) -> None:
        busy.set()
        assert go_on.wait(PATIENCE)

    with far_client.watch(SET_POINT) as watch, plant.connect(journal=False) as near:
        settled(watch)
        watch.on_change(keep_busy)
        near.write(SET_POINT, 140, verify=False)
        assert busy.wait(PATIENCE)
        proxy.cut()
        eventually(lambda: far_client.ended is not None)
        ended = pd.Timestamp.now("UTC")
        while pd.Timestamp.now("UTC") - ended < pd.Timedelta("300ms"):
            near.write(SET_POINT, 141, verify=False)
        go_on.set()
        watch.until(seen(141.0), timeout=PATIENCE)
    assert gaps(watch)["time"].iloc[0] < ended


TANK = UUID(int=0xA1)


def event(second: int, value: float, uuid: UUID = TANK) -> Any:
    return DataChange(TimePoint(second * 1_000_000_000), uuid, {11: value}).event()


def test_events_that_come_twice_or_late(fake: Fake) -> None:
    script = publishing(
        [event(1, 0.1)],
        [event(3, 0.3), event(2, 0.2), event(3, 0.3)],
        [event(2, 0.2), event(5, 9.9, UUID(int=0xB2))],
        [event(1, 0.1)],
        [event(4, 0.4)],
    )
    with fake(script).connect() as client:
        with client.watch(TANK) as watch:
            watch.until(seen(0.4), timeout=PATIENCE)
        frame = watch.frame()

    assert frame["Tank"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert encode_packets([event(1, 0.1)])


def test_the_clock_of_the_server_is_set_back(fake: Fake) -> None:
    """What came before has a later time by it, and is not what holds now."""
    script = publishing(
        [event(5000, 0.1)], [event(1000, 0.2)], [event(1001, 0.3)], [event(1002, 0.4)]
    )
    with fake(script).connect() as client, client.watch(TANK, keep="10s") as watch:
        latest = watch.until(seen(0.4), timeout=PATIENCE)
        assert latest["update_time"].tolist() == [pd.Timestamp(1002, unit="s", tz="UTC")]
        assert latest["age"].tolist() < [PATIENCE]
        assert watch.last(0).value == 0.4
        # These are in the order of the times, and none is dropped as too old.
        assert watch.frame()["Tank"].tolist() == [0.2, 0.3, 0.4, 0.1]
        assert next(iter(watch)).value == 0.4


def test_a_client_that_is_closed_leaves_what_has_come(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribing, "TICK", 1000.0)  # by itself, nothing is decoded
    element = UUID(int=0xA1)

    def script(wire: Wire) -> None:
        wire.hello()
        while True:
            for request in wire.requests():
                if request.opcode == OpCode.META_DATA:
                    item: Any = {0: "Tank", 1: 2, 2: [{0: "value", 1: 11, 2: 2, 3: 10}]}
                    wire.answer(Success(request.message_id, item))
                elif request.opcode == OpCode.SUBSCRIBE:
                    wire.answer(Success(request.message_id, request.parameters[3]))
                else:
                    wire.answer(DataChange(TimePoint(10**9), element, {11: 0.5}).event())
                    wire.answer(Success(request.message_id, 3))

    with fake(script).connect() as client:
        watch = client.watch(element)
        client.get_stage()
    assert str(watch.ended) == "the client has closed the connection"  # at once
    assert watch.frame()["Tank"].tolist() == [0.5]


def test_a_server_that_does_not_let_the_user_in_any_more(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        if wire.number:
            wire.refuse("401 Unauthorized")
            return
        wire.hello()
        for _ in range(2):
            for request in wire.requests():
                if request.opcode == OpCode.META_DATA:
                    item: Any = {0: "Tank", 1: 2, 2: [{0: "value", 1: 11, 2: 2, 3: 10}]}
                    wire.answer(Success(request.message_id, item))
                else:
                    wire.answer(Success(request.message_id, request.parameters[3]))

    server = fake(script)
    with server.connect() as client, client.watch(UUID(int=0xA1)) as watch:
        with pytest.raises(LoginError):
            watch.until(lambda latest: False, timeout=PATIENCE)
        assert isinstance(watch.ended, LoginError)
        with pytest.raises(LoginError):
            list(watch)
    assert len(server.wires) == 2  # a wrong password again and again may lock the account


def test_a_server_that_was_started_with_another_model(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribing, "FIRST_DELAY", 0.01)
    with (
        xentara_nb.simulate() as plant,
        plant.connect() as client,
        client.watch([SET_POINT, RUN]) as watch,
    ):
        settled(watch)
        names = {"Set point": ["float64", 5.0], "Run": ["bool", True]}
        one, two = (
            {
                "@Skill.SignalFlow.Register": {
                    "name": name,
                    "UUID": str(client.lookup(f"Plant.Line 1.{name}")),
                    "defaultValue": default,
                }
            }
            for name, default in names.items()
        )
        plant.faults.restart({"children": [one]})
        latest = watch.until(seen(5.0), timeout=PATIENCE)
        assert latest["error"].tolist()[1] == "unknown element (-32100)"
        plant.faults.restart({"children": [one, two]})
        watch.until(complete, timeout=PATIENCE)

    errors = gaps(watch).query("primary_key == @RUN")["error"].tolist()
    assert [error == "unknown element (-32100)" for error in errors] == [False, True, False]
    assert watch.changes()["time"].is_monotonic_increasing


def test_an_element_that_vanishes_while_the_server_runs(client: Client, plant: Simulator) -> None:
    with client.watch([SET_POINT, RUN]) as watch:
        settled(watch)
        plant.faults.vanish(SET_POINT)
        latest = watch.until(lambda latest: latest["error"].notna().any(), timeout=PATIENCE)
    assert latest["error"].tolist()[0] == "unknown element (-32100)"


def test_a_client_that_is_closed_while_there_is_no_server(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with xentara_nb.simulate() as plant:
        client = plant.connect()
        watch = settled(client.watch(SET_POINT))
    watch.until(lambda latest: watch.lost, timeout=PATIENCE)
    assert watch.ended is None
    client.close()
    with pytest.raises(xentara_nb.ConnectionLostError, match="closed"):
        watch.until(lambda latest: False, timeout=PATIENCE)


def test_a_thread_that_fails_ends_the_watches(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(router: EventRouter) -> bool:
        raise ValueError("no good")

    ended = threading.Event()
    watch = settled(client.watch(SET_POINT))
    watch.on_change(lambda watch: ended.set() if watch.ended else None)
    monkeypatch.setattr(EventRouter, "drain", fail)
    client.write(SET_POINT, 190, verify=False)

    assert ended.wait(PATIENCE)
    assert "looking after the watches failed" in str(watch.ended)
    assert "no good" in caplog.text
