"""``xentara-nb inventory``, ``snapshot``, ``read`` and ``compare``."""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xentara_nb.cli.common import check_output, connect_from, output, say, usable
from xentara_nb.cli.options import (
    AddParser,
    UsageError,
    add_attributes_argument,
    add_connection_arguments,
    add_depth_argument,
    add_element_argument,
    add_json_argument,
    add_output_argument,
    add_part_arguments,
    add_rows_argument,
    add_tolerance_argument,
    attributes_in,
    depth_in,
)
from xentara_nb.cli.rows import read_rows, show_rows
from xentara_nb.protocol.text import quantity

if TYPE_CHECKING:
    import pandas as pd

    from xentara_nb.client import Client


def add_parsers(add_parser: AddParser) -> None:
    """Add the commands."""
    parser = add_parser(
        "inventory",
        help="write every attribute of a server to a file",
        description="Take the inventory of a server: one row per attribute, with its name, id, "
        "access and data type.",
        examples=(
            "inventory plant-server:8080 --user me -o attributes.csv",
            'inventory plant-server:8080 --root "Plant.Line 1" --categories "data point"',
        ),
    )
    add_connection_arguments(parser)
    add_output_argument(parser)
    add_part_arguments(parser)
    add_depth_argument(parser)
    add_json_argument(parser)
    parser.set_defaults(run=_inventory)

    parser = add_parser(
        "snapshot",
        help="write the present values of a server to a file",
        description="Take a snapshot of a server: one row per element, with its type, display "
        "name, value, units, quality and time.",
        examples=(
            "snapshot plant-server:8080 --user me -o monday.xlsx",
            "snapshot plant-server:8080 --rows attributes.csv -a writeTime --json",
        ),
    )
    add_connection_arguments(parser)
    add_output_argument(parser)
    add_part_arguments(parser)
    add_rows_argument(parser, "only these elements (default: all)")
    add_attributes_argument(parser, "also this attribute", "none")
    add_json_argument(parser)
    parser.set_defaults(run=_snapshot)

    parser = add_parser(
        "compare",
        help="show what has changed between two files",
        description="Compare two inventories or two snapshots, in files that xentara-nb has "
        "written. The exit status is 0 if they are the same, 1 if something has changed, and 2 if "
        "they cannot be compared.",
        examples=(
            "compare monday.xlsx today.xlsx --tolerance 0.5",
            "compare attributes.csv attributes-today.csv",
        ),
    )
    parser.add_argument("old", metavar="OLD", help="what there was (.csv, .parquet, .xlsx, .json)")
    parser.add_argument("new", metavar="NEW", help="what there is")
    add_tolerance_argument(parser, "two numbers")
    add_json_argument(parser)
    parser.set_defaults(run=_compare)

    parser = add_parser(
        "read",
        help="read values of elements",
        description="Read attributes of elements and show them.",
        examples=(
            'read plant-server:8080 "Plant.Line 1.Set point"',
            'read plant-server:8080 "Plant.Line 1.Speed" "Plant.Line 2.Speed" -a value -a units',
        ),
    )
    add_connection_arguments(parser)
    add_element_argument(parser, several=True)
    add_attributes_argument(parser, "only this attribute", "all")
    add_json_argument(parser)
    parser.set_defaults(run=_read)


def _inventory(args: argparse.Namespace) -> int:
    depth = depth_in(args)
    check_output(args.output)
    with connect_from(args, read_only=True) as client:
        frame, seconds = take_inventory(client, args.root, depth, args.categories)
    write_result(frame, args, summary(frame, seconds))
    return 0


def _snapshot(args: argparse.Namespace) -> int:
    check_output(args.output)
    wanted = None
    if args.rows is not None:
        if args.root is not None or args.categories is not None:
            raise UsageError("--rows says which elements; leave out --root and --categories")
        wanted = read_rows(args.rows)
    start = time.perf_counter()
    with connect_from(args, read_only=True) as client, _warned():
        if args.root is not None or args.categories is not None:
            wanted = client.browse(args.root, categories=args.categories)
        frame = client.snapshot(wanted, attributes_in(args))
    seconds = time.perf_counter() - start
    values, failed = (int(frame[name].notna().sum()) for name in ("value", "error"))
    count = quantity(len(frame), "element")
    said = f"{count}, {values:,} of them with a value, {failed:,} with an error, in {seconds:.2f} s"
    write_result(frame, args, said)
    return 1 if len(frame) and failed == len(frame) else 0


def _compare(args: argparse.Namespace) -> int:
    from xentara_nb.tables.compare import compare

    with usable("a file"):  # an error has another status than a difference
        found = compare(args.old, args.new, tolerance=args.tolerance)
    if found:
        columns = ["change", "primary_key", "attribute_name", "old", "new"]
        show_rows(found.frame, args.json, columns)
    say(found.summary)
    return 0 if found.same else 1


def write_result(frame: pd.DataFrame, args: argparse.Namespace, said: str) -> None:
    """Write a table to a file, and say what it holds; or as CSV, or JSON lines, to the output."""
    if args.json:
        show_rows(frame, True)
    if args.output is None:
        if args.json:
            return
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.csv"
            frame.xentara.to_csv(path)
            output().buffer.write(path.read_bytes())
    else:
        frame.xentara.to_file(args.output)
        say(f"{said}\nwritten to {args.output}")


def take_inventory(
    client: Client,
    root: str | None = None,
    depth: int | None = None,
    categories: list[str] | None = None,
) -> tuple[pd.DataFrame, float]:
    """Take an inventory with progress; elements that vanished are named on standard error."""
    start = time.perf_counter()
    with _warned():
        frame = client.inventory(root, depth, categories)
    return frame, time.perf_counter() - start


@contextmanager
def _warned() -> Iterator[None]:
    """Say in the end which elements vanished meanwhile."""
    from xentara_nb.queries.inventory import InventoryWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InventoryWarning)
        yield
    for warning in caught:
        say(f"xentara-nb: {warning.message}")


def summary(frame: pd.DataFrame, seconds: float) -> str:
    """Say how much an inventory holds."""
    elements = frame["element_uuid"].nunique()
    return (
        f"{quantity(elements, 'element')} with {quantity(len(frame), 'attribute')}, "
        f"{len(frame.xentara.writable()):,} of them writable, in {seconds:.2f} s"
    )


def _read(args: argparse.Namespace) -> int:
    with connect_from(args, read_only=True) as client:
        frame = client.read(args.elements, attributes_in(args))
    show_rows(frame, args.json, ["primary_key", "attribute_name", "value", "error"])
    return 1 if len(frame) and frame["error"].notna().all() else 0
