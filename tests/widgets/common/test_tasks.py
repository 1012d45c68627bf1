"""The work of a form, and its errors."""

from __future__ import annotations

import threading
from typing import Any

from xentara_nb.widgets.common.tasks import Notice, TaskRunner


def test_an_unforeseen_error_shows_its_kind_and_not_its_text() -> None:
    tasks = TaskRunner(Notice())

    def fail() -> None:
        raise KeyError("operator-demo")

    tasks.guard(fail)()
    assert "KeyError" in tasks.notice.value
    assert "operator-demo" not in tasks.notice.value
    tasks.close()
    tasks.notice.clear()
    tasks.guard(fail)()
    assert tasks.notice.value == ""


def test_the_tasks_does_one_job_of_a_name_at_a_time_and_the_run_latest() -> None:
    tasks = TaskRunner(Notice())
    gate = threading.Event()
    assert tasks.run("job", lambda: gate.wait(10))
    assert not tasks.run("job", lambda: None)
    gate.set()
    assert tasks.wait()
    assert tasks.run("job", lambda: None)
    seen: list[int] = []
    gate.clear()

    def slow(wanted: Any) -> None:
        gate.wait(10)
        if wanted():
            seen.append(1)

    tasks.run_latest("keys", slow)
    tasks.run_latest("keys", lambda wanted: seen.append(2))
    gate.set()
    tasks.wait()
    assert seen == [2]
