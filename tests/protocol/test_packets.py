"""Packets and messages, at both ends, and what a server makes of requests that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.strategies import ANSWERS
from xentara_nb.protocol.commands import (
    COMMANDS,
    CreateSubSession,
    GetStage,
    Password,
    ServerInformation,
    Token,
)
from xentara_nb.protocol.errors import (
    InvalidParameterError,
    InvalidRequestError,
    ParseError,
    ProtocolError,
    ReadOnlyError,
    ServerError,
    UnknownElementError,
)
from xentara_nb.protocol.packets import (
    NOTHING,
    UNREADABLE_ID,
    Event,
    Failure,
    Request,
    Success,
    decode_answers,
    decode_requests,
    encode_packets,
)


def test_each_kind_of_packet():
    packets = [
        (Request(65, 3, {0: "a"}), "84 00 1841 03 a1006161"),
        (Request(65, 3, {}), "84 00 1841 03 a0"),
        (Request(0, 8), "83 00 00 08"),
        (Success(1, 5), "83 01 01 05"),
        (Success(1, None), "83 01 01 f6"),
        (Success(1), "82 01 01"),
        (Failure(2, ReadOnlyError("x")), "83 02 02 a2 00 397d66 01 6178"),
        (Event(0, {}), "83 08 00 a0"),
    ]
    for packet, text in packets:
        assert encode_packets([packet]).hex() == f"81{text.replace(' ', '')}"
    whole = f"{0x80 | len(packets):02x}" + "".join(text.replace(" ", "") for _, text in packets)
    assert encode_packets(packet for packet, _ in packets).hex() == whole


def test_a_message_may_be_empty():
    assert encode_packets([]) == b"\x80"
    assert decode_answers(b"\x80") == []
    assert decode_requests(b"\x80") == []


def test_a_command_without_parameters_is_three_items():
    assert encode_packets([GetStage().request(7)]).hex() == "8183000708"


def test_nothing():
    assert repr(NOTHING) == "<nothing>"
    assert repr(Success(8)) == "Success(message_id=8, item=<nothing>)"
    assert Success(8) != Success(8, None)


@pytest.mark.parametrize("authentication", [Password("me", "hush"), Token("hush")])
def test_a_request_shows_no_secret(authentication):
    command = CreateSubSession(authentication)
    request = command.request(5)
    assert repr(request) == "Request(message_id=5, opcode=12, parameters=***)"
    assert "hush" not in f"{command!r}{request!r}{[request]!s}"


def test_a_request_shows_everything_else():
    assert repr(Request(5, 3, {0: "a"})) == "Request(message_id=5, opcode=3, parameters={0: 'a'})"
    assert repr(Request(5, 12)) == "Request(message_id=5, opcode=12, parameters=None)"


def test_success_and_error_packets_share_a_message():
    # The manual's example of a batch: two answers and an error, in order.
    data = bytes.fromhex("83 83010105 830202a100397f59 820103")
    first, second, third = decode_answers(data)
    assert (first, third) == (Success(1, 5), Success(3))
    assert type(second.error) is InvalidParameterError
    assert second.message_id == 2


def test_any_order_of_keys_and_other_forms_of_a_message():
    data = bytes.fromhex("9f9f 01 1900 08ff 83 02 03 a2 01 6178 00 397d63 ff")
    assert decode_answers(data) == [Success(8), Failure(3, UnknownElementError("x"))]


@pytest.mark.parametrize("number", [0, -1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, -(1 << 63)])
def test_message_ids_of_64_bits(number):
    (request,) = decode_requests(encode_packets([Request(number, 8)]))
    assert request == Request(number, 8)
    for answer in (Success(number), Failure(number, ReadOnlyError("x"))):
        assert decode_answers(encode_packets([answer])) == [answer]


def test_answers_survive():
    @given(ANSWERS)
    def run(answers):
        back = decode_answers(encode_packets(answers))
        assert back == answers
        assert repr(back) == repr(answers)

    run()


@given(
    st.lists(
        st.builds(
            Request,
            st.integers(-(1 << 63), (1 << 64) - 1),
            st.integers(-(1 << 63), (1 << 64) - 1),
            st.none() | st.dictionaries(st.integers(0, 9), st.text(max_size=3), max_size=3),
        ),
        max_size=5,
    )
)
def test_requests_survive(requests):
    assert decode_requests(encode_packets(requests)) == requests


# Answers that are none.

NOT_ANSWERS = {
    "a bare success": ("830101f6", "a packet must be an array, not an integer"),
    "a map": ("a0", "a message must be an array, not a map"),
    "null": ("f6", "a message must be an array, not null"),
    "a self-described array": ("d9d9f780", "a message must be an array, not something with tag"),
    "a packet that is a map": ("81a0", "a packet must be an array, not a map"),
    "an empty packet": ("8180", "begin with 1 .*, not with nothing"),
    "a request": ("8183000108", "begin with 1 .*, not with 0"),
    "an unknown packet type": ("8183030105", "begin with 1 .*, not with 3"),
    "a negative packet type": ("8183200105", "begin with 1 .*, not with -1"),
    "packet type true": ("8183f50105", "begin with 1 .*, not with a boolean"),
    "packet type 1.0": ("8183f93c000105", "begin with 1 .*, not with a floating point number"),
    "packet type null": ("8183f60105", "begin with 1 .*, not with null"),
    "a success of one item": ("818101", "a packet of type 1 cannot have 1 items"),
    "a success of four items": ("818401010505", "a packet of type 1 cannot have 4 items"),
    "an error of two items": ("81820201", "a packet of type 2 cannot have 2 items"),
    "an error of four items": ("81840201a100397d6600", "a packet of type 2 cannot have 4 items"),
    "an event of two items": ("81820800", "a packet of type 8 cannot have 2 items"),
    "an event of four items": ("81840800a000", "a packet of type 8 cannot have 4 items"),
    "success, id null": ("8182 01f6", "message id of an answer must be an integer, not null"),
    "success, id text": ("8182016131", "message id of an answer must be an integer, not a text"),
    "success, id true": ("818201f5", "message id of an answer must be an integer, not a boolean"),
    "success, id 1.0": ("818201f93c00", "message id of an answer must be an integer, not a float"),
    "success, id of 65 bits": ("8182013bffffffffffffffff", "must be an integer that fits 64 bits"),
    "error, id null": ("818302f6a100397d66", "message id of an error must be an integer, not null"),
    "error, an array": ("8183020180", "an error packet must be a map, not an array"),
    "error, no code": ("81830201a0", r"the code of an error packet \(key 0\) is missing"),
    "error, code text": ("81830201a1006131", "code of an error packet must be an integer, not a"),
    "error, text integer": ("81830201a200050105", "message of an error packet must be a text"),
    "error, code under false": ("81830201a1f405", "must not have boolean or floating point keys"),
    "event, type text": ("8183086130a0", "the type of an event must be an integer, not a text"),
    "event, type null": ("818308f6a0", "the type of an event must be an integer, not null"),
}


@pytest.mark.parametrize("name", NOT_ANSWERS)
def test_what_is_no_answer(name):
    text, reason = NOT_ANSWERS[name]
    with pytest.raises(ProtocolError, match=reason):
        decode_answers(bytes.fromhex(text))


def test_one_bad_packet_spoils_the_message():
    with pytest.raises(ProtocolError, match="not with 3"):
        decode_answers(bytes.fromhex("82 820101 8103"))


# Requests that are none. Each row: bytes, and the id and class of each error to answer.

P, R, V = ParseError, InvalidRequestError, InvalidParameterError
NOT_REQUESTS = {
    # One error for each field of a packet outside an array; the connection stays open.
    "a bare packet": ("84 00 01 0e a200010101", [(0, R)] * 4, "must be an array, not"),
    "a bare packet of three": ("83 00 05 08", [(0, R)] * 3, "a packet must be an array, not an"),
    "not CBOR": ("ff", [(0, P)], "not well-formed CBOR"),
    "no byte": ("", [(0, P)], "not well-formed CBOR: premature end of stream"),
    "text": ("47455420", [(0, P)], "not well-formed CBOR"),
    "a byte too many": ("80 00", [(0, P)], "1 bytes follow the CBOR item of 1 bytes"),
    "a map": ("a0", [(0, R)], "a message must be an array, not a map"),
    "an integer": ("00", [(0, R)], "a message must be an array, not an integer"),
    "null": ("f6", [(0, R)], "a message must be an array, not null"),
    "a tag around the message": ("d9d9f780", [(0, R)], "not something with tag 55799"),
    "an empty packet": ("81 80", [(0, P)], "the packet type is missing"),
    "only a type": ("81 8100", [(0, P)], "the message id is missing"),
    "no opcode": ("81 820005", [(5, P)], "the command's opcode is missing"),
    "type null": ("81 83f60508", [(5, P)], "the packet type must be an integer, not null"),
    "type true": ("81 83f50508", [(5, P)], "the packet type must be an integer, not a boolean"),
    "type 0.0": ("81 83f900000508", [(5, P)], "the packet type must be an integer, not a float"),
    "type text": ("81 8361300508", [(5, P)], "the packet type must be an integer, not a text"),
    "id null": ("81 8300f608", [(0, P)], "the message id must be an integer, not null"),
    "id true": ("81 8300f508", [(0, P)], "the message id must be an integer, not a boolean"),
    "id 5.0": ("81 8300f9450008", [(0, P)], "the message id must be an integer, not a floating"),
    "id text": ("81 8300613508", [(0, P)], "the message id must be an integer, not a text"),
    "id a big number": ("81 8300c2410508", [(0, P)], "the message id must be .* with tag 2"),
    "id of 65 bits": ("81 83003bffffffffffffffff08", [(0, P)], "that fits 64 bits"),
    "type and id null": ("81 83f6f608", [(0, P)], "the packet type must be an integer, not null"),
    "opcode null": ("81 830005f6", [(5, P)], "the command's opcode must be an integer, not null"),
    "opcode text": ("81 8300056138", [(5, P)], "the command's opcode must be .*, not a text"),
    "opcode true": ("81 830005f5", [(5, P)], "the command's opcode must be .*, not a boolean"),
    "opcode of 65 bits": ("81 8300053bffffffffffffffff", [(5, P)], "that fits 64 bits"),
    "a success": ("81 830105f6", [(5, P)], "the command's opcode must be an integer, not null"),
    "a success with a number": ("81 83010508", [(5, R)], "invalid packet type"),
    "an event": ("81 83080008", [(0, R)], "invalid packet type"),
    "an unknown type": ("81 83030508", [(5, R)], "invalid packet type"),
    "a negative type": ("81 83200508", [(5, R)], "invalid packet type"),
    "five items": ("81 85000508a000", [(5, R)], "a request cannot have 5 items"),
    "parameters an array": ("81 8400050880", [(5, V)], "the parameters must be a map, not an"),
    "parameters null": ("81 84000508f6", [(5, V)], "the parameters must be a map, not null"),
    "a packet that is a map": ("81 a0", [(0, R)], "a packet must be an array, not a map"),
}


@pytest.mark.parametrize("name", NOT_REQUESTS)
def test_what_is_no_request(name):
    text, expected, reason = NOT_REQUESTS[name]
    failures = decode_requests(bytes.fromhex(text))
    assert all(type(failure) is Failure for failure in failures)
    assert [(failure.message_id, type(failure.error)) for failure in failures] == expected
    for failure in failures:
        with pytest.raises(ServerError, match=reason):
            raise failure.error
    assert decode_answers(encode_packets(failures)) == failures


def test_the_id_of_an_unreadable_packet_is_an_integer():
    # Other clients break off when it is null.
    assert type(UNREADABLE_ID) is int
    assert UNREADABLE_ID == 0


def test_good_and_bad_requests_in_one_message_keep_their_order():
    data = bytes.fromhex("84 83000108 8100 05 83000208")
    first, second, third, fourth = decode_requests(data)
    assert (first, fourth) == (Request(1, 8), Request(2, 8))
    assert [type(failure.error) for failure in (second, third)] == [P, R]


def test_the_hello_and_its_followers_may_share_a_message():
    data = bytes.fromhex("82 8400010ea200010101 83000208")
    hello, stage = (COMMANDS[r.opcode].from_request(r) for r in decode_requests(data))
    assert (hello.name, stage.name) == ("client_hello", "get_stage")


def test_an_unknown_opcode_is_for_the_server_to_refuse():
    for opcode in (15, 99, -1, (1 << 64) - 1):
        (request,) = decode_requests(encode_packets([Request(5, opcode, {})]))
        assert request == Request(5, opcode, {})
        assert opcode not in COMMANDS


@pytest.mark.parametrize("text", ["8183000500", "8184000500a0"])
def test_parameters_left_out_are_an_empty_map(text):
    (request,) = decode_requests(bytes.fromhex(text))
    with pytest.raises(InvalidParameterError, match=r"identifiers \(key 0\) is missing"):
        ServerInformation.from_request(request)


@pytest.mark.parametrize("key", ["f4", "f90000", "f98000"])
def test_false_and_floats_do_not_stand_for_a_key(key):
    (request,) = decode_requests(bytes.fromhex(f"8184000500a1{key}8100"))
    with pytest.raises(InvalidParameterError, match="boolean or floating point keys"):
        ServerInformation.from_request(request)
