"""What every form is."""

from __future__ import annotations

import ipywidgets

from tests.widgets.helpers import make_login
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import LoginForm
from xentara_nb.widgets.common.form import Form, put_form


def test_without_widgets_there_is_a_fallback(plant: Simulator) -> None:
    form = make_login(plant)
    bundle = form._repr_mimebundle_()
    assert "This is a form" in bundle["text/html"]
    assert "no one is logged in" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_a_form_that_could_not_be_made_can_be_shown_all_the_same() -> None:
    made = LoginForm.__new__(LoginForm)
    assert repr(made) == "<LoginForm, incomplete>"
    made.close()


def test_a_form_closes_the_forms_in_it_and_calls_its_listeners() -> None:
    called: list[str] = []

    def fail() -> None:
        called.append("fail")
        raise RuntimeError

    outer, inner, other = Form("outer"), Form("inner"), Form("other")
    box = ipywidgets.VBox([])
    outer.fill(box)
    put_form(box, other)
    put_form(box, inner)
    assert other.closed
    outer.when_closed.callback(lambda: called.append("second"))
    outer.when_closed.callback(fail)
    outer.close()
    outer.close()
    assert inner.closed
    assert box.comm is None
    assert called == ["fail", "second"]
