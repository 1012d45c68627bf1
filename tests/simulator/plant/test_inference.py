"""Skills without a driver: every element of a model is served, and looks plausible."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.models import plant
from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType
from xentara_nb.simulator.documents import ConfigurationError
from xentara_nb.simulator.plant.elements import Element


def _value(element: Element) -> tuple[int, int]:
    info = element.table.info(Attribute.VALUE)
    assert info is not None
    return info.data_type, info.access


def _entry(name: str, data_type: str, sync_manager: int) -> dict[str, Any]:
    return {
        "@Skill.CoE.Entry": {
            "name": name,
            "dataType": data_type,
            "syncManager": sync_manager,
            "index": "0x7000",
            "bufferAddress": "0x0000.0",
        }
    }


def test_an_ethercat_coupler() -> None:
    entries = [
        _entry("Output", "BOOLEAN", 2),
        _entry("Input", "UNSIGNED16", 3),
        _entry("Channel 1, Data 1 (2)", "REAL32", 3),
    ]
    device = {"@Skill.CoE.Device": {"name": "Coupler", "position": 1, "children": entries}}
    built = plant(
        {"@Skill.CoE.Bus": {"name": "Bus", "interface": "X11", "children": [device]}},
        {"@Skill.CPP.Control": {"name": "Control", "controlPath": "x.so", "parameters": {"a": 1}}},
    )
    looks = {
        element.key: (element.kind.category, element.kind.type_text, element.read(4))
        for element in built
    }
    assert looks == {
        "Bus": (Category.DEVICE_GROUP, "EtherCAT bus", "device group"),
        "Bus.Coupler": (Category.DEVICE, "EtherCAT device", "device"),
        "Bus.Coupler.Output": (Category.DATA_POINT, "EtherCAT device entry", "data point"),
        "Bus.Coupler.Input": (Category.DATA_POINT, "EtherCAT device entry", "data point"),
        "Bus.Coupler.Channel 1, Data 1 (2)": (
            Category.DATA_POINT,
            "EtherCAT device entry",
            "data point",
        ),
        "Control": (Category.MICROSERVICE, "C++ control", "microservice"),
    }
    output, its_input = built.lookup("Bus.Coupler.Output"), built.lookup("Bus.Coupler.Input")
    assert _value(output) == (DataType.BOOLEAN, Access.READ_AND_WRITE)
    assert _value(its_input) == (DataType.UNSIGNED_INTEGER_16, Access.READ_ONLY)
    assert its_input.read(Attribute.VALUE) == 0
    assert its_input.read(Attribute.QUALITY) == 0
    assert Attribute.WRITE_TIME in output.table.index
    assert Attribute.WRITE_TIME not in its_input.table.index
    assert built.lookup("Bus").read(Attribute.DEVICE_STATE) is True
    output.write(Attribute.VALUE, True, built.clock())
    assert output.read(Attribute.VALUE) is True


@pytest.mark.parametrize(
    ("descriptor", "properties", "category", "type_text"),
    [
        ("@Skill.Modbus.Client", {}, Category.DEVICE, "Modbus client"),
        ("@Skill.Modbus.HoldingRegister", {}, Category.DATA_POINT, "Modbus holding register"),
        ("@Skill.OPCUA.PollGroup", {}, Category.DATA_POINT_GROUP, "OPCUA poll group"),
        ("@Skill.Beckhoff.IOModule", {}, Category.SUB_DEVICE, "Beckhoff IO module"),
        ("@Skill.Canbus.Bus", {}, Category.DEVICE_GROUP, "Canbus bus"),
        ("@Skill.TimescaleDB.Database", {}, Category.DATA_STORAGE, "TimescaleDB database"),
        ("@Skill.MQTT.Publisher", {}, Category.EXTERNAL_INTERFACE, "MQTT publisher"),
        ("@Skill.Python.Microservice", {}, Category.MICROSERVICE, "Python microservice"),
        ("@Skill.MQTT.Command", {}, Category.TRANSACTION, "MQTT Command"),
        (
            "@Microservice.SimpleWebService.Server",
            {},
            Category.EXTERNAL_INTERFACE,
            "web service server",
        ),
        (
            "@Skill.Uplink.Client",
            {"children": [{"@Skill.Uplink.Transaction": {}}]},
            Category.DATA_STORAGE,
            "Uplink client",
        ),
        ("@Skill.Odd.Thing", {"dataType": "uint8"}, Category.DATA_POINT, "Odd thing"),
        ("@Skill.Odd.Thing", {}, Category.SPECIAL_PURPOSE, "Odd thing"),
        (
            "@Skill.Odd.Thing",
            {"children": [{"@Skill.Odd.Other": {}}]},
            Category.DEVICE,
            "Odd thing",
        ),
        (
            "@Skill.Odd.Node",
            {"children": [{"@Skill.Odd.Node": {}}]},
            Category.DATA_POINT_GROUP,
            "Odd node",
        ),
    ],
)
def test_looks(
    descriptor: str, properties: dict[str, Any], category: Category, type_text: str
) -> None:
    element = plant({descriptor: {"name": "X", **properties}}).lookup("X")
    assert (element.kind.category, element.kind.type_text) == (category, type_text)


@pytest.mark.parametrize(
    ("descriptor", "properties", "value"),
    [
        ("@Skill.M.Coil", {}, (DataType.BOOLEAN, Access.READ_AND_WRITE)),
        ("@Skill.M.DiscreteInput", {}, (DataType.BOOLEAN, Access.READ_ONLY)),
        ("@Skill.M.HoldingRegister", {"dataType": "int16"}, (2, Access.READ_AND_WRITE)),
        ("@Skill.M.InputRegister", {"dataType": "strange"}, (10, Access.READ_ONLY)),
        ("@Skill.M.Tag", {"dataType": "STRING", "access": "read-write"}, (11, 2)),
        ("@Skill.M.Tag", {"direction": "output"}, (10, 2)),
        ("@Skill.M.Tag", {"access": "writeOnly"}, (10, 1)),
        ("@Skill.M.Tag", {"dataType": {"odd": 1}}, (10, 0)),
        ("@Skill.M.Tag", {"type": "REAL"}, (9, 0)),
        ("@Skill.M.Tag", {"type": "Temperature", "valueType": "BOOL"}, (0, 0)),
        ("@Skill.M.Tag", {"type": 5, "format": None}, (10, 0)),
        ("@Skill.M.Tag", {"type": "Holding Register"}, (10, 2)),
        ("@Skill.M.Tag", {"area": "coils", "writable": False}, (0, 2)),
        ("@Skill.M.Tag", {"writable": True}, (10, 2)),
        ("@Skill.M.Coil", {"readOnly": True}, (0, 0)),
        ("@Skill.M.Odd", {"type": "word"}, (6, 0)),
    ],
)
def test_points(descriptor: str, properties: dict[str, Any], value: tuple[int, int]) -> None:
    assert _value(plant({descriptor: {"name": "X", **properties}}).lookup("X")) == value


@pytest.mark.parametrize(
    ("name", "data_type"),
    [("BIT1", 0), ("BIT2", 5), ("BIT12", 6), ("BITARR32", 7), ("BYTE", 5), ("VISIBLE_STRING", 11)],
)
def test_data_types_of_ethercat(name: str, data_type: int) -> None:
    assert _value(plant(_entry("X", name, 3)).lookup("X")) == (data_type, 0)


def test_an_unknown_data_type_of_a_known_skill() -> None:
    with pytest.raises(ConfigurationError, match=r"dataType: there is no data type 'WHAT'"):
        plant(_entry("X", "WHAT", 3))


def test_one_warning_for_all_elements_of_a_kind(caplog: pytest.LogCaptureFixture) -> None:
    plant(*({"@Skill.M.Tag": {"name": f"{n}", "dataType": "packed"}} for n in range(3)))
    assert [record.getMessage() for record in caplog.records] == [
        "model.json: children[0].@Skill.M.Tag.dataType: "
        "the data type 'packed' is assumed to be Float64"
    ]
