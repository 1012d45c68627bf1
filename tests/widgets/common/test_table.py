"""Values and tables as the forms show them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from xentara_nb.tables.rendering import Html
from xentara_nb.widgets.common.style import badge
from xentara_nb.widgets.common.table import facts, table, value_text


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
