"""What has changed between two inventories or two snapshots: of other days, or other servers.

Elements are the same where they have the same UUID; those that are left over, where they have the
same primary key. Their attributes are the same where they have the same id.
"""

from __future__ import annotations

import numbers
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from xentara_nb.errors import OptionError
from xentara_nb.tables.arrow import from_arrow
from xentara_nb.tables.comparison import CHANGES, Comparison
from xentara_nb.tables.files import as_written, read_compared
from xentara_nb.tables.frames import doubled_column, make_frame, object_array, string_array
from xentara_nb.tables.id_arrays import IdArray, id_array
from xentara_nb.tables.references import canonical, id_in, uuid_in
from xentara_nb.tables.spreadsheets import alike_to_pandas, is_missing, read_by_pandas

TableLike: TypeAlias = "pd.DataFrame | str | os.PathLike[str] | Any"
"""A DataFrame, a table of another library, or a file that ``xentara.to_file`` has written."""

_Rows: TypeAlias = npt.NDArray[np.intp]

_COLUMNS = {
    "category": "category",
    "type": "type",
    "display_name": "display name",
    "units": "units",
    "attribute_name": "renamed",
    "data_type": "retyped",
    "access": "access",
    "quality": "quality",
}
"""The change that another cell in a column is; in any other column it is a changed value."""

_NO_CHANGE = frozenset(
    {
        *("primary_key", "element_uuid", "attribute_id", "error", "time"),
        *("update_time", "change_time", "source_time", "write_time"),
    }
)
"""Columns that are other ones each time, or say which row it is."""


class _Changes(NamedTuple):
    """Some changes of one kind, column by column."""

    change: str
    keys: Any
    uuids: Any
    names: Any  # of the attributes; None where it is the element that has changed
    old: Any
    new: Any


def compare(old: TableLike, new: TableLike, *, tolerance: float = 0.0) -> Comparison:
    """Compare two inventories, two snapshots or two readings.

    Parameters
    ----------
    old, new : DataFrame or path
        What there was, and what there is: as DataFrames, or files that ``xentara.to_file`` has
        written. Where plain pandas has read such a file, or written it (``to_csv``, ``to_excel``),
        what it cannot tell apart, such as the text ``"None"`` from nothing and ``"007"`` from 7, is
        no change; ``"007"`` is another text than ``"7"``.
    tolerance : float, default 0.0
        How far two numbers may be apart and still count as the same value.

    Returns
    -------
    Comparison
        Shown, it is a sentence and a table; ``.frame`` has one row per change, in parts ``.added``,
        ``.removed`` and ``.changed``; ``.same`` says whether there is none.

    Raises
    ------
    OptionError
        If one of them does not say which elements its rows belong to, or only one of them has a
        row per attribute; or if the tolerance is negative or no number.
    InventoryFileError
        If a file cannot be understood.
    OSError
        If a file cannot be read.

    Examples
    --------
    >>> import xentara_nb
    >>> with xentara_nb.simulate() as plant, plant.connect(journal=False) as client:
    ...     before = client.snapshot("Plant.Line 1.Set point")
    ...     result = client.write("Plant.Line 1.Set point", 195)
    ...     after = client.snapshot("Plant.Line 1.Set point")
    >>> xentara_nb.compare(before, after).frame[["change", "primary_key", "old", "new"]]
      change             primary_key    old    new
    0  value  Plant.Line 1.Set point  210.0  195.0
    """
    if not isinstance(tolerance, numbers.Real) or not tolerance >= 0:
        raise OptionError(f"the tolerance must be 0 or more, and not {tolerance!r}")
    (old_frame, vague), (new_frame, also) = _frame(old, "old"), _frame(new, "new")
    sides = old_frame, new_frame
    by_attribute = {"attribute_id" in frame.columns for frame in sides}
    if len(by_attribute) == 2:
        raise OptionError(
            "one has a row per attribute, as inventories and settings have, and the other a row "
            "per element, as snapshots have: compare two of the same kind"
        )
    texts = [isinstance(_dtype(each, "value"), pd.StringDtype) for each in sides]
    if texts[0] != texts[1] and not isinstance(old if texts[0] else new, str | os.PathLike):
        # It may be from a CSV file of plain pandas, where nothing says that a value is no text.
        vague = set(old_frame.columns)
    found = _Comparer(*sides, tolerance, vague | also)
    changes = [each for each in found.changes() if len(each.keys)]
    try:
        ids = id_array(np.concatenate([object_array([]), *(each.uuids for each in changes)]))
    except TypeError as error:
        raise OptionError(f"a column element_uuid holds what is no UUID: {error}") from None
    return Comparison(_changes_frame(changes, ids), found.elements)


def _frame(table: TableLike, which: str) -> tuple[pd.DataFrame, set[str]]:
    """Return a table, and the columns in which it cannot tell some values from others."""
    name, vague = f"the {which} one", set[str]()
    if isinstance(table, str | os.PathLike):
        name = os.fspath(table)
        table, vague = read_compared(table)
    frame = from_arrow(table)
    if not isinstance(frame, pd.DataFrame):
        raise OptionError(f"{name} is no DataFrame and no path, but of type {type(table).__name__}")
    if not {"primary_key", "element_uuid"} <= set(frame.columns):
        raise OptionError(
            f"{name} has no columns primary_key and element_uuid: give an inventory or a snapshot"
        )
    if (doubled := doubled_column(frame, frame.columns)) is not None:
        raise OptionError(f"{name} has two columns {doubled!r}: take one of them out")
    return frame, set(frame.columns) if read_by_pandas(frame) else vague


class _Comparer:
    """Finds the rows that belong together, and what is different in them."""

    def __init__(
        self, old: pd.DataFrame, new: pd.DataFrame, tolerance: float, vague: set[str]
    ) -> None:
        self._vague = vague
        old, new = as_written(old), as_written(new)
        self._old, self._new, self._tolerance = old, new, tolerance
        self._by_attribute = "attribute_id" in new.columns
        elements = _codes(old["element_uuid"], new["element_uuid"], uuid_in)
        self._old_keys, self._new_keys = (_objects(frame["primary_key"]) for frame in (old, new))
        self._old_element, self._new_element, self._replaced = self._by_key(*elements)
        self._old_first = _first_rows(self._old_element)
        self._new_first = _first_rows(self._new_element)
        self.elements = len(self._new_first)
        # Where each row is on the other side; -1 where it is not.
        self._there = self._rows()

    def _by_key(self, old: _Rows, new: _Rows) -> tuple[_Rows, _Rows, list[tuple[int, int]]]:
        """Take elements that are left over, and have the same key, for the same."""
        old_first, new_first = _first_rows(old), _first_rows(new)
        gone = {
            self._old_keys[row]: code for code, row in old_first.items() if code not in new_first
        }
        same = {
            code: gone[key]
            for code, row in new_first.items()
            if code not in old_first and (key := self._new_keys[row]) in gone
        }
        if same:
            table = np.arange(max(new.max(), old.max()) + 1)
            table[list(same)] = list(same.values())
            new = table[new]
        pairs = [(old_first[code], new_first[number]) for number, code in same.items()]
        return old, new, pairs

    def _rows(self) -> _Rows:
        old, new = self._old_element, self._new_element
        if self._by_attribute:
            ids = _codes(self._old["attribute_id"], self._new["attribute_id"], _attribute)
            count = 1 + max((int(each.max()) for each in ids if len(each)), default=0)
            old, new = old * count + ids[0], new * count + ids[1]
        index = pd.Index(old)
        if not index.is_unique or not pd.Index(new).is_unique:
            # No sound server has an attribute twice: then the first belongs to the first.
            old, new = _numbered(old, new)
            index = pd.Index(old)
        return index.get_indexer(pd.Index(new))

    def changes(self) -> Iterable[_Changes]:
        """Give what has changed, one kind after the other."""
        new_rows = np.flatnonzero(self._there >= 0)
        old_rows = self._there[new_rows]
        only_old = np.ones(len(self._old), bool)
        only_old[old_rows] = False
        added = np.flatnonzero(self._there < 0)
        removed = np.flatnonzero(only_old)
        yield from self._come_or_gone("added", self._new, self._new_first, added, self._old_first)
        yield from self._come_or_gone(
            "removed", self._old, self._old_first, removed, self._new_first
        )
        both = [code for code in self._new_first if code in self._old_first]
        old_first = _as_rows(map(self._old_first.__getitem__, both))
        new_first = _as_rows(map(self._new_first.__getitem__, both))
        yield self._of_elements(
            "renamed",
            "primary_key",
            *self._unequal(self._old_keys, self._new_keys, old_first, new_first),
        )
        if self._replaced:
            pairs = np.array(self._replaced, np.intp).T
            yield self._of_elements("replaced", "element_uuid", pairs[0], pairs[1])
        for name in self._new.columns:
            if name in _NO_CHANGE or name not in self._old.columns:
                continue
            pair = (old_first, new_first) if self._is_of_element(name) else (old_rows, new_rows)
            different = self._different(name, *pair)
            if _COLUMNS.get(name, "value") != "value":
                # What could not be read has no other type, units ...: its missing value says so.
                different &= ~(
                    _unread(self._old, name, pair[0]) | _unread(self._new, name, pair[1])
                )
            yield self._changed(str(name), pair[0][different], pair[1][different])

    def _come_or_gone(
        self,
        change: str,
        frame: pd.DataFrame,
        first: Mapping[int, int],
        rows: _Rows,
        other: Mapping[int, int],
    ) -> Iterable[_Changes]:
        """Give the elements that only one side has, then the single attributes."""
        elements = _as_rows(row for code, row in first.items() if code not in other)
        keys, uuids = _objects(frame["primary_key"]), _objects(frame["element_uuid"])
        nothing = object_array([None] * len(elements))
        yield _Changes(change, keys[elements], uuids[elements], nothing, nothing, nothing)
        if "attribute_name" in frame.columns:
            codes = self._new_element if frame is self._new else self._old_element
            whole = np.zeros(int(codes.max(initial=0)) + 1, bool)
            whole[codes[elements]] = True
            rows = rows[~whole[codes[rows]]]
            nothing = object_array([None] * len(rows))
            names = _objects(frame["attribute_name"].iloc[rows])
            yield _Changes(change, keys[rows], uuids[rows], names, nothing, nothing)

    def _of_elements(self, change: str, column: str, old: _Rows, new: _Rows) -> _Changes:
        return _Changes(
            change,
            self._new_keys[new],
            _objects(self._new["element_uuid"].iloc[new]),
            object_array([None] * len(new)),
            _objects(self._old[column].iloc[old]),
            _objects(self._new[column].iloc[new]),
        )

    def _changed(self, name: str, old: _Rows, new: _Rows) -> _Changes:
        change = _COLUMNS.get(name, "value")
        found = self._of_elements(change, name, old, new)
        if self._is_of_element(name):
            return found
        if "attribute_name" in self._new.columns:
            return found._replace(names=_objects(self._new["attribute_name"].iloc[new]))
        shown = "value" if name in ("access", "data_type") else name
        return found._replace(names=object_array([shown] * len(new)))

    def _is_of_element(self, name: str) -> bool:
        """Return whether a column says something of the element, and not of one attribute."""
        if self._by_attribute:
            return name == "category"
        return name in ("category", "type", "display_name", "units")

    def _different(self, name: str, old_rows: _Rows, new_rows: _Rows) -> Any:
        """Return which of some pairs of rows have something else in a column."""
        old, new = self._old[name], self._new[name]
        if all(isinstance(each.dtype, pd.CategoricalDtype) for each in (old, new)):
            codes = _category_codes(old, new)
            return codes[0][old_rows] != codes[1][new_rows]
        if all(pd.api.types.is_float_dtype(each) for each in (old, new)):
            one, other = (
                each.to_numpy("float64", na_value=np.nan)[rows]
                for each, rows in ((old, old_rows), (new, new_rows))
            )
            with np.errstate(invalid="ignore"):
                same = (one == other) | (abs(one - other) <= self._tolerance)
                if name in self._vague:
                    same |= np.isclose(one, other, rtol=5e-16, atol=0)
            return ~(same | (np.isnan(one) & np.isnan(other)))
        one, other = _objects(old)[old_rows], _objects(new)[new_rows]
        different = _not_equal(one, other)
        for at in np.flatnonzero(different).tolist():
            different[at] = not self._same(name, one[at], other[at])
        return different

    def _same(self, name: str, one: Any, other: Any) -> bool:
        if _same(one, other, self._tolerance):
            return True
        return name in self._vague and alike_to_pandas(one, other, self._tolerance)

    def _unequal(self, one: Any, other: Any, rows: _Rows, others: _Rows) -> tuple[_Rows, _Rows]:
        different = _not_equal(one[rows], other[others])
        for at in np.flatnonzero(different).tolist() if "primary_key" in self._vague else ():
            different[at] = not alike_to_pandas(one[rows[at]], other[others[at]])
        return rows[different], others[different]


def _dtype(frame: pd.DataFrame, name: str) -> Any:
    return frame[name].dtype if name in frame.columns else None


def _unread(frame: pd.DataFrame, name: str, rows: _Rows) -> npt.NDArray[np.bool_]:
    """Return in which rows a cell is missing because the element could not be read."""
    if "error" not in frame.columns:
        return np.zeros(len(rows), bool)
    part = frame[[name, "error"]].iloc[rows]
    return (part[name].isna() & part["error"].notna()).to_numpy(bool)


def _not_equal(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which pairs are perhaps not the same."""
    try:
        return np.asarray(one != other, bool)
    except (TypeError, ValueError):  # such as lists
        return np.ones(len(one), bool)


def _same(one: Any, other: Any, tolerance: float) -> bool:
    if one is other:
        return True
    missing = [is_missing(each) for each in (one, other)]
    if any(missing):
        return all(missing)
    numbers = all(
        isinstance(each, int | float | np.number) and not isinstance(each, bool)
        for each in (one, other)
    )
    if numbers:
        return bool(one == other or abs(one - other) <= tolerance)
    return bool(one == other)


def _codes(
    old: pd.Series[Any], new: pd.Series[Any], read: Callable[[Any], Any]
) -> tuple[_Rows, _Rows]:
    """Return a number for each value, the same for the same on both sides."""
    # By identity first: the rows of an element mostly share one object, and to hash a UUID is slow.
    objects = np.concatenate([_objects(old), _objects(new)])
    identities = np.fromiter(map(id, objects), np.uintp, len(objects))
    codes, _ = pd.factorize(identities)
    first = np.zeros(int(codes.max(initial=-1)) + 1, np.intp)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    numbers: dict[Any, int] = {}
    table = [numbers.setdefault(_or_itself(read, each), len(numbers)) for each in objects[first]]
    found = np.array(table, np.intp)[codes] if table else np.zeros(0, np.intp)
    return found[: len(old)], found[len(old) :]


def _or_itself(read: Callable[[Any], Any], value: Any) -> Any:
    found = read(value)
    return str(value) if found is None else found


def _attribute(value: Any) -> Any:
    """Return an id in one form: a well-known attribute also has a UUID."""
    found = id_in(value)
    return canonical(found) if isinstance(found, int) or uuid_in(found) is not None else None


def _numbered(old: _Rows, new: _Rows) -> tuple[_Rows, _Rows]:
    """Tell apart what occurs several times, so that no number is there twice."""
    counts = [pd.Series(each).groupby(each).cumcount().to_numpy() for each in (old, new)]
    most = 1 + max((int(each.max()) for each in counts if len(each)), default=0)
    return old * most + counts[0], new * most + counts[1]


def _first_rows(codes: _Rows) -> dict[int, int]:
    """Return the first row of each code, in the order of the rows."""
    distinct, first = pd.unique(codes), np.flatnonzero(~pd.Series(codes).duplicated().to_numpy())
    return dict(zip(distinct.tolist(), first.tolist(), strict=True))


def _category_codes(old: pd.Series[Any], new: pd.Series[Any]) -> tuple[Any, Any]:
    numbers: dict[Any, int] = {}
    codes = []
    for each in (old, new):
        table = [numbers.setdefault(label, len(numbers)) for label in each.cat.categories]
        codes.append(np.array([*table, -1])[each.cat.codes.to_numpy()])
    return codes[0], codes[1]


def _objects(column: pd.Series[Any]) -> Any:
    return column.to_numpy(object)


def _as_rows(rows: Iterable[int]) -> _Rows:
    return np.array(list(rows), np.intp)


def _changes_frame(changes: list[_Changes], ids: IdArray) -> pd.DataFrame:
    def joined(column: str) -> Any:
        parts = [getattr(each, column) for each in changes]
        return np.concatenate(parts) if parts else object_array([])

    kinds = np.repeat(
        np.array([CHANGES.index(each.change) for each in changes], np.intp),
        [len(each.keys) for each in changes],
    )
    order = np.argsort(kinds, kind="stable")
    dtype = pd.CategoricalDtype(list(CHANGES))
    return make_frame(
        {
            "change": pd.Categorical.from_codes(kinds[order], dtype=dtype),
            "primary_key": string_array(joined("keys")[order]),
            "element_uuid": ids[order],
            "attribute_name": string_array(joined("names")[order]),
            "old": joined("old")[order],
            "new": joined("new")[order],
        }
    )
