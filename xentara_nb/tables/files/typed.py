"""Any table in a file: snapshots, values and samples, with the dtypes that they have.

The columns that the library knows by their names have one dtype each. Of any other column, the
texts of its cells mostly say which it is; where they do not, or where the values are of several
types, a column beside it does: ``value (type)`` has ``float``, ``int``, ``Boolean``, ``text``,
``time``, ``UUID`` or ``never`` for each value, or the dtype of the whole column. Where there are no
rows, the column beside it is called ``value (float64)``, by the dtype.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd

from xentara_nb.protocol.errors import one_line
from xentara_nb.protocol.identifiers import Access, Category, DataType, Labelled, Quality
from xentara_nb.protocol.values import INT_MAX, INT_MIN
from xentara_nb.tables.files.cells import (
    Cell,
    TableError,
    TextTable,
    check_index,
    check_names,
    check_no_row_is_empty,
    row_text,
)
from xentara_nb.tables.frames import TEXT, labelled, object_array, string_array
from xentara_nb.tables.id_arrays import IdDtype, id_array
from xentara_nb.tables.provenance import provenance_of, with_provenance
from xentara_nb.tables.references import id_in, uuid_in
from xentara_nb.tables.snapshots import TEXT_COLUMNS, TIME_COLUMNS
from xentara_nb.tables.spreadsheets import is_missing, truth, unguarded
from xentara_nb.tables.times import iso_time
from xentara_nb.tables.xentara_frame import as_xentara

_SUFFIX = " (type)"
_MOST_ERRORS = 20
_TIMES = TIME_COLUMNS | {"time"}
_TEXTS = TEXT_COLUMNS | {"primary_key", "attribute_name", "error"}
_LABELS: Mapping[str, type[Labelled]] = {
    "category": Category,
    "access": Access,
    "data_type": DataType,
    "quality": Quality,
}
_CONVERTED = _TEXTS | _LABELS.keys() | {"element_uuid", "attribute_id"}  # in Parquet texts
_NAMED = _CONVERTED | _TIMES
_TIME_DTYPE = pd.DatetimeTZDtype("ns", "UTC")
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|-?inf", re.ASCII)
_DTYPE = re.compile(
    r"u?int(8|16|32|64)|U?Int(8|16|32|64)|[fF]loat(32|64)|bool|boolean|str|string|category"
    r"|quality|xentara_id|datetime64\[(s|ms|us|ns)(, [\w/+:-]+)?\]",
    re.ASCII,
)


def to_typed(frame: pd.DataFrame, ending: str) -> TextTable:
    """Return a table as cells, as a kind of file can hold them."""
    if isinstance(frame.index, pd.DatetimeIndex) and frame.index.name == "time":
        frame = frame.reset_index()
    check_index(frame.index)
    check_names(list(frame.columns), "the frame")
    frame = retyped(frame)
    columns: dict[str, Any] = {}
    for name, series in frame.reset_index(drop=True).items():
        known = _is_known(str(name), series)
        if ending == ".parquet" and _is_native(series) and (known or name not in _NAMED):
            columns[str(name)] = series
            continue
        cells, words = _cells(series)
        if known:
            words = None
        elif words is None and (
            name in _NAMED or not _is_clear(str(name), cells, series.dtype, ending) or not cells
        ):
            words = [_dtype_word(series)] * len(series)
        if ending == ".parquet":
            # As one type where they are of one, so that others can use them.
            if len(set(map(type, cells)) - {type(None)}) > 1:
                cells = [*_texts(cells)]
            columns[str(name)] = pd.Series(cells, dtype=_common_dtype(cells))
        else:
            columns[str(name)] = _marked(cells) if ending in (".csv", ".xlsx") else cells
        if words is not None and not cells and series.dtype != object:
            columns[f"{name} ({_dtype_word(series)})"] = words
        elif words is not None:
            columns[f"{name}{_SUFFIX}"] = (
                pd.Series(pd.Categorical(words)) if ending == ".parquet" else words
            )
    if ending in (".csv", ".xlsx"):
        check_no_row_is_empty(columns)
    return TextTable(columns, provenance_of(frame), row_text)


def from_typed(table: TextTable, ending: str, *, edited: str | None = None) -> pd.DataFrame:
    """Return the table that cells hold.

    In the column ``edited`` they are as they stand there, an empty one is None.
    """
    columns: dict[str, Any] = {}
    wrong: list[str] = []
    empty = _dtypes_of_nothing(table.columns)
    for name, given in table.columns.items():
        if name.endswith(_SUFFIX) and name.removesuffix(_SUFFIX) in table.columns:
            continue
        if name in empty.values():
            continue
        if name in empty:
            columns[name] = _of_dtype([], _split(empty[name])[1])
            continue
        cells: Any = given
        words = table.columns.get(f"{name}{_SUFFIX}")
        if isinstance(given, pd.Series):
            if words is None and _is_native(given) and name not in _CONVERTED:
                text = given.dtype == "str"
                columns[name] = given.astype(TEXT) if text else given
                continue
            if words is None and given.dtype == object and name not in _NAMED:
                columns[name] = given
                continue
            cells = [None if is_missing(each) else each for each in given.tolist()]
        elif ending in (".csv", ".xlsx"):
            cells = _unmarked(cells)
        if name == edited:
            columns[name] = pd.Series(object_array(_as_edited(cells, words)), dtype=object)
            continue
        try:
            if words is not None and ending in (".json", ".xlsx"):
                _check_texts(cells, words)
            columns[name] = _column(name, cells, None if words is None else _words(words))
        except _CellError as errors:
            for row, said in errors.by_row.items():
                wrong.append(f"{table.place(row)}, column {name!r}: {said}")
            if len(wrong) > _MOST_ERRORS:
                break
    if wrong:
        more = "\n…" if len(wrong) > _MOST_ERRORS else ""
        raise TableError("\n".join(wrong[:_MOST_ERRORS]) + more)
    frame = as_xentara(pd.DataFrame(columns))
    if not {"primary_key", "element_uuid"} & columns.keys() and next(iter(columns), "") == "time":
        frame = frame.set_index("time")
    return with_provenance(frame, table.provenance) if table.provenance else frame


def retyped(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table that was read from such a file by something else, as it was written."""
    typed = [name for name in frame.columns if str(name).endswith(_SUFFIX)]
    known = [name for name in typed if str(name).removesuffix(_SUFFIX) in frame.columns]
    if not known:
        return frame
    pairs: dict[str, Any] = {}
    for each in known:
        name = str(each).removesuffix(_SUFFIX)
        pairs[name], pairs[each] = frame[name], frame[each]
        if not isinstance(frame[each].dtype, pd.CategoricalDtype):  # then it is no Parquet
            pairs[name], pairs[each] = _without_marks(frame[name], frame[each])
    found = from_typed(TextTable(pairs, {}, row_text), ".parquet")
    return frame.assign(**{name: found[name].array for name in found.columns}).drop(columns=known)


class _CellError(Exception):
    """What is wrong with the cells of a column, by row."""

    def __init__(self) -> None:
        super().__init__()
        self.by_row: dict[int, str] = {}

    def add(self, row: int, text: str) -> None:
        """Add what is wrong with one cell; that it is one too many is raised."""
        self.by_row[row] = text
        if len(self.by_row) > _MOST_ERRORS:
            raise self

    def check(self) -> None:
        """Raise if anything is wrong."""
        if self.by_row:
            raise self


# From a column to cells


def _is_known(name: str, series: pd.Series[Any]) -> bool:
    """Return whether a column has the dtype that its name says."""
    if name in _TEXTS:
        return isinstance(series.dtype, pd.StringDtype)
    if name in _TIMES:
        return series.dtype == _TIME_DTYPE
    if name in _LABELS:
        return _is_labelled(series.dtype, _LABELS[name])
    if name in ("element_uuid", "attribute_id"):
        return isinstance(series.dtype, IdDtype) and (
            name == "attribute_id" or int not in set(map(type, series.unique()))
        )
    return False


def _is_labelled(dtype: Any, table: type[Labelled]) -> bool:
    labels = [member.label for member in table]
    return (
        isinstance(dtype, pd.CategoricalDtype) and list(dtype.categories)[: len(labels)] == labels
    )


def _is_native(series: pd.Series[Any]) -> bool:
    """Return whether Parquet holds such a column as it is."""
    return series.dtype != object and not isinstance(series.dtype, pd.CategoricalDtype | IdDtype)


def _cells(series: pd.Series[Any]) -> tuple[list[Cell], list[str] | None]:
    """Return the cells of a column, and the type of each; None where the column has one."""
    values = series.tolist()
    if series.dtype == object:
        pairs = [_cell(each) for each in values]
        return [cell for cell, _ in pairs], [word for _, word in pairs]
    if isinstance(series.dtype, pd.DatetimeTZDtype) or series.dtype.kind == "M":
        return _time_texts(pd.DatetimeIndex(series)), None
    return [None if is_missing(each) else _cell(each)[0] for each in values], None


def _cell(value: Any) -> tuple[Cell, str]:
    """Return a value as a cell, and what it is."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA:
        return None, ""
    if isinstance(value, bool):
        return value, "Boolean"
    if isinstance(value, int):
        return value, "int"
    if isinstance(value, float):
        # What some kind of file has no number for is a text.
        odd = not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0)
        return (str(value) if odd else value), "float"
    if value is pd.NaT:
        return None, "never"
    if isinstance(value, pd.Timestamp):
        (text,) = _time_texts(pd.DatetimeIndex([value]))
        return text, "time"
    return str(value), "UUID" if isinstance(value, UUID) else "text"


def _time_texts(times: pd.DatetimeIndex) -> list[Cell]:
    """Return times as texts, in UTC where they have a time zone."""
    if times.tz is not None:
        naive, zone = times.tz_convert("UTC").tz_localize(None), "+00:00"
    else:
        naive, zone = times, ""
    texts = np.datetime_as_string(naive.to_numpy())
    return [None if text == "NaT" else f"{text}{zone}" for text in texts.tolist()]


def _is_clear(name: str, cells: Sequence[Cell], dtype: Any, ending: str) -> bool:
    """Return whether cells say by themselves which dtype they are of."""
    is_text = str(dtype) == "str"
    # All values are texts in a CSV file of plain pandas, which has no marks.
    if is_text and name == "value" and ending in (".csv", ".xlsx"):
        return False
    # A workbook makes an integer of 1.0.
    return _dtype_of(cells) == str(dtype) and (ending != ".xlsx" or is_text)


def _dtype_word(series: pd.Series[Any]) -> str:
    word = "quality" if _is_labelled(series.dtype, Quality) else series.dtype.name
    if not _DTYPE.fullmatch(word):
        raise TableError(
            f"a column {series.name!r} of dtype {word} cannot be kept. Make it one of numbers, "
            "texts or times"
        )
    return word


def fit_int64(numbers: Sequence[int]) -> bool:
    """Return whether whole numbers have 64 bits with a sign, as pyarrow takes those of objects."""
    return min(numbers) >= INT_MIN and max(numbers) < 2**63


def _common_dtype(cells: Sequence[Cell]) -> Any:
    kinds = set(map(type, cells)) - {type(None)}
    numbers = [each for each in cells if isinstance(each, int)] if kinds == {int} else []
    integer = "Int64"
    if numbers and not fit_int64(numbers):
        integer = "UInt64" if min(numbers) >= 0 and max(numbers) <= INT_MAX else "str"
    names = {bool: "boolean", int: integer, float: "float64"}
    return names.get(next(iter(kinds)), "str") if len(kinds) == 1 else "str"


def _marked(cells: Iterable[Cell]) -> list[Cell]:
    """Tell an empty text from none, where an empty cell is both: by an apostrophe."""
    return [f"'{each}" if isinstance(each, str) and not each.strip("'") else each for each in cells]


def _unmarked(cells: Iterable[Cell]) -> list[Cell]:
    return [
        (None if not each else each[1:] if not each.strip("'") else each)
        if isinstance(each, str)
        else each
        for each in cells
    ]


def _as_edited(cells: Iterable[Any], words: Iterable[Any] | None) -> list[Any]:
    """Return values that people may have edited: NaN, which may be a missing one, stays that."""
    if words is None:
        return list(cells)
    return [
        math.nan if word == "float" and isinstance(cell, str) and cell.lower() == "nan" else cell
        for cell, word in zip(cells, words, strict=True)
    ]


def _check_texts(cells: Iterable[Any], words: Iterable[Any]) -> None:
    """Refuse another cell for a text: that of True, 7.0 or a date is not what a sheet shows."""
    errors = _CellError()
    for row, (cell, word) in enumerate(zip(cells, words, strict=True)):
        if word in ("text", "str") and not (cell is None or isinstance(cell, str)):
            errors.add(row, f"{_shown(cell)} is no text. Format the cell as one, and restore it")
    errors.check()


def _without_marks(cells: pd.Series[Any], words: pd.Series[Any]) -> tuple[Any, Any]:
    """Return what pandas has read from CSV or Excel as it was written.

    An empty text has a mark there. So where a text is missing it was one that pandas takes for
    missing, such as NA, and is not known any more.
    """
    found = [None if is_missing(each) else each for each in cells.tolist()]
    found = [unguarded(each) if isinstance(each, str) else each for each in found]
    known = words.tolist()
    for row, (cell, word) in enumerate(zip(found, known, strict=True)):
        if word == "text" and cell is None:
            known[row] = ""
        elif word == "float" and cell is None:
            found[row] = math.nan
        elif word == "Boolean" and isinstance(cell, float) and cell in (0, 1):
            found[row] = bool(cell)  # beside numbers it has become one
    return found, known


# From cells to a column


def _split(name: str) -> tuple[str, str]:
    """Return the name of a column, and the dtype behind it where there is one."""
    column, _, dtype = name.removesuffix(")").rpartition(" (")
    return (column, dtype) if name.endswith(")") and _DTYPE.fullmatch(dtype) else (name, "")


def _dtypes_of_nothing(columns: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns that say by their names which dtype those without rows have."""
    if len(next(iter(columns.values()), ())):
        return {}
    pairs = {_split(name)[0]: name for name in columns}
    return {name: other for name, other in pairs.items() if name != other and name in columns}


def _words(words: Iterable[Any]) -> list[Any]:
    return ["" if is_missing(each) else each for each in words]


def _column(name: str, cells: Sequence[Cell], words: list[Any] | None) -> Any:
    if words is None:
        if name in _TEXTS:
            return string_array(_texts(cells))
        if name in _TIMES:
            return _times(cells, str(_TIME_DTYPE))
        if name in _LABELS:
            return labelled(_LABELS[name], _texts(cells))
        if name == "element_uuid":
            return id_array(_each(cells, _uuid, "is no UUID"))
        if name == "attribute_id":
            return id_array(_each(cells, _attribute_id, "is no attribute id"))
        if not _is_alike(cells):  # as in a sheet or in JSON, where each cell has a type of its own
            return pd.Series(object_array(cells), dtype=object)
        return _of_dtype(cells, _dtype_of(cells) or "object")
    (first,) = set(words) if len(set(words)) == 1 else ("",)
    if isinstance(first, str) and _DTYPE.fullmatch(first):
        return _of_dtype(cells, first)
    held, errors = object_array(cells), _CellError()
    for row, (cell, word) in enumerate(zip(cells, words, strict=True)):
        try:
            held[row] = _READERS[word or ""](cell)
        except (KeyError, ValueError, TypeError, AttributeError):
            errors.add(row, f"{_shown(cell)} is no {word}. Restore the cell")
    errors.check()
    return pd.Series(held, dtype=object)


def _is_alike(cells: Iterable[object]) -> bool:
    """Return whether cells are all texts, all booleans or all numbers."""
    types = set(map(type, cells)) - {type(None)}
    return types <= {int, float} or types in ({str}, {bool})


def _dtype_of(cells: Iterable[Cell]) -> str | None:
    """Return the dtype that the texts of some cells say; None if there are none."""
    there = [_text(each) for each in cells if each is not None]
    gaps = len(there) != sum(1 for _ in cells)
    if not there:
        return None
    if all(truth(each) is not None for each in there):
        return "boolean" if gaps else "bool"
    if all(map(_INTEGER.fullmatch, there)):
        return "Int64" if gaps else "int64"
    return "float64" if all(map(_NUMBER.fullmatch, there)) else "str"


def _of_dtype(cells: Sequence[Cell], dtype: str) -> Any:
    if dtype == "xentara_id":
        return id_array(_each(cells, _attribute_id, "is no id"))
    if dtype == "quality":
        return labelled(Quality, _texts(cells))
    if dtype.startswith("datetime64"):
        if "," in dtype:  # each has its zone, which is not guessed where it was taken out
            _each(_texts(cells), _zoned, "is no time with a time zone, such as +00:00")
        return _times(cells, dtype)
    if dtype == "str":  # as the library has texts, on any setting of pandas
        return string_array(_texts(cells))
    if dtype in ("string", "category"):
        return pd.Series(_texts(cells), dtype=dtype)
    read: Callable[[Any], Any] = str
    if "int" in dtype.lower():
        read = _int
    elif "float" in dtype.lower():
        read = _float
    elif "bool" in dtype:
        read = _truth
    # Of an empty cell pandas makes False, or refuses it without saying where.
    gaps = dtype == "boolean" or not dtype.startswith(("bool", "int", "uint"))
    values = _each(cells, lambda each: read(_text(each)), f"is no {dtype}", gaps=gaps)
    if dtype.startswith("float"):
        values = [math.nan if each is None else each for each in values]
    try:
        return pd.Series(values, dtype=dtype)
    except (ValueError, TypeError, OverflowError) as error:
        errors = _CellError()
        errors.add(0, f"the column is not of {dtype} ({error}). Restore it")
        raise errors from None


def _times(cells: Sequence[Cell], dtype: str) -> Any:
    kind: Any = pd.api.types.pandas_dtype(dtype)
    unit: Any = kind.unit if isinstance(kind, pd.DatetimeTZDtype) else np.datetime_data(kind)[0]
    values = _each(
        _texts(cells),
        lambda each: iso_time(each).as_unit(unit),  # where not every time fits
        "is no time, such as 2024-01-01T12:00:00+00:00",
    )
    if not isinstance(kind, pd.DatetimeTZDtype):
        return pd.Series(values, dtype=dtype)
    index = pd.to_datetime(pd.Series(values, dtype=object), utc=True)
    return index.dt.as_unit(kind.unit).dt.tz_convert(kind.tz)


def _zoned(text: str) -> None:
    if iso_time(text).tz is None:
        raise ValueError(text)


def _shown(cell: Cell) -> str:
    return "an empty cell" if cell is None else one_line(repr(cell), 100)


def _each(
    cells: Iterable[Cell], read: Callable[[Any], Any], what: str, *, gaps: bool = True
) -> list[Any]:
    """Read each distinct cell once; None stays None, where there may be gaps."""
    known: dict[Any, Any] = {None: None} if gaps else {}
    found, errors = [], _CellError()
    for row, cell in enumerate(cells):
        key = cell if cell is None or isinstance(cell, str) else (type(cell), cell)
        try:
            if key not in known:
                known[key] = read(cell)
        except (ValueError, TypeError, OverflowError):  # of what has no hash, too
            errors.add(row, f"{_shown(cell)} {what}. Restore the cell")
        else:
            found.append(known[key])
    errors.check()
    return found


def _uuid(cell: Cell) -> UUID:
    found = uuid_in(cell)
    if found is None:
        raise ValueError
    return found


def _attribute_id(cell: Cell) -> Any:
    found = id_in(cell)
    if not isinstance(found, UUID | int) or isinstance(found, bool):
        raise ValueError
    return found


def _int(text: str) -> int:
    return int(_digits(text))


def _float(text: str) -> float:
    return float(_digits(text))


def _digits(text: str) -> str:
    """Return a text that may be a number, without what Python alone takes for one."""
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return text


def _truth(text: str) -> bool:
    found = truth(text)
    if found is None:
        raise ValueError(text)
    return found


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else str(cell)


def _texts(cells: Iterable[Cell]) -> list[str | None]:
    return [None if each is None else _text(each) for each in cells]


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "": lambda cell: None,
    "never": lambda cell: pd.NaT,
    "Boolean": lambda cell: _truth(_text(cell)),
    "int": lambda cell: _int(_text(cell).removesuffix(".0")),
    "float": lambda cell: _float(_text(cell)),
    "text": lambda cell: None if cell is None else _text(cell),  # a cell that was emptied
    "time": lambda cell: iso_time(cell).tz_convert("UTC"),
    "UUID": _uuid,
}
