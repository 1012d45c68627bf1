"""The widget on the page, from the kernel's side."""

from __future__ import annotations

import pytest

from tests.widgets.helpers import sent_by_page
from xentara_nb.widgets.live.chart import Chart

ROWS = [{"name": name, "unit": "", "kind": "number"} for name in "abc"]


@pytest.fixture
def asked() -> list[int]:
    return []


@pytest.fixture
def chart(asked: list[int]) -> Chart:
    return Chart(lambda: asked.append(1), rows=ROWS, charted=[0], state={"kind": "live"})


def test_the_page_asks_for_everything(chart: Chart, asked: list[int]) -> None:
    assert not chart.asked
    assert chart.is_visible  # as far as is known
    sent_by_page(chart, {"kind": "something else"})
    sent_by_page(chart, "nothing")
    assert not asked
    sent_by_page(chart, {"kind": "ask"})
    assert asked == [1]
    assert chart.asked
    assert chart.is_visible  # the page counts its views a moment later
    chart.set_state({"_view_count": 2})
    assert chart.is_visible
    chart.set_state({"_view_count": 0})
    assert not chart.is_visible


def test_the_page_chooses_only_what_there_is(chart: Chart) -> None:
    chart.set_state({"charted": [2, 7, 0, -1, 2]})
    assert chart.charted == [2, 0]
    chart.set_state({"span": 600.0})
    assert chart.span == 600
    chart.set_state({"span": 12.5})
    assert chart.span == 60


def test_nothing_is_loaded_from_elsewhere(chart: Chart) -> None:
    state = chart.get_state()
    for text in (state["_esm"], state["_css"]):
        assert "http" not in text
        assert "import" not in text.replace("!important", "")
    assert "innerHTML" not in state["_esm"]
