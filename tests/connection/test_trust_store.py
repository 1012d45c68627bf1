"""The file of trusted certificates."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from xentara_nb import connect
from xentara_nb.connection import trust_store
from xentara_nb.errors import OptionError
from xentara_nb.simulator import Simulator


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the file, for this test alone."""
    monkeypatch.setenv("XENTARA_TRUST_FILE", str(tmp_path / "trusted.json"))
    return tmp_path


def test_a_damaged_trust_file_trusts_nothing(simulator: Simulator, places: Path) -> None:
    (places / "trusted.json").write_text("{")
    with pytest.raises(OptionError, match="cannot be used"):
        connect(simulator.url, user="viewer", password="viewer-demo")
    netloc = "plant:8080"
    (places / "trusted.json").write_text(
        json.dumps({"version": 1, "servers": {netloc: {"fingerprint": "no"}}})
    )
    with pytest.raises(OptionError):
        trust_store.known_certificate(netloc)


def test_many_threads_remember_at_once(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = places / "some" / "folder" / "trusted.json"
    monkeypatch.setenv("XENTARA_TRUST_FILE", str(path))
    threads = [
        threading.Thread(target=trust_store.remember, args=(f"plant{n}:8080", "AB" * 32))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(trust_store.known_certificate(f"plant{n}:8080") for n in range(8))
    assert [p.name for p in path.parent.iterdir()] == ["trusted.json"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the places of Linux")
def test_the_trust_file_is_where_linux_keeps_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XENTARA_TRUST_FILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert trust_store.trust_file() == tmp_path / "xentara_nb" / "trusted.json"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert trust_store.trust_file() == tmp_path / ".config" / "xentara_nb" / "trusted.json"


def test_a_trust_file_that_cannot_be_replaced_is_left_whole(
    monkeypatch: pytest.MonkeyPatch, places: Path
) -> None:
    path = places / "trusted.json"
    trust_store.remember("plant:8080", "AB" * 32)
    before = path.read_text()

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trust_store.os, "replace", full)
    with pytest.raises(OptionError, match=r"No space left.*XENTARA_TRUST_FILE"):
        trust_store.remember("other:8080", "CD" * 32)
    assert path.read_text() == before
    assert list(places.glob(".trusted-*")) == []
    path.write_text('{"version": 2, "servers": {}}')
    with pytest.raises(OptionError, match="cannot be used"):
        trust_store.forget("plant:8080")


def test_what_is_no_trust_file_trusts_nothing(places: Path) -> None:
    path = places / "trusted.json"
    for content in ("[" * 100_000, '{"a":' * 100_000, "\ud800".encode("utf-8", "surrogatepass")):
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(OptionError, match="cannot be used"):
            trust_store.known_certificate("plant:8080")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFO")
def test_a_fifo_in_the_place_of_the_trust_file(places: Path) -> None:
    (places / "trusted.json").unlink(missing_ok=True)
    os.mkfifo(places / "trusted.json")
    with pytest.raises(OptionError, match="a FIFO"):
        trust_store.known_certificate("plant:8080")


def test_a_relative_trust_file_is_the_same_after_a_chdir(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("XENTARA_TRUST_FILE", f"{tmp_path.name}.json")
    monkeypatch.chdir(tmp_path / "a")
    assert trust_store.known_certificate("plant:8080") is None
    monkeypatch.chdir(tmp_path / "b")
    trust_store.remember("plant:8080", "AB" * 32)
    assert list((tmp_path / "a").iterdir())
    assert not list((tmp_path / "b").iterdir())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the places of Linux")
def test_without_a_home_folder_nothing_is_known_and_nothing_can_be_remembered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unknown(user: int) -> None:
        raise KeyError(user)

    monkeypatch.chdir(tmp_path)
    for name in ("XENTARA_TRUST_FILE", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert trust_store.known_certificate("plant:8080") is None
    assert not trust_store.forget("plant:8080")
    with pytest.raises(OptionError, match=r"no home folder.*XENTARA_TRUST_FILE"):
        trust_store.remember("plant:8080", "AB" * 32)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Plant.Example:8080", "plant.example:8080"),
        ("plant.example.:8080", "plant.example:8080"),
        ("[::1]:8080", "[0:0:0:0:0:0:0:1]:8080"),
        ("müll.example:8080", "xn--mll-hoa.example:8080"),
    ],
)
def test_a_server_is_the_same_under_every_spelling(places: Path, one: str, other: str) -> None:
    for first, second in ((one, other), (other, one)):
        trust_store.remember(first, "AB" * 32)
        known = trust_store.known_certificate(second)
        assert known is not None
        trust_store.remember(second, "CD" * 32)
        assert trust_store.forget(first)
        assert trust_store.known_certificate(second) is None
    assert trust_store.known_certificate("plant.example:8081") is None


@pytest.mark.skipif(sys.platform == "win32", reason="other rights")
def test_a_file_that_others_may_write_trusts_nothing(places: Path) -> None:
    trust_store.remember("plant:8080", "AB" * 32)
    (places / "trusted.json").chmod(0o666)
    with pytest.raises(OptionError, match=r"others may write it: .* chmod go-w"):
        trust_store.known_certificate("plant:8080")
