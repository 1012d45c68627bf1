"""``xentara-nb simulate``: a simulated server that runs until it is stopped."""

from __future__ import annotations

import argparse
import threading
from typing import TYPE_CHECKING

from xentara_nb.cli.common import Subparsers, UsageError, say

if TYPE_CHECKING:
    from xentara_nb.simulator import Simulator


def add_parsers(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "simulate",
        help="run a simulated server",
        description="Run a simulated Xentara server until it is stopped with Ctrl-C: the demo "
        "plant, or one from a Xentara configuration.",
    )
    add_plant_arguments(parser)
    parser.add_argument(
        "--host", metavar="ADDRESS", default="127.0.0.1", help="the address to listen on"
    )
    parser.add_argument(
        "--port",
        metavar="PORT",
        type=int,
        help="the port, 0 for any free one (default: the configuration's, or 8080)",
    )
    parser.set_defaults(run=_simulate)


def add_plant_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which plant is simulated."""
    group = parser.add_argument_group("plant")
    group.add_argument(
        "--config",
        metavar="DIR",
        help="a Xentara configuration folder, with config.json, users.json, passwords.json, "
        "security.json and model.json",
    )
    group.add_argument("--model", metavar="FILE", help="a model file alone, with the demo's users")
    group.add_argument(
        "--elements", metavar="N", type=int, help="a made-up model with so many elements"
    )


def simulator_from(args: argparse.Namespace, host: str, port: int | None) -> Simulator:
    """Return the simulator that the options of :func:`add_plant_arguments` describe.

    Raises
    ------
    UsageError
        If they contradict each other.
    ConfigurationError
        If the configuration is wrong.
    """
    from xentara_nb.simulator import simulate

    if args.elements is not None and args.elements < 1:
        raise UsageError("--elements must be at least 1")
    if args.elements is not None and (args.config or args.model):
        raise UsageError("--elements makes up a model: leave --config and --model out")
    if port is not None and not 0 <= port <= 65535:
        raise UsageError("--port must be from 0 to 65535")
    return simulate(args.config, model=args.model, elements=args.elements, host=host, port=port)


def _simulate(args: argparse.Namespace) -> int:
    with simulator_from(args, args.host, args.port) as simulator:
        for line in describe(simulator):
            print(line, flush=True)
        say("Stop it with Ctrl-C.")
        threading.Event().wait()
    return 0


def describe(simulator: Simulator) -> list[str]:
    """Return what somebody must know to connect to a simulator."""
    lines = [
        f"url:         {simulator.url}",
        f"ca file:     {simulator.ca_file}",
        f"fingerprint: {simulator.fingerprint}",
    ]
    if simulator.users:
        users = ", ".join(f"{user} ({password})" for user, password in simulator.users.items())
        lines.append(f"users:       {users}")
    return lines
