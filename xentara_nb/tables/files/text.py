"""Inventories as text: CSV and JSON, with nothing but the standard library.

The CSV is put together here rather than by :mod:`csv`, which leaves a carriage return without
quotes in some versions of Python. It is read by :mod:`csv`, strictly.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    check_size,
    plain,
)

# Also full-width, which some spreadsheets take for the same, and behind what they skip.
_RUNS_AS_FORMULA = re.compile(
    r"[\t\r\n']|[\s\x00-\x20\x7f-\xa0\xad\u034f\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]*"
    r"[=+\-@＝＋－＠﹢﹣﹦﹫−]"
)
_LAYOUT = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?", re.ASCII)
# A thousand in some countries, a fraction in others; a comma is a fraction beside semicolons.
_AMBIGUOUS = {
    ";": re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII),
    "\t": re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII),
}
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
    guarded = f"'{cell}" if _RUNS_AS_FORMULA.match(cell) else cell
    if len(guarded) > _LONGEST_CELL:
        raise TableError(
            f"a text of {len(cell)} characters is too long for CSV ({_LONGEST_CELL}). Write "
            "another kind of file"
        )
    if _NEEDS_QUOTES.search(guarded):
        return '"' + guarded.replace('"', '""') + '"'
    return guarded


def read_csv(data: bytes, needed: Sequence[str] = INVENTORY_COLUMNS) -> TextTable:
    """Read a table with some columns from CSV, also from what a spreadsheet has made of it."""
    table = read_cells(data)
    if not table.columns:
        raise TableError(f"the file is empty. {_WRITE_AGAIN}")
    check_header(list(table.columns), "the file", _WRITE_AGAIN, needed)
    if not set(INVENTORY_COLUMNS) <= table.columns.keys():
        return table
    columns = {
        name: cells if name in INVENTORY_COLUMNS else _added(cells)
        for name, cells in table.columns.items()
    }
    return table._replace(columns=columns)


def read_cells(data: bytes) -> TextTable:
    """Read any CSV whose first line names its columns: the texts of its cells."""
    text, delimiter = _decoded(data)
    records = _records(text, delimiter)
    _, header = next(records, (0, []))
    names = [_without_guard(name) for name in header[: _used(header)]]
    check_names(names, "the file")

    columns: list[list[str]] = [[] for _ in names]
    text_of = cache(_without_guard)  # each text once in memory: an inventory repeats itself
    while rows := list(islice(records, _ROWS_AT_ONCE)):
        for line, row in rows:
            if len(row) > len(names):
                del row[max(len(names), _used(row)) :]
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

    table = dict(zip(names, columns, strict=True))
    if delimiter in _AMBIGUOUS:
        for name in table.keys() - set(INVENTORY_COLUMNS):
            table[name] = _numbers(name, table, _AMBIGUOUS[delimiter], place)
    return TextTable(table, {}, place)


def _decoded(data: bytes) -> tuple[str, str]:
    """Return the text of a CSV, and what stands between its cells."""
    wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # "Unicode text"
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError(
            f"line {line}: this is not UTF-8 ({error.reason}). Save it as 'CSV UTF-8' in the "
            "spreadsheet"
        ) from None
    if (layout := _LAYOUT.match(text)) is not None:
        # The line end stays, so that the lines keep their numbers.
        return text[layout.end(1) :], layout[1]
    return text, max(",;\t", key=lambda delimiter: _known_columns(text, delimiter))


def _used(row: Sequence[str]) -> int:
    """Return how many cells of a row there are without the empty ones at its end."""
    length = len(row)
    while length and not row[length - 1]:
        length -= 1
    return length


def _numbers(
    name: str,
    table: Mapping[str, list[str]],
    ambiguous: re.Pattern[str],
    place: Callable[[int], str],
) -> list[str]:
    """Return an added column with a decimal point in its numbers.

    Where the data types are there, only in rows of numbers; else only if it holds nothing else.
    Raises a TableError where a number means one thing here and another there.
    """
    cells = table[name]
    for row, cell in enumerate(cells):
        if ambiguous.fullmatch(cell):
            raise TableError(
                f"{place(row)}, column {name!r}: {cell!r} is a thousand in some countries and a "
                f"fraction in others. Write {re.sub('[.,]', '', cell)}, or {cell}0 for the fraction"
            )
    if "data_type" in table:
        return [
            cell.replace(",", ".")
            if kind.startswith("Float") and _DECIMAL_COMMA.fullmatch(cell)
            else cell
            for kind, cell in zip(table["data_type"], cells, strict=True)
        ]
    if all(_NUMBER.fullmatch(cell) for cell in cells if cell):
        return [cell.replace(",", ".") for cell in cells]
    return cells


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


def read_json(data: bytes, needed: Sequence[str] = INVENTORY_COLUMNS) -> TextTable:
    """Read a table with some columns from JSON: the object of :func:`write_json`, or records."""
    check_size(data.count(b"{") - 3)  # before they exist
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
    check_header(names or list(records[0] if records else ()), "the file", _WRITE_AGAIN, needed)
    names = list(dict.fromkeys(chain(names, chain.from_iterable(records))))
    check_names(names, "the file")
    return TextTable(
        {name: [record.get(name) for record in records] for name in names},
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
            if any(row):  # a spreadsheet also saves rows that were cleared
                yield line, row
            line = rows.line_num + 1
    except csv.Error as error:
        raise TableError(f"line {line}: this is not CSV ({error}). Restore the line") from None


def _known_columns(text: str, delimiter: str) -> int:
    try:
        _, header = next(_records(text, delimiter), (0, []))
    except TableError:
        return 0
    # The last two are of a list of servers.
    return len({*INVENTORY_COLUMNS, "value", "time", "name", "address"}.intersection(header))
