"""A change of the stage is guarded like a write: confirmed, allowed, journalled, sent once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Fake
from tests.support.server import Model, Wire
from xentara_nb import Outcome, Stage, read_journal
from xentara_nb.errors import (
    ConnectionLostError,
    PolicyError,
    WriteOutcomeUnknownError,
    WriteRefusedError,
)
from xentara_nb.protocol.errors import InvalidStageChangeRequestError
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.writes.policy import WritePolicy

NAMES = ["suspend", "resume", "shut_down"]


def sent(plant) -> list[str]:
    return [name for name in plant.requests["command"] if name in ("suspend", "resume", "shutdown")]


def test_suspend_and_resume(plant, client):
    change = client.suspend(confirm=True)
    assert (change.before, change.after) == (Stage.OPERATIONAL, Stage.SUSPENDED)
    assert change.ok
    assert change.outcome is Outcome.VERIFIED
    assert client.stage is Stage.SUSPENDED
    assert "VERIFIED" in repr(change)
    assert "suspended" in change._repr_html_()
    assert client.resume(confirm=True).after is Stage.OPERATIONAL
    journal = read_journal()
    assert journal["primary_key"].tolist() == ["", ""]
    assert journal["attribute_name"].tolist() == ["stage", "stage"]
    assert journal["old_value"].tolist() == ["operational", "suspended"]
    assert journal["value"].tolist() == ["suspended", "operational"]
    assert journal["read_back"].tolist() == ["suspended", "operational"]
    assert journal["outcome"].tolist() == ["VERIFIED", "VERIFIED"]
    assert journal["user"].tolist() == ["engineer", "engineer"]


def test_shut_down(journal):
    import xentara_nb

    with xentara_nb.simulate() as plant, plant.connect() as client:
        change = client.shut_down(confirm=True)
        assert change.outcome is Outcome.APPLIED
        assert change.after is None
        assert sent(plant) == ["shutdown"]
    assert read_journal()["outcome"].tolist() == ["APPLIED"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("confirm", [False, None, "yes", 1])
def test_it_is_confirmed(plant, client, name, confirm):
    with pytest.raises(WriteRefusedError, match=rf"client\.{name}\(confirm=True\)"):
        getattr(client, name)(confirm=confirm)
    assert sent(plant) == []
    assert len(read_journal()) == 0


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (WritePolicy(), NAMES),
        (WritePolicy(forbidden=["*"]), NAMES),
        (WritePolicy(stage=[]), []),
        (WritePolicy(stage=["suspend", "resume"]), ["suspend", "resume"]),
        (WritePolicy(allowed=["*"]), []),
        (WritePolicy(allowed=["Plant.*"], stage=["resume"]), ["resume"]),
    ],
)
def test_what_a_policy_allows(plant, journal, policy, allowed):
    with plant.connect(policy=policy) as client:
        plant.forget()
        for name in NAMES:
            if name in allowed:
                client.check_stage_change(name)
                continue
            for change in (
                lambda name=name: client.check_stage_change(name),
                lambda name=name: getattr(client, name)(confirm=True),
            ):
                with pytest.raises(WriteRefusedError, match=f"^{name}: the write policy "):
                    change()
        assert sent(plant) == []
        assert len(read_journal()) == 0


def test_the_policy_of_the_environment(plant, client, policy_file, monkeypatch):
    path = policy_file('[stage]\nallow = ["resume"]\n')
    monkeypatch.setenv("XENTARA_POLICY", str(path))
    with pytest.raises(WriteRefusedError, match="does not allow to suspend"):
        client.suspend(confirm=True)
    assert sent(plant) == []


def test_out_of_hours(plant, client, policy_file, monkeypatch):
    days = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    today = {f"{now + timedelta(hours=hours):%a}" for hours in (-24, 0, 1)}
    path = policy_file(
        f'[time_window]\nfrom = "00:00"\nto = "23:59:59"\ndays = {sorted(days - today)}\n'
        'time_zone = "UTC"\n'
    )
    monkeypatch.setenv("XENTARA_POLICY", str(path))
    with pytest.raises(WriteRefusedError, match=r"^suspend: .*allows to write from"):
        client.suspend(confirm=True)
    assert sent(plant) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("stage = 1", "stage.allow: it must be a table"),
        ("[stage]", "stage.allow: it is missing"),
        ("[stage]\nallow = 'suspend'", "allow: it is no list"),
        ('[stage]\nallow = ["stop"]', "allow: 'stop' is not known"),
        ("[stage]\nallowed = []", "stage.allowed: there is no such setting"),
    ],
)
def test_a_policy_that_makes_no_sense(policy_file, text, problem):
    with pytest.raises(PolicyError, match=problem):
        WritePolicy.from_toml(policy_file(text))


def test_what_the_server_refuses(plant, client):
    with pytest.raises(InvalidStageChangeRequestError, match=r"^resume: "):
        client.resume(confirm=True)
    journal = read_journal()
    assert journal["outcome"].tolist() == ["REJECTED"]
    assert "-32112" in journal["error"][0]


def test_no_journal_no_change(plant, client, tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    client.journal = folder
    with pytest.raises(WriteRefusedError, match="cannot be written"):
        client.suspend(confirm=True)
    assert sent(plant) == []


def test_the_journal_is_ahead_of_it(fake: Fake, journal: Path):
    seen: list[list[str]] = []

    def script(wire: Wire) -> None:
        wire.hello()
        wire.answer(*Model().answers(wire.requests()))
        requests = wire.requests()
        seen.append([json.loads(line)["event"] for line in journal.read_text().splitlines()])
        wire.answer(*Model(stage=5).answers(requests))
        Model(stage=5).go_on(wire)

    with fake(script).connect() as client:
        assert client.suspend(confirm=True).ok
    assert seen == [["intent"]]


def lost(wire: Wire) -> None:
    """Answer what the stage is, and end the connection instead of answering anything else."""
    wire.hello()
    wire.answer(*Model().answers(wire.requests()))
    wire.requests()


@pytest.mark.parametrize(("stage", "outcome"), [(5, "VERIFIED"), (2, "DIFFERS")])
def test_an_answer_that_is_lost(fake: Fake, journal: Path, stage: int, outcome: str):
    server = fake(lost)
    with server.connect() as client:
        with pytest.raises(WriteOutcomeUnknownError, match="is not sent again") as caught:
            client.suspend(confirm=True)
        change = caught.value.result
        assert change.outcome is Outcome.UNKNOWN
        assert not change.ok
        assert read_journal()["outcome"].tolist() == ["UNKNOWN"]
        server.script = Model(stage=stage).serve
        assert change.resolve(within=0) is change
        assert change.outcome == outcome
        assert read_journal()["outcome"].tolist() == [outcome]
    assert server.count(OpCode.SUSPEND) == 1


def test_a_server_that_ended_says_nothing(fake: Fake, journal: Path):
    server = fake(lost)
    with server.connect(timeout=2) as client:
        with pytest.raises(WriteOutcomeUnknownError) as caught:
            client.shut_down(confirm=True)
        server.stop()
        assert caught.value.result.resolve().outcome is Outcome.UNKNOWN


def test_a_stage_that_is_not_reached(fake: Fake, journal: Path):
    server = fake(Model().serve)  # it takes everything and does nothing
    with server.connect() as client:
        change = client.suspend(confirm=True, verify_within=0)
    assert change.outcome is Outcome.DIFFERS
    assert "the stage is operational" in repr(change)
    assert read_journal()["error"].tolist() == ["the stage is operational"]
    assert server.count(OpCode.SUSPEND) == 1


def test_what_is_not_sent(plant, client):
    client.close()
    with pytest.raises(ConnectionLostError, match="this client is closed"):
        client.suspend(confirm=True)
    assert len(read_journal()) == 0
    assert sent(plant) == []
