"""``xentara-nb watch``: values as they change, in place on a terminal, as JSON lines in a pipe."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from xentara_nb.cli.common import connect_from, output, show, table
from xentara_nb.cli.options import (
    AddParser,
    UsageError,
    add_attributes_argument,
    add_connection_arguments,
    add_element_argument,
    add_rate_arguments,
    attributes_in,
)
from xentara_nb.cli.rows import to_json
from xentara_nb.errors import DeadlineError
from xentara_nb.protocol.text import safe

if TYPE_CHECKING:
    import pandas as pd

    from xentara_nb.live.watch import Watch

REDRAW = 0.2
"""The shortest time between two pictures of the table, in seconds."""

_COUNT = 1.0  # seconds, after which the table is drawn again without a change: the ages count
_HOME, _REST = "\x1b[H\x1b[2J", "\x1b[?25h"  # an empty screen; the cursor back
_HIDE = "\x1b[?25l"


def add_parsers(add_parser: AddParser) -> None:
    """Add the command."""
    parser = add_parser(
        "watch",
        help="show values as they change",
        description="Show attributes as they change until Ctrl-C: a table in place on a terminal, "
        "one JSON object a line in a pipe. A lost connection is made again.",
        examples=(
            'watch plant-server:8080 "Plant.Line 1.Speed" "Plant.Line 2.Speed"',
            'watch plant-server:8080 "Plant.Line 1.Speed" --every 1 --for 30min --json',
        ),
    )
    add_connection_arguments(parser)
    add_element_argument(parser, several=True)
    add_attributes_argument(parser, "this attribute", "the value")
    add_rate_arguments(parser)
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line also on a terminal"
    )
    parser.set_defaults(run=_watch)


def _watch(args: argparse.Namespace) -> int:
    if args.for_ is not None and not args.for_ > 0:
        raise UsageError("--for must be more than 0 seconds")
    attributes = attributes_in(args)
    with (
        connect_from(args, read_only=True) as client,
        client.watch(args.elements, attributes, every=args.every, at_least=args.at_least) as watch,
        suppress(KeyboardInterrupt),  # the way to end it
    ):
        if args.for_ is not None:
            _wait_for_values(watch)
        if args.json or not _is_drawn_on():
            _lines(watch, args.for_)
        else:
            _table(watch, args.for_)
    return 0


def _is_drawn_on() -> bool:
    """Return whether the output is a terminal that can put a table where the last one was."""
    return output().isatty() and os.environ.get("TERM") != "dumb"


def _wait_for_values(watch: Watch) -> None:
    """Wait for the first values, for the time to show them begins with these; not for ever."""
    from xentara_nb.recordings.recorder import FIRST_VALUES

    with suppress(DeadlineError):
        watch.until(lambda latest: latest["age"].notna().any(), timeout=FIRST_VALUES)


def _lines(watch: Watch, seconds: float | None) -> None:
    """Write one JSON object for each change."""
    attributes = {row.column: row for row in watch.attributes.itertuples()}
    timer = threading.Timer(seconds or 0.0, watch.close)
    timer.daemon = True
    if seconds is not None:
        timer.start()
    try:
        for change in watch:
            row = attributes[change.column]
            content = {
                "time": change.time.isoformat(),
                "primary_key": row.primary_key,
                "attribute_name": row.attribute_name,
                "value": to_json(change.value),
                "error": change.error,
            }
            show(json.dumps(content))  # in ASCII: no console turns it into what is no JSON
    finally:
        timer.cancel()


def _table(watch: Watch, seconds: float | None) -> None:
    """Draw a table of the latest values in place, again when something has changed."""
    end = math.inf if seconds is None else time.monotonic() + seconds

    def draw(latest: pd.DataFrame) -> bool:
        sys.stdout.write(_HOME + picture(latest, str(watch.lost) if watch.lost else None))
        sys.stdout.flush()
        time.sleep(min(REDRAW, max(end - time.monotonic(), 0.0)))
        return False

    sys.stdout.write(_HIDE)
    try:
        _draw_until(end, watch, draw)
    finally:
        sys.stdout.write(_REST)


def _draw_until(end: float, watch: Watch, draw: Callable[[pd.DataFrame], bool]) -> None:
    while (left := end - time.monotonic()) > 0:
        with suppress(DeadlineError):
            watch.until(draw, timeout=min(_COUNT, left))


def picture(latest: pd.DataFrame, lost: str | None) -> str:
    """Return the latest values as lines of text that fit the terminal."""
    frame = latest[["primary_key", "attribute_name", "value", "quality", "age", "error"]]
    import shutil

    width, height = shutil.get_terminal_size()
    frame = frame.assign(age=frame["age"].round().astype("Int64"))
    lines = table(frame, whole=()).split("\n")  # the value is to fit beside a long key
    foot = [] if lost is None else [f"no connection at present: {safe(lost)}"]
    room = max(height - len(foot) - 1, 2)
    if len(lines) > room:
        foot.insert(0, f"and {len(lines) - room + 1} more")
        lines = lines[: room - 1]
    return "\n".join(line[:width] for line in [*lines, *foot]) + "\n"
