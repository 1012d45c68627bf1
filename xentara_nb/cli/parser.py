"""A parser of arguments that offers the nearest command or option in place of one there is not."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from xentara_nb.cli.common import flush
from xentara_nb.suggestions import QUOTES, did_you_mean

_CHOICE = re.compile(r"invalid choice: '(.*?)' \(choose from (.*)\)")

# Words that people try, and those that mean it here: they are not spelt alike.
_MEANT = {
    "inventory": ("attributes", "browse", "dir", "export", "list", "ls", "model", "tree"),
    "snapshot": ("backup", "dump", "save", "values"),
    "compare": ("changes", "diff"),
    "read": ("cat", "get", "show"),
    "watch": ("follow", "live", "monitor", "subscribe", "tail"),
    "record": ("history", "log", "logger"),
    "check": ("health", "ping", "probe", "test", "verify"),
    "search": ("find", "grep", "lookup"),
    "write": ("put", "set"),
    "apply": ("import", "load", "plan", "restore"),
    "stage": ("shutdown", "shut-down", "state", "status", "stop", "suspend", "resume"),
    "fleet": ("all", "servers"),
    "simulate": ("run", "serve", "server", "sim"),
    "lab": ("gui", "jupyter", "jupyterlab", "notebook", "notebooks"),
    "demo": ("example", "help", "start", "try"),
    "suspend": ("freeze", "halt", "hold", "pause", "stop"),
    "resume": ("continue", "go", "run", "start"),
    "shut-down": ("end", "exit", "halt", "kill", "off", "quit", "stop", "terminate"),
    "stop": ("abort", "break", "end", "exit", "fail"),
    "continue": ("go", "go-on", "ignore", "proceed", "skip"),
}


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
    """Parses the arguments of one command; its errors name that command, and what it knows.

    Its help ends with ``examples``, lines that run as they are, without the name of the program.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self._examples = examples

    def format_help(self) -> str:
        """Return the help, with the examples at its end."""
        text = super().format_help()
        lines = [f"  xentara-nb {example}\n" for example in self._examples]
        return "".join([text, "\nexamples:\n", *lines]) if lines else text

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments; what is not known is an error here, where its command is known."""
        words = list(sys.argv[1:] if args is None else args)
        # argparse names its options nowhere else but in the help, which Python 3.14 may paint.
        first = _name(words[0]) if words and words[0].startswith("-") else "--"
        if first != "--" and first not in self._option_string_actions:
            # Else the word behind it, perhaps a secret, would be called a wrong command.
            self._refuse([first])
        known, rest = super().parse_known_args(args, namespace)
        if rest:
            # What stands behind an option may be a secret, and errors go into logs.
            named = [_name(each) for each in rest if each.startswith("-")] or rest
            self._refuse(named)
        return known, rest

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End, behind help too, only when all is written."""
        flush()
        super().exit(status, message)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end."""
        if found := _CHOICE.search(message):
            word, choices = found[1], re.findall(r"[\w-]+", found[2])
            offered = did_you_mean(word, choices)
            meant = [each for each in choices if word.casefold() in _MEANT.get(each, ())]
            if meant and not offered:
                offered = f"; did you mean {' or '.join(map(repr, meant))}?"
            message += offered
        super().error(message)

    def _refuse(self, names: Sequence[str]) -> NoReturn:
        """Say which arguments are not known, without what stands behind them."""
        if not names[0].startswith("-"):
            hint = ""
            if self._get_positional_actions():
                hint = f"; {QUOTES}"
            elif "--config" in self._option_string_actions:
                hint = (
                    "; a configuration folder stands behind --config, a model file behind --model"
                )
            self.error(f"unrecognized arguments: {' '.join(names)}{hint}")
        option = next((each for each in names if each.startswith("--")), "")
        known = self._option_string_actions.items()
        options = [each for each, action in known if action.help != argparse.SUPPRESS]
        self.error(f"unrecognized arguments: {' '.join(names)}{did_you_mean(option, options)}")


def _name(option: str) -> str:
    """Return an option without the value behind it: ``--user=me``, ``-ame``."""
    return option.partition("=")[0] if option.startswith("--") else option[:2]
