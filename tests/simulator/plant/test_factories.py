"""The elements of known skills, each made from what its kind can be set to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.models import Json, element, pipeline, plant, register, sampler, track
from xentara_nb.simulator.documents import ConfigurationError

SIGNAL = {"bottom": 0, "top": 1, "waveForm": {"@SineWave": {"period": "1s"}}}


def _signal(**properties: object) -> Json:
    return element(
        "@Skill.SignalGenerator.Signal", "X", **{"dataType": "float64", **SIGNAL, **properties}
    )


@pytest.mark.parametrize(
    ("bad", "place"),
    [
        (element("@Timer", "X", period="often"), "period"),
        (element("@Timer", "X"), ""),
        (element("@Timer", "X", period="1s", sequence=1.5), "sequence"),
        (element("@Track", "X", threadCount=0), "threadCount"),
        (element("@Track", "X", timing="fast"), "timing"),
        (element("@Track", "X", cpus=[]), "cpus"),
        (element("@Track", "X", cpus=[0, -1]), "cpus[1]"),
        (element("@DataPoint", "X", io={"inputs": "R"}), "io"),
        (element("@DataPoint", "X", io={"output": "Q"}), "io.output"),
        (element("@DataPoint", "X", io={"output": 5}), "io.output"),
        (element("@DataPoint", "X", io=5), "io"),
        (element("@DataPoint", "X", io="R", units=5), "units"),
        (
            element("@Skill.SignalFlow.Register", "X", defaultValue=["bool", None]),
            "defaultValue[1]",
        ),
        (element("@Skill.SignalFlow.Register", "X", defaultValue="bool"), "defaultValue"),
        (_signal(dataType="string"), "dataType"),
        (_signal(top="1"), "top"),
        (_signal(top=1e308, bottom=-1e308), ""),
        (_signal(waveForm={"@SineWave": {"period": "0"}}), "waveForm.@SineWave.period"),
        (_signal(waveForm={"@Square": {}}), "waveForm"),
        (element("@Skill.SignalProcessing.Bit", "X", source="R", bitNumber=64), "bitNumber"),
        (element("@Skill.SignalProcessing.Bit", "X", source="R", bitNumber=1), "source"),
        (element("@Skill.SignalProcessing.SummaryState", "X", states=["R", 1]), "states[1]"),
        (
            element("@Skill.SignalProcessing.SummaryState", "X", states=[], operator="xor"),
            "operator",
        ),
        (
            element(
                "@Skill.SignalProcessing.ConvertedValue",
                "X",
                rawValue="R",
                mappings=[{"raw": 0, "mapped": 1}, {"raw": True, "mapped": 2}],
            ),
            "mappings[1].raw",
        ),
    ],
)
def test_faults_name_their_place(bad: Json, place: str) -> None:
    (descriptor,) = bad
    with pytest.raises(ConfigurationError) as caught:
        plant(register("R"), bad)
    assert caught.value.place == f"children[1].{descriptor}{'.' if place else ''}{place}"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"triggers": ["Track.Clock.expired"]}, "triggers[0]"),
        ({"segments": [{"start": 0, "end": 3}]}, "segments[0].end"),
        ({"segments": [{"start": 1, "end": 1}]}, "segments[0]"),
        (
            {"segments": [{"start": 0, "end": 1, "tasks": [{"function": "Nothing.generate"}]}]},
            "segments[0].tasks[0].function",
        ),
    ],
)
def test_faults_of_a_pipeline(change: dict[str, Any], place: str) -> None:
    changed = pipeline(["Track.T.expired"], "Sampler.generate")
    changed["@Pipeline"].update(change)
    with pytest.raises(ConfigurationError) as caught:
        plant(track(changed), sampler())
    assert caught.value.place == f"children[0].@Track.children[1].@Pipeline.{place}"


def test_events_that_are_not_raised_are_named(caplog: pytest.LogCaptureFixture) -> None:
    triggers = ["Track.T.expired", "Track.T.exspired", "Track.T"]
    plant(track(pipeline(triggers, "Sampler.generate")), sampler())
    place = "model.json: children[0].@Track.children[1].@Pipeline.triggers"
    assert [record.getMessage() for record in caplog.records] == [
        f"{place}[1]: a timer has no event 'exspired', only 'expired'",
        f"{place}[2]: 'Track.T' is an element, and none of its events",
    ]


def test_tasks_that_there_are_not_are_named(caplog: pytest.LogCaptureFixture) -> None:
    plant(track(pipeline(["Track.T.expired"], "Sampler.generates", "Track.T")), sampler())
    place = "model.json: children[0].@Track.children[1].@Pipeline.segments"
    assert [record.getMessage() for record in caplog.records] == [
        f"{place}[0].tasks[0].function: 'Track.T' is an element, and none of its tasks",
        f"{place}[1].tasks[0].function: "
        "a signal generator sampler has no task 'generates', only 'generate'",
    ]


def test_an_inspector_of_an_attribute_that_is_not_there() -> None:
    inspector = element("@Skill.Debugging.Inspector", "I", attributes=["Sampler.S.velocity"])
    with pytest.raises(ConfigurationError, match="no attribute 'velocity'"):
        plant(sampler(), inspector)


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
def test_faults_of_what_runs_name_their_place(bad: Json, place: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        plant(register("A"), element("@Track", "Track", bad))
    assert place in caught.value.place
