"""Values and tables as the forms show them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from xentara_nb.tables.rendering import Html
from xentara_nb.widgets.common.style import badge
from xentara_nb.widgets.common.table import (
    Values,
    age_html,
    facts,
    now_html,
    table,
    value_text,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (pd.NaT, "never"),
        (pd.Timestamp("2026-01-31T08:00:00.1234Z"), "2026-01-31 08:00:00.123 UTC"),
        (pd.Timestamp.max.tz_localize("UTC"), "for ever"),
    ],
)
def test_values_are_shown_as_a_person_reads_them(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_what_a_server_says_is_escaped() -> None:
    shown = (
        badge("<b>"),
        facts({"<b>": "<b>"}, caption="<b>"),
        table(["<b>"], [["<b>"]], caption="<b>"),
    )
    for html in shown:
        assert isinstance(html, Html)
        assert "<b>" not in html


def test_ages_have_their_exact_time() -> None:
    now = pd.Timestamp.now("UTC")
    html = age_html(now - pd.Timedelta(seconds=150))
    assert ">2 min ago</time>" in html
    assert "UTC' data-age='150." in html
    for time in (None, pd.NaT, 5, now + pd.Timedelta(hours=1), pd.Timestamp(0, tz="UTC")):
        assert age_html(time) == ""


def test_the_present_value_has_its_unit_its_quality_and_its_age() -> None:
    values: Values = {
        "value": (210.01116943359375, None),
        "units": ("<b>", None),
        "quality": ("good", None),
        "updateTime": (pd.Timestamp.now("UTC"), None),
    }
    html = now_html(values, "trend")
    assert "210.0112 &lt;b&gt;</span>" in html
    assert "xnb-ok'>good" in html.replace('"', "'")
    assert "s ago</time>trend" in html
    assert now_html({}) == ""
    assert now_html({"value": (None, "cannot be read")}) == ""
