"""The dtype of ``element_uuid`` and ``attribute_id``: integers and UUIDs that pandas works with.

A column holds a number for each row, and a table of the ids once: rows repeat few of them. So they
are compared, sorted, grouped and merged as numbers, integers in front of UUIDs. What comes out is
an :class:`int` or a :class:`uuid.UUID`, or None where there is nothing. In a file, or a table of
another library, an id is its text.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import (
    ExtensionArray,
    ExtensionDtype,
    no_default,
    register_extension_dtype,
    take,
)
from pandas.api.indexers import check_array_indexer

from xentara_nb.protocol.uuid_column import UuidColumn
from xentara_nb.tables.id_table import (
    Codes,
    IdTable,
    is_missing,
    key_of,
    look_up,
    to_id,
)


@register_extension_dtype
class IdDtype(ExtensionDtype):
    """The dtype of ids, ``"xentara_id"`` for short.

    A column of plain numbers, texts or UUIDs is merged with one of ids after
    ``.astype("xentara_id")``: pandas merges columns of two dtypes as objects, without asking the
    dtypes, and puts no integers and UUIDs in one order, as an outer merge does. ``pandas.concat``
    does ask, and takes numbers as they are.

    Examples
    --------
    >>> import pandas as pd
    >>> ids = pd.Series(["11", "12345678-1234-1234-1234-123456789abc"], dtype="xentara_id")
    >>> ids[0], ids[1]
    (11, UUID('12345678-1234-1234-1234-123456789abc'))
    >>> plain = pd.DataFrame({"attribute_id": [11, 12], "limit": [400, 1]})
    >>> frame = pd.DataFrame({"attribute_id": ids})
    >>> frame.merge(plain.astype({"attribute_id": "xentara_id"}), how="outer")["limit"].tolist()
    [400.0, 1.0, nan]
    """

    name = "xentara_id"
    type = object
    kind = "O"
    na_value = None

    def __str__(self) -> str:
        # pyarrow writes this text into a Parquet file, and pandas refuses to read the file where it
        # does not know the name: that is, wherever this library is not imported.
        return "object"

    def __repr__(self) -> str:
        return self.name

    @classmethod
    def construct_array_type(cls) -> Any:
        """Return the class of arrays of this dtype."""
        return IdArray

    def _get_common_dtype(self, dtypes: list[Any]) -> Any:
        # Integers that are concatenated with ids become ids; texts, which may be none, do not.
        ids = all(isinstance(each, IdDtype) or each.kind in "iu" for each in dtypes)
        return self if ids else None


def id_array(ids: Sequence[int | UUID | None]) -> IdArray:
    """Return a column of integers and UUIDs. None is a missing value."""
    if isinstance(ids, UuidColumn):
        return IdArray(np.arange(len(ids), dtype=np.int32), IdTable(ids))
    if {int, UUID}.issuperset(map(type, ids)):
        held = np.fromiter(ids, np.object_, len(ids))
        return IdArray(np.arange(len(held), dtype=np.int32), IdTable(held))
    return IdArray.of(ids)


class IdArray(ExtensionArray):
    """An array of ids; see :class:`IdDtype`. It is made by :func:`id_array`.

    ``codes`` is the place of each id in the table, -1 where there is none.
    """

    # numpy is not to take the operators of its arrays with this one.
    __array_priority__ = 1000

    def __init__(self, codes: Codes, table: IdTable, *, readonly: bool = False) -> None:
        self.codes = codes
        self.table = table
        self._readonly = readonly

    def __reduce__(self) -> Any:
        held = self.compact()
        return IdArray, (held.codes, held.table)

    @classmethod
    def of(cls, values: Any) -> IdArray:
        """Return ids, of which some may be in texts or missing; raises TypeError for others."""
        if isinstance(getattr(values, "array", values), IdArray):
            found: IdArray = getattr(values, "array", values)
            return found.copy()
        given = values.tolist() if hasattr(values, "tolist") else list(values)
        there = np.fromiter((not is_missing(each) for each in given), bool, len(given))
        ids = [to_id(each) for each in given if not is_missing(each)]
        codes = np.full(len(given), -1, np.int32)
        codes[there] = np.arange(len(ids), dtype=np.int32)
        return cls(codes, IdTable(np.fromiter(ids, np.object_, len(ids))))

    # What pandas makes arrays by

    @classmethod
    def _from_sequence(cls, scalars: Any, *, dtype: Any = None, copy: bool = False) -> IdArray:
        return cls.of(scalars)

    _from_sequence_of_strings = _from_sequence

    @classmethod
    def _concat_same_type(cls, to_concat: Sequence[IdArray]) -> IdArray:
        tables = {id(each.table): each.table for each in to_concat}
        if len(tables) == 1:
            (table,) = tables.values()
            return cls(np.concatenate([each.codes for each in to_concat]), table)
        # A few rows of a large table do not keep all of it.
        parts = [each.compact() for each in to_concat]
        table, starts = IdTable.joined(each.table for each in parts)
        codes = [
            np.where(each.codes < 0, np.int32(-1), each.codes + np.int32(starts[id(each.table)]))
            for each in parts
        ]
        return cls(np.concatenate(codes).astype(np.int32, copy=False), table)

    def _cast_pointwise_result(self, values: Any) -> Any:
        # What comes of a function of ids is ids where there are UUIDs, and else what pandas finds.
        kinds = set(map(type, values)) - {type(None)}
        if UUID in kinds and kinds <= {int, UUID}:
            return self.of(values)
        held = np.fromiter(values, np.object_, len(values))
        return pd.Series(held, dtype=object).infer_objects().array

    # What pandas asks of an array

    @property
    def dtype(self) -> IdDtype:
        """The dtype."""
        return _DTYPE

    @property
    def nbytes(self) -> int:
        """The bytes of the numbers: the table may be shared."""
        return self.codes.nbytes

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, item: Any) -> Any:
        item = _without_ellipsis(item)
        if isinstance(item, int | np.integer):
            code = self.codes[item]
            return None if code < 0 else self.table[code]
        if isinstance(item, slice):
            # pandas marks the arrays of its columns, and a view of one is not to change it either.
            return IdArray(self.codes[item], self.table, readonly=self._readonly)
        return IdArray(self.codes[check_array_indexer(self, item)], self.table)

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._readonly:
            raise ValueError("Cannot modify read-only array")
        one = isinstance(value, str | UUID) or pd.api.types.is_scalar(value)
        codes = self._codes_of([value] if one else value)
        self.codes[check_array_indexer(self, key)] = codes[0] if one else codes

    def __iter__(self) -> Any:
        return iter(self.tolist())

    def __contains__(self, item: object) -> bool:
        if is_missing(item):
            return item is None and bool((self.codes < 0).any())
        return bool((self == item).any())

    def tolist(self) -> list[Any]:
        """Return the ids as a list."""
        return list(self.table.at(self.codes).tolist())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("an array of ids cannot become one of numpy without a copy")
        return self.to_numpy(dtype)

    def to_numpy(
        self, dtype: Any = None, copy: bool = False, na_value: Any = no_default
    ) -> npt.NDArray[Any]:
        """Return a copy in an array of numpy, of dtype object unless another is asked for."""
        nothing = None if na_value is no_default else na_value
        found = self.table.at(self.codes, nothing)
        return found if dtype is None else found.astype(dtype, copy=False)

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """Return the ids in another dtype; see :meth:`pandas.Series.astype`."""
        dtype = pd.api.types.pandas_dtype(dtype)
        if dtype == self.dtype:
            return self.copy() if copy else self
        if isinstance(dtype, pd.StringDtype) or dtype.kind in "US":
            texts = np.fromiter(map(str, self.table.ids), np.object_, len(self.table))
            held = look_up(texts, self.codes, None)
            wrapped = isinstance(dtype, ExtensionDtype)
            return pd.Series(held, dtype=dtype).array if wrapped else held.astype(dtype)
        return super().astype(dtype, copy=copy)

    def isna(self) -> npt.NDArray[np.bool_]:
        """Return where there is no id."""
        return self.codes < 0

    def copy(self) -> IdArray:
        """Return an array that can be changed by itself."""
        return IdArray(self.codes.copy(), self.table)

    def take(self, indices: Any, *, allow_fill: bool = False, fill_value: Any = None) -> IdArray:
        """Return the ids at some places; see :meth:`pandas.api.extensions.ExtensionArray.take`."""
        if not allow_fill:
            return IdArray(self.codes.take(np.asarray(indices, np.intp)), self.table)
        (fill,) = self._codes_of([fill_value])
        codes = take(self.codes, np.asarray(indices, np.intp), allow_fill=True, fill_value=fill)
        return IdArray(np.asarray(codes, np.int32), self.table)

    # Order and equality

    def factorize(self, use_na_sentinel: bool = True) -> tuple[npt.NDArray[np.intp], Any]:
        """Return a number for each id, and the distinct ones in the order they come in."""
        numbers, distinct = pd.factorize(self.canonical())
        missing = np.flatnonzero(distinct < 0)
        if use_na_sentinel and len(missing):
            (at,) = missing
            numbers = np.where(numbers == at, -1, numbers - (numbers > at))
            distinct = np.delete(distinct, at)
        return numbers.astype(np.intp, copy=False), IdArray(distinct, self.table)

    def unique(self) -> IdArray:
        """Return the distinct ids in the order they come in."""
        return IdArray(pd.unique(self.canonical()), self.table)

    def duplicated(self, keep: Any = "first") -> npt.NDArray[np.bool_]:
        """Return which ids are there several times."""
        return pd.Series(self.canonical()).duplicated(keep).to_numpy()

    def isin(self, values: Any) -> npt.NDArray[np.bool_]:
        """Return which ids are among some values."""
        if isinstance(values, IdArray):
            values = values.unique()
        codes = {-1 if is_missing(each) else self.table.code_of(key_of(each)) for each in values}
        return np.isin(self.canonical(), np.fromiter(codes, np.int32, len(codes)))

    def value_counts(self, dropna: bool = True) -> Any:
        """Return how often each id is there."""
        numbers, distinct = self.factorize(use_na_sentinel=dropna)
        counts = np.bincount(numbers[numbers >= 0], minlength=len(distinct))
        return pd.Series(counts.astype(np.int64), index=pd.Index(distinct), name="count")

    def _mode(self, dropna: bool = True) -> IdArray:
        codes = self.canonical()
        most = pd.Series(codes[codes >= 0] if dropna else codes).mode(dropna=False)
        found = IdArray(most.to_numpy(np.int32), self.table)
        return found.take(found.argsort())

    def searchsorted(self, value: Any, side: Any = "left", sorter: Any = None) -> Any:
        """Return where ids would have to be inserted; see :meth:`numpy.ndarray.searchsorted`."""
        one = isinstance(value, str | UUID) or pd.api.types.is_scalar(value)
        wanted = self.of([value] if one else value).id_keys()
        found = self.id_keys().searchsorted(wanted, side=side, sorter=sorter)
        return found[0] if one else found

    def _values_for_argsort(self) -> npt.NDArray[np.int64]:
        return look_up(self.table.ranks, self.codes, -1)

    def _values_for_factorize(self) -> tuple[npt.NDArray[np.object_], None]:
        # These are compared with those of another array, with another table.
        return self.id_keys(), None

    def _reduce(
        self, name: str, *, skipna: bool = True, keepdims: bool = False, **kwargs: Any
    ) -> Any:
        if name not in ("min", "max"):
            return super()._reduce(name, skipna=skipna, keepdims=keepdims, **kwargs)
        there = np.flatnonzero(self.codes >= 0)
        at = -1
        if len(there) and (skipna or len(there) == len(self)):
            ranks = self._values_for_argsort()[there]
            at = int(there[ranks.argmin() if name == "min" else ranks.argmax()])
        found = self.take([at], allow_fill=True)
        return found if keepdims else found[0]

    def _compare(self, other: Any, compare: Callable[[Any, Any], Any]) -> Any:
        if isinstance(other, pd.Series | pd.DataFrame | pd.Index):
            return NotImplemented
        equality = compare is operator.eq
        if not isinstance(other, str | UUID) and pd.api.types.is_list_like(other):
            if len(other) != len(self):
                raise ValueError(f"there are {len(self)} ids, and {len(other)} to compare with")
            return self._compare_each(other, compare, equality)
        key = key_of(other)
        if equality:
            return self.table.which(self.codes, key)
        if key is None:
            raise TypeError(f"{other!r} is no id, and cannot be compared with one by order")
        return look_up(np.asarray(compare(self.table.keys, key), bool), self.codes, False)

    def _compare_each(self, other: Any, compare: Callable[[Any, Any], Any], equality: bool) -> Any:
        if isinstance(other, IdArray) and other.table is self.table and equality:
            return (self.canonical() == other.canonical()) & (self.codes >= 0)
        keys = other.id_keys() if isinstance(other, IdArray) else [key_of(each) for each in other]
        keys = np.fromiter(keys, np.object_, len(self))
        there = (self.codes >= 0) & np.fromiter((key is not None for key in keys), bool, len(self))
        found = np.zeros(len(self), bool)
        found[there] = compare(self.id_keys()[there], keys[there])
        return found

    def __eq__(self, other: object) -> Any:
        return self._compare(other, operator.eq)

    def __lt__(self, other: object) -> Any:
        return self._compare(other, operator.lt)

    def __le__(self, other: object) -> Any:
        return self._compare(other, operator.le)

    def __gt__(self, other: object) -> Any:
        return self._compare(other, operator.gt)

    def __ge__(self, other: object) -> Any:
        return self._compare(other, operator.ge)

    # Texts and files

    def _formatter(self, boxed: bool = False) -> Callable[[Any], str]:
        return str

    def _values_for_json(self) -> npt.NDArray[np.object_]:
        texts = [each if type(each) is int else str(each) for each in self.table.ids]
        return look_up(np.fromiter(texts, np.object_, len(texts)), self.codes, None)

    def __arrow_array__(self, type: Any = None) -> Any:
        """Return the texts of the ids in an array of pyarrow."""
        import pyarrow as pa

        held = self.compact()
        texts = pa.array(list(map(str, held.table.ids)), pa.string())
        codes = pa.array(held.codes, mask=held.codes < 0)
        return pa.DictionaryArray.from_arrays(codes, texts).cast(type or pa.string())

    def canonical(self) -> Codes:
        """Return codes that are the same for the same id, and only then."""
        return self.table.canonical(self.codes)

    def ids(self) -> Sequence[int | UUID]:
        """Return the ids, where none is missing; UUIDs that do not exist as objects in a column."""
        given = self.table.given
        if isinstance(given, UuidColumn):
            held = np.frombuffer(given.data, np.uint64).reshape(-1, 2)
            return UuidColumn(held.take(self.codes, axis=0).tobytes())
        return self.tolist()

    def kinds(self) -> set[type]:
        """Return the types of what occurs in it, that of None where there is none."""
        if not isinstance(self.table.given, UuidColumn):
            return set(map(type, self.distinct()))
        there = self.codes >= 0
        kinds: set[type] = {UUID} if there.any() else set()
        return kinds if there.all() else {*kinds, type(None)}

    def distinct(self) -> list[int | UUID | None]:
        """Return what occurs in it, in any order, None where there is none; some perhaps twice."""
        return IdArray(pd.unique(self.codes), self.table).tolist()

    def id_keys(self) -> npt.NDArray[np.object_]:
        """Return the key of each id, None where there is none."""
        return look_up(self.table.keys, self.codes, None)

    def _codes_of(self, values: Any) -> Codes:
        """Return the codes of ids, which are in the table afterwards."""
        if isinstance(values, IdArray) and values.table is self.table:
            return values.codes
        found = self.of(values).compact()
        return look_up(self.table.add(found.table.ids.tolist()), found.codes, -1)

    def compact(self) -> IdArray:
        """Return the same with a table of no more than what is used, if it is much larger."""
        return IdArray(*self.table.compact(self.codes))


def _without_ellipsis(item: Any) -> Any:
    if not isinstance(item, tuple):
        return item
    rest = [each for each in item if each is not Ellipsis]
    if len(rest) > 1:
        raise IndexError("too many indices for array")
    return rest[0] if rest else slice(None)


_DTYPE = IdDtype()
