"""What the page does with the forms, done from here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import LoginForm

SET_POINT = "Plant.Line 1.Set point"
SECRET = "operator-demo"
PATIENCE = 30.0


def state_of_all_widgets() -> str:
    """Return what a notebook saved with the state of its widgets would hold of them."""
    return json.dumps(ipywidgets.Widget.get_manager_state(), default=str)


def eventually(check: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait until something is true, and return it."""
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.01)
    return found


def sent_by_page(widget: Any, content: object) -> None:
    """Do what happens when a message of a widget's view arrives."""
    data = {"method": "custom", "content": content}
    widget.comm.handle_msg({"content": {"data": data}, "buffers": []})


def typed(widget: Any, text: str) -> None:
    """Do what the page does when something was typed into a field."""
    widget.set_state({"value": text})


def entered(widget: Any) -> None:
    """Do what the page does when Enter is pressed in a field."""
    sent_by_page(widget, {"event": "submit"})


def present_value(client: Client) -> float:
    """Return the value of the set point, which tests before may have written."""
    return float(client.read(SET_POINT, "value")["value"].iloc[0])


def visible(widget: Any) -> bool:
    return widget.layout.display != "none"


def make_login(plant: Simulator, **options: Any) -> LoginForm:
    options.setdefault("fingerprint", plant.fingerprint)
    options.setdefault("user", "operator")
    return LoginForm(plant.url, **options)


def log_in(form: LoginForm, password: str = SECRET) -> None:
    typed(form.password, password)
    form.button.click()
    assert form.wait()
