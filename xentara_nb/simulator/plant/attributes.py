"""The attributes of elements: their meta data, in tables that elements of a kind share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import TypeAlias
from uuid import NAMESPACE_URL, UUID, uuid5

from xentara_nb.protocol import cbor
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.commands.model import attributes_item
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import Access, Attribute, DataType
from xentara_nb.protocol.values import AttributeId, Value
from xentara_nb.simulator.model import datatypes

AttributeValue: TypeAlias = Value | ServerError
"""What an attribute holds: a value, or the error that reading it gives."""

_ATTRIBUTE_NAMESPACE = uuid5(NAMESPACE_URL, "https://docs.xentara.io/xentara/attributes")

# The category a second time: a server shows it as a number in meta data, but as a text when read.
_DATA_TYPES = {
    Attribute.PRIMARY_KEY: DataType.STRING,
    Attribute.NAME: DataType.STRING,
    Attribute.UUID: DataType.UUID,
    Attribute.TYPE: DataType.STRING,
    Attribute.CATEGORY: DataType.ELEMENT_CATEGORY,
    Attribute.SOURCE_TIME: DataType.TIME_POINT,
    Attribute.UPDATE_TIME: DataType.TIME_POINT,
    Attribute.CHANGE_TIME: DataType.TIME_POINT,
    Attribute.WRITE_TIME: DataType.TIME_POINT,
    Attribute.QUALITY: DataType.QUALITY,
    Attribute.DEVICE_STATE: DataType.BOOLEAN,
    Attribute.ERROR: DataType.ERROR_CODE,
    Attribute.WRITE_ERROR: DataType.ERROR_CODE,
}


def attribute_uuid(name: str) -> UUID:
    """Return the UUID of a custom attribute, the same one at every start."""
    return uuid5(_ATTRIBUTE_NAMESPACE, name)


def well_known(
    attribute: Attribute,
    data_type: DataType | None = None,
    access: Access = Access.READ_ONLY,
) -> AttributeInfo:
    """Return the meta data of a well-known attribute; only a value says its type and access."""
    return AttributeInfo(
        attribute.attribute_name,
        int(attribute),
        access,
        _DATA_TYPES[attribute] if data_type is None else data_type,
    )


OF_READING = (
    Attribute.UPDATE_TIME,
    Attribute.CHANGE_TIME,
    Attribute.QUALITY,
    Attribute.ERROR,
)
"""What only points have that can be read."""
OF_WRITING = (Attribute.WRITE_TIME, Attribute.WRITE_ERROR)
"""What only points have that can be written."""


def value_attributes(data_type: DataType, access: Access) -> list[AttributeInfo]:
    """Return the attributes of a value that a device has."""
    further = [*(OF_READING if access.readable else ()), *(OF_WRITING if access.writable else ())]
    return [well_known(Attribute.VALUE, data_type, access), *map(well_known, further)]


BASE = tuple(map(well_known, list(Attribute)[: Attribute.CATEGORY + 1]))
"""The attributes that every element has; no element stores them."""

UNITS = AttributeInfo("units", attribute_uuid("units"), Access.READ_ONLY, DataType.STRING)
DISPLAY_NAME = AttributeInfo(
    "displayName", attribute_uuid("displayName"), Access.READ_ONLY, DataType.STRING
)

LABELS = (UNITS, DISPLAY_NAME)
"""What a point has that is described for people."""
NO_LABELS: Mapping[str, str] = MappingProxyType({})


class AttributeTable:
    """The attributes of a kind of element, those of :data:`BASE` first; elements share it.

    The index has the position of every attribute by its integer and by its UUID.
    """

    def __init__(self, infos: tuple[AttributeInfo, ...]) -> None:
        self.infos = infos
        self.index: dict[AttributeId, int] = {}
        self.names: dict[str, int] = {}
        for position, info in enumerate(infos):
            self.index[info.attribute_id] = position
            if isinstance(info.attribute_id, int):
                self.index[Attribute(info.attribute_id).uuid] = position
            self.names[info.name] = position

    @cached_property
    def encoded(self) -> bytes:
        """The attribute list as meta data has it; a model of any size has only a few of them."""
        return cbor.encode(attributes_item(self.infos))

    def info(self, attribute_id: AttributeId) -> AttributeInfo | None:
        """Return the meta data of an attribute, None if there is no such attribute."""
        position = self.index.get(attribute_id)
        return None if position is None else self.infos[position]


@lru_cache(maxsize=4096)
def table(*infos: AttributeInfo) -> AttributeTable:
    """Return the table of these attributes and those that every element has."""
    return AttributeTable((*BASE, *infos))


def table_and_values(
    infos: Sequence[AttributeInfo], **known: AttributeValue
) -> tuple[AttributeTable, list[AttributeValue]]:
    """Return the table of attributes and their first values, those known by name as given."""
    values = (
        known[info.name] if info.name in known else datatypes.first_value(DataType(info.data_type))
        for info in infos
    )
    return table(*infos), list(values)
