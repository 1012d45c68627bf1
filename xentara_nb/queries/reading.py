"""Which attributes of which elements a user means, and their values."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import numpy as np
import pandas as pd

from xentara_nb.errors import AmbiguousError, NotFoundError
from xentara_nb.protocol.commands import SubscriptionTarget
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import ATTRIBUTES_BY_NAME, Access, Attribute, known
from xentara_nb.protocol.values import AttributeId
from xentara_nb.queries.model_cache import (
    AskByMessage,
    AttributeList,
    ModelCache,
    find_attribute,
    shared_id,
    with_id,
)
from xentara_nb.queries.read_plan import (
    MAX_PLANNED,
    MAX_PLANS,
    NamedAttribute,
    ReadPlan,
    by_identity,
    call_key,
    plan_elements,
    plan_rows,
    results_of,
    with_own_attributes,
)
from xentara_nb.tables.references import (
    AttributeLike,
    ElementsLike,
    Reference,
    Rows,
    are_several,
    attribute_label,
    attribute_reference,
    canonical,
    element_references,
    uuid_in,
)
from xentara_nb.tables.values import ValuesAhead, values_frame

_VALUE_AND_QUALITY: list[AttributeLike] = [int(Attribute.VALUE), int(Attribute.QUALITY)]


class ResolvedAttribute(NamedTuple):
    """An attribute of an element, as found in the server's model."""

    primary_key: str
    element_uuid: UUID
    attribute_name: str
    attribute_id: AttributeId
    data_type: int | None


class _ElementAttributes(NamedTuple):
    """The attributes to read of one element, or to subscribe to."""

    primary_key: str
    element_uuid: UUID
    attributes: list[NamedAttribute]


def read_frame(
    ask: AskByMessage,
    model_cache: ModelCache,
    elements: ElementsLike,
    attributes: Iterable[AttributeLike] | AttributeLike | None,
) -> pd.DataFrame:
    """Read the attributes given; without, those that rows name, or all that can be read.

    The frame of a few is made while the server answers.
    """
    plan = _known_plan(model_cache, elements, attributes)
    ahead: ValuesAhead | None = None

    def prepare() -> None:
        nonlocal ahead
        ahead = ValuesAhead.of(*plan[:5])

    results = results_of(ask, plan, prepare)
    # One time for all, so that readings can be put side by side.
    now = time.time_ns()
    if ahead is not None and ahead.filled(results, now):
        return ahead.frame
    return values_frame(
        primary_keys=plan.primary_keys,
        element_uuids=plan.element_uuids,
        attribute_names=plan.attribute_names,
        attribute_ids=plan.attribute_ids,
        data_types=plan.data_types,
        results=results,
        times=np.full(len(results), now),
    )


def _known_plan(
    model_cache: ModelCache,
    elements: ElementsLike,
    attributes: Iterable[AttributeLike] | AttributeLike | None,
) -> ReadPlan:
    """Return the plan to read something, which is kept if it is named by keys or UUIDs."""
    plans, call = model_cache.read_plans, call_key(elements, attributes)
    plan: ReadPlan | None = plans.get(call)
    if plan is None:
        plan = _plan(model_cache, elements, attributes)
        # Another thread may have changed the list or the rows meanwhile.
        same = call is not None and call == call_key(elements, attributes)
        if same and len(plan.data_types) <= MAX_PLANNED:
            if len(plans) >= MAX_PLANS:
                plans.clear()
            plans[call] = plan
    return plan


def _plan(
    model_cache: ModelCache,
    elements: ElementsLike,
    attributes: Iterable[AttributeLike] | AttributeLike | None,
) -> ReadPlan:
    wanted = _attribute_list(attributes)
    if wanted is not None:
        known_elements = _known_elements(model_cache, elements, wanted)
        if known_elements is not None:
            return plan_elements(model_cache, *known_elements)
    references = element_references(elements)
    if isinstance(references, Rows) and wanted is None:
        return plan_rows(model_cache, references)
    items = _resolve(model_cache, references, wanted)
    return plan_elements(
        model_cache,
        [item.primary_key for item in items],
        [item.element_uuid for item in items],
        [item.attributes for item in items],
    )


def _known_elements(
    model_cache: ModelCache, elements: object, attributes: list[AttributeLike]
) -> tuple[list[str], list[UUID], list[list[NamedAttribute]]] | None:
    """Return the keys, the UUIDs and the attributes of elements given by their UUIDs or known keys.

    None if they are named in another way, or something has to be asked for first.
    """
    if isinstance(elements, str | UUID):
        elements = [elements]
    if not isinstance(elements, list):
        return None
    kinds = set(map(type, elements))
    if kinds == {UUID}:
        uuids: list[UUID] | None = elements
        answers = model_cache.known_meta_data(elements)
        if answers is None:
            return None
        keys = [answer.primary_key or "" for answer in answers]
        lists: list[AttributeList] | None = [answer.attributes or () for answer in answers]
        if not all(keys):
            return None
    else:
        keys = elements
        uuids = model_cache.known_uuids(elements) if kinds == {str} else None
        if uuids is None:
            return None
        well_known = all(map(_well_known, attributes))
        lists = [()] * len(uuids) if well_known else model_cache.known_lists(uuids)
    if uuids is None or lists is None:
        return None
    distinct = dict(zip(map(id, lists), zip(keys, lists, strict=True), strict=True))
    ids_by_name = _ids_by_name(attributes, [each for _, each in distinct.values()])
    chosen = {
        number: _chosen(key, described, attributes, ids_by_name)
        for number, (key, described) in distinct.items()
    }
    return keys, uuids, list(map(chosen.__getitem__, map(id, lists)))


def _attribute_list(
    attributes: Iterable[AttributeLike] | AttributeLike | None,
) -> list[AttributeLike] | None:
    if attributes is None:
        return None
    wanted = attributes if are_several(attributes) else [attributes]
    return [attribute_reference(attribute) for attribute in wanted]


def _resolve(
    model_cache: ModelCache,
    references: Iterable[Reference],
    attributes: list[AttributeLike] | None,
    default: list[AttributeLike] | None = None,
) -> list[_ElementAttributes]:
    """Find the attributes of each element.

    These are ``attributes``; if None, the one that the reference names; if it names none,
    ``default``; and if that is None, all that can be read.
    """
    uuids = model_cache.uuids(references)
    choices = [
        default if attributes is None and not _names_attribute(reference) else attributes
        for reference in references
    ]
    keys, lists = _described(model_cache, references, uuids, choices)
    ids_by_name = _ids_by_name(attributes, lists.values())
    found: list[_ElementAttributes] = []
    # Elements of one type share their list, and so what was chosen from it.
    chosen: dict[int, list[NamedAttribute]] = {}
    for reference, uuid, choice in zip(references, uuids, choices, strict=True):
        described = lists.get(uuid, ()) if lists else ()
        given = reference.primary_key if reference.text_uuid is None else None
        key = given or keys.get(uuid) or str(uuid)
        if choice is None:
            infos = _own_attributes(reference, key, described)
        else:
            known_infos = chosen.get(id(described))
            if known_infos is None:
                known_infos = chosen[id(described)] = _chosen(key, described, choice, ids_by_name)
            infos = [*known_infos]
        # Rows of one element that stand together are read together.
        last = found[-1] if found and attributes is None else None
        if last is not None and (last.element_uuid is uuid or last.element_uuid == uuid):
            last.attributes.extend(infos)
        else:
            found.append(_ElementAttributes(key, uuid, infos))
    return found


def _described(
    model_cache: ModelCache,
    references: Iterable[Reference],
    uuids: Sequence[UUID],
    choices: Sequence[list[AttributeLike] | None],
) -> tuple[dict[UUID, str], dict[UUID, AttributeList]]:
    """Return the keys and the attributes of those elements that cannot be read without them."""
    # A well-known attribute needs no meta data; of any other, its name or data type is asked for.
    distinct = {id(choice): choice for choice in choices if choice is not None}
    well_known = {number: all(map(_well_known, choice)) for number, choice in distinct.items()}
    nameless: dict[UUID, None] = {}
    asked: dict[UUID, None] = {}
    for reference, uuid, choice in zip(references, uuids, choices, strict=True):
        named = reference.attribute_id is not None if choice is None else well_known[id(choice)]
        if reference.primary_key is None or reference.text_uuid is not None:
            nameless[uuid] = None
        elif not named:
            asked[uuid] = None
    described = model_cache.described(list(nameless))
    keys = {uuid: answer.primary_key or "" for uuid, answer in described.items()}
    lists = {uuid: answer.attributes or () for uuid, answer in described.items()}
    for uuid, attributes in model_cache.attribute_lists(asked).items():
        if isinstance(attributes, ServerError):
            raise attributes.within(f"meta_data of {uuid}")
        lists[uuid] = attributes
    return keys, lists


def _names_attribute(reference: Reference) -> bool:
    return reference.attribute_id is not None or reference.attribute_name is not None


def _own_attributes(
    reference: Reference, key: str, described: AttributeList
) -> list[NamedAttribute]:
    """Return the attribute that a reference names, or all of the element that can be read."""
    if reference.attribute_id is not None:
        name = reference.attribute_name or attribute_label(reference.attribute_id)
        return [(name, reference.attribute_id, reference.data_type)]
    if reference.attribute_name is not None:
        return _chosen(key, described, [reference.attribute_name], {})
    return [
        (info.name, info.attribute_id, info.data_type)
        for info in described
        if info.access != Access.WRITE_ONLY
    ]


def _chosen(
    key: str,
    described: AttributeList,
    attributes: list[AttributeLike],
    ids_by_name: dict[str, AttributeId],
) -> list[NamedAttribute]:
    """Return some attributes of one element."""
    chosen: list[NamedAttribute] = []
    for attribute in attributes:
        try:
            info = find_attribute(key, described, attribute)
        except AmbiguousError:
            raise
        except NotFoundError:
            # The server is asked all the same, unless it has something else under this id.
            attribute_id = ids_by_name.get(attribute) if isinstance(attribute, str) else attribute
            if attribute_id is None or with_id(described, attribute_id):
                raise
            chosen.append((attribute_label(attribute), attribute_id, None))
        else:
            attribute_id = info.attribute_id if isinstance(attribute, str) else attribute
            chosen.append((info.name, attribute_id, info.data_type))
    return chosen


def _well_known(attribute: AttributeLike) -> bool:
    return isinstance(attribute, int) and isinstance(known(Attribute, attribute), Attribute)


def _ids_by_name(
    attributes: list[AttributeLike] | None, lists: Iterable[AttributeList]
) -> dict[str, AttributeId]:
    """Return the id of every name that was asked for, from any element that has it.

    Elements that lack it are asked as well, and the server's "missing attribute" is in their rows.
    A name that no element has, and that is not well known, is an error.
    """
    names = {attribute for attribute in attributes or () if isinstance(attribute, str)}
    ids: dict[str, AttributeId] = {}
    for described in {id(each): each for each in lists}.values() if names else ():
        for info in described:
            if info.name in names:
                ids.setdefault(info.name, info.attribute_id)
    for name in names:
        known_id = uuid_in(name) or ATTRIBUTES_BY_NAME.get(name)
        if known_id is not None:
            ids.setdefault(name, known_id if isinstance(known_id, UUID) else int(known_id))
    return ids


def targets(
    model_cache: ModelCache,
    elements: ElementsLike,
    attributes: Iterable[AttributeLike] | AttributeLike | None,
) -> tuple[SubscriptionTarget, ...]:
    """Return the elements and attribute ids to subscribe to, each element once.

    Attributes that are left out are those that the rows name, or the value and its quality. Raises
    AmbiguousError if an element has several attributes with an id that is to be subscribed to.
    """
    references = element_references(elements)
    ids: dict[UUID, dict[AttributeId, None]] = {}
    items = _resolve(model_cache, references, _attribute_list(attributes), _VALUE_AND_QUALITY)
    for item in items:
        ids.setdefault(item.element_uuid, {}).update(
            dict.fromkeys(attribute_id for _, attribute_id, _ in item.attributes)
        )
    parts = [tuple(each) for each in ids.values()]
    owners = with_own_attributes(list(ids), parts, by_identity(parts))
    sharing = model_cache.sharing(owners)
    for item in items if sharing else ():
        for _, attribute_id, _ in item.attributes:
            attributes_there = sharing.get(item.element_uuid, ())
            if (error := shared_id(item.primary_key, attributes_there, attribute_id)) is not None:
                raise error
    return tuple(SubscriptionTarget(uuid, tuple(each)) for uuid, each in ids.items())


def resolved(
    model_cache: ModelCache,
    elements: ElementsLike,
    attributes: Iterable[AttributeLike] | AttributeLike | None,
) -> list[ResolvedAttribute]:
    """Return the attributes that are meant, each once, with their data types.

    Attributes that are left out are those that the rows name, or the value.
    """
    items = _resolve(
        model_cache,
        element_references(elements),
        _attribute_list(attributes),
        [int(Attribute.VALUE)],
    )
    uuids = list(dict.fromkeys(item.element_uuid for item in items))
    described = model_cache.described(uuids)
    found: dict[tuple[UUID, AttributeId], ResolvedAttribute] = {}
    for item in items:
        infos = described[item.element_uuid].attributes or ()
        for name, attribute_id, data_type in item.attributes:
            if (error := shared_id(item.primary_key, infos, attribute_id)) is not None:
                raise error
            info = next(iter(with_id(infos, attribute_id)), None)
            if info is not None:
                name, data_type = info.name, info.data_type
            key = item.element_uuid, canonical(attribute_id)
            found.setdefault(
                key,
                ResolvedAttribute(
                    item.primary_key, item.element_uuid, name, attribute_id, data_type
                ),
            )
    return list(found.values())


def companions(
    model_cache: ModelCache, attributes: Iterable[ResolvedAttribute], wanted: Attribute
) -> list[ResolvedAttribute]:
    """Return another attribute of each element whose value is among some, where it has that."""
    values = [each for each in attributes if canonical(each.attribute_id) == Attribute.VALUE]
    described = model_cache.described([each.element_uuid for each in values])
    return [
        ResolvedAttribute(
            each.primary_key, each.element_uuid, info.name, info.attribute_id, info.data_type
        )
        for each in values
        for info in with_id(described[each.element_uuid].attributes or (), wanted)[:1]
    ]
