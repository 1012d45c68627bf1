"""The attribute list of an element's meta data.

Elements of one type share their attributes, so a model has few distinct attributes and few
distinct lists. Equal ones are the same object here: an inventory of a large server holds a dozen
lists instead of a million attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from xentara_nb.protocol.checks import as_attribute_id, as_int, as_list, as_map, as_text, member
from xentara_nb.protocol.identifiers import Access, DataType, known
from xentara_nb.protocol.values import AttributeId


class AttributeInfo(NamedTuple):
    """One attribute in the answer to meta_data. Unknown identifiers stay numbers."""

    name: str
    attribute_id: AttributeId
    access: int
    data_type: int


def parse_attributes(item: Any) -> tuple[AttributeInfo, ...]:
    """Read an array of ``{0: name, 1: id, 2: access, 3: data type}``; other keys are ignored."""
    return shared_list(tuple([_attribute(each) for each in as_list(item, "the attribute list")]))


def _attribute(item: Any) -> AttributeInfo:
    attribute = as_map(item, "an entry of the attribute list")
    try:
        return _shared_attribute(attribute[0], attribute[1], attribute[2], attribute[3])
    except (KeyError, TypeError):  # one is missing, or of a type that has no hash
        return AttributeInfo(
            *[member(attribute, key, what, check) for key, (what, check) in enumerate(_MEMBERS)]
        )


_MEMBERS: tuple[tuple[str, Callable[[Any, str], Any]], ...] = (
    ("the attribute name", as_text),
    ("the attribute id", as_attribute_id),
    ("the access", as_int),
    ("the data type", as_int),
)


# Typed, for to Python 1.0 and True are the same as 1.
@lru_cache(maxsize=10_000, typed=True)
def _shared_attribute(*members: Any) -> AttributeInfo:
    name, attribute_id, access, data_type = (
        check(each, what) for each, (what, check) in zip(members, _MEMBERS, strict=True)
    )
    return AttributeInfo(name, attribute_id, known(Access, access), known(DataType, data_type))


@lru_cache(maxsize=10_000)
def shared_list(attributes: tuple[AttributeInfo, ...]) -> tuple[AttributeInfo, ...]:
    """Return the first list that was equal to this one, as long as it is remembered."""
    return attributes


def attributes_item(attributes: Sequence[AttributeInfo]) -> list[dict[int, Any]]:
    """Return the array that :func:`parse_attributes` reads."""
    return [
        {0: name, 1: attribute_id, 2: int(access), 3: int(data_type)}
        for name, attribute_id, access, data_type in attributes
    ]
