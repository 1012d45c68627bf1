"""No traceback shows a password or token, not even one that shows all variables."""

from __future__ import annotations

import base64
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Fake
from tests.support.server import Wire
from tests.support.tracebacks import shown_with
from xentara_nb import Client, connect
from xentara_nb.cli import build_parser
from xentara_nb.errors import ServerError, XentaraError
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.identifiers import NIL_UUID
from xentara_nb.protocol.packets import Failure, Success

USER, PASSWORD, TOKEN = "anna", "ge-heim-is", "eyJh.gehe.imis"
PAIR = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
LOG_INS = ({"user": USER, "password": PASSWORD}, {"token": TOKEN})


def failure_of(call: Callable[[], object]) -> BaseException:
    with pytest.raises((XentaraError, ValueError, KeyboardInterrupt)) as caught:
        call()
    return caught.value


def check(error: BaseException) -> None:
    shown = shown_with(error)
    assert ".py " in shown  # frames of the package
    leaks = [
        line
        for line in shown.splitlines()
        if any(secret in line for secret in (PASSWORD, TOKEN, PAIR, repr(PASSWORD)[1:-1]))
    ]
    assert not leaks, leaks


def test_the_check_finds_a_secret() -> None:
    with pytest.raises(ValueError, match="int") as caught:
        int(PASSWORD)
    with pytest.raises(AssertionError):
        check(caught.value)


@pytest.mark.parametrize("log_in", LOG_INS)
@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("http://plant", {}),
        ("plant:port", {}),
        ("ws://plant", {}),
        (None, {}),
        (8080, {}),
        ("plant", {"user": f"{USER}:{PASSWORD}"}),
        ("plant", {"user": USER, "password": PASSWORD, "token": TOKEN}),
        ("plant", {"password": f"{PASSWORD}\udce9"}),
        ("plant", {"token": f"{TOKEN}\r\nX: 1"}),
        ("plant", {"token": f"{TOKEN}ß"}),
        ("plant", {"timeout": -1}),
        ("plant", {"fingerprint": "AB"}),
        ("127.0.0.1:1", {"policy": "/no/such/file"}),
        ("127.0.0.1:1", {"ca_file": "/no/such/file"}),
        ("127.0.0.1:1", {}),
    ],
)
def test_connecting_with_what_cannot_be_used(
    log_in: dict[str, Any], url: Any, options: dict[str, Any]
) -> None:
    options = options if "user" in options else log_in | options
    check(failure_of(lambda: connect(url, **options)))


@pytest.mark.parametrize(
    "url",
    [
        "http://anna:{}@plant",
        "anna:{}@plant:port",
        "wss://anna:{}@pl ant",
        "wss://anna:{}/@plant",
        "wss://anna:{}@[::1",
        "wss://anna:{}@ho\u2100st",
        "ws://anna:{}@plant",
        "anna:{}@127.0.0.1:1",
    ],
)
def test_an_address_with_a_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check(failure_of(lambda: connect(url.format(PASSWORD))))
    check(failure_of(lambda: connect(url.format(PASSWORD), user="eva")))
    monkeypatch.setenv("XENTARA_URL", url.format(PASSWORD))
    check(failure_of(connect))


def test_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(PASSWORD)
    parser = build_parser()
    (tmp_path / "file").chmod(0o600)
    args = parser.parse_args(
        ["read", "127.0.0.1:1", "--password-file", str(tmp_path / "file"), "--user", USER, "Plant"]
    )
    check(failure_of(lambda: args.run(args)))


def test_what_the_environment_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XENTARA_USER", USER)
    monkeypatch.setenv("XENTARA_PASSWORD", PASSWORD)
    check(failure_of(lambda: connect("127.0.0.1:1")))
    monkeypatch.setenv("XENTARA_PASSWORD", f"{PASSWORD}\udce9")
    check(failure_of(lambda: connect("127.0.0.1:1")))
    monkeypatch.setenv("XENTARA_TOKEN", f"{TOKEN}ß")
    check(failure_of(lambda: connect("127.0.0.1:1")))


def nothing(wire: Wire) -> None:
    wire.until_gone()


def drop_the_log_in(wire: Wire) -> None:
    wire.head()
    wire.cut()


def no_hello(wire: Wire) -> None:
    wire.upgrade()
    wire.requests()
    wire.cut()


def refused_hello(wire: Wire) -> None:
    wire.upgrade()
    (request,) = wire.requests()
    wire.answer(Failure(request.message_id, server_error(-32600, "no")))


def status(text: str) -> Callable[[Wire], None]:
    return lambda wire: wire.refuse(text)


SERVERS = [nothing, drop_the_log_in, no_hello, refused_hello]
SERVERS += map(status, ("401 Unauthorized", "403 No", "404 No", "302 Found", "500 Error"))


@pytest.mark.parametrize("log_in", LOG_INS)
@pytest.mark.parametrize("script", SERVERS)
def test_what_a_server_does(
    fake: Fake, script: Callable[[Wire], None], log_in: dict[str, Any]
) -> None:
    server = fake(script)
    check(failure_of(lambda: connect(server.url, timeout=0.3, **log_in)))


@pytest.mark.parametrize("log_in", LOG_INS)
def test_a_certificate_that_is_not_trusted(simulator: Any, log_in: dict[str, Any]) -> None:
    check(failure_of(lambda: connect(simulator.url, **log_in)))
    sha = "AB" * 32
    check(failure_of(lambda: connect(simulator.url, fingerprint=sha, **log_in)))
    check(failure_of(lambda: connect(simulator.url, ca_file=simulator.ca_file, **log_in)))
    check(failure_of(lambda: simulator.connect(**log_in)))


def interrupted(call: Callable[[], object]) -> BaseException:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        return failure_of(call)
    finally:
        signal.signal(signal.SIGALRM, previous)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
@pytest.mark.parametrize("log_in", LOG_INS)
def test_an_interrupt(fake: Fake, log_in: dict[str, Any]) -> None:
    server = fake(nothing)
    check(interrupted(lambda: connect(server.url, **log_in)))

    def silent(wire: Wire) -> None:
        wire.hello()
        wire.until_goodbye()

    with fake(silent).connect() as client:
        check(interrupted(lambda: client.sub_session(**log_in)))


def refuse(wire: Wire) -> None:
    (request,) = wire.requests()
    wire.answer(Failure(request.message_id, server_error(-32000, "no")))


def nonsense(wire: Wire) -> None:
    (request,) = wire.requests()
    wire.answer(Success(request.message_id, 5))


def drop(wire: Wire) -> None:
    wire.requests()
    wire.cut()


def garbage(wire: Wire) -> None:
    wire.requests()
    wire.send_message(b"\xff\xff")


@pytest.mark.parametrize("log_in", LOG_INS)
@pytest.mark.parametrize("script", [refuse, nonsense, drop, garbage, Wire.until_goodbye])
def test_a_sub_session(fake: Fake, script: Callable[[Wire], None], log_in: dict[str, Any]) -> None:
    def serve(wire: Wire) -> None:
        wire.hello()
        script(wire)
        wire.until_goodbye()  # which the client waits for

    for method in (Client.sub_session, Client.create_sub_session):
        client = fake(serve).connect(timeout=0.5)
        check(failure_of(lambda: method(client, **log_in)))  # noqa: B023  # called at once
        client.close()
        check(failure_of(lambda: method(client, **log_in)))  # noqa: B023  # called at once


@pytest.mark.parametrize(
    "arguments",
    [
        {"user": USER, "password": PASSWORD, "token": TOKEN},
        {"password": PASSWORD},
        {"user": USER, "password": f"{PASSWORD}\udce9"},
        {"user": USER, "password": PASSWORD.encode()},
        {"user": USER, "password": PASSWORD, "desired_id": NIL_UUID},
        {"token": f"{TOKEN}ß"},
        {"token": TOKEN, "desired_id": NIL_UUID},
        {"token": TOKEN, "desired_id": "no UUID"},
    ],
)
def test_a_sub_session_with_what_cannot_be_used(client: Client, arguments: dict[str, Any]) -> None:
    for method in (client.sub_session, client.create_sub_session):
        check(failure_of(lambda: method(**arguments)))  # noqa: B023  # called at once


def test_a_failed_log_in_to_a_sub_session(client: Client) -> None:
    for log_in in LOG_INS:
        error = failure_of(lambda: client.sub_session(**log_in))  # noqa: B023  # called at once
        assert isinstance(error, ServerError)
        check(error)
