"""What a write form writes to: an element, one of its writable attributes, the present value."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xentara_nb.client import Client
from xentara_nb.errors import AmbiguousError, NotFoundError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.queries.model_cache import find_attribute
from xentara_nb.suggestions import did_you_mean
from xentara_nb.tables.references import (
    AttributeLike,
    ElementLike,
    element_reference,
)
from xentara_nb.tables.rendering import Html, escape, with_own_digits
from xentara_nb.widgets.common.table import (
    Values,
    facts,
    quality_badge,
    time_html,
    value_text,
    with_unit,
)

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


class WriteTarget:
    """An element to write to: its key, and the rows of its inventory that are writable."""

    def __init__(self, client: Client, element: ElementLike) -> None:
        self._described = client.meta_data(element)
        if self._described.empty:
            raise NotFoundError(f"{element_reference(element)} has no attributes")
        self.key = str(self._described["primary_key"].iloc[0])
        self.writable: list[Any] = list(self._described.xentara.writable().itertuples(index=False))

    def attribute(self, wanted: AttributeLike) -> Any:
        """Return a writable attribute by its name or id; raises NotFoundError if there is none."""
        attributes = [
            AttributeInfo(each.attribute_name, each.attribute_id, 0, 0) for each in self.writable
        ]
        try:
            info = find_attribute(self.key, attributes, wanted)
        except AmbiguousError:
            raise
        except NotFoundError:
            offer = did_you_mean(wanted, (each.name for each in attributes))
            text = f"{self.key} has no attribute {wanted!r} that can be written{offer}"
            raise NotFoundError(text) from None
        return self.writable[attributes.index(info)]

    def rows_about(self, attribute: Any) -> pd.DataFrame:
        """Return the rows of an attribute and of what is known about it, those that can be read."""
        readable: pd.DataFrame = self._described.xentara.readable()
        chosen = readable["attribute_id"] == attribute.attribute_id
        if attribute.attribute_id == Attribute.VALUE:
            chosen |= readable["attribute_name"].isin(("units", *_ABOUT))
        rows: pd.DataFrame = readable.loc[chosen]
        return rows


def present_html(attribute: Any, values: Values) -> Html:
    """Return the present value of an attribute, its quality and its times."""
    if attribute.access == "write only":
        shown = Html("<span class='xnb-dim'>it can be written, not read</span>")
    else:
        value, error = values.get(attribute.attribute_name, (None, None))
        value = with_own_digits(value, attribute.data_type)
        is_value = attribute.attribute_id == Attribute.VALUE
        text = error or (with_unit(value, values) if is_value else value_text(value))
        shown = Html(f"<span class='xnb-mono xnb-big'>{escape(text)}</span>")
    pairs: dict[str, str] = {"Present value": shown}
    for name, word in _ABOUT.items():
        if name in values:
            value, error = values[name]
            shown_value = quality_badge(value) if name == "quality" else time_html(value)
            pairs[word] = error if error else shown_value
    return facts(pairs, caption="The present value")
