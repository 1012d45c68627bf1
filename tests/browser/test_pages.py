"""A second page on the same notebook, as after a reload: it shows each form as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import HAS_KERNEL, START_PATIENCE, Lab, Notebook
from tests.browser.helpers import SET_POINT, connecting

CONFIRM = re.compile("^Write .* to ")


@pytest.fixture
def second_page(lab: Lab, page: Any) -> Iterator[Any]:
    """Give a function that opens the notebook once more, in a page of its own."""
    tabs: list[Any] = []

    def open_again(book: Notebook) -> Notebook:
        tab = page.context.new_page()
        tabs.append(tab)
        tab.goto(f"{lab.url}/doc/tree/{book.path.name}?reset&token={lab.token}")
        # The page may load itself once more at first, and has no application for a while then.
        tab.wait_for_function(HAS_KERNEL, timeout=START_PATIENCE * 1000)
        return Notebook(tab, book.path)

    yield open_again
    for tab in tabs:
        tab.close()


def test_a_page_that_opens_after_a_write_while_the_next_is_reviewed_shows_and_confirms_it(
    notebook: Any, plant: Any, second_page: Any
) -> None:
    book = notebook(connecting(plant), f"form = WriteForm(client, {SET_POINT!r})\nform")
    book.label("New value").fill("195")
    book.button("Review").click()
    book.button(CONFIRM).click()
    book.text("read back as written").wait_for()
    book.save()
    book.label("New value").fill("196")
    plant.faults.delay(1.5)
    book.button("Review").click()
    again = second_page(book)
    again.label("New value").wait_for()
    plant.faults.clear()
    again.button(CONFIRM).wait_for()
    assert again.output.get_by_text("Loading widget").count() == 0
    book.button(CONFIRM).click()
    for each in (book, again):
        each.text("read back as written").wait_for()
        each.button(CONFIRM).wait_for(state="detached")
    assert plant.writes["value"].tolist() == [195.0, 196.0]
    # The other page works as well.
    again.button("Undo …").click()
    again.button(CONFIRM).click()
    again.text("195.0").wait_for()
    again.button(CONFIRM).wait_for(state="detached")
    again.text("read back as written").wait_for()
    assert plant.writes["value"].tolist() == [195.0, 196.0, 195.0]
