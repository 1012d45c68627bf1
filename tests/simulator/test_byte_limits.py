"""Counting the bytes of a connection until it breaks."""

from __future__ import annotations

import math

from xentara_nb.simulator.byte_limits import ByteLimit, ConnectionLimits, Countdown


def test_a_countdown_for_all() -> None:
    assert all(Countdown(math.inf).take() for _ in range(5))


def test_a_countdown() -> None:
    countdown = Countdown(2)
    assert [countdown.take() for _ in range(4)] == [True, True, False, False]


def test_bytes_from_the_client() -> None:
    limits = ConnectionLimits([ByteLimit(True, 10, Countdown(1))])
    assert [limits.count(size, inwards=True) for size in (4, 6, 0, 1)] == [4, 6, 0, 0]
    assert limits.count(100, inwards=False) == 100


def test_bytes_to_the_client_of_which_a_part_goes_out() -> None:
    limits = ConnectionLimits([ByteLimit(False, 10, Countdown(math.inf))])
    assert [limits.count(size, inwards=False) for size in (4, 6, 3, 3)] == [4, 6, 0, 0]
    limits = ConnectionLimits([ByteLimit(False, 10, Countdown(1))])
    limits.add(ByteLimit(False, 7, Countdown(1)))
    assert limits.count(12, inwards=False) == 7
    assert limits.count(100, inwards=True) == 100


def test_connections_count_for_themselves_and_share_the_countdown() -> None:
    limit = ByteLimit(True, 0, Countdown(1))
    one, other = ConnectionLimits([limit]), ConnectionLimits([limit])
    assert one.count(1, inwards=True) == 0
    # The fault is used up.
    assert other.count(1, inwards=True) == 1


def test_no_limits_any_more() -> None:
    limits = ConnectionLimits([ByteLimit(True, 0, Countdown(math.inf))])
    limits.clear()
    assert limits.count(5, inwards=True) == 5
