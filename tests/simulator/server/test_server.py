"""The server on the wire, talked to with clients that know nothing of this library."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import cbor2
import pytest
from websockets.exceptions import ConnectionClosedError

from tests.simulator.server.wire import ENGINEER, tls, upgrade_request
from tests.support.clients import with_more_time
from xentara_nb.protocol.commands import Browse, ClientHello, GetStage, MetaData
from xentara_nb.protocol.identifiers import NIL_UUID
from xentara_nb.protocol.packets import Failure, Success, decode_answers, encode_packets
from xentara_nb.simulator import Simulator, simulate
from xentara_nb.simulator.server.limits import Limits

Dial = Callable[..., Any]


def test_old_tls_is_not_spoken(demo_simulator: Simulator) -> None:
    with tls(demo_simulator) as connection:
        assert connection.version() == "TLSv1.3"
    with tls(demo_simulator, maximum_version=ssl.TLSVersion.TLSv1_2) as connection:
        assert connection.version() == "TLSv1.2"
    with pytest.warns(DeprecationWarning, match="TLSv1"), pytest.raises(ssl.SSLError):
        tls(
            demo_simulator,
            minimum_version=ssl.TLSVersion.TLSv1,
            maximum_version=ssl.TLSVersion.TLSv1_1,
        )


def test_nothing_comes_between_the_handshake_and_the_answer(demo_simulator: Simulator) -> None:
    # No session ticket, for clients that begin to read in a second thread while they write.
    with tls(demo_simulator) as connection:
        assert connection.version() == "TLSv1.3"
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while connection.recv(65536):
            pass
        assert connection.session is not None
        assert not connection.session.has_ticket


def test_hello_and_commands_in_one_message(demo_simulator: Simulator, dial: Dial) -> None:
    wire = dial(demo_simulator, hello=False)
    answers = wire.ask(ClientHello(), GetStage(), Browse(NIL_UUID, 1))
    assert answers[:2] == [Success(1, {0: 1}), Success(2, 2)]
    assert len(answers[2].item) == 8


def test_a_text_frame_is_answered_with_an_error(demo_simulator: Simulator, dial: Dial) -> None:
    wire = dial(demo_simulator)
    wire.connection.send("hello")
    (answer,) = decode_answers(wire.connection.recv(timeout=10))
    assert isinstance(answer, Failure)
    assert answer.error.code == -32700
    assert wire.ask(GetStage()) == [Success(1, 2)]


def test_several_messages_before_the_first_answer(demo_simulator: Simulator, dial: Dial) -> None:
    wire = dial(demo_simulator)
    for number in range(50):
        wire.connection.send(encode_packets([GetStage().request(number)]))
    for number in range(50):
        assert decode_answers(wire.connection.recv(timeout=10)) == [Success(number, 2)]


def test_fragmented_messages(demo_simulator: Simulator, dial: Dial) -> None:
    wire = dial(demo_simulator)
    message = encode_packets([GetStage().request(1)])
    wire.connection.send(message[i : i + 1] for i in range(len(message)))
    assert decode_answers(wire.connection.recv(timeout=10)) == [Success(1, 2)]


def test_large_messages(dial: Dial) -> None:
    with simulate(max_message_size=100_000) as simulator:
        wire = dial(simulator)
        (answer,) = decode_answers(wire.send(b"\x00" * 99_000))
        assert isinstance(answer, Failure)
        # In two fragments: the server reads all of the second, for bytes that it has not read when
        # it closes could cost the client the close frame.
        fragments = [b"\x00" * 99_000, b"\x00" * 2_000]
        with pytest.raises(ConnectionClosedError, match="1009"):
            # The close frame may be there before the library has sent the last, empty fragment.
            wire.send(fragments)
        assert dial(simulator).ask(GetStage()) == [Success(1, 2)]


def test_four_megabytes_by_default(demo_simulator: Simulator, dial: Dial) -> None:
    wire = dial(demo_simulator)
    evil = cbor2.dumps([[0, 1, 3, {0: "x" * (4 * 1024 * 1024 - 100)}]])
    (answer,) = decode_answers(wire.send(evil))
    assert isinstance(answer, Failure)
    assert answer.error.code == -32100
    fragments = [b"\x00" * (4 * 1024 * 1024), b"\x00" * 10]
    with pytest.raises(ConnectionClosedError, match="1009"):
        wire.send(fragments)


def test_the_server_pings_and_drops_who_does_not_pong(dial: Dial) -> None:
    def check(seconds: float) -> None:
        with simulate(ping_interval=0.1, ping_timeout=seconds) as simulator:
            answering = dial(simulator)
            with tls(simulator) as deaf:
                deaf.sendall(upgrade_request("/api/ws", f"Authorization: {ENGINEER}"))
                received = b""
                while data := deaf.recv(4096):
                    received += data
                # A ping came, and a close frame at the latest when the pong was owed too long.
                assert b"\x89\x04" in received
            assert answering.ask(GetStage()) == [Success(1, 2)]

    with_more_time(check, 0.2)


def test_one_connections_large_batch_does_not_stall_the_others(dial: Dial) -> None:
    # Large enough to take long beside what a busy machine does between two steps.
    limits = Limits(message_requests=100_000, answer_bytes=64 * 1024 * 1024)
    with simulate(elements=5_000, limits=limits) as simulator:
        busy, other = dial(simulator), dial(simulator)
        elements = list(simulator.plant)[:5_000]
        requests = [MetaData(each.uuid).request(i) for i, each in enumerate(elements)] * 15
        batch = encode_packets(requests)
        done = threading.Event()

        def ask() -> None:
            busy.connection.send(batch)
            assert busy.connection.recv(timeout=60)
            done.set()

        worker = threading.Thread(target=ask)
        worker.start()
        asked = 0
        while not done.is_set():
            other.ask(GetStage())
            asked += 1
        worker.join()
        assert asked > 5


@pytest.fixture
def rude(demo_simulator: Simulator) -> Iterator[list[socket.socket]]:
    sockets: list[socket.socket] = []
    yield sockets
    for found in sockets:
        found.close()


def test_scanners_and_half_handshakes(
    demo_simulator: Simulator, dial: Dial, rude: list[socket.socket]
) -> None:
    address = ("127.0.0.1", demo_simulator.port)
    for data in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"\0" * 100):
        bare = socket.create_connection(address, timeout=10)
        rude.append(bare)
        bare.sendall(data)
    socket.create_connection(address, timeout=10).close()
    half = tls(demo_simulator)
    rude.append(half)
    half.sendall(b"GET /api/ws HTT")
    assert dial(demo_simulator).ask(GetStage()) == [Success(1, 2)]
