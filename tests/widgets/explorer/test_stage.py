"""Suspend, resume and shut down from the explorer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.widgets.helpers import eventually, visible
from xentara_nb import read_journal, simulate
from xentara_nb.client import Client
from xentara_nb.protocol.identifiers import Stage
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import Explorer
from xentara_nb.widgets.explorer.stage import StageCard
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.stage_command import StageCommand

CHANGES = {"suspend", "resume", "shutdown", "shut_down"}


@pytest.fixture
def own_plant() -> Iterator[Simulator]:
    with simulate() as simulator:
        yield simulator


@pytest.fixture
def explorer(own_plant: Simulator) -> Iterator[Explorer]:
    with own_plant.connect() as client:
        made = Explorer(client)
        assert made.wait()
        yield made
        made.close()


def sent(plant: Simulator) -> list[str]:
    return [each for each in plant.requests["command"].tolist() if each in CHANGES]


def review(explorer: Explorer, command: StageCommand) -> StageCard:
    explorer.stage.buttons[command].click()
    assert explorer.wait()
    return explorer.stage


def confirm(explorer: Explorer) -> None:
    button = explorer.confirm_button
    assert button is not None
    for _ in range(3):
        button.click()
    assert explorer.wait()


def test_a_plant_is_suspended_and_resumed_once_each(
    explorer: Explorer, own_plant: Simulator, journal: Path
) -> None:
    stage = review(explorer, StageCommand.SUSPEND)
    assert visible(explorer.confirmation.card)
    assert "stops the plant" in explorer.confirmation.text.value
    assert "engineer" in explorer.confirmation.text.value
    assert explorer.confirm_button is not None
    assert explorer.confirm_button.description == f"Suspend {explorer.client.address.netloc}"
    assert sent(own_plant) == []
    confirm(explorer)
    assert sent(own_plant) == ["suspend"]
    assert stage.change is not None
    assert stage.change.outcome is Outcome.VERIFIED
    assert "VERIFIED" in stage.outcome.value
    assert not visible(explorer.confirmation.card)
    eventually(lambda: "suspended" in explorer.head.value)
    review(explorer, StageCommand.RESUME)
    confirm(explorer)
    assert explorer.client.get_stage() is Stage.OPERATIONAL
    assert sent(own_plant) == ["suspend", "resume"]
    assert read_journal(journal)["attribute_name"].tolist() == ["stage", "stage"]


def test_nothing_is_sent_that_was_withdrawn(explorer: Explorer, own_plant: Simulator) -> None:
    review(explorer, StageCommand.SHUT_DOWN)
    first = explorer.confirm_button
    explorer.confirmation.cancel.click()
    assert not visible(explorer.confirmation.card)
    review(explorer, StageCommand.SHUT_DOWN)
    # Another command takes the place of the one before.
    second = explorer.confirm_button
    review(explorer, StageCommand.SUSPEND)
    third = explorer.confirm_button
    explorer.close()
    for button in (first, second, third):
        assert button is not None
        button.click()
    assert explorer.wait()
    assert sent(own_plant) == []


def test_the_guards_have_their_word(own_plant: Simulator, client: Client) -> None:
    for options, reason in (
        ({"read_only": True}, "read only"),
        ({"user": "viewer"}, ""),
    ):
        with own_plant.connect(**options) as other:
            explorer = Explorer(other)
            review(explorer, StageCommand.SUSPEND)
            if reason:
                assert explorer.confirm_button is None
                assert reason in explorer.notice.value
            else:
                confirm(explorer)
                assert "alert" in explorer.notice.value
            assert other.get_stage() is Stage.OPERATIONAL
            explorer.close()


def test_an_answer_that_is_lost_is_unknown_until_the_stage_is_read(
    explorer: Explorer, own_plant: Simulator
) -> None:
    stage = review(explorer, StageCommand.SUSPEND)
    own_plant.faults.lose("suspend")
    confirm(explorer)
    assert "UNKNOWN" in stage.outcome.value
    assert visible(stage.resolve)
    own_plant.faults.clear()
    eventually(lambda: explorer.connection.available)
    stage.resolve.click()
    assert explorer.wait()
    assert stage.change is not None
    assert stage.change.outcome is Outcome.VERIFIED
    assert not visible(stage.resolve)
    assert sent(own_plant) == ["suspend"]
