"""What IPython shows as the last line of a cell.

For a client or a watch in a notebook it is the explorer or the live view.
"""

from __future__ import annotations

import sys
from typing import Any


def register_display() -> None:
    """Have a notebook's kernel show clients and watches as widgets.

    By the names of their classes: neither these nor the widgets are loaded before they are used.
    """
    if "ipykernel" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    formatter = getattr(get_ipython(), "display_formatter", None)
    if formatter is None:
        return
    formatter.ipython_display_formatter.for_type_by_name(
        "xentara_nb.client.client", "Client", show_client
    )
    formatter.ipython_display_formatter.for_type_by_name(
        "xentara_nb.live.watch", "Watch", show_watch
    )


def show_client(client: Any) -> None:
    """Show what a client says of itself, and what offers the explorer."""
    from xentara_nb.widgets import ClientCard

    ClientCard(client)._ipython_display_()


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
