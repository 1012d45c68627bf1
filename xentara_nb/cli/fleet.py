"""``xentara-nb fleet``: many servers at once, and an exit status for scheduled jobs."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from xentara_nb.cli.common import check_output, in_options, say, table, usable
from xentara_nb.cli.exploring import write_result
from xentara_nb.cli.options import (
    AddParser,
    UsageError,
    add_attributes_argument,
    add_depth_argument,
    add_element_argument,
    add_json_argument,
    add_part_arguments,
    add_rows_argument,
    add_seconds_argument,
    add_tolerance_argument,
    attributes_in,
    depth_in,
)
from xentara_nb.cli.recording import add_recording_arguments, recording_options
from xentara_nb.cli.rows import json_lines, read_rows, show_rows
from xentara_nb.errors import XentaraError
from xentara_nb.protocol.text import quantity

if TYPE_CHECKING:
    import pandas as pd

    from xentara_nb.fleet.fleet import Fleet

SOME_FAILED = 3
"""The exit status when some servers have failed, and the others have not."""

_STATUS = (
    "The exit status is 0 if every server has answered, 3 if some have not (they are listed on "
    "standard error, with --json as lines of JSON), and 1 if none has."
)

# The same file is on the page of formats of the reference. A test compares.
_LIST = """\
Ask the servers of a list at the same time. The list is a TOML file:

  [all]                                  # unless a server says something else
  user = "operator"                      # left out, XENTARA_USER
  password_from = "file:secrets/{name}"  # or "env:PASSWORD_{NAME}", "keyring"
  ca_file = "plants.pem"                 # the certificates to trust
  timeout = 10                           # seconds to wait for an answer

  [servers.north]
  address = "10.0.1.5:8080"              # or wss://10.0.1.5:8080/api/ws

  [servers.south]
  address = "10.0.2.5"
  fingerprint = "AB:CD:..."              # SHA-256 of its certificate
  user = "guest"

  [servers.west]
  address = "10.0.3.5"
  token_from = "env:TOKEN_{NAME}"        # a token instead of a password

Only address is needed. Or it is a CSV file with the columns name, address and
any of the other words. A secret stands in a file of its own (first line), in a
variable or in the keyring, and never in the list; relative paths begin at the
folder of the list."""


def add_parsers(add_parser: AddParser) -> None:
    """Add the command and its own commands."""
    parser = add_parser(
        "fleet",
        help="ask many servers at once",
        description=_LIST,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        examples=(
            "fleet inventory servers.toml -o all.csv",
            "fleet compare servers.toml all.csv",
        ),
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    check = _add_command(
        commands,
        _check,
        "check that every server can be reached, is trusted, and lets its user in",
        "Check every server: whether it can be reached, whether its certificate is trusted and "
        f"until when it is valid, and whether it lets the user in. {_STATUS}",
        "fleet check servers.toml",
    )
    _add_asking_options(check)
    inventory = _add_command(
        commands,
        _inventory,
        "write every attribute of every server to a file or folder",
        f"Take the inventory of every server. {_STATUS}",
        'fleet inventory servers.toml -o all.csv --root "Plant.Line 1"',
    )
    _add_asking_options(inventory)
    _add_output(inventory)
    add_part_arguments(inventory)
    add_depth_argument(inventory)
    snapshot = _add_command(
        commands,
        _snapshot,
        "write the present values of every server to a file or folder",
        f"Take a snapshot of every server. {_STATUS}",
        "fleet snapshot servers.toml -o snapshots",
    )
    _add_asking_options(snapshot)
    _add_output(snapshot)
    add_rows_argument(
        snapshot,
        "only these elements (default: all)",
        ", of every server, or of that in a column server; or a folder with an inventory of every "
        "server",
    )
    add_attributes_argument(snapshot, "also this attribute", "none")
    compare = _add_command(
        commands,
        _compare,
        "show what has changed on every server since a file or folder",
        "Compare what xentara-nb fleet inventory or snapshot has written with what there is now. "
        "A folder and a .parquet or .json file say which part of the servers they are of; of any "
        "other file only what it has is compared. The exit status is 0 if all is the same, 1 if "
        "something has changed, 3 if a server could not be compared, and 2 if the files cannot be "
        "used.",
        "fleet compare servers.toml snapshots --only north",
    )
    _add_asking_options(compare)
    compare.add_argument("old", metavar="OLD", help="what there was: a file, or a folder")
    add_tolerance_argument(compare, "two numbers")
    read = _add_command(
        commands,
        _read,
        "read values of every server",
        f"Read attributes of elements of every server. {_STATUS}",
        'fleet read servers.toml "Plant.Line 1.Speed" -a value --json',
    )
    _add_asking_options(read)
    add_element_argument(read, several=True)
    add_attributes_argument(read, "only this attribute", "all")
    search = _add_command(
        commands,
        _search,
        "find elements on every server by some words",
        f"Find the elements of every server that some words mean, the best first. {_STATUS}",
        'fleet search servers.toml set line 1 --category "data point" --writable',
    )
    _add_asking_options(search)
    search.add_argument(
        "text", metavar="WORD", nargs="+", help="words of keys, names, types and units, or parts"
    )
    for option, what in (("category", "category"), ("type", "type"), ("units", "unit")):
        search.add_argument(
            f"--{option}",
            metavar="NAME",
            action="append",
            help=f"only elements of this {what}; may be repeated (default: all)",
        )
    search.add_argument(
        "--writable", action="store_const", const=True, help="only what can be written"
    )
    record = _add_command(
        commands,
        _record,
        "record changes of values of every server into a folder",
        "Record the changes of attributes of every server into one folder of Parquet files, which "
        "pandas, Dask, DuckDB and Polars read, until Ctrl-C. Into the same folder again, it goes "
        f"on. {_STATUS}",
        "fleet record servers.toml --rows set-points.csv -o recorded --for 8h",
    )
    add_recording_arguments(record)


def _add_command(
    commands: Any,
    run: Callable[[argparse.Namespace], int],
    summary: str,
    description: str,
    *examples: str,
) -> argparse.ArgumentParser:
    """Add a command, called as the function that runs it, with the options of all of them."""
    parser: argparse.ArgumentParser = commands.add_parser(
        run.__name__.strip("_"),
        allow_abbrev=False,
        help=summary,
        description=description,
        examples=examples,
    )
    parser.set_defaults(run=run)
    parser.add_argument("servers", metavar="SERVERS", help="the list of servers (.toml or .csv)")
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        help="only this server; may be repeated (default: all of the list)",
    )
    add_json_argument(parser)
    return parser


def _add_asking_options(parser: argparse.ArgumentParser) -> None:
    add_seconds_argument(parser, "--deadline", "how long a server may take", default=60.0)
    parser.add_argument(
        "--threads",
        metavar="N",
        type=int,
        default=32,
        help="how many servers are asked at the same time (default: 32)",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        help="where to write it: .csv, .parquet, .xlsx or .json for one file; anything else is a "
        "folder, with a Parquet file for each server, written as it comes (default: CSV to the "
        "output)",
    )


def _check(args: argparse.Namespace) -> int:
    with _fleet(args) as fleet:
        frame = fleet.check(**_options(args))
        show_rows(frame.round({"seconds": 2}), args.json, list(frame.columns.drop("error")))
        return _status(fleet, args, int(frame["error"].isna().sum()))


def _inventory(args: argparse.Namespace) -> int:
    part = {"root": args.root, "depth": depth_in(args), "categories": args.categories}
    return _take(args, "inventory", part)


def _snapshot(args: argparse.Namespace) -> int:
    elements = None if args.rows is None else read_rows(args.rows, folder_too=True)
    return _take(args, "snapshot", {"elements": elements, "attributes": attributes_in(args)})


def _take(args: argparse.Namespace, command: str, arguments: dict[str, Any]) -> int:
    from xentara_nb.fleet.files import ENDINGS

    into_folder = args.output is not None and not args.output.lower().endswith(ENDINGS)
    if into_folder and args.json:
        raise UsageError("--json goes to the output, and not with a folder")
    check_output(args.output, folder_too=True)
    with _fleet(args) as fleet:
        if into_folder:
            saved = fleet.save(args.output, command, **_options(args), **arguments)
            answered = len(saved)
            count = quantity(answered, "server")
            say(f"{saved['rows'].sum():,} rows of {count} written to {args.output}")
        else:
            frame = getattr(fleet, command)(**_options(args), **arguments)
            answered = _answered(frame)
            if answered or args.output is None:
                count = quantity(answered, "server")
                write_result(frame, args, f"{len(frame):,} rows of {count}")
            else:  # what is there is better than an empty table
                say(f"{args.output} was not written: no server has answered")
        return _status(fleet, args, answered)


def _compare(args: argparse.Namespace) -> int:
    from xentara_nb.fleet.files import read_fleet

    with usable(args.old):  # an error has another status than a difference
        old = read_fleet(args.old)
    with _fleet(args) as fleet:
        found = fleet.compare(old, tolerance=args.tolerance, **_options(args))
        if len(found):
            columns = ["server", "change", "primary_key", "attribute_name", "old", "new"]
            show_rows(found.frame, args.json, columns)
        say(found.summary)
        _status(fleet, args, len(found.comparisons))
    if found.not_compared:
        return SOME_FAILED
    return 1 if found else 0


def _read(args: argparse.Namespace) -> int:
    with _fleet(args) as fleet:
        frame = fleet.read(args.elements, attributes_in(args), **_options(args))
        show_rows(frame, args.json, ["server", "primary_key", "attribute_name", "value", "error"])
        return _status(fleet, args, _answered(frame))


def _search(args: argparse.Namespace) -> int:
    wanted = {name: getattr(args, name) for name in ("category", "type", "units", "writable")}
    with _fleet(args) as fleet:
        frame = fleet.search(" ".join(args.text), **wanted, **_options(args))
        show_rows(frame, args.json)
        return _status(fleet, args, _answered(frame))


def _record(args: argparse.Namespace) -> int:
    rows = read_rows(args.rows, folder_too=True)
    with _fleet(args) as fleet:
        try:
            recording = fleet.record(rows, **_options(args), **recording_options(args))
        except XentaraError:
            if _status(fleet, args, 0):  # of all that were asked
                return 1
            raise
        names = quantity(len(recording.recordings), "server")
        say(f"recorded into {recording.folder}, of {names} in all")
        return _status(fleet, args, len(recording.recordings))


@contextmanager
def _fleet(args: argparse.Namespace) -> Iterator[Fleet]:
    """Give the fleet of the list of servers; nothing can be written with it."""
    from xentara_nb.fleet.failures import FleetWarning
    from xentara_nb.fleet.fleet import Fleet

    # "record" has none of them: it asks all servers at the same time, for as long as it takes.
    limits = {name: getattr(args, name) for name in ("threads", "deadline") if name in args}
    with usable(args.servers):
        fleet = Fleet(args.servers, read_only=True, **limits)
    with fleet, warnings.catch_warnings():
        warnings.simplefilter("ignore", FleetWarning)  # there is a table of failures in the end
        yield fleet


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """Return what every command of a fleet is given; with --json only failures are said."""
    return {"servers": args.only, "progress": False if args.json else None}


def _answered(frame: pd.DataFrame) -> int:
    """Return how many servers have answered, also with no row."""
    from xentara_nb.tables.provenance import provenance_of

    return len(provenance_of(frame)["servers"])


def _status(fleet: Fleet, args: argparse.Namespace, answered: int) -> int:
    """Say which servers have failed, and return the status of that."""
    failures: pd.DataFrame = fleet.failures
    if failures.empty:
        return 0
    failures = failures.assign(error=failures["error"].map(in_options))
    if args.json:
        for text in json_lines(failures):
            say(text)
    else:
        say(table(failures[["server", "kind", "error"]]))
    return SOME_FAILED if answered else 1
