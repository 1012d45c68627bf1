"""Parts of the reference that come from the code: errors, identifiers, the command line."""

from __future__ import annotations

import contextlib
import inspect
import io
import re
from collections.abc import Iterator
from enum import IntEnum

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from xentara_nb import errors
from xentara_nb.cli import build_parser
from xentara_nb.protocol import identifiers
from xentara_nb.protocol.errors import ERRORS_BY_CODE, XentaraError
from xentara_nb.simulator import ConfigurationError, SimulatorError

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
    """Give a table of all errors: when each is raised, and what to do about it."""
    kinds: list[type[XentaraError]] = [getattr(errors, name) for name in errors.__all__]
    yield from _error_table([*kinds, ConfigurationError, SimulatorError])
    yield from ("", "## Errors that a server answers", "")
    yield "Each is a `ServerError`, and says as well what the server's own text was."
    yield ""
    yield from _error_table(list(ERRORS_BY_CODE.values()))


def _error_table(kinds: list[type[XentaraError]]) -> Iterator[str]:
    yield from ("| error | what it means | what to do |", "|---|---|---|")
    for kind in kinds:
        meaning = (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")
        bases = [base.__name__ for base in kind.__bases__ if not base.__name__.startswith("_")]
        below = f"<br>below {', '.join(f'`{base}`' for base in bases)}"
        name = f"`{kind.__name__}`{'' if kind is XentaraError else below}"
        yield f"| {name} | {_markdown(meaning)} | {_markdown(kind.advice)} |"


def _markdown(text: str) -> str:
    """Return a text of a docstring as a cell of a table."""
    return text.replace("``", "`").replace("|", "\\|")


def identifier_lines() -> Iterator[str]:
    """Give a table of each kind of identifiers."""
    for table in TABLES:
        yield from (f"## {table.__name__}", "", inspect.getdoc(table) or "", "")
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
    parser = build_parser()
    for name in re.findall(r"^    (\w+)(?: |$)", parser.format_help(), re.MULTILINE):
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
            parser.parse_args([name, "--help"])
        yield from (f"## xentara-nb {name}", "", "```text", shown.getvalue(), "```", "")


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
    for name in ("errors", "identifiers", "commands"):
        app.add_directive(f"xentara-{name}", _Generated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
