"""The attribute list of an element's meta data.

Elements of one type share their attributes, so a model has few distinct attributes and few
distinct lists. Each is made and checked once and then handed out again: an inventory of a large
server holds a dozen lists instead of a million attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from xentara_nb.protocol.checks import (
    NO_KEYS,
    as_attribute_id,
    as_int,
    as_list,
    as_map,
    as_text,
    member,
)
from xentara_nb.protocol.identifiers import Access, DataType, known
from xentara_nb.protocol.values import AttributeId

_MAX_SHARED = 10_000  # distinct attributes, or lists, that are remembered


class AttributeInfo(NamedTuple):
    """One attribute in the answer to meta_data. Unknown identifiers stay numbers."""

    name: str
    attribute_id: AttributeId
    access: int
    data_type: int


_attributes: dict[tuple[Any, ...], AttributeInfo] = {}
# By the identities of the attributes in a list. An entry keeps its attributes alive, so their
# identities cannot come to mean others while it is there.
_lists: dict[tuple[int, ...], tuple[AttributeInfo, ...]] = {}


def parse_attributes(item: Any) -> tuple[AttributeInfo, ...]:
    """Read an attribute list; equal lists are mostly the same object.

    Raises
    ------
    ProtocolError
        If the list is not an array of ``{0: name, 1: id, 2: access, 3: data type}``. Other keys
        are passed over.
    """
    listed = as_list(item, "the attribute list")
    try:
        keys = map(type, chain.from_iterable(map(dict.__iter__, listed)))
        parse = _parse if NO_KEYS.isdisjoint(keys) else _checked
    except TypeError:  # not every one is a map
        parse = _checked
    infos = [parse(attribute) for attribute in listed]
    identities = tuple(map(id, infos))
    shared = _lists.get(identities)
    if shared is None:
        shared = tuple(infos)
        if len(_lists) >= _MAX_SHARED:
            _lists.clear()
        _lists[identities] = shared
    return shared


def _parse(attribute: dict[Any, Any]) -> AttributeInfo:
    """Read one attribute, a map whose keys are of sound types."""
    try:
        name, attribute_id, access, data_type = (
            attribute[0],
            attribute[1],
            attribute[2],
            attribute[3],
        )
        # The types belong to the key: True and 1.0 are equal to 1, and are no identifiers.
        key = (
            name,
            attribute_id,
            access,
            data_type,
            type(attribute_id),
            type(access),
            type(data_type),
        )
        info = _attributes.get(key)
    except (LookupError, TypeError):
        # Something is missing, or is of a type that cannot even be looked up: say what.
        return _checked(attribute)
    if info is None:
        info = _checked(attribute)
        if len(_attributes) >= _MAX_SHARED:
            _attributes.clear()
        _attributes[key] = info
    return info


def _checked(attribute: Any) -> AttributeInfo:
    attribute = as_map(attribute, "an entry of the attribute list")
    return AttributeInfo(
        as_text(member(attribute, 0, "the attribute name"), "the attribute name"),
        as_attribute_id(member(attribute, 1, "the attribute id"), "the attribute id"),
        known(Access, as_int(member(attribute, 2, "the access"), "the access")),
        known(DataType, as_int(member(attribute, 3, "the data type"), "the data type")),
    )


def attributes_item(attributes: Sequence[AttributeInfo]) -> list[dict[int, Any]]:
    """Return the array that :func:`parse_attributes` reads."""
    return [
        {0: name, 1: attribute_id, 2: int(access), 3: int(data_type)}
        for name, attribute_id, access, data_type in attributes
    ]
