"""``xentara-nb inventory`` and ``xentara-nb read``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from xentara_nb.cli.common import (
    AddParser,
    UsageError,
    add_connection_arguments,
    attribute,
    connect_from,
    say,
)
from xentara_nb.cli.rows import add_json_argument, show_rows
from xentara_nb.paths import user_path
from xentara_nb.queries.inventory import InventoryWarning

if TYPE_CHECKING:
    import pandas as pd

    from xentara_nb.client import Client


def add_parsers(add_parser: AddParser) -> None:
    """Add the two commands."""
    parser = add_parser(
        "inventory",
        help="write every attribute of a server to a file",
        description="Take the inventory of a server: one row per attribute, with its name, id, "
        "access and data type.",
    )
    add_connection_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to write it: .csv, .parquet, .xlsx or .json (default: CSV to the output)",
    )
    parser.add_argument("--root", metavar="ELEMENT", help="only what is below this element")
    parser.add_argument("--depth", metavar="N", type=int, help="only so many levels down")
    parser.add_argument(
        "--category",
        metavar="NAME",
        action="append",
        help='only elements of this category, such as "data point"; may be repeated',
    )
    add_json_argument(parser)
    parser.set_defaults(run=_inventory)

    parser = add_parser(
        "read",
        help="read values of elements",
        description="Read attributes of elements and show them.",
    )
    add_connection_arguments(parser)
    parser.add_argument(
        "elements", metavar="ELEMENT", nargs="+", help="a primary key or the UUID of an element"
    )
    parser.add_argument(
        "-a",
        "--attribute",
        metavar="NAME",
        action="append",
        help="only this attribute, by name, number or UUID; may be repeated (default: all)",
    )
    add_json_argument(parser)
    parser.set_defaults(run=_read)


def _inventory(args: argparse.Namespace) -> int:
    if args.depth is not None and args.depth < 1:
        raise UsageError("--depth must be at least 1")
    if args.output is not None:
        check_folder(args.output)
    with connect_from(args, read_only=True) as client:
        frame, seconds = take_inventory(client, args.root, args.depth, args.category)
    if args.json:
        show_rows(frame, True)
    if args.output is None and not args.json:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "inventory.csv"
            frame.xentara.to_csv(path)
            sys.stdout.buffer.write(path.read_bytes())
    elif args.output is not None:
        frame.xentara.to_file(args.output)
        say(f"{summary(frame, seconds)}\nwritten to {args.output}")
    return 0


def take_inventory(
    client: Client,
    root: str | None = None,
    depth: int | None = None,
    categories: list[str] | None = None,
) -> tuple[pd.DataFrame, float]:
    """Take an inventory with progress; elements that vanished are named on standard error."""
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InventoryWarning)
        frame = client.inventory(root, depth, categories)
    seconds = time.perf_counter() - start
    for warning in caught:
        say(f"xentara-nb: {warning.message}")
    return frame, seconds


def summary(frame: pd.DataFrame, seconds: float) -> str:
    """Say how much an inventory holds."""
    elements = frame["element_uuid"].nunique()
    return (
        f"{elements:,} elements with {len(frame):,} attributes, "
        f"{len(frame.xentara.writable()):,} of them writable, in {seconds:.2f} s"
    )


def check_folder(path: str) -> None:
    """Refuse before the work what cannot be written after it."""
    folder = user_path(path).parent
    if not folder.is_dir():
        raise UsageError(f"{path} cannot be written: there is no folder {folder}")


def _read(args: argparse.Namespace) -> int:
    attributes = None if args.attribute is None else [attribute(name) for name in args.attribute]
    with connect_from(args, read_only=True) as client:
        frame = client.read(args.elements, attributes)
    show_rows(frame, args.json, ["primary_key", "attribute_name", "value", "error"])
    return 1 if len(frame) and frame["error"].notna().all() else 0
