"""Log-in by user name and password."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest
from passlib.hash import sha512_crypt

from xentara_nb.simulator.security.access import Principal
from xentara_nb.simulator.security.authentication import Authenticator, parse_basic
from xentara_nb.simulator.security.settings import User

ANNA = User("anna", UUID(int=1), ("Shift",), sha512_crypt.using(rounds=1000).hash("sécret:1"))
BEN = User("ben", UUID(int=2))


def test_log_in() -> None:
    authenticator = Authenticator([ANNA, BEN])
    assert authenticator.by_password("anna", "sécret:1") == Principal(
        "anna", frozenset({"Everyone", "Shift"})
    )
    for name, password in (("anna", "x"), ("Anna", "sécret:1"), ("ben", ""), ("zoe", "sécret:1")):
        assert authenticator.by_password(name, password) is None


def test_secrets_do_not_show() -> None:
    assert "$6$" not in repr(ANNA)
    assert "$6$" not in repr(Authenticator([ANNA]))


def _header(text: bytes, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(text).decode()}"


@pytest.mark.parametrize(
    ("header", "credentials"),
    [
        (_header(b"a:b:c"), ("a", "b:c")),
        (_header("ä:ö".encode(), "basic"), ("ä", "ö")),
        (_header("ä:ö".encode("latin-1"), "BASIC"), ("ä", "ö")),
        (_header(b":"), ("", "")),
        (_header(b"no colon"), None),
        ("Basic !!!", None),
        ("Basic", None),
        ("Bearer abc", None),
        ("", None),
    ],
)
def test_the_header(header: str, credentials: tuple[str, str] | None) -> None:
    assert parse_basic(header) == credentials
