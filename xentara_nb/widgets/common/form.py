"""What every form is: a box with the style sheet, a place for messages, and an end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import ipywidgets
import pandas as pd

from xentara_nb.client import Client
from xentara_nb.protocol.text import safe
from xentara_nb.tables.rendering import escape
from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.picture import Picture, picture_html
from xentara_nb.widgets.common.style import sheet
from xentara_nb.widgets.common.tasks import Notice, TaskRunner
from xentara_nb.writes.guards import check_client

_WIDGET = "application/vnd.jupyter.widget-view+json"


class Form(ipywidgets.VBox):
    """The outer box of a form.

    What is registered with ``when_closed.callback`` is called when the form is closed.
    """

    title = "A form"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.add_class("xnb").add_class(f"xnb-{name}")
        self.notice = Notice()
        self.tasks = TaskRunner(self.notice)
        self.when_closed = contextlib.ExitStack()
        self.picture = Picture(self._drawn)
        self.page: Any = None  # None without anywidget: the form works without its page's help
        if find_spec("anywidget") is not None:
            from xentara_nb.widgets.common.page import Page

            self.page = Page()
            self.tasks.handled = self.page.done

    @property
    def zone(self) -> str:
        """The time zone of the user; an empty text stands for that of this computer."""
        return "" if self.page is None else str(self.page.zone)

    def fill(self, *children: ipywidgets.Widget) -> None:
        """Put the parts of the form into it, behind the style sheet, in the place of any others."""
        old = list(_parts(self))
        first = [sheet()] if self.page is None else [sheet(), self.page]
        self.children = (*first, *children)
        kept = {id(part) for part in _parts(self)}
        for part in old:
            if id(part) not in kept:
                part.close()

    def wait(self, seconds: float = 30.0) -> bool:
        """Wait until what the form is doing is done; return whether it is."""
        return self.tasks.wait(seconds)

    @property
    def closed(self) -> bool:
        """Whether the form is gone."""
        return self.tasks.closed

    def close(self) -> None:
        """End what the form does, and take it off the page."""
        if not hasattr(self, "tasks"):  # what could not be made is closed all the same
            super().close()
            return
        if self.closed:
            return
        self.tasks.close()
        with contextlib.suppress(Exception):  # what stays in the notebook
            self.picture.draw()
        with contextlib.suppress(Exception):  # one part must not keep the others from ending
            self.when_closed.close()
        for part in list(_parts(self)):
            with contextlib.suppress(Exception):  # a part may be gone already
                part.close()
        super().close()

    def summary(self) -> str:
        """Return in one line what the form shows; no secret."""
        return self.title

    def content_html(self) -> str:
        """Return what the form shows, as a reader without a kernel sees it; no secret."""
        return f"<p><b>{escape(self.title)}</b>: {escape(self.summary())}</p>"

    def __repr__(self) -> str:
        try:
            return safe(f"<{type(self).__name__}: {self.summary()}>")
        except AttributeError:  # a part is missing that could not be made
            return f"<{type(self).__name__}, incomplete>"

    def _ipython_display_(self) -> None:
        if notebook.shell() is None:
            print(repr(self))
        else:
            self.picture.show(self._repr_mimebundle_())

    def _drawn(self) -> dict[str, Any]:
        now = pd.Timestamp.now("UTC")
        note = (
            f"As of {now:%Y-%m-%d %H:%M:%S} UTC. This is a form; it works where the notebook is "
            "run, such as in JupyterLab."
        )
        return {"text/plain": repr(self), "text/html": picture_html(self.content_html(), note)}

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        # The picture stands in the form's place where widgets do not work.
        bundle = self._drawn()
        if self.comm is not None:
            bundle[_WIDGET] = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return bundle


def put_form(box: ipywidgets.Box, form: Form) -> None:
    """Put a form into a box, in the place of the one that is there, which is closed."""
    old = box.children
    box.children = (form,)
    for widget in old:
        widget.close()


def read_only(client: Client) -> bool:
    """Return whether nothing may be changed through a client, here or by the environment."""
    return check_client(client.read_only) is not None


def _parts(box: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """Give all that is in a box, the inner ones first; a form in it closes its own parts."""
    for child in getattr(box, "children", ()):
        if not isinstance(child, Form):
            yield from _parts(child)
        yield child
