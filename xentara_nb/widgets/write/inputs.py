"""An input for a new value, made for the data type that shall take it.

The input hands on what was typed as it was typed: what becomes of it is the business of the
guards, which refuse what does not fit. That is why no input here corrects, rounds or clamps. Only
a time without a zone gets one, which stands beside it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import ipywidgets
import pandas as pd

from xentara_nb.errors import OptionError
from xentara_nb.protocol.identifiers import Category, DataType, Quality
from xentara_nb.protocol.values import TimePoint
from xentara_nb.tables.rendering import escape
from xentara_nb.widgets.common.style import button, on_enter, row
from xentara_nb.widgets.write.times import local_text, read_time, zone_text

_HINTS = {
    DataType.FLOAT_32: "a number such as 21.5, of about 7 digits",
    DataType.FLOAT_64: "a number such as 21.5",
    DataType.UUID: "a UUID",
}


class ValueInput:
    """An input for a value of one data type, as the widget with its hint.

    ``changed`` is called when something was typed, ``entered`` when Enter was pressed in a line.
    ``zone`` is that of times which are typed without one, as :attr:`Form.zone` has it.
    """

    def __init__(
        self,
        data_type: DataType | None,
        changed: Callable[[], object],
        entered: Callable[[], object],
        zone: str = "",
    ) -> None:
        self._type, self._zone = data_type, zone
        self._is_text = data_type is not None and data_type.is_text
        self._changed = changed
        self._is_new, self._touched = True, False
        self.can_be_written = True
        self.input: Any = self._make()
        self.input.description = "New value"
        self._buttons = self._time_buttons() if data_type is DataType.TIME_POINT else []
        self.hint = ipywidgets.HTML()
        self.widget = row(self.input, *self._buttons, self.hint)
        self._show_hint()
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
        """What was typed or chosen, as it is; a time with its zone."""
        if self._type is DataType.TIME_POINT:
            read = read_time(self.input.value, self._zone)
            try:
                TimePoint.parse(read.text.strip())
            except ValueError as error:
                # The guards would take a time without a zone as one of this computer.
                if read.text.strip()[:1].isdigit():
                    raise OptionError(read.note or str(error)) from None
            return read.text
        return self.input.value

    def enable(self, on: bool) -> None:
        """Let it work, or not."""
        for each in (self.input, *self._buttons):
            each.disabled = not (on and self.can_be_written)

    def set_zone(self, zone: str) -> None:
        """Take times that are typed without a zone as those of another one."""
        self._zone = zone
        self._show_hint()

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
        if self._type is DataType.TIME_POINT:
            note = read_time(self.input.value, self._zone).note
            where = zone_text(self._zone)
            if note:
                return f"in {where}: {note}"
            example = local_text(pd.Timestamp.now("UTC"), self._zone)[: len("2026-01-31 08:00")]
            return (
                f"a time in {where}, such as {example}; or with a zone of its own, such as "
                "2026-01-31T08:00:00Z"
            )
        return "a text; it may be empty" if self._is_text else _HINTS.get(self._type, "")

    def _show_hint(self) -> None:
        self.hint.value = f"<span class='xnb-dim' role='status'>{escape(self._hint())}</span>"

    def _observed(self, change: object) -> None:
        if self._type is DataType.TIME_POINT:
            self._show_hint()
        self._touched = True
        self._changed()

    def _time_buttons(self) -> list[Any]:
        now = button("Now", tooltip="Take the time of the computer with the kernel")
        now.on_click(lambda clicked: self._set_now())
        if find_spec("anywidget") is None:
            return [now]
        from xentara_nb.widgets.write.time_picker import TimePicker

        return [now, TimePicker(self.set)]

    def _set_now(self) -> None:
        now = datetime.datetime.now(datetime.UTC)
        self.set(now.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
