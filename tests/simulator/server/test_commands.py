"""Every command: what it answers and does, and with which rights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.simulator.server.sessions import (
    GROUP,
    GUEST,
    NOWHERE,
    OWN,
    POINT,
    REGISTER,
    SHIFT,
    Documents,
    OfflineClient,
)
from xentara_nb.protocol.commands import (
    COMMANDS,
    Browse,
    Certificate,
    CloseSubSession,
    CreateSubSession,
    GetStage,
    Lookup,
    MetaData,
    Password,
    Read,
    Resume,
    ServerInformation,
    Shutdown,
    Suspend,
    Token,
    Write,
)
from xentara_nb.protocol.identifiers import NIL_UUID, Attribute, OpCode, Stage
from xentara_nb.protocol.packets import Failure, Request, Success
from xentara_nb.protocol.values import Alternative
from xentara_nb.simulator import simulate
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.access import Principal
from xentara_nb.simulator.security.authentication import Authenticator
from xentara_nb.simulator.server.session import Service


def test_server_information(offline: Callable[..., OfflineClient]) -> None:
    assert offline().ask(ServerInformation((0, 2))) == {0: "1.2.3", 2: "model.json"}
    assert offline().code(ServerInformation((0, 3))) == -32602


def test_browse(offline: Callable[..., OfflineClient]) -> None:
    entries = offline().ask(Browse(NIL_UUID, 2, (2,)))
    assert sorted(entries) == [("Group.Point", POINT, 2), ("Group.Register", REGISTER, 2)]
    assert offline().ask(Browse(NIL_UUID, 0)) == []
    assert offline().ask(Browse(GROUP, None, ())) == []


@pytest.mark.parametrize(
    ("depth", "categories", "found"),
    [
        # The walk goes through elements that are not of a wanted category.
        (None, (2,), ["Group.Point", "Group.Register"]),
        (1, (2,), []),
        (1, (1,), ["Group"]),
        (None, (1, 2), ["Group", "Group.Point", "Group.Register"]),
        (None, (2, 2, 99), ["Group.Point", "Group.Register"]),
        (None, (99,), []),
        (None, (), []),
    ],
)
def test_browse_by_category(
    depth: int | None,
    categories: tuple[int, ...],
    found: list[str],
    offline: Callable[..., OfflineClient],
) -> None:
    assert sorted(offline().ask(Browse(NIL_UUID, depth, categories)).keys) == found


def test_meta_data(offline: Callable[..., OfflineClient]) -> None:
    answer = offline().ask(MetaData(REGISTER))
    assert (answer.primary_key, answer.category, answer.has_children) == (
        "Group.Register",
        2,
        False,
    )
    assert ("value", 11, 2, 10) in answer.attributes
    assert offline().say(MetaData(GROUP, (3,)).request(1)) == [Success(1, {3: True})]
    assert offline().ask(MetaData(NIL_UUID)).category == 0
    assert offline().code(MetaData(GROUP, (0, 83))) == -32602


def test_lookup(offline: Callable[..., OfflineClient]) -> None:
    assert offline().ask(Lookup("Group.Register")) == REGISTER
    assert offline().code(Lookup("group")) == -32100


def test_read(offline: Callable[..., OfflineClient]) -> None:
    by_uuid = Attribute.VALUE.uuid
    values = offline().ask(Read(REGISTER, (11, by_uuid, 11, 12, 0, NOWHERE)))
    assert list(values) == [11, by_uuid, 12, 0, NOWHERE]
    assert values[11] == values[by_uuid] == 1.5
    assert values[12].code == values[NOWHERE].code == -32101
    assert offline().ask(Read(REGISTER, ())) == {}
    assert offline().code(Read(NOWHERE, (11,))) == -32100


@pytest.mark.parametrize(
    ("element", "attribute", "value", "code"),
    [
        (NOWHERE, 11, 5, -32100),
        (REGISTER, 12, 5, -32101),
        (REGISTER, 0, "x", -32103),
        (REGISTER, 11, "x", -32106),
        (GROUP, 11, 5, -32101),
    ],
)
def test_writes_that_fail(
    element: UUID, attribute: int, value: Any, code: int, offline: Callable[..., OfflineClient]
) -> None:
    assert offline().code(Write(element, attribute, value)) == code
    assert offline().ask(Read(REGISTER, (11,))) == {11: 1.5}


def test_a_write_over_a_data_point(offline: Callable[..., OfflineClient]) -> None:
    assert offline().ask(Write(POINT, Attribute.VALUE.uuid, 3)) is None
    assert offline().ask(Read(REGISTER, (11,))) == {11: 3.0}


def test_without_the_right(offline: Callable[..., OfflineClient]) -> None:
    assert offline(GUEST).code(Write(REGISTER, 11, 5)) == -32102
    assert offline(GUEST).ask(Read(REGISTER, (11,))) == {11: 1.5}
    stranger = Principal("nobody", frozenset())
    assert offline(stranger).code(Read(REGISTER, (11,))) == -32102
    # Without the right to read, an element is still seen.
    assert len(offline(stranger).ask(Browse(NIL_UUID))) == 3


def test_the_stage(offline: Callable[..., OfflineClient]) -> None:
    assert offline().ask(GetStage()) == 2


def test_sub_sessions(offline: Callable[..., OfflineClient]) -> None:
    client = offline()
    login = Password("anna", "secret")
    first = client.ask(CreateSubSession(login))
    assert first.version == 4
    assert client.ask(CreateSubSession(login, OWN)) == OWN
    assert client.ask(Write(REGISTER, 11, 5, OWN)) is None
    assert client.ask(Write(REGISTER, 11, 6, first)) is None
    assert client.ask(CloseSubSession(first)) is None
    assert client.code(CloseSubSession(first)) == -32111
    assert client.code(Write(REGISTER, 11, 7, first)) == -32111
    # A session belongs to its connection.
    assert offline().code(CloseSubSession(OWN)) == -32111
    assert client.ask(Read(REGISTER, (11,))) == {11: 6.0}


def test_a_write_with_a_sub_session_needs_both_rights(
    offline: Callable[..., OfflineClient],
) -> None:
    def write(principal: Principal, user: str) -> Any:
        client = offline(principal)
        session = client.ask(CreateSubSession(Password(user, "secret")))
        return client.ask(Write(REGISTER, 11, 5, session))

    assert write(SHIFT, "anna") is None
    assert write(SHIFT, "guest").code == -32102
    assert write(GUEST, "anna").code == -32102


def test_a_desired_session_id_replaces_the_old_session(
    offline: Callable[..., OfflineClient],
) -> None:
    client = offline()
    client.ask(CreateSubSession(Password("guest", "secret"), OWN))
    assert client.code(Write(REGISTER, 11, 5, OWN)) == -32102
    client.ask(CreateSubSession(Password("anna", "secret"), OWN))
    assert client.ask(Write(REGISTER, 11, 5, OWN)) is None


def test_sub_sessions_that_are_refused(offline: Callable[..., OfflineClient]) -> None:
    client = offline()
    for login in (Password("anna", "x"), Password("zoe", "secret"), Token("x"), Certificate(b"x")):
        assert client.code(CreateSubSession(login, OWN)) == -32102
    assert client.code(CloseSubSession(OWN)) == -32111
    nil = Request(1, 12, {0: Alternative(2, {0: "anna", 1: "secret"}), 1: NIL_UUID})
    (answer,) = client.say(nil)
    assert isinstance(answer, Failure)
    assert answer.error.code == -32602


def test_all_fifteen_commands_are_there(service: Service) -> None:
    client = OfflineClient(service)
    for opcode in range(15):
        (code,) = client.codes(Request(1, opcode, {}))
        assert code != -32601, OpCode(opcode)
    assert OfflineClient(service).codes(Request(1, 15, {})) == [-32601]
    assert sorted(COMMANDS) == list(range(15))


@pytest.mark.parametrize("command", [Suspend, Resume, Shutdown])
def test_stage_changes_and_their_rights(command: Any, service: Service) -> None:
    request = command().request(1)
    assert OfflineClient(service, GUEST).codes(request) == [-32102]
    assert OfflineClient(service).codes(command(NOWHERE).request(1)) == [-32111]
    assert OfflineClient(service).codes(Request(1, int(command.opcode), {0: "x"})) == [-32602]
    assert OfflineClient(service).codes(request) == [-32112 if command is Resume else 0]


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
    answers = OfflineClient(service).say(*requests)
    items = [a.error.code if isinstance(a, Failure) else a.packet()[2:] for a in answers]
    assert items == [[], -32112, [5], [], -32112, [2], [], -32112, [4]]
    assert service.plant.stage is Stage.SHUTDOWN


def test_a_stage_change_with_a_sub_session_needs_both_rights(service: Service) -> None:
    guest = OfflineClient(service, GUEST)
    (session,) = guest.say(CreateSubSession(Password("anna", "secret")).request(1))
    assert guest.codes(Suspend(session.item).request(2)) == [-32102]
    shift = OfflineClient(service)
    (session,) = shift.say(CreateSubSession(Password("anna", "secret")).request(1))
    assert shift.codes(Suspend(session.item).request(2)) == [0]


def test_stage_entitlements_of_another_name(small: Documents) -> None:
    small["security.json"]["ACL"]["entries"][1]["allow"] = ["read", "process.suspend"]
    small["security.json"]["entitlements"] = [{"name": "process.suspend", "UUID": str(NOWHERE)}]
    found = from_documents(small)
    plant = Plant.from_model(
        found.model, found.security, stage_entitlements=("process.suspend", "stop")
    )
    client = OfflineClient(Service(plant, Authenticator([])))
    requests = Suspend().request(1), Resume().request(2), Shutdown().request(3)
    assert client.codes(*requests) == [0, 0, -32102]


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
    assert OfflineClient(service).codes(Write(REGISTER, 11, value).request(1)) == [0]
    assert service.plant.element(REGISTER).read(11) == held


def test_a_half_float(service: Service) -> None:
    client = OfflineClient(service)
    message = bytes.fromhex("8184000405a300d82550") + REGISTER.bytes
    answer = client.send(message + bytes.fromhex("010b02f93e00"))
    assert answer == bytes.fromhex("81820104")
    assert service.plant.element(REGISTER).read(11) == 1.5


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
    (answer,) = OfflineClient(service).say(Request(1, 2, {0: REGISTER, 1: identifiers}))
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
        {False: REGISTER, 1: [0]},
        {0: REGISTER, 1.0: [0]},
    ],
)
def test_meta_data_that_is_wrong(parameters: dict[Any, Any], service: Service) -> None:
    assert OfflineClient(service).codes(Request(1, 2, parameters)) == [-32602]


def test_browse_of_nothing(service: Service) -> None:
    for parameters in ({0: NIL_UUID, 1: 0}, {0: NIL_UUID, 2: []}):
        (answer,) = OfflineClient(service).say(Request(1, 1, parameters))
        assert answer.item == []


def test_shutdown_ends_the_server(dial: Any) -> None:
    with simulate() as simulator:
        assert not simulator.wait(0)
        assert not simulator.wait(0.2)
        assert not isinstance(dial(simulator).ask(Shutdown())[0], Failure)
        assert simulator.wait(20)
