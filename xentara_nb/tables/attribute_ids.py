"""The ids of attributes in a column: integers and UUIDs, which can be sorted together.

Python orders no integer against a UUID, so pandas could neither sort such a column nor merge two
inventories by it. In a DataFrame the UUID of an attribute is therefore an :class:`AttributeUuid`,
which stands behind every integer. The column stays one of objects: two inventories that are
concatenated or merged have the same dtype, which a categorical with other categories would not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from xentara_nb.protocol.values import AttributeId


class AttributeUuid(UUID):
    """A UUID that is ordered behind all integers; else it is the same, and equal to it."""

    __slots__ = ()

    def __lt__(self, other: Any) -> Any:
        return False if isinstance(other, int) else super().__lt__(other)

    def __le__(self, other: Any) -> Any:
        return False if isinstance(other, int) else super().__le__(other)

    def __gt__(self, other: Any) -> Any:
        return True if isinstance(other, int) else super().__gt__(other)

    def __ge__(self, other: Any) -> Any:
        return True if isinstance(other, int) else super().__ge__(other)

    def __repr__(self) -> str:
        # As it can be pasted into a cell.
        return f"UUID({str(self)!r})"


def attribute_id_array(ids: Sequence[AttributeId]) -> npt.NDArray[np.object_]:
    """Return a column of attribute ids."""
    # Each object once, by its identity: a column repeats a few of them.
    held = {identity: _sortable(each) for identity, each in _distinct(ids).items()}
    return np.fromiter(map(held.__getitem__, map(id, ids)), np.object_, len(ids))


def plain_ids(ids: Sequence[Any]) -> list[Any]:
    """Return what a column of attribute ids holds, with each of its UUIDs as a plain one."""
    if AttributeUuid not in set(map(type, ids)):
        return list(ids)
    held = {identity: plain_id(each) for identity, each in _distinct(ids).items()}
    return list(map(held.__getitem__, map(id, ids)))


def plain_id(value: Any) -> Any:
    """Return a plain UUID in place of an :class:`AttributeUuid`, and anything else as it is."""
    return UUID(int=value.int) if type(value) is AttributeUuid else value


def _sortable(value: AttributeId) -> AttributeId:
    return AttributeUuid(int=value.int) if isinstance(value, UUID) else value


def _distinct(ids: Iterable[Any]) -> dict[int, Any]:
    return {id(each): each for each in ids}
