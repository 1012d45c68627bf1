"""What a fleet has given, in files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from xentara_nb import Fleet, read_fleet
from xentara_nb.errors import InventoryFileError


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_one_file_for_all(fleet: Fleet, tmp_path: Path, ending: str) -> None:
    frame = fleet.inventory("Plant.Line 1", 1)
    frame.xentara.to_file(tmp_path / f"all{ending}")
    pd.testing.assert_frame_equal(read_fleet(tmp_path / f"all{ending}"), frame)


def test_a_file_for_each(fleet: Fleet, tmp_path: Path) -> None:
    frame = fleet.snapshot(["Plant.Line 1.Set point", "Plant.Line 1.Recipe"])
    fleet["north"].snapshot("Plant.Line 1.Recipe").xentara.to_file(tmp_path / "north.csv")
    fleet["south"].snapshot("Plant.Line 1.Recipe").xentara.to_file(tmp_path / "south.json")
    (tmp_path / "notes.txt").write_text("of last month")
    found = read_fleet(tmp_path)
    assert found["server"].tolist() == ["north", "south"]
    assert found.dtypes.to_dict() == frame.dtypes.to_dict()
    fleet["north"].snapshot("Plant").xentara.to_file(tmp_path / "north.json")
    with pytest.raises(InventoryFileError, match="more than one file of the server north"):
        read_fleet(tmp_path)


def test_what_is_nothing_of_a_fleet(fleet: Fleet, tmp_path: Path) -> None:
    with pytest.raises(InventoryFileError, match="no folder server=NAME"):
        read_fleet(tmp_path)
    fleet["north"].meta_data("Plant").xentara.to_file(tmp_path / "north.csv")
    with pytest.raises(InventoryFileError, match="no column server"):
        read_fleet(tmp_path / "north.csv")
    with pytest.raises(FileNotFoundError, match=r"directory; did you mean 'north\.csv'\?: "):
        read_fleet(tmp_path / "nort.csv")
    (tmp_path / "server=south").mkdir()
    with pytest.raises(InventoryFileError, match="0 files"):
        read_fleet(tmp_path)
