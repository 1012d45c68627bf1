"""The confirm button: made for one write, says what it will do, and is good for one click.

Disabling a button does not stop a click that is under way, and clicks that were made while the
kernel was busy come all at once. What stops them is that the button is used up by the first.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

import ipywidgets

from xentara_nb.widgets.common.tasks import TaskRunner

EXPIRES = 300.0  # seconds after which a reviewed write must be reviewed again

_numbers = itertools.count(1)


class ConfirmButton(ipywidgets.Button):
    """Confirms one reviewed write; its text names the value and where it goes.

    ``act`` does the write; what it needs is in its closure, so that nothing is read from an input
    any more. ``expired`` is called instead when the button is clicked too late. The button puts
    itself into a box, and is taken out of it at its end: a page that is loaded again would wait for
    a button that is closed.
    """

    def __init__(
        self,
        tasks: TaskRunner,
        box: ipywidgets.Box,
        text: str,
        act: Callable[[], object],
        expired: Callable[[], object],
    ) -> None:
        super().__init__(description=text, button_style="danger")
        self._tasks, self._box, self._act, self._expired = tasks, box, act, expired
        self._used = threading.Lock()  # taken once, and never given back
        self._made_at = time.monotonic()
        self.on_click(tasks.handler(self._confirm))
        box.children = (self,)

    def withdraw(self) -> bool:
        """Make the button do nothing any more; return whether it would have."""
        unused = self._used.acquire(blocking=False)
        self._dispose()
        return unused

    def _confirm(self) -> None:
        if not self._used.acquire(blocking=False):
            return
        self._dispose()
        if time.monotonic() - self._made_at > EXPIRES:
            self._expired()
            return
        # A name of its own: a write that was confirmed is never lost because another is being done.
        self._tasks.run(f"write {next(_numbers)}", self._act, busy=f"{self.description} …")

    def _dispose(self) -> None:
        # Clicks that the page has sent by now find the button used up, and later ones no button.
        self.disabled = True
        self._box.children = [child for child in self._box.children if child is not self]
        self.close()
