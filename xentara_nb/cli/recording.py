"""``xentara-nb record``: changes of values into a folder of Parquet files."""

from __future__ import annotations

import argparse
from typing import Any

from xentara_nb.cli.common import connect_from, say
from xentara_nb.cli.options import (
    AddParser,
    add_connection_arguments,
    add_rate_arguments,
    add_rows_argument,
    add_seconds_argument,
)
from xentara_nb.cli.rows import read_rows
from xentara_nb.protocol.text import quantity


def add_parsers(add_parser: AddParser) -> None:
    """Add the command."""
    parser = add_parser(
        "record",
        help="record changes of values into a folder",
        description="Record the changes of attributes into a folder of Parquet files, which "
        "pandas, DuckDB and Polars read, until Ctrl-C. Into the same folder again, it goes on.",
        examples=(
            "record plant-server:8080 --rows attributes.csv -o recording --for 8h",
            "record plant-server:8080 --rows set-points.csv -o recording --every 1 --for 2d",
        ),
    )
    add_connection_arguments(parser)
    add_recording_arguments(parser)
    parser.set_defaults(run=_record)


def _record(args: argparse.Namespace) -> int:
    rows = read_rows(args.rows)
    with connect_from(args, read_only=True) as client:
        recording = client.record(rows, **recording_options(args))
    say(f"recorded into {recording.folder}, {quantity(len(recording.files), 'file')} in all")
    return 0


def add_recording_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is recorded, where to, how fast and for how long."""
    add_rows_argument(
        parser,
        "of what, the value unless a row has an attribute_name",
        required=True,
    )
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", required=True, help="where to; made if it is not there"
    )
    add_rate_arguments(parser)
    add_seconds_argument(
        parser,
        "--flush-every",
        "how much is lost at most if this is killed",
        default=10.0,
    )


def recording_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return what those options say, all but the rows."""
    return {
        "folder": args.output,
        "every": args.every,
        "at_least": args.at_least,
        "for_": args.for_,
        "flush_every": args.flush_every,
    }
