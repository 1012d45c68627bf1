"""What one client may ask for, and how the others fare meanwhile."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import cbor2
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tests.simulator.server.sessions import (
    GUEST,
    REGISTER,
    SHIFT,
    OfflineClient,
    Subscriber,
    service_of,
)
from tests.simulator.server.wire import tls
from xentara_nb.protocol.commands import (
    Browse,
    CreateSubSession,
    GetStage,
    Password,
    Subscribe,
    SubscriptionTarget,
    Unsubscribe,
    Write,
)
from xentara_nb.protocol.identifiers import NIL_UUID
from xentara_nb.protocol.packets import Failure, Success, decode_answers
from xentara_nb.simulator import simulate
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.server.limits import DEFAULT_LIMITS, Limits, count_items

Documents = dict[str, dict[str, Any]]
Dial = Callable[..., Any]


@pytest.mark.parametrize(
    "item",
    [
        [],
        [[], {}, "text", b"bytes" * 100, 1.5, None, -(1 << 40)],
        {0: [cbor2.CBORTag(37, bytes(16))] * 300, "x" * 70_000: cbor2.CBORTag(121, {1: 2})},
    ],
)
def test_items_are_counted(item: Any) -> None:
    def count(value: Any) -> int:
        match value:
            case list():
                return 1 + sum(map(count, value))
            case dict():
                return 1 + sum(count(k) + count(v) for k, v in value.items())
            case cbor2.CBORTag():
                return 1 + count(value.value)
        return 1

    assert count_items(cbor2.dumps(item), 1 << 30) == count(item)


def test_no_more_items_are_counted_than_is_enough() -> None:
    assert count_items(b"\x80" * 1000, 10) == 11
    assert count_items(b"\x9b" + b"\xff" * 8, 10) == 1


def many(count: int, item: bytes = b"\x80") -> bytes:
    return b"\x9a" + count.to_bytes(4, "big") + item * count


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (many(4_000_000), "4000000 requests in one message; at most 20000 are read"),
        (b"\x9f" + b"\x80" * 4_000_000 + b"\xff", "array of indefinite length; at most 20000"),
        (
            bytes.fromhex("8184000104a1009a")
            + (1_200_000).to_bytes(4, "big")
            + b"\xa0" * 1_200_000,
            "too many items in one message; at most 1000000 are read",
        ),
    ],
)
def test_a_message_that_would_fill_the_memory_is_not_decoded(
    message: bytes, reason: str, offline: Callable[..., OfflineClient]
) -> None:
    client = offline()
    (answer,) = decode_answers(client.send(message))
    assert isinstance(answer, Failure)
    assert answer.error.code == -32600
    assert reason in answer.error.text
    assert client.ask(GetStage()) == 2


def test_as_many_requests_as_are_allowed_are_answered(
    offline: Callable[..., OfflineClient],
) -> None:
    client = offline()
    (stage,) = (cbor2.dumps([0, 7, 8]),)
    assert len(decode_answers(client.send(many(20_000, stage)))) == 20_000


def test_what_goes_beyond_a_large_answer_is_not_executed(small: Documents) -> None:
    service = service_of(from_documents(small), limits=Limits(answer_bytes=200))
    client = OfflineClient(service)
    requests = [Browse(NIL_UUID).request(number) for number in range(5)]
    answers = client.say(*requests, Write(REGISTER, 11, 5.0).request(9))
    assert [type(answer) for answer in answers] == [Success] * 2 + [Failure] * 4
    refused = answers[-1]
    assert isinstance(refused, Failure)
    assert (refused.message_id, refused.error.code) == (9, -32600)
    assert "was not executed" in refused.error.text
    assert service.request_log.writes().empty
    assert client.ask(Write(REGISTER, 11, 5.0)) is None


def target(*attributes: int) -> tuple[SubscriptionTarget]:
    return (SubscriptionTarget(REGISTER, attributes),)


def test_a_connection_has_a_number_of_subscriptions(small: Documents) -> None:
    service = service_of(from_documents(small), limits=Limits(subscriptions=2))
    client = Subscriber(service)
    first, second = client.subscribe(11), client.subscribe(9)
    error = client.subscribe(11)
    assert error.code == -32600
    assert "at most 2 subscriptions" in error.text
    # In place of one that is there, there is room.
    assert client.subscribe(6, desired_subscription_id=first) == first
    client.ask(Unsubscribe(second))
    assert isinstance(client.subscribe(11), UUID)
    assert isinstance(Subscriber(service).subscribe(11), UUID)


def test_a_user_subscribes_to_a_number_of_attributes(small: Documents) -> None:
    service = service_of(from_documents(small), limits=Limits(subscribed_attributes=5))
    client, same_user = Subscriber(service), Subscriber(service)
    first = client.subscribe(11, 9, 6)
    error = same_user.ask(Subscribe(target(11, 9, 6)))
    assert error.code == -32600
    assert "2 of them are left" in error.text
    # One that is too large in place of another leaves that as it was.
    assert client.ask(Subscribe(target(0, 1, 2, 6, 9, 11), desired_subscription_id=first)).code
    client.take()
    client.ask(Write(REGISTER, 11, 7.0))
    assert [values[11] for values in client.values()] == [7.0]
    assert isinstance(
        client.ask(Subscribe(target(11, 9, 6, 7), desired_subscription_id=first)), UUID
    )
    assert isinstance(same_user.subscribe(11), UUID)
    assert same_user.subscribe(11).code == -32600
    # What another user has subscribed to does not count.
    assert isinstance(Subscriber(service, GUEST).subscribe(11, 9, 6, 7), UUID)
    # The end of a connection makes room.
    client.session.subscriptions.clear()
    assert isinstance(same_user.subscribe(11, 9, 6), UUID)


def test_a_connection_has_a_number_of_sub_sessions(small: Documents) -> None:
    client = OfflineClient(service_of(from_documents(small), limits=Limits(sub_sessions=2)), SHIFT)
    login = Password("anna", "secret")
    first, _ = (client.ask(CreateSubSession(login)) for _ in range(2))
    error = client.ask(CreateSubSession(login))
    assert error.code == -32600
    assert "at most 2 sub-sessions" in error.text
    assert client.ask(CreateSubSession(login, first)) == first


def test_connections_of_a_user_and_of_all(dial: Dial) -> None:
    with simulate(limits=Limits(user_connections=2, connections=3)) as simulator:
        viewers = [dial(simulator, "viewer") for _ in range(2)]
        with pytest.raises(InvalidStatus) as refused:
            dial(simulator, "viewer")
        assert refused.value.response.status_code == 503
        assert b"The user has 2 connections" in (refused.value.response.body or b"")
        assert dial(simulator, "operator").ask(GetStage()) == [Success(1, 2)]
        with pytest.raises(InvalidStatus) as refused:
            dial(simulator, "engineer")
        assert b"There are 3 connections" in (refused.value.response.body or b"")
        viewers[0].connection.close()
        deadline = time.monotonic() + 10
        while True:
            try:
                dial(simulator, "engineer")
                break
            except InvalidStatus:
                # The server learns of the end a moment later.
                assert time.monotonic() < deadline
                time.sleep(0.01)


def test_silent_connections_give_way_to_new_ones(dial: Dial) -> None:
    with simulate(limits=Limits(pending_connections=5)) as simulator, ExitStack() as stack:
        established = dial(simulator)
        address = ("127.0.0.1", simulator.port)
        silent: list[socket.socket] = [
            stack.enter_context(socket.create_connection(address, timeout=10)) for _ in range(20)
        ]
        silent += [stack.enter_context(tls(simulator)) for _ in range(10)]
        began = time.monotonic()
        assert dial(simulator).ask(GetStage()) == [Success(1, 2)]
        assert time.monotonic() - began < 5  # not only when the silent ones have timed out
        for connection in silent[:20]:
            assert connection.recv(1) == b""
        # Those that are in use are left alone.
        assert established.ask(GetStage()) == [Success(1, 2)]


def test_empty_fragments_do_not_pile_up(dial: Dial) -> None:
    with simulate(limits=Limits(fragments=50)) as simulator:
        wire = dial(simulator)
        stage = cbor2.dumps([[0, 7, 8]])
        assert wire.send([stage, *[b""] * 48]) == cbor2.dumps([[1, 7, 2]])
        with pytest.raises(ConnectionClosedError, match="at most 50 fragments"):
            wire.send([stage, *[b""] * 60])
        assert dial(simulator).ask(GetStage()) == [Success(1, 2)]


def test_the_defaults_hold_an_inventory_of_a_large_plant() -> None:
    assert DEFAULT_LIMITS.message_requests > 10 * 512
    assert DEFAULT_LIMITS.subscribed_attributes >= 200_000
