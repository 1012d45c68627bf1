"""Parts of the reference that come from the code: errors, identifiers, the command line."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import sys
from collections.abc import Iterator
from enum import IntEnum
from unittest import mock

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from xentara_nb import errors
from xentara_nb.cli import build_parser
from xentara_nb.protocol import identifiers
from xentara_nb.protocol.errors import ERRORS_BY_CODE, XentaraError
from xentara_nb.simulator import ConfigurationError, FaultError, SimulatorError
from xentara_nb.tables.accessor import NoInventoryError

TABLES = [
    identifiers.PacketType,
    identifiers.EventType,
    identifiers.ServerInformationId,
    identifiers.MetaDataId,
    identifiers.Category,
    identifiers.Access,
    identifiers.DataType,
    identifiers.Quality,
    identifiers.Stage,
]
"""The identifiers of the protocol, beside those of commands, attributes and errors."""


def error_lines() -> Iterator[str]:
    """Give all errors: those of the library, and those that a server answers."""
    yield from ("## Errors of the library", "")
    kinds = [getattr(errors, name) for name in errors.__all__]
    yield from _errors("xentara_nb", [*kinds, NoInventoryError])
    yield from ("", "## Errors of a simulator", "")
    yield from _errors("xentara_nb.simulator", [ConfigurationError, SimulatorError, FaultError])
    yield from ("", "## Errors that a server answers", "")
    yield "Each is a `ServerError`, and its message has the server's own text."
    yield ""
    yield from _errors("xentara_nb", list(ERRORS_BY_CODE.values()))


def _errors(module: str, kinds: list[type[XentaraError]]) -> Iterator[str]:
    yield "```{eval-rst}"
    for kind in kinds:
        home = module if hasattr(sys.modules[module], kind.__name__) else kind.__module__
        yield from (f".. autoexception:: {home}.{kind.__name__}", "")
    yield "```"


def add_cure(
    app: Sphinx, what: str, name: str, kind: object, options: object, lines: list[str]
) -> None:
    """Put below what an error means which errors it is one of, and what to do about it."""
    if not (isinstance(kind, type) and issubclass(kind, XentaraError)):
        return
    bases = [base for base in kind.__mro__[1:-3] if not base.__name__.startswith("_")]
    if bases:
        kinds = ", ".join(f":exc:`{base.__name__}`" for base in bases if base is not BaseException)
        lines += ["", f"Is also a {kinds}."]
    lines += ["", f"**What to do:** {kind.advice}"]


def hide_making(
    app: Sphinx, what: str, name: str, thing: object, options: object, signature: str, result: str
) -> tuple[str, str] | None:
    """Leave out how a class is made where calls of the library make it."""
    made = what == "class" and re.search(r"[Mm]ade by :", inspect.getdoc(thing) or "")
    return ("", "") if made else None


def find_public_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element
) -> nodes.Element | None:
    """Let a name in a docstring mean the public one, also where it is documented elsewhere."""
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"]
    if name.startswith("xentara_nb."):  # by the module that it is made in
        name = name.rpartition(".")[2]
    target = name if node["reftype"] == "exc" else f"xentara_nb.{name}"
    node["refspecific"] = node["reftype"] == "exc"  # errors are found in any module
    return env.domains["py"].resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], target, node, text
    )


def identifier_lines() -> Iterator[str]:
    """Give a table of each kind of identifiers."""
    for table in TABLES:
        what = (inspect.getdoc(table) or "").partition("\n\n")[0]
        yield from (f"## {table.__name__}", "", what, "")
        yield from ("| number | name | in tables |", "|---|---|---|")
        for member in table:
            yield f"| {member.value} | `{member.name}` | {_label(member)} |"
        yield ""
    yield from ("## Attribute", "", "The attributes whose id is an integer; the UUID is valid too.")
    yield from ("", "| number | name | UUID |", "|---|---|---|")
    for attribute in identifiers.Attribute:
        yield f"| {attribute.value} | `{attribute.attribute_name}` | `{attribute.uuid}` |"
    yield from ("", "## Error codes", "", "| code | class | the manual's text |", "|---|---|---|")
    for code, kind in ERRORS_BY_CODE.items():
        yield f"| {code} | `{kind.__name__}` | {kind.default_text} |"


def _label(member: IntEnum) -> str:
    return member.label if isinstance(member, identifiers.Labelled) else ""


def command_lines() -> Iterator[str]:
    """Give the help of each command of ``xentara-nb``."""
    for name in _commands():
        yield from (f"## xentara-nb {name}", "", "```text", _help(name), "```", "")
        for own in _commands(name):
            command = f"{name} {own}"
            yield from (f"### xentara-nb {command}", "", "```text", _help(command), "```", "")


def _commands(group: str = "") -> list[str]:
    """Return the names of all commands, or of those that a command has itself."""
    return re.findall(r"^    ([\w-]+)(?: |$)", _help(group), re.MULTILINE)


def _help(command: str) -> str:
    shown = io.StringIO()
    plain = {"PYTHON_COLORS": "0", "COLUMNS": "80"}  # Python 3.14 paints help where it is told to
    with (
        mock.patch.dict(os.environ, plain),
        contextlib.redirect_stdout(shown),
        contextlib.suppress(SystemExit),
    ):
        build_parser().parse_args([*command.split(), "--help"])
    return shown.getvalue()


class _Generated(SphinxDirective):
    """A part of a page that a function gives, as lines of Markdown."""

    def run(self) -> list[nodes.Node]:
        lines = {
            "errors": error_lines,
            "identifiers": identifier_lines,
            "commands": command_lines,
        }[self.name.removeprefix("xentara-")]()
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add a directive for each part."""
    app.connect("autodoc-process-docstring", add_cure)
    app.connect("autodoc-process-signature", hide_making)
    app.connect("missing-reference", find_public_name)
    for name in ("errors", "identifiers", "commands"):
        app.add_directive(f"xentara-{name}", _Generated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
