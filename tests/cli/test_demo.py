"""xentara-nb demo: what a newcomer runs first."""

from __future__ import annotations

from pathlib import Path

import pytest

import xentara_nb
from xentara_nb.cli import main


def test_demo_leaves_an_inventory_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo"]) == 0
    frame = xentara_nb.read_inventory("attributes.csv")
    assert frame.element_uuid.nunique() > 150
    assert set(frame.access) == {"read only", "write only", "read and write"}
    out = capsys.readouterr().out
    assert "wss://127.0.0.1:" in out
    assert f"{len(frame):,} attributes" in out
    assert "What to try next" in out


def test_demo_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    assert main(["demo", "-o", str(one)]) == 0
    assert main(["demo", "-o", str(other), "--user", "engineer"]) == 0
    assert one.read_bytes() == other.read_bytes()


def test_demo_of_a_made_up_model(tmp_path: Path) -> None:
    path = tmp_path / "made-up.csv"
    assert main(["demo", "--elements", "500", "-o", str(path)]) == 0
    assert xentara_nb.read_inventory(path).element_uuid.nunique() == 500


def test_demo_of_a_model_in_which_nothing_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model.json"
    model.write_text("{}")
    assert main(["demo", "--model", str(model), "-o", str(tmp_path / "all.csv")]) == 0
    assert "None of the attributes can be written." in capsys.readouterr().out


def test_demo_that_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "-o", str(tmp_path / "no folder" / "x.csv")]) != 0
    assert "x.csv" in capsys.readouterr().err
