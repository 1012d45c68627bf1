"""Ctrl-C at every place where Python can deliver it.

CPython looks for signals at fixed places of the byte code only: where a function begins, behind a
call, at a jump back. A signal whose handler raises it again is delivered at each of them, one after
the other, and the handler raises KeyboardInterrupt at the one that a test has chosen.
"""

from __future__ import annotations

import _thread
import signal
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any


class Interrupted:
    """Runs an operation in the main thread, and interrupts it at one place.

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
