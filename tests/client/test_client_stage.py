from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import serialization

import xentara_nb
from tests.conftest import Fake
from tests.support.certificates import Certificate
from tests.support.server import PASSWORD, Model, Wire
from xentara_nb import Client, Outcome
from xentara_nb.errors import OptionError, WriteRefusedError
from xentara_nb.protocol.errors import (
    AccessDeniedError,
    InvalidStageChangeRequestError,
    UnknownSessionIdError,
)
from xentara_nb.protocol.identifiers import OpCode, Stage
from xentara_nb.protocol.packets import Success
from xentara_nb.simulator import Simulator

SESSION = UUID(int=4711)


class Server:
    """Answers everything with success, and notes the parameters."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, Any]] = []

    def serve(self, wire: Wire) -> None:
        wire.hello()
        while True:
            for request in wire.requests():
                self.seen.append((request.opcode, request.parameters))
                if request.opcode == OpCode.CREATE_SUB_SESSION:
                    assert request.parameters is not None
                    item = request.parameters.get(1, SESSION)
                    wire.answer(Success(request.message_id, item))
                else:
                    wire.answer(Success(request.message_id))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def faked(fake: Fake, server: Server) -> Iterator[Client]:
    with fake(server.serve).connect() as client:
        yield client


@pytest.fixture
def own_simulator() -> Iterator[Simulator]:
    with xentara_nb.simulate() as simulator:
        yield simulator


@pytest.mark.parametrize(("stage", "shown"), [(2, Stage.OPERATIONAL), (5, Stage.SUSPENDED), (9, 9)])
def test_the_stage(fake: Fake, stage: int, shown: Stage | int) -> None:
    with fake(Model(stage=stage).serve).connect() as client:
        assert client.get_stage() is shown
        assert client.stage is shown


@pytest.mark.parametrize(
    ("name", "opcode"),
    [("resume", OpCode.RESUME), ("suspend", OpCode.SUSPEND), ("shut_down", OpCode.SHUTDOWN)],
)
def test_changing_the_stage(faked: Client, server: Server, name: str, opcode: OpCode) -> None:
    for session in (None, SESSION):
        # The answers of this server say nothing of the stage.
        change = getattr(faked, name)(confirm=True, session=session)
        assert change.outcome == Outcome.APPLIED
        assert change.before is change.after is None
    seen = [each for each in server.seen if each[0] != OpCode.GET_STAGE]
    assert seen == [(opcode, {}), (opcode, {0: SESSION})]


def test_suspend_and_resume(own_simulator: Simulator) -> None:
    with own_simulator.connect() as client:
        with pytest.raises(InvalidStageChangeRequestError, match=r"^resume: "):
            client.resume(confirm=True)
        client.suspend(confirm=True)
        assert client.get_stage() == Stage.SUSPENDED
        with pytest.raises(InvalidStageChangeRequestError, match=r"^suspend: "):
            client.suspend(confirm=True)
        client.resume(confirm=True)
        assert client.get_stage() == Stage.OPERATIONAL


def test_who_may_not(own_simulator: Simulator) -> None:
    with own_simulator.connect(user="viewer") as client:
        for change in (client.suspend, client.shut_down):
            with pytest.raises(AccessDeniedError):
                change(confirm=True)
        assert client.get_stage() == Stage.OPERATIONAL
    with (
        own_simulator.connect(read_only=True) as client,
        pytest.raises(WriteRefusedError, match=r"^suspend: .*read only"),
    ):
        client.suspend(confirm=True)


# Sub-sessions.


@pytest.mark.parametrize("desired", [None, UUID(int=5)])
def test_ways_to_log_in(
    faked: Client, server: Server, certificate: Certificate, desired: UUID | None
) -> None:
    der = certificate.certificate.public_bytes(serialization.Encoding.DER)
    for arguments in (
        {"user": "eva", "password": PASSWORD},
        {"user": "eva", "password": ""},
        {"token": "a.b.c"},
        {"certificate": der},
        {"certificate": bytearray(der)},
    ):
        assert faked.create_sub_session(**arguments, desired_id=desired) == (desired or SESSION)
    assert [alternative[0].number for _, alternative in server.seen] == [2, 2, 0, 1, 1]
    assert server.seen[0][1][0].value == {0: "eva", 1: PASSWORD}
    assert server.seen[2][1][0].value == {0: "a.b.c"}
    assert server.seen[4][1][0].value == {0: der}
    faked.close_sub_session(SESSION)
    assert server.seen[-1] == (OpCode.CLOSE_SUB_SESSION, {0: SESSION})


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"user": "eva"},
        {"password": "x"},
        {"user": "eva", "token": "t"},
        {"user": "eva", "password": "x", "token": "t"},
        {"token": "t", "certificate": b"x"},
    ],
)
def test_not_exactly_one_way_to_log_in(
    faked: Client, server: Server, arguments: dict[str, Any]
) -> None:
    for log_in in (faked.create_sub_session, faked.sub_session):
        with pytest.raises(OptionError, match="log in to a sub-session in one way"):
            log_in(**arguments)
    assert server.seen == []


def test_sub_sessions_of_the_simulator(own_simulator: Simulator) -> None:
    with own_simulator.connect() as client:
        with pytest.raises(AccessDeniedError) as caught:
            client.create_sub_session(user="operator", password=PASSWORD)
        assert PASSWORD not in str(caught.value)
        session = client.create_sub_session(user="operator", password="operator-demo")
        client.close_sub_session(session)
        with pytest.raises(UnknownSessionIdError, match=r"^close_sub_session: "):
            client.close_sub_session(session)
        mine = UUID(int=77)
        viewer = client.create_sub_session(user="viewer", password="viewer-demo", desired_id=mine)
        assert viewer == mine
        # Both rights are needed.
        with pytest.raises(AccessDeniedError, match=r"^suspend: "):
            client.suspend(confirm=True, session=viewer)
        assert client.get_stage() == Stage.OPERATIONAL


def test_a_sub_session_that_closes_itself(own_simulator: Simulator) -> None:
    with own_simulator.connect(journal=False) as client:
        with pytest.raises(AccessDeniedError, match=r"^sub-session of operator: ") as caught:
            client.sub_session(user="operator", password=PASSWORD)
        assert PASSWORD not in str(caught.value)
        with client.sub_session(user="operator", password="operator-demo") as session:
            assert "operator" in repr(session)
        with pytest.raises(UnknownSessionIdError):
            client.close_sub_session(session.id)


def test_a_sub_session_that_was_closed_by_others(own_simulator: Simulator) -> None:
    with own_simulator.connect(journal=False) as client:
        session = client.sub_session(user="operator", password="operator-demo")
        client.close_sub_session(session.id)
        session.close()
        assert session.ended


def test_a_stage_change_with_a_sub_session_of_another_connection(
    own_simulator: Simulator,
) -> None:
    with own_simulator.connect(journal=False) as one, own_simulator.connect() as other:
        session = one.sub_session(user="engineer", password="engineer-demo")
        with pytest.raises(WriteRefusedError):
            other.suspend(confirm=True, session=session)
        one.suspend(confirm=True, session=session)
        one.resume(confirm=True, session=session)
        session.close()
