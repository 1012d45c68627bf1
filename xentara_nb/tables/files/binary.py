"""Inventories as Parquet and as Excel workbooks, with the packages of two extras.

Neither package is loaded before it is needed, nor needed for anything else.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Sequence
from functools import cache
from itertools import chain, zip_longest
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from xentara_nb.errors import requiring
from xentara_nb.tables import INVENTORY_COLUMNS
from xentara_nb.tables.files.arrow import coded_column
from xentara_nb.tables.files.cells import (
    MAX_SHEET_INTEGER,
    Cell,
    Cells,
    Coded,
    TableError,
    TextTable,
    check_header,
    check_row_numbers,
    check_size,
    coded_series,
    has_row_numbers,
    plain,
    row_text,
)

_PROVENANCE = b"xentara"
_ATTRS = b"PANDAS_ATTRS"  # where pandas keeps DataFrame.attrs
_SHEET = "inventory"
_OTHER_SHEET = "table"  # of any other table
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # how a file of Excel 97, or an encrypted one, begins
_MAX_ROWS, _MAX_COLUMNS, _MAX_CHARACTERS = 1_048_576, 16_384, 32_767
# A row of an inventory takes some 30 bytes of a workbook, and a workbook a tenth of its content.
_ROWS_ALWAYS, _BYTES_OF_ROW = 10_000, 8
_ROW, _PIECE = re.compile(rb"<(?:\w+:)?row[\s/>]"), 1 << 20
_ERROR = re.compile(rb"""\st=["']e["']|<(?:\w+:)?v>#""")
_UNPACKED_ALWAYS, _UNPACKED_RATIO = 16 * 1024 * 1024, 60
# What XML cannot hold. A spreadsheet has a way to write the control characters among them all the
# same, but the packages that read its files differ in whether they know it.
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# XML turns a carriage return into a line feed. Spreadsheets write it as _x000D_, and therefore an
# underscore before what would look like this as _x005F_.
_TO_ESCAPE = re.compile(r"\r|_(?=x[0-9A-Fa-f]{4}[_\r])")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_NEEDS = "this kind of file needs"
_WRITE_AGAIN = "Write it again with inventory.xentara.to_file(path)"


def write_parquet(table: TextTable, file: BinaryIO) -> None:
    """Write an inventory as Parquet: texts and dictionaries of texts, and the added columns."""
    with requiring(_NEEDS, "parquet"):
        import pyarrow
        from pyarrow import parquet
    frame = pd.DataFrame(
        {
            name: _with_times(cells) if isinstance(cells, pd.Series) else _categorical(cells)
            for name, cells in table.columns.items()
        }
    )
    try:
        arrow = pyarrow.Table.from_pandas(frame, preserve_index=False)
    except (pyarrow.ArrowException, TypeError, OverflowError) as error:
        raise TableError(
            f"Parquet cannot hold a column of it ({_line(error)}). Make it one of numbers or texts"
        ) from None
    note = {_PROVENANCE: json.dumps(table.provenance).encode()}
    parquet.write_table(arrow.replace_schema_metadata({**arrow.schema.metadata, **note}), file)


def _with_times(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of times as one of their dtype; as texts where they are of several zones."""
    if pd.Timestamp not in set(map(type, column.array if column.dtype == object else ())):
        return column
    found = column.infer_objects()  # among objects, pyarrow drops the nanoseconds
    return found if found.dtype.kind == "M" else pd.Series(plain(column), dtype=object)


def _categorical(cells: Cells) -> pd.Categorical[str]:
    """Return a column of texts as categories, in their order."""
    if isinstance(cells, Coded):
        texts = list(map(str, cells.cells))
        order = sorted(range(len(texts)), key=texts.__getitem__)
        places = np.empty(len(order), np.intp)
        places[order] = np.arange(len(order))
        ordered = [texts[at] for at in order]
        if len(set(ordered)) == len(ordered):
            return pd.Categorical.from_codes(places[cells.codes], pd.Index(ordered))
    return pd.Categorical(list(map(str, plain(cells))))


def read_parquet(data: bytes, needed: Sequence[str]) -> TextTable:
    """Read a table with some columns from Parquet."""
    with requiring(_NEEDS, "parquet"):
        from pyarrow import parquet
    # What a file can make the package stumble over has no list: the cause is the file.
    try:
        reader = parquet.ParquetFile(io.BytesIO(data))
        names, metadata = reader.schema_arrow.names, reader.schema_arrow.metadata or {}
    except Exception as error:
        raise TableError(f"this is not Parquet ({_line(error)}). {_WRITE_AGAIN}") from None
    check_header(names, "the file", _WRITE_AGAIN, needed)
    inventory = set(INVENTORY_COLUMNS) <= set(names)
    check_size(reader.metadata.num_rows)  # a small file can hold any number
    repeated = INVENTORY_COLUMNS if inventory else ()
    try:
        held = reader.read()
        held.validate(full=True)  # a text may be no UTF-8
        done: dict[str, Any] = {}
        for name in repeated:
            if (column := coded_column(held[name])) is not None:
                done[name] = column
        frame = held.drop_columns(list(done)).to_pandas()
        frame.columns = frame.columns.map(str)
        # An index that has a name is a column there; one without a name is none.
        named = [each for each in frame.index.names if each is not None]
        frame = frame.reset_index(named).reset_index(drop=True)
        for each in (held.schema.pandas_metadata or {}).get("columns", ()):
            if each["numpy_type"] == "object" and each["field_name"] in frame:
                # A column of objects that had one type: pandas makes one of that of it.
                values = held[each["field_name"]].to_pylist()
                frame[each["field_name"]] = pd.Series(values, dtype=object)
        provenance = json.loads(metadata.get(_PROVENANCE, b"{}"))
        if not provenance:
            provenance = json.loads(metadata.get(_ATTRS, b"{}")).get(_PROVENANCE.decode(), {})
    except Exception as error:
        raise TableError(f"pandas cannot hold this ({_line(error)}). {_WRITE_AGAIN}") from None
    # pandas puts the columns of an index at the end of the file.
    names = [name for name in dict.fromkeys([*named, *names]) if name in done or name in frame]
    for name in repeated:
        if name not in done:
            done[name] = coded_series(frame[name]) or frame[name].astype(object).tolist()
    return TextTable(
        {name: done[name] if name in done else frame[name] for name in names},
        provenance if isinstance(provenance, dict) else {},
        row_text,
    )


def write_excel(table: TextTable, file: BinaryIO) -> None:
    """Write an inventory as an Excel workbook."""
    with requiring(_NEEDS, "excel"):
        import openpyxl
        from openpyxl import cell
    columns = {name: plain(cells) for name, cells in table.columns.items()}
    rows = len(next(iter(columns.values()), ())) + 1
    if rows > _MAX_ROWS or len(columns) > _MAX_COLUMNS:
        raise TableError(
            f"{rows} rows of {len(columns)} cells are more than a sheet can hold ({_MAX_ROWS} of "
            f"{_MAX_COLUMNS}). Choose fewer rows, or write CSV or Parquet"
        )
    texts = {name: _sheet_text(name, "the header") for name in columns}
    for name, cells in columns.items():
        for row, text in enumerate(cells):
            if isinstance(text, str) and text not in texts:
                texts[text] = _sheet_text(text, f"{row_text(row)}, column {name!r}")

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(_SHEET if columns.keys() >= set(INVENTORY_COLUMNS) else _OTHER_SHEET)

    def written(value: Cell) -> Any:
        if isinstance(value, str):
            text = texts[value]
            if not text.startswith(("=", "#")):
                return text
            # openpyxl would make a formula of the one and an error of some of the other.
            as_text = cell.WriteOnlyCell(sheet, text)
            as_text.data_type = "s"
            return as_text
        if isinstance(value, float) and float(f"{value:.16g}") != value:
            # openpyxl would write one digit too few.
            exact = cell.WriteOnlyCell(sheet, repr(value))
            exact.data_type = "n"
            return exact
        too_long = type(value) is int and abs(value) > MAX_SHEET_INTEGER
        return str(value) if too_long else value

    for cells in chain([list(columns)], zip(*columns.values(), strict=True)):
        sheet.append([written(value) for value in cells])
    book.save(file)


def check_sheet_texts(frame: pd.DataFrame) -> None:
    """Check that a sheet can hold the texts of a table, which pandas sees when half is written."""
    labels = [*frame.columns.to_flat_index(), *frame.columns.names, *frame.index.names]
    for label in labels:
        for text in label if isinstance(label, tuple) else [label]:
            _check_characters(text, "the header")
    levels: list[Any] = [frame.index.get_level_values(at) for at in range(frame.index.nlevels)]
    columns = [("the index", values) for values in levels]
    columns += [(f"column {name!r}", values) for name, values in frame.items()]
    for what, values in columns:
        if values.dtype.kind == "O":
            for row, text in enumerate(values.array):
                _check_characters(text, f"{row_text(row)}, {what}")


def read_excel(data: bytes, needed: Sequence[str]) -> TextTable:
    """Read a table with some columns from an Excel workbook."""
    with requiring(_NEEDS, "excel"):
        import openpyxl
    most = _ROWS_ALWAYS + len(data) // _BYTES_OF_ROW
    errors = _check_unpacked(data, most)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = _sheet(book)
        sheet.reset_dimensions()  # what a file says of its size need not be true
        rows = []
        for number, row in enumerate(
            sheet.iter_rows(max_row=_MAX_ROWS, values_only=not errors), start=1
        ):
            if number > most:
                raise _too_many_rows(data, most)
            rows.append((number, _trimmed(_without_errors(row) if errors else row)))
        book.close()
    except TableError:
        raise
    except Exception as error:  # as in read_parquet
        raise TableError(f"this is no Excel workbook ({_line(error)}). {_WRITE_AGAIN}") from None
    rows = [(number, row) for number, row in rows if row]
    if not rows:
        raise TableError(f"the sheet is empty. {_WRITE_AGAIN}")
    _, header = rows.pop(0)
    names = [_unescaped(name) if isinstance(name, str) else name for name in header]
    first = 1
    if has_row_numbers(names):
        check_row_numbers((row[0] for _, row in rows), "the sheet")
        first, names, rows = 2, names[1:], [(number, row[1:]) for number, row in rows]
    check_header(names, "the sheet", _WRITE_AGAIN, needed, first)
    inventory = set(INVENTORY_COLUMNS) <= set(names)
    text_of = cache(_unescaped)  # each text once in memory
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for number, row in rows:
        if len(row) > len(names):
            raise TableError(f"row {number}: there is a cell beside the columns. Clear it")
        for name, value in zip_longest(names, row):
            if isinstance(value, str):
                value = text_of(value)
            elif value is None and inventory and name in INVENTORY_COLUMNS:
                value = ""  # in a sheet an empty text and no text are the same
            columns[name].append(value)
    others = sheet.title not in (_SHEET, _OTHER_SHEET)
    return TextTable(columns, {}, lambda row: f"row {rows[row][0]}", others)


def _sheet(book: Any) -> Any:
    """Return the sheet of a workbook that has the table: the one so called, or the first in sight.

    A hidden one has what was put aside, such as an earlier state.
    """
    sheets = book.worksheets  # without the charts
    if not sheets:  # or in another form: openpyxl knows one of the two
        raise TableError(
            "there is no sheet in the workbook that can be read. Save it as 'Excel Workbook', not "
            "as 'Strict Open XML'"
        )
    named = [sheet for sheet in sheets if sheet.title == _SHEET]
    seen = [sheet for sheet in sheets if sheet.sheet_state == "visible"]
    return (named or seen or sheets)[0]


def _without_errors(row: Sequence[Any]) -> Sequence[Any]:
    """Return the values of cells; #REF! or #N/A, which a formula gives, is none, as to pandas."""
    return [None if cell.data_type == "e" else cell.value for cell in row]


def _check_unpacked(data: bytes, most: int) -> bool:
    """Refuse a workbook that says shortly what takes very long to read.

    Returns whether some of its cells may hold the error of a formula.
    """
    rows, errors = 0, False
    if data.startswith(_OLE):
        raise TableError(
            "this is a workbook of an older Excel, or one with a password. Save it as an Excel "
            "workbook (.xlsx) without one"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            size = sum(entry.file_size for entry in entries)
            if size <= max(_UNPACKED_ALWAYS, _UNPACKED_RATIO * len(data)):
                found = [_rows(archive, entry) for entry in entries]
                rows = max((number for number, _ in found), default=0)
                errors = any(error for _, error in found)
    except Exception as error:  # as in read_parquet
        raise TableError(f"this is no Excel workbook ({_line(error)}). {_WRITE_AGAIN}") from None
    if size > max(_UNPACKED_ALWAYS, _UNPACKED_RATIO * len(data)):
        raise TableError(
            f"the workbook of {len(data):,} bytes unpacks to {size:,}, far more than an inventory "
            f"does. {_WRITE_AGAIN}"
        )
    if rows > most:
        raise _too_many_rows(data, most)
    return errors


def _rows(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[int, bool]:
    """Return how many rows a sheet has, and whether it may have errors: far sooner than it is read.

    An error that lies across two pieces is found by its value, which comes behind.
    """
    rows, errors = 0, False
    with archive.open(entry) as sheet:
        for piece in iter(lambda: sheet.read(_PIECE), b""):
            rows += len(_ROW.findall(piece))
            errors |= bool(_ERROR.search(piece))
    return rows, errors


def _too_many_rows(data: bytes, most: int) -> TableError:
    return TableError(
        f"the sheet has more than {most:,} rows, which is more than an inventory has in a file of "
        f"{len(data):,} bytes. Delete the empty rows below it"
    )


def _line(error: Exception) -> str:
    """Return the first line of a message that is not ours, or its kind where it has none."""
    line = str(error).partition("\n")[0][:200]
    return "".join(c if c.isprintable() else " " for c in line) or type(error).__name__


def _trimmed(row: Sequence[Any]) -> Sequence[Any]:
    """Take the empty cells from the end of a row."""
    length = len(row)
    while length and row[length - 1] is None:
        length -= 1
    return row[:length]


def _sheet_text(text: str, where: str) -> str:
    """Return a text as a sheet holds it, or raise when none can."""
    _check_characters(text, where)
    escaped = _TO_ESCAPE.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
    # The limit counts UTF-16, and openpyxl would cut the text off.
    if len(escaped.encode("utf-16-le")) > 2 * _MAX_CHARACTERS:
        raise TableError(
            f"{where}: a cell cannot hold a text of {len(text)} characters (at most "
            f"{_MAX_CHARACTERS}). Write CSV or Parquet"
        )
    return escaped


def _check_characters(text: object, where: str) -> None:
    if isinstance(text, str) and (illegal := _ILLEGAL.search(text)):
        raise TableError(
            f"{where}: a sheet cannot hold the character {illegal[0]!r}. Write CSV or Parquet"
        )


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
