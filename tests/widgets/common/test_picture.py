"""What stays of a form in a saved notebook."""

from __future__ import annotations

from typing import Any

import pytest

from tests.widgets.helpers import SECRET, SET_POINT, eventually, log_in, make_login
from xentara_nb import Client
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import ClientCard, Explorer, LoginForm, WriteForm
from xentara_nb.widgets.common import notebook, picture
from xentara_nb.widgets.common.form import Form


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


class Shown:
    """What was shown below a form, and then in its place."""

    def __init__(self) -> None:
        self.bundles: list[dict[str, Any]] = []

    def __call__(self, bundle: dict[str, Any], **options: Any) -> Shown:
        self.bundles.append(bundle)
        return self

    update = __call__

    @property
    def html(self) -> str:
        return str(self.bundles[-1]["text/html"])


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    made = Shown()
    monkeypatch.setattr("IPython.display.display", made)
    monkeypatch.setattr(notebook, "shell", lambda: made)
    monkeypatch.setattr(picture, "SOON", 0.0)
    return made


def display(form: Form) -> None:
    """Do what a notebook does with the last line of a cell."""
    form._ipython_display_()


def test_a_write_form_leaves_what_it_has_written(client: Client, shown: Shown) -> None:
    form = WriteForm(client)
    display(form)
    widget, below = shown.bundles
    assert "application/vnd.jupyter.widget-view+json" in widget
    assert "text/html" not in widget
    assert "This is a form" in below["text/html"]
    form.choose(SET_POINT)
    assert SET_POINT in shown.html
    form.value_input.set("201")
    form.review.click()
    assert form.wait()
    assert form.confirm_button is not None
    form.confirm_button.click()
    assert form.wait()
    assert "read back as written" in shown.html
    assert "201.0" in shown.html
    count = len(shown.bundles)
    form.close()
    assert len(shown.bundles) == count + 1
    assert "read back as written" in shown.html


def test_an_explorer_leaves_the_values_of_what_is_selected(client: Client, shown: Shown) -> None:
    card = ClientCard(client)
    assert card.wait()
    display(card)
    assert "Xentara client</caption>" in shown.html
    card.button.click()
    assert card.explorer is not None
    card.explorer.select("Plant.Line 1.Recipe")
    eventually(lambda: "String" in card.explorer.live.text.value)
    card.close()
    assert "Plant.Line 1.Recipe" in shown.html


def test_what_is_shown_seldom_is_drawn_seldom(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = Form("one")
    display(form)
    form.picture.refresh()
    assert len(shown.bundles) == 2
    monkeypatch.setattr(picture, "LONGEST_PAUSE", 0.0)
    form.picture.refresh()
    assert len(shown.bundles) == 3
    monkeypatch.setattr(picture, "SOON", 100.0)
    form.picture.change()
    assert len(shown.bundles) == 3


def test_the_younger_the_more_often_values_that_move_are_drawn(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, form, drawn = Clock(), Form("one"), []
    monkeypatch.setattr(picture, "time", clock)
    display(form)
    for second in range(1, 210):
        count = len(shown.bundles)
        clock.seconds += 1
        if second == 2:
            form.picture.change()  # what is done is shown at once
        form.picture.refresh()
        drawn += [second] * (len(shown.bundles) - count)
    assert drawn == [2, 7, 14, 28, 56, 112, 172]


def test_no_secret_is_in_a_picture(plant: Simulator, shown: Shown) -> None:
    form: LoginForm = make_login(plant)
    display(form)
    log_in(form)
    assert "operator at wss://" in shown.html
    assert SECRET not in str(shown.bundles)


def test_outside_of_a_notebook_there_is_a_line(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    explorer = Explorer(client)
    display(explorer)
    assert capsys.readouterr().out == f"<Explorer: {client.address.url}>\n"
    explorer.wait()
    explorer.close()
