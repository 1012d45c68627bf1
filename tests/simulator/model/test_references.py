"""Elements of unknown skills, of which nothing is known but what the model does with them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.simulator.models import Json, model, plant
from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType
from xentara_nb.simulator.documents import ConfigurationError
from xentara_nb.simulator.model.references import References, find_references
from xentara_nb.simulator.plant.elements import Element


def _references(*children: Json) -> dict[str, References]:
    return find_references(model(*children))


THING: Json = {"@Skill.Odd.Merker": {"name": "X", "address": "M 0.1"}}


def _value(element: Element) -> tuple[int, int]:
    info = element.table.info(Attribute.VALUE)
    assert info is not None
    return info.data_type, info.access


def _point(io: Any) -> Json:
    return {"@DataPoint": {"name": "P", "io": io}}


def _processing(kind: str, **content: Any) -> Json:
    return {f"@Skill.{kind}": {"name": "P", **content}}


@pytest.mark.parametrize(
    ("user", "data_type", "access"),
    [
        (_point("X"), DataType.FLOAT_64, Access.READ_ONLY),
        (_point("[X]"), DataType.FLOAT_64, Access.READ_ONLY),
        (_point({"input": "X"}), DataType.FLOAT_64, Access.READ_ONLY),
        (_point({"output": "X"}), DataType.FLOAT_64, Access.READ_AND_WRITE),
        (
            _processing("SignalProcessing.ConvertedValue", rawValue="X", mappings=[]),
            DataType.FLOAT_64,
            Access.READ_ONLY,
        ),
        (
            _processing("SignalProcessing.Bit", source="X", bitNumber=3),
            DataType.UNSIGNED_INTEGER_32,
            Access.READ_ONLY,
        ),
        (
            _processing("SignalProcessing.Bit", source="X", bitNumber=40),
            DataType.UNSIGNED_INTEGER_64,
            Access.READ_ONLY,
        ),
        (
            _processing("SignalProcessing.SummaryState", states=["X"]),
            DataType.BOOLEAN,
            Access.READ_ONLY,
        ),
        (
            _processing("SignalFlow.EdgeDetection", value="X"),
            DataType.FLOAT_64,
            Access.READ_ONLY,
        ),
        (
            _processing("Debugging.Inspector", attributes=["X.value"]),
            DataType.FLOAT_64,
            Access.READ_ONLY,
        ),
        (
            _processing(
                "SignalFlow.Bridge", connections=[{"source": "X.value", "target": "X.value"}]
            ),
            DataType.FLOAT_64,
            Access.READ_AND_WRITE,
        ),
    ],
)
def test_what_is_used_as_a_value_has_one(user: Json, data_type: int, access: int) -> None:
    for order in ((user, THING), (THING, user)):
        element = plant(*order).lookup("X")
        assert element.kind.category is Category.DATA_POINT
        assert _value(element) == (data_type, access)


def test_a_key_as_the_schema_has_it() -> None:
    group = {"@Group": {"name": "G", "children": [{"@Skill.Odd.Merker": {"name": "[X.1]"}}]}}
    assert _value(plant(group, _point({"output": "G[X.1]"})).lookup("G.[X.1]")) == (10, 2)


def test_what_the_configuration_says_counts_more() -> None:
    said = {"@Skill.Odd.Merker": {"name": "X", "dataType": "int16", "access": "read-only"}}
    bit = _processing("SignalProcessing.Bit", source="X", bitNumber=3)
    assert _value(plant(said, bit).lookup("X")) == (DataType.SIGNED_INTEGER_16, 0)
    with pytest.raises(ConfigurationError, match="has no output"):
        plant(said, _point({"output": "X"}))


def test_a_type_that_is_not_known_is_one_that_fits() -> None:
    said = {"@Skill.Odd.Merker": {"name": "X", "dataType": "packed"}}
    bit = _processing("SignalProcessing.Bit", source="X", bitNumber=3)
    assert _value(plant(said, bit).lookup("X")) == (DataType.UNSIGNED_INTEGER_32, 0)


def test_a_device_with_a_value_stays_a_device() -> None:
    device = {"@Skill.Odd.Device": {"name": "D", "children": [THING]}}
    found = plant(device, _point({"input": "D.X", "output": "D"}))
    element = found.lookup("D")
    assert element.kind.category is Category.DEVICE
    assert _value(element) == (DataType.FLOAT_64, Access.READ_AND_WRITE)
    names = [info.name for info in element.table.infos]
    assert len(names) == len(set(names))
    assert {"deviceState", "error", "writeTime"} <= set(names)


def test_attributes_of_other_names() -> None:
    built = plant(
        {"@Skill.Odd.Drive": {"name": "Drive [1]"}},
        _processing(
            "Debugging.Inspector",
            attributes=["Drive [1].torque", "Drive [1].quality", "Drive [1].name"],
        ),
        {
            "@Skill.SignalFlow.Bridge": {
                "name": "B",
                "connections": [
                    {
                        "source": "Drive [1].torque",
                        "target": "Drive [1].torqueLimit",
                        "errorHandler": "Drive [1].lastError",
                    }
                ],
            }
        },
    )
    infos = {info.name: info for info in built.lookup("Drive [1]").table.infos[5:]}
    assert {name: (info.data_type, info.access) for name, info in infos.items()} == {
        "torque": (DataType.FLOAT_64, Access.READ_ONLY),
        "quality": (DataType.QUALITY, Access.READ_ONLY),
        "torqueLimit": (DataType.FLOAT_64, Access.READ_AND_WRITE),
        "lastError": (DataType.STRING, Access.READ_AND_WRITE),
    }
    assert infos["quality"].attribute_id == Attribute.QUALITY
    assert isinstance(infos["torque"].attribute_id, UUID)


def test_skills_that_are_known_have_what_they_have() -> None:
    for kind in ("@Skill.CoE.Bus", "@Skill.CPP.Control", "@Group", "@Track"):
        with pytest.raises(ConfigurationError, match="has no value"):
            plant({kind: {"name": "X"}}, _point("X"))


@pytest.mark.parametrize(
    "user",
    [
        _point(None),
        _point(5),
        _point("a..b"),
        _point({"input": ["X"]}),
        _processing("SignalProcessing.Bit", source={}, bitNumber="x"),
        _processing("SignalProcessing.SummaryState", states="X"),
        _processing("Debugging.Inspector", attributes=[None, "", "..", 5]),
        _processing("SignalFlow.Bridge", connections=[None, {"source": 5}]),
        {"@Group": {"name": "X"}},
    ],
)
def test_references_that_are_wrong_are_passed_over(user: Json) -> None:
    assert not {key for key, found in _references(user).items() if key and found.has_value}
