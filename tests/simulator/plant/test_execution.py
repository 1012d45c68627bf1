"""What runs in a plant: timers, pipelines, their tasks, and the operational stages."""

from __future__ import annotations

import itertools
import json
from typing import Any
from uuid import UUID

import pytest

from xentara_nb.protocol.errors import InvalidStageChangeRequestError
from xentara_nb.protocol.identifiers import Attribute, Category, Stage
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.documents import ConfigurationError, parse_document
from xentara_nb.simulator.model.model import read_model
from xentara_nb.simulator.plant.elements import Identity, Kind
from xentara_nb.simulator.plant.execution import Timer
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.plant.stages import StageMachine
from xentara_nb.simulator.security.settings import Security

SECOND = 1_000_000_000
Json = dict[str, Any]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> TimePoint:
        return TimePoint(self.now)


def element(descriptor: str, name: str, *children: Json, **content: Any) -> Json:
    below = {"children": list(children)} if children else {}
    return {descriptor: {"name": name, **content, **below}}


def register(name: str, keyword: str = "float64", value: Any = 0) -> Json:
    return element("@Skill.SignalFlow.Register", name, defaultValue=[keyword, value])


def pipeline(triggers: list[str], *functions: str, name: str = "Pipeline") -> Json:
    return element(
        "@Pipeline",
        name,
        triggers=triggers,
        checkpoints=[{}, {}, {}],
        segments=[
            {"start": 1, "end": 2, "tasks": [{"function": name} for name in functions[1:]]},
            {"start": 0, "end": 1, "tasks": [{"function": name} for name in functions[:1]]},
        ],
    )


def plant(clock: Clock, *children: Json) -> Plant:
    numbers = itertools.count(1)

    def number(items: list[Json]) -> None:
        for item in items:
            (content,) = item.values()
            content["UUID"] = str(UUID(int=next(numbers)))
            number(content.get("children", []))

    number(list(children))
    text = json.dumps({"children": list(children)})
    return Plant.from_model(read_model(parse_document(text, "model.json")), Security(), clock)


def go(plant: Plant, clock: Clock, seconds: float) -> None:
    """Let the time come, and do what is due then."""
    clock.now = int(seconds * SECOND)
    while (due := plant.execution.next_due()) is not None and due <= clock.now:
        for _ in plant.execution.run(clock):
            pass


def value(plant: Plant, key: str, attribute: Attribute = Attribute.VALUE) -> Any:
    return plant.lookup(key).read(attribute)


def sampler(name: str = "Sampler") -> Json:
    form = {"@SawTooth": {"period": "100s"}}
    signal = element(
        "@Skill.SignalGenerator.Signal", "S", dataType="float64", top=100, bottom=0, waveForm=form
    )
    return element("@Skill.SignalGenerator.Sampler", name, signal)


def test_a_timer_drives_a_sampler() -> None:
    clock = Clock()
    timer = element("@Timer", "T", period="2s", offset="500ms")
    track = element("@Track", "Track", timer, pipeline(["Track.T.expired"], "Sampler.generate"))
    running = plant(clock, sampler(), track, sampler("Idle"))
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
    track = element(
        "@Track",
        "Track",
        element("@Timer", "T", period="1s"),
        pipeline(["Track.T.expired"], "Bridge.copy"),
    )
    running = plant(
        clock,
        *(register("From", value=5), register("To"), register("Other"), register("At start")),
        *(register("Text", "string", "x"), register("Error", "string", "")),
        element("@Skill.SignalFlow.Bridge", "Bridge", connections=connections),
        element(
            "@Skill.SignalFlow.Bridge",
            "Starter",
            stages=["preop"],
            connections=[{"source": "From.value", "target": "At start.value"}],
        ),
        track,
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
    track = element(
        "@Track",
        "Track",
        pipeline(["Input.changed"], "To A.copy", "Edge.detect", name="1"),
        pipeline(["Edge.rising"], "To B.copy", name="2"),
        pipeline(["Input.written"], "To C.copy", name="3"),
    )
    running = plant(
        clock, *(register(name) for name in ("Input", "A", "B", "C")), edge, *bridges, track
    )
    results = []
    for number in (1, 3, 2, 2, 5):
        clock.now += SECOND
        running.lookup("Input").write(Attribute.VALUE, number, clock())
        go(running, clock, clock.now / SECOND)
        results.append([value(running, name) for name in ("A", "B", "C")])
    # The first look of the edge detection finds nothing to compare with.
    assert results == [[1, 0, 1], [3, 3, 3], [2, 3, 2], [2, 3, 2], [5, 5, 5]]


def test_a_device_without_a_driver_is_read() -> None:
    clock = Clock()
    point = element("@Skill.Other.Input", "Point", dataType="float32")
    track = element(
        "@Track",
        "Track",
        element("@Timer", "T", period="1s"),
        pipeline(["Track.T.expired"], "Device.read"),
    )
    running = plant(clock, element("@Skill.Other.Device", "Device", point), track)
    go(running, clock, 3)
    assert value(running, "Device.Point", Attribute.UPDATE_TIME) == TimePoint(3 * SECOND)
    assert value(running, "Device.Point", Attribute.CHANGE_TIME) == TimePoint(0)


def test_pipelines_that_trigger_each_other_end_in_every_round() -> None:
    clock = Clock()
    copy = [{"source": "A.value", "target": "A.value"}]
    track = element("@Track", "Track", pipeline(["A.written"], "Loop.copy"))
    running = plant(
        clock, register("A"), element("@Skill.SignalFlow.Bridge", "Loop", connections=copy), track
    )
    for number in range(3):
        clock.now += 1
        running.lookup("A").write(Attribute.VALUE, number, clock())
        for _ in running.execution.run(clock):
            pass
    assert value(running, "A") == 2.0


def test_the_walk_through_the_stages() -> None:
    clock = Clock()
    track = element(
        "@Track",
        "Track",
        element("@Timer", "T", period="1s"),
        pipeline(["Track.T.expired"], "Sampler.generate"),
    )
    running = plant(clock, sampler(), track)
    operation = StageMachine(running)
    assert int(running.stage) == 2
    with pytest.raises(InvalidStageChangeRequestError):
        operation.resume()
    operation.suspend()
    assert int(running.stage) == 5
    go(running, clock, 5)
    assert value(running, "Sampler.S") == 0
    with pytest.raises(InvalidStageChangeRequestError):
        operation.suspend()
    operation.resume()
    go(running, clock, 6)
    assert value(running, "Sampler.S") == pytest.approx(6)
    operation.suspend()
    assert not operation.ended
    operation.shutdown()
    assert operation.ended
    for change in (operation.shutdown, operation.suspend, operation.resume):
        with pytest.raises(InvalidStageChangeRequestError):
            change()


@pytest.mark.parametrize(
    ("bad", "place"),
    [
        (pipeline(["Track.Nowhere.expired"], "A.x"), "triggers[0]"),
        (pipeline([], "Nowhere.generate"), "segments[1].tasks[0].function"),
        (
            element("@Pipeline", "P", checkpoints=[{}, {}], segments=[{"start": 1, "end": 1}]),
            "segments[0]",
        ),
        (element("@Skill.SignalFlow.Bridge", "P", stages=["operational"]), "stages[0]"),
        (
            element(
                "@Skill.SignalFlow.Bridge",
                "P",
                connections=[{"source": "A.value", "target": "A.nothing"}],
            ),
            "connections[0].target",
        ),
        (element("@Skill.SignalFlow.EdgeDetection", "P", value="Track"), "value"),
        (element("@Timer", "P", period="1s", sequence=1.5), "sequence"),
    ],
)
def test_faults_name_their_place(bad: Json, place: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        plant(Clock(), register("A"), element("@Track", "Track", bad))
    assert place in caught.value.place
