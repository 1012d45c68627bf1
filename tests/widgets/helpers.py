"""What the page does with the forms, done from here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import ipywidgets
from ipywidgets.widgets import widget as _widget

SET_POINT = "Plant.Line 1.Set point"
PATIENCE = 10.0


def widgets() -> list[ipywidgets.Widget]:
    """Return all widgets that are open."""
    return list(_widget._instances.values())


def state_of_all_widgets() -> str:
    """Return what a notebook saved with the state of its widgets would hold of them."""
    return json.dumps([widget.get_state() for widget in widgets()], default=str)


def eventually(check: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait until something is true, and return it."""
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.01)
    return found


def typed(widget: Any, text: str) -> None:
    """Do what the page does when something was typed into a field."""
    widget.set_state({"value": text})


def entered(widget: Any) -> None:
    """Do what the page does when Enter is pressed in a field."""
    widget._handle_custom_msg({"event": "submit"}, [])


def visible(widget: Any) -> bool:
    return widget.layout.display != "none"
