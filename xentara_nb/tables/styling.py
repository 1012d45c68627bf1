"""``frame.style``: a table that is shown with colours and formats, and runs nothing.

pandas puts the texts of a table into the page as they are, so an element that is called
``<script>`` would run as one, beside the forms that write.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from xentara_nb.tables.pandas_methods import visible


class XentaraStyler(Styler):
    """A Styler that escapes texts unless it is told otherwise; what a formatter returns stays."""

    def __init__(self, data: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(data, *args, **kwargs)
        for axis in (0, 1):
            self.format_index(axis=axis)
            self.format_index_names(axis=axis)

    def format(self, *args: Any, **kwargs: Any) -> Any:
        """Set how cells are shown; see :meth:`pandas.io.formats.style.Styler.format`."""
        return super().format(*args, **_escaped(args, 6, kwargs))

    def format_index(self, *args: Any, **kwargs: Any) -> Any:
        """Do the same to the labels of rows or columns."""
        return super().format_index(*args, **_escaped(args, 7, kwargs))

    def format_index_names(self, *args: Any, **kwargs: Any) -> Any:
        """Do the same to the names of these."""
        return super().format_index_names(*args, **_escaped(args, 7, kwargs))

    to_html = visible(Styler.to_html)
    to_string = visible(Styler.to_string)


def _escaped(args: tuple[Any, ...], place: int, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with one that says to escape, if none of them does."""
    if len(args) > place or kwargs.get("escape") is not None:
        return kwargs
    return {**kwargs, "escape": pd.get_option("styler.format.escape") or "html"}
