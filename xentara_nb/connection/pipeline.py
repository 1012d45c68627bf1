"""Many commands at the speed of the network: some messages in flight, many commands in each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from xentara_nb.connection.batch import Batch
from xentara_nb.connection.connection import Connection
from xentara_nb.connection.deadline import Deadline
from xentara_nb.protocol.commands import Command

BATCH_SIZE = 512
"""How many commands go into one message."""

IN_FLIGHT = 8
"""How many messages wait for their answers at the same time."""


def pipeline(
    connection: Connection, commands: Sequence[Command[Any]], timeout: float
) -> Iterator[list[Any]]:
    """Send commands in batches, several in flight, and give the results batch by batch, in order.

    Only commands that change nothing belong in here. The time-out is for each batch, in seconds: as
    long as answers keep coming, it goes on. Raises as :meth:`Connection.begin` and
    :meth:`Connection.finish` do.
    """
    batches = (
        commands[start : start + BATCH_SIZE] for start in range(0, len(commands), BATCH_SIZE)
    )
    waiting: deque[Batch] = deque()
    try:
        for batch in batches:
            waiting.append(connection.begin(batch, Deadline(timeout)))
            if len(waiting) >= IN_FLIGHT:
                yield connection.finish(waiting.popleft(), Deadline(timeout))
        while waiting:
            yield connection.finish(waiting.popleft(), Deadline(timeout))
    finally:
        for left in waiting:
            connection.forget(left)
