"""``xentara-nb demo``: simulator, connection, inventory, file, in one go."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from xentara_nb.cli.common import check_output, say, show, table
from xentara_nb.cli.exploring import summary, take_inventory
from xentara_nb.cli.options import ENDINGS, AddParser, add_json_argument
from xentara_nb.cli.rows import show_rows
from xentara_nb.cli.simulating import add_plant_arguments, simulator_from

if TYPE_CHECKING:
    import pandas as pd

_NEXT = """\
What to try next:
  open {output} in a spreadsheet, or with xentara_nb.read_inventory("{output}")
  xentara-nb lab                        this plant in JupyterLab, with notebooks to begin with
  xentara-nb demo --config DIR          the same with your own plant's configuration
  xentara-nb inventory HOST -o all.csv  the same with a real server"""


def add_parsers(add_parser: AddParser) -> None:
    """Add the command."""
    parser = add_parser(
        "demo",
        help="take the inventory of a simulated plant",
        description="Start a simulated plant, connect to it over TLS, take its inventory and "
        "write it to a file. The plant ends with the command, and nothing outside of this computer "
        "is touched.",
        examples=("demo", "demo --elements 1000 -o made-up.xlsx --user viewer"),
    )
    add_plant_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default="attributes.csv",
        help=f"where to write the inventory: {', '.join(ENDINGS)}; what is there is replaced "
        "(default: attributes.csv)",
    )
    parser.add_argument("--user", metavar="NAME", help="the user who logs in (default: engineer)")
    add_json_argument(parser)
    parser.set_defaults(run=_demo)


def _demo(args: argparse.Namespace) -> int:
    check_output(args.output)
    tell = say if args.json else show
    with simulator_from(args, "127.0.0.1", 0) as simulator:
        tell(f"A simulated Xentara server runs at {simulator.url}")
        options = {} if args.user is None else {"user": args.user}
        with simulator.connect(read_only=True, **options) as client:
            tell(f"Logged in as {client.user}, certificate checked; taking the inventory ...")
            frame, seconds = take_inventory(client)
    frame.xentara.to_file(args.output)
    tell(f"\n{summary(frame, seconds)}\n")
    show_rows(_by_category(frame), args.json)
    samples = _samples(frame)
    if samples.empty:
        tell("\nNone of the attributes can be written.")
    else:
        tell("\nThe first of the attributes that can be written:\n")
        columns = ["primary_key", "attribute_name", "attribute_id", "access", "data_type"]
        tell(table(samples[columns]))
    tell(f"\nAll of it is in {args.output}\n\n{_NEXT.format(output=args.output)}")
    return 0


def _by_category(frame: pd.DataFrame) -> pd.DataFrame:
    writable = frame["access"] != "read only"
    grouped = frame.assign(writable=writable).groupby("category", observed=True)
    counts = grouped.agg(
        elements=("element_uuid", "nunique"),
        attributes=("attribute_name", "size"),
        writable=("writable", "sum"),
    )
    return counts.reset_index()


def _samples(frame: pd.DataFrame) -> pd.DataFrame:
    """Return some writable attributes of many kinds, from the part that has most of them."""
    writable: pd.DataFrame = frame.xentara.writable()
    part = writable["primary_key"].str.split(".", n=1).str[0]
    largest = writable[part == part.mode().get(0)]
    return largest.drop_duplicates(["access", "data_type"]).head(8)
