"""What connects elements: references that lead nowhere are reported where they stand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.models import Json, element, pipeline, plant, register, sampler, track
from xentara_nb.simulator.documents import ConfigurationError


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
def test_faults_name_their_place(bad: Json, place: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        plant(register("A"), element("@Track", "Track", bad))
    assert place in caught.value.place
