"""Inventories as CSV, with nothing but the standard library.

It is put together here rather than by :mod:`csv`, which leaves a carriage return without
quotes in some versions of Python. It is read by :mod:`csv`, strictly.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from xentara_nb.tables import INVENTORY_COLUMNS
from xentara_nb.tables.files.arrow import read_columns
from xentara_nb.tables.files.cells import (
    Cell,
    Cells,
    Coded,
    TableError,
    TextTable,
    check_header,
    check_names,
    check_row_numbers,
    has_row_numbers,
    plain,
)
from xentara_nb.tables.spreadsheets import RUNS_AS_FORMULA, NumberCell

_LINE = 4096  # more characters than a line with the layout has
_LAYOUT = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?", re.ASCII)
_DECIMAL_POINT = re.compile(r"[+-]?\d+\.\d+([eE][+-]?\d+)?", re.ASCII)
_DECIMAL = re.compile(rf"{_DECIMAL_COMMA.pattern}|{_DECIMAL_POINT.pattern}", re.ASCII)
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
    columns = [encoded(csv_cell, name, cells) for name, cells in table.columns.items()]
    file.writelines((",".join(row) + "\n").encode() for row in zip(*columns, strict=True))


def encoded(encode: Callable[[Cell], str], name: str, cells: Cells) -> list[str]:
    """Return the cells of a column as they stand in the file."""
    if isinstance(cells, Coded):
        return Coded(cells.codes, list(map(encode, cells.cells))).tolist()
    # Each text once, but True, 1 and 1.0 of an added column are equal without being the same.
    return list(map(cache(encode) if name in INVENTORY_COLUMNS else encode, plain(cells)))


def csv_cell(cell: Cell) -> str:
    """Return a cell as it stands in a CSV file, guarded against spreadsheets."""
    if not isinstance(cell, str):
        return "" if cell is None else str(cell)
    guarded = f"'{cell}" if RUNS_AS_FORMULA.match(cell) else cell
    if len(guarded) > _LONGEST_CELL:
        raise TableError(
            f"a text of {len(cell)} characters is too long for CSV ({_LONGEST_CELL}). Write "
            "another kind of file"
        )
    if _NEEDS_QUOTES.search(guarded):
        return '"' + guarded.replace('"', '""') + '"'
    return guarded


def read_csv(data: bytes, needed: Sequence[str]) -> TextTable:
    """Read a table with some columns from CSV, also from what a spreadsheet has made of it."""
    table = _read(data)
    if not table.columns:
        raise TableError(f"the file is empty. {_WRITE_AGAIN}")
    check_header(list(table.columns), "the file", _WRITE_AGAIN, needed)
    if not set(INVENTORY_COLUMNS) <= table.columns.keys():
        return _in_rows(table)
    columns = {
        name: cells if name in INVENTORY_COLUMNS else _added(cells)
        for name, cells in table.columns.items()
    }
    return table._replace(columns=columns)


def read_cells(data: bytes) -> TextTable:
    """Read any CSV whose first line names its columns: the texts of its cells.

    Which of them are numbers is not known here: a value that looks like one is a
    :class:`NumberCell`.
    """
    return _in_rows(_read(data, to_be_written=True))


def _in_rows(table: TextTable) -> TextTable:
    return table._replace(columns={name: plain(cells) for name, cells in table.columns.items()})


def _read(data: bytes, to_be_written: bool = False) -> TextTable:
    """Read any CSV whose first line names its columns: each text of a column once."""
    content, delimiter = _decoded(data)
    line, header = next(_records(content, delimiter), (0, []))
    names = [_without_guard(name) for name in header[: _used(header)]]
    index = has_row_numbers(names)
    check_names(names[index:], "the file", 1 + index)
    columns = None
    if delimiter == "," and line == 1 and len(names) == len(header):
        columns = read_columns(content, len(names), _LONGEST_CELL)
    if columns is None:
        columns = _columns(content, delimiter, len(names))

    @cache
    def lines() -> array[int]:  # looked for when they are needed, for what is wrong
        return array("q", (line for line, _ in _records(content, delimiter)))

    def place(row: int) -> str:
        return f"line {lines()[row + 1]}"

    table: dict[str, Cells] = {
        name: Coded(column.codes, _without_guards(column.cells))
        for name, column in zip(names, columns, strict=True)
    }
    if index:
        check_row_numbers(plain(table.pop("")), "the file")
    written = dict(table)
    if delimiter in _AMBIGUOUS:
        for name in table.keys() - set(INVENTORY_COLUMNS):
            table[name] = _numbers(name, table, _AMBIGUOUS[delimiter], place)
    if to_be_written and "value" in table:
        comma = delimiter in _AMBIGUOUS
        table["value"] = _number_cells(plain(table["value"]), plain(written["value"]), comma)
    return TextTable(table, {}, place)


class _Numbers(dict[str, int]):
    """A number for each text, in the order in which they come."""

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self)
        return number


def _columns(content: bytes, delimiter: str, count: int) -> list[Coded]:
    """Return the columns of a CSV without its header."""
    try:
        return _coded(_regular(content, delimiter, count), count)
    except (_IrregularError, csv.Error):
        return _coded(_checked(content, delimiter, count), count)


def _coded(parts: Iterable[Sequence[Sequence[str]]], count: int) -> list[Coded]:
    """Return the columns of parts of a table, each with its own."""
    numbers = [_Numbers() for _ in range(count)]
    codes = [array("i") for _ in range(count)]
    for part in parts:
        for known, column, texts in zip(numbers, codes, part, strict=True):
            column.extend(map(known.__getitem__, texts))
    return [Coded(np.array(c), list(known)) for c, known in zip(codes, numbers, strict=True)]


class _IrregularError(Exception):
    """A row is empty, or has another length: then each is looked at."""


def _regular(content: bytes, delimiter: str, count: int) -> Iterator[Sequence[Sequence[str]]]:
    """Return the columns of some rows of a CSV at a time, where they are as they were written."""
    rows = _reader(content, delimiter)
    if not any(next(rows, ())):
        raise _IrregularError
    while part := list(islice(rows, _ROWS_AT_ONCE)):
        if set(map(len, part)) != {count}:
            raise _IrregularError
        columns = list(zip(*part, strict=True))
        if all("" in column for column in columns):  # an empty row would have one in each
            raise _IrregularError
        yield columns


def _checked(content: bytes, delimiter: str, count: int) -> Iterator[Sequence[Sequence[str]]]:
    """Return the same of any CSV, without empty rows and empty cells behind the columns."""
    records = islice(_records(content, delimiter), 1, None)
    while part := list(islice(records, _ROWS_AT_ONCE)):
        for line, row in part:
            if len(row) > count:
                del row[max(count, _used(row)) :]
            if len(row) != count:
                raise TableError(
                    f"line {line}: {len(row)} cells under {count} columns. Restore the line"
                )
        yield list(zip(*(row for _, row in part), strict=True))


def _decoded(data: bytes) -> tuple[bytes, str]:
    """Return a CSV in UTF-8, and what stands between its cells."""
    wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # "Unicode text"
    try:
        # All of it, to find what is wrong; with nothing but ASCII, nothing is.
        start = data[:_LINE] if data.isascii() else data
        text = start.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        if data.startswith(b"PK\x03\x04"):
            raise TableError("this is an Excel workbook. Let its name end in .xlsx") from None
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError(
            f"line {line}: this is not UTF-8 ({error.reason}). Save it as 'CSV UTF-8' in the "
            "spreadsheet"
        ) from None
    content = text.encode() if wide else data.removeprefix(codecs.BOM_UTF8)
    if (layout := _LAYOUT.match(text)) is not None:
        # The line end stays, so that the lines keep their numbers.
        return content[len(text[: layout.end(1)].encode()) :], layout[1]
    return content, max(",;\t", key=lambda delimiter: _known_columns(content, delimiter))


def _used(row: Sequence[str]) -> int:
    """Return how many cells of a row there are without the empty ones at its end."""
    length = len(row)
    while length and not row[length - 1]:
        length -= 1
    return length


def _numbers(
    name: str,
    table: Mapping[str, Cells],
    ambiguous: re.Pattern[str],
    place: Callable[[int], str],
) -> list[Any]:
    """Return an added column with a decimal point in its numbers.

    Where the types are there, only in rows of numbers; else only if it holds nothing else.
    Raises a TableError where a number means one thing here and another there.
    """
    cells: list[Any] = list(plain(table[name]))
    for row, cell in enumerate(cells):
        if ambiguous.fullmatch(cell):
            raise TableError(
                f"{place(row)}, column {name!r}: {cell!r} is a thousand in some countries and a "
                f"fraction in others. Write {re.sub('[.,]', '', cell)}, or {cell}0 for the fraction"
            )
    types = table.get(f"{name} (type)", table.get("data_type"))
    if types is not None:
        kinds: list[Any] = list(plain(types))
        return [
            cell.replace(",", ".")
            if kind.startswith(("Float", "float")) and _DECIMAL_COMMA.fullmatch(cell)
            else cell
            for kind, cell in zip(kinds, cells, strict=True)
        ]
    if all(_NUMBER.fullmatch(cell) for cell in cells if cell):
        return [cell.replace(",", ".") for cell in cells]
    return cells


def _number_cells(texts: Iterable[Any], written: Iterable[Any], comma: bool) -> list[Any]:
    """Return cells of which those with a decimal point, or comma, are numbers where one is wanted.

    An attribute that is a text gets what stands in the file.
    """
    pattern = _DECIMAL if comma else _DECIMAL_POINT
    return [
        NumberCell.of(text, cell.replace(",", "."), cell) if pattern.fullmatch(cell) else text
        for text, cell in zip(texts, written, strict=True)
    ]


def _without_guards(cells: Sequence[str]) -> Sequence[str]:
    """Return cells without their guards, which hardly any column has."""
    return list(map(_without_guard, cells)) if "\n'" in "\n".join(["", *cells]) else cells


def _without_guard(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


def _added(cells: Cells) -> pd.Series[str]:
    return pd.Series([cell or None for cell in plain(cells)], dtype="str")


def _reader(content: bytes, delimiter: str) -> Any:
    lines = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")
    return csv.reader(lines, delimiter=delimiter, strict=True)


def _records(content: bytes, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Return the records of a CSV, each with the line on which it begins."""
    rows = _reader(content, delimiter)
    line = 1
    try:
        for row in rows:
            if any(row):  # a spreadsheet also saves rows that were cleared
                yield line, row
            line = rows.line_num + 1
    except csv.Error as error:
        raise TableError(f"line {line}: this is not CSV ({error}). Restore the line") from None


def _known_columns(content: bytes, delimiter: str) -> int:
    try:
        _, header = next(_records(content, delimiter), (0, []))
    except TableError:
        return 0
    # Names that are not right are told later, in words that need the right cells.
    names = {name.strip().casefold().replace(" ", "_") for name in header}
    # The last two are of a list of servers.
    return len({*INVENTORY_COLUMNS, "value", "time", "name", "address"} & names)
