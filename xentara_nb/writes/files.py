"""What is to be written, in a file: of people, of a spreadsheet, or of this library.

The first line of a CSV file names the columns ``primary_key`` (or ``element_uuid``) and ``value``,
and for others than the attribute ``value`` also ``attribute_name`` or ``attribute_id``. What a cell
of ``value`` means, the data type of its attribute says:

==================  =============================================================================
Boolean             ``true`` and ``false``, also ``TRUE`` and ``FALSE`` or the words of another
                    country (``WAHR``); 0 and 1 with ``number_as_boolean=True`` alone
whole numbers       ``-42``, also ``42.0``
floats              ``1.5``, ``1e3``; with semicolons or tabs between the cells also ``1,5``
texts               what stands there, also ``007`` and ``TRUE``; in double quotes where it has a
                    comma or a line end, with two apostrophes for one at its beginning
points in time      ``2026-11-26 10:00:05+01:00``, ``2026-11-26T09:00:05Z``; without a time zone
                    that of this computer, with a warning
others              a UUID; a quality or category by its word
==================  =============================================================================

Anything else is refused: an empty cell, a comma in a number where commas stand between the cells,
separators of thousands, a date of another form. Lists cannot be written to any attribute. An Excel
file holds the values themselves.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeGuard

import pandas as pd

from xentara_nb.errors import InventoryFileError
from xentara_nb.tables import INVENTORY_COLUMNS
from xentara_nb.tables.files import read_cells, read_edited, read_inventory

_TYPED = "value (type)"
_MOST_SHOWN = 8
_ENDINGS = (".csv", ".json", ".parquet", ".xlsx")
# Those of other tables, of which it is said what to save them as.
_OTHERS = (".numbers", ".ods", ".tsv", ".txt", ".xls", ".xlsb", ".xlsm")


def names_file(writes: object) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether something names a file of writes: a path, or a text with such an ending."""
    if isinstance(writes, str):
        return writes.lower().endswith(_ENDINGS + _OTHERS)
    return isinstance(writes, os.PathLike)


def read_writes(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read what is to be written from a CSV, Excel, JSON or Parquet file.

    It has the columns ``value``, and ``primary_key`` or ``element_uuid``; ``attribute_name`` or
    ``attribute_id`` for others than the attribute ``value``. Inventories with a column ``value``
    will do, and so do snapshots, values and settings that were kept. Raises InventoryFileError if
    the file cannot be understood, or has no such columns, and OSError if it cannot be read.
    """
    frame = _read(path)
    if "value" not in frame.columns or not {"primary_key", "element_uuid"} & set(frame.columns):
        names = ", ".join(repr(str(name)) for name in frame.columns[:_MOST_SHOWN])
        raise InventoryFileError(
            f"{os.fspath(path)} has no columns primary_key and value in its first line, but "
            f"{names}. Rename those that are meant"
            if names
            else f"{os.fspath(path)} is empty: its first line names the columns, primary_key and "
            "value, and each line below it is a write"
        )
    return frame


def _read(path: str | os.PathLike[str]) -> pd.DataFrame:
    if Path(path).suffix.lower() != ".csv":
        return read_edited(path)
    frame = read_cells(path)
    columns = set(frame.columns)
    if columns >= set(INVENTORY_COLUMNS):
        return read_inventory(path)
    if _TYPED in columns:
        return read_edited(path)
    # The texts as they stand there: the data type of each attribute says what they mean.
    return frame
