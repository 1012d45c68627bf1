"""Made-up models."""

from __future__ import annotations

import pytest

from xentara_nb.protocol.identifiers import Attribute, DataType
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.model.datatypes import convert
from xentara_nb.simulator.plant import synthetic
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.settings import Security


def _plant(count: int) -> Plant:
    return synthetic.plant(count, Security(), lambda: TimePoint(5))


@pytest.mark.parametrize("count", [0, 1, 2, 98, 99, 100, 1000])
def test_as_many_elements_as_asked_for(count: int) -> None:
    assert len(_plant(count)) == count


def test_a_negative_number() -> None:
    with pytest.raises(ValueError, match="from 0 up"):
        _plant(-1)


def test_it_is_the_same_every_time() -> None:
    def content(plant: Plant) -> list[object]:
        return [
            (
                element.key,
                element.uuid,
                [element.current(n) for n in range(len(element.table.infos))],
            )
            for element in plant
        ]

    assert content(_plant(300)) == content(_plant(300))


def test_about_ten_attributes_in_a_dozen_lists() -> None:
    plant = _plant(2000)
    tables = {element.table for element in plant}
    assert 12 <= len(tables) <= 14
    assert 9.5 <= sum(len(element.table.infos) for element in plant) / len(plant) <= 10.5
    assert len({element.uuid for element in plant}) == len(plant)
    for element in plant:
        info = element.table.info(Attribute.VALUE)
        if info is not None:
            value = element.read(Attribute.VALUE)
            assert convert(DataType(info.data_type), value) == value


def test_registers_can_be_written() -> None:
    register = _plant(10).lookup("Device 00001.Point 01")
    register.write(Attribute.VALUE, 7, TimePoint(9))
    assert register.read(Attribute.VALUE) == 7.0
    assert register.read(Attribute.WRITE_TIME) == TimePoint(9)
