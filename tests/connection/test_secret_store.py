"""Secrets in the keyring, and in files."""

from __future__ import annotations

import sys
import types

import pytest

from xentara_nb.connection import secret_store
from xentara_nb.connection.credentials import Credentials
from xentara_nb.errors import LoginError, MissingExtraError
from xentara_nb.protocol.secret import Secret


class _Keyring(types.ModuleType):
    def __init__(self, fails: bool = False) -> None:
        super().__init__("keyring")
        self.kept: dict[tuple[str, str], str] = {}
        self.fails = fails

    def get_password(self, service: str, user: str) -> str | None:
        if self.fails:
            raise RuntimeError("locked, and the text may say anything")
        return self.kept.get((service, user))

    def set_password(self, service: str, user: str, password: str) -> None:
        if self.fails:
            raise RuntimeError(password)
        self.kept[service, user] = password


def test_the_keyring_is_asked_by_server_and_user(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = _Keyring()
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    secret_store.to_keyring("plant:8080", Credentials("operator", "operator-demo"))
    assert secret_store.from_keyring("plant:8080", "operator") == Secret("operator-demo")
    with pytest.raises(LoginError, match="has no password of operator for other:8080"):
        secret_store.from_keyring("other:8080", "operator")


def test_a_keyring_that_fails_says_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", _Keyring(fails=True))
    with pytest.raises(LoginError, match=r"cannot be read \(RuntimeError\)"):
        secret_store.from_keyring("plant:8080", "operator")
    with pytest.raises(LoginError) as caught:
        secret_store.to_keyring("plant:8080", Credentials("operator", "operator-demo"))
    assert "operator-demo" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "keyring", None)  # as if it were not installed
    with pytest.raises(MissingExtraError, match="pip install keyring"):
        secret_store.from_keyring("plant:8080", "operator")
    with pytest.raises(MissingExtraError):
        secret_store.to_keyring("plant:8080", Credentials("operator", "operator-demo"))
