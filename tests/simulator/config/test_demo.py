"""The demo plant is what the documentation promises."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.config import demo
from xentara_nb.simulator.config.configuration import read_folder
from xentara_nb.simulator.plant.attributes import DISPLAY_NAME, UNITS
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.access import roles
from xentara_nb.simulator.security.authentication import Authenticator


@pytest.fixture(scope="module")
def plant() -> Plant:
    found = demo.configuration()
    return Plant.from_model(found.model, found.security)


def test_about_two_hundred_elements_of_every_category(plant: Plant) -> None:
    assert 180 <= len(plant) <= 250
    assert {element.kind.category for element in plant} == set(Category) - {Category.ROOT_ELEMENT}
    assert len({element.uuid for element in plant}) == len(plant)


def test_what_is_served_is_known(plant: Plant) -> None:
    # Notebooks and the README name elements of the demo. A change of the model file that is meant
    # changes this digest as well.
    inventory = sorted(
        (element.key, str(element.uuid), int(element.kind.category), element.kind.type_text, *info)
        for element in plant
        for info in (
            (info.name, str(info.attribute_id), int(info.access), int(info.data_type))
            for info in element.table.infos
        )
    )
    digest = hashlib.sha256(json.dumps(inventory).encode()).hexdigest()
    assert digest == "dfde7883f0fb2c5796ed05cfda481014ea8195db584029ec39b4334770191e0b"


def test_every_point_says_what_it_is(plant: Plant) -> None:
    for element in plant:
        if element.table.info(Attribute.VALUE) is not None:
            assert {"units", "displayName"} <= set(element.table.names), element.key
            assert element.read(DISPLAY_NAME.attribute_id), element.key
    speed = plant.lookup("Plant.Line 1.Set point")
    assert speed.read(UNITS.attribute_id) == "bottles/min"


def test_it_moves_like_a_plant() -> None:
    def run(steps: int) -> list[list[object]]:
        now = [1_790_000_000_000_000_000]
        found = demo.configuration()
        plant = Plant.from_model(found.model, found.security, lambda: TimePoint(now[0]))
        rows = []
        for step in range(steps):
            now[0] += 2_000_000_000
            for _ in plant.execution.run(plant.clock):
                pass
            if step == 150:
                plant.lookup("Plant.Line 1.Set point").write(
                    Attribute.VALUE, 150.0, TimePoint(now[0])
                )
            rows.append([plant.lookup(key).read(Attribute.VALUE) for key in MOVING])
        return rows

    rows = run(300)
    speed, counted, current, flow, alarm = zip(*rows, strict=True)
    # It stays near its set point, and follows it.
    assert all(200 < value < 220 for value in speed[:150])
    assert all(140 < value < 160 for value in speed[200:])
    assert len(set(speed)) > 250
    assert list(counted) == sorted(counted)
    assert 300 * 205 / 60 < counted[150] - counted[0] < 300 * 215 / 60
    assert max(current[200:]) < min(current[:150])
    assert 10 < min(flow) < max(flow) < 30
    assert {True, False} == set(alarm)
    # With the same times, the same plant.
    assert run(60) == rows[:60]


MOVING = (
    "Plant.Line 1.Speed",
    "Plant.Line 1.Bottle count",
    "Plant.Line 1.Motor current",
    "Plant.Water Treatment.Raw water flow",
    "Plant.Line 1.Capper.Caps low",
)


def test_every_data_type_and_access(plant: Plant) -> None:
    infos = [info for element in plant for info in element.table.infos]
    assert {info.data_type for info in infos} == set(DataType)
    assert {info.access for info in infos} == set(Access)
    assert any(info.name == "serialNumber" for info in infos)


def test_nearly_everything_can_be_read(plant: Plant) -> None:
    failed = {
        element.key
        for element in plant
        for info in element.table.infos
        if isinstance(element.read(info.attribute_id), ServerError)
    }
    lamps = {
        f"{place}.{name}"
        for number in (1, 2, 3)
        for place, name in (
            (f"Plant.Line {number}.Capper", "Lamp"),
            (f"Field Bus.Line {number} Coupler.Digital outputs", "Lamp"),
        )
    }
    assert failed == {*lamps, "Data Types.None"}


def test_a_key_to_start_with(plant: Plant) -> None:
    element = plant.lookup("Plant.Line 1.Set point")
    assert element.read(Attribute.VALUE) == 210.0
    assert plant.lookup("Plant.Line 1.Filler.[Pump 1.2]").name == "Pump 1.2"


def test_who_may_do_what(plant: Plant) -> None:
    rights = {
        "viewer": roles("Viewer"),
        "operator": roles("Operator"),
        "engineer": roles("Engineer"),
    }
    expected = {
        "Plant.Line 1.Set point": ("re", "rew", "rew"),
        "Plant.Line 1.Maximum speed": ("re", "re", "rew"),
        "Plant.Utilities.Price of energy": ("", "re", "rew"),
    }
    for key, allowed in expected.items():
        acl = plant.lookup(key).acl
        found = tuple(
            ("re" if acl.allows(of_user, "read") else "")
            + ("w" if acl.allows(of_user, "write") else "")
            for of_user in rights.values()
        )
        assert found == allowed
    for of_user in rights.values():
        assert plant.acl.allows(of_user, "websocket.connect")
    assert not plant.acl.allows(roles(), "websocket.connect")


def test_the_documented_passwords() -> None:
    authenticator = Authenticator(demo.configuration().users)
    for name, password in demo.USERS.items():
        assert password == f"{name}-demo"
        assert f"{name}  " in (demo.__doc__ or "")
        assert password in (demo.__doc__ or "")
        assert authenticator.by_password(name, password) is not None


def test_it_can_be_written_out_as_a_configuration_of_ones_own(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    demo.write_documents(folder)
    for name, content in demo.documents().items():
        assert json.loads((folder / name).read_text(encoding="utf-8")) == content
    found = read_folder(folder)
    assert found.model.by_key.keys() == demo.configuration().model.by_key.keys()


def test_it_is_the_same_at_every_start(plant: Plant) -> None:
    found = demo.configuration()
    again = Plant.from_model(found.model, found.security)
    assert [(e.key, e.uuid) for e in again] == [(e.key, e.uuid) for e in plant]
