"""Which cell of the notebook a form was made in, and what the user calls things there.

When a cell is run again, the forms that it made before are closed: their threads end, and no
button of theirs does anything any more.
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Iterator
from typing import Any, Protocol

import ipywidgets

from xentara_nb.errors import XentaraError
from xentara_nb.locking import Lock


class Closable(Protocol):
    """What a cell has made, and what is closed when it is run again."""

    def close(self) -> None:
        """End it."""


_lock = Lock()
_forms: dict[str, tuple[str, weakref.WeakSet[Any]]] = {}  # by cell: its last run, what it made


def shell() -> Any:
    """Return IPython's shell if this is a kernel, None otherwise."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    found = get_ipython()
    return found if found is not None and hasattr(found, "kernel") else None


class CountedViews:
    """A widget that knows whether it can be seen."""

    _view_count: int | None

    def __init__(self) -> None:
        super().__init__()
        if shell() is not None:
            self._view_count = 0  # lets the page count the views; elsewhere it stays None

    @property
    def is_visible(self) -> bool:
        """Whether it can be seen, as far as is known."""
        return self._view_count != 0


def current_cell() -> tuple[str, str] | None:
    """Return the ids of the cell that runs now and of this run; None where that is not known."""
    kernel = getattr(shell(), "kernel", None)
    with contextlib.suppress(Exception):  # a kernel of another make
        parent = kernel.get_parent("shell")  # type: ignore[union-attr]  # None is suppressed too
        cell = parent["metadata"].get("cellId")
        if cell and parent["header"]["msg_type"] == "execute_request":
            return str(cell), str(parent["header"]["msg_id"])
    return None


def register(form: Closable) -> None:
    """Remember the form that a cell makes, and close those that earlier runs of the cell made."""
    here = current_cell()
    if here is None:
        return
    cell, run = here
    with _lock:
        last_run, forms = _forms.get(cell, ("", weakref.WeakSet()))
        stale: list[Closable] = []
        if last_run != run:
            stale, forms = list(forms), weakref.WeakSet()
        forms.add(form)
        _forms[cell] = run, forms
    for old in stale:
        old.close()


def name_of(thing: object, otherwise: str) -> str:
    """Return the code by which a cell has a thing: a variable, or what a cell has returned."""
    return next((name for name, value in _things() if value is thing), otherwise)


def name_in(thing: object, attribute: str, otherwise: str) -> str:
    """Return the code by which a cell has a thing that may also be an attribute of its forms."""
    named = name_of(thing, "")
    if named:
        return named
    for name, value in _things():
        if isinstance(value, ipywidgets.Widget):
            with contextlib.suppress(XentaraError):  # no one is logged in there
                if getattr(value, attribute, None) is thing:
                    return f"{name}.{attribute}"
    return otherwise


def _things() -> Iterator[tuple[str, Any]]:
    """Give what the user has in the notebook, by the code for it."""
    names: dict[str, Any] = getattr(shell(), "user_ns", None) or {}
    yield from ((name, value) for name, value in list(names.items()) if not name.startswith("_"))
    returned = names.get("Out")
    if isinstance(returned, dict):
        yield from ((f"Out[{number}]", value) for number, value in list(returned.items()))
