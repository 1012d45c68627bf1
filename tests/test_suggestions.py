"""What is offered in place of a name that does not exist."""

from __future__ import annotations

import time

import pytest

from xentara_nb.suggestions import did_you_mean, nearest

KEYS = ["Plant.Line 1.Speed", "Plant.Line 1.Set point", "Plant.Line 2.Set point", "Plant.Line 1"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Plant.Line 1.Setpoint", "Plant.Line 1.Set point"),
        ("plant.line 1.set point", "Plant.Line 1.Set point"),
        ("Plant.Lien 2.Set point", "Plant.Line 2.Set point"),
        ("Speed", "Plant.Line 1.Speed"),
        ("line 1", "Plant.Line 1"),
    ],
)
def test_the_nearest_comes_first(given: str, expected: str) -> None:
    assert nearest(given, KEYS)[0] == expected


@pytest.mark.parametrize("given", ["", "quite another thing", "x" * 5_000, None, 12, ["value"]])
def test_what_is_like_nothing_gets_no_offer(given: object) -> None:
    assert nearest(given, KEYS) == []
    assert did_you_mean(given, KEYS) == ""


def test_no_more_are_offered_than_are_wanted_and_each_once() -> None:
    names = [f"Pump {number}" for number in range(10)] * 2
    found = nearest("pump 3", names)
    assert found[0] == "Pump 3"
    assert len(set(found)) == len(found) == 3
    assert len(nearest("pump", names, limit=1)) == 1
    assert nearest("pump", []) == []


def test_the_question_names_them_all() -> None:
    assert did_you_mean("pump", ["Pump", "pumps", "lump"]) == (
        "; did you mean 'Pump', 'pumps' or 'lump'?"
    )
    assert did_you_mean("pump", ["pump\x1b["]) == r"; did you mean 'pump\x1b['?"


def test_a_hundred_thousand_keys_take_no_second() -> None:
    keys = [f"Plant.Area {n % 100}.Line {n % 1000}.Pump {n}.Set point" for n in range(100_000)]
    begin = time.monotonic()
    found = nearest("Plant.Area 7.Line 107.Pump 4107.Setpoint", keys)
    hostile = nearest("a" * 200, ["a" * 10_000] * 10 + ["b" * 200 + str(n) for n in range(100_000)])
    assert time.monotonic() - begin < 5  # 0.3 s where nothing else runs
    assert found[0] == "Plant.Area 7.Line 107.Pump 4107.Set point"
    assert hostile == []
