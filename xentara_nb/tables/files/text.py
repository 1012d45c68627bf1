"""Inventories as text: CSV and JSON, with nothing but the standard library.

The CSV is put together here rather than by :mod:`csv`, which leaves a carriage return without
quotes in some versions of Python. It is read by :mod:`csv`, strictly.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain, islice
from typing import BinaryIO

import pandas as pd

from xentara_nb.tables import INVENTORY_COLUMNS
from xentara_nb.tables.files.cells import (
    Cell,
    Cells,
    TableError,
    TextTable,
    check_header,
    check_names,
    plain,
)

_RUNS_AS_FORMULA = tuple("=+-@\t\r\n'")
_NEEDS_QUOTES = re.compile(r'[",;\t\r\n\ufeff]|^ | $')
_LONGEST_CELL = 131_072  # what csv reads, unless the limit of the whole process is changed
_ROWS_AT_ONCE = 256  # few enough to stay in the processor's cache
_WRITE_AGAIN = "Write it again with inventory.xentara.to_csv(path)"


def write_csv(table: TextTable, file: BinaryIO) -> None:
    """Write an inventory as CSV."""
    file.write((",".join(map(csv_cell, table.columns)) + "\n").encode())
    columns = [_encoded(csv_cell, name, cells) for name, cells in table.columns.items()]
    file.writelines((",".join(row) + "\n").encode() for row in zip(*columns, strict=True))


def _encoded(encode: Callable[[Cell], str], name: str, cells: Cells) -> list[str]:
    """Return the cells of a column as they stand in the file."""
    # Each text once, but True, 1 and 1.0 of an added column are equal without being the same.
    return list(map(cache(encode) if name in INVENTORY_COLUMNS else encode, plain(cells)))


def csv_cell(cell: Cell) -> str:
    """Return a cell as it stands in a CSV file, guarded against spreadsheets."""
    if not isinstance(cell, str):
        return "" if cell is None else str(cell)
    guarded = f"'{cell}" if cell.startswith(_RUNS_AS_FORMULA) else cell
    if len(guarded) > _LONGEST_CELL:
        raise TableError(
            f"a text of {len(cell)} characters is too long for CSV ({_LONGEST_CELL}). Write "
            "another kind of file"
        )
    if _NEEDS_QUOTES.search(guarded):
        return '"' + guarded.replace('"', '""') + '"'
    return guarded


def read_csv(data: bytes) -> TextTable:
    """Read an inventory from CSV, also from what a spreadsheet has made of it."""
    table = read_cells(data)
    if not table.columns:
        raise TableError(f"the file is empty. {_WRITE_AGAIN}")
    check_header(list(table.columns), "the file", _WRITE_AGAIN)
    columns = {
        name: cells if name in INVENTORY_COLUMNS else _added(cells)
        for name, cells in table.columns.items()
    }
    return table._replace(columns=columns)


def read_cells(data: bytes) -> TextTable:
    """Read any CSV whose first line names its columns: the texts of its cells."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError(
            f"line {line}: this is not UTF-8 ({error.reason}). Save it as 'CSV UTF-8' in the "
            "spreadsheet"
        ) from None
    delimiter = max(",;\t", key=lambda delimiter: _known_columns(text, delimiter))
    records = _records(text, delimiter)
    _, header = next(records, (0, []))
    names = [_without_guard(name) for name in header]
    check_names(names, "the file")

    columns: list[list[str]] = [[] for _ in names]
    text_of = cache(_without_guard)  # each text once in memory: an inventory repeats itself
    while rows := list(islice(records, _ROWS_AT_ONCE)):
        for line, row in rows:
            if len(row) != len(names):
                raise TableError(
                    f"line {line}: {len(row)} cells under {len(names)} columns. Restore the line"
                )
        for column, cells in zip(columns, zip(*(row for _, row in rows), strict=True), strict=True):
            column.extend(map(text_of, cells))

    def place(row: int) -> str:
        # Looked for when it is needed, which is once at most.
        line, _ = next(islice(_records(text, delimiter), row + 1, None))
        return f"line {line}"

    return TextTable(dict(zip(names, columns, strict=True)), {}, place)


def write_json(table: TextTable, file: BinaryIO) -> None:
    """Write an inventory as a JSON object, a record to a line."""
    # Not pandas' JSON: it rounds numbers to 15 digits, has none beyond 64 bits, and says of what it
    # cannot read neither the line nor the reason. It is slower, too.
    encode = json.JSONEncoder(ensure_ascii=False).encode
    head = encode({"provenance": table.provenance, "columns": list(table.columns)})
    columns = [
        [f"{encode(name)}: {cell}" for cell in _encoded(encode, name, cells)]
        for name, cells in table.columns.items()
    ]
    records = ",\n".join(f"{{{', '.join(row)}}}" for row in zip(*columns, strict=True))
    file.write(f'{head[:-1]}, "records": [\n{records}\n]}}\n'.encode())


def read_json(data: bytes) -> TextTable:
    """Read an inventory from JSON: the object of :func:`write_json`, or an array of records."""
    try:
        document = json.loads(data)
    except json.JSONDecodeError as error:
        raise TableError(
            f"line {error.lineno}: this is not JSON ({error.msg}). Restore the line"
        ) from None
    except (ValueError, RecursionError) as error:  # not UTF-8, too deep, a number too long
        raise TableError(f"this is not JSON ({error}). Restore the file") from None
    if isinstance(document, list):
        document = {"records": document}
    records = document.get("records") if isinstance(document, dict) else None
    if not isinstance(records, list):
        raise TableError("there is no array 'records'. Write it again with xentara.to_file(path)")
    names, provenance = document.get("columns", []), document.get("provenance", {})
    if not isinstance(names, list) or not isinstance(provenance, dict):
        raise TableError("'columns' must be an array and 'provenance' an object. Restore them")
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            raise TableError(f"record {row + 1} is no object. Take it out")
    check_header(names or list(records[0] if records else ()), "the file", _WRITE_AGAIN)
    return TextTable(
        {
            name: [record.get(name) for record in records]
            for name in dict.fromkeys(chain(names, chain.from_iterable(records)))
        },
        provenance,
        lambda row: f"record {row + 1}",
    )


def _without_guard(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


def _added(cells: Cells) -> pd.Series[str]:
    return pd.Series([cell or None for cell in cells], dtype="str")


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Return the records of a CSV, each with the line on which it begins."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in rows:
            if row:
                yield line, row
            line = rows.line_num + 1
    except csv.Error as error:
        raise TableError(f"line {line}: this is not CSV ({error}). Restore the line") from None


def _known_columns(text: str, delimiter: str) -> int:
    try:
        _, header = next(_records(text, delimiter), (0, []))
    except TableError:
        return 0
    return len(set(INVENTORY_COLUMNS).intersection(header))
