"""xentara-nb watch, against a simulated plant."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import uuid

import numpy as np
import pandas as pd
import pytest

from xentara_nb.cli import main, watching
from xentara_nb.cli.rows import to_json
from xentara_nb.cli.watching import picture
from xentara_nb.simulator import Simulator

SET_POINT, RUN = "Plant.Line 1.Set point", "Plant.Line 1.Run"


@pytest.fixture
def options(simulator, log_in):
    return log_in(simulator, "viewer")


def test_json_lines_in_a_pipe(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", *options, SET_POINT, RUN, "--for", "0.001"]) == 0

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    first = {line["primary_key"]: line for line in lines}
    assert first[SET_POINT]["value"] == 210.0
    assert first[RUN]["value"] is True
    assert set(first[RUN]) == {"time", "primary_key", "attribute_name", "value", "error"}
    assert pd.Timestamp(first[RUN]["time"]).tzinfo is not None


def test_json_that_any_console_can_show(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    temperature = "Plant.Line 1.Filler.Temperature"
    assert main(["watch", *options, temperature, "-a", "units", "--for", "1ms"]) == 0
    out = capsys.readouterr().out
    assert out.isascii()  # elsewhere it would be escaped in a way that JSON does not know
    assert {json.loads(line)["value"] for line in out.splitlines()} == {"°C"}


def test_a_chosen_attribute_and_rates(
    options: list[str], simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator.forget()
    arguments = ["-a", "updateTime", "--every", "0.1", "--at-least", "0.2", "--for", "0.5"]
    assert main(["watch", *options, SET_POINT, *arguments]) == 0

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["attribute_name"] for line in lines} == {"updateTime"}
    (parameters,) = simulator.requests.query("command == 'subscribe'")["parameters"]
    assert (parameters["1"], parameters["2"]) == (100, 200)


def test_a_table_on_a_terminal(
    options: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr(watching, "REDRAW", 0.01)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm")
    assert main(["watch", *options, SET_POINT, "--for", "0.1"]) == 0

    output = capsys.readouterr().out
    *_, last = output.split("\x1b[H\x1b[2J")
    assert "primary_key" in last
    assert "210.0" in last
    assert output.endswith("\x1b[?25h")


def test_lines_on_a_terminal_that_knows_no_escapes(
    options: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert main(["watch", *options, SET_POINT, "--for", "0.1"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["value"] == 210.0


def latest(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "primary_key": [f"Tank {number}\x1b[31m" for number in range(count)],
            "attribute_name": "value",
            "value": 1.5,
            "quality": "good",
            "age": [math.nan if number else 2.4 for number in range(count)],
            "error": None,
        }
    )


def test_a_picture_fits_the_terminal_and_holds_no_escapes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "10")
    lines = picture(latest(3), None).splitlines()
    assert len(lines) == 4
    assert "\x1b" not in "".join(lines)

    lines = picture(latest(100), "the plant is dark").splitlines()
    assert len(lines) == 9
    assert lines[-2:] == ["and 94 more", "no connection at present: the plant is d"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (np.bool_(True), True),
        (np.int64(5), 5),
        (np.float64(1.5), 1.5),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        ("text", "text"),
        (pd.Timestamp("2024-01-01T00:00:00.000000001Z"), "2024-01-01T00:00:00.000000001+00:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_values_as_json(value: object, shown: object) -> None:
    assert to_json(value) == shown
    assert type(to_json(value)) is type(shown)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([SET_POINT, "--for", "0"], 2, "--for must be more than 0"),
        (["Plant.Nothing"], 1, "Plant.Nothing"),
        ([SET_POINT, "--every", "-1"], 2, "--every: '-1' is no time"),
    ],
)
def test_what_cannot_be_watched(
    options: list[str],
    arguments: list[str],
    status: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["watch", *options, *arguments]) == status
    assert message in capsys.readouterr().err


def test_ctrl_c_ends_it(options: list[str]) -> None:
    command = [sys.executable, "-m", "xentara_nb.cli", "watch", *map(str, options), SET_POINT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert errors == b""
