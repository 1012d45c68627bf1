"""What tests need to know of a client's connection, through public names."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from xentara_nb import Client
from xentara_nb.connection.connection import Connection


def connection_of(client: Client) -> Connection:
    """Return the connection to a simulated demo plant that a client uses at the moment."""
    with client.sub_session(user="viewer", password="viewer-demo") as session:
        return session.connection()


def reader_threads() -> list[threading.Thread]:
    """Return the threads that read from connections."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("xentara ")]


def eventually(condition: Callable[[], object], seconds: float = 5.0, where: str = "") -> None:
    """Wait until something is true, and fail if it does not become so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it has not become true {where}"
        time.sleep(0.005)
