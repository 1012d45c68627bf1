"""connect(): who is let in, what is said to whom, and every way in which it fails."""

from __future__ import annotations

import base64
import gc
import pickle
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import xentara_nb
from tests.conftest import Fake
from tests.support.certificates import Certificate
from tests.support.clients import reader_threads, with_more_time
from tests.support.server import PASSWORD, TEXT, USER, Model, Script, Wire, header
from xentara_nb import Client, connect
from xentara_nb.connection import trust_store
from xentara_nb.connection.address import parse_address
from xentara_nb.errors import (
    AddressError,
    CertificateChangedError,
    CertificateNotTrustedError,
    ConnectError,
    ConnectionForbiddenError,
    DeadlineError,
    LoginError,
    NotTlsError,
    NotXentaraError,
    OptionError,
    PathNotFoundError,
    ServerUnreachableError,
    XentaraError,
)
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.packets import Failure
from xentara_nb.simulator import Simulator

SHA = ":".join(["AB"] * 32)
TOKEN = "eyJhbGciOi.geheim.xyz"
SECRETS = (PASSWORD, TOKEN, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())


def shows_secret(thing: object) -> bool:
    return any(secret in str(thing) for secret in SECRETS)


# Let in.


def test_the_simulator(simulator: Simulator) -> None:
    with connect(
        simulator.url, user="operator", password="operator-demo", ca_file=simulator.ca_file
    ) as client:
        assert isinstance(client, Client)
        assert client.user == "operator"
        assert client.address.url == simulator.url
        assert client.timeout == 10
        assert client.get_stage() == 2


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "wss://127.0.0.1:{}", "localhost:{}/api/ws"])
def test_every_form_of_address(simulator: Simulator, form: str) -> None:
    url = form.format(simulator.port)
    connect(url, user="viewer", password="viewer-demo", ca_file=simulator.ca_file).close()


def test_credentials_in_the_address(simulator: Simulator) -> None:
    url = simulator.url.replace("wss://", "wss://viewer:viewer-demo@")
    with connect(url, fingerprint=simulator.fingerprint) as client:
        assert client.user == "viewer"
        assert "viewer-demo" not in repr(client) + client.address.url


def test_credentials_from_the_environment(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XENTARA_USER", "viewer")
    monkeypatch.setenv("XENTARA_PASSWORD", "viewer-demo")
    with connect(simulator.url, ca_file=simulator.ca_file) as client:
        assert client.user == "viewer"


def test_a_token_from_the_environment(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[str] = []

    def script(wire: Wire) -> None:
        heads.append(wire.upgrade())
        Model().go_on(wire)

    server = fake(script)
    monkeypatch.setenv("XENTARA_TOKEN", TOKEN)
    with connect(server.url) as client:
        assert client.user == "the bearer of a token"
        assert not shows_secret(repr(client))
    assert header(heads[0], "Authorization") == f"Bearer {TOKEN}"


def test_the_server_from_the_environment(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XENTARA_URL", simulator.url)
    who = {"user": "viewer", "password": "viewer-demo"}
    with pytest.raises(CertificateNotTrustedError):
        connect(**who)
    monkeypatch.setenv("XENTARA_FINGERPRINT", simulator.fingerprint)
    connect(**who).close()
    monkeypatch.delenv("XENTARA_FINGERPRINT")
    monkeypatch.setenv("XENTARA_CA_FILE", simulator.ca_file)
    connect(**who).close()
    # What is trusted there is not trusted elsewhere.
    with pytest.raises(CertificateNotTrustedError):
        connect(simulator.url.replace("127.0.0.1", "localhost"), **who)
    # What is said counts.
    with pytest.raises(CertificateNotTrustedError, match="not the one that was given"):
        connect(**who, fingerprint=SHA)
    monkeypatch.setenv("XENTARA_CA_FILE", f"{simulator.ca_file}x")
    with pytest.raises(OptionError, match=r"^XENTARA_CA_FILE: the CA file .*did you mean"):
        connect(**who)


def test_what_the_environment_trusts_counts_also_for_a_given_url(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"user": "engineer", "password": "engineer-demo"}
    monkeypatch.setenv("XENTARA_FINGERPRINT", simulator.fingerprint)
    for url in ("", simulator.url):  # without XENTARA_URL, or with that of this server
        monkeypatch.setenv("XENTARA_URL", url)
        connect(simulator.url, **given).close()
    # Of another server it is not used for this one, and the error says so.
    monkeypatch.setenv("XENTARA_URL", "wss://other.example:8080")
    with pytest.raises(CertificateNotTrustedError) as caught:
        connect(simulator.url, **given)
    assert caught.value.__notes__ == [
        "XENTARA_FINGERPRINT did not count: XENTARA_URL says that it is for other.example:8080"
    ]
    connect(simulator.url, fingerprint=simulator.fingerprint, **given).close()
    # One that is wrong is loud.
    monkeypatch.delenv("XENTARA_URL")
    monkeypatch.setenv("XENTARA_FINGERPRINT", "AB" * 32)
    with pytest.raises(CertificateChangedError) as changed:
        connect(simulator.url, **given)
    assert changed.value.__notes__ == ["what is trusted here was said by XENTARA_FINGERPRINT"]


def test_what_was_trusted_with_the_log_in_form_is_trusted_here(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XENTARA_TRUST_FILE", str(tmp_path / "trusted.json"))
    who = {"user": "viewer", "password": "viewer-demo"}
    netloc = parse_address(simulator.url)[0].netloc
    trust_store.remember(netloc, simulator.fingerprint)
    connect(simulator.url, **who).close()
    trust_store.remember(netloc, SHA)
    for spelling in (simulator.url, simulator.url.upper().replace("/API/WS", "/api/ws")):
        with pytest.raises(CertificateChangedError, match="trusted before"):
            connect(spelling, **who)
    # What is said counts.
    connect(simulator.url, **who, ca_file=simulator.ca_file).close()


def test_no_server_is_named() -> None:
    with pytest.raises(AddressError, match="say where the server is: connect"):
        connect(user="a", password="b")


# Every error, for its own cause.


def says(data: bytes) -> Script:
    return lambda wire: (wire.send(data), wire.until_gone())


def hello_with(answer: Callable[[Wire], object]) -> Script:
    def script(wire: Wire) -> None:
        wire.upgrade()
        wire.requests()
        answer(wire)
        wire.until_gone()

    return script


@pytest.mark.parametrize(
    ("script", "kind", "reason"),
    [
        (lambda w: w.refuse("401 Unauthorized"), LoginError, "does not accept tester"),
        (lambda w: w.refuse("403 Forbidden"), ConnectionForbiddenError, "websocket.connect"),
        (lambda w: w.refuse("404 Not Found"), PathNotFoundError, "no WebSocket at /api/ws"),
        (lambda w: w.refuse("301 Moved"), NotXentaraError, "HTTP status 301"),
        (lambda w: w.refuse("500 Oops"), NotXentaraError, "HTTP status 500"),
        (lambda w: w.refuse("200 OK"), NotXentaraError, "HTTP status 200"),
        (lambda w: (w.head(), w.send(b"garbage\r\n\r\n")), NotXentaraError, "is not HTTP"),
        (lambda w: w.until_gone(), DeadlineError, "did not answer the log-in"),
        (hello_with(lambda w: None), DeadlineError, "did not answer client_hello"),
        (hello_with(lambda w: w.send_message(b"\xff")), NotXentaraError, "not well-formed CBOR"),
        (hello_with(lambda w: w.send_frame(TEXT, b"x")), NotXentaraError, "text message"),
        (hello_with(lambda w: w.send(b"\x82\x01\x00")), NotXentaraError, "must be an array"),
        (
            hello_with(lambda w: w.answer(Failure(1, server_error(-32602)))),
            NotXentaraError,
            "does not take protocol version 1",
        ),
    ],
)
@pytest.mark.parametrize("tls", [False, True])
def test_how_connecting_fails(
    fake: Fake,
    certificate: Certificate,
    script: Script,
    kind: type[XentaraError],
    reason: str,
    tls: bool,
) -> None:
    def check(seconds: float) -> None:
        server = fake(script, certificate if tls else None)
        with pytest.raises(kind, match=reason) as caught:
            server.connect(timeout=seconds)
        assert type(caught.value) is kind
        assert server.netloc in str(caught.value)
        assert not shows_secret("".join(traceback.format_exception(caught.value)))
        if kind is not DeadlineError:
            assert isinstance(caught.value, ConnectError)

    if kind is DeadlineError:
        with_more_time(check, 0.3)
    else:
        check(5.0)


def test_no_server_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ServerUnreachableError, match="no server answers"):
        connect(f"127.0.0.1:{port}", user=USER, password=PASSWORD)


def test_no_such_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: object, **options: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ServerUnreachableError, match="there is no host 'plant'"):
        connect("plant", user=USER, password=PASSWORD)


def test_no_tls(fake: Fake) -> None:
    server = fake(says(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with pytest.raises(NotTlsError, match="does not speak TLS"):
        connect(server.netloc, user=USER, password=PASSWORD)
    assert b"Authorization" not in server.received


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"url": f"http://{USER}:{PASSWORD}@plant"}, "no address of a Xentara server"),
        ({"url": f"ws://{USER}:{PASSWORD}@plant"}, "in the clear"),
        ({"user": "other"}, "one user and the arguments another"),
        ({"token": TOKEN}, "not with both"),
        ({"fingerprint": PASSWORD}, "64 hexadecimal digits"),
        ({"timeout": 0}, "makes no sense"),
        ({"ca_file": "no/such/file.pem"}, "CA file '.*no/such/file.pem' cannot be used"),
    ],
)
def test_arguments_that_cannot_be_used(
    fake: Fake, certificate: Certificate, arguments: dict[str, Any], reason: str
) -> None:
    server = fake(Model().serve, certificate)
    usual = {"url": server.url.replace("wss://", f"wss://{USER}:{PASSWORD}@")}
    kind = AddressError if "url" in arguments else OptionError
    with pytest.raises(kind, match=reason) as caught:
        connect(**{**usual, **arguments})
    assert not shows_secret("".join(traceback.format_exception(caught.value)))
    assert not server.wires


@pytest.mark.parametrize("trust", [{"ca_file": "ca.pem"}, {"fingerprint": "AB" * 32}])
def test_what_to_trust_where_there_is_no_tls(trust: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"address without TLS.*write wss://"):
        connect("ws://127.0.0.1:1", user=USER, password=PASSWORD, **trust)


def test_wrong_passwords_at_the_simulator(simulator: Simulator) -> None:
    for user, password in (("operator", "wrong"), ("nobody", "operator-demo"), ("operator", "")):
        with pytest.raises(LoginError, match=f"does not accept {user}"):
            connect(simulator.url, user=user, password=password, ca_file=simulator.ca_file)
    with pytest.raises(LoginError, match="does not accept the bearer of a token"):
        connect(simulator.url, token=TOKEN, ca_file=simulator.ca_file)
    elsewhere = simulator.url[:-1]
    with pytest.raises(PathNotFoundError, match="/api/w: a Xentara server has it at /api/ws"):
        connect(elsewhere, user="viewer", password="viewer-demo", ca_file=simulator.ca_file)


# Trust comes before credentials.


def test_no_secret_goes_to_a_server_that_is_not_trusted(
    fake: Fake, new_certificate: Callable[..., Certificate]
) -> None:
    for options, arguments in (
        ({}, {"ca_file": None}),
        ({"days": (-5, -1)}, {}),
        ({"hosts": ("elsewhere.example",)}, {}),
        ({}, {"fingerprint": SHA}),
        ({}, {"ca_file": new_certificate().path}),
    ):
        certificate = new_certificate(**options)
        server = fake(Model().serve, certificate)
        with pytest.raises(CertificateNotTrustedError) as caught:
            server.connect(**arguments)
        server.stop()
        assert server.received == b""
        assert certificate.fingerprint in str(caught.value)
        assert not shows_secret("".join(traceback.format_exception(caught.value)))


def test_the_line_of_code_in_the_error_works(
    fake: Fake, new_certificate: Callable[..., Certificate]
) -> None:
    server = fake(Model().serve, new_certificate(days=(-5, -1), hosts=("elsewhere.example",)))
    with pytest.raises(CertificateNotTrustedError) as caught:
        server.connect()
    with server.connect(fingerprint=caught.value.fingerprint) as client:
        assert client.get_stage() == 2


def test_no_one_is_asked_for_a_password_that_could_not_be_sent(
    fake: Fake, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(question: str) -> str:
        raise AssertionError(question)

    monkeypatch.setattr("builtins.input", asked)
    monkeypatch.setattr("getpass.getpass", asked)
    monkeypatch.setattr("xentara_nb.connection.credentials.can_ask", lambda: True)
    server = fake(Model().serve, certificate)
    with pytest.raises(CertificateNotTrustedError):
        connect(server.url)
    server.stop()
    with pytest.raises(ServerUnreachableError):
        connect(server.url, user=USER)


def test_a_person_is_asked(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "viewer")
    monkeypatch.setattr("getpass.getpass", lambda question: "viewer-demo")
    with connect(simulator.url, ca_file=simulator.ca_file) as client:
        assert client.user == "viewer"


def test_there_is_no_one_to_ask(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    with pytest.raises(LoginError, match=r"no password for 127.0.0.1:.*XENTARA_PASSWORD"):
        connect(simulator.url, user="viewer", ca_file=simulator.ca_file)


# Secrets.


def test_a_client_shows_and_stores_no_secret(fake: Fake) -> None:
    with fake(Model().serve).connect() as client:
        for shown in (repr(client), str(client), client._repr_html_(), str(vars(client))):
            assert not shows_secret(shown)
        assert not shows_secret(client.browse().attrs)
        with pytest.raises(TypeError):
            pickle.dumps(client)


def test_errors_after_the_log_in_show_no_secret(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.hello()
        wire.requests()

    with fake(script).connect() as client, pytest.raises(XentaraError) as caught:
        client.get_stage()
    assert not shows_secret("".join(traceback.format_exception(caught.value)))
    try:
        copy = pickle.loads(pickle.dumps(caught.value))
    except TypeError:
        return
    assert not shows_secret(copy)


# Nothing stays behind.


def test_a_client_that_is_no_longer_used_is_collected(fake: Fake) -> None:
    before = set(reader_threads())
    server = fake(Model.of_points(3).serve)
    client = server.connect()
    client.inventory()
    client.read("Point 1")
    (thread,) = set(reader_threads()) - before
    del client
    gc.collect()
    thread.join(30)
    assert not thread.is_alive()
    server.join()
    assert server.wires[0].close_frame is not None


def test_what_a_client_gave_does_not_keep_it(fake: Fake) -> None:
    server = fake(Model.of_points(3).serve)
    before = set(reader_threads())
    client = server.connect()
    (thread,) = set(reader_threads()) - before
    frame = client.inventory()
    del client
    gc.collect()
    thread.join(30)
    assert not thread.is_alive()
    assert len(frame) == 6


def test_connecting_in_vain_leaves_nothing(fake: Fake) -> None:
    before = reader_threads()
    server = fake(hello_with(lambda wire: wire.send_message(b"\xff")))
    for _ in range(3):
        with pytest.raises(NotXentaraError):
            server.connect()
    assert reader_threads() == before


def test_the_package_offers_it() -> None:
    assert xentara_nb.connect is connect
    assert xentara_nb.Client is Client


@pytest.mark.parametrize(
    ("variable", "value", "error"),
    [
        ("XENTARA_URL", "http://plant", AddressError),
        ("XENTARA_FINGERPRINT", "AB", OptionError),
    ],
)
def test_a_variable_at_fault_is_named(
    variable: str, value: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XENTARA_URL", "plant")
    monkeypatch.setenv(variable, value)
    with pytest.raises(error, match=variable):
        connect(user="anna", password="x")


@pytest.mark.parametrize("name", ["PASSWORD", "TOKEN"])
def test_a_log_in_of_the_environment_that_is_refused_is_named(
    fake: Fake, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XENTARA_USER", USER)
    monkeypatch.setenv(f"XENTARA_{name}", '"quoted"')
    with pytest.raises(LoginError, match=f"XENTARA_{name} was taken") as caught:
        connect(fake(lambda wire: wire.refuse("401 Unauthorized")).url)
    assert ("quotation marks" in str(caught.value)) == (name == "PASSWORD")
    assert "quoted" not in str(caught.value)
