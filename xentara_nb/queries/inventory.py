"""Everything a server holds: browse, then the meta data of all that was found."""

from __future__ import annotations

import itertools
import numbers
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from xentara_nb.protocol.codec.attribute_lists import ListRequests
from xentara_nb.protocol.commands import Browse, BrowseEntries, MetaData
from xentara_nb.protocol.errors import ServerError, result_of
from xentara_nb.protocol.identifiers import NIL_UUID, MetaDataId
from xentara_nb.protocol.sharing import shared
from xentara_nb.protocol.text import listed, quantity
from xentara_nb.protocol.uuid_column import taken
from xentara_nb.queries.model_cache import NO_LIST, Ask, ElementColumns, ModelCache
from xentara_nb.queries.progress import Progress, reporting
from xentara_nb.tables.frames import InventoryElement
from xentara_nb.tables.references import (
    ElementLike,
    ElementsLike,
    are_several,
    category_reference,
    element_reference,
    element_references,
)

CategoryLike: TypeAlias = int | str
"""A category: its identifier or its label in the manual."""


class InventoryWarning(UserWarning):
    """Some elements are missing in an inventory; the message says which and why."""


def browse(
    ask: Ask,
    model_cache: ModelCache,
    root: ElementLike | None,
    depth: int | None,
    categories: CategoryLike | Iterable[CategoryLike] | None,
) -> BrowseEntries:
    """Return the elements below an element; those of the whole model when it is None."""
    root_uuid = NIL_UUID
    if root is not None:
        (root_uuid,) = model_cache.uuids([element_reference(root)])
    levels = None if depth is None else operator.index(depth)  # a plain int, also of numpy's
    (answer,) = ask([Browse(root_uuid, levels, category_ids(categories))])
    entries: BrowseEntries = result_of(
        answer, f"browse of {'the root' if root is None else root_uuid}"
    )
    if root is None and depth is None and categories is None:
        model_cache.known_keys.take(entries.keys)
    return entries


def category_ids(
    categories: CategoryLike | Iterable[CategoryLike] | None,
) -> tuple[int, ...] | None:
    """Return the identifiers of categories; raises as :func:`browse`."""
    if categories is None:
        return None
    wanted: Iterable[Any] = categories if are_several(categories) else (categories,)
    return tuple(_category_id(category) for category in wanted)


def _category_id(category: CategoryLike) -> int:
    # One that this version does not know is asked for as it is. numpy's integers are no int, but
    # they are Integral.
    if isinstance(category, numbers.Integral) and not isinstance(category, bool) and category >= 0:
        return int(category)
    return int(category_reference(category))


def meta_data(model_cache: ModelCache, elements: ElementsLike) -> list[InventoryElement]:
    """Return key, UUID, category and attributes of elements, of each one once."""
    references = list(dict.fromkeys(element_references(elements)))
    uuids = list(dict.fromkeys(model_cache.uuids(references)))
    return [
        (answer.primary_key or "", uuid, answer.category or 0, answer.attributes or ())
        for uuid, answer in model_cache.described(uuids).items()
    ]


def has_children(ask: Ask, model_cache: ModelCache, elements: ElementsLike) -> list[bool]:
    """Return for each element whether there is something below it; True where it is not known."""
    uuids = model_cache.uuids(element_references(elements))
    answers = ask([MetaData(uuid, (MetaDataId.HAS_CHILDREN,)) for uuid in uuids])
    return [
        isinstance(answer, ServerError) or answer.has_children is not False for answer in answers
    ]


def attribute_lists(
    ask: Ask, entries: BrowseEntries, progress: Progress
) -> tuple[ElementColumns, dict[str, str]]:
    """Return the elements that there are, and by key why the others vanished or cannot be asked.

    They are sorted by key, as an inventory is.
    """
    total = len(entries)
    with reporting(progress, total, "element", "Inventory") as report:
        answers = _reported(ask(ListRequests(entries.uuids)), total, report)
    # The UUIDs first: servers that have the same keys differ in them from the first one on.
    made_of = entries.uuids, entries.keys, entries.categories, answers
    return shared("elements", made_of, total, lambda: _columns(entries, answers))


def _columns(entries: BrowseEntries, answers: list[Any]) -> tuple[ElementColumns, dict[str, str]]:
    lists: list[Any] = [
        None if isinstance(each, ServerError) else each.attributes for each in answers
    ]
    errors = {
        at: answers[at] if isinstance(answers[at], ServerError) else NO_LIST
        for at, each in enumerate(lists)
        if each is None
    }
    keys = entries.keys
    found = ElementColumns(keys, entries.uuids, entries.categories, lists)
    if errors or any(map(operator.gt, keys, itertools.islice(keys, 1, None))):
        there = (at for at in range(len(keys)) if at not in errors)
        order = sorted(there, key=keys.__getitem__)
        found = ElementColumns(
            [keys[at] for at in order],
            taken(found.uuids, order),
            [found.categories[at] for at in order],
            [lists[at] for at in order],
        )
    return found, {keys[at]: f"{error.text} ({error.code})" for at, error in errors.items()}


def _reported(
    results: Iterator[Any], total: int, report: Callable[[int, int], object]
) -> list[Any]:
    """Return all results, and report a hundred times how many there are."""
    found: list[Any] = []
    while part := list(itertools.islice(results, max(1, total // 100))):
        found += part
        report(len(found), total)
    return found


def whole_model(
    ask: Ask, model_cache: ModelCache, progress: Progress
) -> tuple[ElementColumns, dict[str, str]]:
    """Return all elements, sorted by key, and those that are missing; asked for only once."""
    if model_cache.whole is not None:
        return model_cache.whole, {}
    generation = model_cache.generation
    entries = browse(ask, model_cache, None, None, None)
    found, missing = attribute_lists(ask, entries, progress)
    model_cache.learn(found.uuids, found.lists, generation)
    # An element that is being changed is asked for again.
    if generation == model_cache.generation and not missing:
        model_cache.whole = found
    return found, missing


def missing_text(missing: dict[str, str]) -> str:
    """Say which elements an inventory lacks, in one line."""
    reasons = [f"{key}: {reason}" for key, reason in missing.items()]
    count = quantity(len(missing), "element is", "elements are")
    return f"{count} not in the inventory: {listed(reasons, separator='; ')}"
