"""create_sub_session and close_sub_session."""

from __future__ import annotations

from uuid import UUID

import pytest

from xentara_nb.protocol.commands import (
    Certificate,
    CloseSubSession,
    CreateSubSession,
    Password,
    Token,
)
from xentara_nb.protocol.errors import InvalidParameterError, ProtocolError
from xentara_nb.protocol.identifiers import NIL_UUID
from xentara_nb.protocol.packets import Failure, Request, decode_requests, encode_packets
from xentara_nb.protocol.values import Alternative

SESSION = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
LOG_INS = [
    (Token("t"), Alternative(0, {0: "t"})),
    (Certificate(b"\x30\x00"), Alternative(1, {0: b"\x30\x00"})),
    (Password("u", "p"), Alternative(2, {0: "u", 1: "p"})),
    (Token(""), Alternative(0, {0: ""})),
    (Certificate(b""), Alternative(1, {0: b""})),
    (Password("", ""), Alternative(2, {0: "", 1: ""})),
]


@pytest.mark.parametrize(("authentication", "alternative"), LOG_INS)
def test_three_ways_to_log_in(authentication, alternative):
    assert CreateSubSession(authentication).request(1).parameters[0] == alternative
    command = CreateSubSession(authentication)
    assert command.request(1).parameters == {0: alternative}
    assert (
        CreateSubSession.from_request(Request(1, CreateSubSession.opcode, {0: alternative}))
        == command
    )
    (request,) = decode_requests(encode_packets([command.request(1)]))
    assert CreateSubSession.from_request(request) == command


@pytest.mark.parametrize(
    ("authentication", "shown"),
    [
        (Token("hush"), "Token()"),
        (Certificate(b"hush"), "Certificate()"),
        (Password("me", "hush"), "Password(user='me')"),
    ],
)
def test_no_secret_is_shown(authentication, shown):
    assert repr(authentication) == shown
    assert "hush" not in repr(CreateSubSession(authentication, SESSION))
    assert "hush" not in str(CreateSubSession(authentication, SESSION))


@pytest.mark.parametrize(
    "text",
    [
        "a2006475736572016568757368ff",  # a password that is not UTF-8
        "a2006475736572016468757368ff",  # a byte too many
        "a3006475736572016468757368016468757368",  # the password twice
        "a200647573657201a1646875736805",  # a map
    ],
)
def test_no_secret_is_in_the_error_about_a_request(text):
    (request,) = decode_requests(bytes.fromhex(f"818400010ca100d87b{text}"))
    assert "hush" not in repr(request)
    if type(request) is Failure:
        assert "hush" not in str(request.error)
    else:
        with pytest.raises(InvalidParameterError) as caught:
            CreateSubSession.from_request(request)
        assert "hush" not in str(caught.value)


def test_unknown_keys_are_passed_over():
    item = Alternative(2, {0: "u", 1: "p", 2: "new"})
    assert CreateSubSession.from_request(
        Request(1, CreateSubSession.opcode, {0: item, 5: None})
    ) == CreateSubSession(Password("u", "p"))


def test_desired_id():
    command = CreateSubSession(Token("t"), SESSION)
    assert command.request(1).parameters == {0: Alternative(0, {0: "t"}), 1: SESSION}
    assert (
        CreateSubSession.from_request(
            Request(1, CreateSubSession.opcode, command.request(1).parameters)
        )
        == command
    )


def test_a_nil_desired_id():
    with pytest.raises(ProtocolError, match="desired session id must not be nil"):
        CreateSubSession(Token("t"), NIL_UUID)
    with pytest.raises(InvalidParameterError, match="desired session id must not be nil"):
        CreateSubSession.from_request(
            Request(1, CreateSubSession.opcode, {0: Alternative(0, {0: "t"}), 1: NIL_UUID})
        )


def test_answer():
    command = CreateSubSession(Token("t"))
    assert command.build_answer(SESSION) == SESSION
    assert command.parse_answer(SESSION) == SESSION
    with pytest.raises(ProtocolError, match="must not be the nil UUID"):
        command.parse_answer(NIL_UUID)


def test_close():
    command = CloseSubSession(SESSION)
    assert encode_packets([command.request(65)]).hex() == (
        "818400 1841 0d a100 d82550e3ee10714d884ba18e5d0f1e4ce25ee8".replace(" ", "")
    )
    assert CloseSubSession.from_request(Request(1, CloseSubSession.opcode, {0: SESSION})) == command
    # That there is no such session is for the server to say.
    assert CloseSubSession.from_request(
        Request(1, CloseSubSession.opcode, {0: NIL_UUID})
    ) == CloseSubSession(NIL_UUID)
