from __future__ import annotations

import queue
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.interrupts import Interrupted
from xentara_nb.latch import Latch, Wakeup, take


def test_it_is_set_once_and_for_all() -> None:
    latch = Latch()
    assert not latch.is_set
    assert not latch.wait(0)
    latch.set()
    latch.set()
    assert latch.is_set
    assert latch.wait(0)
    assert latch.wait(30)


def test_all_that_wait_go_on() -> None:
    latch = Latch()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(latch.wait, 30) for _ in range(4)]
        time.sleep(0.05)
        latch.set()
        assert [future.result(30) for future in waiting] == [True] * 4


def test_an_interrupt_at_any_place_leaves_it_usable() -> None:
    def wait() -> bool:
        return latch.wait(30)

    latch = Latch()
    latch.set()
    count = Interrupted(wait).places
    assert count > 2
    for early in (True, False):
        for at in range(1, count + 1):
            latch = Latch()
            setter = threading.Timer(0.0 if early else 0.01, latch.set)
            if early:
                latch.set()
            else:
                setter.start()
            run = Interrupted(wait, at)
            assert run.result is True or type(run.error) is KeyboardInterrupt
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(latch.wait, 30).result(30)
            if not early:
                setter.join()


def test_a_thread_goes_on_once_for_each_wakeup() -> None:
    wakeup = Wakeup()
    assert not wakeup.wait(0)
    wakeup.set()
    wakeup.set()
    assert wakeup.wait(30)
    assert not wakeup.wait(0)
    timer = threading.Timer(0.05, wakeup.set)
    timer.start()
    assert wakeup.wait(30)
    timer.join()


def test_an_entry_is_waited_for() -> None:
    entries: queue.SimpleQueue[int] = queue.SimpleQueue()
    entries.put(1)
    assert take(entries) == 1
    with pytest.raises(queue.Empty):
        take(entries, 0.0)
    timer = threading.Timer(0.05, entries.put, (2,))
    timer.start()
    assert take(entries, time.monotonic() + 10) == 2
    timer.join()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals of one thread")
def test_an_interrupt_that_does_not_wake_the_waiting_thread_is_seen() -> None:
    def interrupt() -> None:
        time.sleep(0.05)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            take(queue.SimpleQueue())
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)
