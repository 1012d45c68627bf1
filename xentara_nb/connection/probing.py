"""Whether a server is alive that has missed a deadline, or has sent nothing for long.

It is pinged, and any byte that comes shows that it is. Some servers answer no pings, though
RFC 6455 says so: after half of the time they are asked for their stage, and on the same connection
they are not pinged again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from xentara_nb.connection.batch import Batch
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.messages import WebSocket
from xentara_nb.connection.stream import Stream
from xentara_nb.locking import Lock
from xentara_nb.protocol.codec import encode_requests

PROBE_TIMEOUT = 2.0
"""How long a server under suspicion may take for any byte, such as its answer to a ping."""

HANG_TIMEOUT = 30.0
"""How long a server may answer pings and nothing else, after it has missed a deadline."""

QUIET_TIME = 10.0
"""How long a server may send nothing before it is pinged, while someone watches it, in seconds.

Without a call that misses its deadline, no one else would notice that it hangs.
"""


class _Suspicion(NamedTuple):
    """The server was probed, when so many bytes had come, and why."""

    received: int
    data_received: int  # of messages alone
    deadline: Deadline
    reason: str
    request: Batch | None = None  # what it was asked when it had not answered the ping


class Prober:
    """Probes the server of a connection, and ends the connection if it is not alive.

    ``timeout`` is :data:`PROBE_TIMEOUT` or less; ``ask`` returns a request for the stage that
    waits for its answer, and ``forget`` ends that; ``end`` is called with the reason why the
    connection is lost. Safe from several threads.
    """

    def __init__(
        self,
        stream: Stream,
        socket: WebSocket,
        timeout: float,
        *,
        ask: Callable[[], Batch],
        forget: Callable[[Batch], None],
        end: Callable[[str], None],
    ) -> None:
        self._stream = stream
        self._socket = socket
        self._timeout = timeout
        self._ask = ask
        self._forget = forget
        self._end = end
        self._lock = Lock()
        self._suspicion: _Suspicion | None = None
        self._answers_pings = True
        # Since when nothing but pongs has come, and how much had come then.
        self._silent: tuple[float, int] | None = None

    @property
    def undecided(self) -> bool:
        """Whether the server is under suspicion, and it is not clear yet whether it is alive."""
        return self._suspicion is not None

    def suspect(self) -> None:
        """Take note that an answer missed its deadline, and probe whether the server is alive.

        Whether it is shows in any byte that comes: the pong, or the next piece of a long answer.
        """
        now, data = time.monotonic(), self._socket.data_received
        if self._silent is None or self._silent[1] != data:
            self._silent = now, data
        elif now - self._silent[0] >= HANG_TIMEOUT:
            self._end(f"it has answered nothing for {now - self._silent[0]:.0f} s")
        self._probe("an answer missed its deadline")

    def probe_if_quiet(self, matters: Callable[[], bool]) -> None:
        """Probe a server that has sent nothing for :data:`QUIET_TIME`, where that matters."""
        if (silence := self._stream.silence) >= QUIET_TIME and matters():
            self._probe(f"it has sent nothing for {silence:.0f} s")

    def judge(self) -> None:
        """Lift the suspicion if the server is alive, and end the connection if it is not."""
        suspicion = self._suspicion
        if suspicion is None:
            return
        deadline = suspicion.deadline
        if self._stream.received != suspicion.received:
            self._lift(suspicion)
        elif deadline.passed and self._stream.sending:
            # What is being sent has a deadline of its own, and the probe may be behind it.
            self._lift(suspicion)
        elif deadline.remaining < deadline.seconds / 2 and suspicion.request is None:
            self._ask_for_stage(Deadline(self._timeout / 2))
        elif deadline.passed:
            self._end(
                f"{suspicion.reason}, and nothing has come for {self._timeout:g} s since, not even "
                "the answer to a ping or to get_stage"
            )

    def _probe(self, reason: str) -> None:
        if self._suspicion is None:
            deadline = Deadline(self._timeout)
            before = self._stream.received, self._socket.data_received
            self._suspicion = _Suspicion(*before, deadline, reason)
            if self._answers_pings:
                self._socket.probe()
            else:
                self._ask_for_stage(deadline)

    def _ask_for_stage(self, deadline: Deadline) -> None:
        """Send what a server that answers no pings answers; any byte until then will do."""
        with self._lock:
            suspicion = self._suspicion
            if suspicion is None or suspicion.request is not None:  # another thread was here
                return
            batch = self._ask()
            self._suspicion = suspicion._replace(request=batch, deadline=deadline)
        self._socket.probe(bytes(encode_requests(batch.commands, batch.first_id)))

    def _lift(self, suspicion: _Suspicion) -> None:
        """Trust the connection again."""
        self._suspicion = None
        if suspicion.request is not None:
            self._forget(suspicion.request)
            if self._socket.data_received != suspicion.data_received:
                self._answers_pings = False
