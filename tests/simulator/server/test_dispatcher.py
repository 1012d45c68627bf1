"""Conversations without a network: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from unittest import mock
from uuid import UUID

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from passlib.hash import sha512_crypt

from xentara_nb.protocol import cbor
from xentara_nb.protocol.commands import (
    Browse,
    Certificate,
    ClientHello,
    CloseSubSession,
    Command,
    CreateSubSession,
    GetStage,
    Lookup,
    MetaData,
    Password,
    Read,
    ServerInformation,
    Token,
    Write,
)
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import NIL_UUID, Attribute
from xentara_nb.protocol.packets import (
    Answer,
    Failure,
    Request,
    Success,
    decode_answers,
    encode_packets,
)
from xentara_nb.simulator.config.configuration import User, from_documents
from xentara_nb.simulator.plant.elements import Element
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security import access
from xentara_nb.simulator.security.authentication import Authenticator, Principal
from xentara_nb.simulator.server.dispatcher import (
    PAUSE,
    Dispatcher,
    Service,
    run,
    server_information,
)

Documents = dict[str, dict[str, Any]]
GROUP = UUID("11111111-1111-4111-8111-111111111111")
REGISTER = UUID("22222222-2222-4222-8222-222222222222")
POINT = UUID("33333333-3333-4333-8333-333333333333")
NOWHERE = UUID("99999999-9999-4999-8999-999999999999")
SESSION = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
HELLO = bytes.fromhex("818400010ea200010101")
SHIFT = Principal("anna", access.roles("Shift"))
GUEST = Principal("guest", access.roles())
HASH = sha512_crypt.using(rounds=1000).hash("secret")

Talk = Callable[..., Dispatcher]


@pytest.fixture
def service(small: Documents) -> Service:
    small["security.json"]["ACL"]["entries"][0]["allow"].append("read")
    found = from_documents(small)
    plant = Plant.from_model(found.model, found.security)
    users = [User("ben", UUID(int=1), ("Shift",), HASH), User("guest", UUID(int=2), (), HASH)]
    return Service(plant, Authenticator(users), server_information(plant, "1.2.3"))


@pytest.fixture
def talk(service: Service) -> Talk:
    def talk(client: Principal = SHIFT, *, hello: bool = True) -> Dispatcher:
        conversation = Dispatcher(service, client)
        if hello:
            run(conversation.answer(HELLO))
        return conversation

    return talk


def _say(conversation: Dispatcher, message: bytes) -> list[Answer]:
    answer = run(conversation.answer(message))
    assert answer is not None
    return decode_answers(answer)


def _ask(conversation: Dispatcher, command: Command[Any]) -> Any:
    """Return the result of one command, or the error."""
    (answer,) = _say(conversation, encode_packets([command.request(7)]))
    if isinstance(answer, Failure):
        assert answer.message_id == 7
        return answer.error
    assert isinstance(answer, Success)
    assert answer.message_id == 7
    return command.parse_answer(answer.item)


def _code(result: Any) -> int:
    assert isinstance(result, ServerError)
    return int(result.code)


def test_the_bytes_of_a_hello(talk: Talk) -> None:
    assert run(talk(hello=False).answer(HELLO)) == bytes.fromhex("81830101a10001")


def test_the_bytes_of_a_write(talk: Talk) -> None:
    message = encode_packets([Write(REGISTER, 11, 5).request(8)])
    assert run(talk().answer(message)) == bytes.fromhex("81820108")


def test_the_bytes_of_an_unknown_element(talk: Talk) -> None:
    message = encode_packets([Browse(NOWHERE).request(3)])
    answer = "81830203a200397d63016f756e6b6e6f776e20656c656d656e74"
    assert run(talk().answer(message)) == bytes.fromhex(answer)


def test_nothing_goes_before_the_hello(talk: Talk) -> None:
    conversation = talk(hello=False)
    for command in (GetStage(), Lookup("Group"), Write(REGISTER, 11, 5)):
        assert _code(_ask(conversation, command)) == -32000
    (answer,) = _say(conversation, encode_packets([Request(1, 99)]))
    assert isinstance(answer, Failure)
    assert answer.error.code == -32000


def test_the_hello_counts_from_its_packet_on(talk: Talk) -> None:
    requests = [
        GetStage().request(0),
        ClientHello(0, 1).request(1),
        GetStage().request(2),
        ClientHello().request(3),
        GetStage().request(4),
    ]
    answers = _say(talk(hello=False), encode_packets(requests))
    codes = [a.error.code if isinstance(a, Failure) else 0 for a in answers]
    assert codes == [-32000, 0, 0, -32001, 0]
    assert [a.message_id for a in answers if not isinstance(a, Success) or a] == [0, 1, 2, 3, 4]  # type: ignore[union-attr]  # there are no events


def test_a_hello_for_another_version(talk: Talk) -> None:
    conversation = talk(hello=False)
    assert _code(_ask(conversation, ClientHello(2, 9))) == -32602
    # It did not count, so the next one is the first.
    assert _code(_ask(conversation, GetStage())) == -32000
    assert _ask(conversation, ClientHello(0, 9)) == 1


@pytest.mark.parametrize("opcode", [15, 16, -1, 2**63])
def test_unknown_commands(opcode: int, talk: Talk) -> None:
    (answer,) = _say(talk(), encode_packets([Request(1, opcode, {})]))
    assert isinstance(answer, Failure)
    assert answer.error.code == -32601


def test_a_bare_packet_is_answered_field_by_field(talk: Talk) -> None:
    answers = _say(talk(), cbor2.dumps([0, 1, 14, {0: 1, 1: 1}]))
    assert len(answers) == 4
    assert all(isinstance(a, Failure) and a.error.code in (-32600, -32700) for a in answers)


def test_an_empty_message_has_no_answer(talk: Talk) -> None:
    assert run(talk().answer(b"\x80")) is None


@pytest.mark.parametrize(
    "message", [b"", b"\xff", b"\x81", b"hello", b"\x9b" + b"\xff" * 8, b"\x81" * 5000, b"\x00"]
)
def test_what_is_no_message(message: bytes, talk: Talk) -> None:
    conversation = talk()
    (answer,) = _say(conversation, message)
    assert isinstance(answer, Failure)
    assert answer.message_id == 0
    assert answer.error.code in (-32700, -32600)
    assert _ask(conversation, GetStage()) == 2


@pytest.mark.parametrize("opcode", range(15))
@pytest.mark.parametrize("parameters", [{}, {0: None}, {0: [None], 1: "x"}, {7: 1}, {0: {}}])
def test_wrong_parameters(opcode: int, parameters: dict[int, Any], talk: Talk) -> None:
    (answer,) = _say(talk(), encode_packets([Request(1, opcode, parameters)]))
    if isinstance(answer, Failure):
        # Changing the stage needs no parameters, but a right.
        assert answer.error.code in (-32602, -32001, -32102 if opcode in (9, 10, 11) else -32602)
    else:
        # The stage is asked for without parameters, so none is wrong.
        assert opcode == 8


def test_server_information(talk: Talk) -> None:
    assert _ask(talk(), ServerInformation((0, 2))) == {0: "1.2.3", 2: "model.json"}
    assert _code(_ask(talk(), ServerInformation((0, 3)))) == -32602


def test_browse(talk: Talk) -> None:
    entries = _ask(talk(), Browse(NIL_UUID, 2, (2,)))
    assert sorted(entries) == [("Group.Point", POINT, 2), ("Group.Register", REGISTER, 2)]
    assert _ask(talk(), Browse(NIL_UUID, 0)) == []
    assert _ask(talk(), Browse(GROUP, None, ())) == []


def test_meta_data(talk: Talk) -> None:
    answer = _ask(talk(), MetaData(REGISTER))
    assert (answer.primary_key, answer.category, answer.has_children) == (
        "Group.Register",
        2,
        False,
    )
    assert ("value", 11, 2, 10) in answer.attributes
    item = talk().answer(encode_packets([MetaData(GROUP, (3,)).request(1)]))
    assert cbor2.loads(run(item) or b"") == [[1, 1, {3: True}]]
    assert _ask(talk(), MetaData(NIL_UUID)).category == 0
    assert _code(_ask(talk(), MetaData(GROUP, (0, 83)))) == -32602


def test_lookup(talk: Talk) -> None:
    assert _ask(talk(), Lookup("Group.Register")) == REGISTER
    assert _code(_ask(talk(), Lookup("group"))) == -32100


def test_read(talk: Talk) -> None:
    by_uuid = Attribute.VALUE.uuid
    values = _ask(talk(), Read(REGISTER, (11, by_uuid, 11, 12, 0, NOWHERE)))
    assert list(values) == [11, by_uuid, 12, 0, NOWHERE]
    assert values[11] == values[by_uuid] == 1.5
    assert _code(values[12]) == _code(values[NOWHERE]) == -32101
    assert _ask(talk(), Read(REGISTER, ())) == {}
    assert _code(_ask(talk(), Read(NOWHERE, (11,)))) == -32100


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
def test_writes_that_fail(element: UUID, attribute: int, value: Any, code: int, talk: Talk) -> None:
    assert _code(_ask(talk(), Write(element, attribute, value))) == code
    assert _ask(talk(), Read(REGISTER, (11,))) == {11: 1.5}


def test_a_write_over_a_data_point(talk: Talk) -> None:
    assert _ask(talk(), Write(POINT, Attribute.VALUE.uuid, 3)) is None
    assert _ask(talk(), Read(REGISTER, (11,))) == {11: 3.0}


def test_without_the_right(small: Documents, talk: Talk, service: Service) -> None:
    assert _code(_ask(talk(GUEST), Write(REGISTER, 11, 5))) == -32102
    assert _ask(talk(GUEST), Read(REGISTER, (11,))) == {11: 1.5}
    nobody = Principal("nobody", frozenset())
    assert _code(_ask(talk(nobody), Read(REGISTER, (11,)))) == -32102
    # Without the right to read, an element is still seen.
    assert len(_ask(talk(nobody), Browse(NIL_UUID))) == 3


def test_the_log_keeps_nothing_but_the_errors(talk: Talk, service: Service) -> None:
    assert _code(_ask(talk(), Lookup("Nowhere"))) == -32100
    with mock.patch.object(service.recorder, "request") as request:
        assert _code(_ask(talk(), Lookup("Nowhere"))) == -32100
    error = request.call_args.args[0].error
    assert error.__traceback__ is error.__context__ is error.__cause__ is None


def test_the_stage(talk: Talk) -> None:
    assert _ask(talk(), GetStage()) == 2


def test_sub_sessions(talk: Talk) -> None:
    conversation = talk()
    login = Password("ben", "secret")
    first = _ask(conversation, CreateSubSession(login))
    assert first.version == 4
    assert _ask(conversation, CreateSubSession(login, SESSION)) == SESSION
    assert _ask(conversation, Write(REGISTER, 11, 5, SESSION)) is None
    assert _ask(conversation, Write(REGISTER, 11, 6, first)) is None
    assert _ask(conversation, CloseSubSession(first)) is None
    assert _code(_ask(conversation, CloseSubSession(first))) == -32111
    assert _code(_ask(conversation, Write(REGISTER, 11, 7, first))) == -32111
    # A session belongs to its connection.
    assert _code(_ask(talk(), CloseSubSession(SESSION))) == -32111
    assert _ask(conversation, Read(REGISTER, (11,))) == {11: 6.0}


def test_a_write_with_a_sub_session_needs_both_rights(talk: Talk) -> None:
    def write(client: Principal, user: str) -> Any:
        conversation = talk(client)
        session = _ask(conversation, CreateSubSession(Password(user, "secret")))
        return _ask(conversation, Write(REGISTER, 11, 5, session))

    assert write(SHIFT, "ben") is None
    assert _code(write(SHIFT, "guest")) == -32102
    assert _code(write(GUEST, "ben")) == -32102


def test_a_desired_session_id_replaces_the_old_session(talk: Talk) -> None:
    conversation = talk()
    _ask(conversation, CreateSubSession(Password("guest", "secret"), SESSION))
    assert _code(_ask(conversation, Write(REGISTER, 11, 5, SESSION))) == -32102
    _ask(conversation, CreateSubSession(Password("ben", "secret"), SESSION))
    assert _ask(conversation, Write(REGISTER, 11, 5, SESSION)) is None


def test_sub_sessions_that_are_refused(talk: Talk) -> None:
    conversation = talk()
    for login in (Password("ben", "x"), Password("zoe", "secret"), Token("x"), Certificate(b"x")):
        assert _code(_ask(conversation, CreateSubSession(login, SESSION))) == -32102
    assert _code(_ask(conversation, CloseSubSession(SESSION))) == -32111
    nil = Request(1, 12, {0: Password("ben", "secret").alternative(), 1: NIL_UUID})
    (answer,) = _say(conversation, encode_packets([nil]))
    assert isinstance(answer, Failure)
    assert answer.error.code == -32602


def test_passwords_are_work_for_a_thread(talk: Talk) -> None:
    message = encode_packets([CreateSubSession(Password("ben", "secret")).request(1)])
    steps = talk().answer(message)
    work = next(steps)
    assert work is not PAUSE
    assert "secret" not in repr(work)
    with pytest.raises(StopIteration):
        steps.send(work())


def test_long_batches_pause(talk: Talk) -> None:
    message = encode_packets([GetStage().request(number) for number in range(1000)])
    steps = talk().answer(message)
    pauses = 0
    answer = b""
    try:
        while True:
            assert next(steps) is PAUSE
            pauses += 1
    except StopIteration as end:
        answer = end.value
    assert pauses >= 10
    answers = decode_answers(answer)
    assert answers == [Success(number, 2) for number in range(1000)]


def test_a_fault_of_the_quick_way_costs_no_answer(talk: Talk) -> None:
    conversation = talk()
    with mock.patch.object(conversation._session, "quick_meta_data", side_effect=RuntimeError):
        assert _ask(conversation, MetaData(REGISTER, (0,))).primary_key == "Group.Register"


def test_a_fault_of_the_simulator_costs_one_answer(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    conversation = talk()
    with mock.patch.object(Element, "read", side_effect=ZeroDivisionError):
        assert _code(_ask(conversation, Read(REGISTER, (11,)))) == -32603
    assert "ZeroDivisionError" in caplog.text
    assert _ask(conversation, GetStage()) == 2


@lru_cache
def _service() -> Service:
    plant = Plant.from_model(from_documents(_EMPTY).model, from_documents(_EMPTY).security)
    return Service(plant, Authenticator([]), server_information(plant, ""))


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


@given(st.lists(_REQUESTS | _ITEMS, min_size=1, max_size=6))
def test_one_answer_for_every_packet_whatever_comes(packets: list[object]) -> None:
    conversation = Dispatcher(_service(), SHIFT)
    answers = _say(conversation, cbor2.dumps(packets))
    assert len(answers) == len(packets)


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(message: bytes) -> None:
    conversation = Dispatcher(_service(), SHIFT)
    answer = run(conversation.answer(message))
    assert answer is None or isinstance(cbor.decode(answer), list)
