"""Values of attributes, from whatever a user names them by."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import compress, count, islice
from operator import ne
from typing import Any, NamedTuple
from uuid import UUID

from xentara_nb.protocol.codec import ReadRequests
from xentara_nb.protocol.commands import AttributeInfo, MetaDataAnswer
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import Access, Attribute, known
from xentara_nb.protocol.values import AttributeId
from xentara_nb.queries.model_cache import Ask, ModelCache, find_attribute
from xentara_nb.tables.references import (
    AttributeLike,
    Reference,
    Rows,
    attribute_label,
    attribute_reference,
    canonical,
)

_NOT_ANSWERED = ServerError("the server did not answer for this attribute")


class Reading(NamedTuple):
    """The columns of what was read, one item for every attribute."""

    primary_keys: list[str]
    element_uuids: list[UUID]
    attribute_names: list[str]
    attribute_ids: list[AttributeId]
    data_types: list[int | None]
    results: list[Any]
    times: list[int]


class _Wanted(NamedTuple):
    primary_key: str
    element_uuid: UUID
    names: list[str]
    ids: list[AttributeId]
    data_types: list[int | None]


def read(
    ask: Ask,
    directory: ModelCache,
    references: Sequence[Reference],
    attributes: Iterable[AttributeLike] | AttributeLike | None,
) -> Reading:
    """Read attributes of elements.

    Parameters
    ----------
    ask : callable
        Sends the commands.
    directory : ModelCache
        Finds elements and attributes.
    references : sequence of Reference
        The elements; those that name an attribute mean just that one.
    attributes : attributes, optional
        Which attributes of each element. Left out: those that the references name, or all that
        can be read.

    Raises
    ------
    UnknownElementError, NotFoundError
        If an element or an attribute does not exist.
    """
    if isinstance(references, Rows) and attributes is None:
        return _read_rows(ask, references)
    reading = Reading([], [], [], [], [], [], [])
    uuids, parts = [], []
    for item in _wanted(directory, references, _attribute_list(attributes)):
        size = len(item.ids)
        reading.primary_keys.extend([item.primary_key] * size)
        reading.element_uuids.extend([item.element_uuid] * size)
        reading.attribute_names.extend(item.names)
        reading.attribute_ids.extend(item.ids)
        reading.data_types.extend(item.data_types)
        uuids.append(item.element_uuid)
        parts.append(tuple(item.ids))
    return _take(ask, uuids, parts, reading)


def _read_rows(ask: Ask, rows: Rows) -> Reading:
    """Read what rows name; those of one element that stand together are read together."""
    ids = rows.attribute_ids
    reading = Reading(
        rows.primary_keys, rows.element_uuids, rows.attribute_names, ids, rows.data_types, [], []
    )
    numbers = [uuid.int for uuid in rows.element_uuids]
    changes = compress(count(1), map(ne, numbers, islice(numbers, 1, None)))
    starts = [0, *changes] if numbers else []
    if len(starts) == len(numbers):
        return _take(ask, rows.element_uuids, list(zip(ids, strict=True)), reading)
    uuids = [rows.element_uuids[at] for at in starts]
    ends = [*starts[1:], len(ids)]
    parts = [tuple(ids[start:end]) for start, end in zip(starts, ends, strict=True)]
    return _take(ask, uuids, parts, reading)


def _take(
    ask: Ask, uuids: list[UUID], parts: list[tuple[AttributeId, ...]], reading: Reading
) -> Reading:
    """Read so many attributes of each element, into the last two columns of a reading."""
    results, times = reading.results, reading.times
    distinct = [tuple(dict.fromkeys(part)) if len(part) > 1 else part for part in parts]
    for part, answer in zip(parts, ask(ReadRequests(uuids, distinct)), strict=True):
        size = len(part)
        times += [time.time_ns()] * size
        if isinstance(answer, ServerError):
            results += [answer] * size
        elif size == 1 or (*answer,) != part:
            results += [answer.get(attribute_id, _NOT_ANSWERED) for attribute_id in part]
        else:
            results += answer.values()
    return reading


def _attribute_list(
    attributes: Iterable[AttributeLike] | AttributeLike | None,
) -> list[AttributeLike] | None:
    if attributes is None:
        return None
    if isinstance(attributes, str | UUID) or not isinstance(attributes, Iterable):
        attributes = [attributes]
    return [attribute_reference(attribute) for attribute in attributes]


def _wanted(
    directory: ModelCache, references: Sequence[Reference], attributes: list[AttributeLike] | None
) -> list[_Wanted]:
    uuids = directory.uuids(references)
    described = _described(directory, references, uuids, attributes)
    elsewhere = _ids_by_name(attributes, described)
    wanted: list[_Wanted] = []
    for reference, uuid in zip(references, uuids, strict=True):
        answer = described.get(uuid) if described else None
        key = reference.primary_key or (answer.primary_key if answer else None) or str(uuid)
        infos = _attributes(reference, key, answer, attributes, elsewhere)
        # Rows of one element that stand together are read together.
        last = wanted[-1] if wanted and attributes is None else None
        if last is not None and (last.element_uuid is uuid or last.element_uuid == uuid):
            last.names.extend(infos[0])
            last.ids.extend(infos[1])
            last.data_types.extend(infos[2])
        else:
            wanted.append(_Wanted(key, uuid, *infos))
    return wanted


def _described(
    directory: ModelCache,
    references: Sequence[Reference],
    uuids: Sequence[UUID],
    attributes: list[AttributeLike] | None,
) -> dict[UUID, MetaDataAnswer]:
    """Return the meta data of those elements that cannot be read without it."""
    # A well-known attribute needs no meta data; of any other, its name or data type is asked for.
    by_name = any(not _well_known(attribute) for attribute in attributes or ())
    asked = {
        uuid
        for reference, uuid in zip(references, uuids, strict=True)
        if by_name
        or reference.primary_key is None
        or (attributes is None and reference.attribute_id is None)
    }
    in_order = [uuid for uuid in dict.fromkeys(uuids) if uuid in asked]
    described: dict[UUID, MetaDataAnswer] = {}
    for uuid, answer in zip(in_order, directory.meta_data(in_order), strict=True):
        if isinstance(answer, ServerError):
            raise answer.within(f"meta_data of {uuid}")
        described[uuid] = answer
    return described


def _names_attribute(reference: Reference) -> bool:
    return reference.attribute_id is not None or reference.attribute_name is not None


def _attributes(
    reference: Reference,
    key: str,
    answer: MetaDataAnswer | None,
    attributes: list[AttributeLike] | None,
    elsewhere: dict[str, AttributeId],
) -> tuple[list[str], list[AttributeId], list[int | None]]:
    """Return names, ids and data types of the attributes to read of one element."""
    if attributes is None and reference.attribute_id is not None:
        name = reference.attribute_name or attribute_label(reference.attribute_id)
        return [name], [reference.attribute_id], [reference.data_type]
    described = (answer.attributes if answer else None) or ()
    if attributes is None and not _names_attribute(reference):
        infos = [info for info in described if info.access != Access.WRITE_ONLY]
        return (
            [info.name for info in infos],
            [info.attribute_id for info in infos],
            [info.data_type for info in infos],
        )
    by_id = {canonical(info.attribute_id): info for info in described}
    by_name = {info.name: info for info in reversed(described)}
    names: list[str] = []
    ids: list[AttributeId] = []
    data_types: list[int | None] = []
    for attribute in [reference.attribute_name or ""] if attributes is None else attributes:
        found: AttributeInfo | None
        if not isinstance(attribute, str):
            found = by_id.get(canonical(attribute))
            attribute_id = attribute
        elif (found := by_name.get(attribute)) is not None:
            attribute_id = found.attribute_id
        elif attribute in elsewhere:
            attribute_id = elsewhere[attribute]
        else:
            attribute_id = find_attribute(key, described, attribute).attribute_id
        names.append(found.name if found else attribute_label(attribute))
        ids.append(attribute_id)
        data_types.append(found.data_type if found else None)
    return names, ids, data_types


def _well_known(attribute: AttributeLike) -> bool:
    return isinstance(attribute, int) and isinstance(known(Attribute, attribute), Attribute)


def _ids_by_name(
    attributes: list[AttributeLike] | None, described: dict[UUID, MetaDataAnswer]
) -> dict[str, AttributeId]:
    """Return the id of every name that was asked for, from any element that has it.

    Elements that lack it are asked all the same, and the server's "missing attribute" stands in
    their rows. A name that no element has is an error.
    """
    names = {attribute for attribute in attributes or () if isinstance(attribute, str)}
    ids: dict[str, AttributeId] = {}
    for answer in described.values() if names else ():
        for info in answer.attributes or ():
            if info.name in names:
                ids.setdefault(info.name, info.attribute_id)
    return ids


def targets(
    directory: ModelCache,
    references: Sequence[Reference],
    attributes: Iterable[AttributeLike] | AttributeLike,
) -> list[tuple[UUID, tuple[AttributeId, ...]]]:
    """Return elements and attribute ids to subscribe to; rows of an inventory name their own."""
    if references and all(_names_attribute(reference) for reference in references):
        wanted = _wanted(directory, references, None)
    else:
        wanted = _wanted(directory, references, _attribute_list(attributes))
    found: dict[UUID, dict[AttributeId, None]] = {}
    for item in wanted:
        found.setdefault(item.element_uuid, {}).update(dict.fromkeys(item.ids))
    return [(uuid, tuple(ids)) for uuid, ids in found.items()]
