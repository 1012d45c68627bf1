"""What all commands share: the table of them, and the way there and back."""

from __future__ import annotations

import dataclasses
from uuid import UUID

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.strategies import COMMAND_STRATEGIES, EVENTS, RESULT_OF
from xentara_nb.protocol import commands
from xentara_nb.protocol.commands import COMMANDS, Command, CommandWithoutResult, Write
from xentara_nb.protocol.errors import InvalidParameterError, ProtocolError
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.packets import (
    NOTHING,
    Request,
    Success,
    decode_answers,
    decode_requests,
    encode_packets,
)

E = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")

OPCODES = [
    (0, "server_information", "ServerInformation"),
    (1, "browse", "Browse"),
    (2, "meta_data", "MetaData"),
    (3, "lookup", "Lookup"),
    (4, "read", "Read"),
    (5, "write", "Write"),
    (6, "subscribe", "Subscribe"),
    (7, "unsubscribe", "Unsubscribe"),
    (8, "get_stage", "GetStage"),
    (9, "resume", "Resume"),
    (10, "suspend", "Suspend"),
    (11, "shutdown", "Shutdown"),
    (12, "create_sub_session", "CreateSubSession"),
    (13, "close_sub_session", "CloseSubSession"),
    (14, "client_hello", "ClientHello"),
]
WITHOUT_RESULT = {5, 7, 9, 10, 11, 13}
ALL = sorted(COMMANDS)


def test_every_opcode_has_its_command():
    assert set(COMMANDS) == set(OpCode)
    assert [(int(code), kind.__name__) for code, kind in sorted(COMMANDS.items())] == [
        (code, name) for code, _, name in OPCODES
    ]
    for code, _, name in OPCODES:
        assert COMMANDS[code] is getattr(commands, name)


def test_names():
    # The name needs no parameter, so an empty instance will do.
    for code, name, _ in OPCODES:
        assert object.__new__(COMMANDS[code]).name == name


def test_which_commands_have_a_result():
    for code, kind in COMMANDS.items():
        assert issubclass(kind, CommandWithoutResult) == (code in WITHOUT_RESULT)


def test_every_command_is_documented():
    for code, name, _ in OPCODES:
        assert COMMANDS[code].__doc__.startswith(f"{name} ({code}): ")


@pytest.mark.parametrize("code", ALL, ids=str)
def test_commands_are_frozen(code):
    kind = COMMANDS[code]
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert not hasattr(object.__new__(kind), "__dict__")


def test_stage_changes_differ_by_their_kind():
    assert commands.Suspend() == commands.Suspend()
    assert commands.Suspend() != commands.Shutdown()


@pytest.mark.parametrize("code", ALL, ids=str)
def test_requests_survive(code):
    kind = COMMANDS[code]

    @given(COMMAND_STRATEGIES[kind], st.integers(-(1 << 63), (1 << 64) - 1))
    def run(command, message_id):
        data = encode_packets([command.request(message_id)])
        (request,) = decode_requests(data)
        assert type(request) is Request
        assert (request.message_id, request.opcode) == (message_id, code)
        back = kind.from_request(request)
        assert type(back) is kind
        assert back == command
        assert repr(back) == repr(command)
        # A decoder without any of our settings finds the same opcode in the same place.
        assert cbor2.loads(data)[0][:3] == [0, message_id, int(code)]

    run()


@pytest.mark.parametrize("code", sorted(set(ALL) - WITHOUT_RESULT), ids=str)
def test_answers_survive(code):
    kind = COMMANDS[code]

    @given(COMMAND_STRATEGIES[kind], RESULT_OF[kind])
    def run(command, result):
        if kind is commands.ServerInformation:
            command = commands.ServerInformation(tuple(result))
        if kind is commands.Read:
            command = commands.Read(command.element_uuid, tuple(result))
        if kind is commands.MetaData:
            asked = command.identifiers
            result = commands.MetaDataAnswer(
                *(value if index in asked else None for index, value in enumerate(result))
            )
        (answer,) = decode_answers(encode_packets([Success(5, command.build_answer(result))]))
        back = command.parse_answer(answer.item)
        assert back == result
        if kind is commands.Read:
            assert repr(back) == repr(result)  # true is not 1, and 1.0 neither

    run()


@pytest.mark.parametrize("code", sorted(WITHOUT_RESULT))
def test_commands_without_a_result(code):
    command = object.__new__(COMMANDS[code])
    assert command.build_answer(None) is NOTHING
    assert encode_packets([Success(8, command.build_answer(None))]).hex() == "81820108"
    for item in (NOTHING, None, {}):
        assert command.parse_answer(item) is None
    for item in (0, False, "", [], b"", {0: 1}, E):
        with pytest.raises(ProtocolError, match=f"to {command.name} must carry no item, not a"):
            command.parse_answer(item)


def test_events_survive():
    @given(EVENTS)
    def run(change):
        (event,) = decode_answers(encode_packets([change.event()]))
        back = commands.DataChange.from_event(event)
        assert back == change
        assert repr(back) == repr(change)

    run()


def test_a_wrong_parameter_is_an_error_to_answer():
    with pytest.raises(InvalidParameterError) as caught:
        Write.from_request(Request(1, Write.opcode, {0: E, 1: 11}))
    assert caught.value.text == "invalid parameter: the attribute value (key 2) is missing"
    assert caught.value.code == -32602
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_parameters_that_are_not_known_are_passed_over():
    assert Write.from_request(
        Request(1, Write.opcode, {0: E, 1: 11, 2: 5, 7: b"new", -1: [None]})
    ) == Write(E, 11, 5)
    assert (
        commands.GetStage.from_request(Request(1, commands.GetStage.opcode, {0: 5}))
        == commands.GetStage()
    )


def test_a_command_without_parameters():
    assert commands.GetStage().request(1).parameters is None


def test_the_base_class_reads_no_answer():
    assert Command().build_answer(5) == 5
    with pytest.raises(NotImplementedError):
        Command().parse_answer(None)
