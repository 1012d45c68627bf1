"""Review and confirm: what is sent is what was shown, once.

Disabling a button does not stop a click that is under way, and clicks that were made while the
kernel was busy come all at once. So each review has a button of its own. Only the button of the
review that is shown does anything, and the first click takes it away.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import ipywidgets

from xentara_nb.locking import Lock
from xentara_nb.widgets.common.style import button, card, row, show
from xentara_nb.widgets.common.tasks import TaskRunner

EXPIRES = 300.0  # seconds after which something must be reviewed again

_JOB = "review"
_numbers = itertools.count(1)
_Plan = TypeVar("_Plan")


class Review(NamedTuple):
    """What a user is asked to confirm."""

    html: str  # what will be sent, and by whom
    label: str  # what the confirm button says; an empty text if nothing can be confirmed
    send: Callable[[], object]  # has all that it needs: nothing is read from an input any more


class Words(NamedTuple):
    """What a confirmation says."""

    what: str  # is reviewed, such as: write
    cancel: str  # says the button that withdraws it
    cancelled: str  # is said then; may be empty
    again: str  # is what to do when a review has expired


class Confirmation:
    """Shows a review, with a button that confirms it and one that withdraws it.

    Attributes
    ----------
    button : ipywidgets.Button or None
        The button that confirms what is shown, as long as there is one. It is taken out of its row
        at its end: a page that is loaded again would wait for a button that is closed.
    """

    def __init__(self, tasks: TaskRunner, words: Words) -> None:
        self._tasks, self._words = tasks, words
        self._closed = False
        self._lock = Lock()  # what is shown and what can be confirmed change together
        self.button: ipywidgets.Button | None = None
        self.text = ipywidgets.HTML()
        self.row = row()
        self.cancel = button(words.cancel)
        self.cancel.on_click(tasks.handler(self._cancel))
        self.card = card(self.text, row(self.row, self.cancel))
        show(self.card, False)

    def begin(self, plan: Callable[[], _Plan], review: Callable[[_Plan], Review | None]) -> None:
        """Plan in a thread, and show the review of that, in the place of any other one.

        ``review`` is called if nothing has changed since; it returns None for what cannot be sent.
        """
        self.withdraw()
        self._tasks.notice.say("Reviewing …", "busy")

        def work(wanted: Callable[[], bool]) -> None:
            planned = plan()
            with self._lock:
                if not wanted() or self._closed:
                    return
                asked = review(planned)
                if asked is not None:
                    self.show(asked)
                    self._tasks.notice.clear()

        self._tasks.run_latest(_JOB, work)

    def show(self, asked: Review) -> None:
        """Show a review, and the button for it; called by what :meth:`begin` has begun."""
        self.text.value = asked.html
        show(self.text, bool(asked.html))
        show(self.cancel, bool(asked.label))
        if asked.label:
            made, made_at = button(asked.label, style="danger"), time.monotonic()
            made.on_click(self._tasks.handler(lambda: self._confirm(made, made_at, asked)))
            self.button, self.row.children = made, (made,)
        show(self.card, True)

    def withdraw(self, reason: str = "", kind: str = "warning") -> bool:
        """Withdraw what is reviewed; return whether there was something to confirm.

        The notice gives the reason, if there is one.
        """
        was_begun = self._tasks.is_busy(_JOB)
        self._tasks.cancel(_JOB)
        with self._lock:
            was_shown = self.button is not None
            self._hide()
        if reason and (was_begun or was_shown):
            self._tasks.notice.say(f"The {self._words.what} was withdrawn: {reason}.", kind)
        return was_shown

    def close(self) -> None:
        """Withdraw what is reviewed, and show nothing any more."""
        self._closed = True
        self.withdraw()

    def _hide(self) -> None:
        made, self.button = self.button, None
        show(self.card, False)
        if made is not None:
            made.disabled = True
            self.row.children = ()
            made.close()

    def _confirm(self, clicked: ipywidgets.Button, made_at: float, asked: Review) -> None:
        with self._lock:
            if self.button is not clicked:
                return
            self._hide()
        if time.monotonic() - made_at > EXPIRES:
            text = f"This review has expired: {self._words.again}."
            self._tasks.notice.say(text, "warning")
            return
        # A name of its own: what was confirmed is never lost because something else is being done.
        self._tasks.run(f"confirmed {next(_numbers)}", asked.send, busy=f"{asked.label} …")

    def _cancel(self) -> None:
        self.withdraw()
        if self._words.cancelled:
            self._tasks.notice.say(self._words.cancelled)
