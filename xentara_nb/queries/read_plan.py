"""What a call of read asks for, and the columns of its answer that are known beforehand.

Finding that out takes longer than asking. So it is kept for the calls that name elements by their
keys or UUIDs, or by rows of an inventory: a loop that reads the same again and again asks at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import chain, islice
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from xentara_nb.errors import AmbiguousError
from xentara_nb.protocol.codec.columns import ColumnReads
from xentara_nb.protocol.codec.read_values import ReadAnswers
from xentara_nb.protocol.codec.reads import ReadRequests
from xentara_nb.protocol.commands import Read
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.uuid_column import UuidColumn, taken
from xentara_nb.protocol.values import AttributeId
from xentara_nb.queries.model_cache import NOT_ANSWERED, AskByMessage, ModelCache, shared_id
from xentara_nb.tables.frames import string_array
from xentara_nb.tables.id_arrays import IdArray, id_array
from xentara_nb.tables.references import Rows, rows_key

MAX_PLANS = 32
"""Of how many calls the plan is kept."""

MAX_PLANNED = 1 << 14
"""How many rows a plan has at most that is kept."""

NamedAttribute: TypeAlias = tuple[str, AttributeId, int | None]
"""Name, id and data type of an attribute."""

_NAMES = frozenset({str, int, UUID})
_number = attrgetter("int")

_Part = TypeVar("_Part")


class ReadPlan(NamedTuple):
    """What is read: a row for every attribute, and the requests."""

    primary_keys: ExtensionArray
    element_uuids: IdArray
    attribute_names: ExtensionArray
    attribute_ids: IdArray
    data_types: list[int | None]
    requests: Sequence[Read]
    parts: list[tuple[AttributeId, ...]]  # the ids of the rows of each element
    as_given: bool  # whether just these are asked for
    refused: Mapping[int, AmbiguousError]  # by row


def call_key(elements: object, attributes: object) -> Hashable:
    """Return what is the same for the same call, and only then; None if that takes a longer look.

    Examples
    --------
    >>> call_key("Plant.Speed", 11)
    ('Plant.Speed', 11)
    >>> call_key(["Plant.Speed", "Plant.Level"], None)
    (('Plant.Speed', 'Plant.Level'), None)
    """
    # Only these types themselves: others may be equal to them, and mean something else.
    named: Any = elements
    if type(named) is list:
        kinds = set(map(type, named))
        if len(named) > MAX_PLANNED or kinds not in ({str}, {UUID}):
            return None
        # The hash of a UUID takes far longer than that of its number.
        named = tuple(map(_number, named) if kinds == {UUID} else named)
    elif isinstance(named, pd.DataFrame):
        named = rows_key(named) if len(named) <= MAX_PLANNED else None
        if named is None:
            return None
    elif type(named) is not str and type(named) is not UUID:
        return None
    if type(attributes) is list or type(attributes) is tuple:
        attributes = tuple(attributes)
        return (named, attributes) if _NAMES.issuperset(map(type, attributes)) else None
    return (named, attributes) if attributes is None or type(attributes) in _NAMES else None


def plan_elements(
    model_cache: ModelCache,
    keys: list[str],
    uuids: list[UUID],
    chosen: Sequence[list[NamedAttribute]],
) -> ReadPlan:
    """Return the plan to read some attributes of each element."""
    # Elements of one type share what was chosen of them.
    shared: dict[tuple[AttributeId, ...], tuple[AttributeId, ...]] = {}
    parts_by_list: dict[int, tuple[AttributeId, ...]] = {}
    for number, each in by_identity(chosen).items():
        part = tuple([attribute_id for _, attribute_id, _ in each])
        parts_by_list[number] = shared.setdefault(part, part)
    parts = list(map(parts_by_list.__getitem__, map(id, chosen)))
    key_column, uuid_column = string_array(keys), id_array(uuids)
    if set(map(len, parts_by_list.values())) != {1}:
        rows = np.repeat(np.arange(len(parts)), list(map(len, parts)))
        key_column, uuid_column = key_column.take(rows), uuid_column.take(rows)
    found = list(chain.from_iterable(chosen))
    ids = list(map(itemgetter(1), found))
    distinct = by_identity(ids)
    places = dict(zip(distinct, range(len(distinct)), strict=True))
    return ReadPlan(
        key_column,
        uuid_column,
        string_array(list(map(itemgetter(0), found))),
        id_array(list(distinct.values())).take(list(map(places.__getitem__, map(id, ids)))),
        list(map(itemgetter(2), found)),
        *_requests(model_cache, key_column, UuidColumn.of(uuids), parts),
    )


def plan_rows(model_cache: ModelCache, rows: Rows) -> ReadPlan:
    """Return the plan to read what rows name; those of one element that follow are one request."""
    # A few rows of a large table do not keep all of it, nor look through it each time.
    element_uuids, ids = rows.element_uuids.compact(), rows.attribute_ids.compact()
    codes = element_uuids.codes
    begins = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]])[: len(codes)])
    uuids: Sequence[Any] = element_uuids[begins].ids()
    parts: list[tuple[AttributeId, ...]]
    if len(begins) == len(rows) and len(set(ids.distinct())) == 1:
        parts = [tuple(ids[:1].tolist())] * len(rows)
    else:
        # Elements of one type have the same attributes: their numbers, as bytes, find them again.
        raw, size = ids.codes.tobytes(), ids.codes.itemsize
        ends = [*begins[1:].tolist(), len(rows)]
        shared: dict[bytes, tuple[AttributeId, ...]] = {}
        parts = []
        for begin, end in zip(begins.tolist(), ends, strict=True):
            part = shared.get(key := raw[begin * size : end * size])
            if part is None:
                part = shared[key] = tuple(ids[begin:end].tolist())
            parts.append(part)
    return ReadPlan(
        rows.primary_keys,
        element_uuids,
        rows.attribute_names,
        ids,
        rows.data_types,
        *_requests(model_cache, rows.primary_keys, uuids, parts),
    )


def _requests(
    model_cache: ModelCache,
    keys: ExtensionArray,
    uuids: Sequence[UUID],
    parts: list[tuple[AttributeId, ...]],
) -> tuple[Sequence[Read], list[tuple[AttributeId, ...]], bool, Mapping[int, AmbiguousError]]:
    """Return the last fields of a plan to read so many attributes of each element.

    The keys are those of the rows, one for each.
    """
    # Mostly all are the same, which a list finds out at once; and that they are not, as well.
    if parts == (alike := parts[:1] * len(parts)):
        parts, distinct = alike, by_identity(alike[:1])
    else:
        distinct = by_identity(parts)
    sharing = model_cache.sharing(with_own_attributes(uuids, parts, distinct))
    once = {number: tuple(dict.fromkeys(each)) for number, each in distinct.items()}
    as_given = all(len(once[number]) == len(each) for number, each in distinct.items())
    wanted = parts if as_given else list(map(once.__getitem__, map(id, parts)))
    refused: dict[int, AmbiguousError] = {}
    if sharing:
        row, wanted = 0, list(wanted)
        for at, (uuid, part) in enumerate(zip(uuids, parts, strict=True)):
            for number, each in enumerate(part if uuid in sharing else (), row):
                error = shared_id(keys[number], sharing[uuid], each)
                if error is not None:
                    refused[number] = error
                    wanted[at] = tuple([other for other in wanted[at] if other != each])
            row += len(part)
    as_given = as_given and not refused
    same = set(distinct.values()) if as_given else ()
    if len(same) == 1 and len(parts[0]) == 1:
        return ColumnReads(uuids, parts[0][0]), parts, True, refused
    return ReadRequests(uuids, wanted), parts, as_given, refused


def results_of(
    ask: AskByMessage, plan: ReadPlan, meanwhile: Callable[[], object] = lambda: None
) -> list[Any]:
    """Return the value of each row of a plan, or the error that came in its place.

    What is to be done ``meanwhile`` is done when all requests of a small plan have been sent.
    """
    results: list[Any] = []
    left = iter(plan.parts)
    for answers in ask(plan.requests):
        if not answers:
            meanwhile()
            continue
        asked = list(islice(left, len(answers)))
        if plan.as_given and isinstance(answers, ReadAnswers):
            results += answers.values
            continue
        for part, answer in zip(asked, answers, strict=True):
            if isinstance(answer, ServerError):
                results += [answer] * len(part)
            else:
                results += [answer.get(attribute_id, NOT_ANSWERED) for attribute_id in part]
    for row, error in plan.refused.items():
        results[row] = error
    return results


def by_identity(parts: Sequence[_Part]) -> dict[int, _Part]:
    """Return each distinct object; most are the same, and hashing a UUID takes long."""
    return dict(zip(map(id, parts), parts, strict=True))


def with_own_attributes(
    uuids: Sequence[UUID],
    parts: Sequence[tuple[AttributeId, ...]],
    distinct: Mapping[int, tuple[AttributeId, ...]],
) -> Sequence[UUID]:
    """Return the elements of which an attribute that is not well known is read."""
    # Their ids are those that a model's author gives them, and may give to two.
    own = {number for number, part in distinct.items() if UUID in set(map(type, part))}
    places = [at for at, part in enumerate(parts) if id(part) in own] if own else []
    return uuids if len(places) == len(uuids) else taken(uuids, places)
