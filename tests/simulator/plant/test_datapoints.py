"""Data points over their inputs and outputs, and values worked out from others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from tests.simulator.models import Json, data_point, plant, register
from xentara_nb.protocol.errors import (
    MissingAttributeError,
    ReadOnlyError,
    TypeMismatchError,
    ValueOutOfRangeError,
    WriteOnlyError,
)
from xentara_nb.protocol.identifiers import Access, Attribute
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.documents import ConfigurationError
from xentara_nb.simulator.plant.attributes import DISPLAY_NAME, UNITS
from xentara_nb.simulator.plant.datapoints import interpolate
from xentara_nb.simulator.plant.elements import Element
from xentara_nb.simulator.plant.plant import Plant

T0, T1, T2 = TimePoint(100), TimePoint(200), TimePoint(300)


def _plant(*elements: Json) -> Plant:
    return plant(*elements, clock=lambda: T0)


def _point(name: str, keyword: str, value: Any, access: str) -> dict[str, Any]:
    return {
        "@Skill.Simulator.Point": {
            "name": name,
            "dataType": keyword,
            "value": value,
            "access": access,
        }
    }


def _access(element: Element) -> int:
    info = element.table.info(Attribute.VALUE)
    assert info is not None
    return info.access


def test_a_data_point_shows_its_io() -> None:
    built = _plant(
        register("R", "float64", 1.5), data_point("P", "R", units="kg", displayName="Weight")
    )
    point, source = built.lookup("P"), built.lookup("R")
    names = [info.name for info in point.table.infos[5:]]
    assert names == [
        *("value", "updateTime", "writeTime", "quality", "changeTime"),
        *("units", "displayName"),
    ]
    point.write(Attribute.VALUE, 2, T1)
    assert source.read(Attribute.VALUE) == point.read(Attribute.VALUE) == 2.0
    assert point.read(Attribute.CHANGE_TIME) == T1
    assert point.read(UNITS.attribute_id) == "kg"
    assert point.read(DISPLAY_NAME.attribute_id) == "Weight"
    with pytest.raises(ReadOnlyError):
        point.write(UNITS.attribute_id, "g", T1)
    with pytest.raises(MissingAttributeError):
        point.write(Attribute.ERROR, "x", T1)


def test_units_and_display_name_left_out() -> None:
    point = _plant(register("R", "bool", False), data_point("P", "R")).lookup("P")
    assert point.read(UNITS.attribute_id) == ""
    assert point.read(DISPLAY_NAME.attribute_id) == "P"


def test_input_and_output_apart() -> None:
    built = _plant(
        _point("In", "uint8", 3, "read only"),
        _point("Out", "int16", 0, "write only"),
        data_point("Both", {"input": "In", "output": "Out"}),
        data_point("Read", {"input": "In"}),
        data_point("Write", {"output": "Out"}),
    )
    both = built.lookup("Both")
    assert _access(both) == Access.READ_AND_WRITE
    # The value goes to the output, by the output's data type; the one read is the device's.
    both.write(Attribute.VALUE, -300, T1)
    assert both.read(Attribute.VALUE) == 3
    assert both.read(Attribute.WRITE_TIME) == T1
    assert built.lookup("Out").current(5) == -300
    with pytest.raises(ValueOutOfRangeError):
        both.write(Attribute.VALUE, 40_000, T1)
    assert _access(built.lookup("Read")) == Access.READ_ONLY
    assert _access(built.lookup("Write")) == Access.WRITE_ONLY
    assert built.lookup("Write").read(Attribute.VALUE) == WriteOnlyError()
    built.lookup("Write").write(Attribute.VALUE, 5, T1)


def test_a_side_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="has no output"):
        _plant(_point("In", "uint8", 3, "read only"), data_point("P", {"output": "In"}))
    with pytest.raises(ConfigurationError, match="has no input"):
        _plant(_point("Out", "uint8", 3, "write only"), data_point("P", {"input": "Out"}))


def test_changes_behind_a_data_point_are_notified() -> None:
    built = _plant(register("R", "float64", 1.5), data_point("P", "R"))
    point, source = built.lookup("P"), built.lookup("R")
    seen: list[set[str]] = []

    def watcher(element: Element, changed: Sequence[int]) -> None:
        assert element is point
        seen.append({point.table.infos[position].name for position in changed})

    point.watch(watcher)
    source.write(Attribute.VALUE, 2.5, T1)
    assert seen == [{"value", "updateTime", "writeTime", "changeTime"}]
    point.unwatch(watcher)
    assert source.watchers is None


def test_converted_values_both_ways() -> None:
    built = _plant(
        register("Raw", "uint16", 500),
        {
            "@Skill.SignalProcessing.ConvertedValue": {
                "name": "C",
                "rawValue": "Raw",
                "mappings": [{"raw": 1000, "mapped": 100}, {"raw": 0, "mapped": 0}],
            }
        },
    )
    converted = built.lookup("C")
    assert converted.read(Attribute.VALUE) == 50.0
    converted.write(Attribute.VALUE, 25.04, T1)
    assert built.lookup("Raw").read(Attribute.VALUE) == 250
    assert converted.read(Attribute.VALUE) == 25.0
    assert converted.read(Attribute.UPDATE_TIME) == T1
    for value in (-1, math.inf, -math.inf):
        with pytest.raises(ValueOutOfRangeError):
            converted.write(Attribute.VALUE, value, T1)
    with pytest.raises(TypeMismatchError):
        converted.write(Attribute.VALUE, math.nan, T1)


@pytest.mark.parametrize(
    ("value", "mapped"), [(-10, -100), (0, 0), (5, 50), (10, 100), (15, 200), (20, 300), (30, 500)]
)
def test_interpolation(value: float, mapped: float) -> None:
    assert interpolate([(10, 100), (0, 0), (20, 300)], value) == mapped


def test_interpolation_with_few_points() -> None:
    assert interpolate([], 3) == 3
    assert interpolate([(1, 10)], 3) == 12


def test_bits_and_summary_states() -> None:
    built = _plant(
        register("Word", "uint16", 0b1000),
        *(
            {"@Skill.SignalProcessing.Bit": {"name": f"B{n}", "source": "Word", "bitNumber": n}}
            for n in (2, 3)
        ),
        {"@Skill.SignalProcessing.SummaryState": {"name": "Or", "states": ["B2", "B3"]}},
        {
            "@Skill.SignalProcessing.SummaryState": {
                "name": "And",
                "operator": "and",
                "states": ["B2", "B3"],
            }
        },
    )

    def values() -> list[object]:
        return [built.lookup(key).read(Attribute.VALUE) for key in ("B2", "B3", "Or", "And")]

    assert values() == [False, True, True, False]
    built.lookup("Word").write(Attribute.VALUE, 0b1100, T1)
    assert values() == [True, True, True, True]
    assert built.lookup("B2").read(Attribute.CHANGE_TIME) == T1
    built.lookup("Word").write(Attribute.VALUE, 0b1101, T2)
    assert built.lookup("B3").read(Attribute.UPDATE_TIME) == T2
    assert built.lookup("B3").read(Attribute.CHANGE_TIME) == T1
    with pytest.raises(ReadOnlyError):
        built.lookup("B2").write(Attribute.VALUE, True, T2)


@pytest.mark.parametrize(
    ("element", "words"),
    [
        (
            {
                "@Skill.SignalProcessing.Bit": {
                    "name": "X",
                    "source": "F",
                    "bitNumber": 0,
                }
            },
            "no whole number",
        ),
        (
            {
                "@Skill.SignalProcessing.Bit": {
                    "name": "X",
                    "source": "F",
                    "bitNumber": 64,
                }
            },
            "from 0 to 63",
        ),
        (
            {
                "@Skill.SignalProcessing.ConvertedValue": {
                    "name": "X",
                    "rawValue": "X",
                    "mappings": [],
                }
            },
            "X -> X",
        ),
        (
            {
                "@Skill.SignalProcessing.ConvertedValue": {
                    "name": "X",
                    "rawValue": "F",
                    "mappings": [{"raw": 1, "mapped": 2}, {"raw": 1, "mapped": 3}],
                }
            },
            "twice",
        ),
        (
            {
                "@Skill.SignalProcessing.ConvertedValue": {
                    "name": "X",
                    "rawValue": "F",
                    "mappings": [{"raw": 1e400, "mapped": 2}],
                }
            },
            "NaN|Infinity|number",
        ),
        (
            {
                "@Skill.SignalProcessing.SummaryState": {
                    "name": "X",
                    "operator": "xor",
                    "states": [],
                }
            },
            "'or' or 'and'",
        ),
    ],
)
def test_faults(element: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        _plant(register("F", "float64", 0), element)


def test_a_cycle_is_told_all_around() -> None:
    def state(name: str, of: str) -> dict[str, Any]:
        return {"@Skill.SignalProcessing.SummaryState": {"name": name, "states": [of]}}

    with pytest.raises(ConfigurationError, match="A -> B -> C -> A"):
        _plant(state("A", "B"), state("B", "C"), state("C", "A"))
