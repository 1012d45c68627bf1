from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import xentara_nb
from tests.support.interrupts import Interrupted
from xentara_nb.locking import Lock, locked


class Shelf:
    def __init__(self) -> None:
        self.lock = Lock()
        self.items = list(range(8))

    @locked("lock")
    def odd(self, least: int = 0) -> list[int]:
        """Return the odd ones."""
        found = [item for item in self.items if item % 2]
        for item in self.items:
            if item < least:
                found.remove(item)
        while len(found) > 2:
            found.pop()
        return found

    def odd_twice_locked(self) -> list[int]:
        with self.lock:
            return self.odd()

    def is_free(self) -> bool:
        with ThreadPoolExecutor(1) as pool:  # for its own thread it is always free
            return pool.submit(self.try_lock).result()

    def try_lock(self) -> bool:
        if found := self.lock.acquire(blocking=False):
            self.lock.release()
        return found


def test_the_lock_is_held_and_free_again() -> None:
    shelf = Shelf()
    assert shelf.odd() == [1, 3]
    assert shelf.is_free()
    assert (shelf.odd.__name__, shelf.odd.__doc__) == ("odd", "Return the odd ones.")
    with shelf.lock:
        assert not shelf.is_free()
        with shelf.lock:
            assert not shelf.is_free()
        assert not shelf.is_free()
    with pytest.raises(RuntimeError):
        shelf.lock.release()
    with pytest.raises(ZeroDivisionError), shelf.lock:
        _ = 1 / 0
    assert shelf.is_free()


@pytest.mark.parametrize("method", [Shelf.odd, Shelf.odd_twice_locked])
def test_it_is_free_wherever_an_interrupt_comes(method) -> None:
    run = Interrupted(lambda: method(Shelf()))
    assert run.places > 5
    for at in range(1, run.places + 1):
        shelf = Shelf()
        run = Interrupted(lambda: method(shelf), at)  # noqa: B023  # called at once
        assert type(run.error) is KeyboardInterrupt or run.result == [1, 3]
        assert shelf.is_free(), run.where


def test_an_interrupt_while_it_waits_takes_nothing_from_another_thread() -> None:
    shelf = Shelf()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(shelf.lock.acquire).result()
        with pytest.raises(KeyboardInterrupt):
            wait_and_interrupt(shelf)
        assert not shelf.is_free()
        pool.submit(shelf.lock.release).result()
    assert shelf.is_free()


def wait_and_interrupt(shelf: Shelf) -> None:
    # What waits looks for signals at once, as one is there already.
    import _thread

    _thread.interrupt_main()
    with shelf.lock:
        raise AssertionError("another thread has it")


def test_no_other_lock_is_used() -> None:
    """Those of ``threading`` stay taken when an interrupt comes behind their ``__enter__``."""
    package = Path(xentara_nb.__file__).parent
    using = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\bR?Lock\b[^\n]*\bthreading\b|threading\.R?Lock\b", path.read_text("utf-8"))
    }
    assert using == {"locking.py", "latch.py"}  # that one is released by another thread
