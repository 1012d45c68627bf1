from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from tests.conftest import Fake
from tests.support.certificates import Certificate
from tests.support.server import FakeServer, Wire
from xentara_nb.connection.address import Address, parse_address
from xentara_nb.connection.connection import Connection
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.tls import (
    Trust,
    check_server,
    fingerprint_of,
    normal_fingerprint,
    open_socket,
    open_stream,
)
from xentara_nb.errors import (
    CertificateChangedError,
    CertificateNotTrustedError,
    DeadlineError,
    NotTlsError,
    OptionError,
    ServerUnreachableError,
)

Make = Callable[..., Certificate]
SHA = ":".join(["AB", "CD"] * 16)


def listen(wire: Wire) -> None:
    wire.until_gone()


def say_hello(wire: Wire) -> None:
    wire.send(b"hello")
    wire.until_gone()


def address(server: FakeServer, host: str = "127.0.0.1") -> Address:
    return Address(host, server.port, tls=True)


def open_to(server: FakeServer, trust: Trust | None = None, seconds: float = 5.0) -> None:
    """Open a stream, and see that it carries bytes."""
    stream = open_stream(address(server), trust or Trust(), Deadline(seconds))
    try:
        assert stream.recv(5) == b"hello"
    finally:
        stream.close()


# Fingerprints.


@pytest.mark.parametrize(
    "text",
    [
        SHA,
        SHA.lower(),
        SHA.replace(":", ""),
        SHA.replace(":", " "),
        f" sha256:{SHA}\n",
        f"SHA-256={SHA}",
        f"SHA256 Fingerprint={SHA}",
        f"sha256 fingerprint: {SHA.lower()}",
        f"\u200e{SHA.replace(':', ' ')}",
        "\ufeff" + SHA.replace(":", "\u200b:") + "\r\n",
        f"“{SHA}”",
    ],
)
def test_a_fingerprint_as_others_show_it(text: str) -> None:
    assert normal_fingerprint(text) == SHA
    assert Trust(fingerprint=text).fingerprint == SHA


@pytest.mark.parametrize("text", ["", "AB:CD", SHA[:-1], SHA + ":AB", "X" * 64, "a" * 40])
def test_no_fingerprint(text: str) -> None:
    with pytest.raises(OptionError, match="SHA-256 of a certificate, 64 hexadecimal digits"):
        Trust(fingerprint=text)


@pytest.mark.parametrize(("count", "name"), [(40, "SHA-1"), (32, "MD5")])
def test_a_fingerprint_of_another_kind_is_named(count: int, name: str) -> None:
    with pytest.raises(OptionError, match=name):
        normal_fingerprint("a" * count)


def test_the_fingerprint_of_a_certificate(certificate: Certificate) -> None:
    der = certificate.certificate.public_bytes(serialization.Encoding.DER)
    assert fingerprint_of(der) == certificate.fingerprint


# Trusted.


def test_a_certificate_in_the_file(fake: Fake, certificate: Certificate) -> None:
    server = fake(say_hello, certificate)
    open_to(server, Trust(ca_file=certificate.path))
    open_to(server, Trust(ca_file=str(certificate.path)))


def test_a_file_in_the_home_folder(
    fake: Fake, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(certificate.path)
    monkeypatch.setenv("HOME", str(path.parent))
    monkeypatch.setenv("USERPROFILE", str(path.parent))
    open_to(fake(say_hello, certificate), Trust(ca_file=f"~/{path.name}"))


def test_an_authority_in_the_file(fake: Fake, new_certificate: Make) -> None:
    authority = new_certificate(name="Authority", authority=True)
    open_to(fake(say_hello, new_certificate(signed_by=authority)), Trust(authority.path))


def test_a_certificate_in_the_file_without_its_authority(fake: Fake, new_certificate: Make) -> None:
    certificate = new_certificate(signed_by=new_certificate(name="Authority", authority=True))
    open_to(fake(say_hello, certificate), Trust(certificate.path))


RFC_5280 = {"critical": True, "key_identifiers": True, "key_usage": True}


@pytest.fixture(params=[False, True], ids=["older Python", "Python 3.13"])
def defaults(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ssl verify by default as Python did before 3.13, or as it does since."""
    flags = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    create = ssl.create_default_context

    def with_defaults(cafile: str | None = None) -> ssl.SSLContext:
        context = create(cafile=cafile)
        context.verify_flags &= ~flags
        if request.param:
            context.verify_flags |= flags
        return context

    monkeypatch.setattr(ssl, "create_default_context", with_defaults)


@pytest.mark.usefixtures("defaults")
@pytest.mark.parametrize("left_out", [None, *RFC_5280])
def test_an_authority_without_the_formalities_of_rfc_5280(
    fake: Fake, new_certificate: Make, left_out: str | None
) -> None:
    form = RFC_5280 | ({} if left_out is None else {left_out: False})
    authority = new_certificate(name="Authority", authority=True, **form)
    trust = Trust(authority.path)
    open_to(fake(say_hello, new_certificate(signed_by=authority, **form)), trust)

    # Chain, name and dates are checked as ever.
    other = new_certificate(name="Authority", authority=True, **form)
    for options, reason in (
        ({"signed_by": other}, "unable to get local issuer|signature failure"),
        ({"signed_by": authority, "hosts": ("elsewhere.example",)}, "IP address mismatch"),
        ({"signed_by": authority, "days": (-20, -10)}, "certificate has expired"),
        ({"signed_by": authority, "days": (10, 20)}, "certificate is not yet valid"),
        ({}, "self-signed certificate"),
    ):
        with pytest.raises(CertificateNotTrustedError, match=reason):
            open_to(fake(listen, new_certificate(**options, **form)), trust)


@pytest.mark.usefixtures("defaults")
def test_a_certificate_in_the_store_of_the_system_without_its_authority(
    fake: Fake, new_certificate: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = new_certificate(signed_by=new_certificate(name="Authority", authority=True))
    monkeypatch.setattr(
        ssl.SSLContext,
        "load_default_certs",
        lambda context, *_: context.load_verify_locations(certificate.path),
    )
    open_to(fake(say_hello, certificate))


def test_a_fingerprint_trusts_one_certificate_with_any_name_and_dates(
    fake: Fake, new_certificate: Make
) -> None:
    for certificate in (
        new_certificate(),
        new_certificate(hosts=("elsewhere.example",)),
        new_certificate(days=(-20, -10)),
    ):
        open_to(fake(say_hello, certificate), Trust(fingerprint=certificate.fingerprint))


def test_without_tls(fake: Fake) -> None:
    server = fake(say_hello)
    stream = open_stream(Address("127.0.0.1", server.port, tls=False), Trust(), Deadline(5))
    assert stream.recv(5) == b"hello"
    assert stream.certificate() == b""
    assert stream.certificate_fields() == {}
    stream.close()


# Not trusted.


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "self-signed certificate"),
        ({"days": (-20, -10), "name": "Old"}, "certificate has expired"),
        ({"days": (10, 20), "name": "New"}, "certificate is not yet valid"),
        ({"hosts": ("elsewhere.example",)}, "IP address mismatch"),
    ],
)
def test_a_certificate_that_is_not_trusted(
    fake: Fake, new_certificate: Make, options: dict[str, object], reason: str
) -> None:
    certificate = new_certificate(**options)
    # The others are trusted but for the one thing that is wrong.
    trust = Trust(ca_file=certificate.path) if options else Trust()
    server = fake(listen, certificate)

    with pytest.raises(CertificateNotTrustedError, match=reason) as caught:
        open_to(server, trust)

    error = caught.value
    assert reason in error.reason
    assert error.subject == f"commonName={options.get('name', 'Test server')}"
    assert error.issuer == "itself (self-signed)"
    assert error.fingerprint == certificate.fingerprint
    valid = (error.not_before, error.not_after)
    wanted = (
        certificate.certificate.not_valid_before_utc,
        certificate.certificate.not_valid_after_utc,
    )
    assert valid == tuple(f"{time:%b} {time.day:2} {time:%H:%M:%S %Y} GMT" for time in wanted)
    # The message shows all of it, and a line of code that works.
    for part in (error.subject, error.issuer, *valid, error.reason):
        assert part in str(error)
    line = re.search(r'xentara_nb\.connect\("(.*)", fingerprint="(.*)"\)', str(error))
    assert line is not None
    assert line[1] == server.url
    server.script = say_hello
    open_to(server, Trust(fingerprint=line[2]))
    assert server.received == b""  # also in the looks that found all this out


@pytest.mark.parametrize(
    ("days", "reason"),
    [((-20, -10), "certificate has expired"), ((10, 20), "certificate is not yet valid")],
)
def test_an_unknown_certificate_that_is_out_of_date(
    fake: Fake, new_certificate: Make, days: tuple[int, int], reason: str
) -> None:
    with pytest.raises(CertificateNotTrustedError) as caught:
        open_to(fake(listen, new_certificate(days=days)))

    # Who is asked whether to trust it sees both.
    assert caught.value.reason == f"self-signed certificate; {reason}"


def test_an_unknown_authority(fake: Fake, new_certificate: Make) -> None:
    authority = new_certificate(name="Authority", authority=True)
    server = fake(listen, new_certificate(signed_by=authority))

    with pytest.raises(CertificateNotTrustedError, match="unable to get local issuer") as caught:
        open_to(server)

    assert caught.value.issuer == "commonName=Authority"
    assert caught.value.subject == "commonName=Test server"


def test_another_ca_file(fake: Fake, certificate: Certificate, new_certificate: Make) -> None:
    server = fake(listen, certificate)
    other = new_certificate()
    with pytest.raises(CertificateChangedError, match="vouches for it") as caught:
        open_to(server, Trust(ca_file=other.path))
    assert caught.value.fingerprint == certificate.fingerprint
    assert str(other.path) in caught.value.reason
    assert server.received == b""
    # It never says how to trust this one.
    assert "IS NOT THE ONE THAT IS TRUSTED" in str(caught.value)
    assert "xentara_nb.connect" not in str(caught.value)


def test_a_server_that_keeps_back_the_authority_in_between(
    fake: Fake, certificate: Certificate, new_certificate: Make
) -> None:
    root = new_certificate(name="Root", authority=True)
    between = new_certificate(name="Between", authority=True, signed_by=root)
    server = fake(listen, new_certificate(signed_by=between))
    said = "has to send that authority's certificate"
    with pytest.raises(CertificateChangedError, match=said) as caught:
        open_to(server, Trust(ca_file=root.path))
    assert caught.value.issuer == "commonName=Between"
    # One that signs itself has no authority in between.
    with pytest.raises(CertificateChangedError) as caught:
        open_to(fake(listen, certificate), Trust(ca_file=root.path))
    assert said not in str(caught.value)


@pytest.mark.parametrize("options", [{"days": (-20, -10)}, {"hosts": ("elsewhere.example",)}])
def test_another_certificate_of_the_authority_that_is_not_in_order(
    fake: Fake, new_certificate: Make, options: dict[str, object]
) -> None:
    authority = new_certificate(name="Authority", authority=True)
    server = fake(listen, new_certificate(signed_by=authority, **options))
    with pytest.raises(
        CertificateNotTrustedError, match="a certificate that is in order"
    ) as caught:
        open_to(server, Trust(ca_file=authority.path))
    assert not isinstance(caught.value, CertificateChangedError)
    assert "xentara_nb.connect" not in str(caught.value)


def test_a_remembered_fingerprint_says_how_to_forget_it(
    fake: Fake, certificate: Certificate
) -> None:
    server = fake(listen, certificate)
    with pytest.raises(CertificateChangedError, match="trusted before") as caught:
        open_to(server, Trust(fingerprint=SHA, remembered=True))
    assert f'forget_certificate("{server.netloc}")' in str(caught.value)
    assert "xentara_nb.connect" not in str(caught.value)


def test_another_fingerprint(fake: Fake, certificate: Certificate) -> None:
    server = fake(listen, certificate)
    with pytest.raises(CertificateChangedError, match="not the one that was given") as caught:
        # A file that trusts it does not help: the fingerprint was given on purpose.
        open_to(server, Trust(ca_file=certificate.path, fingerprint=SHA))

    assert caught.value.fingerprint == certificate.fingerprint
    assert caught.value.subject == "commonName=Test server"
    assert server.received == b""
    # It never says how to trust this one.
    assert "IS NOT THE ONE THAT IS TRUSTED" in str(caught.value)
    assert f"trusted:     {SHA}" in str(caught.value)
    assert "xentara_nb.connect" not in str(caught.value)


def test_another_directory_means_no_other_ca_file(
    certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(certificate.path.parent)
    trust = Trust(ca_file=certificate.path.name)
    monkeypatch.chdir(tmp_path)
    assert trust == Trust(ca_file=str(certificate.path))


def test_a_certificate_without_a_name(fake: Fake, new_certificate: Make) -> None:
    with pytest.raises(CertificateNotTrustedError) as caught:
        open_to(fake(listen, new_certificate(name=None)))
    assert caught.value.subject == "without a name"


def test_what_a_certificate_says_cannot_forge_the_message(
    fake: Fake, new_certificate: Make
) -> None:
    name = "good\n  fingerprint: 00" + "x" * 40
    with pytest.raises(CertificateNotTrustedError) as caught:
        open_to(fake(listen, new_certificate(name=name)))
    assert caught.value.subject.startswith(r"commonName=good\n  fingerprint: 00")
    assert len(str(caught.value).splitlines()) == 8


def test_a_server_that_stops_before_the_certificate_is_fetched_again(
    certificate: Certificate,
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]

    def serve_once() -> None:
        sock, _ = listener.accept()
        listener.close()
        with sock, contextlib.suppress(OSError):
            certificate.server_context.wrap_socket(sock, server_side=True).close()

    server = threading.Thread(target=serve_once, daemon=True)
    server.start()
    with pytest.raises(CertificateNotTrustedError) as caught:
        open_stream(Address("127.0.0.1", port), Trust(), Deadline(5))
    server.join(30)

    error = caught.value
    assert {error.subject, error.issuer, error.not_before, error.fingerprint} == {"not known"}
    assert "connect(" not in str(error)


# The CA file.


def test_ca_files_that_cannot_be_used(fake: Fake, tmp_path: Path, certificate: Certificate) -> None:
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    broken = tmp_path / "broken.pem"
    broken.write_text(certificate.path.read_text().replace("M", "N", 3))
    der = tmp_path / "certificate.der"
    der.write_bytes(certificate.certificate.public_bytes(serialization.Encoding.DER)[:-1])
    empty = tmp_path / "empty.pem"
    empty.touch()
    server = fake(listen, certificate)
    for path, reason in (
        (tmp_path / "missing.pem", "No such file"),
        (tmp_path, "directory"),
        (text, "no certificate in PEM or DER form"),
        (empty, "no certificate in PEM or DER form"),
        (broken, "or a broken one"),
        (der, "no certificate in PEM or DER form"),
    ):
        with pytest.raises(OptionError, match=reason) as caught:
            open_to(server, Trust(ca_file=path))
        assert str(path) in str(caught.value)
    assert not server.wires


def test_a_ca_file_in_der_form(fake: Fake, tmp_path: Path, certificate: Certificate) -> None:
    der = tmp_path / "certificate.cer"
    der.write_bytes(certificate.certificate.public_bytes(serialization.Encoding.DER))
    open_to(fake(say_hello, certificate), Trust(ca_file=der))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFO")
def test_a_ca_file_that_never_ends(fake: Fake, tmp_path: Path, certificate: Certificate) -> None:
    os.mkfifo(tmp_path / "fifo")
    server = fake(listen, certificate)
    with pytest.raises(OptionError, match=r"the CA file cannot be used: .* a FIFO, not a file"):
        open_to(server, Trust(ca_file=tmp_path / "fifo"))
    assert not server.wires


def test_what_is_accepted_of_tls(
    fake: Fake, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts: list[ssl.SSLContext] = []
    original = ssl.SSLContext.wrap_bio

    def noted(context: ssl.SSLContext, *arguments: Any, **options: Any) -> ssl.SSLObject:
        contexts.append(context)
        return original(context, *arguments, **options)

    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", noted)
    server = fake(say_hello, certificate)
    for trust in (Trust(certificate.path), Trust(fingerprint=certificate.fingerprint)):
        open_to(server, trust)
        context = contexts[-1]
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert context.options & ssl.OP_NO_RENEGOTIATION
        pinned = trust.fingerprint is not None
        assert context.check_hostname is not pinned
        assert context.verify_mode == (ssl.CERT_NONE if pinned else ssl.CERT_REQUIRED)
    assert len(contexts) == 2


def test_a_fingerprint_takes_no_authorities_of_the_system(
    fake: Fake, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object) -> None:
        pytest.fail("they take longer than to connect")

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", load)
    open_to(fake(say_hello, certificate), Trust(fingerprint=certificate.fingerprint))


# No TLS.


@pytest.mark.parametrize(
    "greeting",
    [b"220 mail.example ESMTP\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 100, b"\x15\x03"],
)
def test_a_server_without_tls(fake: Fake, greeting: bytes) -> None:
    server = fake(lambda wire: wire.send(greeting))
    with pytest.raises(NotTlsError, match=f"{server.netloc} does not speak TLS") as caught:
        open_to(server)
    assert "_ssl.c" not in str(caught.value)
    assert "Authorization" not in server.received.decode("latin-1")


def test_a_server_that_hangs_up(fake: Fake) -> None:
    server = fake(lambda wire: None)
    with pytest.raises(NotTlsError, match=r"does not speak TLS.*: check the port"):
        open_to(server)
    with pytest.raises(NotTlsError, match=r"does not speak TLS.*host and port are right"):
        open_stream(address(server), Trust(), Deadline(5), answered_before=True)


def test_a_server_that_says_nothing(fake: Fake) -> None:
    server = fake(listen)
    with pytest.raises(
        DeadlineError, match=f"{server.netloc} did not complete the TLS handshake within 0.1 s"
    ):
        open_to(server, seconds=0.1)


def test_a_server_that_drips(fake: Fake, certificate: Certificate) -> None:
    # A TLS record of 16 kB, one byte at a time: no single wait is long, and it never ends.
    ticking = threading.Event()

    def drip(wire: Wire) -> None:
        wire.send(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
        while not ticking.wait(0.01):
            wire.send(b"\0")

    server = fake(drip)
    try:
        with pytest.raises(DeadlineError, match=r"TLS handshake within 0.2 s"):
            open_to(server, seconds=0.2)
    finally:
        ticking.set()


def test_only_tls_that_is_too_old(fake: Fake, new_certificate: Make) -> None:
    certificate = new_certificate()
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        certificate.server_context.maximum_version = ssl.TLSVersion.TLSv1_1
    server = fake(listen, certificate)
    with pytest.raises(NotTlsError, match="no version that can be trusted"):
        open_to(server, Trust(fingerprint=certificate.fingerprint))


@pytest.fixture(autouse=True)
def no_system_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test depend on whom this computer trusts, nor take the time to load it."""
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)


def test_no_such_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    said = r"no host 'plant' .Name or service not known.: check the name"
    with pytest.raises(ServerUnreachableError, match=said):
        open_socket(Address("plant"), Deadline(5))
    said = r"'plant' was found before, .*Name or service not known.: check the network"
    with pytest.raises(ServerUnreachableError, match=said):
        open_socket(Address("plant"), Deadline(5), answered_before=True)


def test_a_name_service_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    said = r"the host 'plant' cannot be looked up .*: check the network .*DNS"
    with pytest.raises(ServerUnreachableError, match=said):
        open_socket(Address("plant"), Deadline(5))


def test_no_name_of_a_host() -> None:
    with pytest.raises(ServerUnreachableError, match="there is no host"):
        open_socket(Address("a..b"), Deadline(5))


def test_no_server_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        ServerUnreachableError, match=f"no server answers at 127.0.0.1:{port} .*refused.*httpServer"
    ):
        open_socket(Address("127.0.0.1", port), Deadline(5))
    with pytest.raises(ServerUnreachableError, match="check that the server runs and the firewall"):
        open_socket(Address("127.0.0.1", port), Deadline(5), answered_before=True)


def test_a_name_that_is_looked_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(10) and [])
    address, credentials = Address("plant.example"), Credentials("operator", "x")
    begin = time.monotonic()
    try:
        with pytest.raises(DeadlineError, match=r"was not reached within 0\.1 s"):
            Connection(address).open(credentials, Trust(), Deadline(0.1))
        with pytest.raises(DeadlineError, match=r"was not reached within 0\.1 s"):
            check_server(address, Trust(), Deadline(0.1))
        assert time.monotonic() - begin < 5  # and not the ten seconds of each look-up
    finally:
        over.set()


def test_the_check_of_a_server_raises_what_connecting_would(fake: Fake) -> None:
    server = fake(lambda wire: wire.until_gone())
    check_server(parse_address(server.url)[0], Trust(), Deadline(5))
    server.stop()
    with pytest.raises(ServerUnreachableError, match="no server answers at"):
        check_server(parse_address(server.url)[0], Trust(), Deadline(5))


class Answers:
    """Takes the place of socket.socket, so that no test goes out into the network."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *outcomes: OSError | None) -> None:
        self.outcomes = list(outcomes)
        self.timeouts: list[float] = []
        self.closed = 0
        answers = [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", (str(n), 1)) for n in range(len(outcomes))
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
        monkeypatch.setattr(socket, "socket", lambda *_: self)

    def settimeout(self, seconds: float) -> None:
        self.timeouts.append(seconds)

    def connect(self, address: tuple[str, int]) -> None:
        if (outcome := self.outcomes[int(address[0])]) is not None:
            raise outcome

    def setsockopt(self, *arguments: object) -> None:
        pass

    def close(self) -> None:
        self.closed += 1


def test_an_address_that_never_answers_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = Answers(monkeypatch, TimeoutError(), ConnectionRefusedError(), None)
    open_socket(Address("plant"), Deadline(6))

    assert [round(seconds) for seconds in answers.timeouts] == [2, 3, 6]
    assert answers.closed == 2


def test_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    Answers(monkeypatch, ConnectionRefusedError(), TimeoutError())
    with pytest.raises(
        DeadlineError, match="no server answered at plant:8080 within 6 s"
    ) as caught:
        open_socket(Address("plant"), Deadline(6))
    assert not caught.value.sent


def test_no_way_there(monkeypatch: pytest.MonkeyPatch) -> None:
    Answers(monkeypatch, OSError(errno.ENETUNREACH, "Network is unreachable"))
    with pytest.raises(ServerUnreachableError, match="Network is unreachable"):
        open_socket(Address("plant"), Deadline(6))

    Answers(monkeypatch)
    with pytest.raises(ServerUnreachableError, match="it has no address"):
        open_socket(Address("plant"), Deadline(6))


def test_ctrl_c_while_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        open_socket(Address("plant"), Deadline(6))
    assert answers.closed == 1


def test_a_system_without_every_option(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "TCP_KEEPIDLE", raising=False)
    server = fake(lambda wire: wire.until_gone())
    with open_socket(Address("127.0.0.1", server.port), Deadline(5)) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
