"""client_hello, get_stage, resume, suspend and shutdown."""

from __future__ import annotations

from uuid import UUID

import pytest

from xentara_nb.protocol.commands import ClientHello, GetStage, Resume, Shutdown, Suspend
from xentara_nb.protocol.errors import InvalidParameterError, ProtocolError
from xentara_nb.protocol.identifiers import NIL_UUID, Stage
from xentara_nb.protocol.packets import Request, decode_requests, encode_packets

SESSION = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")


def test_hello_asks_for_the_version_of_this_library():
    assert ClientHello() == ClientHello(1, 1)
    assert encode_packets([ClientHello().request(1)]).hex() == "818400010ea200010101"


def test_hello_with_a_range():
    assert encode_packets([ClientHello(0, 1).request(65)]).hex() == "81840018410ea200000101"
    assert ClientHello.from_request(Request(1, ClientHello.opcode, {0: 0, 1: 1})) == ClientHello(
        0, 1
    )
    assert ClientHello.from_request(Request(1, ClientHello.opcode, {1: 7, 0: 7})) == ClientHello(
        7, 7
    )


def test_hello_the_wrong_way_round():
    with pytest.raises(ProtocolError, match="minimum protocol version 2 is above the maximum 1"):
        ClientHello(2, 1)
    with pytest.raises(InvalidParameterError, match="version 2 is above the maximum 1"):
        ClientHello.from_request(Request(1, ClientHello.opcode, {0: 2, 1: 1}))


def test_hello_answer():
    assert ClientHello().build_answer(1) == {0: 1}
    assert ClientHello().parse_answer({0: 1}) == 1
    # A newer server may say more.
    assert ClientHello(1, 3).parse_answer({0: 3, 1: "more", -5: b""}) == 3


@pytest.mark.parametrize("stage", Stage)
def test_get_stage(stage):
    assert GetStage().build_answer(stage) == int(stage)
    assert type(GetStage().build_answer(stage)) is int
    assert GetStage().parse_answer(int(stage)) is stage


@pytest.mark.parametrize("number", [7, 99, -1])
def test_a_stage_that_is_not_known_stays_a_number(number):
    stage = GetStage().parse_answer(number)
    assert type(stage) is int
    assert stage == number


@pytest.mark.parametrize(("kind", "opcode"), [(Resume, "09"), (Suspend, "0a"), (Shutdown, "0b")])
def test_stage_changes(kind, opcode):
    assert encode_packets([kind().request(5)]).hex() == f"81840005{opcode}a0"
    with_session = kind(SESSION)
    assert encode_packets([with_session.request(5)]).hex() == (
        f"81840005{opcode}a100d82550e3ee10714d884ba18e5d0f1e4ce25ee8"
    )
    for command in (kind(), with_session, kind(NIL_UUID)):
        (request,) = decode_requests(encode_packets([command.request(5)]))
        assert kind.from_request(request) == command
    # The parameter map may be missing altogether.
    assert kind.from_request(Request(5, int(kind.opcode))) == kind()
