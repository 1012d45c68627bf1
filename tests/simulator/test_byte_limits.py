"""Counting the bytes of a connection until it breaks."""

from __future__ import annotations

from xentara_nb.simulator.byte_limits import ByteLimit, ConnectionLimits, Countdown


def test_a_countdown_for_all() -> None:
    assert all(Countdown(None).take() for _ in range(5))


def test_a_countdown() -> None:
    countdown = Countdown(2)
    assert [countdown.take() for _ in range(4)] == [True, True, False, False]


def test_bytes_from_the_client() -> None:
    limits = ConnectionLimits([ByteLimit(True, 10, Countdown(1))])
    assert [limits.receive(size) for size in (4, 6, 0, 1)] == [True, True, True, False]
    assert limits.send(100) == 100


def test_bytes_to_the_client_of_which_a_part_goes_out() -> None:
    limits = ConnectionLimits([ByteLimit(False, 10, Countdown(None))])
    assert [limits.send(size) for size in (4, 6, 3, 3)] == [4, 6, 0, 0]
    limits = ConnectionLimits([ByteLimit(False, 10, Countdown(1))])
    limits.add(ByteLimit(False, 7, Countdown(1)))
    assert limits.send(12) == 7
    assert limits.receive(100)


def test_connections_count_for_themselves_and_share_the_countdown() -> None:
    limit = ByteLimit(True, 0, Countdown(1))
    one, other = ConnectionLimits([limit]), ConnectionLimits([limit])
    assert not one.receive(1)
    # The fault is used up.
    assert other.receive(1)


def test_no_limits_any_more() -> None:
    limits = ConnectionLimits([ByteLimit(True, 0, Countdown(None))])
    limits.clear()
    assert limits.receive(5)
