"""The rooms of the package stand on floors, and a room imports only what is below it.

A new module or package must be entered in ``ROOMS``, in the place where it stands.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = "xentara_nb"
HERE = Path(__file__).resolve().parent.parent / PACKAGE


class Room(NamedTuple):
    """A module or package directly below the root, and what it may import beside itself.

    ``outside`` are packages that are neither ours nor of the standard library; ``later`` are
    those that it may import where they are needed, and not at its top; ``on`` are the rooms
    below that it may stand on, where these are not all of them.
    """

    name: str
    outside: frozenset[str]
    later: frozenset[str]
    on: frozenset[str] | None


def room(
    name: str, *outside: str, later: tuple[str, ...] = (), on: tuple[str, ...] | None = None
) -> Room:
    below = None if on is None else frozenset(on)
    return Room(name, frozenset(outside), frozenset(later), below)


# Lowest first: a room imports only rooms from the lines above its own.
ROOMS = [
    room("_version"),
    room("protocol", "cbor2", on=()),
    room("errors", on=("protocol",)),
    # A connection: no DataFrame down here.
    room("deadline"),
    room("credentials", later=("IPython",)),
    room("address"),
    room("stream"),
    room("batch"),
    room("upgrade", "websocket"),
    room("tls"),
    room("connection", "websocket"),
    room("pipeline"),
    room("link"),
    # Values and tables.
    room("references", "pandas"),
    room("coercion", "numpy", "pandas"),
    room("provenance", "pandas"),
    room("frames", "numpy", "pandas"),
    room("files", "numpy", "pandas"),
    room("accessor", "pandas"),
    # What the client is made of.
    room("subscriptions"),
    room("directory"),
    room("reading"),
    room("inventory", "tqdm"),
    room("writes", "pandas"),
    room("client", "pandas"),
    # Beside the client, on the protocol alone.
    room(
        "simulator",
        *("cryptography", "joserfc", "passlib", "websockets"),
        later=("pandas",),
        on=("protocol", "_version"),
    ),
    # The faces.
    room("fleet", "pandas"),
    room("widgets", "ipywidgets", "pandas", "traitlets", later=("IPython", "anywidget", "keyring")),
    room("cli", "pandas"),
    # The package itself, xentara_nb/__init__.py, is above them all.
    room(""),
]
ORDER = {entry.name: floor for floor, entry in enumerate(ROOMS)}

# Module, what it imports against the rule, and where: the simulator's convenience to connect.
EXCEPTIONS = {
    ("xentara_nb.simulator.simulator", "xentara_nb.connect", "Simulator.connect"),
    ("xentara_nb.simulator.simulator", "xentara_nb.client.Client", "TYPE_CHECKING"),
}


class Import(NamedTuple):
    """One import: of what, and in which function or condition, or ``""`` for the top."""

    name: str
    line: int
    where: str


def imports_of(source: str, module: str, is_package: bool) -> Iterator[Import]:
    """Give everything that a module imports, wherever in it that stands, with absolute names."""

    def walk(node: ast.AST, where: tuple[str, ...]) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, ".".join(where))
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")[: len(module.split(".")) + is_package - node.level]
                base = ".".join([*parts, base]) if base else ".".join(parts)
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, ".".join(where))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            where = (*where, node.name)
        if isinstance(node, ast.If):
            condition = ast.unparse(node.test)
            inside = (*where, condition.removeprefix("typing."))
            for child in node.body:
                yield from walk(child, inside)
            for child in node.orelse:
                yield from walk(child, where)
            return
        for child in ast.iter_child_nodes(node):
            yield from walk(child, where)

    return walk(ast.parse(source), ())


def room_of(name: str) -> str:
    """Return the room that a name inside the package belongs to; ``""`` for the package."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and (parts[1] in ORDER or is_module(parts[1])) else ""


def is_module(name: str) -> bool:
    return (HERE / f"{name}.py").exists() or (HERE / name / "__init__.py").exists()


def faults_in(source: str, module: str, is_package: bool) -> list[str]:
    """Say what a module imports and should not."""
    home = room_of(module) if module != PACKAGE else ""
    entry = ROOMS[ORDER[home]]
    faults = []
    for name, line, where in imports_of(source, module, is_package):
        if (module, name, where) in EXCEPTIONS:
            continue
        top = name.split(".")[0]
        if top != PACKAGE:
            allowed = entry.outside | entry.later if where else entry.outside
            if top not in sys.stdlib_module_names and top not in allowed:
                faults.append(f"{module}:{line} imports {top}, which its room may not")
            continue
        other = room_of(name)
        if other == home:
            continue
        if other not in ORDER:
            faults.append(f"{module}:{line} imports {name}, whose room is not in ROOMS")
        elif ORDER[other] > ORDER[home]:
            faults.append(f"{module}:{line} imports {name}, which stands above it")
        elif entry.on is not None and other not in entry.on:
            faults.append(f"{module}:{line} imports {name}, which it may not stand on")
    return faults


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in sorted(HERE.rglob("*.py")):
        parts = path.relative_to(HERE.parent).with_suffix("").parts
        found.append((".".join(parts).removesuffix(".__init__"), path))
    return found


MODULES = modules()


def test_every_module_has_a_floor():
    rooms = {name.split(".")[1] if "." in name else "" for name, _ in MODULES}
    missing = sorted(rooms - set(ORDER))
    assert not missing, (
        f"{', '.join(missing)}: enter it in ROOMS of tests/test_layers.py, above all that it "
        "imports and below all that imports it"
    )
    assert len(ORDER) == len(ROOMS), "a room stands in ROOMS twice"


def test_imports_go_down():
    faults = []
    for module, path in MODULES:
        if room_of(module) in ORDER:  # or test_every_module_has_a_floor says so
            source = path.read_text("utf-8")
            faults += faults_in(source, module, path.name == "__init__.py")
    assert not faults, "\n".join(faults)


def test_the_exceptions_are_needed():
    sources = dict(MODULES)
    for module, name, where in EXCEPTIONS:
        found = imports_of(sources[module].read_text("utf-8"), module, False)
        assert (name, where) in {(item.name, item.where) for item in found}


def test_what_the_rules_come_down_to():
    below_tables = ROOMS[: ORDER["connection"] + 1]
    uses = {entry.name: entry.outside | entry.later for entry in ROOMS}
    assert not any({"pandas", "numpy"} & uses[entry.name] for entry in below_tables)
    for package, rooms in (
        ("cbor2", ["protocol"]),
        ("websocket", ["upgrade", "connection"]),
        ("ipywidgets", ["widgets"]),
    ):
        assert [name for name in uses if package in uses[name]] == rooms
    assert {entry.name for entry in ROOMS[ORDER["widgets"] + 1 :]} == {"cli", ""}


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("protocol.cbor", "import xentara_nb.errors", "stands above it"),
        ("protocol.cbor", "from xentara_nb import errors", "stands above it"),
        ("protocol.cbor", "from ..errors import XentaraError", "stands above it"),
        ("protocol.cbor", "from .. import client", "stands above it"),
        ("protocol.cbor", "def f():\n    import pandas", "imports pandas"),
        ("protocol.cbor", "import xentara_nb._version", "may not stand on"),
        ("protocol.cbor", "import xentara_nb", "stands above it"),
        (
            "protocol",
            "from .commands import base\nfrom ..tls import x",
            ":2 imports xentara_nb.tls",
        ),
        ("errors", "import xentara_nb._version", "may not stand on"),
        ("connection", "import pandas as pd", "imports pandas"),
        ("client.data", "from xentara_nb.simulator import simulate", "stands above it"),
        ("client.data", "from xentara_nb import connect", "stands above it"),
        ("simulator.server", "from xentara_nb.errors import ConnectError", "may not stand on"),
        ("simulator.simulator", "from xentara_nb import connect", "stands above it"),
        (
            "simulator.simulator",
            "class Simulator:\n    def stop(self):\n        from xentara_nb import connect",
            "stands above it",
        ),
        ("inventory", "try:\n    import ipywidgets\nexcept ImportError: pass", "ipywidgets"),
        ("client", "if TYPE_CHECKING:\n    from xentara_nb.widgets import login", "stands above"),
        ("writes", "import xentara_nb.client", "stands above it"),
        ("writes", "if x:\n    pass\nelse:\n    from xentara_nb import cli", ":4 imports"),
        ("cli", "import requests", "imports requests"),
        ("credentials", "import IPython", "imports IPython"),
        ("simulator.server", "import pandas", "imports pandas"),
    ],
)
def test_a_fault_is_found(module, source, fault):
    is_package = (HERE / module.replace(".", "/")).is_dir()
    (found,) = faults_in(source, f"{PACKAGE}.{module}", is_package)
    assert fault in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("protocol.cbor", "import cbor2, math\nfrom . import errors\nfrom .values import Value"),
        ("protocol", "from .commands import base\nfrom xentara_nb.protocol import cbor"),
        ("protocol.commands.base", "from ..checks import wrong\nfrom .. import packets"),
        ("errors", "from xentara_nb.protocol.errors import XentaraError"),
        ("credentials", "def ask():\n    import IPython"),
        ("client.data", "from .core import Core\nfrom ..frames import x\nimport pandas.api"),
        (
            "simulator.simulator",
            "class Simulator:\n    def connect(self):\n        from xentara_nb import connect",
        ),
    ],
)
def test_what_is_no_fault(module, source):
    is_package = (HERE / module.replace(".", "/")).is_dir()
    assert faults_in(source, f"{PACKAGE}.{module}", is_package) == []


def test_nothing_heavy_comes_with_the_package():
    code = (
        "import sys, xentara_nb; "
        "print(*sorted({'ipywidgets', 'IPython', 'websockets', 'cryptography', 'passlib', "
        "'xentara_nb.simulator', 'xentara_nb.widgets'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout.split() == []
