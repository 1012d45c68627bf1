from __future__ import annotations

import functools
import os
import random
import signal
import socket
import struct
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Fake
from tests.support.certificates import Certificate
from tests.support.clients import eventually, with_more_time
from tests.support.server import (
    BINARY,
    CLOSE,
    PASSWORD,
    PATIENCE,
    PING,
    PONG,
    TEXT,
    TOO_MUCH,
    USER,
    ClientGoneError,
    FakeServer,
    Model,
    Script,
    Wire,
    answering,
    event,
    frame_bytes,
)
from xentara_nb.connection import messages
from xentara_nb.connection.address import parse_address
from xentara_nb.connection.batch import Batch, UnreadableAnswerError
from xentara_nb.connection.connection import Connection
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.stream import SendError, Stream
from xentara_nb.connection.tls import Trust
from xentara_nb.errors import (
    ConnectionLostError,
    DeadlineError,
    NotXentaraError,
    ProtocolError,
    XentaraError,
)
from xentara_nb.latch import Latch
from xentara_nb.protocol import cbor
from xentara_nb.protocol.commands import Command, DataChange, GetStage, Lookup, Read, Write
from xentara_nb.protocol.errors import InvalidRequestError, UnknownElementError, server_error
from xentara_nb.protocol.packets import (
    Event,
    Failure,
    Request,
    Success,
    decode_requests,
    encode_packets,
)

E = UUID(int=7)


def connect(server: FakeServer, seconds: float = 5.0) -> Connection:
    address, _ = parse_address(server.url)
    trust = Trust(server.certificate and server.certificate.path)
    connection = Connection(address)
    connection.open(Credentials(USER, PASSWORD), trust, Deadline(seconds))
    return connection


@contextmanager
def connected(server: FakeServer, seconds: float = 5.0) -> Iterator[Connection]:
    connection = connect(server, seconds)
    try:
        yield connection
    finally:
        connection.close()


def stage(connection: Connection, seconds: float = 5.0) -> Any:
    (result,) = connection.execute([GetStage()], Deadline(seconds))
    return result


def ask_directly(
    connection: Connection, command: Command[Any] | None = None, seconds: float = 20.0
) -> Any:
    """Return an answer, or the stage, read in this thread if that is possible."""
    deadline = Deadline(seconds)
    (answer,) = connection.finish(
        connection.begin([command or GetStage()], deadline), deadline, direct=True
    )
    return answer


def after_hello(script: Script) -> Script:
    def whole(wire: Wire) -> None:
        wire.hello()
        script(wire)

    return whole


# Servers that are not Xentara.


def close_frame(code: int, reason: str = "") -> bytes:
    return struct.pack("!H", code) + reason.encode()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda wire, data: wire.send_message(data), "must begin with 1"),
        (lambda wire, data: wire.send_frame(TEXT, b"welcome"), "a text message"),
        (lambda wire, data: wire.send_message(b"\xff"), "not well-formed CBOR"),
        (lambda wire, data: wire.send_message(b""), "not well-formed CBOR"),
        (lambda wire, data: wire.send_message(b"\xa0"), "must be an array"),
        (lambda wire, data: wire.answer(Success(1)), "client_hello must be a map"),
        (lambda wire, data: wire.answer(Success(1, {0: "1"})), "must be an integer"),
        (lambda wire, data: wire.answer(Success(1, {1: 1})), "is missing"),
        (lambda wire, data: None, "the server has gone, before it had answered client_hello"),
        (lambda wire, data: wire.send_frame(CLOSE, close_frame(1008, "no")), "code 1008: no"),
        (
            lambda wire, data: wire.answer(Failure(1, server_error(-32602, "only 2"))),
            "does not take protocol version 1: only 2",
        ),
        (lambda wire, data: wire.answer(Success(1, {0: 2})), "version 2, which was not offered"),
        (lambda wire, data: wire.answer(Success(1, {0: 0})), "version 0, which was not offered"),
        (lambda wire, data: wire.send(b"\x82\x7f" + b"\xff" * 8), "is more than the"),
    ],
)
def test_a_websocket_that_is_not_xentara(
    fake: Fake, answer: Callable[[Wire, bytes], object], reason: str
) -> None:
    def script(wire: Wire) -> None:
        wire.upgrade()
        answer(wire, wire.message())

    server = fake(script)
    with pytest.raises(NotXentaraError, match=reason) as caught:
        connect(server)
    assert server.netloc in str(caught.value)


def test_a_websocket_that_says_nothing(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.upgrade()
        wire.until_goodbye()

    def check(seconds: float) -> None:
        with pytest.raises(DeadlineError, match=rf"client_hello within {seconds:g} s"):
            connect(fake(script), seconds)

    with_more_time(check, 0.1)


def test_a_websocket_that_drips(fake: Fake) -> None:
    enough = threading.Event()

    def script(wire: Wire) -> None:
        wire.upgrade()
        wire.send(b"\x82\x7e\xff\xff")
        while not enough.wait(0.005):
            wire.send(b"\0")

    def check(seconds: float) -> None:
        with pytest.raises(DeadlineError, match="did not answer client_hello"):
            connect(fake(script), seconds)

    try:
        with_more_time(check, 0.1)
    finally:
        enough.set()


def test_a_hello_with_more_in_it(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.upgrade()
        wire.requests()
        wire.answer(Success(1, {0: 1, 1: "new", 99: None}))
        wire.until_goodbye()

    with connected(fake(script)) as connection:
        assert connection.protocol_version == 1


def test_a_thread_that_cannot_be_started(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        if self.name.startswith("xentara "):
            raise RuntimeError("can't start new thread")
        original(self)

    original = threading.Thread.start
    server = fake(lambda wire: (wire.upgrade(), wire.until_goodbye()))
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="new thread"):
        connect(server)


# Messages.


@pytest.mark.parametrize("size", [0, 1, 3, 200])
def test_fragmented_messages_with_pings_between(fake: Fake, size: int) -> None:
    text = "x" * 500

    def reply(wire: Wire, request: Request) -> None:
        answer = encode_packets([Failure(request.message_id, server_error(-32100, text))])
        pieces = [answer[i : i + size] for i in range(0, len(answer), size)] if size else [answer]
        wire.send_frame(BINARY, b"", last=False)
        for piece in pieces[:-1]:
            wire.send_frame(0, piece, last=False)
            wire.send_frame(PONG, b"unasked for")
        wire.send_frame(PING, b"between")
        wire.send_frame(0, pieces[-1])

    server = fake(answering(reply))
    with connected(server) as connection:
        assert stage(connection).text == text
        assert stage(connection).text == text
    assert server.wires[0].pongs == [b"between"] * 2


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (b"\x82\x7f" + (1 << 62).to_bytes(8, "big"), f"a message of {1 << 62} bytes is more than"),
        (frame_bytes(0, b"x"), "Illegal frame"),
        (frame_bytes(BINARY, b"x", last=False) + frame_bytes(BINARY, b"y"), "Illegal frame"),
        (b"\xc2\x01x", "rsv is not implemented"),
        (b"\x82\x81\0\0\0\0\x80", "a masked frame"),
        (b"\x89\x80\0\0\0\0", "a masked frame"),
        (b"\x88\x80\0\0\0\0", "a masked frame"),
        (b"\x83\x01x", "Invalid opcode"),
        (frame_bytes(CLOSE, b"x"), "Invalid close frame"),
        (frame_bytes(PING, b"x" * 126), "Ping message is too long"),
        (frame_bytes(TEXT, b"x"), "a text message"),
        (frame_bytes(BINARY, b"\x00"), "a message must be an array"),
        (frame_bytes(BINARY, b"\x81\x82\x05\x01"), "must begin with 1"),
        (frame_bytes(BINARY, encode_packets([Event(0, {})])), "is missing"),
    ],
)
def test_what_no_server_may_send(fake: Fake, frames: bytes, reason: str) -> None:
    def script(wire: Wire) -> None:
        wire.requests()
        wire.send(frames)
        wire.until_goodbye()

    server = fake(after_hello(script))
    with connected(server) as connection:
        connection.on_event = lambda change: None
        with pytest.raises(UnreadableAnswerError, match=reason) as caught:
            stage(connection)
        assert isinstance(caught.value, ProtocolError)
        assert caught.value.sent
        assert f"{server.netloc} sent what no Xentara server sends" in str(connection.ended)
        with pytest.raises(ConnectionLostError, match=reason) as lost:
            stage(connection)
        assert not lost.value.sent


def test_a_message_in_too_many_fragments(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MAX_MESSAGE", 1000)

    def script(wire: Wire) -> None:
        wire.requests()
        wire.send_frame(BINARY, b"\x81", last=False)
        while True:
            wire.send_frame(0, b"x" * 100, last=False)

    with (
        connected(fake(after_hello(script))) as connection,
        pytest.raises(ProtocolError, match="more than the 1000 that are taken"),
    ):
        stage(connection)


def test_a_large_message(fake: Fake) -> None:
    text = "x" * 3_000_000

    def reply(wire: Wire, request: Request) -> None:
        wire.answer(Failure(request.message_id, server_error(-32100, text)))

    with connected(fake(answering(reply))) as connection:
        assert stage(connection).text == text


# The end.


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (close_frame(1001, "Xentara stops"), "closed the connection (code 1001: Xentara stops)"),
        (close_frame(1000), "closed the connection (code 1000)"),
        (b"", "closed the connection (code 1005)"),
        (close_frame(3000, "a\r\nb\u202e"), "closed the connection (code 3000: a\\r\\nb\\u202e)"),
        (b"\x03\xe9\xff", "closed the connection (code 1001: \ufffd)"),
    ],
)
@pytest.mark.parametrize("waits", [True, False])
def test_a_server_sends_a_close_frame(fake: Fake, payload: bytes, text: str, waits: bool) -> None:
    answers: list[tuple[int, bytes]] = []

    def script(wire: Wire) -> None:
        wire.requests()
        wire.send_frame(CLOSE, payload)
        if waits:
            answers.append(wire.frame())
            wire.until_goodbye()

    server = fake(after_hello(script))
    with connected(server) as connection:
        with pytest.raises(ConnectionLostError) as caught:
            stage(connection)
        assert str(caught.value) == f"{server.netloc} {text}"
        assert caught.value.sent
        assert str(connection.ended) == str(caught.value)
    server.join()
    assert [opcode for opcode, _ in answers] == [CLOSE] * waits


def test_a_server_goes_without_a_word(fake: Fake, certificate: Certificate) -> None:
    for chosen in (None, certificate):
        server = fake(after_hello(lambda wire: wire.requests()), chosen)
        with connected(server) as connection:
            with pytest.raises(ConnectionLostError, match="was lost: the server has gone") as lost:
                stage(connection)
            assert lost.value.sent


def test_a_server_resets_the_connection(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.requests()
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.sock.close()

    with (
        connected(fake(after_hello(script))) as connection,
        pytest.raises(ConnectionLostError, match="Connection reset by peer"),
    ):
        stage(connection)


def test_a_call_after_the_end(fake: Fake) -> None:
    with connected(fake(after_hello(lambda wire: None))) as connection:
        assert connection.wait_ended(30)
        with pytest.raises(ConnectionLostError, match="the server has gone") as caught:
            stage(connection)
        assert not caught.value.sent


def test_all_calls_that_wait_raise_the_end(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        for _ in range(5):
            wire.requests()

    ends: list[XentaraError] = []
    with connected(fake(after_hello(script))) as connection:
        connection.on_end = ends.append
        with ThreadPoolExecutor(5) as pool:
            results = [pool.submit(stage, connection) for _ in range(5)]
            errors = [result.exception() for result in results]
    assert {type(error) for error in errors} == {ConnectionLostError}
    assert len({id(error) for error in errors}) == 5  # each its own, for each gets a traceback
    assert len(ends) == 1


def test_a_callback_that_fails_ends_nothing_but_the_connection(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.requests()
        wire.answer(event(E, {11: 1}))
        wire.until_goodbye()

    def fail(change: DataChange) -> None:
        raise RuntimeError("broken callback")

    with connected(fake(after_hello(script))) as connection:
        connection.on_event = fail
        with pytest.raises(ConnectionLostError, match="was lost: broken callback"):
            stage(connection)


# Matching answers to requests.


def test_ids_count_up_from_1(fake: Fake) -> None:
    server = fake(Model().serve)
    with connected(server) as connection:
        connection.execute([GetStage(), GetStage()], Deadline(5))
        stage(connection)
        assert connection.execute([], Deadline(5)) == []
    assert [request.message_id for request in server.seen] == [1, 2, 3, 4]
    assert server.messages == 3


@pytest.mark.parametrize("together", [True, False])
def test_answers_in_another_order_split_repeated_and_with_strangers(
    fake: Fake, together: bool
) -> None:
    def script(wire: Wire) -> None:
        while True:
            packets: list[Any] = [
                Success(request.message_id, request.message_id) for request in wire.requests()
            ]
            packets += [packets[0], Success(99_999, "not asked for"), Success(-1), Success(0)]
            random.Random(1).shuffle(packets)
            if together:
                wire.answer(*packets)
            else:
                for packet in packets:
                    wire.answer(packet)
                    wire.answer(Event(0, event(E, {11: 1}).body), Event(7, "unknown type"))

    changes: list[DataChange] = []
    with connected(fake(after_hello(script))) as connection:
        connection.on_event = changes.append
        for start in (2, 12):
            results = connection.execute([GetStage()] * 10, Deadline(5))
            assert results == list(range(start, start + 10))
    # The last packets may come after the last answer.
    assert len(changes) >= 20 or together
    assert all(change.values == {11: 1} for change in changes)


def test_whole_messages_of_events_can_be_taken_as_they_come(fake: Fake) -> None:
    first, second = ([event(E, {11: number})] for number in (1, 2))

    def script(wire: Wire) -> None:
        wire.requests()
        for packets in (first, second):
            wire.answer(*packets)
        wire.answer(Success(2, 2))

    taken: list[bytes] = []
    changes: list[DataChange] = []

    def take(message: bytes) -> bool:
        taken.append(message)
        return message == encode_packets(first)

    with connected(fake(after_hello(script))) as connection:
        connection.on_events, connection.on_event = take, changes.append
        assert connection.execute([GetStage()], Deadline(5)) == [2]
    assert taken[:2] == [encode_packets(first), encode_packets(second)]
    assert [change.values for change in changes] == [{11: 2}]


def test_how_long_a_server_has_been_silent(fake: Fake) -> None:
    gone = threading.Event()

    def script(wire: Wire) -> None:
        gone.wait(10)

    assert Connection(parse_address("127.0.0.1:1")[0]).silence == 0
    with connected(fake(after_hello(script))) as connection:
        before = connection.silence
        while connection.silence < before + 0.01:
            assert connection.ended is None
        gone.set()
        assert connection.wait_ended(30)
        silent = connection.silence
        assert silent >= 0.01
        while connection.silence < silent + 0.01:  # until now, though it has ended
            pass


def test_successes_and_errors_of_one_batch(fake: Fake) -> None:
    model = Model.of_points(1)
    with connected(fake(model.serve)) as connection:
        good, bad, value = connection.execute(
            [Lookup("Point 0"), Lookup("Point 1"), Read(UUID(int=1), (11,))], Deadline(5)
        )
    assert good == UUID(int=1)
    assert bad == UnknownElementError("unknown element")
    assert value == {11: 0.0}


def test_many_threads_get_their_own_answers(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        held: list[Any] = []
        rng = random.Random(5)
        while True:
            for request in wire.requests():
                key = request.parameters[0]
                held.append(Success(request.message_id, UUID(int=int(key))))
            if len(held) > 3 or rng.random() < 0.5 or not wire.unread:
                rng.shuffle(held)
                wire.answer(*held)
                held = []

    def work(number: int) -> None:
        for turn in range(50):
            keys = [number * 1000 + turn * 3 + i for i in range(3)]
            results = connection.execute([Lookup(str(key)) for key in keys], Deadline(10))
            assert results == [UUID(int=key) for key in keys]

    with connected(fake(after_hello(script))) as connection, ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_way_to_cut_and_mix_answers_is_right(fake: Fake, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 6))
    order = data.draw(st.permutations(range(count)))
    cuts = data.draw(st.lists(st.integers(1, 40), max_size=6))
    frames: list[bytes] = []

    def script(wire: Wire) -> None:
        requests = wire.requests()
        answers = [Success(requests[i].message_id, i) for i in order]
        stream = b"".join(frame_bytes(BINARY, encode_packets([answer])) for answer in answers)
        for cut in cuts:
            frames.append(stream[:cut])
            wire.send(stream[:cut])
            stream = stream[cut:]
        wire.send(stream)
        wire.until_goodbye()

    server = fake(after_hello(script))
    with connected(server) as connection:
        results = connection.execute([GetStage()] * count, Deadline(5))
    server.stop()
    assert results == list(range(count))


# Answers that do not come, come late, or cannot be read.


def test_a_late_answer_does_not_disturb_the_next_call(fake: Fake) -> None:
    asked_again = threading.Event()

    def script(wire: Wire) -> None:
        (first,) = wire.requests()
        (second,) = wire.requests()
        asked_again.set()
        wire.answer(Success(first.message_id, 5), Failure(first.message_id, server_error(-32603)))
        wire.answer(Success(second.message_id, 2))
        Model().go_on(wire)

    with connected(fake(after_hello(script))) as connection:
        with pytest.raises(DeadlineError, match=r"not answer get_stage within 0.05 s") as late:
            stage(connection, 0.05)
        assert late.value.sent
        assert stage(connection) == 2
        assert asked_again.is_set()
        assert stage(connection) == 2
        assert not connection.pending


def test_half_a_batch(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        first, _ = wire.requests()
        wire.answer(Success(first.message_id, 2))
        Model().go_on(wire)

    with connected(fake(after_hello(script))) as connection:
        with pytest.raises(DeadlineError, match="did not answer 2 x get_stage within"):
            connection.execute([GetStage(), GetStage()], Deadline(0.05))
        assert stage(connection) == 2


def test_an_error_that_names_no_request_is_mentioned(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.answer(Failure(0, server_error(-32700, "before")))
        wire.requests()
        wire.answer(Failure(0, server_error(-32600, "cannot read that")))
        wire.requests()
        wire.until_goodbye()

    text = "did not answer get_stage (it complained about something: cannot read that)"

    def check(seconds: float) -> None:
        with connected(fake(after_hello(script))) as connection:
            with pytest.raises(DeadlineError) as caught:
                stage(connection, seconds)
            assert text in str(caught.value)
            with pytest.raises(DeadlineError) as caught:
                stage(connection, 0.05)
            assert "complained" not in str(caught.value)
            assert connection.ended is None

    with_more_time(check, 0.1)


def test_an_answer_that_cannot_be_read_ends_only_its_own_call(fake: Fake) -> None:
    def reply(wire: Wire, request: Request) -> None:
        wire.answer(Success(request.message_id, "two" if request.message_id == 2 else 2))

    with connected(fake(answering(reply))) as connection:
        with pytest.raises(UnreadableAnswerError, match="get_stage must be an integer") as caught:
            stage(connection)
        assert caught.value.sent
        assert stage(connection) == 2


def test_what_cannot_be_sent(fake: Fake) -> None:
    server = fake(Model().serve)
    with connected(server) as connection:
        with pytest.raises(ProtocolError, match="cannot be sent"):
            connection.execute([Write(E, 11, 1, object())], Deadline(5))
        assert stage(connection) == 2
    assert server.messages == 2


def test_an_answer_counts_though_sending_fails_after_it(
    fake: Fake, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that answers and closes at once: what we still had to send has no meaning."""

    def script(wire: Wire) -> None:
        (request,) = wire.requests()
        wire.send_frame(PING, b"are you there?")
        wire.answer(Success(request.message_id, 2))

    send, send_now = Stream.send, Stream.send_now
    caller = threading.current_thread()
    ended: list[Connection] = []
    late: list[bytes] = []

    def slow(self: Stream, data: bytes, deadline: Deadline) -> None:
        send(self, data, deadline)
        if threading.current_thread() is caller and ended:
            assert ended.pop().wait_ended(30)

    def only_after_it(self: Stream, data: bytes) -> bool:
        if threading.current_thread() is not caller:
            return False  # as while the message before is being sent
        late.append(data)
        return send_now(self, data)

    monkeypatch.setattr(Stream, "send", slow)
    monkeypatch.setattr(Stream, "send_now", only_after_it)
    server = fake(after_hello(script), certificate)
    for turn in range(10):
        with connected(server) as connection:
            ended[:] = [connection]
            assert stage(connection) == 2
            assert len(late) == turn + 1


# The reader thread.


def test_pings_are_answered_between_calls(fake: Fake) -> None:
    answered = threading.Event()

    def script(wire: Wire) -> None:
        for payload in (b"", b"1", b"x" * 125):
            wire.send_frame(PING, payload)
            assert wire.frame() == (PONG, payload)
        answered.set()
        Model().go_on(wire)

    with connected(fake(after_hello(script))) as connection:
        assert answered.wait(30)
        assert stage(connection) == 2


def test_pings_are_answered_after_what_is_being_sent(fake: Fake, certificate: Certificate) -> None:
    pinged = threading.Event()

    def script(wire: Wire) -> None:
        # The message has begun and cannot be finished, for the server does not read.
        wire.receive_some()
        wire.send_frame(PING, b"1")
        wire.send_frame(PING, b"2")
        wire.answer(event(E, {11: 1}))
        assert pinged.wait(30)
        requests = wire.requests()
        for payload in (b"1", b"2"):
            assert wire.frame() == (PONG, payload)
        wire.answer(Success(requests[0].message_id, 2), Success(requests[1].message_id, E))
        wire.until_goodbye()

    def take(change: DataChange) -> None:
        pinged.set()

    with connected(fake(after_hello(script), certificate)) as connection:
        connection.on_event = take
        key = "x" * TOO_MUCH
        results = connection.execute([GetStage(), Lookup(key)], Deadline(10))
        assert results[0] == 2


@pytest.mark.parametrize("events", [False, True])
def test_a_pong_that_the_network_did_not_take_is_sent_later(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, events: bool
) -> None:
    tried, answered = threading.Event(), threading.Event()
    can_send = Stream.can_send

    def full_once(stream: Stream) -> bool:
        first = not tried.is_set()
        tried.set()
        return not first and can_send(stream)

    def script(wire: Wire) -> None:
        monkeypatch.setattr(Stream, "can_send", full_once)
        wire.send_frame(PING, b"late")
        sending = threading.Thread(target=send_events, args=(wire,))
        try:
            if events:  # all the time, so that the reader always has something to read
                sending.start()
            assert wire.frame() == (PONG, b"late")
        finally:
            answered.set()
        if events:
            sending.join()
        wire.until_goodbye()

    def send_events(wire: Wire) -> None:
        while not answered.wait(0.05):
            wire.answer(event(E, {11: 1}))

    with connected(fake(after_hello(script))):
        assert answered.wait(30)


def test_a_pong_does_not_wait_for_the_network(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that waits for us to read must not make the reader wait for the server."""

    def script(wire: Wire) -> None:
        wire.send_frame(PING, b"late")
        wire.answer(event(E, {11: 1}))
        (request,) = wire.requests()
        assert wire.pongs == [b"late"] or wire.frame() == (PONG, b"late")
        wire.answer(Success(request.message_id, 2))
        wire.until_goodbye()

    done = threading.Event()
    go = threading.Event()
    with connected(fake(after_hello(lambda wire: (go.wait(30), script(wire))))) as connection:
        connection.on_event = lambda change: done.set()
        monkeypatch.setattr(Stream, "can_send", lambda self: False)
        go.set()
        assert done.wait(30)
        monkeypatch.undo()
        # It goes with what is sent next, or a little before.
        assert stage(connection) == 2


def test_a_large_message_is_not_decoded_to_its_end_when_closed(fake: Fake) -> None:
    change = event(E, {11: 1})
    filler = Success(9, "a" * cbor.QUICK)

    def script(wire: Wire) -> None:
        wire.answer(change, filler, change, filler, change)
        wire.until_gone()

    seen: list[DataChange] = []
    go = threading.Event()
    with connected(fake(after_hello(lambda wire: (go.wait(PATIENCE), script(wire))))) as connection:

        def close(change: DataChange) -> None:
            seen.append(change)
            connection.close(graceful=False)

        connection.on_event = close
        go.set()
        assert connection.wait_ended(PATIENCE)
    assert len(seen) == 1


def test_full_buffers_both_ways_are_no_deadlock(fake: Fake, certificate: Certificate) -> None:
    """The server sends and sends, and never reads; we go on reading, and the deadline comes."""
    enough = threading.Event()
    message = encode_packets([event(E, {11: 1})] * 20)

    def script(wire: Wire) -> None:
        wire.receive(1)
        while not enough.is_set():
            wire.send_message(message)

    seen = threading.Event()

    def check(chosen: Certificate | None, seconds: float) -> None:
        seen.clear()
        with connected(fake(after_hello(script), chosen), PATIENCE) as connection:
            connection.on_event = lambda change: seen.set()
            late = rf"not take lookup within {seconds:g} s"
            with pytest.raises(DeadlineError, match=late) as caught:
                connection.execute([Lookup("x" * TOO_MUCH)], Deadline(seconds))
            assert caught.value.sent
            assert seen.is_set()
            # Half a message is out, so that was the end.
            assert "sending failed" in str(connection.ended)
            with pytest.raises(ConnectionLostError) as lost:
                stage(connection)
            assert not lost.value.sent

    try:
        for chosen in (None, certificate):
            with_more_time(functools.partial(check, chosen), 0.25)
    finally:
        enough.set()


def test_waiting_for_another_thread_to_send_sends_nothing(fake: Fake) -> None:
    began, go = threading.Event(), threading.Event()

    def script(wire: Wire) -> None:
        wire.receive_some()
        began.set()
        go.wait(30)
        Model().go_on(wire)

    server = fake(after_hello(script))
    with connected(server) as connection, ThreadPoolExecutor(2) as pool:
        sending = pool.submit(connection.execute, [Lookup("x" * TOO_MUCH)], Deadline(10))
        assert began.wait(30)
        with pytest.raises(DeadlineError, match="for other threads were sending") as caught:
            stage(connection, 0.05)
        assert not caught.value.sent
        waiting = pool.submit(stage, connection)
        go.set()
        assert waiting.result(30) == 2
        assert isinstance(sending.result(30)[0], UnknownElementError)
        assert connection.ended is None
    assert server.messages == 3


def test_a_send_that_fails_before_the_first_byte(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Stream, data: bytes, deadline: Deadline) -> None:
        raise SendError("Bad file descriptor")

    with connected(fake(after_hello(lambda wire: wire.until_goodbye()))) as connection:
        monkeypatch.setattr(Stream, "send", fail)
        with pytest.raises(ConnectionLostError, match="did not take get_stage: Bad") as caught:
            stage(connection)
        assert not caught.value.sent
        assert not connection.pending
        assert "sending failed: Bad file descriptor" in str(connection.ended)


# Ctrl-C.


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Return a function that interrupts the main thread, as Ctrl-C and a notebook's button do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_waiting_leaves_the_connection_usable(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = threading.Event()

    def script(wire: Wire) -> None:
        (first,) = wire.requests()
        arrived.set()
        (second,) = wire.requests()
        wire.answer(Success(first.message_id, 5), Success(second.message_id, 2))
        wire.until_goodbye()

    def interrupted(self: Batch, seconds: float) -> bool:
        assert arrived.wait(seconds)
        raise KeyboardInterrupt

    with connected(fake(after_hello(script))) as connection:
        monkeypatch.setattr(Batch, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stage(connection)
        monkeypatch.undo()
        assert not connection.pending
        assert stage(connection) == 2


def test_ctrl_c_while_sending(fake: Fake, ctrl_c: Callable[[], None]) -> None:
    def script(wire: Wire) -> None:
        wire.receive(1)
        ctrl_c()
        wire.until_gone()

    with connected(fake(after_hello(script))) as connection:
        with pytest.raises(KeyboardInterrupt):
            connection.execute([Lookup("x" * TOO_MUCH)], Deadline(2))
        # Half a message is out: the next caller learns it, and none waits for the deadline.
        assert connection.wait_ended(30)
        assert isinstance(connection.ended, ConnectionLostError)
        assert not connection.pending


def test_ctrl_c_while_connecting(fake: Fake, ctrl_c: Callable[[], None]) -> None:
    def script(wire: Wire) -> None:
        wire.upgrade()
        wire.requests()
        ctrl_c()
        wire.until_goodbye()

    with pytest.raises(KeyboardInterrupt):
        connect(fake(script), 1)


# Closing.


def test_closing(fake: Fake) -> None:
    server = fake(Model().serve)
    connection = connect(server)
    ends: list[XentaraError] = []
    connection.on_end = ends.append
    connection.close()
    connection.close()
    server.stop()

    assert server.wires[0].close_frame == close_frame(1000, "client closes")
    assert connection.wait_ended(0)
    assert [str(end) for end in ends] == ["the client has closed the connection"]
    assert str(connection.ended) == "the client has closed the connection"
    with pytest.raises(ConnectionLostError, match="the client has closed") as caught:
        stage(connection)
    assert not caught.value.sent


def test_a_connection_whose_owner_is_no_more_ends(fake: Fake) -> None:
    class Owner:
        pass

    server = fake(Model().serve)
    owner = Owner()
    connection = Connection(parse_address(server.url)[0], owner=weakref.ref(owner))
    connection.open(Credentials(USER, PASSWORD), Trust(), Deadline(5))
    assert stage(connection) == 2
    del owner
    assert connection.wait_ended(30)
    assert str(connection.ended) == "the client is no more"


def test_closing_while_others_wait(fake: Fake) -> None:
    asked = threading.Event()

    def script(wire: Wire) -> None:
        wire.requests()
        asked.set()
        wire.requests()

    connection = connect(fake(after_hello(script)))
    with ThreadPoolExecutor(9) as pool:
        waiting = pool.submit(stage, connection)
        assert asked.wait(30)
        for closing in [pool.submit(connection.close) for _ in range(8)]:
            closing.result(30)
        with pytest.raises(ConnectionLostError, match="the client has closed") as caught:
            waiting.result(30)
    assert caught.value.sent


@pytest.mark.parametrize("end", [False, True])
def test_closing_from_a_callback(fake: Fake, end: bool) -> None:
    def script(wire: Wire) -> None:
        wire.requests()
        if not end:
            wire.answer(event(E, {11: 1}))
            wire.until_goodbye()

    connection = connect(fake(after_hello(script)))
    closed: list[bool] = []

    def close(_: object) -> None:
        connection.close()
        closed.append(True)

    if end:
        connection.on_end = close
    else:
        connection.on_event = close
    with pytest.raises(ConnectionLostError):
        stage(connection)
    assert connection.wait_ended(30)
    assert closed == [True]


def test_closing_does_not_wait_for_a_server_without_a_close_frame(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xentara_nb.connection.connection.CLOSE_TIMEOUT", 0.05)
    closed = threading.Event()

    def script(wire: Wire) -> None:
        assert closed.wait(PATIENCE), "the client waits"

    connection = connect(fake(after_hello(script)))
    connection.close()
    assert connection.wait_ended(0)
    closed.set()


def test_closing_does_not_wait_for_a_thread_that_is_sending(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xentara_nb.connection.messages.CLOSE_TIMEOUT", 0.05)
    monkeypatch.setattr("xentara_nb.connection.connection.CLOSE_TIMEOUT", 0.05)
    began, done = threading.Event(), threading.Event()

    def script(wire: Wire) -> None:
        wire.receive(1)
        began.set()
        assert done.wait(PATIENCE), "the client waits"

    connection = connect(fake(after_hello(script)))
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(connection.execute, [Lookup("x" * TOO_MUCH)], Deadline(60))
        assert began.wait(30)
        connection.close()
        assert not sending.done() or sending.exception() is not None
        with pytest.raises(ConnectionLostError) as caught:
            sending.result(30)
        assert caught.value.sent
    done.set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_leaves_the_connection_to_its_parent(fake: Fake) -> None:
    with connected(fake(Model().serve)) as connection:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                stage(connection)
            except ConnectionLostError as error:
                if "belongs to the process that opened it" in str(error) and not error.sent:
                    connection.close()
                    code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert stage(connection) == 2


def test_what_a_forked_child_may_do(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect(fake(after_hello(lambda wire: None)))
    assert connection.wait_ended(30)  # a child does not have its parent's threads
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    with pytest.raises(ConnectionLostError, match="belongs to the process that opened it"):
        stage(connection)
    connection.close()  # only its own file descriptors


def test_requests_are_well_formed(fake: Fake) -> None:
    """What goes out is what the protocol's own tests have compared with the byte vectors."""
    messages: list[bytes] = []

    def script(wire: Wire) -> None:
        wire.upgrade()
        while True:
            messages.append(wire.message())
            packets = [r for r in decode_requests(messages[-1]) if isinstance(r, Request)]
            wire.answer(*Model().answers(packets))

    with connected(fake(script)) as connection:
        stage(connection)
    assert [message.hex() for message in messages] == ["818400010ea200010101", "8183000208"]


def test_gone_is_raised_for_a_client_that_has_gone(fake: Fake) -> None:
    """The fake server itself: a script learns that its client has gone."""
    seen: list[type[BaseException]] = []

    def script(wire: Wire) -> None:
        try:
            wire.requests()
        except ClientGoneError as error:
            seen.append(type(error))
            raise

    server = fake(after_hello(script))
    connect(server).close()
    server.stop()
    assert seen == [ClientGoneError]


def test_an_invalid_request_is_an_error_of_its_own(fake: Fake) -> None:
    def reply(wire: Wire, request: Request) -> None:
        wire.answer(Failure(request.message_id, server_error(-32600)))

    with connected(fake(answering(reply))) as connection:
        assert isinstance(stage(connection), InvalidRequestError)


# Reading in the thread that waits.


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads in which answers became complete."""
    names: list[str] = []
    done = Latch.set

    def noted(latch: Latch) -> None:
        names.append(threading.current_thread().name)
        done(latch)

    monkeypatch.setattr(Latch, "set", noted)
    return names


@pytest.mark.parametrize("tls", [False, True])
def test_who_waits_for_an_answer_reads_it(
    fake: Fake, certificate: Certificate, readers: list[str], tls: bool
) -> None:
    with connected(fake(Model.of_points(3).serve, certificate if tls else None)) as connection:
        for command in (GetStage(), Lookup("Point 0"), Read(UUID(int=1), (11,)), Read(E, (11,))):
            eventually(
                lambda command=command: (
                    ask_directly(connection, command) is not None and readers[-1] == "MainThread"
                )
            )
        readers.clear()
        connection.execute([Write(E, 11, 1.0)], Deadline(5.0))
        assert "MainThread" not in readers


def test_an_answer_that_is_here_already_is_not_waited_for(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[str] = []
    wait = Stream.wait

    def noted(stream: Stream, seconds: float) -> bool:
        waiting.append(threading.current_thread().name)
        return wait(stream, seconds)

    monkeypatch.setattr(Stream, "wait", noted)
    with connected(fake(Model().serve)) as connection:
        for _ in range(10):
            batch = connection.begin([GetStage()], Deadline(5.0))
            eventually(lambda batch=batch: batch.complete)
            waiting.clear()
            assert connection.finish(batch, Deadline(5.0), direct=True) == [2]
            assert "MainThread" not in waiting


def around(answer: bytes, other: bytes) -> dict[str, list[bytes]]:
    frame = frame_bytes(BINARY, answer)
    ping, stranger = frame_bytes(PING, b"?"), frame_bytes(BINARY, other)
    fragments = [frame_bytes(BINARY, answer[:2], last=False), frame_bytes(0, answer[2:])]
    return {
        "a ping before": [ping + frame],
        "a ping behind": [frame + ping],
        "a ping alone": [ping, frame],
        "an answer to nothing before": [stranger + frame],
        "an answer to nothing behind": [frame + stranger],
        "twice": [frame + frame],
        "in halves": [frame[:3], frame[3:]],
        "byte by byte": [frame[at : at + 1] for at in range(len(frame))],
        "in fragments": [fragments[0] + ping, fragments[1]],
        "the next one in halves": [frame + stranger[:2], stranger[2:]],
    }


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("kind", around(b"", b""))
def test_whatever_comes_with_an_answer(
    fake: Fake, certificate: Certificate, kind: str, tls: bool
) -> None:
    def reply(wire: Wire, request: Request) -> None:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answer = encode_packets([Success(request.message_id, request.message_id % 4)])
        odd = around(answer, encode_packets([Success(10_000, 3)]))[kind]
        for piece in [frame_bytes(BINARY, answer)] if request.message_id % 3 else odd:
            wire.send(piece)
            time.sleep(0.001)

    server = fake(answering(reply), certificate if tls else None)
    with connected(server) as connection:
        for message_id in range(2, 14):  # 1 was the hello
            assert ask_directly(connection) == message_id % 4


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no such signals here")
def test_a_signal_handler_may_ask_while_its_thread_reads(fake: Fake) -> None:
    """The answer that its thread waits for comes behind that to the handler."""
    answers: list[Any] = []

    def script(wire: Wire) -> None:
        wire.hello()
        for _ in range(3):
            wire.answer(*[Success(each.message_id, 2) for each in wire.requests()])
        (first,) = wire.requests()
        (second,) = wire.requests()
        wire.answer(Success(second.message_id, 3))
        wire.answer(Success(first.message_id, 1))
        wire.until_gone()

    with connected(fake(script)) as connection:
        before = signal.signal(signal.SIGALRM, lambda *_: answers.append(ask_directly(connection)))
        try:
            for _ in range(3):
                ask_directly(connection)
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            assert ask_directly(connection) == 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    assert answers == [3]


def test_a_signal_handler_at_any_place_of_asking_takes_no_id_twice(fake: Fake) -> None:
    class Noted(list[GetStage]):
        """Asks for something else while it is looked at, as a handler may that comes then."""

        def __len__(self) -> int:
            if not ids:
                ids.append(0)
                ids.append(connection.begin([GetStage()], Deadline(5.0)).first_id)
            return super().__len__()

    ids: list[int] = []
    with connected(fake(Model().serve)) as connection:
        batch = connection.begin(Noted([GetStage()]), Deadline(5.0))
        assert batch.first_id not in ids
