"""A snapshot: the attributes of each element, read together, as the columns of one row."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd

from xentara_nb.errors import NotFoundError
from xentara_nb.protocol.codec.reads import ReadRequests
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.errors import ServerError, XentaraError
from xentara_nb.protocol.identifiers import ATTRIBUTES_BY_NAME, Access, Attribute
from xentara_nb.protocol.values import AttributeId
from xentara_nb.queries.model_cache import (
    NOT_ANSWERED,
    Ask,
    ElementColumns,
    ModelCache,
    find_attribute,
    shared_id,
    with_id,
)
from xentara_nb.suggestions import did_you_mean
from xentara_nb.tables.frames import error_text, object_array
from xentara_nb.tables.references import (
    AttributeLike,
    ElementsLike,
    are_several,
    attribute_label,
    attribute_reference,
    element_references,
)
from xentara_nb.tables.search import SearchTable
from xentara_nb.tables.snapshots import STANDARD_COLUMNS, column_name, snapshot_frame

SEARCHED_COLUMNS = {name: STANDARD_COLUMNS[name] for name in ("type", "display_name", "units")}
"""The columns that a search reads."""


class _Layout(NamedTuple):
    """What is read of the elements that have the same attribute list."""

    ids: tuple[AttributeId, ...]
    names: tuple[str, ...]
    places: dict[str, int]  # of each column among the ids; -1 where the element has none
    types: dict[str, int | None]
    value: AttributeInfo | None
    refused: tuple[str, ...]  # why some are not read: their id is that of another one as well


def elements_of(model_cache: ModelCache, elements: ElementsLike) -> ElementColumns:
    """Return elements with their attributes, each once, in the order given."""
    uuids = list(dict.fromkeys(model_cache.uuids(element_references(elements))))
    answers = model_cache.described(uuids).values()
    return ElementColumns(
        [answer.primary_key or "" for answer in answers],
        uuids,
        [answer.category or 0 for answer in answers],
        [answer.attributes or () for answer in answers],
    )


def take_snapshot(
    ask: Ask,
    elements: ElementColumns,
    attributes: Iterable[AttributeLike] | AttributeLike | None = None,
    *,
    standard: Mapping[str, str | Attribute] = STANDARD_COLUMNS,
) -> pd.DataFrame:
    """Read the standard columns, and the attributes given, of some elements."""
    lists = {id(each): each for each in elements.lists}
    wanted: dict[str, AttributeLike] = dict(standard)
    if attributes is not None:
        wanted = {**wanted, **_besides(set(lists.values()), attributes)}
    distinct = {each: _layout(each, wanted) for each in set(lists.values())}
    layouts = {number: distinct[each] for number, each in lists.items()}
    chosen = [layouts[id(each)] for each in elements.lists]
    moment = time.time_ns()
    results, starts = _read(ask, elements.uuids, chosen)
    errors = _take_errors(results, starts, chosen)
    return snapshot_frame(
        primary_keys=elements.keys,
        element_uuids=elements.uuids,
        categories=elements.categories,
        values={name: _pick(results, starts, chosen, name) for name in wanted},
        value_infos=[layout.value for layout in chosen],
        data_types={name: [layout.types[name] for layout in chosen] for name in wanted},
        errors=errors,
        time=moment,
    )


def search_table(ask: Ask, elements: ElementColumns) -> SearchTable:
    """Return elements with the texts that a search goes through."""
    frame = take_snapshot(ask, elements, standard=SEARCHED_COLUMNS)
    table = SearchTable(frame.drop(columns=["error", "time"]))
    _ = table.index.vocabulary  # now, and not with the first typo
    return table


def _besides(
    lists: Iterable[tuple[AttributeInfo, ...]],
    attributes: Iterable[AttributeLike] | AttributeLike,
) -> dict[str, AttributeLike]:
    """Return the attributes that were asked for, by column; each must be that of some element."""
    asked_for = attributes if are_several(attributes) else [attributes]
    wanted: dict[str, AttributeLike] = {}
    every = list(dict.fromkeys(chain.from_iterable(lists)))
    for attribute in map(attribute_reference, asked_for):
        name = attribute_label(attribute)
        found = [each for each in every if each.name == attribute]
        if not found and not isinstance(attribute, str):
            found = with_id(every, attribute)
            name = found[0].name if found else name
        if not found and every and name not in ATTRIBUTES_BY_NAME:
            see = "see client.meta_data(element) for those that one has"
            offer = did_you_mean(name, (each.name for each in every), see)
            raise NotFoundError(f"no element of the snapshot has an attribute {name!r}{offer}")
        if (column := column_name(name)) not in STANDARD_COLUMNS:
            wanted[column] = attribute
    return wanted


def _layout(attributes: tuple[AttributeInfo, ...], wanted: Mapping[str, AttributeLike]) -> _Layout:
    infos = {name: _info(attributes, each) for name, each in wanted.items()}
    read = {
        name: info
        for name, info in infos.items()
        if info is not None and info.access != Access.WRITE_ONLY
    }
    shared = {
        name: error
        for name, info in read.items()
        if (error := shared_id("the element", attributes, info.attribute_id)) is not None
    }
    read = {name: info for name, info in read.items() if name not in shared}
    ids = list(dict.fromkeys(info.attribute_id for info in read.values()))
    names = {info.attribute_id: info.name for info in read.values()}
    return _Layout(
        tuple(ids),
        tuple(names[each] for each in ids),
        {name: ids.index(read[name].attribute_id) if name in read else -1 for name in wanted},
        {name: info and info.data_type for name, info in infos.items()},
        _info(attributes, Attribute.VALUE),
        tuple(dict.fromkeys(map(str, shared.values()))),
    )


def _info(attributes: tuple[AttributeInfo, ...], attribute: AttributeLike) -> AttributeInfo | None:
    if isinstance(attribute, Attribute):
        # By its id: the model may call it otherwise.
        return next(iter(with_id(attributes, int(attribute))), None)
    try:
        return find_attribute("the element", attributes, attribute)
    except NotFoundError:
        return next((each for each in attributes if each.name == attribute), None)


def _read(
    ask: Ask, uuids: Sequence[UUID], layouts: Sequence[_Layout]
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.intp]]:
    """Return all results in a row, None behind the last, and where those of each element begin."""
    asked = [at for at, layout in enumerate(layouts) if layout.ids]
    parts = [layouts[at].ids for at in asked]
    results: list[Any] = []
    requests = ReadRequests([uuids[at] for at in asked], parts)
    for ids, answer in zip(parts, ask(requests) if asked else (), strict=True):
        if isinstance(answer, ServerError):
            results += [answer] * len(ids)
        elif (*answer,) == ids:
            results += answer.values()
        else:
            results += [answer.get(each, NOT_ANSWERED) for each in ids]
    counts = [len(layout.ids) for layout in layouts]
    starts = np.cumsum([0, *counts[:-1]], dtype=np.intp) if counts else np.zeros(0, np.intp)
    return object_array([*results, None]), starts


def _take_errors(
    results: npt.NDArray[np.object_], starts: npt.NDArray[np.intp], layouts: Sequence[_Layout]
) -> list[str | None]:
    """Take the errors out of the results, and return what they say of each element."""
    failed: dict[int, dict[str, list[str]]] = {}
    kinds = {kind for kind in set(map(type, results)) if issubclass(kind, XentaraError)}
    for place, kind in enumerate(map(type, results)) if kinds else ():
        if kind in kinds:
            element = int(np.searchsorted(starts, place, "right")) - 1
            name = layouts[element].names[place - int(starts[element])]
            text = error_text(results[place])
            failed.setdefault(element, {}).setdefault(text, []).append(name)
            results[place] = None
    errors: list[str | None] = [None] * len(layouts)
    for element, texts in failed.items():
        everything = len(layouts[element].ids)
        errors[element] = "; ".join(
            text if len(names) == everything else f"{', '.join(names)}: {text}"
            for text, names in texts.items()
        )
    for element, layout in enumerate(layouts):
        if layout.refused:
            errors[element] = "; ".join(filter(None, [errors[element], *layout.refused]))
    return errors


def _pick(
    results: npt.NDArray[np.object_],
    starts: npt.NDArray[np.intp],
    layouts: Sequence[_Layout],
    name: str,
) -> list[Any]:
    places = np.fromiter((layout.places[name] for layout in layouts), np.intp, len(layouts))
    picked: list[Any] = results[np.where(places < 0, -1, starts + places)].tolist()
    return picked
