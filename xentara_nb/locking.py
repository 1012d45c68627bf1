"""Methods that hold a lock, and leave it free at an interrupt.

Python 3.13 jumps over the end of a ``with`` block, and its lock stays taken for ever, when an
interrupt comes at the turn of a loop with a condition that stands in the block itself: a ``while``,
a ``for`` with an ``if``, or a comprehension with one. An interrupt in a function that is called
from the block leaves it as it should. So such a loop is in a method of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


def locked(name: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Let a method hold a lock of its object while it runs.

    Parameters
    ----------
    name : str
        The attribute with the lock.

    Examples
    --------
    >>> import threading
    >>> class Counter:
    ...     def __init__(self):
    ...         self._lock, self.count = threading.Lock(), 0
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
