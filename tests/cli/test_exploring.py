"""xentara-nb inventory and xentara-nb read, against a simulated plant."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import xentara_nb
from xentara_nb.cli import main
from xentara_nb.cli.common import secret_in
from xentara_nb.simulator import Simulator

SET_POINT = "Plant.Line 1.Set point"


@pytest.fixture
def options(simulator, log_in):
    return log_in(simulator, "viewer")


def test_inventory_to_a_file(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "all.csv"
    assert main(["inventory", *options, "-o", str(path)]) == 0
    frame = xentara_nb.read_inventory(path)
    assert SET_POINT in set(frame.primary_key)
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{len(frame):,} attributes" in err


def test_inventory_to_the_output(
    options: list[str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = tmp_path / "all.csv"
    main(["inventory", *options, "-o", str(path)])
    capfdbinary.readouterr()
    assert main(["inventory", *options]) == 0
    assert capfdbinary.readouterr().out == path.read_bytes()


def test_inventory_of_a_part(options: list[str], tmp_path: Path) -> None:
    path = tmp_path / "part.json"
    arguments = ["--root", "Plant.Line 1", "--depth", "1", "--categories", "data point"]
    assert main(["inventory", *options, *arguments, "-o", str(path)]) == 0
    frame = xentara_nb.read_inventory(path)
    assert set(frame.category) == {"data point"}
    assert frame.primary_key.str.fullmatch(r"Plant\.Line 1\.[^.]+").all()


def test_a_snapshot_of_the_whole_plant(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plant.xlsx"
    assert main(["snapshot", *options, "-o", str(path), "-a", "writeTime"]) == 0
    frame = xentara_nb.read_table(path).set_index("primary_key")
    assert frame.loc[SET_POINT, "data_type"] == "Float64"
    assert isinstance(frame.loc[SET_POINT, "value"], float)
    assert "write_time" in frame
    assert frame["time"].nunique() == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{len(frame):,} elements" in err


def test_a_snapshot_of_a_part(options: list[str], capfdbinary: Any) -> None:
    arguments = ["--root", "Plant.Line 1", "--categories", "data point"]
    assert main(["snapshot", *options, *arguments]) == 0
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert lines[0].startswith("primary_key,element_uuid,category,type,display_name,value")
    assert all(line.startswith("Plant.Line 1.") and ",data point," in line for line in lines[1:])
    assert len(lines) > 5
    assert main(["snapshot", *options, "-o", "no/such/folder/x.csv"]) == 2


def test_a_snapshot_of_rows(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, path = tmp_path / "set points.csv", tmp_path / "monday.csv"
    rows.write_text(f"primary_key\n{SET_POINT}\nPlant.Line 2.Set point\n", encoding="utf-8")
    assert main(["snapshot", *options, "--rows", str(rows), "-o", str(path)]) == 0
    keys = xentara_nb.read_table(path)["primary_key"].tolist()
    assert keys == [SET_POINT, "Plant.Line 2.Set point"]
    assert main(["snapshot", *options, "--rows", str(rows), "--root", "Plant"]) == 2
    assert "leave out --root" in capsys.readouterr().err


def test_compare_has_an_exit_status(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.csv", tmp_path / "new.json"
    assert main(["inventory", *options, "-o", str(old)]) == 0
    assert main(["compare", str(old), str(old)]) == 0
    assert "Nothing has changed" in capsys.readouterr().err
    frame = xentara_nb.read_inventory(old)
    frame[frame["primary_key"] != SET_POINT].xentara.to_file(new)
    assert main(["compare", str(old), str(new)]) == 1
    out, err = capsys.readouterr()
    assert out.split() == [
        *("change", "primary_key", "attribute_name", "old", "new"),
        *("removed", *SET_POINT.split()),
    ]
    assert err == "1 element removed.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv"], "missing.csv cannot be read: No such file"),
        (["plant.doc"], ".csv, .json, .parquet or .xlsx"),
        (["plant.csv", "--tolerance", "-1"], "tolerance must be 0 or more"),
        (["other.csv"], "other.csv has no columns primary_key and element_uuid"),
    ],
)
def test_what_cannot_be_compared(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plant.csv").write_text("primary_key,element_uuid\n")
    Path("other.csv").write_text("key,value\na,1\n")
    assert main(["compare", "plant.csv", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--depth", "0"], "--depth must be at least 1"),
        (["-o", "no/such/folder/x.csv"], "there is no folder no/such/folder"),
        (["--password-file", "missing.txt"], "missing.txt cannot be read"),
    ],
)
def test_inventory_that_makes_no_sense(
    options: list[str], arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inventory", *options, *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["inventory", "snapshot"])
def test_what_cannot_be_written_is_refused_before_the_work(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name, reason in {
        "all.doc": "name one of .csv, .json, .parquet, .xlsx",
        "nowhere/all.csv": "there is no folder",
        "folder.csv": "it is a folder, name a file",
    }.items():
        # No one listens there, and no one is asked.
        assert main([command, "127.0.0.1:1", "-o", str(tmp_path / name)]) == 2
        err = capsys.readouterr().err
        assert f"{tmp_path / name} cannot be written: " in err
        assert reason in err


def test_password_from_a_file(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XENTARA_USER", raising=False)
    monkeypatch.delenv("XENTARA_PASSWORD", raising=False)
    secret = tmp_path / "secret"
    secret.write_text(simulator.users["viewer"] + "\n", encoding="utf-8")
    arguments = [simulator.url, "--ca-file", simulator.ca_file, "--user", "viewer"]
    assert main(["read", *arguments, "--password-file", str(secret), SET_POINT]) == 0


def test_an_empty_password_file(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret"
    secret.touch()
    assert main(["read", *options, "--password-file", str(secret), SET_POINT]) == 2
    assert "is empty" in capsys.readouterr().err


def test_read_shows_values_and_errors(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [SET_POINT, "Plant", "-a", "value", "-a", "quality"]
    assert main(["read", *options, *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert any(SET_POINT in line and "good" in line for line in lines)
    assert any("missing attribute (-32101)" in line for line in lines)


def test_a_key_without_quotes(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", *options, *SET_POINT.split()]) == 1
    assert "(a key with blanks stands in quotes, as " in capsys.readouterr().err
    assert main(["read", *options, "Plant.Line"]) == 1
    assert "quotes" not in capsys.readouterr().err


def test_read_by_number_of_nothing_but_errors(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", *options, "Plant", "-a", "11"]) == 1
    assert "missing attribute" in capsys.readouterr().out


def test_what_the_server_says_is_an_error_in_words(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", *options, "No.Such.Element"]) == 1
    assert "unknown element" in capsys.readouterr().err


def test_a_certificate_that_is_not_known(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", options[-1], SET_POINT]) == 1
    assert "fingerprint" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    [
        "wss://anna:geheim@host:8080/api/ws",
        "anna:geheim@host",
        "wss://anna:ge@heim@host",
        "wss://anna:geheim/x@host",
        "https://:geheim@host",
    ],
)
def test_a_password_in_the_url_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inventory", url]) == 2
    shown = capsys.readouterr().err
    assert "there is a password in the URL" in shown
    assert "geheim" not in shown


@pytest.mark.skipif(os.name != "posix", reason="files have other rights there")
def test_a_secret_that_others_can_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "password.txt"
    path.write_text("geheim")
    for mode, warned in ((0o600, False), (0o640, True), (0o604, True), (0o400, False)):
        path.chmod(mode)
        secret = secret_in(str(path))
        assert secret is not None
        assert secret.reveal() == "geheim"
        shown = capsys.readouterr().err
        assert ("chmod 600" in shown) is warned
        assert "geheim" not in shown


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.access", lambda *arguments: False)  # an administrator may do anything
    assert main(["inventory", "127.0.0.1:1", "-o", str(tmp_path / "all.csv")]) == 2
    assert f"there is no right to make files in {tmp_path}" in capsys.readouterr().err
