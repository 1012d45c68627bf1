"""Skills that the simulator has no driver for: what their elements plausibly look like.

A configuration says much about an element of an unknown skill: whether it has a data type, whether
it has children, which way its data goes, what it is called, and what the rest of the model uses it
for. Category, type and attributes are inferred from that, so that every element of a model is
served.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator

from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import (
    ATTRIBUTES_BY_NAME,
    Access,
    Attribute,
    Category,
    DataType,
)
from xentara_nb.simulator.model import datatypes
from xentara_nb.simulator.model.model import ElementDescription
from xentara_nb.simulator.model.references import References
from xentara_nb.simulator.plant.attributes import BASE, attribute_uuid, value_attributes, well_known

_log = logging.getLogger(__name__)


_KNOWN_TYPES = {
    "@Skill.CoE.Bus": (Category.DEVICE_GROUP, "EtherCAT bus"),
    "@Skill.CoE.Device": (Category.DEVICE, "EtherCAT device"),
    "@Skill.CoE.Entry": (Category.DATA_POINT, "EtherCAT device entry"),
    "@Skill.CPP.Control": (Category.MICROSERVICE, "C++ control"),
    "@Skill.Debugging.Inspector": (Category.SPECIAL_PURPOSE, "debugging inspector"),
    "@Skill.Debugging.Logger": (Category.SPECIAL_PURPOSE, "debugging logger"),
}
# What is published of further skills, and cannot be told from their names.
_PUBLISHED = {
    "@Skill.MQTT.Command": (Category.TRANSACTION, "MQTT Command"),
    "@Skill.SimpleWebService.Server": (Category.EXTERNAL_INTERFACE, "web service server"),
    "@Microservice.SimpleWebService.Server": (Category.EXTERNAL_INTERFACE, "web service server"),
}

# The first that fits the last word of the descriptor's last part counts.
_BY_WORD = tuple(
    (frozenset(words.split()), category)
    for words, category in (
        ("bus network fieldbus segment terminal", Category.DEVICE_GROUP),
        ("device client controller plc connection server coupler slave station", Category.DEVICE),
        ("module slot unit subdevice card board axis", Category.SUB_DEVICE),
        ("group batch pdo poll block", Category.DATA_POINT_GROUP),
        (
            "entry input output register tag variable signal point coil item node value object "
            "parameter contact channel",
            Category.DATA_POINT,
        ),
        ("transaction command request call", Category.TRANSACTION),
        ("control function script program task microservice processor", Category.MICROSERVICE),
        ("ai inference classifier predictor", Category.AI),
        ("database storage archive recorder historian table file", Category.DATA_STORAGE),
        ("publisher interface endpoint broker gateway topic service", Category.EXTERNAL_INTERFACE),
    )
)
_DEVICES = (Category.DEVICE_GROUP, Category.DEVICE, Category.SUB_DEVICE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# EtherCAT: process data from the master goes through synchronization manager 2, to it through 3.
_SYNC_MANAGER_OUTPUT = 2


def infer(
    element: ElementDescription, references: References, warned: set[str]
) -> tuple[Category, str, list[AttributeInfo]]:
    """Return which category, type and attributes an element probably has.

    References say what the model uses it for; of each unknown data type there is one warning for
    a model, noted in ``warned``.
    """
    known = _KNOWN_TYPES.get(element.descriptor)
    if known:
        references = References()
    category, type_text = (
        known
        or _PUBLISHED.get(element.descriptor)
        or (_category(element, references), _type_text(element.descriptor))
    )
    attributes: list[AttributeInfo] = []
    if category in _DEVICES:
        attributes += map(well_known, (Attribute.DEVICE_STATE, Attribute.ERROR))
    if category is Category.DATA_POINT or references.has_value:
        data_type = _data_type(element, references, warned)
        attributes += value_attributes(data_type, _access(element, references))
    attributes += (_used(name, *how) for name, how in references.attributes.items())
    # The first one of each name counts.
    by_name = {info.name: info for info in reversed((*BASE, *attributes))}
    return category, type_text, [info for info in attributes if info is by_name[info.name]]


def _used(name: str, access: Access, data_type: DataType) -> AttributeInfo:
    """Return an attribute of which nothing is known but that the model uses it."""
    attribute = ATTRIBUTES_BY_NAME.get(name)
    if attribute is not None:
        return well_known(attribute, access=access)
    return AttributeInfo(name, attribute_uuid(name), access, data_type)


def _category(element: ElementDescription, references: References) -> Category:
    # A value is not read from a whole device, but something with children stays what it is.
    if references.has_value and not element.children:
        return Category.DATA_POINT
    words = _WORD.findall(element.descriptor.split(".")[-1])
    last = words[-1].lower() if words else ""
    # A client that data are sent with, in transactions.
    if last == "client" and any(
        child.descriptor.endswith("Transaction") for child in element.children
    ):
        return Category.DATA_STORAGE
    for listed, category in _BY_WORD:
        if last in listed or "".join(words).lower() in listed:
            # Something with children is no data point, even if its name says so.
            if category is Category.DATA_POINT and element.children:
                return Category.DATA_POINT_GROUP
            return category
    if element.children:
        return Category.DEVICE
    typed = "dataType" in element.properties or _type_by_another_name(element) is not None
    return Category.DATA_POINT if typed else Category.SPECIAL_PURPOSE


def _type_text(descriptor: str) -> str:
    _, skill, *rest = descriptor.split(".")
    words = (word for part in rest for word in _WORD.findall(part))
    return " ".join((skill, *(word if word.isupper() else word.lower() for word in words)))


def _data_type(element: ElementDescription, references: References, warned: set[str]) -> DataType:
    if "dataType" not in element.properties:
        other = _type_by_another_name(element)
        other = references.data_type if other is None else other
        binary = any(word in _kind(element) for word in _BINARY)
        return other if other is not None else DataType.BOOLEAN if binary else DataType.FLOAT_64
    name = element.properties["dataType"]
    found = datatypes.skill_name(name) if isinstance(name, str) else None
    if found is not None:
        return found
    node = element.node.at("dataType")
    if element.descriptor in _KNOWN_TYPES:
        node.fail(
            f"there is no data type {name!r}",
            "Take one of EtherCAT's, such as BOOLEAN, INTEGER16, UNSIGNED16 or REAL32.",
        )
    # An unknown skill has names of its own.
    assumed = DataType.FLOAT_64 if references.data_type is None else references.data_type
    what = f"{element.descriptor} {name!r}"
    if what not in warned:
        warned.add(what)
        _log.warning("%s: the data type %r is assumed to be %s", node, name, assumed.label)
    return assumed


def _type_by_another_name(element: ElementDescription) -> DataType | None:
    """Return the data type that a skill states, but does not call the data type."""
    found = map(datatypes.skill_name, _texts(element, _TYPE_NAMES))
    return next((data_type for data_type in found if data_type is not None), None)


def _kind(element: ElementDescription) -> str:
    """Return what a skill calls the kind of a point, in small letters."""
    last = element.descriptor.split(".")[-1]
    return " ".join((last, *_texts(element, _KIND_NAMES))).lower()


def _texts(element: ElementDescription, names: Iterable[str]) -> Iterator[str]:
    """Return those of some properties that are texts."""
    values = (element.properties.get(name) for name in names)
    return (value for value in values if isinstance(value, str))


def _access(element: ElementDescription, references: References) -> Access:
    properties = element.properties
    if "syncManager" in properties:
        output = properties["syncManager"] == _SYNC_MANAGER_OUTPUT
        return Access.READ_AND_WRITE if output else Access.READ_ONLY
    for text in _texts(element, _ACCESS_NAMES):
        stated = _STATED.get("".join(c for c in text.lower() if c.isalnum()))
        if stated is not None:
            return stated
    for name, access in _FLAGS.items():
        if properties.get(name) is True:
            return access
    written = references.written or any(word in _kind(element) for word in _OUTPUTS)
    return Access.READ_AND_WRITE if written else Access.READ_ONLY


_TYPE_NAMES = ("datatype", "data_type", "valueType", "type", "format")
_ACCESS_NAMES = ("access", "accessMode", "direction", "mode")
_KIND_NAMES = ("type", "registerType", "area", "table")
_BINARY = ("coil", "discrete", "digital", "contact", "bit")
_OUTPUTS = ("output", "coil", "holding", "parameter", "setpoint")
_FLAGS = {
    "readOnly": Access.READ_ONLY,
    "writeOnly": Access.WRITE_ONLY,
    "writable": Access.READ_AND_WRITE,
    "writeable": Access.READ_AND_WRITE,
}
_STATED = {
    **dict.fromkeys(("readonly", "ro", "r", "read", "input", "in"), Access.READ_ONLY),
    **dict.fromkeys(("writeonly", "wo", "w", "write"), Access.WRITE_ONLY),
    **dict.fromkeys(
        ("readwrite", "readandwrite", "rw", "output", "out", "inout", "bidirectional"),
        Access.READ_AND_WRITE,
    ),
}
