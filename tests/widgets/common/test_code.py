"""Values as Python code."""

from __future__ import annotations

from uuid import UUID

import pandas as pd

from xentara_nb.widgets.common.code import cell, literal


def test_literals_are_code() -> None:
    assert literal(1.5) == "1.5"
    assert literal(pd.Timestamp("2026-01-01T00:00:00Z")) == "'2026-01-01T00:00:00Z'"
    assert eval(literal(float("inf"))) == float("inf")
    assert eval(literal(UUID(int=1))) == UUID(int=1)
    assert eval(literal("it's")) == "it's"


def test_a_cell_imports_what_it_needs() -> None:
    names = {"key": "Plant"}
    exec(cell("made", 'UUID("00000000-0000-0000-0000-000000000001")', "one"), names)
    assert names["made"] == UUID(int=1)
    exec(cell("version", "xentara_nb.__version__", "a key with\na second line"), names)
    assert names["version"]
    assert cell("made", "len(key)", "one") == "# one\nmade = len(key)\nmade"
