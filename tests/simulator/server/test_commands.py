"""Every command with every error that the manual lists for it, and the log of all of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import cbor2
import pytest

from xentara_nb.protocol.commands import (
    COMMANDS,
    ClientHello,
    CreateSubSession,
    GetStage,
    MetaData,
    Password,
    Resume,
    Shutdown,
    Suspend,
    Write,
)
from xentara_nb.protocol.identifiers import NIL_UUID, OpCode
from xentara_nb.protocol.packets import Failure, Request, decode_answers, encode_packets
from xentara_nb.simulator import Simulator, simulate
from xentara_nb.simulator.config.configuration import Configuration, from_documents
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.access import StageEntitlements, roles
from xentara_nb.simulator.security.authentication import Authenticator, Principal
from xentara_nb.simulator.server.dispatcher import Dispatcher, Service, run, server_information

Documents = dict[str, dict[str, Any]]
REGISTER = UUID("22222222-2222-4222-8222-222222222222")
POINT = UUID("33333333-3333-4333-8333-333333333333")
NOWHERE = UUID("99999999-9999-4999-8999-999999999999")
SHIFT = Principal("anna", roles("Shift"))
GUEST = Principal("guest", roles())


@pytest.fixture
def found(small: Documents) -> Configuration:
    acl = small["security.json"]["ACL"]["entries"]
    acl[1]["allow"] += ["suspend", "shutdown"]
    return from_documents(small)


@pytest.fixture
def service(found: Configuration) -> Service:
    plant = Plant.from_model(found.model, found.security)
    return Service(plant, Authenticator(found.users), server_information(plant, "1"))


def talk(service: Service, client: Principal = SHIFT) -> Dispatcher:
    conversation = Dispatcher(service, client, 7)
    say(conversation, ClientHello().request(0))
    return conversation


def say(conversation: Dispatcher, *requests: Request) -> list[Any]:
    return decode_answers(run(conversation.answer(encode_packets(requests))) or b"")


def codes(conversation: Dispatcher, *requests: Request) -> list[int]:
    return [
        int(answer.error.code) if isinstance(answer, Failure) else 0
        for answer in say(conversation, *requests)
    ]


def test_all_fifteen_commands_are_there(service: Service) -> None:
    conversation = talk(service)
    for opcode in range(15):
        (code,) = codes(conversation, Request(1, opcode, {}))
        assert code != -32601, OpCode(opcode)
    assert codes(talk(service), Request(1, 15, {})) == [-32601]
    assert sorted(COMMANDS) == list(range(15))


@pytest.mark.parametrize("opcode", range(14))
def test_every_command_needs_the_hello(opcode: int, service: Service) -> None:
    assert codes(Dispatcher(service, SHIFT), Request(1, opcode, {})) == [-32000]


MANDATORY = (0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14)


@pytest.mark.parametrize("opcode", MANDATORY)
def test_a_mandatory_parameter_that_is_missing(opcode: int, service: Service) -> None:
    conversation = Dispatcher(service, SHIFT) if opcode == 14 else talk(service)
    assert codes(conversation, Request(1, opcode, {})) == [-32602]
    assert codes(conversation, Request(1, opcode)) == [-32602]


@pytest.mark.parametrize("opcode", range(15))
def test_packets_that_are_none(opcode: int, service: Service) -> None:
    conversation = talk(service)
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
    answers = decode_answers(run(conversation.answer(cbor2.dumps(packets))) or b"")
    found = [int(answer.error.code) for answer in answers if isinstance(answer, Failure)]
    # A second hello is one too many whatever its parameters are.
    parameters = -32001 if opcode == 14 else -32602
    assert found == [-32700] * 6 + [-32600] * 2 + [parameters] + [-32600] * 2
    assert codes(conversation, GetStage().request(1)) == [0]


@pytest.mark.parametrize("command", [Suspend, Resume, Shutdown])
def test_stage_changes_and_their_rights(command: Any, service: Service) -> None:
    request = command().request(1)
    assert codes(talk(service, GUEST), request) == [-32102]
    assert codes(talk(service), command(NOWHERE).request(1)) == [-32111]
    assert codes(talk(service), Request(1, int(command.opcode), {0: "x"})) == [-32602]
    assert codes(talk(service), request) == [-32112 if command is Resume else 0]


def test_the_way_there_and_back(service: Service) -> None:
    requests = [
        Suspend().request(1),
        Request(2, 10),
        GetStage().request(3),
        Resume().request(4),
        Resume().request(5),
        GetStage().request(6),
        Shutdown().request(7),
        Shutdown().request(8),
        GetStage().request(9),
    ]
    answers = say(talk(service), *requests)
    items = [a.error.code if isinstance(a, Failure) else a.packet()[2:] for a in answers]
    assert items == [[], -32112, [5], [], -32112, [2], [], -32112, [4]]
    assert service.operation.ended


def test_a_stage_change_with_a_sub_session_needs_both_rights(
    small: Documents, found: Configuration, service: Service
) -> None:
    anna = say(talk(service), CreateSubSession(Password("anna", "secret")).request(1))[0]
    assert not isinstance(anna, Failure)
    guest = talk(service, GUEST)
    (session,) = say(guest, CreateSubSession(Password("anna", "secret")).request(1))
    assert codes(guest, Suspend(session.item).request(2)) == [-32102]
    shift = talk(service)
    (session,) = say(shift, CreateSubSession(Password("anna", "secret")).request(1))
    assert codes(shift, Suspend(session.item).request(2)) == [0]


def test_stage_entitlements_of_another_name(found: Configuration, small: Documents) -> None:
    small["security.json"]["ACL"]["entries"][1]["allow"] = ["read", "process.suspend"]
    small["security.json"]["entitlements"] = [{"name": "process.suspend", "UUID": str(NOWHERE)}]
    found = from_documents(small)
    plant = Plant.from_model(
        found.model, found.security, entitlements=StageEntitlements("process.suspend", "stop")
    )
    conversation = talk(Service(plant, Authenticator([]), {}))
    requests = Suspend().request(1), Resume().request(2), Shutdown().request(3)
    assert codes(conversation, *requests) == [0, 0, -32102]


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (3, 3.0),
        (0.5, 0.5),
        (-5, -5.0),
        (18446744073709551615, 18446744073709551616.0),
    ],
)
def test_numbers_as_clients_send_them(value: Any, held: float, service: Service) -> None:
    assert codes(talk(service), Write(REGISTER, 11, value).request(1)) == [0]
    assert service.plant.element(REGISTER).read(11) == held


def test_a_half_float(service: Service) -> None:
    conversation = talk(service)
    message = bytes.fromhex("8184000405a300d82550") + REGISTER.bytes
    answer = run(conversation.answer(message + bytes.fromhex("010b02f93e00")))
    assert answer == bytes.fromhex("81820104")
    assert service.plant.element(REGISTER).read(11) == 1.5


def test_the_log(service: Service) -> None:
    conversation = talk(service)
    login = CreateSubSession(Password("anna", "secret")).request(2)
    (session,) = say(conversation, login)
    requests = [
        Write(POINT, 11, 5, session.item).request(3),
        Write(REGISTER, 12, 5).request(4),
        Write(NOWHERE, 11, 5).request(5),
        Request(6, 99),
        MetaData(REGISTER).request(7),
        MetaData(REGISTER, (3, 0)).request(8),
    ]
    say(conversation, *requests)
    run(conversation.answer(b"\xff"))
    log = service.recorder.requests()
    assert log["message_id"].tolist() == [0, 2, 3, 4, 5, 6, 7, 8, 0]
    assert log["code"].tolist() == [0, 0, 0, -32101, -32100, -32601, 0, 0, -32700]
    assert set(log["connection"]) == {7}
    assert set(log["user"]) == {"anna"}
    assert log["parameters"][1] == "***"
    assert "secret" not in log.to_string()
    writes = service.recorder.writes()
    assert writes["primary_key"].tolist() == ["Group.Point", "Group.Register", ""]
    assert writes["attribute_name"].tolist() == ["value", "", ""]
    assert writes["session_user"].fillna("").tolist() == ["anna", "", ""]
    assert writes["sent"].tolist() == [5, 5, 5]
    assert writes["value"].tolist() == [5.0, None, None]
    assert writes["code"].tolist() == [0, -32101, -32100]


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        ([0, 1, 2, 3], {0, 1, 2, 3}),
        ([3, 0], {0, 3}),
        ([1, 1], {1}),
        ([], set()),
    ],
)
def test_meta_data_has_what_was_asked_for(
    identifiers: list[int], expected: set[int], service: Service
) -> None:
    (answer,) = say(talk(service), Request(1, 2, {0: REGISTER, 1: identifiers}))
    assert set(answer.item) == expected


@pytest.mark.parametrize(
    "parameters",
    [
        {0: REGISTER, 1: [False, 1, 2, 3]},
        {0: REGISTER, 1: [1.0]},
        {0: REGISTER, 1: [[0]]},
        {0: REGISTER, 1: [{}, 0]},
        {0: "x", 1: [0]},
        {0: REGISTER, 1: [4]},
    ],
)
def test_meta_data_that_is_wrong(parameters: dict[int, Any], service: Service) -> None:
    assert codes(talk(service), Request(1, 2, parameters)) == [-32602]


def test_browse_of_nothing(service: Service) -> None:
    for parameters in ({0: NIL_UUID, 1: 0}, {0: NIL_UUID, 2: []}):
        (answer,) = say(talk(service), Request(1, 1, parameters))
        assert answer.item == []


def test_shutdown_ends_the_server(dial: Any) -> None:
    with simulate() as simulator:
        assert not simulator.wait(0)
        assert not simulator.wait(0.2)
        assert not isinstance(dial(simulator).ask(Shutdown())[0], Failure)
        assert simulator.wait(20)
        assert isinstance(simulator, Simulator)
