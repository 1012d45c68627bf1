"""A cache of the server's model: the UUIDs of keys, and the meta data of elements.

A running server's model does not change; a restarted one's may, so a client empties its cache when
it connects again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from xentara_nb.errors import NotFoundError
from xentara_nb.protocol.commands import (
    AttributeInfo,
    Command,
    Lookup,
    MetaData,
    MetaDataAnswer,
)
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import MetaDataId
from xentara_nb.tables.references import (
    AttributeLike,
    Reference,
    attribute_label,
    same_attribute,
)

META_DATA = (MetaDataId.PRIMARY_KEY, MetaDataId.ELEMENT_CATEGORY, MetaDataId.ATTRIBUTE_LIST)
"""What is asked for of every element."""

MAX_CACHED = 200_000
"""How many elements are cached; when there are more, the cache is emptied first."""

Ask = Callable[[Sequence[Command[Any]]], Iterator[Any]]
"""Sends commands that change nothing, and gives each one's result or ServerError."""


class ModelCache:
    """Finds elements and their attributes, and caches them."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._uuids: dict[str, UUID] = {}
        self._meta_data: dict[UUID, MetaDataAnswer] = {}

    def __len__(self) -> int:
        return max(len(self._uuids), len(self._meta_data))

    def forget(self) -> None:
        """Empty the cache: the model may be another one now."""
        self._uuids = {}
        self._meta_data = {}

    def uuids(self, references: Iterable[Reference]) -> list[UUID]:
        """Return the UUID of every element, looked up where only the key is given."""
        cached = self._uuids
        found: dict[str | None, UUID] = {}
        wanted: dict[str, None] = {}
        for reference in references:
            key = reference.primary_key
            if reference.element_uuid is None and key is not None:
                if (uuid := cached.get(key)) is None:
                    wanted[key] = None
                else:
                    found[key] = uuid
        answers = self._ask([Lookup(key) for key in wanted])
        for key, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, ServerError):
                raise answer.within(f"lookup of {key!r}")
            found[key] = answer
            if len(cached) >= MAX_CACHED:
                cached.clear()
            cached[key] = answer
        return [item.element_uuid or found[item.primary_key] for item in references]

    def meta_data(self, uuids: Sequence[UUID]) -> list[MetaDataAnswer | ServerError]:
        """Return the meta data of elements; an error where the server has none."""
        # Mostly all are cached: the same elements are read and written again and again.
        cached = [self._meta_data.get(uuid) for uuid in uuids]
        known = [answer for answer in cached if answer is not None]
        if len(known) == len(cached):
            return [*known]
        missing = dict.fromkeys(
            uuid for uuid, answer in zip(uuids, cached, strict=True) if answer is None
        )
        found: dict[UUID, MetaDataAnswer | ServerError] = {}
        answers = self._ask([MetaData(uuid, META_DATA) for uuid in missing])
        for uuid, result in zip(missing, answers, strict=True):
            found[uuid] = result
            if isinstance(result, MetaDataAnswer):
                if len(self._meta_data) >= MAX_CACHED:
                    self._meta_data.clear()
                self._meta_data[uuid] = result
        return [
            found[uuid] if answer is None else answer
            for uuid, answer in zip(uuids, cached, strict=True)
        ]

    def described(self, uuids: Sequence[UUID]) -> dict[UUID, MetaDataAnswer]:
        """Return the meta data of elements by UUID; raises the error of one that does not exist."""
        answers: dict[UUID, MetaDataAnswer] = {}
        for uuid, answer in zip(uuids, self.meta_data(uuids), strict=True):
            if isinstance(answer, ServerError):
                raise answer.within(f"meta_data of {uuid}")
            answers[uuid] = answer
        return answers


def find_attribute(
    element: str, attributes: Sequence[AttributeInfo], wanted: AttributeLike
) -> AttributeInfo:
    """Return the attribute that a user named, from an element's attribute list."""
    for attribute in attributes:
        if isinstance(wanted, str):
            if attribute.name == wanted:
                return attribute
        elif same_attribute(attribute.attribute_id, wanted):
            return attribute
    names = ", ".join(attribute.name for attribute in attributes[:40]) or "none"
    raise NotFoundError(
        f"{element} has no attribute {attribute_label(wanted)!r}; its attributes are: {names}"
    )
