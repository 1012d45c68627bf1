"""What a client shows of itself in a notebook: what it is, and the explorer at a click."""

from __future__ import annotations

import contextlib

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.errors import XentaraError
from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.form import Form, put_form
from xentara_nb.widgets.common.style import button, card, row, show
from xentara_nb.widgets.explorer.form import Explorer


class ClientCard(Form):
    """A client with a button that opens the explorer.

    It costs nothing before the button is clicked: the model is not looked at.

    Parameters
    ----------
    client : Client
        A connected client.

    Attributes
    ----------
    explorer : Explorer or None
        The explorer, once it was opened.
    """

    title = "Xentara client"

    def __init__(self, client: Client) -> None:
        super().__init__("client-card")
        self._client = client
        self.explorer: Explorer | None = None
        # The client knows how to show itself, and escapes what a server may have said.
        self.about = ipywidgets.HTML(client._repr_html_())
        self.button = button("Explore …", style="primary")
        self.button.on_click(self.tasks.handler(self._open))
        self.explorer_box = ipywidgets.VBox([])
        self.card = card(self.about, row(self.button), self.notice)
        self.fill(self.card, self.explorer_box)
        notebook.register(self)
        self.tasks.run("stage", self._show_stage)

    def summary(self) -> str:
        """Return the server."""
        return self._client.address.url

    def _show_stage(self) -> None:
        # A client shows the stage that it knows, and does not ask for it.
        with contextlib.suppress(XentaraError):
            self._client.get_stage()
        self.about.value = self._client._repr_html_()

    def _open(self) -> None:
        self.button.disabled = True
        try:
            self.explorer = Explorer(self._client)
        finally:
            self.button.disabled = False
        put_form(self.explorer_box, self.explorer)
        show(self.card, False)


def explorer_for(client: Client) -> ClientCard:
    """Return what stands under a cell whose last line is a client."""
    return ClientCard(client)
