"""How the values of simulated points move."""

from __future__ import annotations

import itertools
import math
import statistics
from typing import Any

import pytest

from tests.simulator.models import Clock, element, go, pipeline, plant, register, track
from xentara_nb.protocol.identifiers import Attribute, Quality
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.documents import ConfigurationError
from xentara_nb.simulator.plant.plant import Plant


def point(name: str, motion: dict[str, Any], **properties: Any) -> dict[str, Any]:
    given = {"dataType": "float64", "value": 10.0, "motion": motion, **properties}
    return element("@Skill.Simulator.Point", name, **given)


def moving(clock: Clock, *points: dict[str, Any]) -> Plant:
    device = element("@Skill.Simulator.Point", "D", *points, category="device")
    return plant(
        register("Set point", value=5.0),
        register("Run", "bool", True),
        device,
        track(pipeline(["Track.T.expired"], "D.read")),
        clock=clock,
    )


def value(built: Plant, name: str) -> Any:
    return built.lookup(f"D.{name}").read(Attribute.VALUE)


FOLLOWS = {"follows": [{"source": "Set point", "gain": 2}]}


def test_it_follows_with_a_lag() -> None:
    clock = Clock()
    built = moving(clock, point("P", {**FOLLOWS, "lag": "10s"}), point("Q", FOLLOWS))
    go(built, clock, 5)
    assert value(built, "P") == value(built, "Q") == 10.0
    built.lookup("Set point").write(Attribute.VALUE, 15.0, TimePoint(clock.now))
    go(built, clock, 15)
    assert value(built, "Q") == 30.0
    assert value(built, "P") == pytest.approx(10 + 20 * (1 - 2.718281828**-1))
    go(built, clock, 300)
    assert value(built, "P") == pytest.approx(30.0)


def test_it_comes_to_rest() -> None:
    clock = Clock()
    resting = {"while": ["Run"], "idle": 1, "noise": 3, "drift": 5, "lag": "1s"}
    built = moving(clock, point("P", resting), point("Q", {"unless": ["Run"], "idle": 2}))
    go(built, clock, 3)
    assert value(built, "P") > 1
    assert value(built, "Q") == 2
    built.lookup("Run").write(Attribute.VALUE, False, TimePoint(clock.now))
    go(built, clock, 100)
    assert value(built, "P") == pytest.approx(1.0)
    assert value(built, "Q") == 10


def test_it_counts_and_never_back() -> None:
    clock = Clock()
    counts = {"counts": [{"source": "Set point", "gain": 0.4}]}
    built = moving(clock, point("P", counts, dataType="uint32", value=100))
    go(built, clock, 1)
    before = value(built, "P")
    go(built, clock, 11)
    assert value(built, "P") == before + 20
    built.lookup("Set point").write(Attribute.VALUE, -5.0, TimePoint(clock.now))
    go(built, clock, 21)
    assert value(built, "P") == before + 20


def test_noise_and_trend() -> None:
    clock = Clock()
    built = moving(
        clock,
        point("Noise", {"noise": 2}),
        point("Trend", {"drift": 3, "period": "40s"}),
        point("Whole", {"noise": 2}, dataType="int16", value=10),
    )
    rows = []
    for second in range(1, 400):
        go(built, clock, second)
        rows.append([value(built, name) for name in ("Noise", "Trend", "Whole")])
    noise, trend, whole = zip(*rows, strict=True)
    assert statistics.fmean(noise) == pytest.approx(10, abs=0.5)
    assert statistics.stdev(noise) == pytest.approx(2, rel=0.2)
    assert 7 <= min(trend) < 8
    assert 12 < max(trend) <= 13
    assert max(abs(b - a) for a, b in itertools.pairwise(trend)) < 1
    assert {type(number) for number in whole} == {int}


def test_an_event_now_and_then() -> None:
    clock = Clock()
    event = {"every": "100s", "lasts": "10s", "value": True}
    built = moving(clock, point("P", {"event": event}, dataType="bool", value=False))
    seen = []
    for second in range(1000):
        go(built, clock, second)
        seen.append(value(built, "P"))
    assert 95 <= sum(seen) <= 105
    for start in range(0, 1000, 100):
        assert 9 <= sum(seen[start : start + 100]) <= 11
    assert seen.index(True) != seen.index(True, 100) - 100


def test_a_value_stays_in_its_data_type() -> None:
    clock = Clock()
    steep = {"follows": [{"source": "Set point", "gain": 1000}]}
    built = moving(clock, point("P", steep, dataType="uint8", value=10))
    go(built, clock, 1)
    for written, expected in ((500.0, 255), (-500.0, 0)):
        built.lookup("Set point").write(Attribute.VALUE, written, TimePoint(clock.now))
        go(built, clock, clock.now / 1e9 + 1)
        assert value(built, "P") == expected
    boundless = {"noise": 1e308, "drift": 1e308}
    types = ("float32", "float64", "int32", "Quality")
    built = moving(clock, *(point(name, boundless, dataType=name, value=1) for name in types))
    go(built, clock, clock.now / 1e9 + 1)
    assert all(math.isfinite(value(built, name)) for name in types)


def test_times_and_quality() -> None:
    clock = Clock()
    built = moving(clock, point("P", {"noise": 1}, quality="unreliable"))
    go(built, clock, 7)
    found = built.lookup("D.P")
    assert found.read(Attribute.QUALITY) == Quality.UNRELIABLE
    assert found.read(Attribute.UPDATE_TIME) == TimePoint(7_000_000_000)
    assert found.read(Attribute.CHANGE_TIME) == TimePoint(7_000_000_000)


@pytest.mark.parametrize(
    ("motion", "properties", "place", "problem"),
    [
        ({"noise": "much"}, {}, "motion.noise", "a text stands here"),
        ({"follows": [{"source": "Nothing", "gain": 1}]}, {}, "follows[0].source", "Nothing"),
        ({"while": ["Track"]}, {}, "motion.while[0]", "has no value"),
        (
            {"event": {"every": "1s", "lasts": "2s", "value": 1}},
            {},
            "motion.event",
            "it lasts longer than its span",
        ),
        ({"speed": 1}, {}, "motion", "speed"),
        ({"noise": 1}, {"access": "write only"}, "motion", "there is no value that could move"),
    ],
)
def test_what_is_wrong(
    motion: dict[str, Any], properties: dict[str, Any], place: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        moving(Clock(), point("P", motion, **properties))
    assert place in str(caught.value)
    assert problem in str(caught.value)


def test_it_is_described() -> None:
    built = plant(
        element("@Skill.Simulator.Point", "P", dataType="bool", units="bar", displayName="Pump"),
        element("@Skill.Simulator.Point", "Q", dataType="bool", units="bar"),
        register("R"),
        {
            "@Skill.SignalFlow.Register": {
                "name": "S",
                "defaultValue": ["bool", True],
                "displayName": "Switch",
            }
        },
    )

    def texts(key: str) -> list[object]:
        found = built.lookup(key)
        return [
            found.read(found.table.infos[found.table.names[name]].attribute_id)
            for name in ("units", "displayName")
        ]

    assert texts("P") == ["bar", "Pump"]
    assert texts("Q") == ["bar", "Q"]
    assert texts("S") == ["", "Switch"]
    assert "units" not in built.lookup("R").table.names
    assert built.lookup("S").read(Attribute.VALUE) is True
