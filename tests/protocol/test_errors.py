"""The error table, its texts, and errors as values."""

from __future__ import annotations

import copy
import pickle

import pytest

from xentara_nb.protocol import errors
from xentara_nb.protocol.errors import (
    ERRORS_BY_CODE,
    ProtocolError,
    ReadOnlyError,
    ServerError,
    WriteOnlyError,
    XentaraError,
    server_error,
)

TABLE = [
    (-32700, "ParseError", "payload not well formed"),
    (-32603, "InternalError", "internal server error"),
    (-32602, "InvalidParameterError", "invalid parameter"),
    (-32601, "CommandNotFoundError", "command not found"),
    (-32600, "InvalidRequestError", "invalid request"),
    (-32000, "MissingClientHelloError", "missing client hello request"),
    (-32001, "DuplicateClientHelloError", "duplicate client hello request"),
    (-32100, "UnknownElementError", "unknown element"),
    (-32101, "MissingAttributeError", "missing attribute"),
    (-32102, "AccessDeniedError", "access denied"),
    (-32103, "ReadOnlyError", "value is read only"),
    (-32104, "WriteOnlyError", "value is write only"),
    (-32105, "ValueOutOfRangeError", "value is out of range"),
    (-32106, "TypeMismatchError", "value cannot be converted to requested type"),
    (-32107, "IllegalValueError", "value supplied is not valid"),
    (-32108, "ReadError", "read error"),
    (-32109, "WriteError", "write error"),
    (-32110, "UnknownSubscriptionIdError", "unknown subscription Id"),
    (-32111, "UnknownSessionIdError", "unknown session Id"),
    (-32112, "InvalidStageChangeRequestError", "invalid stage change request"),
]


@pytest.mark.parametrize(("code", "name", "text"), TABLE)
def test_the_class_of_a_code(code, name, text):
    error = server_error(code)
    assert type(error).__name__ == name
    assert type(error) is getattr(errors, name)
    assert (error.code, error.text, error.server_text) == (code, text, None)
    assert type(error)().code == code
    assert str(error) == f"{text} ({code}). {error.advice}"
    assert repr(error) == f"{name}({text!r}, code={code})"


@pytest.mark.parametrize(("code", "name", "text"), TABLE)
def test_the_documentation_of_every_class_has_its_code(code, name, text):
    assert f"({code})." in ERRORS_BY_CODE[code].__doc__


def test_no_code_is_left_out():
    codes = [code for code, _, _ in TABLE]
    assert sorted(ERRORS_BY_CODE) == sorted(codes)
    assert all(type(code) is int for code in ERRORS_BY_CODE)


def test_every_class_gives_advice_of_its_own():
    for kind in ERRORS_BY_CODE.values():
        assert kind.advice.endswith(".")
        assert kind.advice != ServerError.advice


@pytest.mark.parametrize("code", [-32002, -32099, -32113, -32120, 0, 7])
def test_an_unknown_code_is_kept(code):
    error = server_error(code, "something new")
    assert type(error) is ServerError
    assert error.code == code
    assert str(error).startswith(f"something new ({code}). ")
    assert server_error(code).text == "unknown Xentara error"


def test_one_tree():
    assert issubclass(ProtocolError, XentaraError)
    assert issubclass(ServerError, XentaraError)
    assert not issubclass(ServerError, ProtocolError)
    assert not issubclass(ProtocolError, ValueError)


def test_the_text_of_the_server_comes_first():
    assert server_error(-32103, "not this one").text == "not this one"
    assert server_error(-32103, "").text == "value is read only"


def test_what_was_being_done():
    error = ReadOnlyError("no").within("write to Plant.P (value)")
    assert type(error) is ReadOnlyError
    assert error.context == "write to Plant.P (value)"
    assert str(error) == f"write to Plant.P (value): no (-32103). {ReadOnlyError.advice}"
    unknown = server_error(-32113, "new").within("read")
    assert (unknown.code, unknown.text, unknown.context) == (-32113, "new", "read")


def test_equal_errors():
    assert ReadOnlyError("a") == ReadOnlyError("a")
    assert hash(ReadOnlyError("a")) == hash(ReadOnlyError("a"))
    assert ReadOnlyError("a") == ReadOnlyError("a").within("somewhere")
    assert ReadOnlyError("a") != ReadOnlyError("b")
    assert ReadOnlyError("a") != WriteOnlyError("a")
    assert ReadOnlyError("a") != ServerError("a", code=-32103)
    assert server_error(1) != server_error(2)
    assert ReadOnlyError("a") != "a"
    assert len({ReadOnlyError("a"), ReadOnlyError("a"), WriteOnlyError("a")}) == 2


@pytest.mark.parametrize(
    "error", [ReadOnlyError("a").within("there"), server_error(-32113), ReadOnlyError()]
)
@pytest.mark.parametrize("copied", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copies(error, copied):
    other = copied(error)
    assert other is not error
    assert other == error
    assert str(other) == str(error)
    assert other.context == error.context


def test_what_the_server_says_cannot_spoil_a_terminal():
    error = server_error(-32603, "a\nb\x1b[31mc\u202ed\u2028e")
    assert error.text == "a\nb\x1b[31mc\u202ed\u2028e"
    for shown in (str(error), repr(error)):
        assert r"a\nb\x1b[31mc\u202ed\u2028e" in shown.replace("\\\\", "\\")
        assert shown.isprintable()


@pytest.mark.parametrize(("length", "kept"), [(500, 500), (501, 500), (10_000_000, 500)])
def test_what_the_server_says_is_shortened(length, kept):
    shown = str(server_error(-32603, "x" * length))
    assert shown.count("x") == kept
    assert ("…" in shown) == (length > kept)
