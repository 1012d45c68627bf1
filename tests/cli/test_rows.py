"""Tables as JSON lines, and rows from files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from xentara_nb.cli import main
from xentara_nb.cli.common import UsageError
from xentara_nb.cli.rows import json_lines, read_rows
from xentara_nb.simulator import simulate

POINT = "Plant.Line 1.Set point"


def test_json_lines() -> None:
    stamp = pd.Timestamp("2026-01-02T03:04:05.000000006Z")
    frame = pd.DataFrame(
        {
            "a": np.array([1.5, math.nan, -math.inf, np.int64(7), True, None], dtype=object),
            "b": [stamp, pd.NaT, stamp, stamp, stamp, stamp],
            "c": pd.array([1, None, 3, 4, 5, 6], dtype="Int64"),
            "d": ["Grüße\n\x1b[31m", UUID(int=5), "", "x", "y", "z"],
        }
    )
    lines = json_lines(frame)
    assert all(line.isascii() and line.isprintable() for line in lines)
    rows = [json.loads(line) for line in lines]
    assert [row["a"] for row in rows] == [1.5, "nan", "-inf", 7, True, None]
    assert [row["b"] for row in rows][:2] == ["2026-01-02T03:04:05.000000006+00:00", None]
    assert [row["c"] for row in rows] == [1, None, 3, 4, 5, 6]
    assert [row["d"] for row in rows][:2] == ["Grüße\n\x1b[31m", str(UUID(int=5))]


def test_missing_texts_are_null() -> None:
    (line,) = json_lines(pd.DataFrame({"error": pd.Series([None], dtype="str")}))
    assert json.loads(line) == {"error": None}


@pytest.fixture
def options(plant, journal, log_in):
    return log_in(plant, "engineer")


def test_every_command_with_a_table(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> list[dict[str, object]]:
        assert main([*arguments, "--json"]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    (row,) = run("read", *options, POINT, "-a", "value")
    assert row["value"] == 210.0
    assert row["error"] is None
    rows = run("inventory", *options, "--root", "Plant.Line 1")
    assert {row["primary_key"] for row in rows} > {POINT, "Plant.Line 1.Speed"}
    out = tmp_path / "all.csv"
    assert len(run("inventory", *options, "--root", "Plant.Line 1", "-o", str(out))) == len(rows)
    assert out.exists()
    (row,) = run("write", *options, POINT, "195", "--yes")
    assert (row["value"], row["outcome"]) == (195.0, "VERIFIED")
    (row,) = run("write", *options, POINT, "196", "--dry-run")
    assert (row["value"], row["severity"]) == (196.0, "ok")
    writes = tmp_path / "writes.csv"
    writes.write_text(f"primary_key,value\n{POINT},210\n", encoding="utf-8")
    (row,) = run("apply", *options, str(writes), "--yes")
    assert row["outcome"] == "VERIFIED"
    assert run("stage", *options) == [{"stage": "operational"}]
    for change, before, after in (
        ("suspend", "operational", "suspended"),
        ("resume", "suspended", "operational"),
    ):
        (row,) = run("stage", *options, change, "--yes")
        assert (row["before"], row["after"], row["outcome"]) == (before, after, "VERIFIED")


def test_the_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--json", "-o", str(tmp_path / "all.csv")]) == 0
    out, err = capsys.readouterr()
    assert {json.loads(line)["category"] for line in out.splitlines()} > {"data point", "device"}
    assert "All of it is in" in err


def test_rows_from_files(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"primary_key\n{POINT}\n", encoding="utf-8")
    assert read_rows(str(path))["primary_key"].tolist() == [POINT]
    path.write_text("name\nx\n", encoding="utf-8")
    with pytest.raises(UsageError, match="has no column primary_key"):
        read_rows(str(path))


def test_what_is_there_in_place_of_a_key(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    for text, there in {"": "it is empty", "key,value\n": "'key', 'value'"}.items():
        path.write_text(text)
        with pytest.raises(
            UsageError, match=f"no column primary_key in its first line, but: {there}"
        ):
            read_rows(str(path))


def test_no_rows_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By every command with rows, before it connects: nothing would be read or recorded."""
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("primary_key,attribute_name\n")
    with simulate() as plant, plant.connect() as client:
        client.inventory().head(0).xentara.to_file("rows.parquet")
    Path("servers.toml").write_text('[servers.north]\naddress = "127.0.0.1:1"\n')
    for rows in (["--rows", "rows.csv"], ["--rows", "rows.parquet"]):
        assert main(["record", "127.0.0.1:1", *rows, "-o", "recording"]) == 2
        assert main(["snapshot", "127.0.0.1:1", *rows]) == 2
        for command in ("record", "snapshot"):
            assert main(["fleet", command, "servers.toml", *rows, "-o", "recording"]) == 2
        with pytest.raises(UsageError, match="has no rows, so it names no element"):
            read_rows(rows[1])
    assert not Path("recording").exists()


def test_rows_from_every_kind_of_file(tmp_path: Path) -> None:
    with simulate() as plant, plant.connect() as client:
        snapshot = client.snapshot("Plant.Line 1")
    for ending in ("csv", "xlsx", "json", "parquet"):
        path = tmp_path / f"rows.{ending}"
        snapshot.xentara.to_file(path)
        rows = read_rows(str(path))
        assert rows["primary_key"].tolist() == snapshot["primary_key"].tolist()
