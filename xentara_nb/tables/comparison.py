"""The result of a comparison, and how it looks: a sentence, and a table in colours."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from xentara_nb.protocol.text import quantity
from xentara_nb.tables.rendering import (
    coloured,
    escape,
    frame_text,
    table_html,
    without_missing,
)

CHANGES = (
    *("added", "removed", "renamed", "replaced", "category", "type", "retyped", "access"),
    *("units", "display name", "value", "quality"),
)
"""The kinds of changes."""

MAX_ROWS = 60
"""How many rows of a table are shown."""

_WHOLE = ("primary_key", "attribute")  # cells that are not cut
_KINDS = {"added": "ok", "removed": "error"}
_SAID = {
    "replaced": "replaced by another of the same key",
    "category": "given another category",
    "type": "given another type",
    "retyped": "given another data type",
    "access": "given another access",
    "units": "given other units",
    "display name": "given another display name",
}


class Changes:
    """A table of changes and its parts, which are the same for one server and for many."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    @property
    def added(self) -> pd.DataFrame:
        """The rows of ``frame`` of elements and attributes that were not there before."""
        return self.frame[self.frame["change"] == "added"]

    @property
    def removed(self) -> pd.DataFrame:
        """The rows of ``frame`` of elements and attributes that are not there any more."""
        return self.frame[self.frame["change"] == "removed"]

    @property
    def changed(self) -> pd.DataFrame:
        """The rows of ``frame`` of what is there in both: all that is not added or removed."""
        return self.frame[~self.frame["change"].isin(["added", "removed"])]

    def __len__(self) -> int:
        """Return how many changes there are."""
        return len(self.frame)

    def __bool__(self) -> bool:
        """Return whether anything has changed."""
        return not self.frame.empty

    def _more(self) -> str:
        more = len(self.frame) - MAX_ROWS
        return f"\n… and {more:,} more in .frame" if more > 0 else ""


class Comparison(Changes):
    """What has changed; made by :func:`xentara_nb.compare`.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per change.
    elements : int
        How many elements there are now.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per change: ``change`` (categorical: ``added``, ``removed``, ``renamed``,
        ``replaced`` (the key has another UUID), ``category``, ``type``, ``retyped``, ``access``,
        ``units``, ``display name``, ``value``, ``quality``), ``primary_key`` (str),
        ``element_uuid`` (xentara_id), ``attribute_name`` (str, missing where it is the element
        itself that has changed), ``old`` and ``new`` (object).

    Examples
    --------
    >>> before = client.snapshot(["Plant.Line 1.Set point", "Plant.Line 2.Set point"])
    >>> found = xentara_nb.compare(before, before.assign(value=[200.0, 210.0]))
    >>> found.counts, found.same
    ({'attributes value': 2}, False)
    >>> len(found.added), len(found.removed), found.changed["new"].tolist()
    (0, 0, [200.0, 210.0])
    """

    def __init__(self, frame: pd.DataFrame, elements: int) -> None:
        super().__init__(frame)
        self._elements = elements

    @property
    def same(self) -> bool:
        """Whether nothing has changed."""
        return self.frame.empty

    @property
    def counts(self) -> Mapping[str, int]:
        """How many changes there are of each kind, such as ``{"elements added": 2}``."""
        element = self.frame["attribute_name"].isna().to_numpy()
        change = self.frame["change"]
        counts = {}
        for kind in CHANGES:
            chosen = change.eq(kind).to_numpy()
            for what, rows in (("elements", chosen & element), ("attributes", chosen & ~element)):
                if count := int(rows.sum()):
                    counts[f"{what} {kind}"] = count
        return counts

    @property
    def summary(self) -> str:
        """What has changed, as a sentence."""
        if self.same:
            are = "is" if self._elements == 1 else "are"
            return f"Nothing has changed: {quantity(self._elements, 'element')} {are} the same."
        parts = [_part(name, count) for name, count in self.counts.items()]
        *most, last = parts
        return f"{', '.join(most)}{' and ' if most else ''}{last}."

    def __repr__(self) -> str:
        if self.same:
            return self.summary
        return f"{self.summary}\n{frame_text(self._shown(), whole=_WHOLE)}{self._more()}"

    def _repr_html_(self) -> str:
        head = f"<p><strong>{escape(self.summary)}</strong></p>"
        if self.same:
            return head
        shown = self._shown()
        rows = [
            [coloured(change, _KINDS.get(change, "warning")), *cells]
            for change, *cells in without_missing(shown).itertuples(index=False)
        ]
        return f"{head}{table_html(list(shown.columns), rows)}{escape(self._more().strip())}"

    def _shown(self) -> pd.DataFrame:
        columns = ["change", "primary_key", "attribute_name", "old", "new"]
        shown = self.frame[columns].head(MAX_ROWS)
        return shown.rename(columns={"attribute_name": "attribute"})


def _part(name: str, count: int) -> str:
    what, _, kind = name.partition(" ")
    if kind in ("value", "quality"):
        many = {"value": "values", "quality": "qualities"}[kind]
        return f"{count:,} {kind if count == 1 else many} changed"
    return f"{quantity(count, what.removesuffix('s'))} {_SAID.get(kind, kind)}"
