"""Which attributes of a recording are meant by the rows that it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xentara_nb.errors import NotFoundError
from xentara_nb.recordings.columns import Array, described, schema
from xentara_nb.recordings.folder import files
from xentara_nb.suggestions import did_you_mean
from xentara_nb.tables.references import Reference, attribute_label, canonical

if TYPE_CHECKING:
    import pyarrow as pa

NAMES = ("primary_key", "element_uuid", "attribute_name", "attribute_id")
"""The columns that name an attribute."""

_MAX_CODES = 1 << 62


def codes_of(table: pa.Table, names: Sequence[str]) -> tuple[Array, list[tuple[str, ...]]]:
    """Return a number for each distinct combination of texts in a row, and the combinations."""
    columns = []
    dictionaries = []
    for name in names:
        encoded = table[name].combine_chunks().dictionary_encode()
        columns.append(encoded.indices.to_numpy().astype(np.int64))
        dictionaries.append(encoded.dictionary.to_pylist())
    number, size = np.zeros(table.num_rows, dtype=np.int64), 1
    for column, dictionary in zip(columns, dictionaries, strict=True):
        if size * len(dictionary) > _MAX_CODES:
            number = np.unique(number, return_inverse=True)[1]
            size = len(number)
        number = number * len(dictionary) + column
        size *= max(len(dictionary), 1)
    _, firsts, number = np.unique(number, return_index=True, return_inverse=True)
    texts = [
        tuple(
            dictionary[column[first]]
            for column, dictionary in zip(columns, dictionaries, strict=True)
        )
        for first in firsts.tolist()
    ]
    return number, texts


class Selection:
    """The attributes that some rows name; of an element without an attribute, all of them."""

    def __init__(self, rows: Sequence[Reference]) -> None:
        self.rows = rows
        self._unchecked = dict.fromkeys(rows)

    def chosen(self, table: pa.Table, folder: Path) -> Array:
        """Return for each row of a table whether it is of an attribute that is meant.

        Raises a NotFoundError if an attribute is not in the table, and was never recorded into the
        folder.
        """
        codes, texts = codes_of(table, NAMES)
        wanted = np.array([any(_matches(row, *each) for row in self.rows) for each in texts], bool)
        self._check([each for each, there in zip(texts, wanted, strict=True) if there], folder)
        return wanted[codes] if len(texts) else np.zeros(0, dtype=bool)

    def _check(self, found: Sequence[tuple[str, ...]], folder: Path) -> None:
        self._forget(found)
        if not self._unchecked:
            return
        # What is not in this span of time may be in another one: the newest is asked first.
        recorded: dict[tuple[str, ...], None] = {}
        for path, _ in reversed(files(folder, lambda hour: True)):
            texts = _names_in(path)
            recorded.update(dict.fromkeys(texts))
            self._forget(texts)
            if not self._unchecked:
                return
        if recorded:
            raise _not_found(next(iter(self._unchecked)), recorded, folder)

    def _forget(self, found: Iterable[tuple[str, ...]]) -> None:
        """Check no longer what is known to be recorded."""
        by_element: dict[str, list[tuple[str, ...]]] = {}
        for each in found if self._unchecked else ():
            for name in each[:2]:
                by_element.setdefault(name, []).append(each)
        for row in list(self._unchecked) if by_element else ():
            names = (row.primary_key, str(row.element_uuid), str(row.text_uuid))
            texts = [each for name in names if name for each in by_element.get(name, ())]
            if any(_matches(row, *each) for each in texts):
                del self._unchecked[row]


def _names_in(path: Path) -> list[tuple[str, ...]]:
    import pyarrow.dataset as ds

    dataset = ds.dataset([str(path)], schema=schema(), format="parquet")
    return codes_of(dataset.to_table(columns=list(NAMES)), NAMES)[1]


def _not_found(row: Reference, recorded: Iterable[tuple[str, ...]], folder: Path) -> NotFoundError:
    keys = {key for key, *_ in recorded}
    names = [name for key, uuid, name, _ in recorded if str(row) in (key, uuid)]
    if names:  # then it is the attribute
        label = row.attribute_name
        if row.attribute_id is not None:
            label = attribute_label(row.attribute_id)
        what, offer = f"no attribute {label!r} of {row}", did_you_mean(label, names)
    else:
        what, offer = f"nothing of {str(row)!r}", did_you_mean(row.primary_key, sorted(keys))
    return NotFoundError(f"{what} was recorded in {folder}{offer}")


def _matches(row: Reference, key: str, uuid: str, name: str, identifier: str) -> bool:
    if row.element_uuid is not None and str(row.element_uuid) != uuid:
        return False
    if row.element_uuid is None and key != row.primary_key and str(row.text_uuid) != uuid:
        return False
    if row.attribute_id is None and row.attribute_name is None:
        return True
    attribute = canonical(described(key, name, "", uuid, identifier).attribute_id)
    if row.attribute_id is not None:
        return canonical(row.attribute_id) == attribute
    return row.attribute_name in (name, attribute_label(attribute))
