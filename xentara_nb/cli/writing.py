"""``xentara-nb write`` and ``xentara-nb apply``: a plan is shown and confirmed, then sent once."""

from __future__ import annotations

import argparse
import contextlib
from typing import TYPE_CHECKING, Any

from xentara_nb.cli.common import (
    in_options,
    outcome_is_known,
    output,
    say,
    show,
    table,
    uninterrupted,
    usable,
)
from xentara_nb.cli.guarded import (
    add_guard_arguments,
    confirmed,
    connect_guarded,
    sub_session_from,
)
from xentara_nb.cli.options import (
    ENDINGS,
    AddParser,
    UsageError,
    add_attributes_argument,
    add_connection_arguments,
    add_element_argument,
    add_json_argument,
    add_seconds_argument,
    add_tolerance_argument,
    attributes_in,
)
from xentara_nb.cli.rows import show_rows
from xentara_nb.protocol.text import quantity

if TYPE_CHECKING:
    import pandas as pd

    from xentara_nb.client import Client
    from xentara_nb.writes.plan import WritePlan
    from xentara_nb.writes.report import WriteReport


def add_parsers(add_parser: AddParser) -> None:
    """Add the two commands."""
    parser = add_parser(
        "write",
        help="write one value, guarded and verified",
        description="Write one value: the plan is shown and confirmed, the value sent once and "
        "read back. A value that begins with a minus goes behind two of them: -- -inf",
        examples=(
            'write plant-server:8080 "Plant.Line 1.Set point" 195 --dry-run',
            'write plant-server:8080 "Plant.Line 1.Set point" 195 --tolerance 0.5',
        ),
    )
    add_connection_arguments(parser)
    add_element_argument(parser, several=False)
    parser.add_argument(
        "value",
        metavar="VALUE",
        help="the value, read as the attribute's data type says: 42, 1.5, true, a text as it is, "
        "2026-11-26 10:00+01:00",
    )
    add_attributes_argument(parser, "this attribute", "value", several=False)
    _add_arguments(parser)
    parser.set_defaults(run=_write, skip_refused=False)

    parser = add_parser(
        "apply",
        help="write the values of a file, guarded and verified",
        description="Write the values of a file: the plan is shown and confirmed, every value sent "
        "once and read back. The file has the columns primary_key and value (and "
        "attribute_name, for others than the attribute value), or is an inventory with a column "
        "value added to it. The data type of the attribute says what a cell means: true or TRUE, "
        "42, 1.5 (also 1,5 with semicolons between the cells), 2026-11-26 10:00+01:00, a text as "
        "it is. An empty cell is refused.",
        examples=(
            "apply plant-server:8080 writes.csv --dry-run",
            "apply plant-server:8080 writes.csv --skip-refused --on-error continue",
        ),
    )
    add_connection_arguments(parser)
    parser.add_argument("file", metavar="FILE", help=f"what to write ({', '.join(ENDINGS)})")
    _add_arguments(parser)
    parser.add_argument(
        "--skip-refused",
        action="store_true",
        help="send the other rows although guards refuse some; otherwise nothing is sent then",
    )
    parser.set_defaults(run=_apply)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sending")
    group.add_argument(
        "--on-error",
        choices=("stop", "continue"),
        default="stop",
        help="after a write that failed: send nothing more, or go on (default: stop)",
    )
    group.add_argument(
        "--no-verify", dest="verify", action="store_false", help="do not read the values back"
    )
    add_seconds_argument(
        group, "--verify-within", "how long a device may take to follow", default=5.0
    )
    add_tolerance_argument(group, "the number written and the one read back")
    group.add_argument(
        "--number-as-boolean", action="store_true", help="take 0 and 1 for a Boolean"
    )
    add_json_argument(parser)
    add_guard_arguments(parser)


def _write(args: argparse.Namespace) -> int:
    attribute, *others = attributes_in(args) or ["value"]
    if others:
        raise UsageError("a value is written to one attribute: give --attributes once")
    return _run(args, {(args.element, attribute): args.value})


def _apply(args: argparse.Namespace) -> int:
    from xentara_nb.writes.files import read_writes

    with usable(args.file):
        writes = read_writes(args.file)
    return _run(args, writes)


def _run(args: argparse.Namespace, writes: Any) -> int:
    output()  # before the work
    with connect_guarded(args) as client:
        plan = client.plan_writes(writes, number_as_boolean=args.number_as_boolean)
        _show_plan(plan, client.address.netloc, args)
        if args.dry_run:
            say("dry run: nothing was sent")
            return 0 if plan.ok else 1
        if not plan.ok and not args.skip_refused:
            say("nothing was sent: guards refuse some of it")
            return 1
        count = sum(not each.refused for each in plan.planned)
        if not count:
            say("nothing was sent: there is nothing to send")
            return 0 if plan.ok else 1
        these = "this write" if count == 1 else f"these {quantity(count, 'write')}"
        if not args.yes and not confirmed(f"Send {these}?"):
            say("nothing was sent")
            return 1
        return _send(client, plan, args)


def _send(client: Client, plan: WritePlan, args: argparse.Namespace) -> int:
    try:
        with contextlib.ExitStack() as stack:
            session = sub_session_from(client, args)
            plan.apply(
                session=session and stack.enter_context(session),
                on_error=args.on_error,
                verify=args.verify,
                verify_within=args.verify_within,
                tolerance=args.tolerance,
                skip_refused=args.skip_refused,
            )
    except KeyboardInterrupt as error:
        if plan.report is None:
            error.add_note("nothing was sent")
        raise
    finally:
        # Also when it is interrupted: what was sent must be known.
        if plan.report is not None:
            with uninterrupted():
                _show_report(plan.report, args.json)
    return 0 if all(result.ok or result.planned.refused for result in plan.report or ()) else 1


def _show_plan(plan: WritePlan, server: str, args: argparse.Namespace) -> None:
    from xentara_nb.writes.rendering import as_shown

    with_whom = f" with a sub-session of {args.session_user}" if args.session_user else ""
    limits = f" ({plan.unlimited})" if plan.unlimited else ""
    say(f"Plan for {server}, as {plan.who}{with_whom}{limits}:")
    frame = _in_options(plan.frame)
    if args.json and args.dry_run:
        show_rows(frame, True)
        return
    columns = [
        *("primary_key", "attribute_name", "old_value", "value", "units", "change"),
        *("severity", "reason"),
    ]
    # With --json, the output is what became of it; the plan is for the question.
    tell = say if args.json else show
    tell(table(_filled(as_shown(frame), columns)))


def _show_report(report: WriteReport, as_json: bool) -> None:
    from xentara_nb.writes.rendering import as_shown

    columns = ["primary_key", "attribute_name", "old_value", "value", "read_back", "outcome"]
    frame = _in_options(report.frame)
    outcomes = table(_filled(as_shown(frame), [*columns, "error"]))
    with outcome_is_known(outcomes):
        if as_json:
            show_rows(frame, True)
        else:
            show(outcomes)


def _in_options(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a plan or report whose reasons speak of the command line."""
    from xentara_nb.writes.rendering import GUARD_COLUMNS

    says = frame.columns.intersection(["reason", "error", *GUARD_COLUMNS.values()])
    keys = frame["primary_key"]
    shown = {}
    for name in says:
        texts = frame[name].dropna()
        pairs = zip(texts.tolist(), keys[texts.index].tolist(), strict=True)
        texts[:] = [in_options(text, key) for text, key in pairs]
        shown[name] = texts.reindex(frame.index)
    return frame.assign(**shown)


def _filled(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return columns, without those that are empty."""
    return frame[columns].dropna(axis="columns", how="all")
