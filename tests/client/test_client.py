from __future__ import annotations

import json
import os
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from tests.conftest import Fake
from tests.support.clients import eventually, with_more_time
from tests.support.server import PASSWORD, USER, Model, Wire, answering, cut_after
from xentara_nb import Client
from xentara_nb.errors import (
    ConnectionLostError,
    DeadlineError,
    LoginError,
    ServerError,
    WriteOutcomeUnknownError,
    WriteRefusedError,
)
from xentara_nb.protocol.errors import AccessDeniedError, server_error
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.packets import Failure, Success
from xentara_nb.simulator import Simulator
from xentara_nb.tables.provenance import provenance_of


def silent(wire: Wire) -> None:
    wire.hello()
    while True:
        wire.requests()


# Showing itself.


def test_a_client_shows_itself(fake: Fake) -> None:
    server = fake(Model().serve)
    with server.connect() as client:
        client.get_stage()
        assert repr(client) == (
            f"<Xentara client, server: {server.url}, user: {USER}, protocol version: 1, "
            "stage: operational, access: read and write>"
        )
        html = client._repr_html_()
        for part in (server.url, USER, "operational", "read and write"):
            assert f">{part}</td>" in html
    assert repr(client).endswith(
        "stage: not connected: the client has closed the connection, access: read and write>"
    )


def test_a_client_that_is_read_only_says_so(fake: Fake) -> None:
    with fake(Model().serve).connect(read_only=True) as client:
        assert repr(client).endswith("access: read only>")


@pytest.mark.parametrize(("stage", "word"), [(5, "suspended"), (99, "99")])
def test_the_stage_that_was_last_known(fake: Fake, stage: int, word: str) -> None:
    with fake(Model(stage=stage).serve).connect() as client:
        client.get_stage()
        assert f"stage: {word}," in repr(client)


def test_html_is_escaped(fake: Fake) -> None:
    with fake(Model().serve).connect(user="<b>") as client:
        assert "<b>" not in client._repr_html_()
        assert "&lt;b&gt;" in client._repr_html_()


def test_showing_a_client_asks_the_server_nothing(fake: Fake) -> None:
    server = fake(silent)
    with server.connect() as client:
        for _ in range(2):
            assert "stage: not known" in repr(client)
            assert "not known" in client._repr_html_()
    server.stop()
    assert server.count(OpCode.GET_STAGE) == 0


def test_showing_a_client_opens_no_connection(fake: Fake) -> None:
    server = fake(cut_after(0))
    with server.connect() as client:
        eventually(lambda: client.ended)
        assert "stage: not connected: the connection to 127.0.0.1" in repr(client)
        assert len(server.wires) == 1


def test_after_a_stage_change_the_new_stage_is_known(client: Client) -> None:
    client.get_stage()
    client.suspend(confirm=True)
    assert "stage: suspended" in repr(client)
    client.resume(confirm=True)
    assert "stage: operational" in repr(client)


def test_everything_can_be_shown_when_connecting_fails(fake: Fake) -> None:
    server = fake(lambda wire: wire.refuse("401 Unauthorized"))
    with pytest.raises(LoginError) as caught:
        server.connect()
    shown = [
        repr(value)
        for frame, _ in traceback.walk_tb(caught.value.__traceback__)
        for value in frame.f_locals.values()
        if type(value).__module__.startswith("xentara_nb")
    ]
    assert shown
    assert not any(PASSWORD in text for text in shown)


# Where a frame came from.


def test_provenance(fake: Fake) -> None:
    server = fake(Model.of_points(2).serve)
    with server.connect() as client:
        for frame in (
            client.inventory(),
            client.browse(),
            client.meta_data("Point 0"),
            client.read("Point 0"),
        ):
            note = provenance_of(frame)
            assert note["server"] == server.url
            assert note["user"] == USER
            assert note["protocol_version"] == 1
            assert pd.Timestamp(note["taken_at"]).tz is not None
            assert PASSWORD not in json.dumps(note)
            assert "vanished" not in note
        assert provenance_of(client.inventory())["elements"] == 2


# Errors.


def test_a_server_error_says_what_was_being_done(fake: Fake) -> None:
    error = server_error(-32102, "not you")
    script = answering(lambda wire, request: wire.answer(Failure(request.message_id, error)))
    with fake(script).connect() as client:
        for call, what in (
            (client.get_stage, "get_stage"),
            (lambda: client.suspend(confirm=True), "suspend"),
            (client.server_information, "server_information"),
            (lambda: client.lookup("x"), "lookup of 'x'"),
            (client.browse, "browse of the root"),
            (lambda: client.unsubscribe(UUID(int=1)), "unsubscribe"),
        ):
            with pytest.raises(AccessDeniedError, match=f"^{what}: not you .-32102."):
                call()


def test_a_subscription_whose_end_is_not_answered(fake: Fake) -> None:
    server = fake(cut_after(1))
    with server.connect() as client:
        with pytest.raises(ConnectionLostError) as caught:
            client.unsubscribe(UUID(int=1))
        assert str(caught.value).endswith(
            "; unsubscribe was sent and may have taken effect, and is not sent again"
        )
        assert caught.value.sent
    assert server.count(OpCode.UNSUBSCRIBE) == 1

    def check(seconds: float) -> None:
        server = fake(silent)
        with (
            server.connect(timeout=seconds) as client,
            pytest.raises(DeadlineError, match="unsubscribe was sent and may have taken effect"),
        ):
            client.unsubscribe(UUID(int=1))
        assert server.count(OpCode.UNSUBSCRIBE) == 1

    with_more_time(check, 0.2)


def test_a_stage_change_that_was_not_sent(fake: Fake) -> None:
    server = fake(Model().serve)
    client = server.connect()
    client.close()
    with pytest.raises(ConnectionLostError, match="this client is closed") as caught:
        client.suspend(confirm=True)
    assert not caught.value.sent
    assert "may have taken effect" not in str(caught.value)


# A write is sent at most once.


@pytest.mark.parametrize(
    "answer",
    [
        lambda wire, request: wire.cut(),
        lambda wire, request: wire.send(b"\x82\x7e"),
        lambda wire, request: wire.send_message(b"\xff"),
        lambda wire, request: wire.answer(Success(request.message_id, "nonsense")),
        lambda wire, request: wire.answer(Success(99)),
    ],
    ids=["cut", "half a frame", "no CBOR", "nonsense", "another id"],
)
@pytest.mark.parametrize("verify", [False, True])
def test_a_write_whose_answer_is_lost(fake: Fake, answer: Any, verify: bool) -> None:
    model = Model.of_points(1)

    def script(wire: Wire) -> None:
        wire.hello()
        while True:
            requests = wire.requests()
            if requests[0].opcode == OpCode.WRITE:
                answer(wire, requests[0])
            else:
                wire.answer(*model.answers(requests))

    server = fake(script)
    with (
        server.connect(journal=False) as client,
        pytest.raises(WriteOutcomeUnknownError, match="Point 0"),
    ):
        client.write("Point 0", 5.0, timeout=0.3, verify=verify)
    assert server.count(OpCode.WRITE) == 1


def test_a_write_after_a_cut_goes_over_a_fresh_connection(fake: Fake) -> None:
    model = Model.of_points(1)
    cut = threading.Event()

    def script(wire: Wire) -> None:
        wire.hello()
        if wire.number == 0:
            cut.wait(30)
        else:
            model.go_on(wire)

    server = fake(script)
    with server.connect(journal=False) as client:
        cut.set()
        eventually(lambda: client.ended)
        client.write("Point 0", 5.0, verify=False)
    assert [command.value for command in model.written] == [5.0]
    assert len(server.wires) == 2


# A forked process.


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_gets_a_connection_of_its_own(fake: Fake) -> None:
    model = Model.of_points(2)
    server = fake(model.serve)
    with server.connect() as client, client.subscribe("Point 0") as subscription:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                assert "belongs to the process" in repr(client)
                assert client.read("Point 1", "value").value.item() == 1.0
                assert subscription.ended is not None
                client.close()
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert client.read("Point 1", "value").value.item() == 1.0
        assert subscription.ended is None
    assert len(server.wires) == 2


def test_read_only_is_refused_before_anything_is_sent(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = fake(Model().serve)
    with server.connect(read_only=True) as client:
        for change in (client.suspend, client.resume, client.shut_down):
            with pytest.raises(WriteRefusedError, match="read only"):
                change(confirm=True)
        assert client.get_stage() == 2
    with server.connect() as client:
        monkeypatch.setenv("XENTARA_READ_ONLY", "1")
        with pytest.raises(WriteRefusedError, match="XENTARA_READ_ONLY"):
            client.suspend(confirm=True)
        assert "access: read only" in repr(client)
    assert server.count(OpCode.SUSPEND) == 0


# Several threads, closing.


def test_many_threads_read_at_once(simulator: Simulator) -> None:
    with simulator.connect() as client:
        points = client.browse(categories="data point").primary_key.tolist()[:8]

        def work(key: str) -> None:
            for _ in range(50):
                frame = client.read(key, ["key", "category"])
                assert frame.value.tolist() == [key, "data point"]

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, points))


def test_many_threads_read_at_once_while_the_connection_is_cut(fake: Fake) -> None:
    model = Model.of_points(50)

    def script(wire: Wire) -> None:
        wire.hello()
        for _ in range(200 if wire.number < 3 else 10_000):
            wire.answer(*model.answers(wire.requests()))

    server = fake(script)
    with server.connect() as client:

        def work(number: int) -> int:
            lost = 0
            for turn in range(50):
                point = (number * 7 + turn) % 50
                try:
                    frame = client.read(UUID(int=point + 1), "value")
                except ConnectionLostError:
                    lost += 1  # cut twice in a row
                else:
                    assert frame.primary_key.item() == f"Point {point}"
                    assert frame.value.item() == float(point)
            return lost

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(work, range(8))) < 40
    assert 2 <= len(server.wires) <= 4


def test_closing_twice_and_from_another_thread(fake: Fake) -> None:
    server = fake(Model().serve)
    with server.connect() as client:
        with ThreadPoolExecutor(4) as pool:
            for closing in [pool.submit(client.close) for _ in range(4)]:
                closing.result(30)
        client.close()
        with pytest.raises(ConnectionLostError, match="this client is closed: connect again"):
            client.get_stage()


def test_an_interrupted_call_leaves_the_client_usable(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: object, seconds: float) -> bool:
        raise KeyboardInterrupt

    with fake(Model.of_points(3).serve).connect() as client:
        monkeypatch.setattr("xentara_nb.connection.batch.Batch.wait", interrupted)
        for call in (client.inventory, client.get_stage, lambda: client.read("Point 1")):
            with pytest.raises(KeyboardInterrupt):
                call()
        monkeypatch.undo()
        assert len(client.inventory()) == 6


def test_an_answer_that_is_nonsense_ends_the_call_only(fake: Fake) -> None:
    server = fake(
        answering(lambda wire, request: wire.answer(Success(request.message_id, "nonsense")))
    )
    with server.connect() as client:
        for _ in range(2):
            with pytest.raises(Exception, match="answer to get_stage must be an integer") as e:
                client.get_stage()
            assert not isinstance(e.value, ServerError)
    assert len(server.wires) == 1
