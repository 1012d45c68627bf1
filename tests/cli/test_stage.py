"""xentara-nb stage, against a simulated plant."""

from __future__ import annotations

import io
import sys

import pytest

from xentara_nb import read_journal
from xentara_nb.cli import main
from xentara_nb.errors import DeadlineError
from xentara_nb.writes.stage import StageChange
from xentara_nb.writes.sub_session import SubSession


@pytest.fixture
def options(plant, journal, log_in):
    return log_in(plant, "engineer")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_stage(plant, options, capsys):
    assert main(["stage", *options]) == 0
    assert capsys.readouterr().out == "operational\n"


def test_suspend_and_resume(plant, options, capsys):
    assert main(["stage", *options, "suspend", "--yes"]) == 0
    out, err = capsys.readouterr()
    assert "stops the plant" in err
    assert "VERIFIED" in out
    assert main(["stage", *options]) == 0
    assert capsys.readouterr().out == "suspended\n"
    assert main(["stage", *options, "resume", "--yes"]) == 0
    assert read_journal()["value"].tolist() == ["suspended", "operational"]


def test_it_is_asked_for(plant, options, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert main(["stage", *options, "suspend"]) == 1
    assert "Suspend? [y/N]" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main(["stage", *options, "shut-down"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert main(["stage", *options, "shut-down", "--dry-run"]) == 0
    assert plant.plant.stage.label == "operational"
    assert len(read_journal()) == 0


def test_an_outcome_that_cannot_be_written_is_said(plant, options, monkeypatch, capsys):
    def write(text):
        raise BrokenPipeError

    monkeypatch.setattr(sys.stdout, "write", write)
    for command, stage in (("suspend", "suspended"), ("resume", "operational")):
        assert main(["stage", *options, command, "--yes"]) == 1
        assert "VERIFIED" in capsys.readouterr().err
        assert plant.plant.stage.label == stage
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["stage", *options, "suspend", "--yes"]) == 2
    assert plant.plant.stage.label == "operational"


def interrupt(*_):
    raise KeyboardInterrupt


def late(*_):
    raise DeadlineError("not closed in time")


def test_what_was_sent_is_said_where_it_is_interrupted(plant, options, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(StageChange, "read_back", interrupt)
        assert main(["stage", *options, "suspend", "--yes"]) == 130
    assert capsys.readouterr().err.endswith(
        "interrupted\n"
        "suspend: APPLIED: accepted by the server; not read back; xentara-nb stage URL shows the "
        "stage\n"
    )
    with monkeypatch.context() as patch:
        patch.setattr("xentara_nb.writes.stage.read_stage", interrupt)
        assert main(["stage", *options, "resume", "--yes"]) == 130
    assert capsys.readouterr().err.endswith("interrupted\nresume: SKIPPED: not sent\n")
    assert plant.plant.stage.label == "suspended"
    assert main(["stage", *options, "resume", "--yes"]) == 0


def test_the_outcome_is_said_where_the_sub_session_cannot_be_closed(
    plant, options, tmp_path, monkeypatch, capsys
):
    secret = tmp_path / "secret"
    secret.write_text("engineer-demo\n", encoding="utf-8")
    secret.chmod(0o600)
    who = ["--session-user", "engineer", "--session-password-file", str(secret)]
    for command, close, status in (("suspend", interrupt, 130), ("resume", late, 1)):
        monkeypatch.setattr(SubSession, "close", close)
        assert main(["stage", *options, command, "--yes", *who]) == status
        assert "VERIFIED" in capsys.readouterr().out


def test_a_policy(plant, options, tmp_path, capsys):
    policy = tmp_path / "policy.toml"
    policy.write_text("[stage]\nallow = []\n", encoding="utf-8")
    assert main(["stage", *options, "suspend", "--yes", "--policy", str(policy)]) == 1
    assert "does not allow to suspend" in capsys.readouterr().err
    assert plant.plant.stage.label == "operational"


def test_a_sub_session(plant, options, tmp_path, capsys):
    secret = tmp_path / "secret"
    secret.write_text("viewer-demo\n", encoding="utf-8")
    secret.chmod(0o600)
    who = ["--session-user", "viewer", "--session-password-file", str(secret)]
    assert main(["stage", *options, "suspend", "--yes", *who]) == 1
    assert "access denied" in capsys.readouterr().err.lower()
    assert plant.plant.stage.label == "operational"
