"""Where the secret of a server comes from."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path

import pytest

from xentara_nb.errors import LoginError, OptionError
from xentara_nb.fleet.secret_sources import secret_source
from xentara_nb.protocol.secret import Secret


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    source = secret_source("env:PASSWORD_{NAME}", "password_from", "line 1-a")
    assert str(source) == "env:PASSWORD_LINE_1_A"
    with pytest.raises(LoginError, match="variable PASSWORD_LINE_1_A is not set here"):
        source.fetch("plant:8080", "operator")
    monkeypatch.setenv("PASSWORD_LINE_1_A", "geheim")
    assert source.fetch("plant:8080", "operator") == Secret("geheim")


def test_a_file(tmp_path: Path) -> None:
    source = secret_source("file:secrets/{name}", "password_from", "north", str(tmp_path))
    with pytest.raises(LoginError, match="north cannot be read: No such file"):
        source.fetch("plant:8080", None)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "north").write_text("geheim\nmore\n")
    assert source.fetch("plant:8080", None) == Secret("geheim")


def test_a_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = types.ModuleType("keyring")
    kept = {("xentara_nb plant:8080", "operator"): "geheim"}
    monkeypatch.setattr(keyring, "get_password", lambda *which: kept.get(which), raising=False)
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    source = secret_source("keyring", "password_from", "north")
    assert source.fetch("plant:8080", "operator") == Secret("geheim")
    with pytest.raises(LoginError, match="has no password of guest"):
        source.fetch("plant:8080", "guest")


def test_one_that_was_given_does_not_travel() -> None:
    source = secret_source(Secret("geheim"), "password_from", "north")
    assert source.fetch("plant:8080", None) == Secret("geheim")
    assert not source.travels
    assert "geheim" not in f"{source} {source!r}"
    with pytest.raises(TypeError):
        pickle.dumps(source)
    other = secret_source("env:P", "password_from", "north")
    assert other.travels
    assert pickle.loads(pickle.dumps(other)) == other


@pytest.mark.parametrize("text", ["geheim", "env:", "file: ", "keyring:x", "geheim:x", 5, ""])
def test_what_is_no_source_is_never_shown(text: object) -> None:
    with pytest.raises(OptionError, match="password_from says where the secret is") as caught:
        secret_source(text, "password_from", "north")
    assert "geheim" not in str(caught.value)
