"""The upgrade request: who is let in, and how others are refused."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.simulator.conftest import basic
from tests.simulator.server.wire import ENGINEER, tls, upgrade_request
from xentara_nb.protocol.commands import GetStage
from xentara_nb.protocol.packets import Success
from xentara_nb.simulator import Simulator, simulate

Dial = Callable[..., Any]


def _request(
    simulator: Simulator, path: str = "/api/ws", *headers: str, upgrade: bool = True
) -> tuple[bytes, bytes]:
    """Send a request byte for byte, and return status line and all of the answer."""
    with tls(simulator) as connection:
        connection.sendall(upgrade_request(path, *headers, upgrade=upgrade))
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.startswith(b"HTTP/1.1 101"):
            received = connection.recv(65536)
            answer += received
            if not received:
                break
    return answer.split(b"\r\n", 1)[0], answer


def test_an_upgrade(demo_simulator: Simulator) -> None:
    status, answer = _request(demo_simulator, "/api/ws", f"Authorization: {ENGINEER}")
    assert status == b"HTTP/1.1 101 Switching Protocols"
    assert b"sec-websocket-protocol" not in answer.lower()
    for path in ("/api/ws?x=1", "HTTPS://127.0.0.1/api/ws", "wss://[::1]:8080/api/ws?x=/"):
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
        ("/api/ws", ["Authorization: " + basic("engineer", "wrong")], True, b"401"),
        ("/api/ws", ["Authorization: " + basic("nobody", "engineer-demo")], True, b"401"),
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
        line, answer = _request(simulator, "/api/ws", "Authorization: " + basic("anna", "secret"))
        assert line.split()[1] == b"403"
        assert b"101" not in answer
        line, _ = _request(simulator, "/api/ws", "Authorization: " + basic("anna", "wrong"))
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
    with tls(demo_simulator) as connection:
        try:
            connection.sendall(request_bytes)
            answer = b""
            while data := connection.recv(65536):
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
            additional_headers={"Authorization": basic("engineer", "my-typo")},
            proxy=None,
        )
    # What the client's own library logs is not the simulator's doing.
    logged = "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("xentara_nb")
    )
    for secret in ("engineer-demo", "my-typo", ENGINEER[6:], "$6$"):
        assert secret not in logged
