"""The review of what is sent, and the button that confirms it."""

from __future__ import annotations

import threading

import pytest

from tests.widgets.helpers import visible
from xentara_nb.widgets.common.confirm import Confirmation, Review, Words
from xentara_nb.widgets.common.tasks import Notice, TaskRunner

WORDS = Words("write", "Do not write", "Nothing was written.", "review it again")


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def tasks() -> TaskRunner:
    return TaskRunner(Notice())


@pytest.fixture
def confirmation(tasks: TaskRunner) -> Confirmation:
    return Confirmation(tasks, WORDS)


def test_only_the_button_that_is_shown_does_anything_and_once(
    confirmation: Confirmation, tasks: TaskRunner, done: list[str]
) -> None:
    def ask(text: str) -> None:
        confirmation.begin(lambda: text, lambda plan: Review(plan, plan, lambda: done.append(plan)))
        assert tasks.wait()

    made = []
    for text in ("Write 1", "Write 2", "Write 3"):
        ask(text)
        made.append(confirmation.button)
        assert confirmation.row.children == (confirmation.button,)
        assert visible(confirmation.card)
    assert confirmation.withdraw()
    assert not confirmation.withdraw()
    assert "withdrawn" not in tasks.notice.value
    ask("Write 4")
    made.append(confirmation.button)
    assert confirmation.withdraw("the value has changed")
    assert "The write was withdrawn: the value has changed." in tasks.notice.value
    ask("Write 5")
    made.append(confirmation.button)
    confirmation.cancel.click()
    assert "Nothing was written." in tasks.notice.value
    for button in made:
        assert button is not None
        button.click()
    assert tasks.wait()
    assert done == []
    ask("Write 6")
    last = confirmation.button
    assert last is not None
    for _ in range(2):
        last.click()
    assert not confirmation.withdraw()
    assert tasks.wait()
    assert done == ["Write 6"]
    assert confirmation.row.children == ()
    assert not visible(confirmation.card)


@pytest.mark.parametrize("end", ["withdraw", "close"])
def test_a_review_that_is_under_way_is_never_shown_once_it_is_withdrawn(
    confirmation: Confirmation, tasks: TaskRunner, end: str
) -> None:
    go_on = threading.Event()
    confirmation.begin(lambda: go_on.wait(10), lambda plan: pytest.fail("it is shown"))
    assert "Reviewing" in tasks.notice.value
    if end == "withdraw":
        assert not confirmation.withdraw("the connection has ended")
        assert "withdrawn: the connection has ended" in tasks.notice.value
    else:
        confirmation.close()
        confirmation.begin(lambda: True, lambda plan: pytest.fail("it is shown"))
    go_on.set()
    assert tasks.wait()
    assert confirmation.button is None
    assert not visible(confirmation.card)
    assert "report it" not in tasks.notice.value


def test_what_cannot_be_sent_has_no_button(confirmation: Confirmation, tasks: TaskRunner) -> None:
    confirmation.begin(lambda: 1, lambda plan: Review("<p>no way back</p>", "", lambda: None))
    assert tasks.wait()
    assert visible(confirmation.card)
    assert not visible(confirmation.cancel)
    assert confirmation.button is None
