"""What every form is: a box with the style sheet, a place for messages, and an end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets

from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.style import FORM_CLASS, escape, sheet
from xentara_nb.widgets.common.tasks import Notice, TaskRunner

_WIDGET = "application/vnd.jupyter.widget-view+json"


class Form(ipywidgets.VBox):
    """The outer box of a form.

    Parameters
    ----------
    name : str
        The form's name in CSS classes.

    Attributes
    ----------
    notice : Notice
        Where the form says what happens.
    desk : TaskRunner
        Where the form has its work done.
    """

    title = "A form"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.add_class(FORM_CLASS)
        self.add_class(f"xnb-{name}")
        self.notice = Notice()
        self.desk = TaskRunner(self.notice)
        self._when_closed: list[Callable[[], object]] = []

    def fill(self, *children: ipywidgets.Widget) -> None:
        """Put the parts of the form into it, behind the style sheet."""
        self.children = (sheet(), *children)

    def settle(self) -> None:
        """Take the place of the forms that earlier runs of this cell made."""
        notebook.register(self)

    def when_closed(self, callback: Callable[[], object]) -> None:
        """Call a function when the form is closed."""
        self._when_closed.append(callback)

    def wait(self, seconds: float = 30.0) -> bool:
        """Wait until what the form is doing is done; return whether it is."""
        return self.desk.wait(seconds)

    def close(self) -> None:
        """End what the form does, and take it off the page."""
        if not hasattr(self, "desk"):  # what could not be made is closed all the same
            super().close()
            return
        if self.desk.closed:
            return
        self.desk.close()
        callbacks, self._when_closed = self._when_closed, []
        for callback in callbacks:
            with contextlib.suppress(Exception):  # one part must not keep the others from ending
                callback()
        for widget in list(_parts(self)):
            # A part may be gone already.
            with contextlib.suppress(Exception):
                super().close() if widget is self else widget.close()

    def summary(self) -> str:
        """Return in one line what the form shows; no secret."""
        return self.title

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary()}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = {"text/plain": repr(self), "text/html": self.fallback()}
        if self.comm is not None:
            widget = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
            bundle[_WIDGET] = widget  # type: ignore[assignment]  # JSON, as this type wants it
        return bundle

    def fallback(self) -> str:
        """Return what stands in the form's place where widgets do not work."""
        return (
            f"<p><b>{escape(self.title)}</b>: {escape(self.summary())}</p>"
            "<p>This is a form; it works where the notebook is run, such as in JupyterLab.</p>"
        )


def _parts(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """Give a widget and all that is in it, the inner ones first."""
    for child in getattr(widget, "children", ()):
        yield from _parts(child)
    yield widget


def close_parts(widget: ipywidgets.Widget) -> None:
    """Close a widget and all that is in it."""
    for part in list(_parts(widget)):
        part.close()
