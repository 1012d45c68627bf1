"""What a client as the last line of a cell shows: the explorer, offered by the widgets."""

from __future__ import annotations

import sys
from typing import Any


def register_display() -> None:
    """Have IPython show clients with the widgets, where it runs as the kernel of a notebook.

    By the name of their class: neither the client nor the widgets are loaded before they are used.
    """
    if "ipykernel" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    formatter = getattr(get_ipython(), "display_formatter", None)
    if formatter is not None:
        formatter.mimebundle_formatter.for_type_by_name(
            "xentara_nb.client.client", "Client", client_bundle
        )


def client_bundle(client: Any) -> dict[str, Any]:
    """Return the widget that offers the explorer; the texts beside it are the client's own."""
    from xentara_nb.widgets import ClientCard

    bundle: dict[str, Any] = ClientCard(client)._repr_mimebundle_()
    return {kind: data for kind, data in bundle.items() if not kind.startswith("text/")}
