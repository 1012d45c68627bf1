"""The simulator's own points, as a model describes them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.models import element, plant
from xentara_nb.protocol.errors import IllegalValueError, ValueOutOfRangeError, WriteOnlyError
from xentara_nb.protocol.identifiers import Attribute, Category, DataType
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.documents import ConfigurationError
from xentara_nb.simulator.plant.plant import Plant

SERIAL = "00000000-0000-4000-8000-000000000002"


def _simulated(**properties: Any) -> Plant:
    return plant(element("@Skill.Simulator.Point", "P", **properties))


def test_the_simulators_own_point() -> None:
    built = _simulated(
        category="sub device",
        type="valve",
        dataType="uint8",
        access="read and write",
        value=3,
        quality="unreliable",
        maximum=5,
        allowed=[1, 2, 3, 7],
        deviceState=False,
        attributes=[
            {"name": "serialNumber", "UUID": SERIAL, "dataType": "U8String", "value": "4711"},
            {"name": "sourceTime", "dataType": "timeStamp", "value": "2024-01-01T00:00:00Z"},
            {"name": "calibrated", "dataType": "bool", "access": "read and write"},
            {"name": "reset", "dataType": "bool", "access": "write only"},
        ],
    )
    point = built.lookup("P")
    now = TimePoint(7)
    assert (point.kind.category, point.kind.type_text) == (Category.SUB_DEVICE, "valve")
    assert point.read(Attribute.VALUE) == 3
    assert point.read(Attribute.QUALITY) == 2
    assert point.read(Attribute.DEVICE_STATE) is False
    assert point.read(Attribute.SOURCE_TIME) == TimePoint.parse("2024-01-01T00:00:00Z")
    serial = point.table.infos[point.table.names["serialNumber"]]
    assert str(serial.attribute_id) == SERIAL
    assert serial.data_type == DataType.U8_STRING
    assert point.read(serial.attribute_id) == "4711"
    calibrated = point.table.infos[point.table.names["calibrated"]].attribute_id
    point.write(calibrated, True, now)
    assert point.read(calibrated) is True
    assert point.read(Attribute.WRITE_TIME) == TimePoint.NEVER
    reset = point.table.infos[point.table.names["reset"]].attribute_id
    assert point.read(reset) == WriteOnlyError()
    with pytest.raises(ValueOutOfRangeError):
        point.write(Attribute.VALUE, 7, now)
    with pytest.raises(IllegalValueError):
        point.write(Attribute.VALUE, 4, now)


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"dataType": "float16"}, "there is no data type 'float16'"),
        ({"dataType": "uint8", "access": "rw"}, "'read and write'"),
        ({"category": "thing"}, "'data point'"),
        ({"dataType": "uint8", "value": -1}, "out of range"),
        ({"dataType": "uint8", "maximum": "x"}, "does not fit"),
        ({"attributes": [{"dataType": "bool"}]}, "'name' is missing"),
    ],
)
def test_faults_of_a_point(properties: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        _simulated(**properties)
