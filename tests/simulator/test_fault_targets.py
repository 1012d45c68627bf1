"""Which elements a fault is meant for."""

from __future__ import annotations

import pytest

from xentara_nb.simulator import FaultError, simulate
from xentara_nb.simulator.fault_targets import (
    chosen_elements,
    find_element,
    readable_source,
    write_path,
    written_target,
)
from xentara_nb.simulator.plant.plant import Plant

PUMP = "Plant.Line 1.Filler.[Pump 1.2]"


@pytest.fixture(scope="module")
def plant() -> Plant:
    return simulate().plant


def test_elements_by_key_and_by_uuid(plant: Plant) -> None:
    line = plant.lookup("Plant.Line 1")
    assert find_element(plant, "Plant.Line 1") is find_element(plant, line.uuid) is line
    with pytest.raises(FaultError, match="no element 'Nowhere'"):
        find_element(plant, "Nowhere")


def test_an_element_means_those_below_it_as_well(plant: Plant) -> None:
    line, speed = plant.lookup("Plant.Line 1"), plant.lookup("Plant.Line 1.Speed")
    chosen = chosen_elements(plant, [line.uuid, "Plant.Line 1.Speed"])
    assert chosen[0] is line
    assert chosen.count(speed) == 1


def test_what_stands_behind_a_data_point(plant: Plant) -> None:
    output = plant.lookup("Field Bus.Line 1 Coupler.Digital outputs.Pump")
    assert list(write_path(plant.lookup(PUMP))) == [plant.lookup(PUMP), output]
    assert chosen_elements(plant, PUMP, written_target) == [output]
    assert all(
        source.kind is not plant.lookup(PUMP).kind
        for source in chosen_elements(plant, "Plant.Line 1", readable_source)
    )


def test_nothing_fit_for_the_fault(plant: Plant) -> None:
    with pytest.raises(FaultError, match="no quality, and nothing below it"):
        chosen_elements(plant, "Main Track", readable_source)
    with pytest.raises(FaultError, match="cannot be written, and nothing below it"):
        chosen_elements(plant, "Test Signals.Sine", written_target)
