"""What a write form writes to: an element, one of its writable attributes, the present value."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import pandas as pd

from xentara_nb.client import Client
from xentara_nb.errors import NotFoundError
from xentara_nb.protocol.identifiers import DataType
from xentara_nb.protocol.values import AttributeId
from xentara_nb.tables.references import (
    AttributeLike,
    ElementLike,
    element_reference,
    same_attribute,
)
from xentara_nb.widgets.common.style import escape
from xentara_nb.widgets.common.table import Values, facts, quality_badge, value_text

# What says how far the present value can be trusted, in the order in which it is shown.
_ABOUT = {
    "quality": "Quality",
    "updateTime": "Updated",
    "changeTime": "Changed",
    "writeTime": "Written",
    "sourceTime": "Source time",
    "error": "Error",
    "writeError": "Write error",
}


class Writable(NamedTuple):
    """An attribute that can be written."""

    name: str
    attribute_id: AttributeId
    data_type: DataType | None  # None: one that this version does not know
    type_name: str
    readable: bool


class WriteTarget:
    """An element, as far as writing to it goes: its key, UUID and writable attributes."""

    def __init__(self, client: Client, element: ElementLike) -> None:
        self._described = client.meta_data(element)
        if self._described.empty:
            raise NotFoundError(f"{element_reference(element)} has no attributes")
        first = self._described.iloc[0]
        self.key = str(first["primary_key"])
        self.element_uuid: UUID = first["element_uuid"]
        rows = self._described.xentara.writable()
        self.writable = tuple(
            Writable(
                row.attribute_name,
                row.attribute_id,
                DataType.find(row.data_type),
                row.data_type,
                row.access != "write only",
            )
            for row in rows.itertuples()
        )

    def attribute(self, wanted: AttributeLike) -> Writable:
        """Return a writable attribute by its name or id; raises NotFoundError if there is none."""
        for each in self.writable:
            if each.name == wanted:
                return each
            if not isinstance(wanted, str) and same_attribute(each.attribute_id, wanted):
                return each
        raise NotFoundError(f"{self.key} has no attribute {wanted!r} that can be written")

    def rows_about(self, attribute: Writable) -> pd.DataFrame:
        """Return the rows of an attribute and of what is known about it, those that can be read."""
        readable: pd.DataFrame = self._described.xentara.readable()
        names = readable["attribute_name"]
        if attribute.name != "value":
            return readable.loc[names == attribute.name]
        return readable.loc[names.isin(("value", "units", *_ABOUT))]


def present_html(attribute: Writable, values: Values) -> str:
    """Return the present value of an attribute, its quality and its times."""
    if not attribute.readable:
        shown = "<span class='xnb-dim'>it can be written, not read</span>"
    else:
        value, error = values.get(attribute.name, (None, None))
        units = values.get("units", ("", None))[0] or ""
        text = error if error else f"{value_text(value)} {units}"
        shown = f"<span class='xnb-mono xnb-big'>{escape(text)}</span>"
    pairs = [("Present value", shown)]
    for name, word in _ABOUT.items():
        if name in values:
            value, error = values[name]
            text = quality_badge(value) if name == "quality" else escape(value_text(value))
            pairs.append((word, escape(error) if error else text))
    return facts(pairs, caption="The present value")
