"""An input for a new value, made for the data type that shall take it.

The input hands on what was typed as it was typed: what becomes of it is the business of the
guards, which refuse what does not fit. That is why no input here corrects, rounds or clamps.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import ipywidgets

from xentara_nb.protocol.identifiers import Category, DataType, Quality
from xentara_nb.tables.rendering import escape
from xentara_nb.widgets.common.style import button, on_enter, row

_HINTS = {
    DataType.FLOAT_32: "a number such as 21.5, of about 7 digits",
    DataType.FLOAT_64: "a number such as 21.5",
    DataType.TIME_POINT: "a time with its time zone, such as 2026-01-31T08:00:00Z",
    DataType.UUID: "a UUID",
}


class ValueInput:
    """An input for a value of one data type, as the widget with its hint.

    ``changed`` is called when something was typed, ``entered`` when Enter was pressed in a line.
    """

    def __init__(
        self,
        data_type: DataType | None,
        changed: Callable[[], object],
        entered: Callable[[], object],
    ) -> None:
        self._type = data_type
        self._is_text = data_type is not None and data_type.is_text
        self._changed = changed
        self._is_new, self._touched = True, False
        self.can_be_written = True
        self.input: Any = self._make()
        self.input.description = "New value"
        parts: list[ipywidgets.Widget] = [self.input]
        if self._type is DataType.TIME_POINT:
            parts.append(button("Now", tooltip="Take the time of this computer"))
            parts[-1].on_click(lambda clicked: self._set_now())
        parts.append(ipywidgets.HTML(f"<span class='xnb-dim'>{escape(self._hint())}</span>"))
        self.widget = row(*parts)
        self.input.observe(self._observed, "value")
        if isinstance(self.input, ipywidgets.Text):
            on_enter(self.input, entered)

    @property
    def given(self) -> bool:
        """Whether there is a value; an empty text is one where texts are written."""
        if not self.can_be_written or self.input.value is None:
            return False
        return self._touched if self._is_text else bool(str(self.input.value).strip())

    @property
    def value(self) -> Any:
        """What was typed or chosen, as it is."""
        return self.input.value

    def set(self, value: Any) -> None:
        """Put a value into the input, as if it had been typed."""
        self.input.value = value
        self._touched = True

    def suggest(self, value: object) -> None:
        """Begin with the present value, once, where it is a text, which one edits."""
        is_new, self._is_new = self._is_new, False
        if is_new and not self._touched and self._is_text and isinstance(value, str):
            self.input.unobserve(self._observed, "value")
            self.input.value = value
            self.input.observe(self._observed, "value")

    def _make(self) -> Any:
        kind = self._type
        if kind is DataType.BOOLEAN:
            return ipywidgets.RadioButtons(
                options=[("False", False), ("True", True)], index=None, orientation="horizontal"
            )
        if kind in (DataType.QUALITY, DataType.ELEMENT_CATEGORY):
            labels = [each.label for each in (Quality if kind is DataType.QUALITY else Category)]
            choices = [("choose …", None), *zip(labels, labels, strict=True)]
            return ipywidgets.Dropdown(options=choices)
        if self._is_text:
            return ipywidgets.Textarea(rows=2)
        self.can_be_written = kind is not None and bool(
            kind.is_float or kind.integer_range or kind in (DataType.TIME_POINT, DataType.UUID)
        )
        return ipywidgets.Text(disabled=not self.can_be_written)

    def _hint(self) -> str:
        if self._type is None or not self.can_be_written:
            return "the protocol has no form for values of this data type"
        if (allowed := self._type.integer_range) is not None:
            return f"a whole number from {allowed[0]:,} to {allowed[-1]:,}"
        return "a text; it may be empty" if self._is_text else _HINTS.get(self._type, "")

    def _observed(self, change: object) -> None:
        self._touched = True
        self._changed()

    def _set_now(self) -> None:
        now = datetime.datetime.now(datetime.UTC)
        self.set(now.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
