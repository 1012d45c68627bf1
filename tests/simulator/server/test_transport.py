"""What goes out to clients that read slowly, or not at all; see ``test_faults`` for delays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ssl import SSLSocket
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from tests.simulator.server.wire import ENGINEER, tls, upgrade_request
from xentara_nb.protocol.commands import ClientHello, GetStage, Subscribe, SubscriptionTarget
from xentara_nb.protocol.packets import Success, encode_packets
from xentara_nb.simulator import Simulator, simulate

Dial = Callable[..., Any]
Flood = Callable[[Simulator, int], SSLSocket]


@pytest.fixture
def flooded() -> Iterator[Flood]:
    """Return a function that subscribes to more than can be sent, and reads no event."""
    with ExitStack() as stack:

        def connect(simulator: Simulator, buffer: int) -> SSLSocket:
            connection = stack.enter_context(tls(simulator, buffer=buffer))
            connection.sendall(upgrade_request("/api/ws", f"Authorization: {ENGINEER}"))
            connection.recv(4096)
            targets = tuple(SubscriptionTarget(e.uuid, (0, 1, 3, 4, 11)) for e in simulator.plant)
            subscribe = Subscribe(targets, minimum_update_rate=1)
            message = encode_packets([ClientHello().request(0), subscribe.request(1)])
            connection.sendall(Frame(Opcode.BINARY, message).serialize(mask=True))
            return connection

        yield connect


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with simulate(elements=3000, ping_interval=None, ping_timeout=0.5) as running:
        yield running


def _is_subscribed_to(simulator: Simulator) -> bool:
    return all(element.watchers is not None for element in simulator.plant)


def test_a_client_that_reads_nothing_is_dropped_and_disturbs_no_other(
    flooded: Flood, simulator: Simulator, dial: Dial
) -> None:
    other = dial(simulator)
    flooded(simulator, 4096)

    def has_subscribed() -> bool:  # it may have been dropped again by the time this looks
        return "subscribe" in simulator.requests["command"].tolist()

    for is_so in (has_subscribed, lambda: not _is_subscribed_to(simulator)):
        ended = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < ended
            assert other.ask(GetStage()) == [Success(1, 2)]


@pytest.mark.slow
def test_a_client_that_reads_slowly_is_waited_for(flooded: Flood, simulator: Simulator) -> None:
    connection = flooded(simulator, 65536)
    ended = time.monotonic() + 2
    while time.monotonic() < ended:
        # Fast enough that the buffers between the two move in every half of a second.
        time.sleep(0.002)
        assert connection.recv(16 * 1024)
    assert _is_subscribed_to(simulator)
