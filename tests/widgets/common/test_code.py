"""Values as Python code."""

from __future__ import annotations

from uuid import UUID

from xentara_nb.widgets.common.code import literal


def test_literals_are_code() -> None:
    assert eval(literal(float("inf"))) == float("inf")
    assert eval(literal(UUID(int=1))) == str(UUID(int=1))
    assert eval(literal("it's")) == "it's"
