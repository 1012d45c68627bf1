"""The distinct ids that a column refers to by number, and how they compare and sort.

An id is an integer or a UUID. Python orders no integer against a UUID, and hashes and compares
UUIDs slowly. So each id has a key, a plain integer: its own, and for a UUID its 128 bits behind all
of them. Keys are made once for a table, when they are first needed.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd

from xentara_nb.locking import Lock, locked
from xentara_nb.protocol.uuid_column import UuidColumn
from xentara_nb.protocol.values import INT_MAX

Codes: TypeAlias = npt.NDArray[np.int32]
"""The numbers of ids in a table; -1 where there is none."""

Ids: TypeAlias = "npt.NDArray[np.object_] | UuidColumn"
"""The ids of a table: integers and UUIDs, or UUIDs that need not exist as objects."""

_FEW = 64  # as many as are shown: these UUIDs are made one by one
_FIRST_UUID = 1 << 128
_HALF = (1 << 64) - 1
_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UUID_TEXT = re.compile(rf"({_UUID})|\{{({_UUID})\}}|urn:uuid:({_UUID})", re.ASCII | re.IGNORECASE)


def uuid_of_text(text: str) -> UUID | None:
    """Return the UUID that a text is, None if it is none.

    It may be in upper or lower case, and in braces or behind ``urn:uuid:``.
    """
    # UUID() itself would also take other dashes, digits of other scripts and more.
    found = _UUID_TEXT.fullmatch(text)
    return None if found is None else UUID(found[1] or found[2] or found[3])


def id_of_text(text: str) -> int | UUID | None:
    """Return the integer or the UUID that a text is, None if it is none."""
    if _NUMBER.fullmatch(text):
        number = int(text)
        return number if number <= INT_MAX else None
    return uuid_of_text(text)


def is_missing(value: Any) -> bool:
    """Return whether a value stands for no id."""
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and math.isnan(value))
    )


def to_id(value: Any) -> int | UUID:
    """Return an id, also one in a text or that pandas has made a float; TypeError if it is none."""
    kind = type(value)
    if kind is UUID or (kind is int and value < _FIRST_UUID):
        return value  # type: ignore[no-any-return]  # its kind is known
    if isinstance(value, str) and (found := id_of_text(value)) is not None:
        return found
    if isinstance(value, UUID):
        return UUID(int=value.int)
    # numpy's integers are no int, but they are Integral; its booleans are not.
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if (whole or (isinstance(value, float) and value.is_integer())) and value < _FIRST_UUID:
        return int(value)
    raise TypeError(f"{value!r} is no id: an id is an integer, a uuid.UUID or the text of one")


def key_of(value: Any) -> int | None:
    """Return the key of what is an id or the text of one, None if it is neither."""
    try:
        found = to_id(value)
    except TypeError:
        return None
    return found if isinstance(found, int) else _FIRST_UUID + found.int


class _Distinct:
    """The ids of a table at one time, and what follows from them."""

    def __init__(self, given: Ids) -> None:
        self.given = given

    @cached_property
    def ids(self) -> npt.NDArray[np.object_]:
        """The ids as objects."""
        if isinstance(self.given, UuidColumn):
            return np.fromiter(self.given.tolist(), np.object_, len(self.given))
        return self.given

    @cached_property
    def halves(self) -> npt.NDArray[np.uint64] | None:
        """The first and the last 64 bits of each UUID; None if the ids are kept as objects."""
        if not isinstance(self.given, UuidColumn):
            return None
        return np.frombuffer(self.given.data, np.dtype(">u8")).reshape(-1, 2)

    @cached_property
    def keys(self) -> npt.NDArray[np.object_]:
        """The key of each."""
        keys = [each if type(each) is int else _FIRST_UUID + each.int for each in self.ids]
        return np.fromiter(keys, np.object_, len(keys))

    @cached_property
    def code_by_key(self) -> dict[int, int]:
        """The first place of each key."""
        size = len(self.given)
        return dict(zip(self.keys[::-1].tolist(), range(size - 1, -1, -1), strict=True))

    @cached_property
    def first(self) -> Codes | None:
        """The first place of an equal id, for each; None if no two are equal."""
        if self.halves is not None:
            # As native numbers, which are sorted faster: their order does not matter here.
            ordered = np.sort(self.halves[:, 0].view(np.uint64))
            if bool((ordered[1:] != ordered[:-1]).all()):
                return None
        if len(self.code_by_key) == len(self.given):
            return None
        return np.fromiter(map(self.code_by_key.__getitem__, self.keys), np.int32, len(self.ids))

    @cached_property
    def ranks(self) -> npt.NDArray[np.int64]:
        """The place of each in their order, the same for equal ones."""
        ordered = sorted(self.code_by_key)
        rank_by_key = dict(zip(ordered, range(len(ordered)), strict=True))
        return np.fromiter(map(rank_by_key.__getitem__, self.keys), np.int64, len(self.ids))


class IdTable:
    """The ids that one column, and those that were made of it, refer to.

    It may hold an id twice: whether it does is found out when it matters. It only grows, so the
    numbers of those who share it stay good.
    """

    def __init__(self, ids: Ids) -> None:
        self._distinct = _Distinct(ids)
        self._growing = Lock()

    def __len__(self) -> int:
        return len(self._distinct.given)

    def __reduce__(self) -> Any:
        return IdTable, (self._distinct.given,)

    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """The ids; not to be changed."""
        return self._distinct.ids

    @property
    def keys(self) -> npt.NDArray[np.object_]:
        """The key of each id, in the order of the ids."""
        return self._distinct.keys

    @property
    def ranks(self) -> npt.NDArray[np.int64]:
        """Numbers in the order of the ids, the same for equal ones."""
        return self._distinct.ranks

    def canonical(self, codes: Codes) -> Codes:
        """Return numbers that are the same for the same id, and only then."""
        first = self._distinct.first
        return codes if first is None else look_up(first, codes, -1)

    def code_of(self, key: int | None) -> int:
        """Return the canonical number of the id with a key; -2 if there is none."""
        return -2 if key is None else self._distinct.code_by_key.get(key, -2)

    def have(self, key: int | None) -> npt.NDArray[np.bool_]:
        """Return which ids have a key."""
        if key is None:
            return np.zeros(len(self), bool)
        halves = self._distinct.halves
        if halves is None:
            return np.asarray(self.keys == key, bool)
        if key < _FIRST_UUID:
            return np.zeros(len(self), bool)
        high, low = (key - _FIRST_UUID) >> 64, key & _HALF
        first, last = halves.T
        return np.asarray((first == np.uint64(high)) & (last == np.uint64(low)))

    def which(self, codes: Codes, key: int | None) -> npt.NDArray[np.bool_]:
        """Return which codes stand for the id with a key."""
        have = self.have(key)
        places = np.flatnonzero(have)
        if len(places) > 1:
            return look_up(have, codes, False)
        return np.asarray(codes == (places[0] if len(places) else -2))

    def __getitem__(self, code: int) -> int | UUID:
        found: int | UUID = self._distinct.given[code]
        return found

    def at(self, codes: Codes, nothing: Any = None) -> npt.NDArray[np.object_]:
        """Return the id of each code, and ``nothing`` where there is none."""
        given = self._distinct.given
        if isinstance(given, UuidColumn) and len(codes) <= _FEW:
            found = [nothing if code < 0 else given[code] for code in codes.tolist()]
            return np.fromiter(found, np.object_, len(found))
        return look_up(self._distinct.ids, codes, nothing)

    @property
    def given(self) -> Ids:
        """What the ids are kept in; not to be changed."""
        return self._distinct.given

    def compact(self, codes: Codes) -> tuple[Codes, IdTable]:
        """Return codes and a table of no more than what they use, if this one is much larger."""
        if len(self) <= 2 * len(codes):
            return codes, self
        used, found = np.unique(codes, return_inverse=True)
        gaps = int(bool(len(used)) and used[0] < 0)
        given, places = self.given, used[gaps:]
        part = given.take(places.tolist()) if isinstance(given, UuidColumn) else given[places]
        return (found - gaps).astype(np.int32), IdTable(part)

    @classmethod
    def joined(cls, tables: Iterable[IdTable]) -> tuple[IdTable, dict[int, int]]:
        """Return one table with the ids of several, and by identity where each of them begins."""
        distinct = {id(each): each for each in tables}
        columns = [each.given for each in distinct.values()]
        ends = np.cumsum([0, *map(len, columns)]).tolist()
        pieces = [each.data for each in columns if isinstance(each, UuidColumn)]
        if len(pieces) == len(columns):
            joined = cls(UuidColumn(b"".join(pieces)))
        else:
            joined = cls(np.concatenate([each.ids for each in distinct.values()]))
        return joined, dict(zip(distinct, ends, strict=False))

    @locked("_growing")
    def add(self, ids: Sequence[int | UUID]) -> Codes:
        """Return the numbers of ids, which are in the table afterwards."""
        keys = [key_of(each) for each in ids]
        new = {key: each for key, each in zip(keys, ids, strict=True) if self.code_of(key) == -2}
        if new:
            more = np.fromiter(new.values(), np.object_, len(new))
            self._distinct = _Distinct(np.concatenate([self._distinct.ids, more]))
        return np.fromiter(map(self.code_of, keys), np.int32, len(keys))


def look_up(table: npt.NDArray[Any], codes: Codes, nothing: Any) -> npt.NDArray[Any]:
    """Return what a table has for each code, and ``nothing`` where there is none."""
    missing = codes < 0
    if not missing.any():
        return table.take(codes)
    found = np.full(len(codes), nothing, table.dtype)
    found[~missing] = table.take(codes[~missing])
    return found
