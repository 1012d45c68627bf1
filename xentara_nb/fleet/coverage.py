"""Which part of the servers a table of a fleet holds, as its note says, to compare with no more.

The note goes with the table into Parquet and JSON files. That a table holds all of a part counts
only while it has as many rows as it had: what was filtered, joined or read from a CSV file may hold
any part. Single elements that were asked for are rows by themselves, as those of such a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from xentara_nb.fleet.frames import SERVER, rows_of
from xentara_nb.tables.provenance import provenance_of

_PARTS = {
    "inventory": {"root", "depth", "categories"},
    "snapshot": {"attributes"},
}
"""What chooses the part that a command gives."""

_FEW = 500  # elements, which go into one message

_COLUMNS = {"attributes"}
"""What chooses its columns, whichever rows there are."""


class Coverage(NamedTuple):
    """With which arguments a table is asked for again, and whether that is all that it was of."""

    asked: dict[str, Any]
    whole: bool


def covering(command: str, arguments: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Return what the note of a table says of its part; nothing if that is not known."""
    given = {name: each for name, each in arguments.items() if each is not None}
    asked = {name: given[name] for name in given if name in _PARTS.get(command, ())}
    try:
        json.dumps(asked)
    except TypeError:  # such as a row
        return {}
    return _note(Coverage(asked, asked.keys() == given.keys()), rows)


def covered(frame: pd.DataFrame) -> Coverage:
    """Return what the note of a table says of its part."""
    note = provenance_of(frame)
    asked = note.get("asked")
    if not isinstance(asked, dict) or not any(asked.keys() <= part for part in _PARTS.values()):
        return Coverage({}, False)
    if note.get("rows") == len(frame):
        return Coverage(asked, True)
    return Coverage({name: asked[name] for name in asked if name in _COLUMNS}, False)


def covering_all(frames: Iterable[pd.DataFrame], rows: int) -> dict[str, Any]:
    """Return what the note of a table says that some tables make, which may differ."""
    parts = [covered(each) for each in frames]
    return _note(parts[0], rows) if parts and all(each == parts[0] for each in parts) else {}


def _note(part: Coverage, rows: int) -> dict[str, Any]:
    if part.whole:
        return {"asked": part.asked, "rows": rows}
    return {"asked": part.asked} if part.asked else {}


def asked_again(old: pd.DataFrame, servers: Iterable[str]) -> tuple[str, Coverage]:
    """Return with which command and arguments some servers are asked for what a table has."""
    if "attribute_id" not in old.columns:
        command = "snapshot"
    elif "value" in old.columns:
        return "read", Coverage({"elements": rows_of(old, servers)}, True)
    else:
        command = "inventory"
    part = covered(old)
    return command, part if part.asked.keys() <= _PARTS[command] else Coverage({}, False)


def few_elements(old: pd.DataFrame) -> pd.DataFrame:
    """Return the elements of a table, each once, of those servers of which it has only few.

    To ask for these alone takes less than to ask for all that there is.
    """
    columns = [SERVER, "primary_key", "element_uuid"]
    if not set(columns) <= set(old.columns):  # the comparison says so
        return old.iloc[:0]
    elements = old[columns].drop_duplicates()
    count = elements.groupby(SERVER, observed=True)["primary_key"].transform("size")
    return elements[count <= _FEW]
