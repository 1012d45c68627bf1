from __future__ import annotations

import select
import threading

import pytest

from tests.conftest import Fake
from tests.support.server import BINARY, PASSWORD, PING, PONG, USER, Model, Wire
from xentara_nb.connection import probing, stream
from xentara_nb.connection.address import parse_address
from xentara_nb.connection.connection import Connection
from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.tls import Trust
from xentara_nb.protocol.commands import GetStage
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.packets import Request, Success, decode_requests


@pytest.mark.parametrize("watched", [True, False])
def test_a_server_that_hangs_is_noticed_by_those_who_watch(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, watched: bool
) -> None:
    monkeypatch.setattr(probing, "QUIET_TIME", 0.1)
    monkeypatch.setattr(stream, "READ_SLICE", 0.02)
    looks = threading.Semaphore(0)
    hang = threading.Event()

    def script(wire: Wire) -> None:
        wire.hello()
        if watched:
            for _ in range(2):
                opcode, payload = wire.frame()
                assert opcode == PING
                wire.send_frame(PONG, payload)
        hang.set()
        wire.until_gone()

    def look() -> bool:
        looks.release()
        return watched

    connection = Connection(parse_address(fake(script).url)[0], probe_timeout=0.3, watched=look)
    connection.open(Credentials(USER, PASSWORD), Trust(), Deadline(5))
    assert hang.wait(10)
    if watched:
        assert connection.wait_ended(10)
        assert "it has sent nothing for 0 s, and nothing has come for 0.3 s since" in str(
            connection.ended
        )
    else:
        for _ in range(20):  # each time it looks, it could ping
            assert looks.acquire(timeout=10)
        assert connection.ended is None
    connection.close(graceful=False)


def test_a_server_that_answers_no_pings_is_asked_for_its_stage(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "QUIET_TIME", 0.1)
    monkeypatch.setattr(stream, "READ_SLICE", 0.02)
    frames: list[int] = []
    asked = threading.Event()

    def script(wire: Wire) -> None:
        wire.hello()
        for _ in range(4):
            opcode, payload = wire.frame()
            frames.append(opcode)
            if opcode == BINARY:
                (request,) = decode_requests(payload)
                assert isinstance(request, Request)
                assert request.opcode == OpCode.GET_STAGE
                wire.answer(Success(request.message_id, 2))
        asked.set()
        wire.until_gone()

    connection = Connection(
        parse_address(fake(script).url)[0], probe_timeout=4.0, watched=lambda: True
    )
    connection.open(Credentials(USER, PASSWORD), Trust(), Deadline(5))
    assert asked.wait(20)
    assert frames == [PING, BINARY, BINARY, BINARY]  # it is pinged only once
    assert connection.ended is None
    connection.close(graceful=False)


def test_a_server_that_takes_its_time_to_answer_is_not_pinged(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "QUIET_TIME", 0.1)
    monkeypatch.setattr(stream, "READ_SLICE", 0.02)
    pinged = threading.Event()

    def script(wire: Wire) -> None:
        wire.hello()
        requests = wire.requests()
        if select.select([wire.sock], [], [], 0.4)[0]:
            pinged.set()
        wire.answer(*Model().answers(requests))
        wire.until_goodbye()

    connection = Connection(
        parse_address(fake(script).url)[0], probe_timeout=0.1, watched=lambda: True
    )
    connection.open(Credentials(USER, PASSWORD), Trust(), Deadline(5))
    assert connection.execute([GetStage()], Deadline(5)) == [2]
    assert not pinged.is_set()
    connection.close()
