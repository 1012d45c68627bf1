"""What IPython shows as the last line of a cell.

For a client or a watch in a notebook it is the explorer or the live view. For a table, which pandas
shows, it is a text in which what cannot be seen is written out: a terminal would obey it.
"""

from __future__ import annotations

import sys
from typing import Any


def register_display() -> None:
    """Have IPython show tables safely, and clients and watches as widgets in a notebook's kernel.

    By the names of their classes: neither these nor the widgets are loaded before they are used.
    """
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    formatter = getattr(get_ipython(), "display_formatter", None)
    if formatter is None:
        return
    formatter.formatters["text/plain"].for_type_by_name("pandas", "DataFrame", print_table)
    formatter.formatters["text/html"].for_type_by_name("pandas", "DataFrame", table_html)
    if "ipykernel" in sys.modules:
        formatter.ipython_display_formatter.for_type_by_name(
            "xentara_nb.client.client", "Client", show_client
        )
        formatter.ipython_display_formatter.for_type_by_name(
            "xentara_nb.live.watch", "Watch", show_watch
        )


def print_table(table: Any, printer: Any, cycle: bool) -> None:
    """Print the text that pandas has for a table; of one of ours, safely."""
    for number, line in enumerate(_safe(table, repr(table)).split("\n")):
        if number:
            printer.break_()
        printer.text(line)


def table_html(table: Any) -> str | None:
    """Return the HTML that pandas has for a table; of one of ours, safely."""
    html: str | None = table._repr_html_()
    return None if html is None else _safe(table, html)


def _safe(table: Any, shown: str) -> str:
    if "xentara" in table.attrs or "primary_key" in table.columns:
        from xentara_nb.protocol.text import safe_lines

        return safe_lines(shown)
    return shown


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
