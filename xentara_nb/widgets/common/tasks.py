"""What stands around everything that a form does: errors shown in words, work off the kernel.

A callback of a widget has nobody to raise to: an exception shows nowhere on the page. So every
callback goes through a :class:`TaskRunner`, which shows what went wrong in the form. What takes
time is done in a thread, because a callback that waits keeps every cell of the notebook waiting.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets

from xentara_nb.errors import XentaraError
from xentara_nb.widgets.common.style import paragraphs

_log = logging.getLogger(__name__)

_ROLES = {"error": "alert", "warning": "alert"}


class Notice(ipywidgets.HTML):
    """One message, read aloud by screen readers when it changes."""

    def say(self, text: str, kind: str = "info") -> None:
        """Show a message.

        Parameters
        ----------
        text : str
            What to say, in plain text.
        kind : str
            ``info``, ``ok``, ``busy``, ``warning`` or ``error``.
        """
        role = _ROLES.get(kind, "status")
        self.value = f'<div class="xnb-notice xnb-{kind}" role="{role}">{paragraphs(text)}</div>'

    def clear(self) -> None:
        """Show nothing."""
        self.value = ""


class OneShot:
    """Something that may be done once, whoever comes first.

    Examples
    --------
    >>> once = OneShot()
    >>> once.take(), once.take()
    (True, False)
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False

    def take(self) -> bool:
        """Return True the first time, and False ever after."""
        with self._lock:
            if self._taken:
                return False
            self._taken = True
            return True


class TaskRunner:
    """Where a form has its work done.

    Parameters
    ----------
    notice : Notice
        Where errors are shown.

    Attributes
    ----------
    closed : bool
        Whether the form is gone; nothing is begun any more.
    """

    def __init__(self, notice: Notice) -> None:
        self.notice = notice
        self.closed = False
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._newest: dict[str, int] = {}
        self._idle = threading.Condition()
        self._running = 0

    def guard(self, callback: Callable[..., object]) -> Callable[..., None]:
        """Return a callback that shows its errors in the form."""

        @functools.wraps(callback)
        def guarded(*args: Any, **kwargs: Any) -> None:
            if self.closed:
                return
            try:
                callback(*args, **kwargs)
            except Exception as error:
                self.show(error)

        return guarded

    def show(self, error: BaseException) -> None:
        """Show an error in words."""
        if isinstance(error, XentaraError):
            self.notice.say(str(error), "error")
        elif isinstance(error, OSError):
            where = f" ({error.filename})" if error.filename else ""
            self.notice.say(f"{error.strerror or error}{where}", "error")
        else:
            # The text of an unforeseen error may quote what was typed, so only its kind is shown.
            _log.debug("a form failed", exc_info=error)
            self.notice.say(
                f"This should not have happened: {type(error).__name__} in the form. Nothing was "
                "changed by it that is not said here. Please report it.",
                "error",
            )

    def run(
        self,
        name: str,
        job: Callable[[], object],
        *,
        busy: str | None = None,
        after: Callable[[], object] | None = None,
    ) -> bool:
        """Do a job in a thread, unless one of that name is being done.

        Parameters
        ----------
        name : str
            What kind of job it is.
        job : callable
            What to do. Its errors are shown.
        busy : str, optional
            What to say meanwhile.
        after : callable, optional
            Called at the end, whatever happened.

        Returns
        -------
        bool
            Whether it was begun.
        """
        with self._lock:
            if self.closed or name in self._busy:
                return False
            self._busy.add(name)
        if busy is not None:
            self.notice.say(busy, "busy")

        def work() -> None:
            try:
                self.guard(job)()
                if after is not None:
                    self.guard(after)()
            finally:
                with self._lock:
                    self._busy.discard(name)

        self._start(name, work)
        return True

    def is_busy(self, name: str) -> bool:
        """Return whether a job of that name is being done."""
        with self._lock:
            return name in self._busy

    def newest(self, name: str, job: Callable[[Callable[[], bool]], object]) -> None:
        """Do a job in a thread; it is called with a function that tells whether it is still wanted.

        For what follows the keys as they are typed: a newer job makes the older ones stale.
        """
        with self._lock:
            number = self._newest[name] = self._newest.get(name, 0) + 1

        def wanted() -> bool:
            return not self.closed and self._newest[name] == number

        def work() -> None:
            if wanted():
                self.guard(job)(wanted)

        self._start(name, work)

    def forget(self, name: str) -> None:
        """Make the jobs of that name that are under way stale."""
        with self._lock:
            self._newest[name] = self._newest.get(name, 0) + 1

    def wait(self, seconds: float = 30.0) -> bool:
        """Wait until all jobs are done; for tests and for code that drives a form."""
        with self._idle:
            return self._idle.wait_for(lambda: self._running == 0, seconds)

    def close(self) -> None:
        """Begin nothing any more."""
        self.closed = True

    def _start(self, name: str, work: Callable[[], None]) -> None:
        def body() -> None:
            try:
                work()
            finally:
                with self._idle:
                    self._running -= 1
                    self._idle.notify_all()

        with self._idle:
            self._running += 1
        threading.Thread(target=body, name=f"xentara form: {name}", daemon=True).start()
