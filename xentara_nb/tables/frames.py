"""The DataFrames of the library, built from what the protocol gives: column by column.

The dtypes are the same for an empty frame, and whether pyarrow is installed or not. Texts are
``str``; ids of elements and attributes are of the dtype of :mod:`xentara_nb.tables.id_arrays`;
times are ``datetime64[ns, UTC]``. Category, access and data type are categoricals with all of the
manual's words in the order of the identifiers; an identifier that this version does not know is a
category of its own, its number's text, behind the others and only where a row has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from functools import lru_cache
from itertools import accumulate, chain, count, islice
from operator import eq, itemgetter, lt, ne
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray
from pandas.api.internals import (  # type: ignore[import-not-found]  # not in its stubs
    create_dataframe_from_blocks,
)

from xentara_nb.protocol.commands import AttributeInfo, BrowseEntry
from xentara_nb.protocol.errors import ERRORS_BY_CODE, ServerError, XentaraError
from xentara_nb.protocol.identifiers import (
    Access,
    Attribute,
    Category,
    DataType,
    Labelled,
    Quality,
    label,
)
from xentara_nb.protocol.values import AttributeId, TimePoint
from xentara_nb.tables.id_arrays import id_array
from xentara_nb.tables.xentara_frame import as_xentara

TEXT = pd.StringDtype("python", na_value=np.nan)
"""The dtype of texts: ``str``, kept as Python objects, so that each key and name, which are on
many rows, is in memory once."""

Array: TypeAlias = "npt.NDArray[Any] | ExtensionArray"
"""A column of a frame."""

InventoryElement: TypeAlias = tuple[str, UUID, int, tuple[AttributeInfo, ...]]
"""Primary key, UUID, category and attributes of an element."""

_TIME = pd.DatetimeTZDtype("ns", UTC)


def doubled_column(frame: pd.DataFrame, names: Iterable[Any]) -> str | None:
    """Return the first of some names that two columns have, as pandas allows; None if none is."""
    if frame.columns.is_unique:
        return None
    return next((str(name) for name in names if isinstance(frame.get(name), pd.DataFrame)), None)


def inventory_frame(elements: Iterable[InventoryElement]) -> pd.DataFrame:
    """Return an inventory: one row per attribute; an element without attributes gives no row.

    Sorted by primary key, then attribute name (where both are equal: by element UUID and the
    attribute id's text), and numbered from 0.
    """
    columns = zip(*elements, strict=True)
    return inventory_frame_of(*(list(next(columns, ())) for _ in range(4)))


def inventory_frame_of(
    keys: list[str],
    uuids: Sequence[UUID],
    categories: list[int],
    lists: list[tuple[AttributeInfo, ...]],
) -> pd.DataFrame:
    """Return the same as :func:`inventory_frame`, from the columns of the elements."""
    # Elements of one type share their list of attributes: each distinct list is looked at once,
    # and the rows are put together by indexing.
    attributes, places, starts, counts = _attribute_lists(lists)
    order = np.arange(len(keys))
    # Keys mostly come in their order, and are unique on a sound server.
    ascending = all(map(lt, keys, islice(keys, 1, None)))
    if not ascending:
        order = np.array(sorted(range(len(keys)), key=keys.__getitem__))
        starts, counts = starts[order], counts[order]

    # Row r shows attribute attributes[attribute[r]] and belongs to element element[r].
    attribute = (starts + counts - counts.cumsum()).repeat(counts)
    attribute += np.arange(len(attribute))
    attribute = places[attribute]
    rows: slice | list[int] = slice(None)
    if not ascending and _repeats([keys[at] for at in order]):
        # Rows of several elements interleave.
        owner, shown = order.repeat(counts), attribute

        def row_order(row: int) -> tuple[object, ...]:
            at = owner[row]
            name, *others = _attribute_order(attributes[shown[row]])
            return keys[at], name, uuids[at], others, categories[at]

        rows = sorted(range(len(owner)), key=row_order)
        attribute = attribute[rows]
    name = string_array([a.name for a in attributes]).take(attribute)
    attribute_id = id_array([a.attribute_id for a in attributes]).take(attribute)
    access = categorical(Access, [a.access for a in attributes]).take(attribute)
    data_type = categorical(DataType, [a.data_type for a in attributes]).take(attribute)
    # One index is gone before there is the other: each is as large as a column of texts, and new
    # memory takes longer to get than to fill.
    del attribute
    element = order.repeat(counts)[rows]
    return make_frame(
        {
            "primary_key": string_array(keys).take(element),
            "element_uuid": id_array(uuids).take(element),
            "category": categorical(Category, categories).take(element),
            "attribute_name": name,
            "attribute_id": attribute_id,
            "access": access,
            "data_type": data_type,
        }
    )


def elements_frame(entries: Iterable[BrowseEntry]) -> pd.DataFrame:
    """Return the answer to browse: one row per element, sorted by key (where equal: by UUID)."""
    ordered = sorted(entries, key=itemgetter(0))
    if _repeats(keys := [entry.primary_key for entry in ordered]):
        ordered.sort()
    return make_frame(
        {
            "primary_key": string_array(keys),
            "element_uuid": id_array([entry.element_uuid for entry in ordered]),
            "category": categorical(Category, [entry.category for entry in ordered]),
        }
    )


def to_display(value: object, data_type: int | None, attribute_id: AttributeId) -> object:
    """Return a value as a DataFrame shows it.

    A time stamp is a :class:`pandas.Timestamp` in UTC with nanoseconds: never is
    :data:`pandas.NaT`, for ever the largest there is. A quality (data type 18, or attribute 9) and
    an element category (data type 19, or attribute 4) are the manual's words, whether the server
    sent a number or a text. Of the error codes (data type 20, or attributes 12 and 13) 0 is
    ``no error``, and those of the manual have its words. Everything else is as it came.

    Examples
    --------
    >>> to_display(3, DataType.QUALITY, 9), to_display("Data Point", None, 4)
    ('bad', 'data point')
    >>> to_display(0, DataType.ERROR_CODE, 12), to_display(-32108, DataType.ERROR_CODE, 12)
    ('no error', 'read error (-32108)')
    """
    kind = type(value)
    if isinstance(value, TimePoint):
        return time_array([value.nanoseconds])[0]
    if kind is int or kind is str:
        if data_type == _QUALITY or attribute_id in _QUALITY_IDS:
            return _word(Quality, value)
        if data_type == _CATEGORY or attribute_id in _CATEGORY_IDS:
            return _word(Category, value)
        if kind is int and (data_type == _ERROR or attribute_id in _ERROR_IDS):
            return _error_word(value)
    return value


def make_frame(columns: Mapping[str, Array]) -> pd.DataFrame:
    """Return a DataFrame of equally long columns, numbered from 0, without a copy of them.

    Each column is an array of numpy or pandas in the dtype that it is to have.
    """
    arrays = columns.values()
    size = len(next(iter(arrays), ()))
    if any(len(values) != size for values in arrays):
        raise ValueError("the columns of a frame differ in their length")
    # For a frame of one row, pandas.DataFrame(columns) takes three times as long: it infers dtypes.
    frame = create_dataframe_from_blocks(
        [
            (_block(values) if isinstance(values, np.ndarray) else values, place)
            for values, place in zip(arrays, np.arange(len(arrays))[:, np.newaxis], strict=True)
        ],
        pd.RangeIndex(size),
        # A view, for who has the frame may give them a name.
        _column_names(tuple(columns)).view(),
    )
    return as_xentara(frame)


def _block(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a column in two dimensions, into which can be written."""
    # One of another frame is read-only, and the new frame may be changed.
    return (values if values.flags.writeable else values.copy()).reshape(1, -1)


@lru_cache(maxsize=256)
def _column_names(names: tuple[str, ...]) -> pd.Index[str]:
    return pd.Index(list(names))


def string_array(
    values: Sequence[str | None] | npt.NDArray[Any] | ExtensionArray,
) -> ExtensionArray:
    """Return a column of dtype ``str``, a copy. None is a missing value."""
    if isinstance(values, list) and set(map(type, values)) == {str}:  # most are, and need no look
        make: Any = pd.arrays.StringArray  # whose dtype is not in the stubs
        texts: ExtensionArray = make(object_array(values), dtype=TEXT)
        return texts
    if isinstance(values, ExtensionArray) and values.dtype == TEXT:
        return values.copy()
    given: Any = values
    found: ExtensionArray = pd.array(given, dtype=TEXT)
    return found


def no_texts(count: int) -> ExtensionArray:
    """Return a column of dtype ``str`` in which all values are missing."""
    return _NO_TEXT.take(np.zeros(count, np.intp))


def object_array(values: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """Return a column of dtype ``object``, each value as it is."""
    return np.fromiter(values, dtype=np.object_, count=len(values))


def time_array(nanoseconds: Sequence[int] | npt.NDArray[Any]) -> ExtensionArray:
    """Return a column of dtype ``datetime64[ns, UTC]`` from nanoseconds since 1970, a copy."""
    return time_view(np.array(nanoseconds, dtype=np.int64))


def time_view(nanoseconds: npt.NDArray[np.int64]) -> ExtensionArray:
    """Return the same column on the memory of the numbers."""
    # The number that the protocol has for never is the one that pandas has for NaT.
    numbers: Any = pd.arrays.NumpyExtensionArray(nanoseconds)
    times: ExtensionArray = numbers.view(_TIME)
    return times


def categorical(table: type[Labelled], identifiers: Sequence[int | None]) -> pd.Categorical[int]:
    """Return a column of identifiers in the manual's words. None is a missing value.

    Examples
    --------
    >>> categorical(Access, [2, 0, 7])
    ['read and write', 'read only', '7']
    Categories (4, str): ['read only', 'write only', 'read and write', '7']
    """
    codes, dtype = _categories(table)
    unknown: set[Any] = set(identifiers).difference(codes)
    if unknown:
        codes, dtype = _categories(table, *sorted(unknown))
    return pd.Categorical.from_codes(
        np.fromiter(map(codes.__getitem__, identifiers), dtype=np.intp, count=len(identifiers)),
        dtype=dtype,
        validate=False,  # they are the dtype's own
    )


def labelled(table: type[Labelled], words: Sequence[str | None]) -> pd.Categorical[Any]:
    """Return a column of words that are the manual's or, behind those, others."""
    labels = [member.label for member in table]
    others = {each for each in words if each is not None}.difference(labels)
    ordered = sorted(others, key=lambda each: (len(each), each) if each.isdecimal() else (99, each))
    given: Any = words
    return pd.Categorical(given, categories=[*labels, *ordered])


@lru_cache(maxsize=64)
def _categories(
    table: type[Labelled], *unknown: int
) -> tuple[dict[int | None, int], pd.CategoricalDtype[Any]]:
    """Return the code of each identifier, and the words for all codes."""
    numbers = [*table, *unknown]
    codes: dict[int | None, int] = {number: code for code, number in enumerate(numbers)}
    codes[None] = -1
    return codes, pd.CategoricalDtype([label(table, number) for number in numbers])


class _Lists(NamedTuple):
    """Attribute lists in numbers: where each one's attributes are found, in their order."""

    attributes: list[AttributeInfo]
    places: npt.NDArray[np.intp]  # in the attributes, of those of each distinct list in turn
    starts: npt.NDArray[np.intp]  # in the places, of each list
    counts: npt.NDArray[np.intp]


def _attribute_lists(lists: Sequence[tuple[AttributeInfo, ...]]) -> _Lists:
    """Return lists in numbers, with the attributes of each in their order."""
    # By identity: those of one type are mostly the very same objects, and hashing is slow.
    distinct = dict(zip(map(id, lists), lists, strict=True))
    sizes = np.fromiter(map(len, distinct.values()), np.intp, len(distinct))
    every = list(chain.from_iterable(distinct.values()))
    firsts: dict[int, int] = {}  # where each distinct attribute stands first
    first = np.fromiter(map(firsts.setdefault, map(id, every), count()), np.intp, len(every))
    # Each list is sorted by itself: its number stands in front.
    front = (np.arange(len(distinct)) * len(every)).repeat(sizes)
    place = np.empty(len(every), np.intp)

    for order in (itemgetter(0), _attribute_order):
        ordered = sorted(firsts.values(), key=lambda at: order(every[at]))
        attributes = [every[at] for at in ordered]
        place[ordered] = np.arange(len(ordered))
        places = front + place[first]
        places.sort()
        places -= front
        names = [each.name for each in attributes]
        # By name alone, those that are equal have one number.
        changes = map(ne, islice(names, 1, None), names)
        number = np.fromiter(accumulate(changes, initial=0), np.intp)
        named = front + number[places]
        if (named[1:] != named[:-1]).all():
            break  # no list has a name twice, as it should be

    by_identity = dict(zip(distinct, count()))
    chosen = np.fromiter(map(by_identity.__getitem__, map(id, lists)), np.intp, len(lists))
    return _Lists(attributes, places, (sizes.cumsum() - sizes)[chosen], sizes[chosen])


def _repeats(ordered: Sequence[str]) -> bool:
    return any(map(eq, ordered, islice(ordered, 1, None)))


def _attribute_order(attribute: AttributeInfo) -> tuple[str, str, int, int]:
    return attribute.name, str(attribute.attribute_id), attribute.access, attribute.data_type


def error_text(error: XentaraError) -> str:
    """Return an error as a column of errors shows it, such as ``missing attribute (-32101)``."""
    if isinstance(error, ServerError):
        # On one line: the text is the server's, the table is ours.
        return f"{' '.join(error.text.split())} ({error.code})"
    return str(error)


@lru_cache(maxsize=256)
def _word(table: type[Labelled], value: object) -> object:
    if isinstance(value, int):
        return label(table, value)
    text = str(value).strip().lower()
    return next((member.label for member in table if member.label.lower() == text), value)


def _error_word(code: Any) -> object:
    if code == 0:
        return "no error"
    return error_text(ERRORS_BY_CODE[code]()) if code in ERRORS_BY_CODE else code


_QUALITY, _CATEGORY = int(DataType.QUALITY), int(DataType.ELEMENT_CATEGORY)
_ERROR = int(DataType.ERROR_CODE)
_QUALITY_IDS = frozenset({Attribute.QUALITY, Attribute.QUALITY.uuid})
_CATEGORY_IDS = frozenset({Attribute.CATEGORY, Attribute.CATEGORY.uuid})

_ERROR_IDS = frozenset(
    {*(Attribute.ERROR, Attribute.ERROR.uuid), *(Attribute.WRITE_ERROR, Attribute.WRITE_ERROR.uuid)}
)

WORDED_IDS = _QUALITY_IDS | _CATEGORY_IDS | _ERROR_IDS
"""Attributes whose values :func:`to_display` may show in the manual's words."""

WORDED_TYPES = frozenset({_QUALITY, _CATEGORY, _ERROR})
"""Data types whose values it may show so."""

_NO_TEXT = string_array([None])
