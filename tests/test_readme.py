"""What the README says is true: its code runs, its commands and its pictures exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import xentara_nb
from xentara_nb.cli import build_parser
from xentara_nb.simulator.config import demo

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_first_two_commands_run_it_and_test_it() -> None:
    run, test = blocks("sh")[:2]
    assert run.rstrip().endswith("xentara-nb demo")
    assert test.rstrip().endswith("-m pytest")


def test_every_line_of_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "configuration"
    demo.write_documents(folder)
    monkeypatch.chdir(tmp_path)
    code = "\n".join(blocks("python")).replace("/etc/xdg/xentara", str(folder))
    # There is no plant server and no one to ask for a password; "me" is the demo's engineer.
    code, count = re.subn(r'xentara_nb\.connect\("plant-server.*?\)', "plant.connect()", code)
    assert count == 1
    code = code.replace('user="me", password="..."', 'user="engineer", password="engineer-demo"')
    # The first example closes its client; the one on writing goes on with it.
    code = code.replace("client.close()\n", "")
    with xentara_nb.simulate() as plant:
        names: dict[str, object] = {"plant": plant, "xentara_nb": xentara_nb}
        exec(compile(code, "README.md", "exec"), names)
    assert (tmp_path / "attributes.csv").stat().st_size > 0


def test_every_command_is_described() -> None:
    described = set(re.findall(r"^\| `xentara-nb (\w+)", README, re.MULTILINE))
    help_text = build_parser().format_help()
    assert described == set(re.findall(r"^    (\w+)(?: |$)", help_text, re.MULTILINE))


def test_every_command_line_can_be_parsed() -> None:
    lines = re.findall(r"xentara-nb (.+?)(?: \|\||$)", "".join(blocks("sh")[2:]), re.MULTILINE)
    lines += re.findall(r"^\| `xentara-nb (.+?)(?: \[.*)?` \|", README, re.MULTILINE)
    assert len(lines) > 10
    for line in lines:
        line = re.sub(r"\\\|[\w-]+", "", line)  # the first of several words
        build_parser().parse_args(shlex.split(re.sub(r"\$\(.*?\)", "today", line)))


def test_every_picture_and_link_is_there() -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", README):
        assert (ROOT / target).is_file(), target
