from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from xentara_nb.errors import OptionError
from xentara_nb.paths import read_file, similar_file, user_path


def test_user_path_expands_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert user_path("~/a.csv") == user_path(Path("~", "a.csv")) == tmp_path / "a.csv"
    assert user_path("b/~c") == Path("b", "~c")


@pytest.mark.parametrize("path", ["a\0b", "~no-such-user-here/a", 5, None, b"a"])
def test_user_path_refuses_what_is_no_path(path: object) -> None:
    with pytest.raises(OptionError, match=r"path|home folder"):
        user_path(path)


def test_read_file_returns_all_bytes_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"0\r\n\x1a4")
    assert read_file(file, 5) == b"0\r\n\x1a4"
    with pytest.raises(OptionError, match="more than the 4 bytes"):
        read_file(file, 4)


def test_read_file_raises_what_the_system_says(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "none", 1)
    with pytest.raises(IsADirectoryError, match=re.escape(repr(str(tmp_path)))):
        read_file(tmp_path, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_read_file_refuses_what_is_no_file(tmp_path: Path) -> None:
    fifo, link, bound = tmp_path / "fifo", tmp_path / "link", tmp_path / "s"
    os.mkfifo(fifo)
    link.symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(bound))
        for path, kind in ((fifo, "a FIFO"), (link, "a device"), (bound, "a socket")):
            with pytest.raises(OptionError, match=kind):
                read_file(path, 1000)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_read_file_does_not_believe_the_size_that_is_announced() -> None:
    assert Path("/proc/self/status").stat().st_size == 0
    assert b"VmRSS" in read_file("/proc/self/status", 1 << 20)
    with pytest.raises(OptionError, match="more than the 10 bytes"):
        read_file("/proc/self/status", 10)


def test_a_file_beside_one_that_is_missing_is_offered(tmp_path: Path) -> None:
    (tmp_path / "attributes.csv").write_text("x")
    with pytest.raises(FileNotFoundError, match=r"did you mean 'attributes\.csv'\?"):
        read_file(tmp_path / "atributes.csv", 10)
    assert similar_file(tmp_path / "attributes.csv") == ""
    assert similar_file(tmp_path / "nothing" / "attributes.csv") == ""
    assert similar_file("a\0b") == ""
    with pytest.raises(FileNotFoundError) as caught:
        read_file(tmp_path / "something else", 10)
    assert "did you mean" not in str(caught.value)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the locales of Linux")
def test_a_locale_that_cannot_encode_a_path_is_named() -> None:
    code = (
        "from xentara_nb import read_inventory\n"
        "from xentara_nb.errors import XentaraError\n"
        "from xentara_nb.paths import user_path\n"
        "for read in (user_path, read_inventory):\n"
        "    try:\n"
        "        read('F\\xfcllstand.csv')\n"
        "    except XentaraError as error:\n"
        "        print(error)\n"
    )
    locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **locale},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    first, second = run.stdout.splitlines()
    assert first.startswith("the locale of this process (ascii) has no bytes for '\\xfc'")
    assert "LC_ALL=C.UTF-8" in first
    assert second == first
