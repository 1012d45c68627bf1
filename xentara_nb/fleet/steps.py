"""A generator that runs in a thread of its own, so that its caller can be interrupted anywhere.

An interrupt in ``Thread.start()``, or while the lock of a ``Future`` is taken, can leave another
thread blocked for ever. Only the main thread is interrupted. So what starts threads and waits for
them is a generator that runs here, and its caller does nothing but to wait in C for the next item.
"""

from __future__ import annotations

import _thread
import queue
import threading
from collections.abc import Generator
from contextvars import copy_context
from typing import TypeAlias, TypeVar

from xentara_nb.latch import take

T = TypeVar("T")

_Given: TypeAlias = "queue.SimpleQueue[tuple[T, None] | tuple[None, BaseException]]"


def in_thread(items: Generator[T, None, None], *, wait: bool = False) -> Generator[T, None, None]:
    """Give what a generator gives; in its thread it is asked for an item when one is wanted here.

    When this ends, early or not, the generator is closed in its thread, as soon as the step that
    runs has ended; ``wait`` says whether that is waited for.
    """
    wanted: queue.SimpleQueue[bool] = queue.SimpleQueue()
    given: _Given[T] = queue.SimpleQueue()
    closed: queue.SimpleQueue[None] = queue.SimpleQueue()
    thread = threading.Thread(
        target=copy_context().run,
        args=(_serve, items, wanted, given, closed),
        name="fleet steps",
        daemon=True,
    )
    try:
        try:
            # No interrupt comes here before it has begun; and one in the middle of Thread.start()
            # would leave a thread that hangs.
            _thread.start_new_thread(_run, (thread,))
        except RuntimeError:  # there are too many threads
            closed.put(None)
            raise
        yield from _taken(wanted, given)
    finally:
        wanted.put(False)
        if wait:
            closed.get()


def _run(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError:  # there are too many, but for this one
        thread.run()


def _taken(wanted: queue.SimpleQueue[bool], given: _Given[T]) -> Generator[T, None, None]:
    while True:
        wanted.put(True)
        item, error = take(given)
        if error is None:
            yield item  # type: ignore[misc]  # mypy does not see that this is then the first kind
            del item  # before the next one is waited for
        elif isinstance(error, StopIteration):
            return
        else:
            try:
                raise error
            finally:
                del error  # its traceback has this frame


def _serve(
    items: Generator[T, None, None],
    wanted: queue.SimpleQueue[bool],
    given: _Given[T],
    closed: queue.SimpleQueue[None],
) -> None:
    try:
        for _ in iter(wanted.get, False):
            _give(items, given)
    finally:
        items.close()
        closed.put(None)


def _give(items: Generator[T, None, None], given: _Given[T]) -> None:
    try:
        given.put((next(items), None))
    except BaseException as error:
        given.put((None, error))
