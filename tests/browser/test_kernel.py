"""What a form says while its kernel is busy, and when it has gone."""

from __future__ import annotations

import os
import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.helpers import SET_POINT, check_access, connecting

SESSION = "() => jupyterapp.shell.currentWidget.sessionContext"
CONFIRM = re.compile("^Write .* to ")
# No other thread of the kernel runs from when the pipe has its reader until something is written.
BUSY = """
import ctypes, sys
sys.setswitchinterval(60)
libc = ctypes.PyDLL(None)
libc.read(libc.open({pipe!r}, 0), ctypes.create_string_buffer(1), 1)
sys.setswitchinterval(0.005)
"""


def test_a_click_waits_for_a_busy_kernel_and_a_dead_one_is_told(
    notebook: Any, page: Any, plant: Any, tmp_path: Any, shot: Any, theme: Any
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    book = notebook(
        connecting(plant),
        f"form = WriteForm(client, {SET_POINT!r})\nform",
        BUSY.format(pipe=os.fsencode(pipe)),
        run=False,
    )
    book.run(0)
    book.run(1)
    form = book.output.locator(".xnb-write")
    book.text("210.0").wait_for()
    book.label("New value").fill("199")
    book.text("All checks passed").wait_for()
    book.run(2, wait=False)
    writer = os.open(pipe, os.O_WRONLY)
    book.button("Review").click()
    taken = form.get_by_role("status").filter(has_text="“Review” was taken, and is waiting")
    taken.wait_for()
    shot("form-taken", form)
    os.write(writer, b"!")
    os.close(writer)
    book.button(CONFIRM).wait_for()
    taken.wait_for(state="hidden")
    assert "xnb-picture" in book.save()
    expect(form.get_by_role("alert")).to_have_count(0)
    page.evaluate(f"{SESSION}.restartKernel()")
    told = form.get_by_role("alert")
    told.filter(has_text="The kernel was restarted: this form does nothing any more").wait_for()
    number = book.panel.locator(".jp-InputArea-prompt").nth(1).inner_text().strip(": \n")
    told.filter(has_text=f"Run cell {number} again").wait_for()
    expect(form.locator("[inert] button")).not_to_have_count(0)
    expect(form.locator("button:not([inert] button)")).to_have_count(0)
    check_access(book)
    shot("form-dead", form)
    theme("Dark")
    shot("form-dead-dark", form)
    theme("Light")
    page.evaluate(f"{SESSION}.shutdown()")
    told.filter(has_text="The kernel was shut down").wait_for()
    # What stands there without the form.
    page.evaluate("() => document.querySelectorAll('.xnb').forEach(each => each.remove())")
    book.output.locator(".xnb-picture").get_by_text(SET_POINT).wait_for()
    shot("form-saved", book.output.locator(".xnb-picture"))
    assert plant.writes.empty
