from __future__ import annotations

import base64
import logging
import socket
import threading
import traceback

import pytest
import websocket

from tests.conftest import Fake
from tests.support.certificates import Certificate
from tests.support.clients import with_more_time
from tests.support.server import (
    PASSWORD,
    PATIENCE,
    PING,
    TOO_MUCH,
    USER,
    FakeServer,
    Model,
    Wire,
    frame_bytes,
    header,
)
from xentara_nb.connection.address import Address, parse_address
from xentara_nb.connection.connection import Connection
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.tls import Trust
from xentara_nb.errors import (
    ConnectError,
    ConnectionForbiddenError,
    DeadlineError,
    LoginError,
    NotXentaraError,
    PathNotFoundError,
)
from xentara_nb.protocol.commands import GetStage

BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def connect(
    server: FakeServer, seconds: float = 5.0, credentials: Credentials | None = None
) -> Connection:
    address, _ = parse_address(server.url)
    trust = Trust(server.certificate and server.certificate.path)
    connection = Connection(address)
    connection.open(credentials or Credentials(USER, PASSWORD), trust, Deadline(seconds))
    return connection


def refused(
    server: FakeServer, kind: type[ConnectError | DeadlineError], match: str, seconds: float = 5.0
) -> str:
    """Connect in vain, and return the message, in which there must be no secret."""
    with pytest.raises(kind, match=match) as caught:
        connect(server, seconds)
    assert type(caught.value) is kind
    shown = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in shown
    assert BASIC not in shown
    assert server.netloc in shown
    return str(caught.value)


def test_the_request(fake: Fake, certificate: Certificate) -> None:
    heads: list[str] = []

    def script(wire: Wire) -> None:
        heads.append(wire.head())
        wire.send(b"HTTP/1.1 404 Not Found\r\n\r\n")

    server = fake(script, certificate)
    refused(server, PathNotFoundError, "has no WebSocket at /api/ws")

    first, *lines = heads[0].split("\r\n")
    assert first == "GET /api/ws HTTP/1.1"
    names = [line.partition(":")[0] for line in lines]
    assert sorted(names) == [
        "Authorization",
        "Connection",
        "Host",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Upgrade",
        "User-Agent",
    ]
    assert header(heads[0], "Host") == server.netloc
    assert header(heads[0], "Authorization") == f"Basic {BASIC}"
    assert len(base64.b64decode(header(heads[0], "Sec-WebSocket-Key"))) == 16
    assert header(heads[0], "User-Agent").startswith("xentara_nb/")


def test_a_token(fake: Fake) -> None:
    heads: list[str] = []

    def script(wire: Wire) -> None:
        heads.append(wire.upgrade())

    with pytest.raises(NotXentaraError):
        connect(fake(script), credentials=Credentials(token="a.b.c"))
    assert header(heads[0], "Authorization") == "Bearer a.b.c"


def test_a_host_with_letters_that_http_does_not_have(
    fake: Fake, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[str] = []

    def script(wire: Wire) -> None:
        heads.append(wire.head())

    server = fake(script, certificate)
    here = socket.getaddrinfo("127.0.0.1", server.port, type=socket.SOCK_STREAM)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: here)
    address = Address("müller.example", server.port)
    with pytest.raises(NotXentaraError, match=r"müller\.example"):
        Connection(address).open(
            Credentials(USER, PASSWORD),
            Trust(fingerprint=certificate.fingerprint),
            Deadline(5),
        )
    assert header(heads[0], "Host") == f"xn--mller-kva.example:{server.port}"


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        ("401 Unauthorized", LoginError, "does not accept tester: user, password or token"),
        ("403 Forbidden", ConnectionForbiddenError, "websocket.connect is missing"),
        ("404 Not Found", PathNotFoundError, "has no WebSocket at /api/ws"),
        ("200 OK", NotXentaraError, "HTTP status 200"),
        ("400 Bad Request", NotXentaraError, "HTTP status 400"),
        ("426 Upgrade Required", NotXentaraError, "HTTP status 426"),
        ("500 Internal Server Error", NotXentaraError, "HTTP status 500"),
        ("503", NotXentaraError, "HTTP status 503"),
    ],
)
def test_how_a_server_refuses(
    fake: Fake, status: str, kind: type[ConnectError], reason: str
) -> None:
    refused(fake(lambda wire: wire.refuse(status, body="no 101 here")), kind, reason)


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 X", "308 X"])
def test_a_redirect_is_not_followed(fake: Fake, status: str) -> None:
    target = fake(lambda wire: wire.until_gone())
    server = fake(lambda wire: wire.refuse(status, f"Location: {target.url}"))

    refused(server, NotXentaraError, f"HTTP status {status[:3]}.*connect to that address itself")
    assert not target.wires
    assert server.received.count(b"Authorization") == 1


def test_a_refusal_counts_from_its_head_on(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.head()
        wire.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000000000000\r\n\r\nhalf a bo")
        wire.until_gone()

    refused(fake(script), LoginError, "does not accept")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 101 Switching", "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "is not HTTP"),
        (b"\0\1\2\3", "is not HTTP"),
        (b"HTTP/2 200\r\n\r\n", "is not HTTP/1.1"),
        (b"HTTP/1.1\r\n\r\n", "is not HTTP/1.1"),
        (b"HTTP/1.1 1011 X\r\n\r\n", "is not HTTP/1.1"),
        (b"HTTP/1.1 \xc3\xbcber\r\n\r\n", "is not HTTP/1.1"),
        (b"HTTP/1.1 101 X\r\n\r\n", "not answer as a WebSocket does"),
        (b"HTTP/1.1 101 X\r\n:\r\nx\r\n\r\n", "not answer as a WebSocket does"),
        (b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n", "not answer as a WebSocket does"),
        (
            b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
            "not answer as a WebSocket does",
        ),
    ],
)
def test_something_else(fake: Fake, answer: bytes, reason: str) -> None:
    def script(wire: Wire) -> None:
        wire.head()
        wire.send(answer)

    refused(fake(script), NotXentaraError, reason)


def test_a_server_that_is_not_http_need_not_close(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.send(b"220 mail.example ESMTP\r\n")
        wire.until_gone()

    refused(fake(script), NotXentaraError, "is not HTTP")


def test_a_server_that_cuts_the_connection(fake: Fake, certificate: Certificate) -> None:
    def script(wire: Wire) -> None:
        # Unread bytes make the system answer with a reset.
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        wire.receive(10)
        wire.sock.close()

    refused(fake(script), NotXentaraError, "does not answer as a Xentara server does")


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 101 Switching Protocols\r\nX: "]
)
def test_a_huge_head(fake: Fake, start: bytes) -> None:
    def script(wire: Wire) -> None:
        wire.head()
        wire.send(start)
        while True:
            wire.send(b"x" * 4096)

    refused(fake(script), NotXentaraError, "its answer has no end")


def test_a_server_that_says_nothing(fake: Fake) -> None:
    message = refused(
        fake(lambda wire: wire.until_gone()), DeadlineError, "did not answer the log-in", 0.1
    )
    assert message.endswith("within 0.1 s")


def test_a_server_that_drips(fake: Fake) -> None:
    enough = threading.Event()

    def script(wire: Wire) -> None:
        wire.head()
        wire.send(b"HTTP/1.1 200 OK\r\nX: ")
        while not enough.wait(0.005):
            wire.send(b"x")

    try:
        refused(fake(script), DeadlineError, "did not answer the log-in", 0.1)
    finally:
        enough.set()


def test_a_server_that_does_not_take_the_request(fake: Fake) -> None:
    def check(seconds: float) -> None:
        done = threading.Event()
        server = fake(lambda wire: done.wait(PATIENCE))
        try:
            with pytest.raises(DeadlineError, match="did not answer the log-in"):
                connect(server, seconds, Credentials(token="x" * TOO_MUCH))
        finally:
            done.set()

    with_more_time(check, 0.1)


def test_what_a_server_repeats_is_not_shown(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        lines = wire.head().splitlines()
        wire.send("\r\n".join(["HTTP/1.1 500 X", *lines[1:], "", *lines]).encode())

    refused(fake(script), NotXentaraError, "HTTP status 500")

    def echo(wire: Wire) -> None:
        secret = header(wire.head(), "Authorization")
        wire.send(f"Authorization: {secret}\r\n\r\n".encode())

    refused(fake(echo), NotXentaraError, "is not HTTP")


def test_no_cookie_goes_from_one_login_into_the_next(fake: Fake) -> None:
    model = Model()

    def script(wire: Wire) -> None:
        wire.upgrade("Set-Cookie: session=of-anna; Domain=127.0.0.1")
        model.go_on(wire)

    server = fake(script)
    for _ in range(2):
        connect(server).close()
    assert len(server.wires) == 2
    assert b"of-anna" not in server.received


def test_what_comes_together_with_the_answer_is_not_lost(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.upgrade(then=frame_bytes(PING, b"are you there?"))
        Model().go_on(wire)

    server = fake(script)
    connect(server).close()
    assert server.wires[0].pongs == [b"are you there?"]


def test_header_names_are_of_any_case(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        send = wire.send

        def shout(data: bytes) -> None:
            wire.send = send
            data = data.replace(b"Upgrade: websocket", b"UPGRADE:  WebSocket")
            send(data.replace(b"Sec-WebSocket-Accept", b"sec-websocket-ACCEPT"))

        wire.send = shout
        wire.upgrade()
        Model().go_on(wire)

    connection = connect(fake(script))
    assert connection.execute([GetStage()], Deadline(5)) == [2]
    connection.close()


def test_proxies_in_the_environment_are_not_used(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = fake(lambda wire: wire.until_gone())
    for name in ("http_proxy", "https_proxy", "ws_proxy", "wss_proxy", "all_proxy"):
        for spelled in (name, name.upper()):
            monkeypatch.setenv(spelled, f"http://{proxy.netloc}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    connect(fake(Model().serve)).close()
    assert not proxy.wires


def test_the_trace_of_the_library_below_shows_no_secret(
    fake: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    websocket.enableTrace(True, handler=logging.NullHandler())
    try:
        with caplog.at_level(logging.DEBUG):
            connect(fake(Model().serve)).close()
    finally:
        websocket.enableTrace(False)
    assert PASSWORD not in caplog.text
    assert BASIC not in caplog.text
    assert "Authorization" not in caplog.text
