"""A parser of arguments that offers the nearest command or option in place of one there is not."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from xentara_nb.suggestions import did_you_mean

_CHOICE = re.compile(r"invalid choice: '(.*?)' \(choose from (.*)\)")
_OPTION = re.compile(r"--[a-z][a-z-]*")


class ShowVersion(argparse.Action):
    """Prints the version, which takes Python some time to find, and ends."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        text = "show program's version number and exit"
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=text)

    def __call__(self, parser: argparse.ArgumentParser, *arguments: object) -> None:
        """Print it."""
        from xentara_nb._version import __version__

        print(f"xentara-nb {__version__}")
        parser.exit()


class CommandParser(argparse.ArgumentParser):
    """Parses the arguments of one command; its errors name that command, and what it knows."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments; what is not known is an error here, where its command is known."""
        known, rest = super().parse_known_args(args, namespace)
        if rest:
            option = next((each for each in rest if each.startswith("--")), "").partition("=")[0]
            options = dict.fromkeys(_OPTION.findall(self.format_help()))
            # What stands behind an option may be a secret, and errors go into logs.
            named = [each.partition("=")[0] for each in rest if each.startswith("-")] or rest
            self.error(f"unrecognized arguments: {' '.join(named)}{did_you_mean(option, options)}")
        return known, rest

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end."""
        if found := _CHOICE.search(message):
            message += did_you_mean(found[1], re.findall(r"[\w-]+", found[2]))
        super().error(message)
