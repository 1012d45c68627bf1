"""The scripts that draw the widgets on their page."""

from __future__ import annotations

from importlib.resources import files


def script(package: str, name: str) -> str:
    """Return a script of a package, with what all of them use before it."""
    shared = files(__package__).joinpath("element.js").read_text(encoding="utf-8")
    return shared + part(package, name)


def part(package: str, name: str) -> str:
    """Return the text of a file of a package."""
    return files(package).joinpath(name).read_text(encoding="utf-8")
