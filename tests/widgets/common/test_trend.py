"""The last values as a line."""

from __future__ import annotations

import re

import pandas as pd

from xentara_nb.widgets.common.trend import POINTS, Trend


def at(second: float) -> pd.Timestamp:
    return pd.Timestamp(second, unit="s", tz="UTC")


def test_values_hold_until_the_next_one() -> None:
    trend = Trend()
    trend.add(at(1), 10)
    assert trend.html() == ""
    trend.add(at(2), 20.0)
    trend.add(at(3), 20.0)
    html = trend.html()
    assert "d='M2.0 18.0H60.0V2.0H118.0V2.0'" in html
    assert "aria-label='Trend: from 10 to 20 in the last 2 s'" in html
    trend.clear()
    assert trend.html() == ""


def test_what_is_no_number_or_nothing_new_is_left_out() -> None:
    trend = Trend()
    trend.add(at(1), 5)
    for time, value in [(at(2), True), (at(2), "5"), (at(2), float("nan")), (None, 5), (at(1), 6)]:
        trend.add(time, value)
    assert trend.html() == ""
    for second in range(2 * POINTS):
        trend.add(at(10 + second), 5)
    assert len(re.findall("H", trend.html())) == POINTS - 1
