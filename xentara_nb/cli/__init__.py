"""The command ``xentara-nb``.

Its modules load what a command needs when it runs, so that help is there at once.
"""

from __future__ import annotations

import _thread
import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any, NoReturn

from xentara_nb.cli import (
    demo,
    exploring,
    fleet,
    lab,
    recording,
    simulating,
    stage,
    watching,
    writing,
)
from xentara_nb.cli.common import flush, in_options, loading, say, signals_handled
from xentara_nb.cli.options import UsageError
from xentara_nb.cli.parser import CommandParser, ShowVersion
from xentara_nb.connection.process_end import close_all
from xentara_nb.errors import XentaraError
from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.suggestions import QUOTES

INTERRUPTED = 130
"""The exit status behind Ctrl-C."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    # Options by their whole name only: --password must not mean --password-file.
    parser = CommandParser(
        allow_abbrev=False,
        prog="xentara-nb",
        description="Explore a Xentara automation server, and change values under guard.",
        epilog="Begin with: xentara-nb demo",
    )
    parser.add_argument("--version", action=ShowVersion)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for group in (demo, exploring, watching, recording, writing, stage, fleet, simulating, lab):
        group.add_parsers(partial(subparsers.add_parser, allow_abbrev=False))
    return parser


def run() -> NoReturn:
    """Run the command line in a process that ends with it."""
    sys.unraisablehook = _interrupt_again
    try:
        status: Any = main()
    except KeyboardInterrupt:  # one more, while it was ending
        status = INTERRUPTED
    except SystemExit as end:  # after help, or wrong arguments
        status = end.code
    # From here on another one ends the process where it stands, and not with a traceback of Python.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in the background of a shell
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        flush()
    except OSError:
        # It has been said. Python would try again, complain, and end with 120.
        with suppress(OSError):
            sys.stdout.close()
    # Python waits for the threads of a fleet: for those that record, which write what has come, but
    # also for those that ask, as long as a server may take.
    if status == INTERRUPTED and any(map(_asks, threading.enumerate())):
        os._exit(status)
    close_all()
    sys.exit(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line: 0 for success, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""
    # Asked to end, or its terminal closed, a command stops what it started, as with Ctrl-C.
    with signals_handled(_interrupt):
        return _run(argv)


def _run(argv: Sequence[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        # What a console cannot show is written as an escape there.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        args = build_parser().parse_args(argv)
        # Not before: it takes pandas, and help and wrong arguments are to be there at once.
        with loading():
            import xentara_nb.tables.accessor  # noqa: F401 - registers df.xentara
        status: int = args.run(args)
        flush()
    except UsageError as error:
        return _ended(f"xentara-nb: {error}", 2)
    except XentaraError as error:
        if isinstance(error, UnknownElementError) and len(getattr(args, "elements", ())) > 1:
            error.add_note(f"({QUOTES})")
        return _ended(f"xentara-nb: {in_options(error)}", 1)
    except ModuleNotFoundError as error:
        # The simulator names the extra that is missing; anything else is a bug of ours.
        if "pip install" not in str(error):
            raise
        return _ended(f"xentara-nb: {error}", 1)
    except BrokenPipeError:  # the reader of the output goes, as `head` does
        return 1
    except OSError as error:
        place = error.filename or "the output"
        return _ended(f"xentara-nb: {place}: {error.strerror or error}", 1)
    except KeyboardInterrupt as error:
        return _ended(f"interrupted{in_options(error)}", INTERRUPTED)
    return status


def _asks(thread: threading.Thread) -> bool:
    return thread.name.startswith("fleet asking")


def _ended(said: str, status: int) -> int:
    """Say how a command has ended, if that can be said at all, and return its status."""
    with suppress(OSError):
        say(said)
    return status


def _interrupt_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Let no interrupt be lost that came where Python raises nothing.

    That is in a callback of a weak reference or the end of an object, and importing has many.
    """
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        again = threading.Timer(0.01, _thread.interrupt_main)  # in here, it would be lost again
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(unraisable)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
