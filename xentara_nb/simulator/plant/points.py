"""Points that are simulated as a configuration describes them: the simulator's own, and others'.

Elements of skills that the simulator has no driver for get their look from
:mod:`xentara_nb.simulator.plant.inference`.

The extension ``@Skill.Simulator.Point`` says what no other descriptor can::

    {"@Skill.Simulator.Point": {
        "name": "Temperature", "UUID": "...",
        "category": "data point",           any category, default "data point"
        "type": "temperature transmitter",  default "simulated point"
        "dataType": "float32",              a keyword, or any name such as "U16String";
                                            left out: an element without a value
        "access": "read only",              or "write only", "read and write"
        "value": 21.5,                      default: what the data type begins with
        "quality": "good",                  default "good"
        "minimum": 0, "maximum": 100,       writes beyond are out of range
        "allowed": [0, 1, 2],               other writes are illegal values
        "deviceState": true,                a device's state; left out: it has none
        "attributes": [                     custom attributes
            {"name": "serialNumber", "UUID": "...", "dataType": "string",
             "access": "read only", "value": "4711"}]
    }}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import (
    ATTRIBUTES_BY_NAME,
    Access,
    Attribute,
    Category,
    DataType,
    Labelled,
    Quality,
)
from xentara_nb.simulator.documents import JsonNode
from xentara_nb.simulator.model import datatypes
from xentara_nb.simulator.model.model import ElementDescription
from xentara_nb.simulator.plant import inference
from xentara_nb.simulator.plant.attributes import (
    AttributeValue,
    attribute_uuid,
    table,
    values_for,
    well_known,
)
from xentara_nb.simulator.plant.elements import Element, Limits, Point

if TYPE_CHECKING:
    from xentara_nb.simulator.plant.builder import Builder

_TIMES = (Attribute.UPDATE_TIME, Attribute.CHANGE_TIME)


def driverless_point(builder: Builder, it: ElementDescription) -> Element:
    """Make an element of a skill that the simulator has no driver for."""
    look = inference.infer(it, builder.usages.get(it.key), builder.warned)
    known: dict[str, AttributeValue] = dict.fromkeys(("updateTime", "changeTime"), builder.now)
    known["deviceState"] = True
    kind = builder.kind(look.category, look.type_text)
    values = values_for(look.attributes, **known)
    return Point(kind, it.uuid, it.key, it.name, table(*look.attributes), values)


def simulated_point(builder: Builder, it: ElementDescription) -> Element:
    """Make one of the simulator's own points."""
    place = it.place
    infos: list[AttributeInfo] = []
    known: dict[str, AttributeValue] = {"updateTime": builder.now, "changeTime": builder.now}
    limits = None
    if (type_place := place.optional("dataType")) is not None:
        data_type = datatypes.any_name(type_place)
        access = _labelled(place.optional("access"), Access.READ_ONLY)
        infos += (
            well_known(Attribute.VALUE, data_type, access),
            *map(well_known, (*_TIMES, Attribute.QUALITY, Attribute.ERROR)),
        )
        if access.writable:
            infos += map(well_known, (Attribute.WRITE_TIME, Attribute.WRITE_ERROR))
        if (value := place.optional("value")) is not None:
            known["value"] = datatypes.from_json(data_type, value)
        known["quality"] = int(_labelled(place.optional("quality"), Quality.GOOD))
        limits = _limits(place, data_type)
    if (state := place.optional("deviceState")) is not None:
        infos.append(well_known(Attribute.DEVICE_STATE))
        known["deviceState"] = state.boolean()
    custom = place.optional("attributes")
    for item in custom.items() if custom is not None else ():
        info, held = _custom_attribute(item)
        infos.append(info)
        known[info.name] = held
    type_text = place.optional("type")
    kind = builder.kind(
        _labelled(place.optional("category"), Category.DATA_POINT),
        "simulated point" if type_text is None else type_text.text(),
    )
    values = values_for(infos, **known)
    return Point(kind, it.uuid, it.key, it.name, table(*infos), values, limits)


def _custom_attribute(item: JsonNode) -> tuple[AttributeInfo, AttributeValue]:
    name = item.member("name").text()
    uuid = item.optional("UUID")
    data_type = datatypes.any_name(item.member("dataType"))
    attribute_id = ATTRIBUTES_BY_NAME.get(name)
    info = AttributeInfo(
        name,
        int(attribute_id)
        if attribute_id is not None
        else attribute_uuid(name)
        if uuid is None
        else uuid.uuid(),
        _labelled(item.optional("access"), Access.READ_ONLY),
        data_type,
    )
    value = item.optional("value")
    held = datatypes.first_value(data_type)
    return info, held if value is None else datatypes.from_json(data_type, value)


def _limits(place: JsonNode, data_type: DataType) -> Limits | None:
    minimum, maximum = (
        None if (limit := place.optional(name)) is None else datatypes.from_json(data_type, limit)
        for name in ("minimum", "maximum")
    )
    listed = place.optional("allowed")
    allowed = (
        None
        if listed is None
        else tuple(datatypes.from_json(data_type, item) for item in listed.items())
    )
    found = (minimum, maximum, allowed)
    return None if found == (None, None, None) else Limits(*found)


_L = TypeVar("_L", bound=Labelled)


def _labelled(place: JsonNode | None, default: _L) -> _L:
    """Return the identifier that the manual's words stand for."""
    if place is None:
        return default
    by_label = {member.label: member for member in type(default)}
    if place.text() not in by_label:
        choices = ", ".join(map(repr, by_label))
        place.fault(f"{place.value!r} is none of the manual's words", f"Take one of {choices}.")
    return by_label[place.text()]
