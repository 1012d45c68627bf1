"""Which cell a form was made in."""

from __future__ import annotations

from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.form import Form


def test_a_cell_that_is_run_again_closes_what_it_made() -> None:
    one, two, three = Form("one"), Form("two"), Form("three")
    notebook.register(one, notebook.CellRun("cell", "run 1"))
    notebook.register(two, notebook.CellRun("cell", "run 1"))
    assert not one.closed
    notebook.register(three, notebook.CellRun("cell", "run 2"))
    assert (one.closed, two.closed, three.closed) == (True, True, False)
    assert notebook.current_cell() is None
