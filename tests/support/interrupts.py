"""Ctrl-C at every place where Python can deliver it.

CPython looks for signals at fixed places of the byte code only: where a function begins, behind a
call, at a jump back. A signal whose handler raises it again is delivered at each of them, one after
the other, and the handler raises KeyboardInterrupt at the one that a test has chosen.
"""

from __future__ import annotations

import _thread
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest


def is_traced() -> bool:
    """Whether code of a tool runs between the places, as that of coverage or a debugger does."""
    if sys.version_info >= (3, 12) and any(map(sys.monitoring.get_tool, range(6))):
        return True
    return sys.gettrace() is not None


class Interrupted:
    """Runs an operation in the main thread, and interrupts it at one place.

    It skips the test where a tool traces the code: that is interrupted itself at each of its own
    places, and comes to no end.

    Attributes
    ----------
    places : int
        How many places were passed.
    where : str
        The place of the interrupt, empty if the operation was over before.
    error : BaseException or None
        What the operation raised.
    result : object
        What it returned.
    """

    def __init__(self, operation: Callable[[], Any], at: int = 0) -> None:
        if is_traced():
            pytest.skip("a tracer, such as that of coverage, is itself interrupted at each place")
        self.places = 0
        self.where = ""
        self.error: BaseException | None = None
        self.result: Any = None
        self._at = at
        self._over = False
        before = signal.signal(signal.SIGINT, self._handle)
        try:
            try:
                _thread.interrupt_main(signal.SIGINT)
                self.result = operation()
            finally:
                self._over = True
        except BaseException as error:
            self.error = error
        finally:
            self._over = True
            signal.signal(signal.SIGINT, before)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self._over:
            return
        self.places += 1
        if self.places == self._at:
            self._over = True
            self.where = "".join(traceback.format_stack(frame)[-4:])
            raise KeyboardInterrupt
        again = map(_thread.interrupt_main, (signum,))
        _ = [*again]  # not called: behind a call, the signal would be delivered here
