"""``frame.style``: a table that is shown with colours and formats, and runs nothing.

pandas puts the texts of a table into the page as they are, so an element that is called
``<script>`` would run as one, beside the forms that write.
"""

from __future__ import annotations

import html
import re
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from xentara_nb.tables.pandas_methods import visible


class XentaraStyler(Styler):
    """A Styler that escapes texts unless it is told otherwise; what a formatter returns stays."""

    def __init__(self, data: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(data, *args, **kwargs)
        self._escape_labels()

    def _escape_labels(self) -> None:
        for axis in (0, 1):
            self.format_index(axis=axis)
            self.format_index_names(axis=axis)

    def format(self, *args: Any, **kwargs: Any) -> Any:
        """Set how cells are shown; see :meth:`pandas.io.formats.style.Styler.format`."""
        return super().format(*args, **_escaped(args, 6, kwargs))

    def format_index(self, *args: Any, **kwargs: Any) -> Any:
        """Set how the labels of rows or columns are shown."""
        return super().format_index(*args, **_escaped(args, 7, kwargs))

    def format_index_names(self, *args: Any, **kwargs: Any) -> Any:
        """Set how the names of the index or the columns are shown."""
        return super().format_index_names(*args, **_escaped(args, 7, kwargs))

    def relabel_index(self, labels: Any, *args: Any, **kwargs: Any) -> Any:
        """Set other labels, in which ``{}`` is the old one, escaped."""
        return super().relabel_index([_label(each) for each in labels], *args, **kwargs)

    def set_tooltips(self, ttips: pd.DataFrame, *args: Any, **kwargs: Any) -> Any:
        """Set what is shown beside the mouse: texts, in which nothing is obeyed."""
        as_title = args[2] if len(args) > 2 else kwargs.get("as_title_attribute")
        escaped = html.escape if as_title else _in_css
        texts = ttips.map(lambda each: escaped(each) if isinstance(each, str) else each)
        return super().set_tooltips(texts, *args, **kwargs)

    def clear(self) -> None:
        """Take back all styles and formats."""
        super().clear()
        self.format()
        self._escape_labels()

    to_html = visible(Styler.to_html)
    to_string = visible(Styler.to_string)


class _Label(str):
    """A label that pandas formats with the old one."""

    __slots__ = ()

    def format(self, *args: Any, **kwargs: Any) -> str:
        """Return the label with the old one in it."""
        texts = [html.escape(each) if isinstance(each, str) else each for each in args]
        return super().format(*texts, **kwargs)


def _label(label: Any) -> Any:
    if isinstance(label, str):
        return _Label(label)
    # With several levels each label is of several parts.
    return [_label(each) for each in label] if isinstance(label, list | tuple) else label


def _in_css(text: str) -> str:
    """Return a text as it stands in a string of a style sheet, within a page."""
    return re.sub(r'[<>"\\\n\r\f]', lambda found: f"\\{ord(found[0]):x} ", text)


def _escaped(args: tuple[Any, ...], place: int, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with one that says to escape, if none of them does."""
    if len(args) > place or kwargs.get("escape") is not None:
        return kwargs
    return {**kwargs, "escape": pd.get_option("styler.format.escape") or "html"}
