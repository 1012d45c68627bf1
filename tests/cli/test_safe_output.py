"""A hostile server, and a poor console: what is shown is seen as it is, and never fails."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from uuid import UUID

import pytest

from tests.conftest import Fake
from tests.support.server import PASSWORD, QUALITY, USER, VALUE, Element, Model, Wire
from xentara_nb.cli import main
from xentara_nb.errors import XentaraError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.errors import server_error

EVIL = "Pump\x1b[2J\x1b[H\u202e1\r\u2066x\x9b31m\u200b≥\n"
SHOWN = r"Pump\x1b[2J\x1b[H\u202e1\r\u2066x\x9b31m\u200b≥\n"


def is_safe(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def plant() -> Model:
    text = AttributeInfo(EVIL, UUID(int=9), 2, 11)
    values = {11: 1.0, 9: 0, UUID(int=9): EVIL}
    return Model({EVIL: Element(UUID(int=1), 2, (VALUE, QUALITY, text), values)})


@pytest.fixture
def url(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XENTARA_USER", USER)
    monkeypatch.setenv("XENTARA_PASSWORD", PASSWORD)
    return fake(plant().serve).url


@pytest.mark.parametrize(
    "arguments",
    [
        ("read", EVIL),
        ("read", EVIL, "-a", EVIL),
        ("read", "no such\x1b[2J"),
        ("write", EVIL, EVIL, "-a", EVIL, "--dry-run"),
        ("write", EVIL, EVIL, "-a", EVIL, "--yes", "--journal", "off"),
        ("write", EVIL, "2", "-a", "no\x1b[2J", "--yes"),
    ],
)
def test_no_escape_of_a_server_reaches_the_terminal(
    url: str, arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    command, *rest = arguments
    main([command, url, *rest])
    out, err = capfd.readouterr()
    assert is_safe(out + err)
    assert SHOWN in out or r"\x1b[2J" in err


def test_no_escape_is_in_what_python_shows(fake: Fake) -> None:
    with fake(plant().serve).connect(journal=False) as client:
        plan = client.plan_writes({(EVIL, EVIL): f"new {EVIL}", (EVIL, "value"): "x\x1b[2J"})
        shown = [repr(plan), plan._repr_html_(), *map(repr, plan.planned)]
        report = plan.apply(skip_refused=True, verify_within=0.1)
        shown += [repr(report), report._repr_html_(), repr(client)]
        for result in report:
            shown += [repr(result), result._repr_html_()]
    assert SHOWN in re.sub(r"\\\\", r"\\", "".join(shown))
    assert [text for text in shown if not is_safe(text)] == []


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.read("no such\x1b[2J"),
        lambda client: client.read(EVIL, "no such\x1b[2J"),
        lambda client: client.write(EVIL, "x\x1b[2J"),
        lambda client: client.write(EVIL, 1, "no such\x1b[2J"),
    ],
)
def test_no_escape_is_in_an_error(fake: Fake, call: Callable[[object], object]) -> None:
    with fake(plant().serve).connect(journal=False) as client:
        with pytest.raises(XentaraError) as caught:
            call(client)
        assert is_safe(str(caught.value))
        assert is_safe(repr(caught.value))


def test_no_escape_is_in_why_a_connection_ended(fake: Fake) -> None:
    def close(wire: Wire) -> None:
        wire.hello()
        wire.requests()
        wire.send_frame(8, (3000).to_bytes(2, "big") + EVIL.encode())

    with (
        fake(close).connect() as client,
        pytest.raises(XentaraError, match=re.escape(SHOWN)),
    ):
        client.get_stage()
    assert is_safe(repr(client))
    assert is_safe(str(server_error(-32603, EVIL).within(EVIL)))


def is_shown(output: bytes, encoding: str) -> bool:
    text = output.decode(encoding)
    return SHOWN in text or SHOWN.replace("≥", r"\u2265") in text


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "utf-8"])
def test_a_console_that_cannot_show_a_character(
    url: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2))
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    assert main(["read", url, EVIL]) == 0
    out.flush()
    err.flush()
    assert is_shown(out.buffer.getvalue(), encoding)
    assert err.buffer.getvalue() == b""


def test_a_console_of_ascii(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "xentara_nb.cli", "read", url, EVIL],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert is_shown(done.stdout, "ascii")


@pytest.mark.parametrize(
    "arguments", [("read", EVIL), ("read", EVIL, "--json"), ("inventory",), ("watch", EVIL)]
)
def test_a_closed_output_is_an_error(
    url: str,
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdout", None)
    command, *rest = arguments
    assert main([command, url, *rest]) == 2
    assert "the output is closed" in capsys.readouterr().err


def test_what_is_for_people_never_gets_among_the_results(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr", None)
    assert main(["write", url, EVIL, "2", "--yes", "--json", "--no-verify"]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == 2
