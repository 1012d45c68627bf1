"""What tests need to know of a client's connection, through public names."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from xentara_nb import Client
from xentara_nb.connection.connection import Connection


def connection_of(client: Client) -> Connection:
    """Return the connection to a simulated demo plant that a client uses at the moment."""
    with client.sub_session(user="viewer", password="viewer-demo") as session:
        return session.connection()


def reader_threads() -> list[threading.Thread]:
    """Return the threads that read from connections."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("xentara ")]


def with_more_time(check: Callable[[float], object], seconds: float) -> None:
    """Run a check with a time-out that is short, and with longer ones where the machine is busy.

    For what holds with any time-out, as long as all that must come before it fits into it.
    """
    for factor in (1, 8):
        try:
            check(factor * seconds)
        except (Exception, pytest.fail.Exception):
            continue
        return
    check(64 * seconds)


def eventually(condition: Callable[[], object], seconds: float = 30.0, where: str = "") -> None:
    """Wait until something is true, and fail if it does not become so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it has not become true {where}"
        time.sleep(0.005)
