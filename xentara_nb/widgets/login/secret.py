"""Passwords and tokens: typed, or from the environment. Never kept in a widget.

A widget's state is saved into notebooks, so the inputs here hand over what was typed and forget
it, before anything is done with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets
from traitlets import Unicode

from xentara_nb.connection.credentials import Credentials
from xentara_nb.connection.credentials import from_environment as environment_credentials
from xentara_nb.errors import OptionError
from xentara_nb.protocol.secret import Secret
from xentara_nb.widgets.common.style import on_enter


class SecretInput(ipywidgets.Password):
    """An input whose value leaves it at once, and never comes back.

    What arrives from the page is taken into a private place, and the field is emptied; dots
    stand in it, so that it can be seen that something was typed.
    """

    # The kernel never sends the value out: not as an echo, not in the state that is saved.
    value = Unicode("").tag(sync=True, echo_update=False, to_json=lambda value, widget: "")

    def __init__(self, label: str) -> None:
        self._secret = Secret("")
        self._on_enter: Callable[[], object] | None = None
        self._enter_waits = False
        super().__init__(description=label, continuous_update=False)
        self.observe(self._take_in, "value")
        on_enter(self, self._entered)
        self.remove_class("xnb-enter")  # an Enter in an empty one is answered by nothing

    def on_enter(self, callback: Callable[[], object]) -> None:
        """Call a function when Enter is pressed in the field and its value has arrived."""
        self._on_enter = callback

    def take(self) -> Secret:
        """Return what was typed, and forget it."""
        secret, self._secret = self._secret, Secret("")
        self.placeholder = ""
        return secret

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.description!r}, ***)"

    def _take_in(self, change: Any) -> None:
        if not change["new"]:
            return
        self._secret = Secret(change["new"])
        self.value = ""
        self.placeholder = "••••••••"
        if self._enter_waits:
            self._entered()

    def _entered(self) -> None:
        # The page reports the key first and the value it completes afterwards.
        self._enter_waits = not self._secret
        if self._secret and self._on_enter is not None:
            self._on_enter()


def required(text: Secret, what: str) -> Secret:
    """Return what was typed; raises OptionError if it is nothing."""
    if not text:
        raise OptionError(f"type {what}")
    return text


def from_environment() -> Credentials | None:
    """Return who logs in according to the environment; None if it does not say."""
    known = environment_credentials()
    return Credentials(token=known.token) if known.token else known if known.complete else None
