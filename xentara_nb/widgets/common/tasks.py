"""What stands around everything that a form does: errors shown in words, work off the kernel.

A callback of a widget has no caller to raise to: an exception shows nowhere on the page. So every
callback goes through a :class:`TaskRunner`, which shows what went wrong in the form. What takes
time is done in a thread, because a callback that waits keeps every cell of the notebook waiting.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets

from xentara_nb.errors import XentaraError
from xentara_nb.locking import Lock
from xentara_nb.widgets.common.style import paragraphs

_log = logging.getLogger(__name__)


class Notice(ipywidgets.HTML):
    """One message, read aloud by screen readers when it changes."""

    def say(self, text: str, kind: str = "info") -> None:
        """Show a message; its kind is ``info``, ``ok``, ``busy``, ``warning`` or ``error``."""
        role = "alert" if kind in ("error", "warning") else "status"
        self.value = f'<div class="xnb-notice xnb-{kind}" role="{role}">{paragraphs(text)}</div>'

    def clear(self) -> None:
        """Show nothing."""
        self.value = ""


def lasting_context() -> contextvars.Context:
    """Return the context of the cell that runs now, for the threads of a form.

    A kernel has the request that it answers in a context, and routes what is done with a widget to
    where the last message about that widget went. In a thread without a context that is the
    request which any page has sent last, perhaps through a subshell that is gone a moment later.
    """
    return contextvars.copy_context()


def start_thread(
    name: str, work: Callable[[], object], context: contextvars.Context
) -> threading.Thread:
    """Start a thread that ends with the process, in a copy of a context."""
    thread = threading.Thread(target=context.copy().run, args=(work,), name=name, daemon=True)
    thread.start()
    return thread


class TaskRunner:
    """Runs the work of a form, and shows its errors in the notice.

    A job goes by its name, which is either one of :meth:`run` or one of :meth:`run_latest`.

    What a person does is done one after the other, in the order in which it arrives, though a
    kernel may deliver it in several threads.
    """

    def __init__(self, notice: Notice) -> None:
        self.notice = notice
        self.closed = False
        self.handled: Callable[[], object] = lambda: None
        """Called whenever something that a person did has been seen."""
        self.context = lasting_context()
        self._one_at_a_time = Lock()
        self._busy: set[str] = set()
        self._latest: dict[str, int] = {}
        self._under_way: dict[str, int] = {}  # the numbers of the latest jobs, until they are done
        self._running = 0
        self._changed = threading.Condition()  # guards the four above

    def guard(self, callback: Callable[..., object]) -> Callable[..., None]:
        """Return a callback that shows its errors in the form."""

        def guarded(*args: Any) -> None:
            if self.closed:
                return
            try:
                callback(*args)
            except Exception as error:
                self._show(error)

        return guarded

    def handler(self, callback: Callable[[], object]) -> Callable[..., None]:
        """Return a guarded callback for an event of a widget, which takes nothing of the event."""
        guarded = self.guard(callback)

        # The event may have in it what was typed: it is in no frame that an error goes through.
        def handle(*event: Any) -> None:
            with self._one_at_a_time:
                guarded()
                if not self.closed:
                    self.handled()

        return handle

    def run(
        self,
        name: str,
        job: Callable[[], object],
        *,
        busy: str | None = None,
        after: Callable[[], object] | None = None,
    ) -> bool:
        """Do a job in a thread, unless one of that name is being done; return whether it was begun.

        The notice says ``busy`` meanwhile. ``after`` is called at the end, also if the job failed.
        """
        with self._changed:
            if self.closed or name in self._busy:
                return False
            self._busy.add(name)
        if busy is not None:
            self.notice.say(busy, "busy")

        def work() -> None:
            self.guard(job)()
            if after is not None:
                self.guard(after)()

        self._start(name, work)
        return True

    def is_busy(self, name: str) -> bool:
        """Return whether a job of that name is being done, one that is not stale."""
        with self._changed:
            return name in self._busy or (
                name in self._under_way and self._under_way[name] == self._latest[name]
            )

    def run_latest(self, name: str, job: Callable[[Callable[[], bool]], object]) -> None:
        """Do a job in a thread that a later one of that name makes stale.

        A job that is stale is not begun; one that is under way asks the function that it is given.
        """
        number = self.cancel(name)
        with self._changed:
            self._under_way[name] = number

        def wanted() -> bool:
            return not self.closed and self._latest[name] == number

        def work() -> None:
            try:
                if wanted():
                    self.guard(job)(wanted)
            finally:
                with self._changed:
                    if self._under_way.get(name) == number:
                        del self._under_way[name]

        self._start(name, work)

    def cancel(self, name: str) -> int:
        """Make the jobs of that name that are under way stale; return the number of the next."""
        with self._changed:
            self._latest[name] = self._latest.get(name, 0) + 1
            return self._latest[name]

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until all jobs are done; return whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, seconds)

    def close(self) -> None:
        """Begin nothing any more."""
        self.closed = True

    def _show(self, error: Exception) -> None:
        if isinstance(error, XentaraError):
            self.notice.say(str(error), "error")
        elif isinstance(error, OSError):
            where = f" ({error.filename})" if error.filename else ""
            self.notice.say(f"{error.strerror or error}{where}", "error")
        else:
            # The text of an unforeseen error may quote what was typed, so only its kind is shown.
            _log.debug("a form failed", exc_info=error)
            self.notice.say(
                f"Unexpected error in the form: {type(error).__name__}. Nothing was changed beyond "
                "what is said here. Please report it.",
                "error",
            )

    def _start(self, name: str, work: Callable[[], None]) -> None:
        def body() -> None:
            try:
                work()
            finally:
                with self._changed:
                    self._busy.discard(name)
                    self._running -= 1
                    self._changed.notify_all()

        with self._changed:
            self._running += 1
        start_thread(f"xentara form: {name}", body, self.context)
