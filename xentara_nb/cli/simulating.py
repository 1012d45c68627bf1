"""``xentara-nb simulate``: a simulated server that runs until it is stopped."""

from __future__ import annotations

import argparse
import gc
import signal
import warnings
from typing import TYPE_CHECKING, Any

from xentara_nb.cli.common import loading, say, show
from xentara_nb.cli.options import AddParser, UsageError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from xentara_nb.simulator import Simulator

STOP_TIMEOUT = 8.0
"""How long the simulator may take to end, in seconds."""

# Repeated here, for help must not need the simulator's extra. A test compares.
_FAULTS = (
    "delay=SECONDS[,JITTER], drop-in=BYTES[,CONNECTIONS|all], drop-out=BYTES[,CONNECTIONS|all], "
    "lose=COMMAND[,CONNECTIONS|all], lose-answer=COMMAND[,CONNECTIONS|all], "
    "refuse-writes=SHARE[,CODE[,SEED]], bad-quality=[QUALITY:]KEY, "
    "read-error=KEY, no-follow=KEY, slow-follow=SECONDS:KEY, vanish=KEY, no-pong, "
    "restart=SECONDS[:MODEL_FILE]"
)
_POLL = 1.0  # how often a blocked main thread looks for Ctrl-C, in seconds


def add_parsers(add_parser: AddParser) -> None:
    """Add the command."""
    parser = add_parser(
        "simulate",
        help="run a simulated server",
        description="Run a simulated Xentara server until it is stopped with Ctrl-C, or shut down "
        "by a client: the demo plant, or one from a Xentara configuration.",
        examples=(
            "simulate",
            'simulate --config /etc/xdg/xentara --fault "no-follow=Plant.Line 1.Set point"',
        ),
    )
    add_plant_arguments(parser)
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="the address to listen on (default: 127.0.0.1, which other computers do not reach)",
    )
    parser.add_argument(
        "--port",
        metavar="PORT",
        type=int,
        help="the port, 0 for any free one (default: the configuration's, or 8080)",
    )
    parser.add_argument(
        "--log",
        metavar="FILE",
        help="append every request and write to a file, as JSON lines (default: none)",
    )
    group = parser.add_argument_group("security")
    group.add_argument(
        "--certificate",
        metavar="FILE",
        help="keep the simulator's own certificate in this PEM file (its key beside it): made if "
        "it is missing, and the same at the next start, so that its fingerprint stays valid "
        "(default: a new one with each start)",
    )
    group.add_argument(
        "--jwks",
        metavar="FILE",
        help="a JSON Web Key Set that OAuth 2.0 tokens are checked with; goes with --config "
        "(default: those that the configuration names)",
    )
    group.add_argument(
        "--stage-entitlement",
        metavar="NAME",
        action="append",
        help="what the configuration calls the right to suspend and resume, and given a second "
        "time the right to shut down (default: suspend, shutdown)",
    )
    group = parser.add_argument_group("faults", "What goes wrong on purpose, as often as wanted.")
    group.add_argument(
        "--fault",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help=f"one of: {_FAULTS} (default: none)",
    )
    parser.set_defaults(run=_simulate)


def add_plant_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which plant is simulated."""
    group = parser.add_argument_group("plant", "Which plant is simulated (default: the demo).")
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
    group.add_argument(
        "--own-certificate",
        action="store_true",
        help="make a certificate even if the configuration names one (whose key may not be here)",
    )


def simulator_from(
    args: argparse.Namespace, host: str, port: int | None, **options: Any
) -> Simulator:
    """Return the simulator that the options of :func:`add_plant_arguments` describe."""
    with loading():
        from xentara_nb.simulator import simulate

    if args.elements is not None and args.elements < 1:
        raise UsageError("--elements must be at least 1")
    if args.elements is not None and (args.config or args.model):
        raise UsageError("--elements makes up a model: leave --config and --model out")
    if args.elements is not None and "stage_entitlements" in options:
        raise UsageError("--elements has no access control lists: leave --stage-entitlement out")
    check_port("--port", port)
    return simulate(
        args.config,
        model=args.model,
        elements=args.elements,
        host=host,
        port=port,
        own_certificate=args.own_certificate,
        **options,
    )


def check_port(option: str, port: int | None) -> None:
    """Raise UsageError if a port that was given is none."""
    if port is not None and not 0 <= port <= 65535:
        raise UsageError(f"{option} must be from 0 to 65535")


def _simulate(args: argparse.Namespace) -> int:
    with loading():
        from xentara_nb.simulator.fault_options import parse_fault

    faults = [parse_fault(text) for text in args.fault]
    options: dict[str, Any] = {
        "certificate": args.certificate,
        "jwks": args.jwks,
        "log": args.log,
    }
    if args.stage_entitlement is not None:
        names = (*args.stage_entitlement, "shutdown")
        if len(args.stage_entitlement) > 2:
            raise UsageError("--stage-entitlement can be given twice at the most")
        options["stage_entitlements"] = names[:2]
    try:
        _run(simulator_from(args, args.host, args.port, **options), faults)
    finally:
        _set_alarm(0)
    return 0


def _run(simulator: Simulator, faults: list[Callable[[Simulator], threading.Timer | None]]) -> None:
    from xentara_nb.simulator import ExposedWarning

    timers: list[threading.Timer | None] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ExposedWarning)
            simulator.start()
        # The plant stays until the end, so the garbage collector need not look at it ever again.
        gc.freeze()
        for cause in faults:
            timers.append(cause(simulator))
        for line in describe(simulator):
            show(line)
        for warning in caught:
            say(f"WARNING: {warning.message}")
        say("Stop it with Ctrl-C.")
        _wait(simulator)
        say("A client has shut the server down.")
    except KeyboardInterrupt:
        _set_alarm(STOP_TIMEOUT)
        raise
    finally:
        # Not by an ExitStack: interrupted just behind the start, that would know nothing of it.
        try:
            _cancel(timers)
            simulator.stop()
        except BaseException:
            # Interrupted, perhaps before it had begun with either.
            _cancel(timers)
            simulator.stop()
            raise


def _wait(simulator: Simulator) -> None:
    while not simulator.wait(_POLL):
        pass


def _cancel(timers: list[threading.Timer | None]) -> None:
    for timer in timers:
        if timer is not None:
            timer.cancel()


def _set_alarm(seconds: float) -> None:
    """Let the system end this process after some seconds, 0 for not at all.

    The end itself could hang, as with a log on a pipe that no one reads from.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def describe(simulator: Simulator) -> list[str]:
    """Return what is needed to connect to a simulator."""
    lines = [
        f"url:         {simulator.url}",
        f"ca file:     {simulator.ca_file}",
        f"fingerprint: {simulator.fingerprint}",
    ]
    if simulator.users:
        users = ", ".join(f"{user} ({password})" for user, password in simulator.users.items())
        lines.append(f"users:       {users}")
    return lines
