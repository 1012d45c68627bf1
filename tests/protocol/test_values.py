"""Time points and alternatives."""

from __future__ import annotations

import copy
import pickle
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.protocol.values import INT_MAX, INT_MIN, Alternative, TimePoint

NS_MIN, NS_MAX = -9223372036854775808, 9223372036854775807


def test_limits():
    assert (INT_MIN, INT_MAX) == (-9223372036854775808, 18446744073709551615)
    assert TimePoint.NEVER.nanoseconds == NS_MIN
    assert TimePoint.FOREVER.nanoseconds == NS_MAX
    for limit in (TimePoint.NEVER, TimePoint.FOREVER):
        assert not limit.is_finite
    for moment in (NS_MIN + 1, -1, 0, NS_MAX - 1):
        assert TimePoint(moment).is_finite


@pytest.mark.parametrize("nanoseconds", [NS_MIN - 1, NS_MAX + 1, 10**30, -(10**30)])
def test_what_does_not_fit_64_bits(nanoseconds):
    with pytest.raises(ValueError, match="does not fit 64 bits"):
        TimePoint(nanoseconds)


def test_order_and_identity():
    assert TimePoint.NEVER < TimePoint(-1) < TimePoint(0) < TimePoint(1) < TimePoint.FOREVER
    assert len({TimePoint(1), TimePoint(1), TimePoint(2)}) == 2
    assert TimePoint(1) != 1
    assert pickle.loads(pickle.dumps(TimePoint.NEVER)) == TimePoint.NEVER
    assert copy.deepcopy(TimePoint(5)) == TimePoint(5)


def test_now():
    before = time.time_ns()
    now = TimePoint.now()
    assert before <= now.nanoseconds <= time.time_ns()


TEXTS = [
    ("1970-01-01T00:00:00Z", 0),
    ("1970-01-01T00:00:00.000000001Z", 1),
    ("1969-12-31T23:59:59.999999999Z", -1),
    ("1969-12-31T23:59:59Z", -1_000_000_000),
    ("2024-01-01T11:11:11.111587983Z", 1704107471111587983),
    ("2024-01-01T11:11:11.5Z", 1704107471500000000),
    ("2024-02-29T00:00:00Z", 1709164800000000000),
    ("1677-09-21T00:12:43.145224193Z", NS_MIN + 1),
    ("2262-04-11T23:47:16.854775806Z", NS_MAX - 1),
    ("never", NS_MIN),
    ("for ever", NS_MAX),
]


@pytest.mark.parametrize(("text", "nanoseconds"), TEXTS)
def test_text_both_ways(text, nanoseconds):
    assert TimePoint.parse(text) == TimePoint(nanoseconds)
    assert TimePoint(nanoseconds).isoformat() == text
    assert str(TimePoint(nanoseconds)) == text


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01 11:11:11.5Z",
        "2024-01-01t11:11:11.5z",
        "2024-01-01T11:11:11.500Z",
        "2024-01-01T11:11:11.5+00:00",
        "2024-01-01T11:11:11.5-00:00",
        "2024-01-01T12:11:11.5+01:00",
        "2024-01-01T05:41:11.5-05:30",
        "2023-12-31T11:12:11.5-23:59",
        "2024-01-02T11:10:11.5+23:59",
        "2024-01-01T11:11:11.5000000009Z",
        "2024-01-01T11:11:11.50000000099999999999999999999999Z",
    ],
)
def test_other_ways_to_write_a_time(text):
    assert TimePoint.parse(text) == TimePoint(1704107471500000000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "Never",
        "2024-01-01",
        "2024-01-01T11:11:11",
        "2024-01-01T11:11Z",
        "2024-01-01T11:11:11.Z",
        "2024-01-01T11:11:11,5Z",
        "2024-01-01X11:11:11Z",
        "2024-01-01T11:11:11ZZ",
        " 2024-01-01T11:11:11Z",
        "2024-01-01T11:11:11Z\n",
        "24-01-01T11:11:11Z",
        "+2024-01-01T11:11:11Z",
        "2024-1-1T11:11:11Z",
        "2024-01-01T11:11:11+1:00",
        "2024-01-01T11:11:11+0100",
        "2024-01-01T11:11:11 Z",
        "٢٠٢٤-01-01T11:11:11Z",
        "x" * 1_000_000,
    ],
)
def test_what_is_no_time_stamp(text):
    with pytest.raises(ValueError, match="is not a time stamp with a time zone") as caught:
        TimePoint.parse(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "text",
    [
        "2024-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2016-12-31T23:59:60Z",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00-00:60",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00Z",
    ],
)
def test_impossible_times(text):
    with pytest.raises(ValueError, match="is not a time stamp: ") as caught:
        TimePoint.parse(text)
    assert text in str(caught.value)


@pytest.mark.parametrize("text", ["1677-09-21T00:12:43Z", "2262-04-11T23:47:17Z"])
def test_times_out_of_reach(text):
    with pytest.raises(ValueError, match="years 1677 to 2262"):
        TimePoint.parse(text)


@given(st.integers(NS_MIN, NS_MAX).map(TimePoint))
def test_every_time_point_survives_its_text(moment):
    assert TimePoint.parse(moment.isoformat()) == moment


@given(st.integers(-(2**53), 2**53))
def test_the_text_is_the_one_of_datetime(microseconds):
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    text = moment.isoformat().replace("+00:00", "Z")
    assert TimePoint.parse(text) == TimePoint(microseconds * 1000)
    shown = TimePoint(microseconds * 1000).isoformat()
    assert datetime.fromisoformat(shown) == moment


def test_alternative_is_a_plain_tuple():
    number, value = Alternative(1, {0: -32100})
    assert (number, value) == (1, {0: -32100})
    assert Alternative(0, 1) != Alternative(1, 1)
