"""``%load_ext xentara_nb`` and ``%xentara`` in a shell of IPython."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from xentara_nb import Client, OptionError, Outcome, Simulator, WriteRefusedError

SET_POINT = "Plant.Line 1.Set point"
Magic = Callable[[str], Any]


@pytest.fixture(scope="module")
def ipython() -> InteractiveShell:
    return InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))


@pytest.fixture
def shell(client: Client, ipython: InteractiveShell) -> Iterator[InteractiveShell]:
    names = dict(ipython.user_ns)
    ipython.user_ns["client"] = client
    ipython.run_line_magic("load_ext", "xentara_nb")
    yield ipython
    ipython.run_line_magic("unload_ext", "xentara_nb")
    # Not reset(), which looks for garbage each time.
    ipython.user_ns.clear()
    ipython.user_ns.update(names)


@pytest.fixture
def magic(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Magic:
    capsys.readouterr()
    return lambda line: shell.run_line_magic("xentara", line)


def answering(monkeypatch: pytest.MonkeyPatch, answer: str | BaseException) -> list[str]:
    """Let a person answer the next questions; return the list that they get into."""
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(builtins, "input", ask)
    return asked


def test_a_question_mark_shows_the_help(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_line_magic("pinfo", "%xentara")
    shown = capsys.readouterr().out
    assert "%xentara write KEY VALUE" in shown
    assert "Only ``y`` or ``yes`` sends it" in shown


def test_who_is_connected_where(
    shell: InteractiveShell, client: Client, plant: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    where = client.address.netloc
    shell.run_line_magic("unload_ext", "xentara_nb")
    shell.run_line_magic("load_ext", "xentara_nb")
    assert capsys.readouterr().out == f"client: engineer on {where}\n"
    with plant.connect(user="viewer", read_only=True) as viewer:
        shell.user_ns |= {"viewer": viewer, "again": viewer, "_9": viewer}
        shell.run_line_magic("xentara", "")
    assert capsys.readouterr().out == (
        f"client: engineer on {where}\nviewer, again: viewer on {where}, read only\n"
    )
    shell.run_line_magic("xentara", "")
    assert (
        "read only, not connected: the client has closed the connection" in capsys.readouterr().out
    )


def test_reading(magic: Magic, capsys: pytest.CaptureFixture[str]) -> None:
    frame = magic(f'read "{SET_POINT}" "Plant.Line 2.Set point" --attributes value')
    assert frame["primary_key"].tolist() == [SET_POINT, "Plant.Line 2.Set point"]
    frame = magic(f"read '{SET_POINT}' -a units --attribute 11")
    assert frame["attribute_name"].tolist() == ["units", "value"]
    assert capsys.readouterr().out == ""  # who is connected is said once, by %load_ext


def test_a_write_is_shown_confirmed_and_sent_once(
    magic: Magic,
    plant: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = answering(monkeypatch, "y")
    report = magic(f'write "{SET_POINT}" 201')
    shown = capsys.readouterr().out
    assert "client: engineer on" in shown
    assert "Plan of 1 write" in shown
    (question,) = asked
    assert question.startswith("Send it, as engineer to 127.0.0.1:")
    assert report.counts == {Outcome.VERIFIED: 1}
    assert plant.writes["value"].tolist() == [201.0]


@pytest.mark.parametrize(
    "answer", ["", "n", "yess", "201", EOFError(), NotImplementedError("no one is there")]
)
def test_nothing_is_sent_without_a_yes(
    answer: str | BaseException,
    magic: Magic,
    plant: Simulator,
    journal: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answering(monkeypatch, answer)
    assert magic(f'write "{SET_POINT}" 202') is None
    assert "nothing was sent\n" in capsys.readouterr().out
    assert plant.writes.empty
    assert not journal.exists()


def test_an_interrupt_at_the_question_sends_nothing(
    magic: Magic, plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        magic(f'write "{SET_POINT}" 203')
    assert plant.writes.empty


def test_what_a_guard_refuses_is_not_asked_for(
    magic: Magic, plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, "y")
    for line in (f'write "{SET_POINT}" fast', 'write "Plant.Line 1.Speed" 3'):
        with pytest.raises(WriteRefusedError, match="nothing was sent"):
            magic(line)
    assert asked == []
    assert plant.writes.empty


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("raid x", "invalid choice"),
        ("read", "the following arguments are required: KEY"),
        (
            f"write {SET_POINT} 200",
            "unrecognized arguments: point 200; a key with blanks stands in",
        ),
        ("read 'Plant.Line 1", "in two quotes"),
        ("read Plant --client clien", "Did you mean 'client'?"),
        (f"write '{SET_POINT}' 200 --client a --client client", "--client is there twice"),
        (f"write '{SET_POINT}' 200 -a units -a value", "--attribute is there twice"),
    ],
)
def test_a_line_that_makes_no_sense(
    line: str, message: str, magic: Magic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_COLORS", "1")  # as FORCE_COLOR, which a notebook's kernel has
    with pytest.raises(OptionError, match=message.replace("?", r"\?")) as caught:
        magic(line)
    assert "x1b" not in str(caught.value)  # not spelled out either
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        ('read "Plant.Line 1.Setpoint"', "UnknownElementError", "Plant.Line 1.Set point"),
        (f"read {SET_POINT}", "UnknownElementError", "a key with blanks stands in quotes"),
        ("raid x", "OptionError", "invalid choice"),
        (f'write "{SET_POINT}" fast', "WriteRefusedError", "nothing was sent"),
    ],
)
def test_a_mistake_fails_the_cell_and_shows_what_it_is_alone(
    line: str,
    kind: str,
    words: str,
    shell: InteractiveShell,
    capsys: pytest.CaptureFixture[str],
) -> None:
    capsys.readouterr()
    result = shell.run_cell(f"%xentara {line}")
    assert type(result.error_in_exec).__name__ == kind
    shown = capsys.readouterr()
    text = shown.out + shown.err
    assert f"{kind}: " in text
    assert words in text
    assert "Traceback" not in text
    assert "_magics.py" not in text


def test_which_client(
    shell: InteractiveShell, client: Client, plant: Simulator, magic: Magic
) -> None:
    with plant.connect(user="viewer") as viewer:
        shell.user_ns["viewer"] = viewer
        with pytest.raises(OptionError) as caught:
            magic("read Plant")
        where = client.address.netloc
        assert str(caught.value) == (
            "this notebook has 2 clients: say which one, as in %xentara read --client viewer ...\n"
            f"client: engineer on {where}\nviewer: viewer on {where}"
        )
        shell.user_ns["again"] = viewer
        for name in ("viewer", "again"):
            frame: pd.DataFrame = magic(f"read --client {name} Plant")
            assert frame.xentara.provenance["user"] == "viewer"
        shell.user_ns.pop("client")
        assert magic("read Plant").xentara.provenance["user"] == "viewer"
        shell.user_ns.pop("again")
    shell.user_ns.pop("viewer")
    with pytest.raises(OptionError, match=r"connect first, with client = xentara_nb\.connect"):
        magic("read Plant")


def test_it_can_be_taken_out(shell: InteractiveShell) -> None:
    assert "xentara" in shell.magics_manager.magics["line"]
    shell.run_line_magic("unload_ext", "xentara_nb")
    assert "xentara" not in shell.magics_manager.magics["line"]
    shell.run_line_magic("load_ext", "xentara_nb")


def test_a_text_is_written_as_it_stands_there(
    magic: Magic, plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "y")
    for text in (r"C:\new\recipe", r'"C:\new recipe"', "'a\nb'", "-- --client"):
        magic(f'write "Plant.Line 1.Recipe" {text}')
    assert plant.writes["sent"].tolist() == [
        r"C:\new\recipe",
        r"C:\new recipe",
        "a\nb",
        "--client",
    ]
