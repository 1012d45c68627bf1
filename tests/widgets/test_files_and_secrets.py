"""Where the forms keep and read things: certificates, the trust file's place, the keyring."""

from __future__ import annotations

import ssl
import sys
import types
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.widgets.helpers import SET_POINT, eventually
from xentara_nb.client import Client
from xentara_nb.errors import AddressError, LoginError, MissingExtraError
from xentara_nb.simulator import Simulator
from xentara_nb.widgets.common import live
from xentara_nb.widgets.login import secret, trust_store
from xentara_nb.widgets.login.sub_session import read_certificate


def test_a_certificate_is_read_from_pem_and_der(plant: Simulator, tmp_path: Path) -> None:
    pem = Path(plant.ca_file)
    der = ssl.PEM_cert_to_DER_cert(pem.read_text())
    assert read_certificate(pem) == der
    (tmp_path / "own.der").write_bytes(der)
    assert read_certificate(tmp_path / "own.der") == der


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
        b"\x30\x82" + bytes(1 << 20),
    ],
)
def test_what_is_no_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(AddressError, match="holds no certificate"):
        read_certificate(path)
    with pytest.raises(FileNotFoundError):
        read_certificate(tmp_path / "nothing")


def test_the_trust_file_is_where_the_system_keeps_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XENTARA_TRUST_FILE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert trust_store.trust_file() == tmp_path / "xentara_nb" / "trusted.json"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path / "AppData"))
    for platform, folder in (
        ("linux", ".config"),
        ("darwin", "Library/Application Support"),
        ("win32", "AppData"),
    ):
        monkeypatch.setattr(trust_store.sys, "platform", platform)
        assert trust_store.trust_file() == tmp_path / folder / "xentara_nb" / "trusted.json"


def test_a_trust_file_that_cannot_be_replaced_is_left_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "trusted.json"
    trust_store.remember("plant:8080", "AB" * 32, path=path)
    before = path.read_text()

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trust_store.os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        trust_store.remember("other:8080", "CD" * 32, path=path)
    assert path.read_text() == before
    assert list(tmp_path.glob(".trusted-*")) == []
    path.write_text('{"version": 2, "servers": {}}')
    with pytest.raises(AddressError, match="cannot be used"):
        trust_store.forget("plant:8080", path)


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
    secret.to_keyring("plant:8080", "operator", "operator-demo")
    assert secret.from_keyring("plant:8080", "operator") == "operator-demo"
    with pytest.raises(LoginError, match="has no password of operator for other:8080"):
        secret.from_keyring("other:8080", "operator")


def test_a_keyring_that_fails_says_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", _Keyring(fails=True))
    with pytest.raises(LoginError, match=r"cannot be read \(RuntimeError\)"):
        secret.from_keyring("plant:8080", "operator")
    with pytest.raises(LoginError) as caught:
        secret.to_keyring("plant:8080", "operator", "operator-demo")
    assert "operator-demo" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "keyring", None)  # as if it were not installed
    with pytest.raises(MissingExtraError, match="pip install keyring"):
        secret.from_keyring("plant:8080", "operator")
    with pytest.raises(MissingExtraError):
        secret.to_keyring("plant:8080", "operator", "operator-demo")


def test_values_are_read_where_the_server_gives_no_events(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xentara_nb.protocol.errors import CommandNotFoundError

    def refuse(*arguments: Any, **options: Any) -> None:
        raise CommandNotFoundError

    monkeypatch.setattr(client, "subscribe", refuse)
    monkeypatch.setattr(live, "POLLING", 0.02)
    seen: list[pd.DataFrame] = []
    following = live.Live(client, seen.append, lambda text, kind: None)
    following.follow(client.meta_data(SET_POINT).xentara.attribute("value"))
    eventually(lambda: len(seen) >= 3)
    client.write(SET_POINT, 199)
    eventually(lambda: seen[-1]["value"].iloc[0] == 199.0)
    following.close()
