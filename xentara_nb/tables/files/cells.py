"""What all the kinds of files share: an inventory as columns of plain cells, checked both ways.

A file is not trusted. Anything that is wrong with one becomes a :class:`TableError` that says where
it is and what to do about it, and so does a frame that is no inventory.
"""

from __future__ import annotations

import math
import re
from binascii import hexlify, unhexlify
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd

from xentara_nb.protocol.cbor import uuid_from
from xentara_nb.protocol.identifiers import Access, Category, DataType, Labelled, label
from xentara_nb.protocol.uuid_column import UuidColumn
from xentara_nb.protocol.values import INT_MAX, AttributeId
from xentara_nb.suggestions import question
from xentara_nb.tables import INVENTORY_COLUMNS
from xentara_nb.tables.frames import categorical, string_array
from xentara_nb.tables.id_arrays import IdDtype, id_array
from xentara_nb.tables.provenance import provenance_of, with_provenance
from xentara_nb.tables.references import uuid_in
from xentara_nb.tables.xentara_frame import as_xentara

Cell: TypeAlias = bool | int | float | str | None
"""What a cell of a file can hold."""


@dataclass(frozen=True)
class Coded:
    """A column whose cells repeat: each of them once, and for each row which it is."""

    codes: npt.NDArray[Any]
    cells: Sequence[Any]

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def tolist(self) -> list[Any]:
        """Return the cell of each row."""
        return list(map(self.cells.__getitem__, self.codes.tolist()))


Cells: TypeAlias = "Sequence[Any] | Coded | pd.Series[Any]"
"""A column: a sequence of cells, one of cells that repeat, or an added one as pandas has it."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DASHES = [8, 13, 18, 23]  # in a UUID
_DIGITS = sorted({*range(36)} - {*_DASHES})
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,19}", re.ASCII)
_R = TypeVar("_R")


MAX_ROWS, MAX_COLUMNS = 5_000_000, 16_384
"""How large a table in a file may be."""

MAX_SHEET_INTEGER = 10**15
"""The largest whole number that Excel keeps: it has 15 digits."""


class TableError(Exception):
    """What is wrong with a file or a frame, and what to do about it."""


class TextTable(NamedTuple):
    """An inventory between a frame and a file; ``place`` says where a row stands: ``line 5``."""

    columns: Mapping[str, Cells]
    provenance: Mapping[str, Any]
    place: Callable[[int], str]
    others: bool = False  # whether others than this library may have made it


def to_table(frame: pd.DataFrame) -> TextTable:
    """Return an inventory as cells, the added columns as they are."""
    check_header(list(frame.columns), "the frame", "Take client.inventory(), and choose rows of it")
    columns: dict[str, Any] = {}
    for name, series in frame.reset_index(drop=True).items():
        if name in _COLUMNS:
            held = coded_series(series) or _coded(series.tolist(), str(name))
            cells = _converted(held, _COLUMNS[name].to_cell, str(name), row_text)
            columns[str(name)] = Coded(held.codes, cells)
        else:
            columns[str(name)] = series
    return TextTable(columns, provenance_of(frame), row_text)


def from_table(table: TextTable) -> pd.DataFrame:
    """Return the inventory that cells hold."""
    columns = {}
    for name, cells in table.columns.items():
        if name in _COLUMNS:
            _, from_cell, build = _COLUMNS[name]
            held = cells if isinstance(cells, Coded) else _coded(cells, name)
            column = build(_converted(held, from_cell, name, table.place)).take(held.codes)
            columns[name] = pd.Series(column, dtype=column.dtype)
        elif isinstance(cells, pd.Series):
            columns[name] = cells
        else:
            there = list(plain(cells))
            columns[name] = pd.Series(there)
            if columns[name].dtype.kind == "f" and any(
                type(each) is int and abs(each) > 2**53 for each in there
            ):
                columns[name] = pd.Series(there, dtype=object)  # a float would be another number
    frame = as_xentara(pd.DataFrame(columns, copy=False))  # all of them are its own
    return with_provenance(frame, table.provenance) if table.provenance else frame


def check_header(
    names: Sequence[object],
    what: str,
    advice: str,
    needed: Sequence[str] = INVENTORY_COLUMNS,
    first: int = 1,
) -> None:
    """Check that the columns that are needed are all there, and each column once."""
    check_names(names, what, first)
    missing = [name for name in needed if name not in names]
    if missing:
        offer = question(missing[0], (str(name) for name in names if name not in INVENTORY_COLUMNS))
        raise TableError(
            f"{what} has no column {', '.join(map(repr, missing))}. {offer and f'{offer} '}{advice}"
        )


def check_names(names: Sequence[object], what: str, first: int = 1) -> None:
    """Check that each column has a name of its own, and that there are not too many."""
    if len(names) > MAX_COLUMNS:
        raise TableError(
            f"{what} has {len(names):,} columns, and {MAX_COLUMNS:,} are taken. Choose some"
        )
    seen: set[str] = set()
    for number, name in enumerate(names, first):
        if not isinstance(name, str) or not name:
            raise TableError(f"column {number} of {what} has no name. Name it, or take it out")
        if name in seen:
            raise TableError(f"{what} has two columns {_shown(name)}. Take one of them out")
        seen.add(name)


def has_row_numbers(names: Sequence[object]) -> bool:
    """Return whether the first column may be the index that pandas writes by default."""
    return len(names) > 1 and not names[0]


def check_row_numbers(cells: Iterable[object], what: str) -> None:
    """Check that a first column without a name numbers the rows, as the index of pandas does."""
    if not all(_INTEGER.fullmatch(str(cell)) for cell in cells):
        raise TableError(f"column 1 of {what} has no name. Name it, or take it out")


def check_size(rows: int) -> None:
    """Check that there are not too many rows."""
    if rows > MAX_ROWS:
        raise TableError(f"it has {rows:,} rows, and {MAX_ROWS:,} are taken. Is it the right file?")


def check_index(index: pd.Index[Any]) -> None:
    """Check that an index, which a file does not keep, only numbers the rows."""
    numbers = index.nlevels == 1 and index.name is None and index.dtype.kind in "iu"
    if len(index) and not numbers:
        raise TableError(
            "the index of the frame is no numbers of rows, and would not be kept. Make columns of "
            "it with reset_index(), or leave it out with reset_index(drop=True)"
        )


def check_no_row_is_empty(columns: Mapping[str, Sequence[Cell]]) -> None:
    """Check that each row of a table has a value, for CSV or Excel."""
    # A spreadsheet leaves such rows behind, so they are passed over when a file is read.
    for row, cells in enumerate(zip(*columns.values(), strict=True)):
        if all(cell is None or cell == "" for cell in cells):
            raise TableError(
                f"{row_text(row)} is empty, and CSV and Excel have no such rows. Take it out, keep "
                "the column primary_key, or write Parquet or JSON"
            )


def row_text(row: int) -> str:
    """Say where a row stands, as pandas counts."""
    return f"row {row} (the first is 0)"


def plain(values: Cells) -> Sequence[Cell]:
    """Return a column as cells; of an added one, the rest beside numbers and booleans as texts."""
    if isinstance(values, Coded):
        return values.tolist()
    return [_plain(v) for v in values.tolist()] if isinstance(values, pd.Series) else values


def _plain(value: Any) -> Cell:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | str):
        return value
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float) and not math.isinf(value):
        return None if math.isnan(value) else value
    return str(value)


def coded_series(series: pd.Series[Any]) -> Coded | None:
    """Return a column of texts or ids as its distinct values; None if it has others, or gaps."""
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    if not isinstance(dtype, pd.StringDtype | IdDtype):
        return None
    codes, values = pd.factorize(series)
    return None if (codes < 0).any() else Coded(codes, values.tolist())


def _coded(values: Sequence[Any] | pd.Series[Any], name: str) -> Coded:
    """Return a column as its distinct values."""
    try:
        numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    except TypeError:
        raise TableError(f"column {name!r} holds lists or maps. Take them out") from None
    codes = np.fromiter(map(numbers.__getitem__, values), np.intp, len(values))
    return Coded(codes, list(numbers))


def _converted(
    column: Coded, convert: Callable[[Any], _R], name: str, place: Callable[[int], str]
) -> Sequence[_R]:
    together = _TOGETHER.get(convert)
    if together is not None and (found := together(column.cells)) is not None:
        return found
    results = []
    for number, value in enumerate(column.cells):
        try:
            results.append(convert(value))
        except TableError as fault:
            where = place(int(np.argmax(column.codes == number)))
            raise TableError(f"{where}, column {name!r}: {fault}") from None
    return results


def _texts(values: Sequence[Any]) -> list[str] | None:
    """Check keys or names together; None where one is to be found that is wrong."""
    try:
        "".join(values).encode()
    except (TypeError, UnicodeEncodeError):
        return None
    return list(values)


def _uuids_from_cells(cells: Sequence[Any]) -> UuidColumn | None:
    """Read UUIDs together; None where one is to be found that is wrong."""
    try:
        joined = "".join(cells).encode("ascii")
        if set(map(len, cells)) != {36}:
            return None
        characters = np.frombuffer(joined, np.uint8).reshape(-1, 36)
        if not (characters[:, _DASHES] == ord("-")).all():
            return None
        return UuidColumn(unhexlify(np.delete(characters, _DASHES, axis=1).tobytes()))
    except (TypeError, ValueError):
        return None


def _uuids_to_cells(values: Sequence[Any]) -> list[str] | None:
    """Write UUIDs together, which takes a third of the time; None where something else is there."""
    if set(map(type, values)) != {UUID}:
        return None
    digits = hexlify(b"".join([value.bytes for value in values]))
    characters = np.full((len(values), 36), ord("-"), np.uint8)
    characters[:, _DIGITS] = np.frombuffer(digits, np.uint8).reshape(-1, 32)
    text = characters.tobytes().decode("ascii")
    return [text[at : at + 36] for at in range(0, len(text), 36)]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _text(value: object) -> str:
    """Check a key or a name."""
    if not isinstance(value, str):
        raise TableError(f"{_shown(value)} is no text. In a spreadsheet, format the cell as text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TableError(f"{_shown(value)} holds half of a character. Take it out") from None
    return value


def _uuid_to_cell(value: object) -> str:
    # A text where pandas has read the file that these rows are from.
    if (uuid := uuid_in(value)) is None:
        raise TableError(f"{_shown(value)} is no uuid.UUID. Choose rows, and leave this column be")
    return str(uuid)


def _uuid_from_cell(cell: object) -> UUID:
    if not isinstance(cell, str) or not _UUID.fullmatch(cell):
        raise TableError(
            f"{_shown(cell)} is no UUID, such as 01234567-89ab-cdef-0123-456789abcdef. "
            "Restore the cell, or take a fresh inventory"
        )
    return _uuid_of(cell)


def _uuid_of(text: str) -> UUID:
    return uuid_from(bytes.fromhex(text.replace("-", "")))


def _id_to_cell(value: object) -> Cell:
    number = _id_number(value)
    return _uuid_to_cell(value) if number is None else number


def _id_from_cell(cell: object) -> AttributeId:
    number = _id_number(cell)
    if number is not None:
        return number
    if isinstance(cell, str) and _UUID.fullmatch(cell):
        return _uuid_of(cell)
    raise TableError(
        f"{_shown(cell)} is no attribute id, an integer such as 11 or a UUID. Restore the cell, or "
        "take a fresh inventory"
    )


def _id_number(value: object) -> int | None:
    """Return an attribute id that is an integer: one from 0 up, of as many bits as can be sent."""
    number = _integer(value)
    return number if number is not None and 0 <= number <= INT_MAX else None


def _number_from_cell(table: type[Labelled], cell: object) -> int:
    """Read the manual's words for an identifier, or the number of one that has none."""
    for member in table:
        if isinstance(cell, str) and member.label == cell:  # not such as pd.NA
            return member
    number = _integer(cell)
    if number is None:
        raise TableError(f"{_shown(cell)} is none of: {table.labels()}. Restore the cell")
    return number


def _label_to_cell(table: type[Labelled], value: object) -> str:
    return label(table, _number_from_cell(table, value))


def _integer(value: object) -> int | None:
    """Return an integer, also one that stands in a text or that a spreadsheet made a float."""
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None


class _Column(NamedTuple):
    to_cell: Callable[[Any], Cell]
    from_cell: Callable[[Any], Any]
    build: Callable[[Sequence[Any]], Any]


def _labels(table: type[Labelled]) -> _Column:
    return _Column(
        partial(_label_to_cell, table),
        partial(_number_from_cell, table),
        partial(categorical, table),
    )


_COLUMNS: dict[Any, _Column] = {
    "primary_key": _Column(_text, _text, string_array),
    "element_uuid": _Column(_uuid_to_cell, _uuid_from_cell, id_array),
    "category": _labels(Category),
    "attribute_name": _Column(_text, _text, string_array),
    "attribute_id": _Column(_id_to_cell, _id_from_cell, id_array),
    "access": _labels(Access),
    "data_type": _labels(DataType),
}

# The same for many values at once, where all of them are right.
_TOGETHER: dict[Any, Callable[[Sequence[Any]], Sequence[Any] | None]] = {
    _text: _texts,
    _uuid_from_cell: _uuids_from_cells,
    _uuid_to_cell: _uuids_to_cells,
}
