"""What a client has learned of the model: the UUIDs of keys, and the meta data of elements.

A running server's model does not change; a restarted one's may, so a client forgets all of it
when it connects again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from xentara_nb.protocol.values import AttributeId
from xentara_nb.tables.references import (
    AttributeLike,
    Reference,
    attribute_label,
    same_attribute,
)

META_DATA = (MetaDataId.PRIMARY_KEY, MetaDataId.ELEMENT_CATEGORY, MetaDataId.ATTRIBUTE_LIST)
"""What is asked for of every element."""

_REMEMBERED = 200_000  # elements; beyond that the oldest knowledge is dropped as a whole

Ask = Callable[[Sequence[Command[Any]]], Iterator[Any]]
"""Sends commands that change nothing, and gives each one's result or ServerError."""


class ModelCache:
    """Finds elements and attributes, and remembers them.

    Parameters
    ----------
    ask : callable
        Sends commands and gives their results in order.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._uuids: dict[str, UUID] = {}
        self._meta_data: dict[UUID, MetaDataAnswer] = {}

    def forget(self) -> None:
        """Forget everything: the model may be another one now."""
        self._uuids = {}
        self._meta_data = {}

    def uuids(self, references: Sequence[Reference]) -> list[UUID]:
        """Return the UUID of every element, looked up where only the key is given.

        Raises
        ------
        UnknownElementError
            If the server has no element with one of the keys.
        """
        remembered = self._uuids
        found: dict[str | None, UUID] = {}
        wanted: dict[str, None] = {}
        for reference in references:
            key = reference.primary_key
            if reference.element_uuid is None and key is not None:
                if (known := remembered.get(key)) is None:
                    wanted[key] = None
                else:
                    found[key] = known
        answers = self._ask([Lookup(key) for key in wanted])
        for key, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, ServerError):
                raise answer.within(f"lookup of {key!r}")
            found[key] = answer
            if len(remembered) >= _REMEMBERED:
                remembered.clear()
            remembered[key] = answer
        return [item.element_uuid or found[item.primary_key] for item in references]

    def meta_data(self, uuids: Sequence[UUID]) -> list[MetaDataAnswer | ServerError]:
        """Return the meta data of elements; an error where the server has none."""
        found: dict[UUID, MetaDataAnswer | ServerError] = {}
        missing = []
        for uuid in dict.fromkeys(uuids):
            if (answer := self._meta_data.get(uuid)) is not None:
                found[uuid] = answer
            else:
                missing.append(uuid)
        answers = self._ask([MetaData(uuid, META_DATA) for uuid in missing])
        for uuid, result in zip(missing, answers, strict=True):
            found[uuid] = result
            if isinstance(result, MetaDataAnswer):
                self.remember(uuid, result)
        return [found[uuid] for uuid in uuids]

    def remember(self, uuid: UUID, answer: MetaDataAnswer) -> None:
        """Keep the meta data of an element."""
        if len(self._meta_data) >= _REMEMBERED:
            self._meta_data.clear()
        self._meta_data[uuid] = answer

    def element(self, reference: Reference) -> tuple[UUID, MetaDataAnswer]:
        """Return the UUID and meta data of one element.

        Raises
        ------
        UnknownElementError
            If the server has no such element.
        """
        key, uuid = reference.primary_key, reference.element_uuid
        if uuid is None and key is not None:
            uuid = self._uuids.get(key)
        # What is known already is the usual case when one element is written again and again.
        answer = None if uuid is None else self._meta_data.get(uuid)
        if uuid is not None and answer is not None:
            return uuid, answer
        (uuid,) = self.uuids([reference])
        (found,) = self.meta_data([uuid])
        if isinstance(found, ServerError):
            raise found.within(f"meta_data of {reference}")
        return uuid, found


def find_attribute(
    element: str, attributes: Sequence[AttributeInfo], wanted: AttributeLike
) -> AttributeInfo:
    """Return the attribute that a user named, from an element's attribute list.

    Raises
    ------
    NotFoundError
        If the element has no such attribute; the message lists what it has.
    """
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


def attribute_ids(
    element: str, attributes: Sequence[AttributeInfo], wanted: Sequence[AttributeLike]
) -> list[AttributeId]:
    """Return the ids of attributes that a user named; raises as :func:`find_attribute`."""
    return [
        find_attribute(element, attributes, item).attribute_id if isinstance(item, str) else item
        for item in wanted
    ]
