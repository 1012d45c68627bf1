from __future__ import annotations

import copy
import json
import pickle

import pytest

from xentara_nb.protocol import cbor
from xentara_nb.protocol.commands import CreateSubSession, Password, Token
from xentara_nb.protocol.errors import ProtocolError
from xentara_nb.protocol.secret import Secret, SecretBytes


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("hush")
    assert secret.reveal() == Secret(secret).reveal() == "hush"
    assert repr(secret) == str(secret) == f"{[secret]}"[1:-1] == "%s" % secret == "***"  # noqa: UP031  # the old form too
    with pytest.raises(TypeError, match="not put into a text"):
        f"{secret}"
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises((TypeError, ProtocolError)):
        cbor.encode(secret)


def test_secrets_are_compared_and_may_be_missing() -> None:
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert not Secret("")
    assert Secret.of(None) is None
    assert Secret.of("a") == Secret("a")


def test_bytes_on_their_way_are_not_shown() -> None:
    data = SecretBytes(b"hush")
    assert data == b"hush"
    assert repr(data) == str(data) == "***"


@pytest.mark.parametrize(
    "holder",
    [
        Secret("hush"),
        SecretBytes(b"hush"),
        Token("hush"),
        Password("me", "hush"),
        CreateSubSession(Token("hush")),
        CreateSubSession(Password("me", "hush")),
    ],
)
def test_what_holds_a_secret_is_not_stored(holder: object) -> None:
    for store in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not written into files"):
            store(holder)
