from __future__ import annotations

import contextlib
import functools
import gc
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Fake
from tests.support.certificates import Certificate
from tests.support.clients import eventually
from tests.support.interrupts import Interrupted
from tests.support.server import TOO_MUCH, FakeServer, Wire
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.stream import SendError, Stream

BIG = os.urandom(3_000_000)


@pytest.fixture(params=["plain", "tls 1.2", "tls 1.3"])
def pair(
    request: pytest.FixtureRequest, fake: Fake, new_certificate: Callable[..., Certificate]
) -> Iterator[tuple[Stream, Wire]]:
    """A stream, and the server's end of it in this very thread."""
    version = request.param.removeprefix("tls ")
    certificate = None if version == "plain" else new_certificate()
    if certificate is not None and version == "1.2":
        certificate.server_context.maximum_version = ssl.TLSVersion.TLSv1_2
    with contextlib.ExitStack() as stack:
        yield open_pair(fake, stack, certificate)


def open_pair(
    fake: Fake, stack: contextlib.ExitStack, certificate: Certificate | None
) -> tuple[Stream, Wire]:
    arrived, done = threading.Event(), threading.Event()
    stack.callback(done.set)

    def script(wire: Wire) -> None:
        arrived.set()
        done.wait(10)

    server = fake(script, certificate)
    stream = new_stream(server)
    stack.callback(stream.close)
    assert arrived.wait(30)
    return stream, server.wires[0]


def new_stream(server: FakeServer, seconds: float = 5.0) -> Stream:
    sock = socket.create_connection(("127.0.0.1", server.port))
    context = None
    if server.certificate is not None:
        context = ssl.create_default_context(cafile=server.certificate.path)
    return Stream(sock, Deadline(seconds), context, "127.0.0.1")


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def receive(stream: Stream, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = stream.recv(1 << 16)
        assert piece
        data += piece
    return bytes(data)


def assert_ended(stream: Stream) -> None:
    with contextlib.suppress(ConnectionResetError):
        while stream.recv(1 << 16):
            pass


def fill(stream: Stream) -> None:
    """Send until the network takes no more: the server does not read."""
    with pytest.raises(SendError) as caught:
        stream.send(bytes(TOO_MUCH), Deadline(0.2))
    assert caught.value.timed_out
    assert caught.value.sent


def test_bytes_go_both_ways_at_the_same_time(pair: tuple[Stream, Wire]) -> None:
    stream, wire = pair
    writers = [in_thread(lambda: stream.send(BIG, Deadline(10))) for _ in range(2)]
    # One thread of the server cannot do both, so it reads first: we must not wait for it.
    assert wire.receive(2 * len(BIG)) == BIG + BIG
    for thread in writers:
        thread.join(30)
        assert not thread.is_alive()
    sender = in_thread(lambda: wire.send(BIG))
    assert receive(stream, len(BIG)) == BIG
    sender.join(30)


def test_a_reader_goes_on_while_a_writer_waits(pair: tuple[Stream, Wire]) -> None:
    stream, wire = pair
    writer = in_thread(lambda: stream.send(bytes(TOO_MUCH), Deadline(10)))
    # The server sends first and reads only when all of that was taken: full buffers both ways.
    sender = in_thread(lambda: (wire.send(BIG), wire.receive(TOO_MUCH)))
    assert receive(stream, len(BIG)) == BIG
    for thread in (writer, sender):
        thread.join(10)
        assert not thread.is_alive()


def test_a_server_that_does_not_read(pair: tuple[Stream, Wire]) -> None:
    stream, _ = pair
    fill(stream)
    # Half a message is out, so the connection has ended: at both ends, and for who comes next.
    assert_ended(stream)
    with pytest.raises(SendError) as caught:
        stream.send(b"x", Deadline(5))
    assert not caught.value.sent
    assert not caught.value.timed_out


def test_waiting_for_another_thread_to_send_ends_in_time(pair: tuple[Stream, Wire]) -> None:
    stream, wire = pair
    failures: list[SendError] = []

    def send_much() -> None:
        try:
            stream.send(bytes(TOO_MUCH), Deadline(10))
        except SendError as error:
            failures.append(error)

    writer = in_thread(send_much)
    wire.receive(1)
    with pytest.raises(TimeoutError, match="other threads are sending") as caught:
        stream.send(b"x", Deadline(0.05))
    assert not isinstance(caught.value, SendError)
    assert not stream.send_now(b"x")
    # The connection goes on, until it is ended, which wakes up the thread that is sending.
    assert writer.is_alive()
    stream.abort()
    writer.join(30)
    assert [failure.sent for failure in failures] == [True]
    assert not failures[0].timed_out


def test_a_few_bytes_at_once(pair: tuple[Stream, Wire]) -> None:
    stream, wire = pair
    assert stream.send_now(b"now")
    assert wire.receive(3) == b"now"


def test_a_few_bytes_at_once_or_not_at_all(pair: tuple[Stream, Wire]) -> None:
    stream, _ = pair
    while stream.can_send():  # until the network's buffers are full
        stream.send(bytes(4096), Deadline(5))
    assert not stream.send_now(b"now")


def test_a_few_bytes_after_the_end(pair: tuple[Stream, Wire]) -> None:
    stream, _ = pair
    stream.abort()
    with pytest.raises(SendError) as caught:
        stream.send_now(b"now")
    assert not caught.value.sent


def test_the_end(pair: tuple[Stream, Wire]) -> None:
    stream, wire = pair
    wire.send(b"end")
    wire.cut()
    assert receive(stream, 3) == b"end"
    assert stream.recv(10) == b""
    assert stream.recv(10) == b""


def test_the_end_as_tls_says_it(fake: Fake, certificate: Certificate) -> None:
    def script(wire: Wire) -> None:
        assert isinstance(wire.sock, ssl.SSLSocket)
        wire.send(b"end")
        with contextlib.suppress(OSError):
            wire.sock.unwrap()

    stream = new_stream(fake(script, certificate))
    assert receive(stream, 3) == b"end"
    assert stream.recv(10) == b""
    stream.close()


def test_reading_has_a_deadline_until_the_connection_is_established(fake: Fake) -> None:
    stream = new_stream(fake(lambda wire: wire.until_gone()), seconds=0.1)
    with pytest.raises(TimeoutError):
        stream.recv(10)
    stream.close()


def test_reading_has_no_deadline_afterwards(
    fake: Fake, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xentara_nb.connection.stream.READ_SLICE", 0.01)
    enough = threading.Event()

    def script(wire: Wire) -> None:
        assert enough.wait(30)
        wire.send(b"late")
        wire.until_gone()

    stream = new_stream(fake(script, certificate), seconds=5)
    slices = 0

    def count() -> None:
        nonlocal slices
        slices += 1
        if slices == 5:
            enough.set()

    stream.established(count)
    assert stream.recv(10) == b"late"
    assert slices >= 5
    stream.close()


def test_what_tls_itself_has_to_send_goes_out(
    fake: Fake, new_certificate: Callable[..., Certificate]
) -> None:
    """OpenSSL may want to send while we read, as when a server asks for a certificate later on."""
    certificate = new_certificate()
    certificate.server_context.post_handshake_auth = True
    certificate.server_context.verify_mode = ssl.CERT_OPTIONAL

    def script(wire: Wire) -> None:
        assert isinstance(wire.sock, ssl.SSLSocket)
        wire.sock.verify_client_post_handshake()
        wire.send(b"before")
        assert select.select([wire.sock], [], [], 5)[0]  # the answer of TLS: we have none
        wire.send(b"after")
        wire.until_gone()

    context = ssl.create_default_context(cafile=certificate.path)
    context.post_handshake_auth = True
    server = fake(script, certificate)
    sock = socket.create_connection(("127.0.0.1", server.port))
    stream = Stream(sock, Deadline(5), context, "127.0.0.1")
    assert receive(stream, 6) == b"before"
    assert receive(stream, 5) == b"after"
    stream.close()


def test_a_broken_record_is_an_error(fake: Fake, certificate: Certificate) -> None:
    def script(wire: Wire) -> None:
        raw = socket.socket(fileno=os.dup(wire.sock.fileno()))
        raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        raw.close()
        wire.until_gone()

    stream = new_stream(fake(script, certificate))
    with pytest.raises(ssl.SSLError):
        stream.recv(10)
    stream.close()


def test_ctrl_c_in_the_middle_of_a_message_ends_the_connection(
    pair: tuple[Stream, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, _ = pair

    def interrupted(self: socket.socket, data: bytes) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(socket.socket, "send", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stream.send(b"x", Deadline(5))
    with pytest.raises(SendError, match="went out in part only"):
        stream.send_now(b"x")
    monkeypatch.undo()
    assert_ended(stream)


def test_nothing_goes_into_the_middle_of_a_message_of_the_same_thread(
    pair: tuple[Stream, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, wire = pair
    original = socket.socket.send
    refused: list[BaseException] = []

    def interrupted(self: socket.socket, data: bytes) -> int:
        monkeypatch.undo()
        size = original(self, data[:5])  # where a signal handler comes in, which sends as well
        for attempt in (functools.partial(stream.send, deadline=Deadline(5)), stream.send_now):
            with pytest.raises(TimeoutError, match="this thread is sending") as caught:
                attempt(b"between")
            refused.append(caught.value)
        return size

    monkeypatch.setattr(socket.socket, "send", interrupted)
    stream.send(b"one whole message", Deadline(5))
    assert wire.receive(17) == b"one whole message"
    assert len(refused) == 2
    stream.send(b"and the next", Deadline(5))
    assert wire.receive(12) == b"and the next"


def test_closing_twice(pair: tuple[Stream, Wire]) -> None:
    stream, _ = pair
    stream.close()
    stream.close()
    stream.abort()
    assert not stream.send_now(b"x")
    with pytest.raises(OSError, match="Bad file descriptor"):
        stream.recv(1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_closing_does_not_wait_for_ever_for_a_thread_that_is_sending(
    pair: tuple[Stream, Wire],
) -> None:
    stream, wire = pair
    writer = in_thread(lambda: stream.send(bytes(TOO_MUCH), Deadline(10)))
    wire.receive(1)
    child = os.fork()
    if child == 0:  # the thread is not here, and the lock that it holds stays taken
        started = time.monotonic()
        stream.close()
        os._exit(int(time.monotonic() - started > 5))
    assert os.waitpid(child, 0)[1] == 0
    assert wire.receive(TOO_MUCH - 1) == bytes(TOO_MUCH - 1)
    writer.join(30)
    assert not writer.is_alive()


def test_a_handshake_that_fails_leaves_no_socket(fake: Fake, certificate: Certificate) -> None:
    server = fake(lambda wire: wire.until_gone(), certificate)
    sock = socket.create_connection(("127.0.0.1", server.port))
    with pytest.raises(ssl.SSLCertVerificationError):
        Stream(sock, Deadline(5), ssl.create_default_context(), "127.0.0.1")
    assert sock.fileno() == -1
    gc.collect()  # an open socket would warn now


def test_an_alert_tells_the_server_why(fake: Fake, certificate: Certificate) -> None:
    server = fake(lambda wire: wire.until_gone(), certificate)
    sock = socket.create_connection(("127.0.0.1", server.port))
    with pytest.raises(ssl.SSLCertVerificationError):
        Stream(sock, Deadline(5), ssl.create_default_context(), "127.0.0.1")
    server.stop()
    assert any("alert" in failure.lower() for failure in server.tls_failures)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_does_not_end_the_connection_of_its_parent(
    pair: tuple[Stream, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, wire = pair
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    stream.abort()
    monkeypatch.undo()
    wire.send(b"still here")
    assert receive(stream, 10) == b"still here"


def take(stream: Stream) -> list[bytes]:
    """Return what comes next, as a thread takes it that may be interrupted."""
    pieces: list[bytes] = []
    while not pieces:
        if not stream.buffered:
            assert stream.wait(30)
            stream.recv_into(pieces, 1 << 14)
        elif piece := stream.recv(1 << 14):  # behind the tickets of TLS 1.3
            pieces.append(piece)
    return pieces


def test_bytes_are_waited_for_and_taken_apart(pair: tuple[Stream, Wire]) -> None:
    stream, wire = pair
    stream.established()
    wire.send(b"first")
    assert b"".join(take(stream)) == b"first"
    assert not stream.buffered
    assert not stream.wait(0)
    wire.send(b"second")
    assert stream.wait(30)
    assert receive(stream, 6) == b"second"


def test_what_is_left_is_known(pair: tuple[Stream, Wire]) -> None:
    stream, wire = pair
    stream.established()
    wire.send(b"x")
    assert take(stream) == [b"x"]
    wire.send(bytes(20_000))
    first = b"".join(take(stream))
    assert receive(stream, 20_000 - len(first)) == bytes(20_000 - len(first))
    assert not stream.buffered


def test_the_end_is_something_to_read(pair: tuple[Stream, Wire]) -> None:
    stream, wire = pair
    wire.cut()
    assert stream.wait(30)
    stream.close()
    assert not stream.wait(0)


def test_a_reader_knows_when_it_has_seen_all(pair: tuple[Stream, Wire]) -> None:
    stream, wire = pair
    stream.established()
    stream.behind = True
    wire.send(b"abc")
    assert stream.wait(30)
    assert receive(stream, 3) == b"abc"
    reader = in_thread(lambda: receive(stream, 1))
    eventually(lambda: not stream.behind)
    wire.send(b"d")
    reader.join(30)
    assert not reader.is_alive()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("tls", [False, True])
def test_ctrl_c_while_bytes_are_taken_loses_none(
    fake: Fake, certificate: Certificate, tls: bool
) -> None:
    at, passed = 1, True
    while passed:
        with contextlib.ExitStack() as stack:
            stream, wire = open_pair(fake, stack, certificate if tls else None)
            stream.established()
            wire.send(b"first")
            assert receive(stream, 5) == b"first"
            wire.send(b"second")
            assert stream.wait(30)
            pieces: list[bytes] = []
            run = Interrupted(functools.partial(stream.recv_into, pieces, 100), at)
            passed = run.error is not None
            try:
                rest = b"" if pieces else stream.recv(100)
            except OSError:
                assert tls, run.where
                assert stream.buffered, run.where
            else:
                assert b"".join(pieces) + rest == b"second", run.where
            at += 1
    assert at > 3
