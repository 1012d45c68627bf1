from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.support.interrupts import Interrupted
from xentara_nb.locking import locked


class Shelf:
    def __init__(self) -> None:
        self.lock = threading.RLock()
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

    def is_free(self) -> bool:
        with ThreadPoolExecutor(1) as pool:  # for its own thread an RLock is always free
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


def test_it_is_free_wherever_an_interrupt_comes() -> None:
    run = Interrupted(Shelf().odd)
    assert run.places > 5
    for at in range(1, run.places + 1):
        shelf = Shelf()
        run = Interrupted(shelf.odd, at)
        assert type(run.error) is KeyboardInterrupt or run.result == [1, 3]
        assert shelf.is_free(), run.where
