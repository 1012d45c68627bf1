"""Locks that an interrupt leaves free.

Python looks for interrupts where a function begins, behind a call and at a jump back, and in two
places of a ``with`` block that is too late or too early for its lock, which then stays taken for
ever:

* Python 3.14 looks also behind the call of ``__enter__``, before the block begins.
* Python 3.13 and later jump over the end of the block when an interrupt comes at the turn of a loop
  with a condition that stands in the block itself: a ``while``, a ``for`` with an ``if``, or a
  comprehension with one. An interrupt in a function that is called from the block leaves it as it
  should.

So each lock is a :class:`Lock`, and such a loop is in a method of its own, with :func:`locked`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import ParamSpec, TypeAlias, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Exit: TypeAlias = Callable[
    [type[BaseException] | None, BaseException | None, TracebackType | None], None
]


class Lock:
    """A reentrant lock that is free behind its ``with`` block, wherever an interrupt comes.

    Only the thread that has it can release it, which gives ``RuntimeError`` in another one. So it
    is right to acquire it in a ``try`` and release it in its ``finally``, also where an interrupt
    came in the moment before or after it was taken.

    Examples
    --------
    >>> lock = Lock()
    >>> with lock:
    ...     with lock:
    ...         print("held twice by this thread")
    held twice by this thread
    """

    __slots__ = ("_lock", "acquire", "release")

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.acquire = self._lock.acquire
        self.release = self._lock.release

    def __enter__(self) -> None:
        # No interrupt comes between the end of a Python function and the block that called it.
        try:
            self.acquire()
        except BaseException:
            try:
                self.release()
            except RuntimeError:  # the interrupt came while it waited
                pass
            raise

    @property
    def __exit__(self) -> _Exit:
        # In C alone: where a Python function begins, an interrupt would come before the release.
        return self._lock.__exit__


def locked(name: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Let a method hold a lock of its object, by the name of the attribute, while it runs.

    Examples
    --------
    >>> class Counter:
    ...     def __init__(self):
    ...         self._lock, self.count = Lock(), 0
    ...
    ...     @locked("_lock")
    ...     def up_to(self, most):
    ...         while self.count < most:
    ...             self.count += 1
    >>> counter = Counter()
    >>> counter.up_to(3)
    >>> counter.count
    3
    """

    def decorate(method: Callable[_P, _R]) -> Callable[_P, _R]:
        @wraps(method)
        def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            with getattr(args[0], name):
                return method(*args, **kwargs)

        return run

    return decorate
