"""How a user names elements and attributes, read into one form.

An element is a primary key, a UUID, the text of a UUID, or a row of an inventory. Many elements
are a list, a Series or a DataFrame of these. An element or attribute may also be *named* like a
UUID, so what a text means is found in the server's model.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeGuard
from uuid import UUID

import pandas as pd
from pandas.api.extensions import ExtensionArray

from xentara_nb.errors import NotFoundError
from xentara_nb.protocol.identifiers import (
    ATTRIBUTES_BY_UUID,
    Attribute,
    Category,
    DataType,
    known,
)
from xentara_nb.protocol.values import AttributeId
from xentara_nb.suggestions import did_you_mean
from xentara_nb.tables.arrow import from_arrow
from xentara_nb.tables.frames import TEXT, doubled_column
from xentara_nb.tables.id_arrays import IdArray, id_array
from xentara_nb.tables.id_table import id_of_text, uuid_of_text
from xentara_nb.tables.spreadsheets import read_by_pandas, unguarded

ElementLike: TypeAlias = "str | UUID | pd.Series[Any] | Mapping[str, Any] | tuple[Any, ...]"
"""What names one element: a primary key, a UUID, its text, or a row of an inventory."""

ElementsLike: TypeAlias = "ElementLike | pd.DataFrame | Iterable[ElementLike]"
"""What names some elements: one of them, or a list, Series or DataFrame of them."""

AttributeLike: TypeAlias = str | int | UUID
"""What names an attribute: its name, integer or UUID."""


_DATA_TYPES = {member.label: int(member) for member in DataType}
_ROW_COLUMNS = ("primary_key", "element_uuid", "attribute_id", "attribute_name")


class Reference(NamedTuple):
    """An element as a user named it, and the attribute if a row of an inventory named one too."""

    primary_key: str | None
    element_uuid: UUID | None
    attribute_id: AttributeId | None = None
    attribute_name: str | None = None
    data_type: int | None = None
    text_uuid: UUID | None = None  # what the text means where it is the key of no element

    def __str__(self) -> str:
        return self.primary_key or str(self.element_uuid)


def element_reference(element: object) -> Reference:
    """Read what names one element; raises NotFoundError for anything else."""
    if isinstance(element, Reference):
        return element
    if isinstance(element, UUID):
        return Reference(None, element)
    if isinstance(element, str):
        if not element:
            raise NotFoundError("an empty text names no element; the root is None")
        return Reference(str(element), None, text_uuid=uuid_in(element))
    row = as_mapping(element)
    if row is None or not ("element_uuid" in row or "primary_key" in row):
        raise NotFoundError(
            f"this is no element, but of type {type(element).__name__}: give a primary key, a UUID "
            "or a row of an inventory"
        )
    key, uuid = _given(row, "primary_key"), _given(row, "element_uuid")
    element_uuid = None if uuid is None else uuid_in(uuid)
    if uuid is not None and element_uuid is None:
        raise NotFoundError(f"{uuid!r} is no UUID, and a row names it as its element_uuid")
    attribute, name = _given(row, "attribute_id"), _given(row, "attribute_name")
    if isinstance(uuid, str):
        key, name = _as_written(key), _as_written(name)
    if key is not None and not isinstance(key, str):
        raise NotFoundError(f"{key!r} is no text, and a row names it as its primary_key")
    if key is None and element_uuid is None:
        raise NotFoundError("a row names no element: its primary_key and element_uuid are missing")
    if attribute is None and name is not None and not isinstance(name, str):
        attribute, name = name, None  # an id is in the column for names
    attribute = id_in(attribute)
    attribute_id = None if attribute is None else attribute_reference(attribute)
    if isinstance(attribute_id, str):  # a name is in the column for ids
        if name not in (None, attribute_id):
            raise NotFoundError(
                f"a row names two attributes, {name!r} and, as its attribute_id, {attribute_id!r}"
            )
        attribute_id, name = None, attribute_id
    data_type = row.get("data_type")
    return Reference(
        key,
        element_uuid,
        attribute_id,
        name if isinstance(name, str) else None,
        _DATA_TYPES.get(data_type) if isinstance(data_type, str) else None,
    )


def element_references(elements: object) -> Rows | list[Reference]:
    """Read what names some elements, in the order given; raises as :func:`element_reference`.

    A table of another library will do for a DataFrame; see :func:`xentara_nb.tables.arrow`.
    """
    elements = from_arrow(elements)
    if isinstance(elements, pd.DataFrame):
        return _from_frame(elements)
    if isinstance(elements, pd.Series):
        one = "element_uuid" in elements.index or "primary_key" in elements.index
    else:
        one = isinstance(elements, str | UUID | Mapping) or hasattr(elements, "_fields")
    if not one and are_several(elements):
        return [element_reference(item) for item in elements]
    return [element_reference(elements)]


def are_several(named: object) -> TypeGuard[Iterable[Any]]:
    """Return whether this names several things; a text, a UUID and an array of no axis name one."""
    one = isinstance(named, str | UUID) or getattr(named, "ndim", None) == 0
    return isinstance(named, Iterable) and not one


def attribute_reference(attribute: object) -> AttributeLike:
    """Read what names an attribute: its integer, its UUID, or a text.

    A text stays one: what it means is found in the element's own meta data.
    """
    if isinstance(attribute, UUID):
        return attribute
    if isinstance(attribute, str) and attribute:
        return str(attribute)
    # numpy's integers are no int, but they are Integral; its booleans are not.
    if isinstance(attribute, numbers.Integral) and not isinstance(attribute, bool):
        number = int(attribute)
        if number >= 0:
            return number
    raise NotFoundError(f"{attribute!r} names no attribute: give its name, its integer or its UUID")


def category_reference(category: object) -> Category:
    """Return the category that a label or a number means; raises NotFoundError if there is none."""
    member = Category.find(category)
    if member is None:
        labels = [each.label for each in Category]
        offer = did_you_mean(category, labels, f"there are: {Category.labels()}")
        raise NotFoundError(f"{category!r} is no category{offer}")
    return member


def same_attribute(one: AttributeId, other: AttributeId) -> bool:
    """Return whether two ids mean the same attribute: a well-known one also has a UUID."""
    return one == other or canonical(one) == canonical(other)


def attribute_label(attribute: AttributeLike) -> str:
    """Return the name of an attribute where it is known, or its id."""
    found = attribute if isinstance(attribute, str) else canonical(attribute)
    return found.attribute_name if isinstance(found, Attribute) else str(found)


def canonical(attribute: AttributeId) -> AttributeId:
    """Return the integer of a well-known attribute also when its UUID is given."""
    if isinstance(attribute, UUID):
        return ATTRIBUTES_BY_UUID.get(attribute, attribute)
    return known(Attribute, attribute)


def uuid_in(value: object) -> UUID | None:
    """Return a UUID, or the one that a text is; None if it is neither."""
    if isinstance(value, UUID):
        return value
    return uuid_of_text(value) if isinstance(value, str) else None


def id_in(attribute: Any) -> Any:
    """Return the id that a text or a float holds, as where pandas has read a file or has gaps."""
    if isinstance(attribute, float) and attribute.is_integer():
        return int(attribute)
    found = id_of_text(attribute) if isinstance(attribute, str) else None
    return attribute if found is None else found


def _as_written(text: Any) -> Any:
    """Return a text that pandas has read from a file; None where it has made a number of one.

    That may have been another text, such as 007.
    """
    if isinstance(text, numbers.Number):
        return None
    return unguarded(text) if isinstance(text, str) else text


def _given(row: Mapping[str, Any], name: str) -> Any:
    """Return what a row has in a column, None if nothing: as a missing value, or an empty text."""
    value = row.get(name)
    # Frames that were joined have NaN or NA where there was nothing.
    missing = value is pd.NA or (isinstance(value, float) and value != value)
    return None if missing or (isinstance(value, str) and not value) else value


def as_mapping(row: object) -> Mapping[str, Any] | None:
    """Return what a row has by the names of its columns; None if it is no row."""
    if isinstance(row, pd.Series):
        return {str(key): value for key, value in row.items()}
    if isinstance(row, Mapping):
        return row
    if hasattr(row, "_asdict"):
        values: Mapping[str, Any] = row._asdict()
        return values
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The references of the rows of an inventory, column by column: there may be very many."""

    primary_keys: ExtensionArray
    element_uuids: IdArray
    attribute_ids: IdArray
    attribute_names: ExtensionArray
    data_types: list[int | None]

    def __len__(self) -> int:
        return len(self.data_types)

    def __iter__(self) -> Iterator[Reference]:
        return map(
            Reference,
            self.primary_keys.tolist(),
            self.element_uuids.tolist(),
            self.attribute_ids.tolist(),
            self.attribute_names.tolist(),
            self.data_types,
        )


def rows_key(frame: pd.DataFrame) -> Hashable:
    """Return what is equal for the same rows of an inventory, and only then.

    It is found sooner than the rows are read, also where they are in another frame or the frame was
    changed. None if the columns are not of the dtypes of an inventory, or not all there.
    """
    frame = pd.DataFrame(frame)  # of ours, pandas copies the note of where it came from each time
    columns = frame.columns
    if not columns.is_unique or not all(name in columns for name in _ROW_COLUMNS):
        return None
    arrays = [frame[name].array for name in ("primary_key", "attribute_name")]
    ids = [frame[name].array for name in ("element_uuid", "attribute_id")]
    kinds: Any = frame["data_type"].array if "data_type" in columns else None
    if not (
        all(each.dtype == TEXT for each in arrays)
        and all(isinstance(each, IdArray) for each in ids)
        and (kinds is None or isinstance(kinds, pd.Categorical))
    ):
        return None
    texts = [tuple(each.tolist()) for each in arrays]
    codes = [each.codes.tobytes() for each in (*ids, *([] if kinds is None else [kinds]))]
    tables = [each.table for each in ids]
    return *texts, *codes, *tables, None if kinds is None else tuple(kinds.categories.tolist())


def _from_frame(frame: pd.DataFrame) -> Rows | list[Reference]:
    if not ("element_uuid" in frame.columns or "primary_key" in frame.columns):
        raise NotFoundError(
            "the DataFrame does not name elements: it needs a column element_uuid or primary_key"
            f"{did_you_mean('primary_key', map(str, frame.columns))}"
        )
    frame = pd.DataFrame(frame)  # as in rows_key
    names = _ROW_COLUMNS
    if (name := doubled_column(frame, (*names, "data_type"))) is not None:
        raise NotFoundError(f"the DataFrame has two columns {name!r}: take one of them out")
    nothing: list[Any] = [None] * len(frame)
    data_types = _data_types(frame) if "data_type" in frame.columns else nothing
    by_pandas = read_by_pandas(frame)
    if set(names).issubset(frame.columns):
        rows = _rows(frame, data_types, by_pandas)
        if rows is not None:
            return rows
    keys, uuids, attribute_ids, attribute_names = (
        frame[name].tolist() if name in frame.columns else nothing for name in names
    )
    # Ids have become texts in a file that pandas has read.
    if by_pandas:
        keys = [_as_written(each) for each in keys]
        attribute_names = [_as_written(each) for each in attribute_names]
    columns = keys, _converted(uuids, uuid_in), _converted(attribute_ids, id_in), attribute_names
    return [
        element_reference(dict(zip(names, row, strict=True)))._replace(data_type=data_type)
        for *row, data_type in zip(*columns, data_types, strict=True)
    ]


def _rows(frame: pd.DataFrame, data_types: list[int | None], by_pandas: bool) -> Rows | None:
    """Return the rows of a frame that has all that an inventory has; else None."""
    # Copies: the frame may be changed while the answers are on their way.
    texts = [frame[name].array.copy() for name in ("primary_key", "attribute_name")]
    if by_pandas:
        texts = [pd.array([_as_written(text) for text in each], dtype=object) for each in texts]
    uuids = _ids(frame["element_uuid"], uuid_in, {UUID})
    attribute_ids = _ids(frame["attribute_id"], id_in, {int, UUID})
    if uuids is None or attribute_ids is None:
        return None
    for each in texts:
        values = each.tolist()
        if set(map(type, values)) != {str} or not all(values):
            return None
    numbers = [each for each in attribute_ids.distinct() if isinstance(each, int)]
    if min(numbers, default=0) < 0:
        return None
    keys, names = texts
    return Rows(keys, uuids, attribute_ids, names, data_types)


def _ids(column: pd.Series[Any], read: Callable[[str], Any], kinds: set[type]) -> IdArray | None:
    """Return a column of ids, those that are texts read; None if some are of another kind."""
    held: Any = column.array
    if isinstance(held, IdArray):
        return held.copy() if held.kinds() <= kinds else None
    ids = _converted(column.tolist(), read)
    return id_array(ids) if ids and set(map(type, ids)) <= kinds else None


def _converted(values: list[Any], read: Callable[[str], Any]) -> list[Any]:
    """Return values with each text among them read, once; one that cannot be stays as it is."""
    if str not in set(map(type, values)):
        return values
    known = {each: read(each) for each in {each for each in values if type(each) is str}}
    return [
        each if type(each) is not str or known[each] is None else known[each] for each in values
    ]


def _data_types(frame: pd.DataFrame) -> list[int | None]:
    column: Any = frame["data_type"].array
    if not isinstance(column, pd.Categorical):
        return [_DATA_TYPES.get(str(item)) for item in column.tolist()]
    # The last one is for the code -1, where there is none.
    found = [*(_DATA_TYPES.get(str(item)) for item in column.categories), None]
    codes = column.codes
    if len(codes) and (codes == codes[0]).all():
        return [found[codes[0]]] * len(codes)
    return list(map(found.__getitem__, codes.tolist()))
