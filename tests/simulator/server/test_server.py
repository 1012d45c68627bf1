"""The server on the wire, talked to with clients that know nothing of this library."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import cbor2
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from xentara_nb.protocol.commands import Browse, ClientHello, GetStage, MetaData
from xentara_nb.protocol.identifiers import NIL_UUID
from xentara_nb.protocol.packets import Failure, Success, decode_answers, encode_packets
from xentara_nb.simulator import Simulator, simulate

Dial = Callable[..., Any]


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


ENGINEER = _basic("engineer", "engineer-demo")


def _request(
    simulator: Simulator, path: str = "/api/ws", *headers: str, upgrade: bool = True
) -> tuple[bytes, bytes]:
    """Send a request byte for byte, and return status line and all of the answer."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if upgrade:
        key = base64.b64encode(b"0123456789abcdef").decode()
        lines += [
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
    with _tls(simulator) as tls:
        tls.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.startswith(b"HTTP/1.1 101"):
            received = tls.recv(65536)
            answer += received
            if not received:
                break
    return answer.split(b"\r\n", 1)[0], answer


def _tls(simulator: Simulator, **options: Any) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=simulator.ca_file)
    for name, value in options.items():
        setattr(context, name, value)
    plain = socket.create_connection(("127.0.0.1", simulator.port), timeout=10)
    try:
        return context.wrap_socket(plain, server_hostname="127.0.0.1")
    except BaseException:
        plain.close()
        raise


def test_an_upgrade(demo_simulator: Simulator) -> None:
    status, answer = _request(demo_simulator, "/api/ws", f"Authorization: {ENGINEER}")
    assert status == b"HTTP/1.1 101 Switching Protocols"
    assert b"sec-websocket-protocol" not in answer.lower()
    for path in ("/api/ws?x=1", "https://127.0.0.1/api/ws", "wss://[::1]:8080/api/ws?x=/"):
        status, _ = _request(demo_simulator, path, f"Authorization: {ENGINEER}")
        assert status == b"HTTP/1.1 101 Switching Protocols"


def test_the_subprotocol_is_echoed_when_offered(demo_simulator: Simulator) -> None:
    offers = {
        "xentara-v1": b"xentara-v1",
        "other, xentara-v1": b"xentara-v1",
        "other": None,
    }
    for offer, taken in offers.items():
        status, answer = _request(
            demo_simulator,
            "/api/ws",
            f"Authorization: {ENGINEER}",
            f"Sec-WebSocket-Protocol: {offer}",
        )
        assert status == b"HTTP/1.1 101 Switching Protocols"
        chosen = [
            line.split(b": ")[1]
            for line in answer.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-protocol")
        ]
        assert chosen == ([] if taken is None else [taken])


@pytest.mark.parametrize(
    ("path", "headers", "upgrade", "status"),
    [
        ("/", [f"Authorization: {ENGINEER}"], True, b"404"),
        ("https://[/api/wss", [f"Authorization: {ENGINEER}"], True, b"404"),
        ("/api/ws/", [f"Authorization: {ENGINEER}"], True, b"404"),
        ("/api/ws", [], True, b"401"),
        ("/api/ws", [], False, b"401"),
        ("/api/ws", ["Authorization: " + _basic("engineer", "wrong")], True, b"401"),
        ("/api/ws", ["Authorization: " + _basic("nobody", "engineer-demo")], True, b"401"),
        ("/api/ws", ["Authorization: Bearer x.y.z"], True, b"401"),
        ("/api/ws", ["Authorization: Basic !"], True, b"401"),
        ("/api/ws", [f"Authorization: {ENGINEER}"] * 2, True, b"401"),
        ("/api/ws", [f"Authorization: {ENGINEER}"], False, b"426"),
        ("/" + "x" * 101, [], True, b"404"),
        (
            "/api/ws",
            [f"Authorization: {ENGINEER}", "Sec-WebSocket-Key: " + "101" * 5],
            True,
            b"400",
        ),
    ],
)
def test_refusals(
    path: str, headers: list[str], upgrade: bool, status: bytes, demo_simulator: Simulator
) -> None:
    line, answer = _request(demo_simulator, path, *headers, upgrade=upgrade)
    assert line.split()[1] == status
    # There are clients that look for nothing but these digits.
    assert b"101" not in answer
    challenge = b'www-authenticate: basic realm="xentara"' in answer.lower()
    assert challenge is (status == b"401")


def test_without_the_right_to_connect(
    small: dict[str, Any], write_folder: Callable[[Any], Any]
) -> None:
    small["security.json"]["ACL"]["entries"] = []
    with simulate(write_folder(small)) as simulator:
        line, answer = _request(simulator, "/api/ws", "Authorization: " + _basic("anna", "secret"))
        assert line.split()[1] == b"403"
        assert b"101" not in answer
        line, _ = _request(simulator, "/api/ws", "Authorization: " + _basic("anna", "wrong"))
        assert line.split()[1] == b"401"


def test_the_realm_and_the_schemes_come_from_the_configuration(
    small: dict[str, Any], write_folder: Callable[[Any], Any]
) -> None:
    small["config.json"]["httpServer"]["authentication"] = {
        "realm": 'Hall "7"',
        "schemes": ["Bearer", "Basic"],
        "scope": ["a", "b"],
    }
    with simulate(write_folder(small)) as simulator:
        _, answer = _request(simulator)
    assert b'Basic realm="Hall \\"7\\""\r\n' in answer
    assert b'Bearer realm="Hall \\"7\\"", scope="a b"\r\n' in answer


def test_old_tls_is_not_spoken(demo_simulator: Simulator) -> None:
    with _tls(demo_simulator) as tls:
        assert tls.version() == "TLSv1.3"
    with _tls(demo_simulator, maximum_version=ssl.TLSVersion.TLSv1_2) as tls:
        assert tls.version() == "TLSv1.2"
    with pytest.warns(DeprecationWarning, match="TLSv1"), pytest.raises(ssl.SSLError):
        _tls(
            demo_simulator,
            minimum_version=ssl.TLSVersion.TLSv1,
            maximum_version=ssl.TLSVersion.TLSv1_1,
        )


def test_nothing_comes_between_the_handshake_and_the_answer(demo_simulator: Simulator) -> None:
    # No session ticket, for clients that begin to read in a second thread while they write.
    with _tls(demo_simulator) as tls:
        assert tls.version() == "TLSv1.3"
        tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while tls.recv(65536):
            pass
        assert tls.session is not None
        assert not tls.session.has_ticket


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
        with pytest.raises(ConnectionClosedError, match="1009"):
            wire.send(b"\x00" * 101_000)
        assert dial(simulator).ask(GetStage()) == [Success(1, 2)]


def test_sixteen_megabytes_by_default(demo_simulator: Simulator, dial: Dial) -> None:
    wire = dial(demo_simulator)
    evil = cbor2.dumps([[0, 1, 3, {0: "x" * (16 * 1024 * 1024 - 100)}]])
    (answer,) = decode_answers(wire.send(evil))
    assert isinstance(answer, Failure)
    assert answer.error.code == -32100


def test_the_server_pings_and_drops_who_does_not_pong(dial: Dial) -> None:
    with simulate(ping_interval=0.1, ping_timeout=0.2) as simulator:
        answering = dial(simulator)
        deaf = _tls(simulator)
        with deaf:
            key = base64.b64encode(b"0123456789abcdef").decode()
            deaf.sendall(
                f"GET /api/ws HTTP/1.1\r\nHost: x\r\nAuthorization: {ENGINEER}\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            received = b""
            while data := deaf.recv(4096):
                received += data
            # A ping came, and a close frame at the latest when the pong was owed too long.
            assert b"\x89\x04" in received
        assert answering.ask(GetStage()) == [Success(1, 2)]


def test_one_connections_large_batch_does_not_stall_the_others(dial: Dial) -> None:
    with simulate(elements=5_000) as simulator:
        busy, other = dial(simulator), dial(simulator)
        (entries,) = busy.ask(Browse(NIL_UUID))
        requests = [MetaData(e[1]).request(i) for i, e in enumerate(entries.item)] * 3
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
    half = _tls(demo_simulator)
    rude.append(half)
    half.sendall(b"GET /api/ws HTT")
    assert dial(demo_simulator).ask(GetStage()) == [Success(1, 2)]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /api/ws HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /api/ws HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /api/ws HTTP/1.1\r\n" + b"X: x\r\n" * 1000 + b"\r\n",
        b"\0" * 5000 + b"\r\n\r\n",
    ],
)
def test_requests_that_are_none(
    request_bytes: bytes, demo_simulator: Simulator, dial: Dial
) -> None:
    with _tls(demo_simulator) as tls:
        try:
            tls.sendall(request_bytes)
            answer = b""
            while data := tls.recv(65536):
                answer += data
        except (ConnectionError, ssl.SSLError):
            answer = b""
    assert b"101" not in answer
    assert dial(demo_simulator).ask(GetStage()) == [Success(1, 2)]


def test_passwords_are_not_logged(
    demo_simulator: Simulator, dial: Dial, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    dial(demo_simulator)
    with pytest.raises(InvalidStatus):
        connect(
            demo_simulator.url,
            ssl=ssl.create_default_context(cafile=demo_simulator.ca_file),
            additional_headers={"Authorization": _basic("engineer", "my-typo")},
            proxy=None,
        )
    # What the client's own library logs is not the simulator's doing.
    told = "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("xentara_nb")
    )
    for secret in ("engineer-demo", "my-typo", ENGINEER[6:], "$6$"):
        assert secret not in told
