"""What a client or a watch as the last line of a cell shows: the explorer, or the live view."""

from __future__ import annotations

import sys
from typing import Any


def register_display() -> None:
    """Have IPython show clients and watches with the widgets, where it is a notebook's kernel.

    By the names of their classes: neither these nor the widgets are loaded before they are used.
    """
    if "ipykernel" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    formatter = getattr(get_ipython(), "display_formatter", None)
    if formatter is not None:
        formatter.mimebundle_formatter.for_type_by_name(
            "xentara_nb.client.client", "Client", client_bundle
        )
        formatter.ipython_display_formatter.for_type_by_name(
            "xentara_nb.live.watch", "Watch", show_watch
        )


def client_bundle(client: Any) -> dict[str, Any]:
    """Return the widget that offers the explorer; the texts beside it are the client's own."""
    from xentara_nb.widgets import ClientCard

    bundle: dict[str, Any] = ClientCard(client)._repr_mimebundle_()
    return {kind: data for kind, data in bundle.items() if not kind.startswith("text/")}


def show_watch(watch: Any) -> None:
    """Show the live view of a watch; without the extra for it, which extra that is."""
    from xentara_nb.errors import MissingExtraError
    from xentara_nb.widgets import LiveView

    try:
        view = LiveView(watch)
    except MissingExtraError as error:
        print(f"{watch!r}\n{error}")
    else:
        view._ipython_display_()
