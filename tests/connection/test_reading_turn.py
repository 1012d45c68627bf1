from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.clients import eventually
from xentara_nb.connection import reading_turn
from xentara_nb.connection.reading_turn import ReadingTurn


@contextmanager
def resting(turn: ReadingTurn, needed: Callable[[], bool] = lambda: False) -> Iterator[Rests]:
    """Let the thread of a connection rest again and again."""
    rests = Rests(turn, needed)
    rests.thread.start()
    try:
        eventually(lambda: turn.resting or needed())
        yield rests
    finally:
        rests.stopped = True
        turn.call_back()
        rests.thread.join(30)
        assert not rests.thread.is_alive()


class Rests:
    def __init__(self, turn: ReadingTurn, needed: Callable[[], bool]) -> None:
        self.count = 0
        self.stopped = False
        self._turn, self._needed = turn, needed
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self._turn.begin()
        while not self.stopped:
            self._turn.rest(self._needed)
            self.count += 1

    def over(self, since: int) -> bool:
        return self.count > since


def let_go(turn: ReadingTurn) -> None:
    turn.release()
    turn.drop()


def test_another_thread_reads_while_that_of_the_connection_rests(monkeypatch) -> None:
    monkeypatch.setattr(reading_turn, "REST", 30.0)
    turn = ReadingTurn()
    assert turn.take() is None  # it does not rest yet
    turn.drop()
    with resting(turn) as rests:
        assert turn.take() is not None
        turn.call_back()
        assert not turn.resting
        assert rests.count == 0  # it waits until this thread has read
        let_go(turn)
        eventually(lambda: rests.over(0))


def test_no_one_takes_the_turn_of_a_thread_that_was_called_back(monkeypatch) -> None:
    monkeypatch.setattr(reading_turn, "REST", 30.0)
    turn = ReadingTurn()
    with resting(turn):
        turn.call_back()
        taken = turn.take()
        turn.drop()
        assert taken is None or turn.resting


def test_it_does_not_rest_when_it_is_needed() -> None:
    turn = ReadingTurn()
    with resting(turn, lambda: True) as rests:
        eventually(lambda: rests.over(100))


def test_it_rests_no_longer_though_others_read_all_the_time(monkeypatch) -> None:
    monkeypatch.setattr(reading_turn, "REST", 0.01)
    turn = ReadingTurn()
    with resting(turn) as rests:
        end = time.monotonic() + 30
        while not rests.over(2) and time.monotonic() < end:
            if turn.take() is not None:
                turn.release()
            turn.drop()
        assert rests.over(2)


def test_a_signal_handler_lets_the_thread_read_instead(monkeypatch) -> None:
    monkeypatch.setattr(reading_turn, "REST", 30.0)
    turn = ReadingTurn()
    with resting(turn) as rests:
        hold = turn.take()
        assert hold is not None
        assert turn.give_up()
        assert hold.revoked
        eventually(lambda: rests.over(0))
        eventually(lambda: turn.resting)
        # The next handler finds nothing to give up, and wakes up no one.
        assert turn.give_up()
        assert turn.resting


def test_not_while_bytes_are_on_their_way(monkeypatch) -> None:
    monkeypatch.setattr(reading_turn, "REST", 30.0)
    turn = ReadingTurn()
    with resting(turn) as rests:
        hold = turn.take()
        assert hold is not None
        hold.taking = True
        assert not turn.give_up()
        assert not hold.revoked
        assert rests.count == 0
        let_go(turn)
        assert turn.give_up()


def test_another_thread_gives_up_nothing() -> None:
    turn = ReadingTurn()
    with resting(turn):
        hold = turn.take()
        assert hold is not None
        other = threading.Thread(target=turn.give_up)
        other.start()
        other.join(30)
        assert not hold.revoked
        let_go(turn)
