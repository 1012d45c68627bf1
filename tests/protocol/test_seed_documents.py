"""Every example of the manual's pages on meta_data, write and create_sub_session.

The manual prints packets in a notation of its own, one packet without the array around it. The
hexadecimal digits here were written by hand from that notation, not by this library.
"""

from __future__ import annotations

from uuid import UUID

import pytest

from xentara_nb.protocol.commands import (
    COMMANDS,
    AttributeInfo,
    Certificate,
    CreateSubSession,
    MetaData,
    MetaDataAnswer,
    Password,
    Token,
    Write,
)
from xentara_nb.protocol.errors import (
    AccessDeniedError,
    IllegalValueError,
    InternalError,
    InvalidParameterError,
    InvalidRequestError,
    MissingAttributeError,
    MissingClientHelloError,
    ParseError,
    ProtocolError,
    ReadOnlyError,
    TypeMismatchError,
    UnknownElementError,
    ValueOutOfRangeError,
    WriteError,
)
from xentara_nb.protocol.identifiers import NIL_UUID, Access, Attribute, Category, DataType
from xentara_nb.protocol.packets import (
    Failure,
    Request,
    Success,
    decode_answers,
    decode_requests,
    encode_packets,
)

SESSION = UUID("E3EE1071-4D88-4BA1-8E5D-0F1E4CE25EE8")
ELEMENT = UUID("E3EE1071-4D88-4BA1-8E5D-0F1E4CE25EE8")
WRITTEN = UUID("88130CE8-B9E7-4A2A-8F26-D32A931129AA")


def both_ways_request(command, text: str) -> None:
    """Check that the request with message id 65 is these bytes, and that a server reads it."""
    data = bytes.fromhex(text)
    assert encode_packets([command.request(65)]).hex() == data.hex()
    (request,) = decode_requests(data)
    assert type(request) is Request
    assert request.message_id == 65
    assert COMMANDS[request.opcode].from_request(request) == command


def both_ways_answer(command, result, text: str) -> None:
    """Check that the answer with message id 65 is these bytes, and that a client reads it."""
    data = bytes.fromhex(text)
    assert encode_packets([Success(65, command.build_answer(result))]).hex() == data.hex()
    (answer,) = decode_answers(data)
    assert type(answer) is Success
    assert answer.message_id == 65
    assert command.parse_answer(answer.item) == result


# The meta_data page.

META_DATA = MetaData(ELEMENT, (0, 1, 2, 3))
META_DATA_ANSWER = MetaDataAnswer(
    "Group 1.Data Point 1",
    2,
    (
        AttributeInfo("type", 3, 0, 11),
        AttributeInfo("category", 4, 0, 19),
        AttributeInfo("name", 1, 0, 11),
        AttributeInfo("key", 0, 0, 11),
        AttributeInfo("UUID", 2, 0, 17),
        AttributeInfo("value", 11, 2, 0),
        AttributeInfo("quality", 9, 0, 18),
        AttributeInfo("updateTime", 6, 0, 16),
        AttributeInfo("changeTime", 7, 0, 16),
        AttributeInfo("writeTime", 8, 0, 16),
    ),
    False,
)


def test_meta_data_request():
    both_ways_request(
        META_DATA,
        "81 84"
        "00"  # request packet
        "1841"  # message id 65
        "02"  # opcode meta_data
        "a2"
        "00 d825 50 e3ee10714d884ba18e5d0f1e4ce25ee8"  # element UUID
        "01 84 00 01 02 03",  # meta data identifiers
    )


def test_meta_data_answer():
    both_ways_answer(
        META_DATA,
        META_DATA_ANSWER,
        "81 83"
        "01"  # success
        "1841"  # message id 65
        "a4"
        "00 74 47726f757020312e4461746120506f696e742031"  # "Group 1.Data Point 1"
        "01 02"  # data point
        "02 8a"  # ten attributes
        "a4 00 64 74797065 01 03 02 00 03 0b"  # type
        "a4 00 68 63617465676f7279 01 04 02 00 03 13"  # category
        "a4 00 64 6e616d65 01 01 02 00 03 0b"  # name
        "a4 00 63 6b6579 01 00 02 00 03 0b"  # key
        "a4 00 64 55554944 01 02 02 00 03 11"  # UUID
        "a4 00 65 76616c7565 01 0b 02 02 03 00"  # value
        "a4 00 67 7175616c697479 01 09 02 00 03 12"  # quality
        "a4 00 6a 75706461746554696d65 01 06 02 00 03 10"  # updateTime
        "a4 00 6a 6368616e676554696d65 01 07 02 00 03 10"  # changeTime
        "a4 00 69 777269746554696d65 01 08 02 00 03 10"  # writeTime
        "03 f4",  # no children
    )


def test_meta_data_answer_in_the_words_of_the_manual():
    item = META_DATA.build_answer(META_DATA_ANSWER)
    answer = META_DATA.parse_answer(item)
    assert answer.category is Category.DATA_POINT
    rows = [
        (
            info.name,
            Attribute(info.attribute_id).attribute_name,
            info.access.label,
            info.data_type.label,
        )
        for info in answer.attributes
    ]
    assert rows == [
        ("type", "type", "read only", "String"),
        ("category", "category", "read only", "ElementCategory"),
        ("name", "name", "read only", "String"),
        ("key", "key", "read only", "String"),
        ("UUID", "UUID", "read only", "Uuid"),
        ("value", "value", "read and write", "Boolean"),
        ("quality", "quality", "read only", "Quality"),
        ("updateTime", "updateTime", "read only", "TimePoint"),
        ("changeTime", "changeTime", "read only", "TimePoint"),
        ("writeTime", "writeTime", "read only", "TimePoint"),
    ]
    assert [info.access for info in answer.attributes].count(Access.READ_AND_WRITE) == 1
    assert answer.attributes[5].data_type is DataType.BOOLEAN


@pytest.mark.parametrize("identifier", range(4))
def test_meta_data_answers_what_was_asked_for(identifier):
    command = MetaData(ELEMENT, (identifier,))
    item = command.build_answer(META_DATA_ANSWER)
    assert list(item) == [identifier]
    empty = (None, None, None, None)
    expected = [
        value if index == identifier else nothing
        for index, (value, nothing) in enumerate(zip(META_DATA_ANSWER, empty, strict=True))
    ]
    assert list(command.parse_answer(item)) == expected


# The write page.

WRITE = Write(WRITTEN, 11, True, SESSION)


def test_write_request():
    both_ways_request(
        WRITE,
        "81 84"
        "00"  # request packet
        "1841"  # message id 65
        "05"  # opcode write
        "a4"
        "00 d825 50 88130ce8b9e74a2a8f26d32a931129aa"  # element UUID
        "01 0b"  # attribute id: value
        "02 f5"  # true
        "03 d825 50 e3ee10714d884ba18e5d0f1e4ce25ee8",  # sub-session id
    )


def test_write_request_without_a_sub_session():
    both_ways_request(
        Write(WRITTEN, 11, True),
        "81 84 00 1841 05 a3 00 d825 50 88130ce8b9e74a2a8f26d32a931129aa 01 0b 02 f5",
    )


def test_write_request_by_the_uuid_of_the_attribute():
    both_ways_request(
        Write(WRITTEN, Attribute.VALUE.uuid, True),
        "81 84 00 1841 05 a3 00 d825 50 88130ce8b9e74a2a8f26d32a931129aa"
        "01 d825 50 4aa0e4e0521e4599a985e454baa59f89"
        "02 f5",
    )


def test_write_answer():
    both_ways_answer(WRITE, None, "81 82 01 1841")


# The create_sub_session page.

LOG_INS = {
    "user name and password": (
        Password("add username here", "add password here"),
        "d87b a2"  # 123: a map of
        "00 71 61646420757365726e616d652068657265"  # "add username here"
        "01 71 6164642070617373776f72642068657265",  # "add password here"
    ),
    "OAuth 2.0 token": (
        Token("add OAuth 2.0 token here"),
        "d879 a1"  # 121: a map of
        "00 7818 616464204f4175746820322e3020746f6b656e2068657265",
    ),
    # The page's table of the three ways names this one, its examples do not.
    "certificate": (Certificate(b"\x30\x03\x02\x01\x05"), "d87a a1 00 45 3003020105"),
}


@pytest.mark.parametrize("way", LOG_INS)
def test_create_sub_session_request(way):
    authentication, text = LOG_INS[way]
    both_ways_request(
        CreateSubSession(authentication, SESSION),
        "81 84"
        "00"  # request packet
        "1841"  # message id 65
        "0c"  # opcode create_sub_session
        "a2"
        f"00 {text}"
        "01 d825 50 e3ee10714d884ba18e5d0f1e4ce25ee8",  # desired session id
    )


@pytest.mark.parametrize("way", LOG_INS)
def test_create_sub_session_request_without_a_desired_id(way):
    authentication, text = LOG_INS[way]
    both_ways_request(CreateSubSession(authentication), f"81 84 00 1841 0c a1 00 {text}")


def test_create_sub_session_answer():
    both_ways_answer(
        CreateSubSession(Token("x")),
        SESSION,
        "81 83"
        "01"  # success
        "1841"  # message id 65
        "d825 50 e3ee10714d884ba18e5d0f1e4ce25ee8",  # session id
    )


def test_the_same_desired_id_may_be_asked_for_again():
    # It replaces the old session, so a second request is as good as the first.
    texts = [encode_packets([CreateSubSession(Token(t), SESSION).request(1)]) for t in ("a", "b")]
    desired = [
        COMMANDS[request.opcode].from_request(request).desired_session_id
        for text in texts
        for request in decode_requests(text)
    ]
    assert desired == [SESSION, SESSION]


def test_the_desired_id_cannot_be_nil():
    with pytest.raises(ProtocolError, match="desired session id must not be nil"):
        CreateSubSession(Token("x"), NIL_UUID)


@pytest.mark.parametrize(
    "nil", ["d825 50 00000000000000000000000000000000", "f6"], ids=["nil UUID", "null"]
)
def test_a_server_refuses_a_nil_desired_id(nil):
    (request,) = decode_requests(bytes.fromhex(f"8184 00 1841 0c a2 00 d879a1006178 01 {nil}"))
    with pytest.raises(InvalidParameterError, match="the desired session id must"):
        CreateSubSession.from_request(request)


# The errors that the three pages list.

ALL = {
    -32700: (ParseError, "7fbb"),
    -32603: (InternalError, "7f5a"),
    -32602: (InvalidParameterError, "7f59"),
    -32600: (InvalidRequestError, "7f57"),
    -32000: (MissingClientHelloError, "7cff"),
}
DOCUMENTED_ERRORS = {
    "meta_data": {**ALL, -32100: (UnknownElementError, "7d63")},
    "write": {
        **ALL,
        -32100: (UnknownElementError, "7d63"),
        -32101: (MissingAttributeError, "7d64"),
        -32102: (AccessDeniedError, "7d65"),
        -32103: (ReadOnlyError, "7d66"),
        -32105: (ValueOutOfRangeError, "7d68"),
        -32106: (TypeMismatchError, "7d69"),
        -32107: (IllegalValueError, "7d6a"),
        -32109: (WriteError, "7d6c"),
    },
    "create_sub_session": {**ALL, -32102: (AccessDeniedError, "7d65")},
}


@pytest.mark.parametrize(
    ("page", "code"), [(page, code) for page, table in DOCUMENTED_ERRORS.items() for code in table]
)
def test_documented_error(page, code):
    kind, digits = DOCUMENTED_ERRORS[page][code]
    # [2, 65, {0: code, 1: "no"}]
    data = bytes.fromhex(f"81 83 02 1841 a2 00 39{digits} 01 62 6e6f")
    (answer,) = decode_answers(data)
    assert answer == Failure(65, kind("no"))
    assert type(answer.error) is kind
    assert answer.error.code == code
    assert encode_packets([Failure(65, kind("no"))]).hex() == data.hex()


def test_an_error_without_a_text_has_that_of_the_manual():
    (answer,) = decode_answers(bytes.fromhex("81 83 02 1841 a1 00 397d66"))
    assert type(answer.error) is ReadOnlyError
    assert answer.error.text == "value is read only"
