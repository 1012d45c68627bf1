"""What the command line offers in place of a command or an option that is not there."""

from __future__ import annotations

import contextlib
import inspect
import io
import re
import shlex
import shutil
from pathlib import Path

import pytest

from xentara_nb.cli import build_parser, main
from xentara_nb.client import Client
from xentara_nb.simulator import Simulator

SET_POINT = "Plant.Line 1.Set point"


@pytest.mark.parametrize(
    ("argv", "offer"),
    [
        (["inventroy", "plant"], "did you mean 'inventory'?"),
        (["read", "plant", "Plant", "--fingerpint", "AB"], "did you mean '--fingerprint'?"),
        (["simulate", "--portt=1"], "did you mean '--port'?"),
        (["stage", "plant", "stop"], "did you mean 'suspend' or 'shut-down'?"),
        (["stage", "plant", "suspned"], "did you mean 'suspend'?"),
        (["write", "plant", "a", "1", "--on-error", "go"], "did you mean 'continue'?"),
        (["list", "plant"], "did you mean 'inventory'?"),
        (["fleet", "get", "servers.toml"], "did you mean 'read'?"),
        (["fleet", "ping", "servers.toml"], "did you mean 'check'?"),
    ],
)
def test_the_nearest_is_offered(
    capsys: pytest.CaptureFixture[str], argv: list[str], offer: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert offer in capsys.readouterr().err


def test_what_is_like_nothing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["fly"], ["lab", "--quick"], ["demo", "surplus"]):
        with pytest.raises(SystemExit):
            main(argv)
        shown = capsys.readouterr().err
        assert argv[-1] in shown
        assert "did you mean" not in shown


def test_the_nearest_fault_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--fault", "dealy=1"]) == 1
    assert "Did you mean 'delay'?" in capsys.readouterr().err


def test_options_have_the_names_of_the_parameters_in_python() -> None:
    methods = {
        "inventory": ["inventory"],
        "snapshot": ["snapshot", "browse"],
        "read": ["read"],
        "watch": ["watch"],
        "record": ["record"],
        "write": ["write"],
    }
    for command, names in methods.items():
        # A file of rows, a path, how long to show it; and the same word also where one is written.
        parameters = {"rows", "output", "for_", "attributes"}
        for name in names:
            parameters |= inspect.signature(getattr(Client, name)).parameters.keys()
        text = help_of(command).partition("\nconnection:")[0]
        options = re.findall(r"^  (?:-\w[ \w]*, )?--([a-z-]+)", text, re.MULTILINE)
        assert options
        for option in set(options) - {"help", "json"}:
            name = option.replace("-", "_")
            assert {name, f"{name}_"} & parameters, f"{command} --{option}"


def help_of(command: str) -> str:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        build_parser().parse_args([*command.split(), "--help"])
    return shown.getvalue()


def commands() -> list[str]:
    """Return all commands, and those of the fleet."""
    found = [
        f"{group} {name}".strip()
        for group in ("", "fleet")
        for name in re.findall(r"^    (\w+)(?: |$)", help_of(group), re.MULTILINE)
    ]
    assert {"demo", "stage", "fleet", "fleet compare"} <= set(found)
    return found


@pytest.mark.parametrize("command", commands())
def test_every_option_says_what_holds_without_it(command: str) -> None:
    text = help_of(command)
    usage, entries = text.partition("\n\n")[0], re.split(r"\n\n|\n  (?=-)", text)
    for entry in entries:
        found = re.match(r"(?:-\w [A-Z]+, )?(--[a-z-]+) ([A-Z][A-Z0-9=]*|\{.*\})(?=\s)", entry)
        if found is None or not re.search(rf"\[[^]]*{found[1]}", usage):
            continue  # a flag, or what has to be given
        if found[1] in ("--config", "--model", "--elements"):
            assert "Which plant is simulated (default: the demo)." in text
        else:
            assert re.search(r"\bdefault: \w|default:\s+\w", entry), entry


def test_examples_of_every_command_can_be_parsed() -> None:
    for command in commands():
        found = examples_of(command)
        assert 1 <= len(found) <= 2, command
        for words in found:
            assert " ".join(words).startswith(command)
            build_parser().parse_args(words)


def examples_of(command: str) -> list[list[str]]:
    lines = help_of(command).partition("\nexamples:\n")[2].splitlines()
    program, *_ = {line[:13] for line in lines}
    assert program == "  xentara-nb "
    return [shlex.split(line)[1:] for line in lines]


def test_the_examples_run(
    plant: Simulator, journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XENTARA_USER", "engineer")
    monkeypatch.setenv("XENTARA_PASSWORD", plant.users["engineer"])
    monkeypatch.setenv("XENTARA_CA_FILE", plant.ca_file)
    Path("set-points.csv").write_text(f"primary_key\n{SET_POINT}\n")
    Path("writes.csv").write_text(f"primary_key,value\n{SET_POINT},195\n")
    Path("servers.toml").write_text(f"[servers.north]\naddress = '{plant.url}'\n")
    for command in commands():
        if command in ("demo", "simulate", "lab"):  # which have a plant of their own
            continue
        if command == "compare":
            shutil.copy("attributes.csv", "attributes-today.csv")
            shutil.copy("monday.xlsx", "today.xlsx")
        for words in examples_of(command):
            line = [plant.url if word == "plant-server:8080" else word for word in words]
            line = ["engineer" if word == "me" else word for word in line]
            if command in ("watch", "record", "fleet record"):
                line += ["--for", "0.1"]  # of two, the last one counts
            if command in ("write", "apply") and "--dry-run" not in line:
                line.append("--yes")
            assert main(line) == 0 or command == "fleet compare", line  # values have moved
    assert plant.writes["value"].tolist() == [195.0, 195.0]
    assert sorted(path.name for path in Path("snapshots").iterdir())


def test_what_stands_behind_an_option_that_there_is_not_is_not_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    secrets = (["--password", "s3cret"], ["--password=s3cret"], ["-p", "s3cret"], ["-ps3cret"])
    for secret in secrets:
        for argv in (["inventory", "plant", "-o", "a.csv", *secret], [*secret, "read", "plant"]):
            with pytest.raises(SystemExit):
                main(argv)
            shown = capsys.readouterr().err
            assert secret[0][:2] in shown
            assert "s3cret" not in shown


@pytest.mark.parametrize("color", ["1", "0"])
def test_options_are_known_where_python_paints_them(
    color: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHON_COLORS", color)  # Python 3.14 paints usage and help on a terminal
    for argv in (["--help"], ["-h"], ["--version"], ["watch", "--help"]):
        with pytest.raises(SystemExit) as caught:
            main(argv)
        assert not caught.value.code
        assert "xentara-nb" in capsys.readouterr().out
    arguments = build_parser().parse_args(["watch", "--ca-file", "ca.pem", "u", "k"])
    assert arguments.ca_file == "ca.pem"
    arguments = build_parser().parse_args(["read", "-aquality", "u", "k"])
    assert arguments.attributes == ["quality"]
    with pytest.raises(SystemExit):
        main(["watch", "--ca-fiel", "ca.pem", "u", "k"])
    assert "did you mean '--ca-file'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["snapshot", "read", "watch", "write", "fleet snapshot"])
def test_the_singular_of_attributes_is_taken_also_in_front(command: str) -> None:
    words = ["u", "k", "1"] if command == "write" else ["u", "k"]
    words = words[:1] if "snapshot" in command else words
    arguments = build_parser().parse_args([*command.split(), "--attribute", "units", *words])
    assert arguments.attributes == ["units"]


def test_an_option_is_one_of_the_command_itself(capsys: pytest.CaptureFixture[str]) -> None:
    # The help of the fleet shows lines with -o, that of write speaks of -inf.
    for argv in (["fleet", "-o", "x.csv"], ["write", "-i", "u", "k", "1"]):
        with pytest.raises(SystemExit):
            main(argv)
        assert f"unrecognized arguments: {argv[1]}\n" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["write", "u", "Plant.Line", "1.Set", "point", "5"])
    assert "unrecognized arguments: point 5; a key with blanks stands" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["simulate", "/etc/xdg/xentara"])
    assert "/etc/xdg/xentara; a configuration folder stands behind --c" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["read", "--attribut", "units", "u", "k"])
    assert "did you mean '--attributes'?" in capsys.readouterr().err  # the one that help names
