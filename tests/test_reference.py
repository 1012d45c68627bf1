"""The reference is complete and true: every public name, column, command and identifier."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pandas as pd
import pytest

import xentara_nb
from xentara_nb import widgets
from xentara_nb.cli import build_parser
from xentara_nb.protocol.commands import COMMANDS
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.simulator import Simulator
from xentara_nb.writes import journal as journal_module

FOLDER = Path(__file__).parent.parent / "notebooks" / "reference"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
DIRECTIVE = re.compile(r"^\.\. auto(?:class|function):: (\S+)\n(   :members:.*\n)?", re.MULTILINE)
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \|", re.MULTILINE)


def documented() -> Iterator[tuple[str, Any, list[str]]]:
    """Give the classes and functions of all pages, and which of their members are there."""
    for name, members in DIRECTIVE.findall("".join(PAGES.values())):
        module, _, last = f"xentara_nb.{name.removeprefix('xentara_nb.')}".rpartition(".")
        thing = getattr(importlib.import_module(module), last)
        chosen = [each.strip() for each in members.partition("s:")[2].split(",") if each.strip()]
        if members and not chosen:
            chosen = [each for each in vars(thing) if not each.startswith("_")]
        yield last, thing, chosen


DOCUMENTED = list(documented())
METHODS = {
    f"{name}.{member}": getattr(found, "__func__", found)
    for name, thing, members in DOCUMENTED
    for member in members
    if isinstance(found := inspect.getattr_static(thing, member), FunctionType | classmethod)
}
FUNCTIONS = {name: thing for name, thing, _ in DOCUMENTED if inspect.isfunction(thing)}
CLASSES = {name: thing for name, thing, _ in DOCUMENTED if inspect.isclass(thing)}


def test_every_public_name_is_there() -> None:
    errors = {
        name
        for name in xentara_nb.__all__
        if inspect.isclass(kind := getattr(xentara_nb, name))
        and issubclass(kind, xentara_nb.XentaraError)
    }
    public = {*xentara_nb.__all__, "Simulator", "simulate", *widgets.__all__}
    assert public - errors <= FUNCTIONS.keys() | CLASSES.keys()
    for name, thing, members in DOCUMENTED:
        for member in members:
            assert hasattr(thing, member) or name == "Client", member


@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS])
def test_every_parameter_is_described(name: str) -> None:
    thing = FUNCTIONS.get(name) or METHODS[name]
    text = inspect.getdoc(thing) or ""
    if not re.search(r"[Tt]he parameters\b.*\bare those of", text, re.DOTALL):
        described = re.split(r"\n\n\w+\n---", text.partition("Parameters\n----")[2])[0]
        for parameter in inspect.signature(thing).parameters:
            assert parameter in ("self", "cls") or re.search(
                rf"^\W*(\w+, )*\W*{parameter}\b", described, re.MULTILINE
            ), parameter


@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS, *CLASSES])
def test_everything_has_an_example(name: str) -> None:
    thing = FUNCTIONS.get(name) or METHODS.get(name) or CLASSES[name]
    if isinstance(thing, type) and issubclass(thing, Warning):
        return
    if name.partition(".")[0] in widgets.__all__:  # of a form, in that of its class
        thing = CLASSES[name.partition(".")[0]]
    assert "Examples\n--------\n>>> " in (inspect.getdoc(thing) or "")


@pytest.fixture(scope="module")
def frames(
    module_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, pd.DataFrame]:
    """One DataFrame for each table of the page on columns."""
    folder = tmp_path_factory.mktemp("frames")
    plant, key = module_simulator, "Plant.Line 1.Set point"
    with plant.connect(journal=folder / "journal.jsonl") as client:
        inventory, snapshot = client.inventory(progress=False), client.snapshot()
        plan = client.plan_writes({key: 195.0})
        report = plan.apply()
        rows = inventory.xentara.attribute("value").query("primary_key == @key")
        with client.watch(key) as watch:
            watch.until(lambda latest: latest["value"].notna().all(), timeout=30)
        recording = client.record(key, folder / "recording", for_=0.1, progress=False)
        return {
            "client.inventory": inventory,
            "client.meta_data": client.meta_data(key),
            "read_inventory": inventory,
            "client.browse": client.browse(),
            "client.read": client.read(key),
            "client.snapshot": snapshot,
            "client.search": client.search("set point"),
            "watch.latest": watch.latest(),
            "watch.changes": watch.changes(),
            "recording.changes": recording.changes(),
            "watch.attributes": watch.attributes,
            "recording.attributes": recording.attributes,
            "plan.frame": plan.frame,
            "report.frame": report.frame,
            "read_journal": xentara_nb.read_journal(client.journal),
            "client.save_settings": client.save_settings(folder / "x.csv", rows, observe=0),
            "compare(...).frame": xentara_nb.compare(snapshot, client.snapshot()).frame,
            "frame.xentara.elements": inventory.xentara.elements(),
            "plant.writes": plant.writes,
            "plant.requests": plant.requests,
        }


def test_every_column_is_described(frames: dict[str, pd.DataFrame]) -> None:
    tables = {}
    for part in PAGES["frames"].split("\n## ")[1:]:
        if rows := ROW.findall(part):
            tables |= dict.fromkeys(part.partition("\n")[0].split(", "), rows)
    assert tables.keys() == frames.keys()
    for name, rows in tables.items():
        frame = frames[name]
        if name == "plan.frame":
            assert rows.pop() == ("guard_...", "str")
            guards = frame.columns[frame.columns.str.startswith("guard_")]
            assert {dtype.name for dtype in frame[guards].dtypes} == {"str"}
            frame = frame.drop(columns=guards)
        found = [(column, getattr(dtype, "name", dtype)) for column, dtype in frame.dtypes.items()]
        typed = [column for column, dtype in rows if dtype == "typed"]
        described = [
            (column, frame[column].dtype.name if column in typed else dtype)
            for column, dtype in rows
        ]
        assert described == found, name


def test_every_command_is_covered() -> None:
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (.*?) \| (.*?) ?\|$", PAGES["protocol"], re.MULTILINE)
    assert {(int(number), name) for number, name, _, _ in rows} == {
        (opcode.value, opcode.name.lower()) for opcode in OpCode
    }
    assert COMMANDS.keys() == set(OpCode)
    commands = re.findall(r"^    (\w+)(?: |$)", build_parser().format_help(), re.MULTILINE)
    for _, _, in_python, on_the_command_line in rows:
        for name in re.findall(r"`([\w.]+)`", in_python):
            home = xentara_nb.Client if name.startswith("client.") else xentara_nb
            assert hasattr(home, name.partition(".")[2]), name
        for name in re.findall(r"`xentara-nb (\w+)`", on_the_command_line):
            assert name in commands


def test_every_field_of_the_journal_is_described(client: xentara_nb.Client) -> None:
    client.plan_writes({"Plant.Line 1.Set point": 195}).apply()
    path = client.journal.path
    assert path is not None
    found = [set(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    described = re.findall(r"^``(\w+)`` ", journal_module.__doc__ or "", re.MULTILINE)
    assert set().union(*found) | {"error"} == set(described)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_in_the_contents(page: str) -> None:
    assert page == "index" or re.search(rf"^{page}$", PAGES["index"], re.MULTILINE)
