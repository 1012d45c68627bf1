from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.live.history import History
from xentara_nb.live.routing import EventRouter, Key
from xentara_nb.protocol.commands import DataChange
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.identifiers import Attribute, DataType
from xentara_nb.protocol.packets import encode_packets
from xentara_nb.protocol.values import TimePoint

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND
# Zeros at the end are no part of a text of bytes in numpy.
A, B, C = UUID(int=1 << 127), UUID(int=(1 << 127) + 256), UUID(int=7)
VALUE = int(Attribute.VALUE)
KEYS: list[Key] = [(A, VALUE), (B, VALUE), (B, C)]


def change(second: int, element: UUID, **values: Any) -> DataChange:
    ids = {"value": VALUE, "quality": 9, "own": C}
    mapping = {ids[name]: value for name, value in values.items()}
    return DataChange(TimePoint(NOW + second * SECOND), element, mapping)


def message(*changes: DataChange) -> bytes:
    return encode_packets(each.event() for each in changes)


def following(router: EventRouter, *keys: Key) -> list[History]:
    histories = [History(DataType.FLOAT_64) for _ in keys]
    router.follow(zip(keys, histories, strict=True))
    return histories


def content(history: History) -> list[tuple[int, Any]]:
    times, values, missing = history.changes()
    return [
        ((time - NOW) // SECOND, None if gone else value)
        for time, value, gone in zip(times.tolist(), values.tolist(), missing, strict=True)
    ]


def test_each_value_goes_where_its_attribute_is_followed() -> None:
    router = EventRouter()
    a, b, own, again = following(router, *KEYS, KEYS[0])
    assert router.put_message(
        message(
            change(1, A, value=0.1, quality=3),
            change(1, B, value=0.2, own=0.3),
            change(1, C, value=0.4),
            change(2, B, value=0.5),
        )
    )
    assert router.pending == 4
    assert router.drain()
    assert not router.drain()

    assert content(a) == content(again) == [(1, 0.1)]
    assert content(b) == [(1, 0.2), (2, 0.5)]
    assert content(own) == [(1, 0.3)]
    assert router.others(KEYS[0], a) == [again]
    router.keep([a, b])
    assert router.others(KEYS[0], a) == []
    router.put(change(3, B, value=0.6, own=0.7))
    router.drain()
    assert (len(b), len(own)) == (3, 1)


def test_nothing_is_followed() -> None:
    router = EventRouter()
    assert router.put_message(message(change(1, A, value=0.1)))
    assert router.drain()
    router.put(change(1, A, value=0.1))
    router.forget_pending()
    assert not router.drain()


def test_what_is_no_usual_event_is_for_the_generic_decoder() -> None:
    router = EventRouter()
    assert not router.put_message(message(change(1, A, value="text")))
    assert router.pending == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([A, B]), st.booleans()), max_size=30))
def test_decoded_or_not_they_stay_in_their_order(events: list[tuple[int, UUID, bool]]) -> None:
    router = EventRouter()
    histories = dict(zip((A, B), following(router, *KEYS[:2]), strict=True))
    expected: dict[UUID, dict[int, float]] = {A: {}, B: {}}
    for number, (second, element, decoded) in enumerate(events):
        one = change(second, element, value=number + 0.1)
        if decoded:
            router.put(one)
        else:
            assert router.put_message(message(one))
        expected[element][second] = number + 0.1  # of two of one time, the later one counts
    router.drain()

    for element, history in histories.items():
        assert content(history) == sorted(expected[element].items())


def test_errors_are_behind_all_that_has_come() -> None:
    router = EventRouter()
    a, b, _ = following(router, *KEYS)
    router.put_message(message(change(1, A, value=0.1), change(2, B, value=0.2)))
    router.put(change(3, A, value=server_error(-32101)))
    router.drain()
    router.add_error("the connection was lost", ago=1000.0)
    router.add_errors({KEYS[1]: "unknown element"})

    assert list(a.errors.values()) == ["missing attribute (-32101)", "the connection was lost"]
    assert list(b.errors.values()) == ["the connection was lost", "unknown element"]
    assert min(b.errors) > NOW + 3 * SECOND
    assert a.last_time is not None
    assert b.last_time is not None
    assert b.last_time > a.last_time


@pytest.mark.parametrize("last", [TimePoint.FOREVER, TimePoint((1 << 63) - 2)])
def test_a_time_stamp_of_no_clock(last: TimePoint) -> None:
    router = EventRouter()
    (a,) = following(router, KEYS[0])
    router.put(DataChange(last, A, {VALUE: 0.1}))
    router.drain()
    router.add_error("lost")

    assert list(a.errors.values()) == ["lost"]
    assert a.changes().missing.tolist()[-1]


@pytest.mark.parametrize("decoded", [False, True])
def test_a_gap_is_where_the_clock_is_that_was_set_back(decoded: bool) -> None:
    """Later by it than what came before would be in the future: no gap until then."""
    router = EventRouter()
    a, b = following(router, *KEYS[:2])
    router.put_message(message(change(5000, A, value=0.1), change(5000, B, value=0.2)))
    after = change(100, A, value=0.3), change(101, B, value=0.4)
    if decoded:
        for each in after:
            router.put(each)
    else:
        router.put_message(message(*after))
    router.drain()
    router.add_error("lost")
    router.put(DataChange(TimePoint.NEVER, C, {}))
    router.drain()
    router.add_errors({KEYS[1]: "gone"})

    for history in (a, b):
        times = history.changes().times
        (first, *_) = history.errors
        assert NOW + 101 * SECOND < first < NOW + 200 * SECOND
        assert times.tolist() == sorted(times)
        assert times[-1] == NOW + 5000 * SECOND
    assert (a.newest_error, b.newest_error) == ("lost", "gone")
