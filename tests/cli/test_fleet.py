"""xentara-nb fleet: what it prints, where, and its exit status."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import xentara_nb
from xentara_nb import Server, read_fleet
from xentara_nb.cli import main
from xentara_nb.fleet.servers import find_servers
from xentara_nb.simulator import Simulator

BOTH = ["--only", "north", "--only", "south"]


@pytest.fixture(scope="module")
def small() -> Iterator[Simulator]:
    with xentara_nb.simulate(elements=5) as plant:
        yield plant


@pytest.fixture(scope="module")
def key(small: Simulator) -> str:
    """The key of an element with a value."""
    with small.connect(journal=False) as client:
        values = client.inventory().xentara.attribute("value")
        found: str = values["primary_key"].iloc[0]
        return found


@pytest.fixture
def servers(small: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A list of a plant under two names, and of one that no one answers for."""
    monkeypatch.setenv("PASSWORD_PLANTS", small.users["engineer"])
    path = tmp_path / "servers.toml"
    path.write_text(
        f"""
        [all]
        user = "engineer"
        password_from = "env:PASSWORD_PLANTS"
        fingerprint = "{small.fingerprint}"

        [servers.north]
        address = "{small.url}"
        [servers.south]
        address = "{small.url}"
        [servers.gone]
        address = "127.0.0.1:1"
        """
    )
    return str(path)


def test_read(servers: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "read", servers, key, "-a", "value"]) == 3
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["server", "north", "south"]
    assert "gone" in err
    assert "ServerUnreachableError" in err
    assert main(["fleet", "read", servers, key, *BOTH]) == 0
    assert main(["fleet", "read", servers, key, "--only", "gone"]) == 1


def test_json(
    servers: str, key: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xentara_nb.cli.fleet.in_options", lambda text: f"in options: {text}")
    assert main(["fleet", "read", servers, key, "-a", "value", "--json"]) == 3
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["server"] for row in rows] == ["north", "south"]
    assert {"primary_key", "value", "time"} <= rows[0].keys()
    (failure,) = [json.loads(line) for line in err.splitlines()]
    assert (failure["server"], failure["kind"]) == ("gone", "ServerUnreachableError")
    assert failure["error"].startswith("in options: no server answers")


def test_check(servers: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "check", servers]) == 3
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["server", "north", "south", "gone"]
    assert "valid_until" in out
    assert "ServerUnreachableError" in err
    assert main(["fleet", "check", servers, "--json"]) == 3
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    steps = [
        [row[name] for name in ("server", "reachable", "trusted", "logged_in")] for row in rows
    ]
    assert steps == [
        ["north", True, True, True],
        ["south", True, True, True],
        ["gone", False, None, None],
    ]
    assert main(["fleet", "check", servers, *BOTH]) == 0
    assert main(["fleet", "check", servers, "--only", "gone"]) == 1


def test_search(servers: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "search", servers, key, "--json", *BOTH]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = {row["server"]: row["primary_key"] for row in reversed(rows)}
    assert found == {"north": key, "south": key}
    assert main(["fleet", "search", servers, key, "--category", "device"]) == 3
    assert "gone" in capsys.readouterr().err


def test_record(servers: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, folder = tmp_path / "rows.csv", tmp_path / "recorded"
    rows.write_text(f"primary_key\n{key}\n")
    arguments = ["record", servers, "--rows", str(rows), "-o", str(folder), "--for", "0.1"]
    assert main(["fleet", *arguments]) == 3
    err = capsys.readouterr().err
    assert f"recorded into {folder}, of 2 servers in all" in err
    assert "ServerUnreachableError" in err
    recorded = xentara_nb.open_fleet_recording(folder).changes()
    assert set(recorded["server"]) == {"north", "south"}
    assert main(["fleet", *arguments, "--only", "gone", "--json"]) == 1
    (failure,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert failure["server"] == "gone"


def test_into_a_file_or_a_folder_and_compared(
    servers: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, folder = tmp_path / "all.csv", str(tmp_path / "month")
    options = ["-o", str(file), "--categories", "data point"]
    assert main(["fleet", "inventory", servers, *options]) == 3
    assert f"rows of 2 servers\nwritten to {file}" in capsys.readouterr().err
    assert set(read_fleet(file)["category"]) == {"data point"}
    assert main(["fleet", "inventory", servers, "-o", str(file), "--depth", "1"]) == 3
    assert set(read_fleet(file)["category"]) == {"device"}
    assert main(["fleet", "inventory", servers, *options]) == 3
    assert main(["fleet", "inventory", servers, "-o", folder]) == 3
    assert f"rows of 2 servers written to {folder}" in capsys.readouterr().err
    assert set(pd.read_parquet(folder)["server"]) == {"north", "south"}

    assert main(["fleet", "compare", servers, folder, *BOTH]) == 0
    assert "Nothing has changed on 2 servers." in capsys.readouterr().err
    assert main(["fleet", "compare", servers, str(file), *BOTH]) == 0
    assert "What the older table does not have was left out" in capsys.readouterr().err
    assert main(["fleet", "compare", servers, folder]) == 3
    assert "not compared: gone" in capsys.readouterr().err


def test_a_difference_has_a_status(
    servers: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "all.parquet")
    assert main(["fleet", "snapshot", servers, *BOTH, "-o", path]) == 0
    old = read_fleet(path)
    chosen = (old["primary_key"] == key) & (old["server"] == "south")
    old.loc[chosen, "units"] = "furlongs"
    old.xentara.to_file(path)
    capsys.readouterr()
    assert main(["fleet", "compare", servers, path, *BOTH, "--json"]) == 1
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    units = [row for row in rows if row["change"] == "units"]
    assert [(row["server"], row["old"]) for row in units] == [("south", "furlongs")]
    assert "south: " in err


def test_a_snapshot_of_rows(
    servers: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So a scheduled comparison is of set points alone, and not of values that always move."""
    points, south = tmp_path / "points.csv", tmp_path / "south.csv"
    points.write_text(f"primary_key\n{key}\n")
    south.write_text(f"primary_key,server\n{key},south\n")
    folder, week = str(tmp_path / "folder"), str(tmp_path / "week")
    assert main(["fleet", "snapshot", servers, "--rows", str(points), "-o", week, *BOTH]) == 0
    assert read_fleet(week)[["server", "primary_key"]].values.tolist() == [
        ["north", key],
        ["south", key],
    ]
    assert main(["fleet", "compare", servers, week, *BOTH]) == 0
    # Who is not asked does not fail; of those who are asked here, none answers.
    assert main(["fleet", "snapshot", servers, "--rows", str(south), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["server"] == "south"
    south.write_text(f"primary_key,server\n{key},gone\n")
    assert main(["fleet", "snapshot", servers, "--rows", str(south), "--json"]) == 1
    assert main(["fleet", "inventory", servers, "-o", folder, *BOTH]) == 0
    assert main(["fleet", "snapshot", servers, "--rows", folder, "-o", week, *BOTH]) == 0
    assert len(read_fleet(week)) > 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["read", "nothing.toml", "Plant"],
        ["compare", "SERVERS", "nothing"],
        ["compare", "SERVERS", "SERVERS"],
        ["snapshot", "SERVERS", "--rows", "nothing.csv"],
        ["inventory", "SERVERS", "--threads", "0"],
        ["inventory", "SERVERS", "--depth", "0"],
        ["inventory", "SERVERS", "-o", "no/such/folder"],
        ["inventory", "SERVERS", "-o", "folder", "--json"],
    ],
)
def test_wrong_usage(
    servers: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = [servers if each == "SERVERS" else each for each in arguments]
    assert main(["fleet", *given]) == 2
    assert capsys.readouterr().err.startswith("xentara-nb: ")


def test_a_file_is_left_where_no_server_has_answered(
    servers: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "all.csv"
    path.write_text("of yesterday")
    options = [servers, "--root", "Nothing", "-o", str(path)]
    assert main(["fleet", "inventory", *options]) == 1
    assert path.read_text() == "of yesterday"
    assert "all.csv was not written: no server has answered\n" in capsys.readouterr().err


def test_failures_are_told_without_python(servers: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["fleet", "snapshot", servers, "-a", "nothing", "--only", "north"])
    assert "see xentara-nb read URL ELEMENT for those" in capsys.readouterr().err


def test_a_server_that_is_not_in_the_list(servers: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "read", servers, "Plant", "--only", "nort"]) == 1
    assert "did you mean 'north'" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fleet", "inventory", "--help"])
    assert "exit status is 0" in " ".join(capsys.readouterr().out.split())


def test_the_list_of_servers_in_the_help(
    small: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["fleet", "--help"])
    shown = capsys.readouterr().out.partition("TOML file:\n\n")[2].partition("\n\nOnly")[0]
    lines = [line.removeprefix("  ") for line in shown.splitlines()]
    text = "\n".join(lines)
    page = Path(__file__).parents[2] / "notebooks" / "reference" / "formats.md"
    assert f"```toml\n{text}\n```" in page.read_text(encoding="utf-8")
    text = text.replace("plants.pem", small.ca_file)
    path = tmp_path / "servers.toml"
    path.write_text(text.replace("AB:CD:...", small.fingerprint))
    north, south, west = find_servers(path)
    words = {field.name for field in dataclasses.fields(Server)} - {"name"}
    assert words == set(re.findall(r"^(\w+) = ", text, re.MULTILINE))
    assert (north.user, south.user, north.timeout) == ("operator", "guest", 10)
    assert str(west.token_from) == "env:TOKEN_WEST"
    assert west.password_from is None


def test_one_server_is_one_server(
    servers: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for output in ("all.csv", "folder"):
        arguments = ["--only", "north", "-o", str(tmp_path / output)]
        assert main(["fleet", "snapshot", servers, *arguments]) == 0
        assert "rows of 1 server" in capsys.readouterr().err.replace("servers", "?")


@pytest.mark.skipif(os.name != "posix", reason="needs SIGINT")
@pytest.mark.parametrize("command", ["search", "check"])
def test_ctrl_c_while_a_server_says_nothing(command: str, tmp_path: Path) -> None:
    """It waits neither for a connection nor for what a check has opened beside them."""
    path = tmp_path / "servers.toml"
    arguments = [command, str(path), *(["line"] if command == "search" else [])]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        path.write_text(f'[all]\ntimeout = 600\n[servers.silent]\naddress = "{address}"\n')
        with subprocess.Popen(
            [sys.executable, "-m", "xentara_nb.cli", "fleet", *arguments],
            stderr=subprocess.PIPE,
            env={**os.environ, "XENTARA_USER": "me", "XENTARA_PASSWORD": "hush-hush"},
        ) as process:
            try:
                with _one_that_speaks(silent):
                    process.send_signal(signal.SIGINT)
                    assert process.wait(30) == 130
                    assert process.stderr is not None
                    assert process.stderr.read() == b"interrupted\n"
            finally:
                process.kill()


def _one_that_speaks(server: socket.socket) -> socket.socket:
    """Return the first connection that something comes over: a check looks for a port before."""
    while True:
        connection, _ = server.accept()
        connection.settimeout(30)
        if connection.recv(1):
            return connection
        connection.close()
