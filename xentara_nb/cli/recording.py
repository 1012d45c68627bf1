"""``xentara-nb record``: changes of values into a folder of Parquet files."""

from __future__ import annotations

import argparse
import re

from xentara_nb.cli.common import AddParser, UsageError, add_connection_arguments, connect_from, say
from xentara_nb.cli.rows import ENDINGS, read_rows
from xentara_nb.protocol.text import quantity

_DURATION = re.compile(r"(\d+(?:\.\d+)?) *(s|min|h|d|)")
_SECONDS = {"": 1, "s": 1, "min": 60, "h": 3600, "d": 86400}


def add_parsers(add_parser: AddParser) -> None:
    """Add the command."""
    parser = add_parser(
        "record",
        help="record changes of values into a folder",
        description="Record the changes of attributes into a folder of Parquet files, which "
        "pandas, DuckDB and Polars read, until Ctrl-C. Into the same folder again, it goes on.",
    )
    add_connection_arguments(parser)
    parser.add_argument(
        "--rows",
        metavar="FILE",
        required=True,
        help="what to record: an inventory, or a CSV with a column primary_key (and "
        f"attribute_name, for others than the attribute value) ({', '.join(ENDINGS)})",
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="where to")
    parser.add_argument(
        "--every",
        metavar="SECONDS",
        type=_seconds,
        help="record changes of an attribute no faster than this",
    )
    parser.add_argument(
        "--at-least",
        metavar="SECONDS",
        type=_seconds,
        help="record a value again after this time though it has not changed",
    )
    parser.add_argument(
        "--for",
        dest="for_",
        metavar="TIME",
        type=_seconds,
        help="how long, such as 90, 30min, 8h or 2d (default: until Ctrl-C)",
    )
    parser.add_argument(
        "--flush-every",
        metavar="SECONDS",
        type=_seconds,
        default=10.0,
        help="put what has come on the disk after so long; as much can be lost (default: 10)",
    )
    parser.set_defaults(run=_record)


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no time: write seconds, or a number with s, min, h or d")
    return float(match[1]) * _SECONDS[match[2]]


def _record(args: argparse.Namespace) -> int:
    rows = read_rows(args.rows)
    with connect_from(args, read_only=True) as client:
        recording = client.record(
            rows,
            args.output,
            every=args.every,
            at_least=args.at_least,
            for_=args.for_,
            flush_every=args.flush_every,
        )
    say(f"recorded into {recording.folder}, {quantity(len(recording.files), 'file')} in all")
    return 0
