"""The work of a form, and its errors."""

from __future__ import annotations

import contextvars
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


def test_what_a_person_does_is_done_in_order_whatever_thread_it_comes_in() -> None:
    tasks = TaskRunner(Notice())
    first, go_on, came = threading.Event(), threading.Event(), threading.Event()
    seen: list[str] = []

    def type_slowly() -> None:
        first.set()
        assert go_on.wait(10)
        seen.append("typed")

    def click() -> None:
        came.set()
        tasks.handler(lambda: seen.append("clicked"))("the event")

    threads = [threading.Thread(target=tasks.handler(type_slowly)), threading.Thread(target=click)]
    threads[0].start()
    assert first.wait(10)
    threads[1].start()
    assert came.wait(10)
    assert seen == []
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert seen == ["typed", "clicked"]


def test_a_handler_may_cause_another_one() -> None:
    tasks = TaskRunner(Notice())
    seen: list[str] = []
    inner = tasks.handler(lambda: seen.append("inner"))
    tasks.handler(lambda: (inner(), seen.append("outer")))()
    assert seen == ["inner", "outer"]


def test_threads_keep_the_context_of_the_cell_that_made_the_form() -> None:
    request: contextvars.ContextVar[str] = contextvars.ContextVar("request")
    request.set("the cell")
    tasks = TaskRunner(Notice())
    request.set("a page that is loaded again")
    seen: list[str] = []
    tasks.run("job", lambda: seen.append(request.get()))
    tasks.run_latest("job", lambda wanted: seen.append(request.get()))
    assert tasks.wait(10)
    assert seen == ["the cell", "the cell"]


def test_a_stale_job_is_not_busy() -> None:
    tasks = TaskRunner(Notice())
    gate, began = threading.Event(), threading.Event()

    def work(wanted: Any) -> None:
        began.set()
        assert gate.wait(10)

    tasks.run_latest("review", work)
    assert began.wait(10)
    assert tasks.is_busy("review")
    tasks.cancel("review")
    assert not tasks.is_busy("review")
    gate.set()
    assert tasks.wait(10)
    tasks.run_latest("review", lambda wanted: None)
    assert tasks.wait(10)
    assert not tasks.is_busy("review")
