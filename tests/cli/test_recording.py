"""xentara-nb record, against a simulated plant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.clients import eventually
from xentara_nb import open_recording
from xentara_nb.cli import main
from xentara_nb.protocol.text import quantity
from xentara_nb.simulator import Simulator

SPEED, RECIPE = "Plant.Line 1.Speed", "Plant.Line 1.Recipe"


@pytest.fixture
def options(plant: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("XENTARA_USER", "viewer")
    monkeypatch.setenv("XENTARA_PASSWORD", plant.users["viewer"])
    rows = tmp_path / "rows.csv"
    rows.write_text(f"primary_key\n{SPEED}\n{RECIPE}\n", encoding="utf-8")
    return [plant.url, "--ca-file", plant.ca_file, "--rows", str(rows)]


def test_record(options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    for number in (1, 2):
        assert main(["record", *options, "-o", str(folder), "--for", "0.2"]) == 0
        out, err = capsys.readouterr()
        assert out == ""
        assert f"recorded into {folder}, {quantity(number, 'file')} in all" in err
    frame = open_recording(folder).frame()
    assert list(frame.columns) == [RECIPE, SPEED]
    assert frame[RECIPE].dropna().unique().tolist() == ["Still 0.5 l"]


def test_an_inventory_names_the_attributes(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, folder = tmp_path / "all.json", tmp_path / "out"
    assert (
        main(["inventory", *options[:3], "--root", SPEED.rpartition(".")[0], "-o", str(rows)]) == 0
    )
    arguments = [*options[:3], "--rows", str(rows), "--output", str(folder), "--for", "0.1s"]
    assert main(["record", *arguments]) == 0
    assert f"{SPEED}.units" in open_recording(folder).frame()


def recorded(folder: Path) -> set[str]:
    """Return the columns of what is recorded, also while it goes on; none if nothing is."""
    if not [*folder.rglob("*.parquet")]:
        return set()
    return set(open_recording(folder).frame().columns)


def test_ctrl_c(options: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    command = [sys.executable, "-m", "xentara_nb.cli", "record", *options, "-o", str(folder)]
    with subprocess.Popen(
        [*command, "--flush-every", "0.05"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            # Of one message, the first value may be written before the second one is decoded.
            eventually(lambda: recorded(folder) == {SPEED, RECIPE} or process.poll() is not None)
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0
    # No progress, which is for people: this is no terminal.
    assert error.decode() == f"recorded into {folder}, 1 file in all\n"
    assert {SPEED, RECIPE} == recorded(folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--for", "soon"], "--for: 'soon' is no time"),
        (["--for", "0"], "for_ is a time in seconds"),
        (["--rows", "none.csv"], "none.csv cannot be read"),
    ],
)
def test_what_makes_no_sense(
    options: list[str],
    tmp_path: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["record", *options, "-o", str(tmp_path / "out"), *arguments]) in (1, 2)
    assert message in capsys.readouterr().err
