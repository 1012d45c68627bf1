"""Inventories and other tables in files: CSV, JSON, Parquet or Excel, by the file's ending.

What is written is read back exactly: every key and name to the last character, the dtypes, the
order of rows and columns, and the columns that were added to the inventory. Two things are not
kept: the index (a frame that is read is numbered from 0) and categories that no row has.

============  ===================================================================================
``.csv``      UTF-8, commas, lines end in LF. The same inventory gives the same bytes, so two of
              them can be compared with ``diff``, and there is no provenance inside. Added columns
              come back as text, an empty cell as a missing value.
``.json``     An object with ``provenance``, ``columns`` and ``records``, a record to a line. Added
              columns keep numbers, booleans and texts; anything else becomes text.
``.parquet``  The smallest and the fastest. Keeps the provenance, and the dtypes of added columns.
              Needs ``pip install 'xentara_nb[parquet]'``.
``.xlsx``     The sheet ``inventory``, or the first one; up to 1,048,575 rows; no provenance. Added
              columns as in JSON, but an empty text comes back as a missing value. Needs
              ``pip install 'xentara_nb[excel]'``.
============  ===================================================================================

A spreadsheet takes a cell of a CSV file that begins with ``=``, ``+``, ``-`` or ``@`` for a
formula and runs it, and an element may well be called ``=1+1``. So a text in a CSV file that
begins with one of these, a tab, a line end or an apostrophe gets an apostrophe in front, and loses
exactly that one when it is read.

Snapshots, values, samples and other tables are kept in the same way, also
with values of several types in one column; see :mod:`xentara_nb.tables.files.typed`. All of these
files can be opened by plain pandas, too: ids are texts then, and taken wherever rows are.

A CSV file that a spreadsheet has saved is read as well: with a byte order mark, as "Unicode text",
with semicolons or tabs, a line ``sep=;``, other line ends, empty rows, or empty columns at the end.
With semicolons or tabs a decimal comma is read in added columns of numbers, and a number such as
``1.234`` is refused: it is a thousand in some countries and a fraction in others. Booleans are read
in the words of German, French, Spanish, Italian, Portuguese, Dutch, Polish and Turkish as well.

A file that would take very long, or far more memory than files of its kind do, is refused: one of
more than 512 MiB, of more than 5,000,000 rows or of more than 16,384 columns.

Examples
--------
>>> import tempfile
>>> from pathlib import Path
>>> from uuid import UUID
>>> from xentara_nb.tables.frames import inventory_frame
>>> from xentara_nb.protocol.commands import AttributeInfo
>>> inventory = inventory_frame([("=1+1", UUID(int=1), 2, (AttributeInfo("value", 11, 2, 10),))])
>>> with tempfile.TemporaryDirectory() as folder:
...     write_table(inventory, Path(folder, "attributes.csv"))
...     print(Path(folder, "attributes.csv").read_text().splitlines()[1])
...     read_inventory(Path(folder, "attributes.csv")).equals(inventory)
'=1+1,00000000-0000-0000-0000-000000000001,data point,value,11,read and write,Float64
True
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from xentara_nb.errors import InventoryFileError, OptionError
from xentara_nb.paths import read_file, replacing, user_path
from xentara_nb.tables import INVENTORY_COLUMNS
from xentara_nb.tables.files import text
from xentara_nb.tables.files.binary import read_excel, read_parquet, write_excel, write_parquet
from xentara_nb.tables.files.cells import TableError, TextTable, from_table, to_table
from xentara_nb.tables.files.records import read_json, write_json
from xentara_nb.tables.files.text import read_csv, write_csv
from xentara_nb.tables.files.typed import from_typed, retyped, to_typed
from xentara_nb.tables.spreadsheets import read_by_pandas, without_guards

MAX_BYTES = 512 * 1024 * 1024
"""The largest file that is read, in bytes: an inventory of two million rows as CSV or JSON."""

_WRITERS = {
    ".csv": write_csv,
    ".json": write_json,
    ".parquet": write_parquet,
    ".xlsx": write_excel,
}
_READERS = {".csv": read_csv, ".json": read_json, ".parquet": read_parquet, ".xlsx": read_excel}


def write_table(
    frame: pd.DataFrame, path: str | os.PathLike[str], *, ending: str | None = None
) -> None:
    """Write an inventory or any other table to a file; its ending says how, or ``ending``.

    The file is written beside the one that is there, and takes its place when it is complete. A
    frame of samples, whose index is ``time``, gets a column of that name.
    """
    with _named(path):
        ending = _ending(path, ending)
        if read_by_pandas(frame):
            frame = without_guards(frame)
        inventory = set(INVENTORY_COLUMNS) <= set(frame.columns)
        table = to_table(frame) if inventory else to_typed(frame, ending)
        with _replacing(user_path(path)) as file:
            _WRITERS[ending](table, file)


def read_inventory(path: str | os.PathLike[str], *, ending: str | None = None) -> pd.DataFrame:
    """Read an inventory from a file.

    Parameters
    ----------
    path : path
        The file.
    ending : str, optional
        ``.csv``, ``.json``, ``.parquet`` or ``.xlsx``; left out, that of the path.

    Returns
    -------
    pandas.DataFrame
        The rows and columns in the order of the file, numbered from 0: ``primary_key`` (str),
        ``element_uuid`` (xentara_id), ``category`` (categorical), ``attribute_name`` (str),
        ``attribute_id`` (xentara_id), ``access`` (categorical), ``data_type`` (categorical), and
        any columns that the file has besides.

    Raises
    ------
    InventoryFileError
        If the file holds no inventory. The message names the line and the column, what is wrong
        there and what to do about it.
    MissingExtraError
        If Parquet or Excel needs a package that is not installed.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> client.inventory("Plant.Line 1").xentara.to_csv("line.csv")
    >>> xentara_nb.read_inventory("line.csv").columns.tolist()[:3]
    ['primary_key', 'element_uuid', 'category']
    """
    with _named(path):
        return from_table(_read(path, _ending(path, ending), INVENTORY_COLUMNS))


def read_table(path: str | os.PathLike[str], *, ending: str | None = None) -> pd.DataFrame:
    """Read what ``df.xentara.to_file`` has written: a snapshot, values, samples or an inventory.

    Parameters
    ----------
    path : path
        The file.
    ending : str, optional
        ``.csv``, ``.json``, ``.parquet`` or ``.xlsx``; left out, that of the path.

    Returns
    -------
    pandas.DataFrame
        The same rows and columns with the same dtypes, numbered from 0; samples with their index
        ``time``.

    Raises
    ------
    InventoryFileError
        If the file holds no such table. The message says where, and what to do about it.
    MissingExtraError
        If Parquet or Excel needs a package that is not installed.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile, xentara_nb
    >>> from pathlib import Path
    >>> with xentara_nb.simulate() as plant, plant.connect() as client:
    ...     values = client.read("Plant.Line 1.Set point")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     values.xentara.to_file(Path(folder, "values.csv"))
    ...     xentara_nb.read_table(Path(folder, "values.csv")).equals(values)
    True
    """
    return _read_table(path, ending)[0]


def read_edited(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read such a table whose values people may have edited, and which are to be written.

    They are as they stand in the file: what each of them means, and whether it is refused, is
    decided where the data types of the attributes are known.
    """
    return _read_table(path, None, edited="value")[0]


def read_compared(path: str | os.PathLike[str]) -> tuple[pd.DataFrame, set[str]]:
    """Read such a table, and say in which columns it cannot tell some values from others.

    There are some where plain pandas has written it: a sheet of this library has another name,
    and beside values in its CSV files is their type, unless it is one and all are numbers.
    """
    frame, table = _read_table(path, None)
    names = set(frame.columns)
    if user_path(path).suffix.lower() != ".csv":
        return frame, names if table.others else set()
    if "value" not in names or "value (type)" in table.columns:
        return frame, set()
    return frame, names - {"value"} if pd.api.types.is_numeric_dtype(frame["value"]) else names


def _read_table(
    path: str | os.PathLike[str], ending: str | None, *, edited: str | None = None
) -> tuple[pd.DataFrame, TextTable]:
    """Return the table as it is, and as the file has it."""
    with _named(path):
        ending = _ending(path, ending)
        table = _read(path, ending, (), to_be_written=edited is not None)
        if set(INVENTORY_COLUMNS) <= table.columns.keys():
            frame = from_table(table)
        else:
            frame = from_typed(table, ending, edited=edited)
        return frame, table


def as_written(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows that pandas has read from such a file with the values that were written."""
    try:
        found = retyped(frame)
    except TableError as fault:
        raise InventoryFileError(str(fault)) from None
    return without_guards(found) if read_by_pandas(frame) else found


def _read(
    path: str | os.PathLike[str], ending: str, needed: Sequence[str], *, to_be_written: bool = False
) -> TextTable:
    data = read_file(path, MAX_BYTES)
    if not data:
        raise TableError("the file is empty; write it again")
    if to_be_written and ending == ".csv":
        return text.read_cells(data)
    return _READERS[ending](data, needed)


def read_cells(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read any CSV whose first line names its columns, as texts; an empty cell is None."""
    with _named(path):
        columns = text.read_cells(read_file(path, MAX_BYTES)).columns
    frame = pd.DataFrame(dict(columns), dtype=object)
    return frame.where(frame != "", None)


@contextmanager
def _named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file in what is wrong with it."""
    try:
        yield
    except TableError as fault:
        raise InventoryFileError(f"{os.fspath(path)}: {fault}") from fault.__cause__
    except OptionError as error:  # of the path, which it names
        raise InventoryFileError(str(error)) from None
    except UnicodeEncodeError as error:
        raise InventoryFileError(
            f"{os.fspath(path)}: {error.object[error.start : error.end]!r} is half of a character "
            "and has no form in UTF-8; take it out of the text"
        ) from None


def _ending(path: str | os.PathLike[str], ending: str | None) -> str:
    ending = (user_path(path).suffix if ending is None else ending).lower()
    if ending not in _READERS:
        *most, last = _READERS
        raise TableError(
            f"a table is kept in files that end in {', '.join(most)} or {last}; choose one"
        )
    return ending


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of another when, and only when, all went well."""
    target = Path(os.path.realpath(path))  # where a link points to: the link itself stays
    if target.exists() and not target.is_file():
        # Nothing that could be replaced, such as /dev/stdout.
        with target.open("wb") as file:
            yield file
        return
    if not target.parent.is_dir():  # rather than an error that names the temporary file
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with replacing(target, temporary) as file:
            yield file
            if target.exists():
                shutil.copymode(target, temporary)
    except OSError as error:
        # A full disk names none. An error without a number would show nothing but the name.
        if error.filename == str(temporary) or (error.filename is None and error.errno):
            error.filename = str(path)  # the one that the user knows
        raise
