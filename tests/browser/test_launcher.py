"""The cards in JupyterLab's launcher, as a user clicks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.conftest import Lab, Notebook
from xentara_nb.cli.lab import START

_CLOSE = """async () => {
    const book = jupyterapp.shell.currentWidget;
    await book.sessionContext.shutdown();
    book.context.model.dirty = false;
    book.dispose();
}"""


@pytest.fixture
def click_card(page: Any, shot: Any) -> Iterator[Callable[[str], None]]:
    """Give a function that opens the launcher and clicks one of its cards."""

    def click(name: str) -> None:
        page.evaluate("async () => { await jupyterapp.commands.execute('launcher:create') }")
        page.locator(".jp-LauncherCard:visible", has_text=name).wait_for()
        shot(f"launcher-{name}")
        page.locator(".jp-LauncherCard:visible", has_text=name).click()
        page.wait_for_function("() => jupyterapp.shell.currentWidget?.sessionContext?.isReady")

    yield click
    page.evaluate(_CLOSE)


def test_the_page_of_what_to_try(page: Any, click_card: Callable[[str], None]) -> None:
    click_card("What to try")
    assert page.evaluate("() => jupyterapp.shell.currentWidget.context.path") == START


def test_a_new_notebook_logs_in_and_explores(
    lab: Lab, page: Any, click_card: Callable[[str], None], shot: Any
) -> None:
    click_card("Log in and explore")
    book = Notebook(page, lab.root / "Untitled.ipynb")
    book.button("Log in").wait_for()
    book.text("Find an element").or_(book.text("log in")).wait_for()
    page.wait_for_function("() => jupyterapp.shell.currentWidget.content.activeCellIndex === 2")
    assert book.errors() == []
    shot("first-cells")
    assert "inventory = login.client.inventory()" in book.save()
