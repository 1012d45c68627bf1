"""The requests of a message and their answers, without a network: bytes in, bytes out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from unittest import mock
from uuid import UUID

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.server.sessions import (
    GUEST,
    NOWHERE,
    POINT,
    REGISTER,
    SHIFT,
    Documents,
    OfflineClient,
    service_of,
)
from xentara_nb.protocol import cbor
from xentara_nb.protocol.commands import (
    Browse,
    ClientHello,
    Command,
    CreateSubSession,
    GetStage,
    Lookup,
    MetaData,
    Password,
    Read,
    Subscribe,
    SubscriptionTarget,
    Write,
)
from xentara_nb.protocol.identifiers import NIL_UUID
from xentara_nb.protocol.packets import Failure, Request, Success, decode_answers, encode_packets
from xentara_nb.simulator import simulate
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.plant.elements import Element
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.access import Principal, roles
from xentara_nb.simulator.security.authentication import Authenticator
from xentara_nb.simulator.server import commands
from xentara_nb.simulator.server.session import Service

HELLO = bytes.fromhex("818400010ea200010101")


def test_the_bytes_of_a_hello(offline: Callable[..., OfflineClient]) -> None:
    assert offline(hello=False).send(HELLO) == bytes.fromhex("81830101a10001")


def test_the_bytes_of_a_write(offline: Callable[..., OfflineClient]) -> None:
    message = encode_packets([Write(REGISTER, 11, 5).request(8)])
    assert offline().send(message) == bytes.fromhex("81820108")


def test_the_bytes_of_an_unknown_element(offline: Callable[..., OfflineClient]) -> None:
    message = encode_packets([Browse(NOWHERE).request(3)])
    answer = "81830203a200397d63016f756e6b6e6f776e20656c656d656e74"
    assert offline().send(message) == bytes.fromhex(answer)


def test_nothing_goes_before_the_hello(offline: Callable[..., OfflineClient]) -> None:
    client = offline(hello=False)
    for command in (GetStage(), Lookup("Group"), Write(REGISTER, 11, 5)):
        assert client.code(command) == -32000
    (answer,) = client.say(Request(1, 99))
    assert isinstance(answer, Failure)
    assert answer.error.code == -32000


def test_the_hello_counts_from_its_packet_on(offline: Callable[..., OfflineClient]) -> None:
    requests = [
        GetStage().request(0),
        ClientHello(0, 1).request(1),
        GetStage().request(2),
        ClientHello().request(3),
        GetStage().request(4),
    ]
    answers = offline(hello=False).say(*requests)
    codes = [a.error.code if isinstance(a, Failure) else 0 for a in answers]
    assert codes == [-32000, 0, 0, -32001, 0]
    assert [a.message_id for a in answers if not isinstance(a, Success) or a] == [0, 1, 2, 3, 4]


def test_a_hello_for_another_version(offline: Callable[..., OfflineClient]) -> None:
    client = offline(hello=False)
    assert client.code(ClientHello(2, 9)) == -32602
    # It did not count, so the next one is the first.
    assert client.code(GetStage()) == -32000
    assert client.ask(ClientHello(0, 9)) == 1


@pytest.mark.parametrize("opcode", [15, 16, -1, 2**63])
def test_unknown_commands(opcode: int, offline: Callable[..., OfflineClient]) -> None:
    (answer,) = offline().say(Request(1, opcode, {}))
    assert isinstance(answer, Failure)
    assert answer.error.code == -32601


def test_a_bare_packet_is_answered_field_by_field(offline: Callable[..., OfflineClient]) -> None:
    answers = decode_answers(offline().send(cbor2.dumps([0, 1, 14, {0: 1, 1: 1}])))
    assert len(answers) == 4
    assert all(isinstance(a, Failure) and a.error.code in (-32600, -32700) for a in answers)


def test_an_empty_message_has_no_answer(offline: Callable[..., OfflineClient]) -> None:
    assert offline().send(b"\x80") == b""


@pytest.mark.parametrize(
    "message", [b"", b"\xff", b"\x81", b"hello", b"\x9b" + b"\xff" * 8, b"\x81" * 5000, b"\x00"]
)
def test_what_is_no_message(message: bytes, offline: Callable[..., OfflineClient]) -> None:
    client = offline()
    (answer,) = decode_answers(client.send(message))
    assert isinstance(answer, Failure)
    assert answer.message_id == 0
    assert answer.error.code in (-32700, -32600)
    assert client.ask(GetStage()) == 2


@pytest.mark.parametrize("opcode", range(15))
@pytest.mark.parametrize("parameters", [{}, {0: None}, {0: [None], 1: "x"}, {7: 1}, {0: {}}])
def test_wrong_parameters(
    opcode: int, parameters: dict[int, Any], offline: Callable[..., OfflineClient]
) -> None:
    (answer,) = offline(GUEST).say(Request(1, opcode, parameters))
    if isinstance(answer, Failure):
        # Changing the stage needs no parameters, but a right.
        assert answer.error.code in (-32602, -32001, -32102 if opcode in (9, 10, 11) else -32602)
    else:
        # The stage is asked for without parameters, so none is wrong.
        assert opcode == 8


def test_passwords_are_checked_in_a_thread(
    offline: Callable[..., OfflineClient], service: Service
) -> None:
    threads = set()

    def by_password(name: str, password: str) -> Principal:
        threads.add(threading.current_thread())
        return SHIFT

    with mock.patch.object(service.authenticator, "by_password", by_password):
        assert isinstance(offline().ask(CreateSubSession(Password("anna", "secret"))), UUID)
    assert len(threads - {threading.current_thread()}) == 1


@pytest.mark.parametrize(
    ("commands", "turns"),
    [
        (lambda plant: [GetStage()] * 1000, 10),
        (lambda plant: [Browse(NIL_UUID)], 2),
        (lambda plant: [Subscribe([SubscriptionTarget(e.uuid, (11,)) for e in plant])], 10),
    ],
    ids=["a batch", "browse", "subscribe"],
)
def test_long_work_gives_others_their_turn(
    commands: Callable[[Plant], list[Command[Any]]], turns: int
) -> None:
    plant = simulate(elements=3000).plant
    client = OfflineClient(Service(plant, Authenticator([])), Principal("x", roles("Engineer")))
    requests = [command.request(number) for number, command in enumerate(commands(plant))]
    waiting = 0

    async def wait() -> None:
        nonlocal waiting
        while True:
            waiting += 1
            await asyncio.sleep(0)

    async def answer() -> bytes | None:
        other = asyncio.create_task(wait())
        try:
            return await client.dispatcher.answer(encode_packets(requests))
        finally:
            other.cancel()

    packets = cbor2.loads(asyncio.run(answer()) or b"")
    assert waiting >= turns
    assert [packet[:2] for packet in packets] == [[1, r.message_id] for r in requests]  # successes


def test_a_fault_of_the_quick_way_costs_one_answer(offline: Callable[..., OfflineClient]) -> None:
    client = offline()
    with mock.patch.object(commands, "ordinary_meta_data", side_effect=RuntimeError):
        assert client.code(MetaData(REGISTER, (0,))) == -32603
    assert client.ask(MetaData(REGISTER, (0,))).primary_key == "Group.Register"


def test_a_fault_of_the_simulator_costs_one_answer(
    offline: Callable[..., OfflineClient], caplog: pytest.LogCaptureFixture
) -> None:
    client = offline()
    with mock.patch.object(Element, "read", side_effect=ZeroDivisionError):
        assert client.code(Read(REGISTER, (11,))) == -32603
    assert "ZeroDivisionError" in caplog.text
    assert client.ask(GetStage()) == 2


_EMPTY: Documents = {
    "config.json": {"httpServer": {"port": 8080}},
    "users.json": {},
    "passwords.json": {},
    "security.json": {},
    "model.json": {},
}
_SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
_ITEMS = st.recursive(
    _SCALARS | st.uuids() | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 4), inner, max_size=4)
    ),
    max_leaves=15,
)
_REQUESTS = st.tuples(
    st.integers(0, 2),
    st.integers(0, 5),
    st.integers(-1, 16),
    st.dictionaries(st.integers(0, 3), _ITEMS),
).map(list)


@lru_cache
def _service() -> Service:
    return service_of(from_documents(_EMPTY))


@given(st.lists(_REQUESTS | _ITEMS, min_size=1, max_size=6))
def test_one_answer_for_every_packet(packets: list[object]) -> None:
    client = OfflineClient(_service(), hello=False)
    answers = decode_answers(client.send(cbor2.dumps(packets)))
    assert len(answers) == len(packets)


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(message: bytes) -> None:
    client = OfflineClient(_service(), hello=False)
    answer = client.send(message)
    assert answer == b"" or isinstance(cbor.decode(answer), list)


@pytest.mark.parametrize("opcode", range(14))
def test_every_command_needs_the_hello(opcode: int, service: Service) -> None:
    assert OfflineClient(service, hello=False).codes(Request(1, opcode, {})) == [-32000]


@pytest.mark.parametrize("opcode", [0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14])
def test_a_mandatory_parameter_that_is_missing(opcode: int, service: Service) -> None:
    client = OfflineClient(service, hello=False) if opcode == 14 else OfflineClient(service)
    assert client.codes(Request(1, opcode, {})) == [-32602]
    assert client.codes(Request(1, opcode)) == [-32602]


@pytest.mark.parametrize("opcode", range(15))
def test_packets_that_are_none(opcode: int, service: Service) -> None:
    client = OfflineClient(service)
    packets: list[Any] = [
        ["0", 1, opcode, {}],
        [0, "1", opcode, {}],
        [0, 1, str(opcode), {}],
        [0, 1],
        [0],
        [],
        [3, 1, opcode, {}],
        [0, 1, opcode, {}, 5],
        [0, 1, opcode, []],
        7,
        None,
    ]
    answers = decode_answers(client.send(cbor2.dumps(packets)))
    found = [int(answer.error.code) for answer in answers if isinstance(answer, Failure)]
    # A second hello is one too many, even if its parameters are wrong as well.
    parameters = -32001 if opcode == 14 else -32602
    assert found == [-32700] * 6 + [-32600] * 2 + [parameters] + [-32600] * 2
    assert client.codes(GetStage().request(1)) == [0]


def test_the_log(service: Service) -> None:
    client = OfflineClient(service)
    login = CreateSubSession(Password("anna", "secret")).request(2)
    (session,) = client.say(login)
    requests = [
        Write(POINT, 11, 5, session.item).request(3),
        Write(REGISTER, 12, 5).request(4),
        Write(NOWHERE, 11, 5).request(5),
        Request(6, 99),
        MetaData(REGISTER).request(7),
        MetaData(REGISTER, (3, 0)).request(8),
    ]
    client.say(*requests)
    client.send(b"\xff")
    log = service.request_log.requests()
    assert log["message_id"].tolist() == [0, 2, 3, 4, 5, 6, 7, 8, 0]
    assert log["code"].tolist() == [0, 0, 0, -32101, -32100, -32601, 0, 0, -32700]
    assert set(log["connection"]) == {7}
    assert set(log["user"]) == {"anna"}
    assert log["parameters"][1] == "***"
    assert "secret" not in log.to_string()
    writes = service.request_log.writes()
    assert writes["primary_key"].tolist() == ["Group.Point", "Group.Register", ""]
    assert writes["attribute_name"].tolist() == ["value", "", ""]
    assert writes["session_user"].fillna("").tolist() == ["anna", "", ""]
    assert writes["sent"].tolist() == [5, 5, 5]
    assert writes["value"].tolist() == [5.0, None, None]
    assert writes["code"].tolist() == [0, -32101, -32100]
