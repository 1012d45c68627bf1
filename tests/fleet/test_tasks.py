"""What is asked of one server: in time, read only, and nothing else than four commands."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import Fake
from tests.support.server import PATIENCE, Wire
from xentara_nb import Client, Server
from xentara_nb.connection.deadline import deadline_of_call
from xentara_nb.errors import DeadlineError, LoginError, OptionError
from xentara_nb.fleet.tasks import COMMANDS, ask, run_task
from xentara_nb.protocol.identifiers import OpCode, Stage
from xentara_nb.protocol.packets import Success
from xentara_nb.simulator import Simulator

SET_POINT = "Plant.Line 1.Set point"


def test_a_task_connects_with_a_secret_of_its_own_and_closes(
    server_of: Callable[..., Server], plants: dict[str, Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_of("north", password_from="env:NORTH")
    task = pickle.loads(pickle.dumps((server.portable(), "read", {"elements": SET_POINT}, 20.0)))
    failed = run_task(*task)
    assert isinstance(failed.error, LoginError)
    assert failed.frame is None
    monkeypatch.setenv("NORTH", plants["north"].users["engineer"])
    answer = pickle.loads(pickle.dumps(run_task(*task)))
    assert answer.error is None
    assert answer.server == "north"
    assert 210.0 in answer.frame["value"].tolist()


def test_there_is_no_task_that_writes(server_of: Callable[..., Server]) -> None:
    """An engine may run a task twice."""
    assert set(COMMANDS) == {"inventory", "snapshot", "read", "search"}
    for command in ("write", "plan_writes", "suspend", "record", "connect"):
        with pytest.raises(OptionError, match="a fleet is asked for inventory, snapshot, read"):
            run_task(server_of("north"), command, {}, None)


def test_the_client_of_a_task_is_read_only(
    server_of: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Client] = []

    def look(client: Client) -> Any:
        seen.append(client)
        raise LoginError("enough")

    monkeypatch.setitem(COMMANDS, "read", look)
    assert isinstance(run_task(server_of("north"), "read", {}, None).error, LoginError)
    (client,) = seen
    assert client.read_only
    assert client.closed


def test_a_server_that_hangs_costs_its_deadline(
    server_of: Callable[..., Server], plants: dict[str, Simulator]
) -> None:
    plants["north"].faults.delay(60)
    answer = run_task(server_of("north"), "inventory", {}, 0.3)
    assert isinstance(answer.error, DeadlineError)
    assert 0.3 <= answer.seconds < 30


def test_a_deadline_ends_one_call_and_not_the_others(fake: Fake) -> None:
    """Here browse is never answered, and get_stage is, over the same connection."""

    def script(wire: Wire) -> None:
        wire.hello()
        while True:
            for request in wire.requests():
                if request.opcode == OpCode.GET_STAGE:
                    came.set()
                    late_enough.wait(PATIENCE)
                    wire.answer(Success(request.message_id, Stage.OPERATIONAL))

    came, late_enough = threading.Event(), threading.Event()
    server = fake(script)
    with server.connect() as client, ThreadPoolExecutor(1) as pool:
        other = pool.submit(client.get_stage)
        assert came.wait(PATIENCE)
        late = ask("north", lambda: client, lambda client: client.browse(), 0.2)
        late_enough.set()
        assert "not done within 0.2 s" in str(late.error)
        assert other.result(PATIENCE) == Stage.OPERATIONAL
        assert client.get_stage() == Stage.OPERATIONAL
        assert server.count(OpCode.CLIENT_HELLO) == 1
        # Where no one else uses it, the next call does not wait behind what is late.
        assert ask("north", lambda: client, lambda client: client.browse(), 0.2).error is not None
        assert "what was asked took too long" in str(client.ended)
        assert client.get_stage() == Stage.OPERATIONAL
        assert server.count(OpCode.CLIENT_HELLO) == 2


def test_what_is_no_failure_of_the_server_is_raised(server_of: Callable[..., Server]) -> None:
    with pytest.raises(TypeError):
        run_task(server_of("north"), "read", {"nothing": 1}, None)


def test_the_time_for_connecting_counts() -> None:
    def connect() -> Client:
        assert deadline_of_call(60.0).seconds <= 7.01
        raise DeadlineError("no answer")

    answer = ask("north", connect, lambda client: client.browse(), 7.0)
    assert isinstance(answer.error, DeadlineError)
    assert answer.error.__traceback__ is None
