"""What the threads of connections do when the process ends.

Python ends a daemon thread where it stands. Where that is inside of cbor2, which is not Python
code, the process aborts. So connections that are still open are closed while Python still runs all
of its threads, and large messages are not decoded to their end (:func:`.cbor.stoppable`). Threads
that would open a fresh connection then, because they have lost one, are refused.
"""

from __future__ import annotations

import atexit
import threading
from typing import Any

from xentara_nb.connection.deadline import Deadline

EXIT_TIMEOUT = 5.0
"""How long the end of the process waits for all these threads together, in seconds."""


running: set[Any] = set()
"""The connections whose threads run; each puts itself in, and takes itself out."""

_ending = threading.Event()


def is_ending() -> bool:
    """Return whether the process ends and this thread with it; what is to run at exit still may."""
    return _ending.is_set() and threading.current_thread() is not threading.main_thread()


@atexit.register
def close_all() -> None:
    """End the connections that are still open, and wait for their threads."""
    _ending.set()
    connections = set(running)
    for connection in connections:
        connection.close(graceful=False)
    deadline = Deadline(EXIT_TIMEOUT)
    for connection in connections:
        connection.wait_ended(deadline.remaining)
