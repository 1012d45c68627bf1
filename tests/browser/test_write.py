"""The write form, as a user sees it, against the simulator's log of writes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser.helpers import SET_POINT, check_access, check_fits, connecting, narrow
from xentara_nb.writes.time_window import DAYS

CONFIRM = re.compile("^Write .* to ")
POLICY = """
allowed = ["Plant.Line *.Set point", "Plant.Line 1.Maximum speed", "Data Types.*"]
forbidden = ["*.Maximum speed"]
bad_quality = "refuse"

[[limits]]
keys = ["Plant.Line 1.Set point"]
minimum = 50
maximum = 400

[[limits]]
keys = ["Plant.Line 3.Set point"]
max_step = 25
"""
REFUSED = {
    "Data Types.UnsignedInteger8": {
        "4.5": "'4.5' is no whole number",
        "many": "'many' is no whole number",
        "300": "'300' is not in 0 to 255",
    },
    "Plant.Line 1.Maximum speed": {"100": "forbids to write to Plant.Line 1.Maximum speed"},
    "Plant.Line 1.Batch": {"7": "does not allow to write to Plant.Line 1.Batch"},
    SET_POINT: {"49": "is below 50, the minimum", "401": "is above 400, the maximum"},
    "Plant.Line 3.Set point": {"1000": "is a larger step than 25, the max_step"},
    "Plant.Line 2.Set point": {"200": "the quality of the present value is bad"},
}


def open_form(notebook: Any, plant: Any, element: str = SET_POINT, **options: Any) -> Any:
    return notebook(
        connecting(plant, **options), f"form = WriteForm(client, {element!r})\nform", "import time"
    )


def review(book: Any, value: str) -> Any:
    """Type a value and review it; return the confirm button."""
    book.label("New value").fill(value)
    book.button("Review").click()
    confirm = book.button(CONFIRM)
    confirm.wait_for()
    return confirm


def test_a_value_is_found_written_and_taken_back_with_the_keyboard_only(
    notebook: Any, page: Any, plant: Any, shot: Any, theme: Any
) -> None:
    book = notebook(connecting(plant), "form = WriteForm(client)\nform")
    keys = page.keyboard
    book.label("Find").focus()
    keys.type("line 1 set")
    found = book.output.get_by_role("listbox", name="Found")
    found.wait_for()
    book.text(re.compile("^1 element$")).wait_for()  # before, the list is that of fewer letters
    keys.press("Tab")
    keys.press("ArrowDown")
    book.output.get_by_role("heading", name=SET_POINT).wait_for()
    book.text("210.0").wait_for()
    expect(book.label("New value")).to_be_editable()
    keys.press("Tab")
    expect(book.label("New value")).to_be_focused()
    keys.type("195")
    book.text("All checks passed").wait_for()
    keys.press("Enter")
    confirm = book.button(f"Write 195.0 to {SET_POINT}")
    confirm.wait_for()
    shot("write-form", book.output.locator(".xnb-write"))
    check_access(book)
    theme("Dark")
    shot("write-form-dark", book.output.locator(".xnb-write"))
    check_access(book)
    theme("Light")
    with narrow(page, height=1100):
        shot("write-form-narrow")
        check_fits(page)
    book.label("New value").focus()
    for _ in range(3):
        keys.press("Tab")
    expect(confirm).to_be_focused()
    keys.press("Enter")
    book.text("read back as written").wait_for()
    shot("write-outcome")
    assert plant.writes["value"].tolist() == [195.0]
    book.button("Undo").press("Enter")
    book.button(f"Write 210.0 back to {SET_POINT}").press("Enter")
    book.text("read back as written").wait_for()
    book.text("Journal of this notebook (2)").wait_for()
    assert plant.writes["value"].tolist() == [195.0, 210.0]


def test_no_click_writes_twice(notebook: Any, page: Any, plant: Any) -> None:
    book = open_form(notebook, plant)
    review(book, "181").dblclick()
    book.text("read back as written").wait_for()
    assert plant.writes["value"].tolist() == [181.0]
    # Three clicks in one go while the kernel is busy: they come all at once afterwards.
    confirm = review(book, "182")
    page.evaluate(
        """() => {
            jupyterapp.shell.currentWidget.content.activeCellIndex = 2;
            jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel
                .setSource('time.sleep(1.5)');
            jupyterapp.commands.execute('notebook:run-cell');
        }"""
    )
    confirm.evaluate("button => { button.click(); button.click(); button.click(); }")
    book.text("read back as written").wait_for()
    book.run(2)  # behind all clicks
    assert plant.writes["value"].tolist() == [181.0, 182.0]


def test_what_is_typed_withdraws_the_write(notebook: Any, page: Any, plant: Any) -> None:
    book = open_form(notebook, plant)
    confirm = review(book, "183")
    book.label("New value").press_sequentially("4")
    confirm.wait_for(state="detached")
    book.text("The write was withdrawn").wait_for()
    review(book, "184")
    book.button("Do not write").click()
    book.text("Nothing was written.").wait_for()
    # A cell that is run again closes the form that it made before, with its button.
    review(book, "185")
    book.run(1)
    book.text("210.0").wait_for()
    expect(book.button(CONFIRM)).to_have_count(0)
    assert plant.writes.empty


def refuses(book: Any, value: str, reason: str) -> None:
    """Type a value, and see one guard refuse it in words: as it is typed, and when reviewed."""
    result = book.output.locator(".xnb-checks li").locator("visible=true")
    heading = book.output.get_by_role("heading", name="Review")
    book.label("New value").fill(value)
    expect(heading).to_be_hidden()
    expect(result).to_have_text(re.compile(f"^refused.*{re.escape(reason)}"))
    book.button("Review").click()
    book.text("This value cannot be written").wait_for()
    expect(heading).to_be_hidden()
    expect(result).to_have_text(re.compile(f"^refused.*{re.escape(reason)}"))
    expect(book.button(CONFIRM)).to_have_count(0)


def test_every_guard_of_a_single_write_refuses(
    notebook: Any, page: Any, plant: Any, shot: Any, tmp_path: Path
) -> None:
    # Two settings of a policy refuse no single write: max_rows is 1 at least, and a single write
    # is one row; max_writes_per_second lets a write wait, and refuses none. Nor can two rows
    # write to the same attribute, and that a value has moved on is a warning before the click.
    policy, closed = tmp_path / "policy.toml", tmp_path / "closed.toml"
    policy.write_text(POLICY, encoding="utf-8")
    day = DAYS[(datetime.now(UTC).weekday() + 3) % 7]
    closed.write_text(
        f'max_rows = 1\nmax_writes_per_second = 1\n[time_window]\nfrom = "08:00"\n'
        f'to = "09:00"\ndays = ["{day}"]\ntime_zone = "UTC"\n',
        encoding="utf-8",
    )
    plant.faults.bad_quality("Plant.Line 2.Set point")
    book = open_form(notebook, plant, policy=str(policy))
    for element, values in REFUSED.items():
        book.rewrite(1, f"form = WriteForm(client, {element!r})\nform")
        for value, reason in values.items():
            refuses(book, value, reason)
    shot("write-refused")
    # What is read only can be found, and there is nothing to type a value into.
    book.rewrite(1, "form = WriteForm(client)\nform")
    book.label("Find").fill("line 1 status word")
    book.output.get_by_role("listbox", name="Found").wait_for()
    book.text(re.compile("^1 element$")).wait_for()
    book.label("Find").press("Tab")
    page.keyboard.press("ArrowDown")
    book.text("has no attribute that can be written").wait_for()
    expect(book.button("Review")).to_be_hidden()
    for options, reason in (
        ({"policy": str(closed)}, f"allows to write from 08:00 to 09:00 on {day} (UTC) only"),
        ({"read_only": True}, "this client is read only"),
    ):
        book.rewrite(0, connecting(plant, **options))
        book.rewrite(1, f"form = WriteForm(client, {SET_POINT!r})\nform")
        refuses(book, "200", reason)
    # A write that no guard had refused is refused when it is clicked, if one does by then.
    book.rewrite(0, connecting(plant))
    book.rewrite(1, f"form = WriteForm(client, {SET_POINT!r})\nform")
    confirm = review(book, "200")
    book.rewrite(2, "import os\nos.environ['XENTARA_READ_ONLY'] = '1'")
    confirm.click()
    book.output.get_by_role("alert").filter(has_text="XENTARA_READ_ONLY=1 is set").wait_for()
    expect(book.button(CONFIRM)).to_have_count(0)
    refuses(book, "201", "XENTARA_READ_ONLY=1 is set")
    assert plant.writes.empty
    assert "write" not in plant.requests["command"].tolist()


def test_a_connection_that_is_lost_and_found(notebook: Any, page: Any, plant: Any) -> None:
    book = open_form(notebook, plant)
    book.text("live").wait_for()
    # The answer to the write is lost with its connection: no one knows, until it is read.
    confirm = review(book, "186")
    plant.faults.lose("write")
    confirm.click()
    book.text("UNKNOWN").wait_for()
    assert plant.writes["value"].tolist() == [186.0]
    plant.faults.clear()
    book.button("Read the value now").click()
    book.text("read back as written").wait_for()
    assert plant.writes["value"].tolist() == [186.0]
    plant.stop()
    book.text(re.compile("^not live")).wait_for()
    book.output.get_by_role("alert").filter(has_text="Not connected").wait_for()
    expect(book.label("New value")).to_be_disabled()
    expect(book.button("Review")).to_be_disabled()
    plant.start()
