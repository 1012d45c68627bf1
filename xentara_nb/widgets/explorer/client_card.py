"""What a client shows of itself as the last line of a cell."""

from __future__ import annotations

import contextlib

import ipywidgets

from xentara_nb.client import Client
from xentara_nb.errors import XentaraError
from xentara_nb.widgets.common import notebook
from xentara_nb.widgets.common.connection import ConnectionWatch
from xentara_nb.widgets.common.form import Form, put_form
from xentara_nb.widgets.common.style import button, card, row, show
from xentara_nb.widgets.explorer.form import Explorer


class ClientCard(Form):
    """What a client shows of itself in a notebook, and the explorer at a click.

    It costs nothing before the button is clicked: the model is not looked at.

    Parameters
    ----------
    client : Client
        The client that is shown.

    Examples
    --------
    >>> from xentara_nb import simulate
    >>> with simulate() as plant, plant.connect() as client:
    ...     card = ClientCard(client)
    ...     card.close()
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
        self.explorer_box = ipywidgets.VBox()
        self.connection = ConnectionWatch(self.tasks, self._show)
        self.when_closed.callback(self.connection.close)
        self.card = card(self.about, self.connection.box, row(self.button), self.notice)
        self.fill(self.card, self.explorer_box)
        notebook.register(self)
        self.connection.follow(client)
        self.connection.look()

    def summary(self) -> str:
        """Return the server."""
        return self._client.address.url

    def __repr__(self) -> str:
        return repr(self._client)

    def _show(self) -> None:
        self.button.disabled = not self.connection.available
        # A client shows the stage that it knows, and does not ask for it.
        if self.connection.available:
            with contextlib.suppress(XentaraError):
                self._client.get_stage()
        self.about.value = self._client._repr_html_()
        self.picture.change()

    def content_html(self) -> str:
        """Return what the client shows of itself, and the explorer if it was opened."""
        explorer = "" if self.explorer is None else self.explorer.content_html()
        return f"{self.about.value}{explorer}"

    def _open(self) -> None:
        self.explorer = Explorer(self._client)
        put_form(self.explorer_box, self.explorer)
        show(self.card, False)
