"""Which cell of the notebook a form was made in, and what the user calls things there.

When a cell is run again, the forms that it made before are closed: their threads end, and no
button of theirs does anything any more.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import weakref
from typing import Any

from xentara_nb.widgets.common.form import Form

_lock = threading.Lock()
_forms: dict[str, tuple[str, weakref.WeakSet[Form]]] = {}  # by cell: its last run, what it made


def shell() -> Any:
    """Return IPython's shell if this is a kernel, None otherwise."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    found = get_ipython()
    return found if found is not None and hasattr(found, "kernel") else None


def current_cell() -> tuple[str, str] | None:
    """Return the ids of the cell that runs now and of this run; None where that is not known."""
    kernel = getattr(shell(), "kernel", None)
    with contextlib.suppress(Exception):  # a kernel of another make
        parent = kernel.get_parent("shell")  # type: ignore[union-attr]  # None is suppressed too
        cell = parent["metadata"].get("cellId")
        if cell and parent["header"]["msg_type"] == "execute_request":
            return str(cell), str(parent["header"]["msg_id"])
    return None


def register(form: Form) -> None:
    """Remember the form that a cell makes, and close those that earlier runs of the cell made."""
    here = current_cell()
    if here is None:
        return
    cell, run = here
    with _lock:
        last_run, forms = _forms.get(cell, ("", weakref.WeakSet()))
        stale: list[Form] = []
        if last_run != run:
            stale, forms = list(forms), weakref.WeakSet()
        forms.add(form)
        _forms[cell] = run, forms
    for old in stale:
        old.close()


def name_of(thing: object, otherwise: str) -> str:
    """Return what the user calls a thing in the notebook, for code to be copied."""
    names: dict[str, Any] = getattr(shell(), "user_ns", None) or {}
    for name, value in list(names.items()):
        if value is thing and not name.startswith("_"):
            return name
    return otherwise
