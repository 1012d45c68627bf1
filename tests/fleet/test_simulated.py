"""A fleet of simulated servers: of configurations, of models, and of the demo plant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xentara_nb.errors import OptionError
from xentara_nb.fleet.simulated import simulated_fleet


def test_a_folder_of_models(tmp_path: Path) -> None:
    model = {
        "children": [{"@Group": {"name": "Plant", "UUID": "00000000-0000-4000-8000-000000000001"}}]
    }
    for name in ("north", "south"):
        (tmp_path / f"{name}.json").write_text(json.dumps(model))
    (tmp_path / "notes.txt").write_text("nothing to simulate")
    with simulated_fleet(tmp_path, journal=False) as fleet:
        assert fleet.servers == ["north", "south"]
        assert set(fleet.inventory()["server"]) == {"north", "south"}
        plants = fleet.plants
    assert all("stopped" in repr(plant) for plant in plants.values())


def test_names(tmp_path: Path) -> None:
    with simulated_fleet(["a", "b"], elements=20, threads=1) as fleet:
        assert fleet.snapshot().groupby("server", observed=True).size().nunique() == 1
        assert "***" not in repr(fleet)


def test_a_number_is_no_name() -> None:
    with pytest.raises(OptionError, match=r"give a name for each plant: .* in range\(3\)"):
        simulated_fleet(3)


def test_a_folder_without_any(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no folder with a config"):
        simulated_fleet(tmp_path)
    with pytest.raises(OptionError, match="there is no folder"):
        simulated_fleet(tmp_path / "nothing")


def test_two_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="two servers are called a"):
        simulated_fleet(["a", "b", "a"])
    (tmp_path / "north.json").write_text("{}")
    (tmp_path / "north").mkdir()
    (tmp_path / "north" / "config.json").write_text("{}")
    with pytest.raises(OptionError, match="two servers are called north"):
        simulated_fleet(tmp_path)
