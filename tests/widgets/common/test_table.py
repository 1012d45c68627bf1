"""Values as a person reads them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from xentara_nb.widgets.common.table import value_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (pd.NaT, "never"),
        (True, "True"),
        (1, "1"),
        (0.1, "0.1"),
        (3.0, "3.0"),
        (1e300, "1e+300"),
        (float("nan"), "nan"),
        (" x", "' x'"),
        (pd.Timestamp("2026-01-31T08:00:00.1234Z"), "2026-01-31 08:00:00.123 UTC"),
        (pd.Timestamp.max.tz_localize("UTC"), "for ever"),
    ],
)
def test_values_are_shown_as_a_person_reads_them(value: Any, text: str) -> None:
    assert value_text(value) == text
