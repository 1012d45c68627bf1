"""The simulator's own points, as a model describes them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.models import data_point, element, plant
from xentara_nb.protocol.errors import (
    IllegalValueError,
    MissingAttributeError,
    ValueOutOfRangeError,
    WriteOnlyError,
)
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


@pytest.mark.parametrize(
    ("access", "names"),
    [
        ("read only", ["value", "updateTime", "changeTime", "quality", "error"]),
        ("write only", ["value", "writeTime", "writeError"]),
        (
            "read and write",
            ["value", "updateTime", "changeTime", "quality", "error", "writeTime", "writeError"],
        ),
    ],
)
def test_attributes_by_access(access: str, names: list[str]) -> None:
    point = element("@Skill.Simulator.Point", "P", dataType="uint8", access=access)
    built = plant(point, data_point("D", "P"))
    assert list(built.lookup("P").table.names)[5:] == names
    assert list(built.lookup("D").table.names)[5:] == [*names, "units", "displayName"]


def test_a_data_point_shows_what_goes_its_way() -> None:
    point = element("@Skill.Simulator.Point", "P", dataType="uint8", access="read and write")
    built = plant(point, data_point("I", {"input": "P"}), data_point("O", {"output": "P"}))
    assert {"writeTime", "writeError"}.isdisjoint(built.lookup("I").table.names)
    assert {"updateTime", "changeTime", "quality", "error"}.isdisjoint(
        built.lookup("O").table.names
    )
    built.lookup("O").write(Attribute.VALUE, 5, TimePoint(9))
    assert built.lookup("O").read(Attribute.WRITE_TIME) == TimePoint(9)
    assert built.lookup("I").read(Attribute.VALUE) == 5


def test_without_an_error_the_text_is_empty() -> None:
    point = _simulated(dataType="uint8", access="read and write").lookup("P")
    assert point.read(Attribute.ERROR) == point.read(Attribute.WRITE_ERROR) == ""


def test_a_well_known_name_with_a_uuid_of_its_own() -> None:
    attributes = [{"name": "error", "UUID": SERIAL, "dataType": "string", "value": "none"}]
    point = _simulated(attributes=attributes).lookup("P")
    assert str(point.table.infos[point.table.names["error"]].attribute_id) == SERIAL
    assert point.read(Attribute.ERROR) == MissingAttributeError()
