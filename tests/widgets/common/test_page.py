"""What a form does on its page without the kernel."""

from __future__ import annotations

import pytest

from xentara_nb.widgets.common.form import Form
from xentara_nb.widgets.common.style import button


def test_a_page_tells_the_time_zone_of_its_user() -> None:
    form = Form("one")
    assert form.zone == ""
    form.page.set_state({"zone": "Europe/Berlin"})
    assert form.zone == "Europe/Berlin"
    form.page.set_state({"zone": "../Nowhere"})
    assert form.zone == ""


def test_a_page_is_told_when_the_kernel_has_seen_a_click(monkeypatch: pytest.MonkeyPatch) -> None:
    form, told = Form("one"), []
    monkeypatch.setattr(form.page, "send", told.append)
    clicked = button("Fail")

    def fail() -> None:
        raise RuntimeError

    clicked.on_click(form.tasks.handler(fail))
    clicked.click()
    assert told == [{"do": "done"}]
    form.close()
    clicked.click()
    assert len(told) == 1


def test_without_anywidget_a_form_works_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xentara_nb.widgets.common.form.find_spec", lambda name: None)
    form = Form("one")
    form.fill(button("Click"))
    assert form.page is None
    assert form.zone == ""
    assert len(form.children) == 2
