"""``xentara-nb stage``: the operational stage of a server, and the guarded changes of it."""

from __future__ import annotations

import argparse
import contextlib
import json
from typing import TYPE_CHECKING

from xentara_nb.cli.common import (
    connect_from,
    in_options,
    outcome_is_known,
    output,
    say,
    show,
    uninterrupted,
)
from xentara_nb.cli.guarded import (
    add_guard_arguments,
    confirmed,
    connect_guarded,
    sub_session_from,
)
from xentara_nb.cli.options import AddParser, add_connection_arguments, add_json_argument
from xentara_nb.writes.stage_command import StageCommand

if TYPE_CHECKING:
    from xentara_nb.writes.stage import StageChange

_COMMANDS = {command.replace("_", "-"): command for command in StageCommand}


def add_parsers(add_parser: AddParser) -> None:
    """Add the command."""
    parser = add_parser(
        "stage",
        help="show the stage of a server, or suspend, resume or shut it down",
        description="Show the operational stage of a server. With one of the three words, change "
        "it: that is confirmed, journalled, and sent once.",
        examples=(
            "stage plant-server:8080",
            "stage plant-server:8080 suspend --dry-run",
        ),
    )
    add_connection_arguments(parser)
    parser.add_argument(
        "change",
        metavar="|".join(_COMMANDS),
        nargs="?",
        choices=_COMMANDS,
        help="what to do (default: show the stage)",
    )
    add_guard_arguments(parser)
    add_json_argument(parser)
    parser.set_defaults(run=_run)


def _facts(change: StageChange) -> dict[str, str | None]:
    from xentara_nb.protocol.identifiers import Stage, label

    stages = {
        name: None if stage is None else label(Stage, stage)
        for name, stage in (("before", change.before), ("after", change.after))
    }
    return {
        "command": change.command,
        **stages,
        "outcome": change.outcome,
        "reason": in_options(change.reason) or None,
    }


def _run(args: argparse.Namespace) -> int:
    from xentara_nb.protocol.identifiers import Stage, label

    output()  # before the work
    if args.change is None:
        with connect_from(args, read_only=True) as client:
            stage = label(Stage, client.get_stage())
            show(json.dumps({"stage": stage}) if args.json else stage)
        return 0
    command = _COMMANDS[args.change]
    with connect_guarded(args) as client:
        client.check_stage_change(command)
        say(f"{args.change} {command.meaning} ({client.address.netloc}, as {client.user}).")
        say(f"The stage is {label(Stage, client.get_stage())}.")
        if args.dry_run:
            say("dry run: nothing was sent")
            return 0
        if not args.yes and not confirmed(f"{args.change.capitalize()}?"):
            say("nothing was sent")
            return 1
        with contextlib.ExitStack() as stack:
            session = sub_session_from(client, args)
            session = session and stack.enter_context(session)
            change: StageChange = getattr(client, command)(confirm=True, session=session)
            # Before the sub-session is closed, which may fail, above all behind "shut-down".
            with uninterrupted():
                outcome = in_options(repr(change))
                with outcome_is_known(outcome):
                    show(json.dumps(_facts(change)) if args.json else outcome)
    return 0 if change.ok else 1
