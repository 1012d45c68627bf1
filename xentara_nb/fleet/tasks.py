"""What is asked of one server, in a thread here or in a process anywhere: always reading.

An engine that runs tasks may run one twice, so there is no task that writes: one knows the four
commands below, and connects read only.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from xentara_nb.client.client import Client
from xentara_nb.connection.deadline import done_within
from xentara_nb.errors import (
    DeadlineError,
    NotFoundError,
    OptionError,
    ServerError,
    XentaraError,
)
from xentara_nb.fleet.servers import Server
from xentara_nb.protocol.sharing import copying, sharing

COMMANDS: Mapping[str, Callable[..., pd.DataFrame]] = {
    "inventory": Client.inventory,
    "snapshot": Client.snapshot,
    "read": Client.read,
    "search": Client.search,
}
"""What a task can ask of a server."""


class Answer(NamedTuple):
    """What one server has answered: a frame, or why there is none."""

    server: str
    frame: pd.DataFrame | None
    error: XentaraError | None
    seconds: float


def command_of(name: str) -> Callable[..., pd.DataFrame]:
    """Return the method for a command; OptionError for anything that a task cannot do."""
    if name not in COMMANDS:
        raise OptionError(f"a fleet is asked for {', '.join(COMMANDS)}, and not for {name!r}")
    return COMMANDS[name]


def carry_out(
    command: str, arguments: Mapping[str, Any], enough: pd.DataFrame | None, client: Client
) -> pd.DataFrame:
    """Return what a client answers to a command.

    Where some rows are enough, of an inventory or a snapshot, only their elements are asked for;
    unless one of them is not there, for then others may have its key.
    """
    if enough is not None:
        with suppress(ServerError, NotFoundError):
            if command == "inventory":
                return client.meta_data(enough)
            return client.snapshot(enough, **arguments)
    return command_of(command)(client, **arguments)


def ask(
    server: str,
    client: Callable[[], Client],
    work: Callable[[Client], pd.DataFrame],
    deadline: float | None,
) -> Answer:
    """Return what a server answers; its failure is in the answer, anything else is raised.

    The deadline, in seconds, is that of this call, connecting included. What other threads ask of
    the same client goes on. The frame may stand on the arrays of another server's: they are
    copied before it is given to a user.
    """
    start = time.monotonic()
    frame, error = None, None
    try:
        with done_within(deadline), copying():
            frame = work(client())
    except XentaraError as failure:
        # Without the frames that it went through: they hold the client, and cannot travel.
        error = failure.with_traceback(None)
    seconds = time.monotonic() - start
    if error is not None and deadline is not None and seconds >= deadline:
        error = DeadlineError(f"not done within {deadline:g} s ({error})")
    return Answer(server, frame, error, seconds)


def run_task(
    server: Server,
    command: str,
    arguments: Mapping[str, Any],
    deadline: float | None,
    enough: pd.DataFrame | None = None,
) -> Answer:
    """Connect to a server, read only, ask it one thing, and close: what an executor is given.

    Tasks that run at the same time in one process share what servers of one model answer.
    """
    command_of(command)
    with sharing(), ExitStack() as stack:

        def connect() -> Client:
            return stack.enter_context(server.connect(read_only=True, journal=False))

        work = partial(carry_out, command, arguments, enough)
        return ask(server.name, connect, work, deadline)


def run_partition(
    server: Server,
    command: str,
    arguments: Mapping[str, Any],
    deadline: float | None,
    fit: Callable[[pd.DataFrame, str], pd.DataFrame],
    empty: pd.DataFrame,
    errors: str,
) -> pd.DataFrame:
    """Return what a server answers as a partition of a data set, see :meth:`Fleet.to_dask`."""
    answer = run_task(server, command, arguments, deadline)
    if answer.frame is not None:
        return fit(answer.frame, server.name)
    assert answer.error is not None
    if errors == "raise":
        answer.error.add_note(f"This is of the server {server.name} of the fleet.")
        raise answer.error
    warnings.warn(f"server {server.name} is left out: {answer.error}", UserWarning, stacklevel=2)
    return empty
