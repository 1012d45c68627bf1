"""Columns whose cells repeat, as pyarrow holds them: of a CSV file that is plain, and of Parquet.

A CSV file without quotes is its lines cut at the commas, and nothing else; pyarrow does that in
several times less time than :mod:`csv`. Where it may do anything else than that module (quotes,
other line ends, rows of another length, empty rows, cells that are too long), the answer is None.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xentara_nb.tables.files.cells import Coded

_MARKS = (b'"', b"\r", b"\0")


def read_columns(data: bytes, count: int, longest: int) -> list[Coded] | None:
    """Return so many columns of a file in UTF-8, its cells between commas, without its first line.

    None if it is not plain, has a cell of more characters than the ``longest``, or there is no
    pyarrow.
    """
    if any(mark in data for mark in _MARKS):
        return None
    try:
        import pyarrow
        from pyarrow import csv
    except ImportError:
        return None
    names = [str(number) for number in range(count)]
    texts = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    try:
        table = csv.read_csv(
            pyarrow.py_buffer(data),
            read_options=csv.ReadOptions(column_names=names, skip_rows=1, use_threads=False),
            parse_options=csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, texts), strings_can_be_null=False
            ),
        )
    except pyarrow.ArrowException:
        return None
    if not table.num_rows:
        return None
    columns = [coded_column(column) for column in table.columns]
    found = [column for column in columns if column is not None]
    if any(max(map(len, column.cells)) > longest for column in found):
        return None
    # An empty row is none, and where there is no such row, there is a column without empty cells.
    return found if any("" not in column.cells for column in found) else None


def coded_column(column: Any) -> Coded | None:
    """Return a column of pyarrow that is a dictionary of texts; None for another, or with gaps."""
    import pyarrow

    kind = column.type
    if not pyarrow.types.is_dictionary(kind) or column.null_count or not len(column):
        return None
    if not pyarrow.types.is_string(kind.value_type):
        return None
    chunks = column.unify_dictionaries().chunks
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in chunks])
    cells = chunks[-1].dictionary.to_pylist()
    # What no row has is not looked at.
    used = np.bincount(codes, minlength=len(cells)).all()
    return Coded(codes, cells) if used and None not in cells else None
