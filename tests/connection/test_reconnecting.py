from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import Fake
from tests.support.clients import eventually, with_more_time
from tests.support.server import (
    BINARY,
    CLOSE,
    PASSWORD,
    PATIENCE,
    TEXT,
    TOO_MUCH,
    USER,
    FakeServer,
    Model,
    Script,
    Wire,
    answering,
    cut_after,
    event,
    frame_bytes,
    header,
)
from xentara_nb.connection import reading_turn
from xentara_nb.connection.address import parse_address
from xentara_nb.connection.batch import UnreadableAnswerError
from xentara_nb.connection.connection import Connection
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.reconnecting import (
    BATCH_SIZE,
    COLUMN,
    IN_FLIGHT,
    ReconnectingConnection,
    pipeline,
)
from xentara_nb.connection.tls import Trust
from xentara_nb.errors import (
    ConnectionForbiddenError,
    ConnectionLostError,
    DeadlineError,
    LoginError,
    NotXentaraError,
    OptionError,
    PathNotFoundError,
    ServerUnreachableError,
    XentaraError,
)
from xentara_nb.protocol.codec.columns import ColumnReads
from xentara_nb.protocol.commands import Command, DataChange, GetStage, Lookup, Suspend, Write
from xentara_nb.protocol.errors import AccessDeniedError, UnknownElementError, server_error
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.packets import Failure, Success, encode_packets

E = UUID(int=1)
LOOKUPS = [Lookup(f"Point {number}") for number in range(10)]


class Watched(ReconnectingConnection):
    """A connection that notes what it reports."""

    def __init__(
        self,
        server: FakeServer,
        timeout: float = 5.0,
        on_renewal: Callable[[], object] = lambda: None,
        on_events: Callable[[bytes], bool] | None = None,
    ) -> None:
        self.events: list[DataChange] = []
        self.told: list[str] = []
        self.seen = threading.Event()
        self.over = threading.Event()
        super().__init__(
            parse_address(server.url)[0],
            Credentials(USER, PASSWORD),
            Trust(),
            timeout,
            on_event=self._take,
            on_renewal=lambda: (self.told.append("renewal"), on_renewal()),
            on_end=self._note_end,
            on_events=on_events,
        )
        self.connection()

    def _take(self, change: DataChange) -> None:
        self.events.append(change)
        self.seen.set()

    def _note_end(self, reason: XentaraError) -> None:
        self.told.append(f"end: {reason}")
        self.over.set()

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def stage(self) -> Any:
        (result,) = self.ask([GetStage()])
        return result

    def wait_for_end(self) -> None:
        assert self.over.wait(30)
        assert self.ended is not None
        self.over.clear()


def by_turns(*scripts: Script) -> Script:
    """Return a script that does something else on every connection; the last one from then on."""

    def script(wire: Wire) -> None:
        scripts[min(wire.number, len(scripts) - 1)](wire)

    return script


def test_a_good_connection(fake: Fake) -> None:
    server = fake(Model.of_points(9).serve)
    with Watched(server) as reconnecting:
        assert reconnecting.protocol_version == 1
        assert reconnecting.ended is None
        results = list(reconnecting.ask(LOOKUPS))
        assert results[:9] == [UUID(int=number + 1) for number in range(9)]
        assert isinstance(results[9], UnknownElementError)
        assert list(reconnecting.ask([])) == []
        assert reconnecting.send_once(GetStage()) == 2
        assert reconnecting.told == []
    assert len(server.wires) == 1
    assert reconnecting.told == ["end: the client has closed the connection"]


def test_no_connection_at_all(fake: Fake) -> None:
    with pytest.raises(LoginError):
        Watched(fake(lambda wire: wire.refuse("401 Unauthorized")))


def test_events_come_through_also_on_a_fresh_connection(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*Model().answers(wire.requests()))
        wire.answer(event(E, {11: wire.number}))
        wire.requests()

    with Watched(fake(script)) as reconnecting:
        for number in range(2):
            assert reconnecting.stage() == 2
            assert reconnecting.seen.wait(30)
            reconnecting.seen.clear()
            assert [change.values for change in reconnecting.events] == [
                {11: n} for n in range(number + 1)
            ]
            with pytest.raises(ConnectionLostError):
                reconnecting.send_once(GetStage())
            reconnecting.wait_for_end()


# Telling of it.


def test_listeners_are_told_of_the_end_and_of_the_next_beginning(fake: Fake) -> None:
    server = fake(by_turns(cut_after(1), Model().serve))
    with Watched(server) as reconnecting:
        told: list[XentaraError | None] = []
        assert not reconnecting.watched
        stop = reconnecting.listen(told.append)
        assert reconnecting.watched
        reconnecting.stage()
        assert told[1:] == [None]
        assert "closed the connection" in str(told[0]) or "lost" in str(told[0])
        reconnecting.stage()
        reconnecting.close()
        reconnecting.close()
        assert len(told) == 3
        assert "this client is closed" in str(told[2])
        stop()
        stop()
        assert not reconnecting.watched


def test_a_client_that_is_closed_after_the_end_is_told_so(fake: Fake) -> None:
    with Watched(fake(cut_after(0))) as reconnecting:
        told: list[str] = []
        reconnecting.wait_for_end()
        reconnecting.listen(lambda reason: told.append(str(reason)))
        reconnecting.close()
        assert ["this client is closed" in reason for reason in told][-1:] == [True]


def test_a_listener_that_fails_disturbs_no_other(
    fake: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(reason: XentaraError | None) -> None:
        raise ValueError("not so")

    server = fake(by_turns(cut_after(1), Model().serve))
    with Watched(server) as reconnecting:
        told: list[XentaraError | None] = []
        reconnecting.listen(fail)
        reconnecting.listen(told.append)
        assert reconnecting.stage() == 2
        assert told[-1] is None
    assert "a function that is told of the connection failed" in caplog.text


# Asking again.


def test_a_connection_that_has_ended_is_renewed(fake: Fake) -> None:
    server = fake(by_turns(cut_after(0), Model().serve))
    with Watched(server) as reconnecting:
        reconnecting.wait_for_end()
        assert [text[:10] for text in reconnecting.told] == ["end: the c"]
        assert reconnecting.stage() == 2
        assert reconnecting.told[1:] == ["renewal"]
        assert reconnecting.ended is None
    assert len(server.wires) == 2
    assert [header(w.received.decode("latin-1"), "Authorization") for w in server.wires] == [
        Credentials(USER, PASSWORD).authorization()
    ] * 2


def test_a_question_is_asked_once_more(fake: Fake) -> None:
    server = fake(by_turns(cut_after(1), Model().serve))
    with Watched(server) as reconnecting:
        assert reconnecting.stage() == 2
    assert server.count(OpCode.GET_STAGE) == 2
    assert len(server.wires) == 2


def test_and_never_twice(fake: Fake) -> None:
    server = fake(by_turns(cut_after(1), cut_after(1), Model().serve))
    with Watched(server) as reconnecting:
        with pytest.raises(ConnectionLostError, match="the server has gone"):
            reconnecting.stage()
        assert server.count(OpCode.GET_STAGE) == 2
        assert reconnecting.stage() == 2


def test_no_question_is_repeated_that_was_not_answered_in_time(fake: Fake) -> None:
    def script(wire: Wire) -> None:
        wire.hello()
        wire.requests()
        Model().go_on(wire)

    server = fake(script)
    with Watched(server) as reconnecting:
        reconnecting.timeout = 0.05
        with pytest.raises(DeadlineError):
            reconnecting.stage()
        reconnecting.timeout = PATIENCE
        assert reconnecting.stage() == 2
    assert server.count(OpCode.GET_STAGE) == 2
    assert len(server.wires) == 1


def test_what_was_answered_is_not_asked_again(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xentara_nb.connection.reconnecting.BATCH_SIZE", 4)
    monkeypatch.setattr("xentara_nb.connection.reconnecting.MAX_IN_FLIGHT", 1)
    model = Model.of_points(10)

    def first(wire: Wire) -> None:
        wire.hello()
        wire.answer(*model.answers(wire.requests()))
        wire.requests()

    server = fake(by_turns(first, model.serve))
    with Watched(server) as reconnecting:
        results = list(reconnecting.ask(LOOKUPS))
    assert results == [UUID(int=number + 1) for number in range(10)]
    asked = [r.parameters[0] for r in server.seen if r.opcode == OpCode.LOOKUP]
    assert asked[:4] == [f"Point {number}" for number in range(4)]
    assert [asked.count(f"Point {number}") for number in range(10)] == [1] * 4 + [2] * 4 + [1] * 2


@pytest.mark.parametrize("seed", range(15))
def test_a_cut_at_any_byte_changes_nothing(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The first connection ends after some bytes of the answers, wherever that is."""
    monkeypatch.setattr("xentara_nb.connection.reconnecting.BATCH_SIZE", 4)
    monkeypatch.setattr("xentara_nb.connection.reconnecting.IN_FLIGHT", 2)
    model = Model.of_points(10)
    left = random.Random(seed).randrange(700)

    def cutting(wire: Wire) -> None:
        wire.hello()
        wire.cut_after(left)
        model.go_on(wire)

    server = fake(by_turns(cutting, model.serve))
    with Watched(server) as reconnecting:
        results = list(reconnecting.ask(LOOKUPS * 4))
    assert results == [UUID(int=number + 1) for number in range(10)] * 4
    assert len(server.wires) <= 2


def test_a_server_that_does_not_come_back(fake: Fake) -> None:
    server = fake(cut_after(1))
    with Watched(server, on_renewal=server.stop) as reconnecting:
        with pytest.raises(ServerUnreachableError):
            reconnecting.stage()
        assert reconnecting.told[-1] == "renewal"


def test_a_server_that_does_not_let_us_in_again(fake: Fake) -> None:
    with Watched(fake(by_turns(cut_after(1), lambda w: w.refuse("401 No")))) as reconnecting:
        for _ in range(2):
            with pytest.raises(LoginError, match="does not accept tester any more"):
                reconnecting.stage()


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (lambda w: w.send(b"SSH-2.0\r\n"), NotXentaraError, "not HTTP"),
        (lambda w: w.head(), NotXentaraError, "closed the connection without an answer"),
        (lambda w: w.refuse("503 No"), NotXentaraError, "now answers with HTTP status 503"),
        (lambda w: w.refuse("404 No"), PathNotFoundError, "now answers with HTTP status 404"),
        (lambda w: w.refuse("302 No"), NotXentaraError, "now answers with HTTP status 302"),
        (lambda w: w.upgrade(), NotXentaraError, "did not answer client_hello"),
    ],
    ids=["no HTTP", "nothing", "503", "404", "302", "no hello"],
)
def test_a_server_that_answers_otherwise_than_before(
    fake: Fake, answer: Script, kind: type[XentaraError], said: str
) -> None:
    # It may be restarting, and the address was right: no one is to look for an error there.
    with Watched(fake(by_turns(cut_after(1), answer))) as reconnecting:
        with pytest.raises(kind, match=said) as caught:
            reconnecting.stage()
        assert "host and port are right" in str(caught.value)
        assert "check" not in str(caught.value)


def test_a_client_that_is_let_in_no_more(fake: Fake) -> None:
    with (
        Watched(fake(by_turns(cut_after(1), lambda w: w.refuse("403 No")))) as reconnecting,
        pytest.raises(ConnectionForbiddenError, match="connect any more"),
    ):
        reconnecting.stage()


# Sending once.


@pytest.mark.parametrize("command", [Write(E, 11, 1.0), Suspend(), GetStage()])
def test_what_is_sent_once_is_sent_once(fake: Fake, command: Any) -> None:
    server = fake(by_turns(cut_after(1), Model().serve))
    with Watched(server) as reconnecting:
        with pytest.raises(ConnectionLostError) as caught:
            reconnecting.send_once(command)
        assert caught.value.sent
        assert server.count(command.opcode) == 1
        reconnecting.stage()
    assert server.count(command.opcode) == 1 + (command.opcode == OpCode.GET_STAGE)


def test_it_goes_over_a_fresh_connection_when_the_last_has_ended(fake: Fake) -> None:
    model = Model()
    server = fake(by_turns(cut_after(0), model.serve))
    with Watched(server) as reconnecting:
        reconnecting.wait_for_end()
        assert reconnecting.send_once(Write(E, 11, 1.0)) is None
    assert len(model.written) == 1
    assert server.wires[0].received.count(b"\x82") >= 1  # the hello, and nothing after it
    assert [request.opcode for request in server.seen] == [14, 14, 5]


@pytest.mark.parametrize("last", [CLOSE, TEXT])
def test_also_when_the_last_ended_while_no_one_read(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    """Even if the thread that reads has something else to do before it comes to the end."""
    monkeypatch.setattr(reading_turn, "REST", 0.3)
    stranger = encode_packets([Success(10_000, 3)])
    begun = threading.Event()
    model = Model()

    def first(wire: Wire) -> None:
        wire.hello()
        for _ in range(3):
            wire.answer(*model.answers(wire.requests()))
        time.sleep(0.01)  # it rests
        wire.send(frame_bytes(BINARY, stranger) + frame_bytes(last, b"\x03\xe8"))
        wire.until_gone()

    def slowly(message: bytes) -> bool:
        if message == stranger:
            begun.set()
            time.sleep(0.1)
        return False

    server = fake(by_turns(first, model.serve))
    with Watched(server, on_events=slowly) as reconnecting:
        for _ in range(3):
            assert reconnecting.stage() == 2
        assert begun.wait(30)
        assert reconnecting.send_once(Write(E, 11, 1.0)) is None
    assert server.count(OpCode.WRITE) == 1


def test_a_cut_before_it_was_sent(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = threading.Event()
    server = fake(by_turns(lambda wire: (wire.hello(), cut.wait(30)), Model().serve))
    with Watched(server) as reconnecting:
        connection = reconnecting.connection()
        cut.set()
        reconnecting.wait_for_end()
        # The end was not noticed in time.
        monkeypatch.setattr(Connection, "ended", None)
        with pytest.raises(ConnectionLostError) as caught:
            reconnecting.send_once(Write(E, 11, 1.0))
        monkeypatch.undo()
        assert not caught.value.sent
        assert connection.ended is not None
    assert server.count(OpCode.WRITE) == 0


def test_no_answer_in_time(fake: Fake) -> None:
    def check(seconds: float) -> None:
        server = fake(lambda wire: (wire.hello(), wire.requests(), wire.until_goodbye()))
        with Watched(server) as reconnecting:
            with pytest.raises(DeadlineError, match=f"within {seconds:g} s") as caught:
                reconnecting.send_once(Suspend(), seconds)
            assert caught.value.sent
            with pytest.raises(OptionError, match="makes no sense"):
                reconnecting.send_once(Suspend(), 0)
        assert server.count(OpCode.SUSPEND) == 1

    with_more_time(check, 0.05)


def test_an_answer_that_cannot_be_read(fake: Fake) -> None:
    script = answering(lambda wire, request: wire.answer(Success(request.message_id, [1])))
    with Watched(fake(script)) as reconnecting, pytest.raises(UnreadableAnswerError) as caught:
        reconnecting.send_once(Write(E, 11, 1.0))
    assert caught.value.sent


def test_a_server_error_is_a_result(fake: Fake) -> None:
    error = server_error(-32102)
    script = answering(lambda wire, request: wire.answer(Failure(request.message_id, error)))
    with Watched(fake(script)) as reconnecting:
        assert isinstance(reconnecting.send_once(Suspend()), AccessDeniedError)


# Closing.


def test_a_closed_one_connects_no_more(fake: Fake) -> None:
    server = fake(Model().serve)
    reconnecting = Watched(server)
    reconnecting.close()
    reconnecting.close()
    for attempt in (
        reconnecting.stage,
        lambda: reconnecting.send_once(GetStage()),
        reconnecting.connection,
    ):
        with pytest.raises(ConnectionLostError, match="this client is closed: connect again") as e:
            attempt()
        assert not e.value.sent
    assert len(server.wires) == 1


def test_closing_in_the_middle_of_a_question(fake: Fake) -> None:
    asked = threading.Event()

    def script(wire: Wire) -> None:
        wire.hello()
        wire.requests()
        asked.set()
        wire.until_goodbye()

    server = fake(script)
    reconnecting = Watched(server)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(reconnecting.stage)
        assert asked.wait(30)
        reconnecting.close()
        with pytest.raises(ConnectionLostError, match="the client has closed"):
            waiting.result(30)
    assert len(server.wires) == 1


def test_closing_while_another_thread_connects(fake: Fake) -> None:
    """It does not wait, and what that thread has opened is closed by it."""
    connecting, closed = threading.Event(), threading.Event()

    def slow(wire: Wire) -> None:
        connecting.set()
        assert closed.wait(30)
        Model().serve(wire)

    server = fake(by_turns(cut_after(1), slow))
    reconnecting = Watched(server)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(reconnecting.stage)
        assert connecting.wait(30)
        reconnecting.close()
        closed.set()
        with pytest.raises(ConnectionLostError, match="this client is closed"):
            waiting.result(30)
    server.join()
    assert server.wires[1].close_frame is not None
    assert server.count(OpCode.GET_STAGE) == 1


# Several threads.


def test_many_threads_share_one_fresh_connection(fake: Fake) -> None:
    server = fake(by_turns(cut_after(0), Model().serve))
    with Watched(server) as reconnecting, ThreadPoolExecutor(8) as pool:
        reconnecting.wait_for_end()
        results = list(pool.map(lambda _: reconnecting.stage(), range(32)))
    assert results == [2] * 32
    assert len(server.wires) == 2
    assert reconnecting.told.count("renewal") == 1


def test_waiting_for_another_thread_to_connect_ends_in_time(fake: Fake) -> None:
    def check(seconds: float) -> None:
        connecting, enough = threading.Event(), threading.Event()

        def slow(wire: Wire) -> None:
            connecting.set()
            enough.wait(30)

        with Watched(fake(by_turns(cut_after(0), slow))) as reconnecting:
            reconnecting.wait_for_end()
            reconnecting.timeout = 20 * seconds
            with ThreadPoolExecutor(1) as pool:
                first = pool.submit(reconnecting.stage)
                assert connecting.wait(30)
                reconnecting.timeout = seconds
                with pytest.raises(DeadlineError, match="another thread has not") as caught:
                    reconnecting.stage()
                assert not caught.value.sent
                with pytest.raises(DeadlineError, match="did not answer the log-in"):
                    first.result(90)
            enough.set()

    with_more_time(check, 0.05)


def test_the_end_of_an_old_connection_is_not_told_of_the_new_one(fake: Fake) -> None:
    """The old one's thread may be slow: by then, others have subscribed on the new one."""
    cut = threading.Event()
    server = fake(by_turns(lambda wire: (wire.hello(), cut.wait(30)), Model().serve))
    late: list[XentaraError] = []
    with Watched(server) as reconnecting:
        old = reconnecting.connection()
        report, old.on_end = old.on_end, late.append
        cut.set()
        assert old.wait_ended(30)
        assert reconnecting.told == []
        assert reconnecting.stage() == 2
        assert reconnecting.told[0].startswith("end: ")
        assert reconnecting.told[1:] == ["renewal"]
        assert report is not None
        report(late[0])
        assert len(reconnecting.told) == 2


# A connection that is frozen: nothing comes any more, and nothing closes it.


def frozen(wire: Wire) -> None:
    """Say hello, and read from then on without a word; a script."""
    wire.hello()
    wire.until_gone()


def test_a_frozen_connection_is_left_for_a_fresh_one(fake: Fake) -> None:
    def check(seconds: float) -> None:
        server = fake(by_turns(frozen, Model().serve))
        with Watched(server, seconds) as reconnecting:
            with pytest.raises(DeadlineError, match="did not answer get_stage"):
                reconnecting.stage()
            # The time-out is that of the probe and of the fresh connection as well.
            assert reconnecting.stage() == 2
            assert "not even the answer to a ping or to get_stage" in reconnecting.told[0]
            assert reconnecting.told[1:] == ["renewal"]

    with_more_time(check, 0.3)


def test_a_frozen_connection_ends_also_when_nothing_more_is_asked(fake: Fake) -> None:
    def check(seconds: float) -> None:
        with Watched(fake(frozen), seconds) as reconnecting:
            with pytest.raises(DeadlineError):
                reconnecting.stage()
            reconnecting.wait_for_end()
            assert f"nothing has come for {seconds / 2:g} s since" in reconnecting.told[0]

    with_more_time(check, 0.2)


def test_what_changes_something_is_sent_once_over_a_frozen_connection(fake: Fake) -> None:
    def check(seconds: float) -> None:
        server = fake(by_turns(frozen, Model().serve))
        with Watched(server, seconds) as reconnecting:
            with pytest.raises(DeadlineError) as caught:
                reconnecting.send_once(Suspend())
            assert caught.value.sent
            assert reconnecting.stage() == 2
        assert server.count(OpCode.SUSPEND) == 0  # on the second connection
        assert len(server.wires) == 2

    with_more_time(check, 0.3)


def test_a_slow_server_is_not_left(fake: Fake) -> None:
    """It answers pings, and each request after a while."""

    def slow(wire: Wire) -> None:
        wire.hello()
        (first,) = wire.requests()
        (second,) = wire.requests()  # the ping before it is answered
        wire.answer(Success(first.message_id, 5), Success(second.message_id, 2))
        wire.until_goodbye()

    def check(seconds: float) -> None:
        server = fake(slow)
        with Watched(server, seconds) as reconnecting:
            with pytest.raises(DeadlineError):
                reconnecting.stage()
            assert not reconnecting.over.wait(2 * seconds)
            assert reconnecting.stage() == 2
        assert server.wires[0].pings == 1

    with_more_time(check, 0.3)


def test_an_answer_that_is_long_on_its_way_keeps_the_connection(fake: Fake) -> None:
    """The server reads nothing meanwhile, and answers no ping."""

    def check(seconds: float) -> None:
        sent = threading.Event()

        def drips(wire: Wire) -> None:
            wire.hello()
            (first,) = wire.requests()
            answer = encode_packets([Failure(first.message_id, server_error(-32100, "x" * 60))])
            for byte in frame_bytes(BINARY, answer):
                wire.send(bytes([byte]))
                time.sleep(seconds / 20)  # so all of them take longer than call and probe
            sent.set()
            Model().go_on(wire)

        server = fake(drips)
        with Watched(server, seconds) as reconnecting:
            with pytest.raises(DeadlineError):
                reconnecting.stage()
            assert sent.wait(8 * seconds)
            assert not reconnecting.over.is_set()
            assert reconnecting.stage() == 2
        assert len(server.wires) == 1

    with_more_time(check, 0.4)


def test_a_server_that_takes_a_long_message_is_not_left(fake: Fake) -> None:
    """It answers nothing, and no ping, before it has taken all of it."""

    def check(seconds: float) -> None:
        def takes_its_time(wire: Wire) -> None:
            wire.hello()
            (first,) = wire.requests()
            for _ in range(12):
                time.sleep(seconds / 4)
                wire.receive_some()
            (second,) = wire.requests()
            wire.answer(Success(first.message_id, 2), Success(second.message_id, E))
            wire.until_goodbye()

        server = fake(takes_its_time)
        with Watched(server, seconds) as reconnecting, ThreadPoolExecutor(1) as pool:
            asking = pool.submit(reconnecting.stage)
            eventually(lambda: server.count(OpCode.GET_STAGE))
            assert reconnecting.send_once(Lookup("x" * TOO_MUCH), timeout=30) == E
            with pytest.raises(DeadlineError):
                asking.result(5 + seconds)
        assert len(server.wires) == 1

    with_more_time(check, 0.4)


def test_a_server_that_answers_pings_and_nothing_else(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs(wire: Wire) -> None:
        wire.hello()
        wire.until_goodbye()

    def check(seconds: float) -> None:
        monkeypatch.setattr("xentara_nb.connection.probing.HANG_TIMEOUT", 1.5 * seconds)
        server = fake(by_turns(hangs, Model().serve))
        with Watched(server, seconds) as reconnecting:
            for _ in range(3):  # the third one has waited twice as long since the first failed
                with pytest.raises(DeadlineError):
                    reconnecting.stage()
            assert reconnecting.stage() == 2
            assert "it has answered nothing for" in reconnecting.told[0]

    with_more_time(check, 0.2)


def test_a_call_keeps_its_deadline_when_it_has_to_connect_again(fake: Fake) -> None:
    """Connecting, asking and asking again share the time of one call."""

    def check(seconds: float) -> None:
        def slow(wire: Wire) -> None:
            time.sleep(0.8 * seconds)
            wire.hello()
            wire.requests()
            wire.until_gone()

        with Watched(fake(by_turns(cut_after(1), slow)), seconds) as reconnecting:
            begin = time.monotonic()
            with pytest.raises(DeadlineError, match=f"within {seconds:g} s"):
                reconnecting.stage()
            assert time.monotonic() - begin < 1.5 * seconds

    with_more_time(check, 0.3)


Sizes = Callable[..., None]


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> Sizes:
    """Set how many commands go into a message, and how many messages are in flight."""

    def chosen(batch_size: int, in_flight: int = IN_FLIGHT) -> None:
        monkeypatch.setattr("xentara_nb.connection.reconnecting.BATCH_SIZE", batch_size)
        monkeypatch.setattr("xentara_nb.connection.reconnecting.IN_FLIGHT", in_flight)
        # Also where the first answer takes long, on a busy machine.
        monkeypatch.setattr("xentara_nb.connection.reconnecting.MAX_IN_FLIGHT", in_flight)

    return chosen


@contextmanager
def connected(server: FakeServer) -> Iterator[Connection]:
    address, _ = parse_address(server.url)
    connection = Connection(address)
    connection.open(Credentials(USER, PASSWORD), Trust(), Deadline(5))
    try:
        yield connection
    finally:
        connection.close()


@pytest.mark.parametrize(("size", "messages"), [(1, 10), (3, 4), (5, 2), (10, 1), (11, 1)])
@pytest.mark.parametrize("in_flight", [1, 2, 20])
def test_results_in_order_in_as_few_messages_as_wanted(
    fake: Fake, sizes: Sizes, size: int, messages: int, in_flight: int
) -> None:
    sizes(size, in_flight)
    server = fake(Model.of_points(9).serve)
    with connected(server) as connection:
        batches = [batch for batch in pipeline(connection, LOOKUPS, 5) if batch]

    assert [len(batch) for batch in batches] == [size] * (10 // size) + [10 % size] * (
        10 % size > 0
    )
    results = [result for batch in batches for result in batch]
    assert results[:9] == [UUID(int=number + 1) for number in range(9)]
    assert isinstance(results[9], UnknownElementError)
    assert server.messages == 1 + messages


def test_nothing_to_send(fake: Fake) -> None:
    server = fake(Model().serve)
    with connected(server) as connection:
        assert list(pipeline(connection, [], 5)) == []
    assert server.messages == 1


def test_so_many_are_in_flight_and_no_more(fake: Fake, sizes: Sizes) -> None:
    sizes(1, 3)
    model = Model.of_points(10)
    waiting: list[int] = []

    def script(wire: Wire) -> None:
        wire.hello()
        held = [wire.requests() for _ in range(3)]
        # A fourth message comes only after the first was answered.
        waiting.append(wire.server.messages - 1)
        wire.answer(*model.answers(held.pop(0)))
        held.append(wire.requests())
        for requests in held:
            wire.answer(*model.answers(requests))
        model.go_on(wire)

    with connected(fake(script)) as connection:
        batches = pipeline(connection, LOOKUPS, 5)
        assert [len(batch) for batch in batches] == [1] * 10
    assert waiting == [3]


def test_each_batch_has_the_whole_time(
    fake: Fake, sizes: Sizes, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes(5)
    budgets: list[float] = []

    def watched(seconds: float) -> Deadline:
        budgets.append(seconds)
        return Deadline(seconds)

    with connected(fake(Model.of_points(10).serve)) as connection:
        monkeypatch.setattr("xentara_nb.connection.reconnecting.deadline_of_call", watched)
        list(pipeline(connection, LOOKUPS, 3.5))
    assert budgets == [3.5] * 3  # from the beginning, and from each answer on


def test_closing_the_results_early_leaves_nothing_behind(fake: Fake, sizes: Sizes) -> None:
    sizes(2, 4)
    answer = threading.Event()

    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*Model.of_points(10).answers(wire.requests()))
        answer.wait(30)
        wire.until_goodbye()

    with connected(fake(script)) as connection:
        batches = pipeline(connection, LOOKUPS, 5)
        next(batches)
        assert connection.pending == 6
        batches.close()
        assert not connection.pending
        answer.set()


def test_a_server_that_stops_answering(fake: Fake, sizes: Sizes) -> None:
    sizes(2)

    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*Model.of_points(10).answers(wire.requests()))
        wire.until_goodbye()

    with connected(fake(script)) as connection:
        batches = pipeline(connection, LOOKUPS, 0.05, Deadline(PATIENCE))
        assert len(next(batches)) == 2
        with pytest.raises(DeadlineError, match=r"did not answer 2 x lookup within 0.05 s"):
            next(batches)
        assert not connection.pending


def test_a_connection_that_ends_on_the_way(fake: Fake, sizes: Sizes) -> None:
    sizes(4, 2)

    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*Model.of_points(10).answers(wire.requests()))
        wire.requests()

    with connected(fake(script)) as connection:
        batches = pipeline(connection, LOOKUPS, 5)
        assert len(next(batches)) == 4
        with pytest.raises(ConnectionLostError):
            next(batches)


def test_what_is_measured_to_be_fast() -> None:
    assert 256 <= BATCH_SIZE <= 1024
    assert IN_FLIGHT == 8


def test_something_can_be_done_when_a_single_message_is_sent(fake: Fake) -> None:
    server = fake(Model(stage=5).serve)
    with connected(server) as connection:
        batches = pipeline(connection, [GetStage()], 5)
        assert next(batches) == ()
        eventually(lambda: server.messages == 2)
        assert list(batches) == [[5]]
        # Who does not go on waits for nothing any more.
        batches = pipeline(connection, [GetStage()], 5)
        next(batches)
        batches.close()
        assert connection.pending == 0


class Line:
    """Stands for a connection over a slow network, and counts the messages on their way."""

    def __init__(self, round_trip: float) -> None:
        self.round_trip = round_trip
        self.on_their_way = self.most = 0

    def begin(self, commands: Sequence[Command[Any]], deadline: Deadline) -> Sequence[Any]:
        self.on_their_way += 1
        self.most = max(self.most, self.on_their_way)
        return commands

    def finish(self, batch: Sequence[Any], deadline: Deadline) -> Sequence[Any]:
        self.on_their_way -= 1
        return batch


@pytest.mark.parametrize(
    ("round_trip", "most"), [(0.0, 8), (0.02, 8), (0.06, 24), (0.2, 64), (20.0, 64)]
)
def test_the_longer_answers_are_on_their_way_the_more_messages_wait(
    round_trip: float, most: int
) -> None:
    line: Any = Line(round_trip)
    commands = LOOKUPS * (BATCH_SIZE * 70 // len(LOOKUPS))
    assert [*chain.from_iterable(pipeline(line, commands, 5))] == commands
    assert line.most == most


def test_a_column_is_asked_for_in_fewer_messages() -> None:
    line: Any = Line(0.0)
    column = ColumnReads([UUID(int=number) for number in range(10_000)], 11)
    batches = list(pipeline(line, column, 5))
    assert [*map(len, batches)] == [COLUMN * BATCH_SIZE] * 4 + [10_000 - 4 * COLUMN * BATCH_SIZE]
    assert line.most == IN_FLIGHT // COLUMN  # no more requests than otherwise


def test_the_shortest_round_trip_counts(fake: Fake) -> None:
    server = fake(Model.of_points(9).serve)
    with connected(server) as connection:
        before = connection.round_trip
        assert before > 0
        for _ in range(3):
            connection.execute(LOOKUPS[:1], Deadline(PATIENCE))
            assert 0 < connection.round_trip <= before
            before = connection.round_trip
