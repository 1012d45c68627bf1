"""Several pages and views of one form: each shows it as it is, and none lets it write twice."""

from __future__ import annotations

import contextlib
import os
import random
import re
import time
from collections import Counter
from typing import Any

from playwright.sync_api import Error, expect

from tests.browser.helpers import SET_POINT
from tests.support.clients import eventually
from tests.support.proxy import Proxy

SEED = int(os.environ.get("XENTARA_NB_SEED", "17"))
SECONDS = 5.0  # of tries
SHORT = 1000  # milliseconds in which something is there, or is left alone
CONFIRM = re.compile("^Write .* to ")
SAID = re.compile(rf"Write ([\d.]+) to {re.escape(SET_POINT)}")
# Remembers what the confirm buttons say that are made.
REMEMBER = """
import time, xentara_nb
from unittest import mock
from xentara_nb.widgets import WriteForm
from xentara_nb.widgets.common.confirm import Confirmation

made, show = [], Confirmation.show

def remember(self, asked):
    made.append(asked.label)
    show(self, asked)

mock.patch.object(Confirmation, "show", remember).start()
client = xentara_nb.connect({url!r}, user="engineer", password="engineer-demo")
"""


class User:
    """One without patience, on two pages; remembers what the buttons said that were clicked."""

    def __init__(self, books: list[Any], proxy: Proxy) -> None:
        self.choice = random.Random(SEED)
        self.books, self.proxy = books, proxy
        self.value = 100
        self.clicked: Counter[float] = Counter()  # by value: the buttons that were clicked

    def write(self) -> None:
        """Type, review and confirm, each on any page, and do something else between."""
        for act in (self.type, self.review, self.confirm):
            with contextlib.suppress(Error):  # what is not there is not clicked
                act()
            if self.choice.random() < 0.3:
                others = (self.type, self.enter, self.confirm, self.reload, self.cut, self.busy)
                with contextlib.suppress(Error):
                    self.choice.choice(others)()

    def any_page(self) -> Any:
        return self.choice.choice(self.books)

    def type(self) -> None:
        self.value += 1
        self.any_page().label("New value").last.fill(str(self.value), timeout=SHORT)

    def enter(self) -> None:
        self.any_page().label("New value").first.press("Enter", timeout=SHORT)

    def review(self) -> None:
        review = self.any_page().button("Review").first
        review.click(timeout=SHORT, click_count=self.choice.choice((1, 1, 2)))

    def confirm(self) -> None:
        """Click all the confirm buttons of a page, some more than once."""
        buttons = self.any_page().button(CONFIRM)
        buttons.first.wait_for(timeout=SHORT)
        # What it says and the clicks in one go, so that no other button comes between them.
        texts = buttons.evaluate_all(
            "(all, times) => all.map(each => {"
            " for (let i = 0; i < times; i++) each.click(); return each.textContent; })",
            self.choice.choice((1, 2, 3)),
        )
        for text in texts:
            said = SAID.fullmatch(text)
            assert said is not None
            self.clicked[float(said[1])] += 1

    def reload(self) -> None:
        self.books[1].page.reload(wait_until="commit")

    def cut(self) -> None:
        self.proxy.cut()

    def busy(self) -> None:
        self.books[0].run(3, wait=False)


def test_what_is_done_on_several_pages_is_done_once(
    notebook: Any, plant: Any, second_page: Any
) -> None:
    with Proxy(plant.port) as proxy:
        book = notebook(
            REMEMBER.format(url=proxy.url),
            f"form = WriteForm(client, {SET_POINT!r})\nform",
            "form",
            "time.sleep(0.3)",
            "mock.patch.stopall()\nprint('made', *made, sep='|')",
            run=False,
        )
        book.run(0)
        book.run(1)
        again = shows_and_confirms(book, plant, second_page)
        hurries([book, again], plant, proxy)


def shows_and_confirms(book: Any, plant: Any, second_page: Any) -> Any:
    """Open a page behind a write while the next one is reviewed; return it."""
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
    expect(again.output.get_by_text("Loading widget")).to_have_count(0)
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
    return again


def hurries(books: list[Any], plant: Any, proxy: Proxy) -> None:
    """Try at random: at most one write a button, and only what it said."""
    book = books[0]
    book.run(2)  # a second view of the form
    plant.forget()
    user = User(books, proxy)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        user.write()
    # It still works.
    book.wait_idle()
    book.label("New value").first.fill("99")
    book.text("All checks passed").wait_for()
    book.button("Review").first.click()
    book.button("Write 99.0 to").first.click()
    # The outcome that is shown may be that of a write before, which was slow.
    eventually(lambda: 99.0 in plant.writes["value"].tolist(), 30)
    book.text("read back as written").wait_for()
    written = plant.writes["value"].tolist()
    written.remove(99.0)
    book.run(4)
    made = Counter(
        float(said[1])
        for text in book.text(re.compile(r"^made\|")).inner_text().split("|")
        if (said := SAID.fullmatch(text.strip()))
    )
    assert Counter(written) <= made & user.clicked, f"seed {SEED}"
    print("WRITES", written, user.clicked, user.value)
