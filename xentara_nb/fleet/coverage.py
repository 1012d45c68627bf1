"""Which part of the servers a table of a fleet holds, as its note says, to compare with no more.

The note goes with the table into Parquet and JSON files. It counts only while the table has as many
rows as it had: what was filtered, joined or read from a CSV file may hold any part.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from xentara_nb.tables.provenance import provenance_of

_PARTS = {
    "inventory": {"root", "depth", "categories"},
    "snapshot": {"attributes"},
}
"""What chooses the part that a command gives; not single elements, which are rows by themselves."""


def covering(command: str, arguments: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Return what the note of a table says of its part; nothing if that is not known."""
    asked = {name: each for name, each in arguments.items() if each is not None}
    if command not in _PARTS or not asked.keys() <= _PARTS[command]:
        return {}
    try:
        json.dumps(asked)
    except TypeError:  # such as a row
        return {}
    return {"asked": asked, "rows": rows}


def covered(frame: pd.DataFrame) -> dict[str, Any] | None:
    """Return with which arguments a table was asked for, all of it; None if it may be any part."""
    note = provenance_of(frame)
    asked = note.get("asked")
    if not isinstance(asked, dict) or note.get("rows") != len(frame):
        return None
    return asked if any(asked.keys() <= part for part in _PARTS.values()) else None


def covering_all(frames: Iterable[pd.DataFrame], rows: int) -> dict[str, Any]:
    """Return what the note of a table says that some tables make, which may differ."""
    parts = [covered(each) for each in frames]
    if not parts or parts[0] is None or any(each != parts[0] for each in parts):
        return {}
    return {"asked": parts[0], "rows": rows}
