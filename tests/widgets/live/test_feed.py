"""What is sent to the page, for which changes."""

from __future__ import annotations

import math
import random

import numpy as np
import pandas as pd
import pytest

from tests.widgets.live.conftest import SECOND, Changing
from xentara_nb.widgets.live.feed import (
    POINTS,
    TAIL,
    UNKNOWN,
    Feed,
    News,
    Points,
    message,
    points_of,
    shown_value,
)

TANK, PUMP, RECIPE = range(3)


def feed_of(changing: Changing) -> Feed:
    return Feed(changing, 3)


def only(news: list[News]) -> News:
    (found,) = news
    return found


def times(news: News) -> list[float]:
    return (news.points.times / SECOND).tolist()


def test_at_first_everything_then_only_what_is_new(changing: Changing) -> None:
    feed = feed_of(changing)
    changing.put_quality((1, 0))
    changing.put(TANK, (1, 10.5), (2, 11.25))
    first = feed.take({TANK})
    assert [each.row for each in first] == [TANK, PUMP, RECIPE]
    assert all(each.whole for each in first)
    assert times(first[TANK]) == [1, 2]
    assert (first[TANK].value, first[TANK].quality, first[TANK].kind) == ("11.25", "good", "ok")
    assert first[TANK].age is not None
    assert first[TANK].age >= 0
    assert first[PUMP].age is None
    assert first[PUMP].value == first[PUMP].quality == ""

    assert feed.take({TANK}) == []
    changing.put(TANK, (3, 12.0))
    news = only(feed.take({TANK}))
    assert not news.whole
    assert times(news) == [2, 3]  # the last once more
    assert news.points.numbers.tolist() == [11.25, 12]
    assert news.age == 0
    assert feed.take({TANK}) == []
    changing.put(PUMP, (3, True))
    assert only(feed.take({TANK})).row == PUMP


def test_a_gap_is_no_number_and_says_why(changing: Changing) -> None:
    feed = feed_of(changing)
    changing.put(TANK, (1, 10.5))
    feed.take({TANK})
    changing.put(TANK, (2, OSError("lost \x1b")))
    news = only(feed.take({TANK}))
    assert math.isnan(news.points.numbers[-1])
    assert (news.value, news.error) == ("", "lost \\x1b")
    assert feed.take({TANK}) == []
    changing.put(TANK, (3, 11.0))
    news = only(feed.take({TANK}))
    assert (news.value, news.error, news.whole) == ("11", "", False)


def test_a_value_in_place_of_an_error_of_that_time(changing: Changing) -> None:
    feed = feed_of(changing)
    changing.put(TANK, (1, 10.0), (2, OSError("lost")))
    feed.take({TANK})
    changing.put(TANK, (2, 11.0))
    news = only(feed.take({TANK}))
    assert (times(news), news.value) == ([2], "11")


def test_what_comes_late_is_among_the_points(changing: Changing) -> None:
    feed = feed_of(changing)
    changing.put(TANK, *((time, float(time)) for time in range(1, 30)))
    feed.take({TANK})
    changing.put(TANK, (15.5, 99.0))
    news = only(feed.take({TANK}))
    assert news.whole
    assert 15.5 in times(news)
    assert len(times(news)) == 30


def test_the_clock_of_the_server_is_set_back(changing: Changing) -> None:
    feed = feed_of(changing)
    changing.put(TANK, (5000, 1.5))
    changing.put_quality((5000, 3))
    assert feed.take({TANK})[TANK].quality == "bad"
    changing.put(TANK, (1000, 2.5))
    changing.put_quality((1000, 0))
    news = only(feed.take({TANK}))
    assert (news.value, news.quality, news.kind) == ("2.5", "good", "ok")
    assert times(news) == [1000, 5000]
    changing.put(TANK, (1001, 3.5))
    news = only(feed.take({TANK}))
    assert (news.value, news.quality) == ("3.5", "good")


def test_many_changes_at_once(changing: Changing) -> None:
    feed = feed_of(changing)
    changing.put(TANK, (0, 0.0))
    feed.take({TANK})
    changing.put(TANK, *((time, float(time)) for time in range(1, 4 * TAIL)))
    news = only(feed.take({TANK}))
    assert not news.whole
    assert times(news) == list(range(4 * TAIL))


def test_so_many_points_that_not_all_are_sent(changing: Changing) -> None:
    feed = feed_of(changing)
    changing.put(TANK, (0, 0.0))
    feed.take({TANK}, most=100)
    changing.put(TANK, *((time, float(time)) for time in range(1, 300)))
    news = only(feed.take({TANK}, most=100))
    assert news.whole
    assert times(news) == list(range(200, 300))


def test_fewer_points_of_what_is_not_charted(changing: Changing) -> None:
    feed = feed_of(changing)
    changing.put(TANK, *((time, float(time)) for time in range(3 * TAIL)))
    assert len(times(feed.take(())[TANK])) == TAIL
    news = only(feed.take({TANK}))
    assert news.whole
    assert len(times(news)) == 3 * TAIL
    assert feed.take({TANK}) == []
    # It comes and goes, and is complete when it is there.
    assert feed.take(()) == []
    assert only(feed.take({TANK})).whole


def test_a_change_of_quality_is_a_point(changing: Changing) -> None:
    feed = feed_of(changing)
    changing.put(TANK, (1, 10.0), (3, 11.0))
    changing.put_quality((2, 0))
    news = feed.take({TANK})[TANK]
    assert news.points.qualities.tolist() == [UNKNOWN, 0]
    changing.put_quality((4, 3))
    news = only(feed.take({TANK}))
    assert times(news) == [3, 4]
    assert news.points.numbers.tolist() == [11, 11]
    assert news.points.qualities.tolist() == [0, 3]
    assert (news.quality, news.kind) == ("bad", "error")
    assert feed.take({TANK}) == []
    changing.put_quality((5, 77))
    changing.put(TANK, (6, 12.0))
    assert only(feed.take({TANK})).points.qualities[-1] == UNKNOWN


def test_qualities_that_change_often(changing: Changing) -> None:
    feed = feed_of(changing)
    for time in range(2 * TAIL):
        changing.put(TANK, (time, float(time)))
        changing.put_quality((time + 0.5, time % 4))
    assert only(feed.take({TANK})[:1]).whole
    changing.put(TANK, (1000, 1.0))
    news = only(feed.take({TANK}))
    assert not news.whole
    assert times(news) == [2 * TAIL - 0.5, 1000]


def test_only_the_last_change_is_kept() -> None:
    changing = Changing(keep=1)
    feed = feed_of(changing)
    for value in (1.0, 2.0):
        changing.put(TANK, (value, value))
        news = feed.take({TANK})[0]
        assert (news.whole, times(news)) == (True, [value])


def test_the_page_has_what_the_watch_has_in_any_order(changing: Changing) -> None:
    feed, choice = feed_of(changing), random.Random(7)
    shown = points_of(changing, TANK, POINTS)
    quick = 0
    for now in range(1, 80):
        for _ in range(choice.choice((1, 1, 1, 1, 1, 2, 2, TAIL + 2))):
            late = choice.choice((0, 0, 0, 0, 0, 0, 0.5, 3, 40))
            value = OSError("lost") if choice.random() < 0.1 else choice.random()
            changing.put(TANK, (now + choice.random() - late, value))
        if choice.random() < 0.2:
            changing.put_quality((now + choice.choice((-2, 0, 0.9)), choice.randrange(4)))
        for news in feed.take({TANK}):
            if news.row == TANK:
                kept = 0 if news.whole else int(np.searchsorted(shown.times, news.points.times[0]))
                quick += not news.whole
                pairs = zip(shown, news.points, strict=True)
                shown = Points(*(np.concatenate([old[:kept], new]) for old, new in pairs))
        for one, other in zip(shown, points_of(changing, TANK, POINTS), strict=True):
            np.testing.assert_array_equal(one, other)
    assert quick > 10


def test_everything_once_more(changing: Changing) -> None:
    feed = feed_of(changing)
    changing.put(TANK, (1, 10.0))
    feed.take({TANK})
    feed.restart()
    assert [each.whole for each in feed.take({TANK})] == [True] * 3


def test_texts_have_no_numbers_and_are_shown_with_escapes(changing: Changing) -> None:
    feed = feed_of(changing)
    changing.put(RECIPE, (1, "<b>\u202e" + 1000 * "x"))
    news = feed.take({RECIPE})[RECIPE]
    assert np.isnan(news.points.numbers).all()
    assert news.value.startswith("<b>\\u202ex")  # the page puts it in as text
    assert len(news.value) <= 400


def test_the_message(changing: Changing) -> None:
    feed = feed_of(changing)
    changing.put(TANK, (1, 10.0), (2, OSError("lost")))
    changing.put(PUMP, (1.5, True))
    content, (floats, codes) = message(feed.take({TANK, PUMP}))
    assert content["kind"] == "points"
    assert [(each["row"], each["points"]) for each in content["rows"]] == [(0, 2), (1, 1), (2, 0)]
    np.testing.assert_array_equal(np.frombuffer(floats, "<f8"), [1000, 2000, 10, math.nan, 1500, 1])
    assert list(codes) == [UNKNOWN] * 3
    assert message([]) == ({"kind": "points", "rows": []}, [b"", b""])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1 / 3, "0.3333333"),
        (1e-12, "1e-12"),
        (2**53 + 1, "9007199254740993"),
        (True, "True"),
        (pd.NA, "–"),
        (None, "–"),
        (math.inf, "inf"),
        ("a\nb", "a\\nb"),
    ],
)
def test_values_in_the_table(value: object, text: str) -> None:
    assert shown_value(value) == text
