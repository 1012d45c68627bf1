"""The button that confirms one write."""

from __future__ import annotations

import ipywidgets

from xentara_nb.widgets.common.tasks import Notice, TaskRunner
from xentara_nb.widgets.write.confirm import ConfirmButton


def test_a_button_is_withdrawn_once_and_does_nothing_afterwards() -> None:
    done: list[str] = []
    tasks = TaskRunner(Notice())
    box = ipywidgets.HBox()
    button = ConfirmButton(
        tasks, box, "Write 1", lambda: done.append("act"), lambda: done.append("expired")
    )
    assert button.withdraw()
    assert not button.withdraw()
    button.click()
    assert tasks.wait()
    assert done == []
    assert button.disabled
    assert box.children == ()


def test_a_button_that_was_clicked_has_nothing_to_withdraw() -> None:
    done: list[str] = []
    tasks = TaskRunner(Notice())
    box = ipywidgets.HBox()
    button = ConfirmButton(
        tasks, box, "Write 1", lambda: done.append("act"), lambda: done.append("expired")
    )
    button.click()
    assert not button.withdraw()
    assert tasks.wait()
    assert done == ["act"]
    assert box.children == ()
