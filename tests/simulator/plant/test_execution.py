"""What runs in a plant: timers, pipelines and their tasks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.simulator.models import (
    SECOND,
    Clock,
    element,
    go,
    pipeline,
    plant,
    register,
    sampler,
    track,
)
from xentara_nb.protocol.identifiers import Attribute, Category, Stage
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.documents import ConfigurationError
from xentara_nb.simulator.plant.elements import Identity, Kind
from xentara_nb.simulator.plant.execution import Timer
from xentara_nb.simulator.plant.plant import Plant


def value(plant: Plant, key: str, attribute: Attribute = Attribute.VALUE) -> Any:
    return plant.lookup(key).read(attribute)


def test_a_timer_drives_a_sampler() -> None:
    clock = Clock()
    timer = element("@Timer", "T", period="2s", offset="500ms")
    triggered = element("@Track", "Track", timer, pipeline(["Track.T.expired"], "Sampler.generate"))
    running = plant(sampler(), triggered, sampler("Idle"), clock=clock)
    # At the start there are values already; without a pipeline there are none.
    assert value(running, "Sampler.S", Attribute.QUALITY) == 0
    assert value(running, "Sampler.S", Attribute.UPDATE_TIME) == TimePoint(0)
    assert value(running, "Idle.S", Attribute.QUALITY) == 3
    assert value(running, "Idle", Attribute.UPDATE_TIME) == TimePoint.NEVER
    assert running.execution.next_due() == SECOND // 2
    for seconds, expected in ((0.4, 0), (0.5, 0.5), (2.4, 0.5), (2.5, 2.5), (10.6, 10.6)):
        go(running, clock, seconds)
        assert value(running, "Sampler.S") == pytest.approx(expected)
    # What was missed is left out.
    assert running.execution.next_due() == 12.5 * SECOND


def test_timers_keep_their_sequence() -> None:
    identity = Identity(Kind(Category.TIMER, "timer", "timer"), UUID(int=1), "T", "T")
    timer = Timer(identity, SECOND, -SECOND // 4, 0)
    assert timer.next_after(0) == 3 * SECOND // 4
    assert timer.next_after(3 * SECOND // 4) == 7 * SECOND // 4
    assert Timer(identity, 1, 0, 0).next_after(0) == 1_000_000


def test_a_bridge_copies_in_its_stages() -> None:
    clock = Clock()
    connections = [
        {"source": "From.value", "target": "To.value"},
        {"source": "Text.value", "target": "Other.value", "errorHandler": "Error.value"},
    ]
    timed = track(pipeline(["Track.T.expired"], "Bridge.copy"))
    running = plant(
        *(register("From", value=5), register("To"), register("Other"), register("At start")),
        *(register("Text", "string", "x"), register("Error", "string", "")),
        element("@Skill.SignalFlow.Bridge", "Bridge", connections=connections),
        element(
            "@Skill.SignalFlow.Bridge",
            "Starter",
            stages=["preop"],
            connections=[{"source": "From.value", "target": "At start.value"}],
        ),
        timed,
        clock=clock,
    )
    assert value(running, "At start") == 5.0
    running.lookup("From").write(Attribute.VALUE, 7, clock())
    go(running, clock, 1)
    assert (value(running, "To"), value(running, "At start")) == (7.0, 5.0)
    # One that fails does not keep the others back.
    assert value(running, "Other") == 0.0
    assert value(running, "Error") == "value cannot be converted to requested type"
    running.enter(Stage.PRE_OPERATIONAL)
    assert value(running, "At start") == 7.0


def test_events_of_elements_trigger_pipelines() -> None:
    clock = Clock()
    edge = element("@Skill.SignalFlow.EdgeDetection", "Edge", value="Input")
    copies = [{"source": "Input.value", "target": f"{name}.value"} for name in ("A", "B", "C")]
    bridges = [
        element("@Skill.SignalFlow.Bridge", f"To {copy['target'][0]}", connections=[copy])
        for copy in copies
    ]
    triggered = element(
        "@Track",
        "Track",
        pipeline(["Input.changed"], "To A.copy", "Edge.detect", name="1"),
        pipeline(["Edge.rising"], "To B.copy", name="2"),
        pipeline(["Input.written"], "To C.copy", name="3"),
    )
    running = plant(
        *(register(name) for name in ("Input", "A", "B", "C")),
        edge,
        *bridges,
        triggered,
        clock=clock,
    )
    results = []
    for number in (1, 3, 2, 2, 5):
        clock.now += SECOND
        running.lookup("Input").write(Attribute.VALUE, number, clock())
        go(running, clock, clock.now / SECOND)
        results.append([value(running, name) for name in ("A", "B", "C")])
    # The first time the edge detection finds nothing to compare with.
    assert results == [[1, 0, 1], [3, 3, 3], [2, 3, 2], [2, 3, 2], [5, 5, 5]]


def test_a_device_without_a_driver_is_read() -> None:
    clock = Clock()
    point = element("@Skill.Other.Input", "Point", dataType="float32")
    timed = track(pipeline(["Track.T.expired"], "Device.read"))
    running = plant(element("@Skill.Other.Device", "Device", point), timed, clock=clock)
    go(running, clock, 3)
    assert value(running, "Device.Point", Attribute.UPDATE_TIME) == TimePoint(3 * SECOND)
    assert value(running, "Device.Point", Attribute.CHANGE_TIME) == TimePoint(0)


def test_pipelines_that_trigger_each_other_end_in_every_round() -> None:
    clock = Clock()
    copy = [{"source": "A.value", "target": "A.value"}]
    triggered = element("@Track", "Track", pipeline(["A.written"], "Loop.copy"))
    running = plant(
        register("A"),
        element("@Skill.SignalFlow.Bridge", "Loop", connections=copy),
        triggered,
        clock=clock,
    )
    for number in range(3):
        clock.now += 1
        running.lookup("A").write(Attribute.VALUE, number, clock())
        for _ in running.execution.run(clock):
            pass
    assert value(running, "A") == 2.0


def test_a_pipeline_without_triggers_does_not_run_in_operation() -> None:
    clock = Clock()
    running = plant(sampler(), track(pipeline([], "Sampler.generate")), clock=clock)
    go(running, clock, 100)
    assert value(running, "Sampler.S", Attribute.QUALITY) == 3
    assert running.execution.next_due() is None


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"checkpoints": [{}], "segments": [{"start": 0, "end": 1}]}, "the array has 1 of 2 items"),
        ({"checkpoints": [{}, {}], "segments": []}, "the array is empty"),
        ({"checkpoints": [{}, {}]}, "the member 'segments' is missing"),
    ],
)
def test_pipelines_have_checkpoints_and_segments(properties: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        plant(element("@Pipeline", "P", **properties))
