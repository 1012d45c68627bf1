"""Faults on purpose, as other tests use them: through a server, and with its own client."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from xentara_nb.protocol.commands import (
    Browse,
    ClientHello,
    GetStage,
    Lookup,
    MetaData,
    Read,
    Subscribe,
    SubscriptionTarget,
    Write,
)
from xentara_nb.protocol.identifiers import NIL_UUID, Quality
from xentara_nb.protocol.packets import Event, Failure, Success, decode_answers, encode_packets
from xentara_nb.simulator import FaultError, Faults, Simulator, simulate

Dial = Callable[..., Any]
SET_POINT = "Plant.Line 1.Set point"


@pytest.fixture
def simulator(plant: Simulator) -> Simulator:
    return plant


def uuid(simulator: Simulator, key: str) -> UUID:
    return simulator.plant.lookup(key).uuid


def value(wire: Any, element: UUID, attribute: int = 11) -> Any:
    (answer,) = wire.ask(Read(element, (attribute,)))
    return answer.item[attribute].value


def code(answer: Any) -> int:
    return int(answer.error.code) if isinstance(answer, Failure) else 0


def test_delay(simulator: Simulator, dial: Dial) -> None:
    wire = dial(simulator)
    simulator.faults.delay(0.2, jitter=0.05)
    assert "delay 0.2 s" in repr(simulator.faults)
    began = time.monotonic()
    # Several messages at once: they are late together, not one after the other, and in order.
    for number in range(200):
        wire.connection.send(encode_packets([GetStage().request(number)]))
    for number in range(200):
        assert decode_answers(wire.connection.recv(timeout=10)) == [Success(number, 2)]
    assert 0.14 < time.monotonic() - began < 30  # and not 200 times 0.15
    simulator.faults.delay(60)  # longer than the test waits for an answer
    simulator.faults.delay(0)
    wire.ask(GetStage())
    assert repr(simulator.faults) == "<Faults: none>"


def test_the_next_answer_is_lost(simulator: Simulator, dial: Dial) -> None:
    wire, other = dial(simulator), dial(simulator)
    set_point = uuid(simulator, SET_POINT)
    simulator.faults.drop_after(bytes_out=0)
    with pytest.raises(ConnectionClosedError):
        wire.ask(Write(set_point, 11, 77))
    # The write has been executed, the other connection lives, and the fault is used up.
    assert value(other, set_point) == 77
    assert simulator.writes["value"].tolist() == [77.0]
    assert dial(simulator).ask(GetStage()) == [Success(1, 2)]


def test_the_next_request_is_lost(simulator: Simulator, dial: Dial) -> None:
    wire = dial(simulator)
    simulator.faults.drop_after(bytes_in=0)
    with pytest.raises(ConnectionClosedError):
        wire.ask(Write(uuid(simulator, SET_POINT), 11, 78))
    assert simulator.writes.empty
    assert value(dial(simulator), uuid(simulator, SET_POINT)) != 78


@pytest.mark.parametrize("direction", ["bytes_in", "bytes_out"])
def test_bytes_are_counted_from_the_beginning_of_later_connections(
    direction: str, simulator: Simulator, dial: Dial
) -> None:
    # A hello has ten bytes, its answer seven.
    simulator.faults.drop_after(**{direction: 10 if direction == "bytes_in" else 8})
    wire = dial(simulator)
    with pytest.raises(ConnectionClosedError):
        wire.ask(GetStage())
    dial(simulator).ask(GetStage())


def test_a_message_that_is_cut_off(simulator: Simulator, dial: Dial) -> None:
    simulator.faults.drop_after(bytes_out=1000, connections=None)
    for _ in range(2):
        wire = dial(simulator)
        wire.connection.send(encode_packets([Browse(NIL_UUID).request(1)]))
        with pytest.raises(ConnectionClosedError):
            wire.connection.recv(timeout=10)
    simulator.faults.clear()
    assert len(dial(simulator).ask(Browse(NIL_UUID))[0].item) > 100


@pytest.mark.parametrize("executed", [True, False])
def test_losing_one_command(executed: bool, simulator: Simulator, dial: Dial) -> None:
    wire = dial(simulator)
    set_point = uuid(simulator, SET_POINT)
    before = value(wire, set_point)
    simulator.faults.lose("write", executed=executed)
    # What a client asks before, such as meta data, is answered.
    assert isinstance(wire.ask(MetaData(set_point))[0], Success)
    with pytest.raises(ConnectionClosedError):
        wire.ask(Write(set_point, 11, before + 1))
    again = dial(simulator)
    assert value(again, set_point) == (before + 1 if executed else before)
    assert again.ask(Write(set_point, 11, before)) == [Success(1)]


def test_refused_writes(simulator: Simulator, dial: Dial) -> None:
    wire = dial(simulator)
    set_point, batch = uuid(simulator, SET_POINT), uuid(simulator, "Plant.Line 1.Batch")

    def refused() -> list[int]:
        answers = wire.ask(*(Write(set_point, 11, number) for number in range(40)))
        return [code(answer) for answer in answers]

    simulator.faults.refuse_writes(0.5, -32107, seed=3, text="no")
    first = refused()
    assert set(first) == {0, -32107}
    assert simulator.writes["code"].tolist() == first
    simulator.faults.clear()
    assert set(refused()) == {0}
    simulator.faults.refuse_writes(0.5, -32107, seed=3)
    assert refused() == first
    simulator.faults.clear()
    simulator.faults.refuse_writes(keys="Plant.Line 1.Batch")
    answers = wire.ask(Write(set_point, 11, 1), Write(batch, 11, 1))
    assert [code(answer) for answer in answers] == [0, -32109]


def test_refusals_hold_for_data_points_over_the_element(simulator: Simulator, dial: Dial) -> None:
    pump = "Field Bus.Line 1 Coupler.Digital outputs.Pump"
    simulator.faults.refuse_writes(keys=[pump])
    shown = uuid(simulator, "Plant.Line 1.Filler.[Pump 1.2]")
    assert [code(a) for a in dial(simulator).ask(Write(shown, 11, False))] == [-32109]


def test_bad_quality(simulator: Simulator, dial: Dial) -> None:
    wire = dial(simulator)
    speed = uuid(simulator, "Plant.Line 1.Speed")
    turbidity = uuid(simulator, "Plant.Water Treatment.Turbidity")
    set_point = uuid(simulator, SET_POINT)
    simulator.faults.bad_quality(["Plant.Line 1.Speed", "Test Signals"], Quality.UNRELIABLE)
    simulator.faults.bad_quality(uuid(simulator, SET_POINT))
    assert value(wire, speed, 9) == 2
    assert value(wire, uuid(simulator, "Test Signals.Sine"), 9) == 2
    wire.ask(Write(set_point, 11, 5))
    # It stays bad when a value comes in.
    assert (value(wire, set_point), value(wire, set_point, 9)) == (5, 3)
    simulator.faults.clear()
    assert [value(wire, element, 9) for element in (speed, set_point, turbidity)] == [0, 0, 3]


def test_read_errors(simulator: Simulator, dial: Dial) -> None:
    wire, shown = dial(simulator), uuid(simulator, SET_POINT)
    wire.ask(Write(shown, 11, 5))
    wire.ask(Subscribe((SubscriptionTarget(shown, (11,)),)))
    wire.connection.recv(timeout=10)
    simulator.faults.read_error([SET_POINT, "Test Signals.Sine"])
    (event,) = decode_answers(wire.connection.recv(timeout=10))
    assert isinstance(event, Event)
    failed = event.body[2][11]
    assert (failed.number, failed.value[0]) == (1, -32108)
    reader = dial(simulator)
    (answer,) = reader.ask(Read(shown, (11, 9, 0)))
    assert answer.item[11].value == {0: -32108, 1: "read error"}
    assert (answer.item[9].value, answer.item[0].value) == (3, SET_POINT)
    # What is written is taken, and shown when all is well again.
    assert reader.ask(Write(shown, 11, 7)) == [Success(1)]
    assert value(reader, shown) == {0: -32108, 1: "read error"}
    simulator.faults.read_error(SET_POINT)
    simulator.faults.clear()
    assert (value(reader, shown), value(reader, shown, 9)) == (7, 0)
    sine = uuid(simulator, "Test Signals.Sine")
    assert isinstance(value(reader, sine), float)
    # A whole device can be meant as well; what has no value below it is left alone.
    simulator.faults.read_error("Plant.Line 1")
    assert value(reader, uuid(simulator, "Plant.Line 1.Speed"))[0] == -32108
    with pytest.raises(FaultError, match="no quality"):
        simulator.faults.read_error("Main Track.Sampling")


def test_no_follow(simulator: Simulator, dial: Dial) -> None:
    wire = dial(simulator)
    set_point = uuid(simulator, SET_POINT)
    wire.ask(Write(set_point, 11, 1))
    simulator.faults.no_follow(SET_POINT)
    assert wire.ask(Write(set_point, 11, 2)) == [Success(1)]
    assert value(wire, set_point) == 1
    assert value(wire, set_point, 8) > value(wire, set_point, 6)
    simulator.faults.no_follow(SET_POINT, after=0.3)
    _, answer = wire.ask(Write(set_point, 11, 3), Read(set_point, (11,)))
    assert answer.item[11].value == 1
    deadline = time.monotonic() + 10
    while value(wire, set_point) != 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert value(wire, set_point) == 3


def test_a_valve_that_is_stuck_reports_nothing(simulator: Simulator, dial: Dial) -> None:
    wire = dial(simulator)
    key = "Plant.Line 1.Filler.Inlet valve"
    valve = uuid(simulator, key)
    wire.ask(Write(valve, 11, False))
    assert value(wire, valve) is False
    simulator.faults.no_follow(key)
    assert wire.ask(Write(valve, 11, True)) == [Success(1)]
    assert value(wire, valve) is False


def test_a_vanished_element(simulator: Simulator, dial: Dial) -> None:
    wire = dial(simulator)
    group, set_point = uuid(simulator, "Plant.Line 1"), uuid(simulator, SET_POINT)
    everything = len(simulator.plant)
    wire.ask(Subscribe((SubscriptionTarget(set_point, (11, 9)),)))
    wire.connection.recv(timeout=10)
    simulator.faults.vanish("Plant.Line 1")
    (event,) = decode_answers(wire.connection.recv(timeout=10))
    assert isinstance(event, Event)
    assert [held.value[0] for held in event.body[2].values()] == [-32100, -32100]
    answers = wire.ask(
        MetaData(set_point), Read(group, (0,)), Lookup(SET_POINT), Write(set_point, 11, 1)
    )
    assert [code(answer) for answer in answers] == [-32100] * 4
    assert len(wire.ask(Browse(NIL_UUID))[0].item) == len(simulator.plant) < everything
    simulator.faults.clear()
    assert len(wire.ask(Browse(NIL_UUID))[0].item) == everything


def test_no_pong(simulator: Simulator, dial: Dial) -> None:
    wire = dial(simulator)
    assert wire.connection.ping().wait(10)
    simulator.faults.no_pong()
    pong = wire.connection.ping()
    assert wire.ask(GetStage()) == [Success(1, 2)]  # which would come behind it
    assert not pong.is_set()


def test_a_restart_with_a_changed_model(dial: Dial, tmp_path: Path) -> None:
    model = {
        "children": [{"@Group": {"name": "New", "UUID": "11111111-1111-4111-8111-111111111111"}}]
    }
    path = tmp_path / "model.json"
    path.write_text(json.dumps(model), encoding="utf-8")
    with simulate() as simulator:
        port, fingerprint = simulator.port, simulator.fingerprint
        wire = dial(simulator)
        set_point = uuid(simulator, SET_POINT)
        wire.ask(Write(set_point, 11, 1))
        simulator.faults.no_follow(SET_POINT)
        simulator.faults.restart()
        with pytest.raises(ConnectionClosed):
            wire.ask(GetStage())
        wire = dial(simulator)
        assert value(wire, set_point) == 210
        for changed in (model, path):
            simulator.faults.restart(changed)
            assert [e[0] for e in dial(simulator).ask(Browse(NIL_UUID))[0].item] == ["New"]
        assert (simulator.port, simulator.fingerprint) == (port, fingerprint)
        # What happened before is still known.
        assert simulator.writes["value"].tolist() == [1.0]


def test_faults_that_make_no_sense(simulator: Simulator) -> None:
    faults = simulator.faults
    attempts: tuple[Callable[[], None], ...] = (
        lambda: faults.delay(-1),
        lambda: faults.delay(0, math.nan),
        lambda: faults.drop_after(),
        lambda: faults.drop_after(bytes_in=1, bytes_out=1),
        lambda: faults.drop_after(bytes_in=-1),
        lambda: faults.drop_after(bytes_in=1, connections=0),
        lambda: faults.lose("wrte"),
        lambda: faults.lose(connections=0),
        lambda: faults.refuse_writes(1.5),
        lambda: faults.refuse_writes("Plant.Line 1.Batch"),  # which is to be keys=
        lambda: faults.bad_quality("Nowhere"),
        lambda: faults.bad_quality("Main Track"),
        lambda: faults.no_follow("Test Signals.Sine"),
        lambda: faults.no_follow(SET_POINT, after=-1),
        lambda: faults.vanish("Nowhere"),
    )
    for wrong in attempts:
        with pytest.raises(FaultError):
            wrong()
    with pytest.raises(FaultError, match="not served"):
        Faults(lambda: simulator.plant).restart()
    assert repr(faults) == "<Faults: none>"


def test_hello_and_its_answer_have_the_documented_sizes(simulator: Simulator, dial: Dial) -> None:
    wire = dial(simulator, hello=False)
    hello = encode_packets([ClientHello().request(1)])
    assert (len(hello), len(wire.send(hello))) == (10, 7)
