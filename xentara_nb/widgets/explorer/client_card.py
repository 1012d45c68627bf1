"""What a client shows of itself in a notebook: what it is, and the explorer at a click."""

from __future__ import annotations

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.widgets.common.form import Form, close_parts
from xentara_nb.widgets.common.style import button, card, row, show
from xentara_nb.widgets.explorer.form import Explorer


class ClientCard(Form):
    """A client with a button that opens the explorer.

    Parameters
    ----------
    client : Client
        A connected client.
    """

    title = "Xentara client"

    def __init__(self, client: Client) -> None:
        super().__init__("offer")
        self._client = client
        self.explorer: Explorer | None = None
        # The client knows how to show itself, and escapes what a server may have said.
        self.about = ipywidgets.HTML(client._repr_html_())
        self.button = button("Explore …", style="primary")
        self.button.on_click(self.desk.guard(lambda clicked: self._open()))
        self.place = ipywidgets.VBox([])
        self.card = card(self.about, row(self.button), self.notice)
        self.fill(self.card, self.place)
        self.settle()
        self.desk.run("stage", self._ask_stage)

    def _ask_stage(self) -> None:
        self._client.get_stage()
        self.about.value = self._client._repr_html_()

    def summary(self) -> str:
        """Return the server."""
        return self._client.address.url

    def _open(self) -> None:
        self.button.disabled = True
        try:
            self.explorer = Explorer(self._client)
        finally:
            self.button.disabled = False
        self.when_closed(self.explorer.close)
        old = self.place.children
        self.place.children = (self.explorer,)
        for widget in old:
            close_parts(widget)
        show(self.card, False)


def explorer_for(client: Client) -> ClientCard:
    """Return what stands under a cell whose last line is a client.

    It costs nothing before its button is clicked: the model is not looked at.
    """
    return ClientCard(client)
