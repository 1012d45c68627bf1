from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.live.history import History, array_of
from xentara_nb.protocol.errors import server_error
from xentara_nb.protocol.identifiers import DataType
from xentara_nb.protocol.values import TimePoint


def filled(*entries: tuple[int, Any], data_type: int | None = DataType.FLOAT_64) -> History:
    history = History(data_type)
    for time, value in entries:
        history.append_value(time, value)
    return history


def content(history: History) -> list[tuple[int, Any]]:
    times, values, missing = history.changes()
    return [
        (time, history.errors[time] if gone else value)
        for time, value, gone in zip(times.tolist(), values.tolist(), missing, strict=True)
    ]


def test_changes_in_their_order() -> None:
    history = filled((1, 0.5), (2, 1.5), (3, 2.5))

    assert content(history) == [(1, 0.5), (2, 1.5), (3, 2.5)]
    assert (len(history), history.count, history.dropped, history.last_time) == (3, 3, 0, 3)
    assert history.changes(last=2).times.tolist() == [2, 3]
    assert history.changes(last=5).times.tolist() == [1, 2, 3]
    assert history.changes(after=1).times.tolist() == [2, 3]
    assert history.changes(after=9).times.tolist() == []


def test_no_changes() -> None:
    history = History(None)

    assert history.last_time is None
    assert [len(each) for each in history.changes(last=1, after=5)] == [0, 0, 0]


@pytest.mark.parametrize("odd", [[1, 2], [], {0: 1}], ids=repr)
@pytest.mark.parametrize("data_type", [DataType.QUALITY, DataType.FLOAT_64, None])
def test_a_value_of_a_kind_that_there_is_not(data_type: DataType | None, odd: object) -> None:
    history = filled((1, 0), (2, odd), (3, 1), data_type=data_type)
    assert content(history) == [(1, 0), (2, odd), (3, 1)]


def newest(history: History) -> tuple[Any, ...]:
    times, values, missing = history.newest()
    return *times.tolist(), *values.tolist(), *missing.tolist(), history.newest_error


SECOND = 1_000_000_000


def test_the_newest_change_is_not_from_before_the_clock_was_set_back() -> None:
    history = filled((100 * SECOND, 1.0), (3700 * SECOND, 2.0))
    history.append(np.array([50, 60]) * SECOND, np.array([3.0, 4.0]))
    assert newest(history) == (60 * SECOND, 4.0, False, None)
    assert history.newest_is_earlier
    assert (history.newest_time, history.last_time) == (60 * SECOND, 3700 * SECOND)
    history.append_value(58 * SECOND, 5.0)  # a packet that is late
    assert newest(history)[1] == 4.0
    history.append_value(70 * SECOND, server_error(-32108))
    assert newest(history) == (70 * SECOND, 0.0, True, "read error (-32108)")
    other = filled()
    other.begin_as(history)
    assert newest(other) == newest(history)
    # What is kept does not matter.
    history.keep_last(1)
    assert content(history) == [(3700 * SECOND, 2.0)]
    assert newest(history)[0] == 70 * SECOND
    history.append_value(3700 * SECOND, 6.0)
    assert not history.newest_is_earlier
    assert newest(history) == (3700 * SECOND, 6.0, False, None)


@pytest.mark.parametrize("seconds", [1, 1000])
def test_a_value_behind_a_gap_with_the_time_of_its_update(seconds: int) -> None:
    history = filled((10 * SECOND, 1.0))
    history.append_error((10 + seconds) * SECOND, "lost")
    assert newest(history)[-1] == "lost"
    history.append_value(10 * SECOND, 1.0)
    assert newest(history) == (10 * SECOND, 1.0, False, None)


def test_the_newest_change_where_packets_come_late() -> None:
    history = filled((10 * SECOND, 1.0), (12 * SECOND, 2.0), (11 * SECOND, 3.0))
    assert newest(history) == (12 * SECOND, 2.0, False, None)
    assert not history.newest_is_earlier
    assert newest(filled()) == (None,)


def test_one_begins_with_what_another_has_last() -> None:
    failed = filled((1, 0.5))
    failed.append_error(2, "gone")

    for other, expected in (
        (filled((1, 0.5), (2, 1.5)), [(2, 1.5)]),
        (failed, [(2, "gone")]),
        (filled(), []),
    ):
        history = filled()
        history.begin_as(other)
        assert content(history) == expected
    assert (failed.last_time, failed.newest_error) == (2, "gone")
    assert filled((1, 0.5)).newest_error is None
    assert filled().newest_error is None


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 1) | st.none()), max_size=40))
def test_any_order_of_packets_and_any_repetition(entries: list[tuple[int, float | None]]) -> None:
    history = History(DataType.FLOAT_64)
    expected: dict[int, Any] = {}
    for time, value in entries:
        if value is None:
            history.append_error(time, f"error {time}")
            expected[time] = f"error {time}"
        else:
            history.append_value(time, value)
            expected[time] = value

    assert content(history) == sorted(expected.items())
    assert history.count == len(history) == len(expected)


@given(
    st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=20), max_size=8),
    st.integers(1, 30),
)
def test_many_at_a_time_and_the_last_are_kept(batches: list[list[int]], keep: int) -> None:
    history = History(DataType.SIGNED_INTEGER_64)
    kept: list[int] = []
    for batch in batches:
        times = np.array(batch)
        history.append(times, times * 2)
        history.keep_last(keep)
        kept = sorted({*kept, *batch})[-keep:]

    assert content(history) == [(each, 2 * each) for each in kept]
    assert history.count - history.dropped == len(history) == len(kept)


def test_what_holds_when_the_time_begins_is_kept() -> None:
    history = filled((10, 0.5), (20, 1.5), (30, 2.5))
    history.append_error(15, "gone")
    history.keep_since(25)

    assert content(history) == [(20, 1.5), (30, 2.5)]
    assert history.dropped == 2
    assert not history.errors
    history.keep_since(5)
    assert len(history) == 2


def test_an_error_is_a_gap_until_the_next_value() -> None:
    history = filled((1, 0.5), (2, server_error(-32101)), (3, 1.5))

    assert content(history) == [(1, 0.5), (2, "missing attribute (-32101)"), (3, 1.5)]
    assert history.changes().missing.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("data_type", "values", "dtype"),
    [
        (DataType.FLOAT_64, [1.5, 2], "float64"),
        (DataType.SIGNED_INTEGER_8, [1, -5], "int64"),
        (DataType.UNSIGNED_INTEGER_64, [1, (1 << 64) - 1], "uint64"),
        (DataType.BOOLEAN, [True, False], "bool"),
        (DataType.QUALITY, [0, 3], "int8"),
        (DataType.STRING, ["a", "b"], "object"),
        # What is none of the data type is kept as it came.
        (DataType.FLOAT_64, [1.5, "text"], "object"),
        (DataType.SIGNED_INTEGER_64, [1, 1 << 63], "object"),
        (DataType.UNSIGNED_INTEGER_64, [1, -1], "object"),
        (DataType.BOOLEAN, [True, 1], "object"),
        (DataType.QUALITY, [1, 300], "object"),
        (None, [1.5, 1], "object"),
    ],
)
def test_values_are_kept_typed(data_type: int | None, values: list[Any], dtype: str) -> None:
    history = filled(*enumerate(values), data_type=data_type)
    together = History(data_type)
    together.append(np.arange(len(values)), array_of(values))

    for each in (history, together):
        assert str(each.dtype) == dtype
        assert [value for _, value in content(each)] == values


def test_times_and_qualities_in_words() -> None:
    history = filled((1, TimePoint(5)), (2, TimePoint.NEVER), data_type=DataType.TIME_POINT)
    assert history.changes().values.view(np.int64).tolist() == [5, TimePoint.NEVER.nanoseconds]
    history.append_value(3, "later")
    assert history.changes().values.tolist() == [TimePoint(5), TimePoint.NEVER, "later"]

    words = filled((1, "Good"), (2, "bad"), data_type=DataType.QUALITY)
    assert words.changes().values.tolist() == [0, 3]
    words.append_value(3, "strange")
    assert words.changes().values.tolist() == [0, 3, "strange"]


def test_a_change_of_a_number_takes_few_bytes() -> None:
    history = History(DataType.FLOAT_64)
    for start in range(0, 100_000, 1000):
        times = np.arange(start, start + 1000)
        history.append(times, times * 0.5)

    assert history.nbytes <= 64 * len(history)
    history.keep_last(1000)
    assert history.nbytes <= 64 * 1000
