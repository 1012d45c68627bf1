"""Which cell of the notebook a form was made in, and what the user calls things there.

When a cell is run again, the forms that it made before are closed: their threads end, and no
button of theirs does anything any more.
"""

from __future__ import annotations

import contextlib
import keyword
import sys
import threading
import weakref
from typing import Any, NamedTuple

from xentara_nb.widgets.common.form import Form


class CellRun(NamedTuple):
    """A run of a cell."""

    cell: str
    run: str


_lock = threading.Lock()
_forms: dict[str, list[tuple[str, weakref.ref[Form]]]] = {}


def shell() -> Any:
    """Return IPython's shell if this is a kernel, None otherwise."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    found = get_ipython()
    return found if found is not None and hasattr(found, "kernel") else None


def current_cell() -> CellRun | None:
    """Return the cell that runs now; None where that is not known."""
    kernel = getattr(shell(), "kernel", None)
    with contextlib.suppress(Exception):  # a kernel of another make
        parent = kernel.get_parent("shell")  # type: ignore[union-attr]  # None is suppressed too
        cell = parent["metadata"].get("cellId")
        if cell and parent["header"]["msg_type"] == "execute_request":
            return CellRun(str(cell), str(parent["header"]["msg_id"]))
    return None


def register(form: Form, cell_run: CellRun | None = None) -> None:
    """Remember the form that a cell makes, and close those that earlier runs of the cell made."""
    here = current_cell() if cell_run is None else cell_run
    if here is None:
        return
    with _lock:
        known = _forms.get(here.cell, [])
        stale = [reference() for run, reference in known if run != here.run]
        kept = [(run, reference) for run, reference in known if run == here.run]
        _forms[here.cell] = [*kept, (here.run, weakref.ref(form))]
    for old in stale:
        if old is not None:
            old.close()


def name_of(thing: object, otherwise: str) -> str:
    """Return what the user calls a thing in the notebook, for code to be copied.

    Examples
    --------
    >>> name_of(object(), "client")
    'client'
    """
    names = getattr(shell(), "user_ns", None) or {}
    for name, value in list(names.items()):
        if value is thing and not name.startswith("_") and name.isidentifier():
            return str(name) if not keyword.iskeyword(name) else otherwise
    return otherwise
