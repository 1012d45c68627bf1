"""The command ``xentara-nb``.

Its modules load what a command needs when it runs, so that help is there at once.
"""

from __future__ import annotations

import argparse
import io
import signal
import sys
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
from xentara_nb.cli.common import flush, in_options, say
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
    try:
        status: Any = main()
    except KeyboardInterrupt:  # one more, while it was ending
        status = INTERRUPTED
    except SystemExit as end:  # after help, or wrong arguments
        status = end.code
    # From here on another one ends the process where it stands, and not with a traceback of Python.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in the background of a shell
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Python waits for the threads of a fleet, which wait for servers as long as these may take.
    close_all()
    try:
        flush()
    except OSError:
        # It has been said. Python would try again, complain, and end with 120.
        with suppress(OSError):
            sys.stdout.close()
    sys.exit(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line: 0 for success, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""
    # Asked to end, or its terminal closed, a command stops what it started, as with Ctrl-C.
    previous = {
        number: signal.signal(number, _interrupt)
        for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
        if signal.getsignal(number) is not signal.SIG_IGN  # as nohup has it
    }
    for stream in (sys.stdout, sys.stderr):
        # What a console cannot show is written as an escape there.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        args = build_parser().parse_args(argv)
        # Not before: it takes pandas, and help and wrong arguments are to be there at once.
        import xentara_nb.tables.accessor  # noqa: F401 - registers df.xentara

        status: int = args.run(args)
        flush()
    except UsageError as error:
        say(f"xentara-nb: {error}")
        return 2
    except XentaraError as error:
        if isinstance(error, UnknownElementError) and len(getattr(args, "elements", ())) > 1:
            error.add_note(f"({QUOTES})")
        say(f"xentara-nb: {in_options(error)}")
        return 1
    except ModuleNotFoundError as error:
        # The simulator names the extra that is missing; anything else is a bug of ours.
        if "pip install" not in str(error):
            raise
        say(f"xentara-nb: {error}")
        return 1
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # the reader of the output goes, as `head` does
            say(f"xentara-nb: {error.filename or 'the output'}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return status


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
