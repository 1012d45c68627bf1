"""Which cell a form was made in."""

from __future__ import annotations

import pytest

from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.form import Form


def test_a_cell_that_is_run_again_closes_what_it_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert notebook.current_cell() is None
    one, two, three = Form("one"), Form("two"), Form("three")
    monkeypatch.setattr(notebook, "current_cell", lambda: ("cell", "run 1"))
    notebook.register(one)
    notebook.register(two)
    assert not one.closed
    monkeypatch.setattr(notebook, "current_cell", lambda: ("cell", "run 2"))
    notebook.register(three)
    assert (one.closed, two.closed, three.closed) == (True, True, False)
