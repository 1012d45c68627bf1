"""The order button: made for one order, says what it will do, and is good for one click.

Disabling a button does not stop a click that is under way, and clicks that were made while the
kernel was busy come all at once. What stops them is that the order is used up by the first.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import ipywidgets

from xentara_nb.widgets.common.style import button
from xentara_nb.widgets.common.tasks import OneShot, TaskRunner

EXPIRES = 300.0
"""After how many seconds a staged order must be looked at again."""

_numbers = itertools.count(1)


class ConfirmButton:
    """A staged order and its button.

    Parameters
    ----------
    desk : TaskRunner
        Where the work is done.
    text : str
        What the button says; it names the value and where it goes.
    act : callable
        Does it. What it needs is in its closure: nothing is read from an input any more.
    expired : callable
        Called when the button is clicked too late.
    clock : callable
        Tells the time in seconds; tests bring their own.
    """

    def __init__(
        self,
        desk: TaskRunner,
        text: str,
        act: Callable[[], object],
        expired: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk, self._act, self._expired, self._clock = desk, act, expired, clock
        self._once = OneShot()
        self._staged = clock()
        self.button: ipywidgets.Button = button(text, style="danger")
        self.button.add_class("xnb-order")
        self.button.on_click(desk.guard(self._clicked))

    def withdraw(self) -> bool:
        """Make the button do nothing any more; return whether it would have."""
        mine = self._once.take()
        self._dispose()
        return mine

    def _clicked(self, clicked: object) -> None:
        if not self._once.take():
            return
        if self._clock() - self._staged > EXPIRES:
            self._dispose()
            self._expired()
            return
        # A name of its own: an order that was taken is never lost because another is being done.
        text = self.button.description
        self._dispose()
        self._desk.run(f"order {next(_numbers)}", self._act, busy=f"{text} …")

    def _dispose(self) -> None:
        # Clicks that the page has sent by now find the order used up, and later ones no button.
        self.button.disabled = True
        self.button.close()
