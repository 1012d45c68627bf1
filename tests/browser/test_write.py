"""The write form, as a user sees it, against the simulator's log of writes."""

from __future__ import annotations

import re
from typing import Any

from .helpers import SET_POINT, connecting, overflows


def open_form(notebook: Any, plant: Any, element: str = SET_POINT, **options: Any) -> Any:
    return notebook(
        connecting(plant, **options), f"form = WriteForm(client, {element!r})\nform", "import time"
    )


def review(book: Any, value: str) -> Any:
    """Type a value and review it; return the order button."""
    book.label("New value").fill(value)
    book.button("Review").click()
    order = book.button(re.compile("^Write .* to "))
    order.wait_for()
    return order


def test_a_value_is_found_written_and_taken_back_with_the_keyboard_only(
    notebook: Any, page: Any, plant: Any, shot: Any, theme: Any
) -> None:
    book = notebook(connecting(plant), "form = WriteForm(client)\nform")
    keys = page.keyboard
    book.label("Find").focus()
    keys.type("line 1 set")
    found = book.output.get_by_role("listbox", name="Found")
    found.wait_for()
    keys.press("Tab")
    keys.press("ArrowDown")
    book.output.get_by_role("heading", name=SET_POINT).wait_for()
    book.text("210.0").wait_for()
    keys.press("Tab")
    keys.type("195")
    book.text("every guard is content").wait_for()
    keys.press("Enter")
    order = book.button(f"Write 195.0 to {SET_POINT}")
    order.wait_for()
    shot("write-form", book.output.locator(".xnb-write"))
    theme("Dark")
    shot("write-form-dark", book.output.locator(".xnb-write"))
    theme("Light")
    page.set_viewport_size({"width": 420, "height": 1100})
    shot("write-form-narrow")
    assert not overflows(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    book.label("New value").focus()
    for _ in range(3):
        keys.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == f"Write 195.0 to {SET_POINT}"
    keys.press("Enter")
    book.text("read back as ordered").wait_for()
    shot("write-outcome")
    assert plant.writes["value"].tolist() == [195.0]
    book.button("Undo").press("Enter")
    book.button(f"Write 210.0 back to {SET_POINT}").press("Enter")
    book.text("Journal of this notebook (2)").wait_for()
    assert plant.writes["value"].tolist() == [195.0, 210.0]


def test_no_click_writes_twice(notebook: Any, page: Any, plant: Any) -> None:
    book = open_form(notebook, plant)
    review(book, "181").dblclick()
    book.text("read back as ordered").wait_for()
    assert plant.writes["value"].tolist() == [181.0]
    # Three clicks in one go while the kernel is busy: they come all at once afterwards.
    order = review(book, "182")
    page.evaluate(
        """() => {
            jupyterapp.shell.currentWidget.content.activeCellIndex = 2;
            jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel
                .setSource('time.sleep(1.5)');
            jupyterapp.commands.execute('notebook:run-cell');
        }"""
    )
    order.evaluate("button => { button.click(); button.click(); button.click(); }")
    book.wait_idle()
    book.text("read back as ordered").wait_for()
    assert plant.writes["value"].tolist() == [181.0, 182.0]


def test_what_is_typed_withdraws_the_order(notebook: Any, page: Any, plant: Any) -> None:
    book = open_form(notebook, plant)
    order = review(book, "183")
    book.label("New value").press_sequentially("4")
    order.wait_for(state="detached")
    book.text("The order was withdrawn").wait_for()
    review(book, "184")
    book.button("Do not write").click()
    book.text("Nothing was written.").wait_for()
    # A cell that is run again closes the form that it made before, with its order.
    review(book, "185")
    book.run(1)
    book.text("210.0").wait_for()
    assert book.button(re.compile("^Write .* to ")).count() == 0
    assert plant.writes.empty


def test_guards_refuse_in_words(notebook: Any, page: Any, plant: Any) -> None:
    book = open_form(notebook, plant, "Data Types.UnsignedInteger8")
    for value, reason in (
        ("300", "is not in 0 to 255"),
        ("4.5", "is no whole number"),
        ("many", "is no whole number"),
    ):
        book.label("New value").fill(value)
        book.text(reason).wait_for()
        book.button("Review").click()
        book.output.get_by_role("heading", name="Review").wait_for()
        assert book.button(re.compile("^Write .* to ")).count() == 0
    review(book, "200")
    assert plant.writes.empty


def test_a_connection_that_is_lost_and_found(notebook: Any, page: Any, plant: Any) -> None:
    book = open_form(notebook, plant)
    book.text("live").wait_for()
    # The answer to the write is lost with its connection: nobody knows, until it is read.
    order = review(book, "186")
    plant.faults.lose("write")
    order.click()
    book.text("UNKNOWN").wait_for()
    assert plant.writes["value"].tolist() == [186.0]
    plant.faults.clear()
    book.button("Read the value now").click()
    book.text("read back as ordered").wait_for()
    assert plant.writes["value"].tolist() == [186.0]
    plant.stop()
    book.text(re.compile("^not live")).wait_for()
    book.label("New value").fill("187")
    book.button("Review").click()
    book.output.get_by_role("alert").last.wait_for()
    plant.start()
