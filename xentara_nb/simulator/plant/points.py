"""Points that are simulated as a configuration describes them: the simulator's own, and others'.

What elements of skills without a driver look like comes from
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
        "units": "°C", "displayName": "Product temperature",    for people
        "motion": {...},                    how the value moves, see the module motion
        "deviceState": true,                a device's state; left out: it has none
        "attributes": [                     custom attributes
            {"name": "serialNumber", "UUID": "...", "dataType": "string",
             "access": "read only", "value": "4711"}]
    }}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import BeforeValidator, Field, StrictBool

from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import (
    ATTRIBUTES_BY_NAME,
    Access,
    Attribute,
    Category,
    DataType,
    Labelled,
    Quality,
)
from xentara_nb.protocol.values import AttributeId, Value
from xentara_nb.simulator.documents import (
    JsonNode,
    JsonUuid,
    Number,
    Settings,
    Text,
    one_of,
)
from xentara_nb.simulator.model import datatypes
from xentara_nb.simulator.model.datatypes import AnyDataType, Interval, PositiveInterval
from xentara_nb.simulator.model.model import ElementDescription
from xentara_nb.simulator.model.references import References
from xentara_nb.simulator.plant import inference
from xentara_nb.simulator.plant.attributes import (
    LABELS,
    AttributeValue,
    attribute_uuid,
    table_and_values,
    value_attributes,
    well_known,
)
from xentara_nb.simulator.plant.builder import Builder
from xentara_nb.simulator.plant.elements import DeviceLimits, Element, Identity, Point
from xentara_nb.simulator.plant.motion import Event, Motion, Shape


def _labelled(identifiers: type[Labelled]) -> BeforeValidator:
    """Return the validator of an identifier in the manual's words."""
    return one_of({member.label: member for member in identifiers}, identifiers.__name__.lower())


_Access: TypeAlias = Annotated[Access, _labelled(Access)]


class _CustomAttribute(Settings, extra="ignore"):
    name: Text
    uuid: JsonUuid | None = Field(None, alias="UUID")
    data_type: AnyDataType
    access: _Access = Access.READ_ONLY
    value: Any = None


class _Gain(Settings):
    source: Text
    gain: Number


class _Event(Settings):
    every: PositiveInterval
    lasts: PositiveInterval
    value: Any


class _Motion(Settings):
    hints: ClassVar[Mapping[str, str]] = {"follows": 'List [{"source": "key", "gain": 1}].'}

    follows: tuple[_Gain, ...] = ()
    counts: tuple[_Gain, ...] = ()
    lag: Interval = 0
    while_: tuple[Text, ...] = Field((), alias="while")
    unless: tuple[Text, ...] = ()
    idle: Number = 0
    drift: Number = 0
    period: PositiveInterval = 60_000_000_000
    noise: Number = 0
    event: _Event | None = None


class _SimulatedPoint(Settings, extra="ignore"):
    category: Annotated[Category, _labelled(Category)] = Category.DATA_POINT
    type: Text = "simulated point"
    data_type: AnyDataType | None = None
    access: _Access = Access.READ_ONLY
    value: Any = None
    quality: Annotated[Quality, _labelled(Quality)] = Quality.GOOD
    minimum: Any = None
    maximum: Any = None
    allowed: tuple[Any, ...] | None = None
    units: str | None = None
    display_name: str | None = None
    motion: _Motion | None = None
    device_state: StrictBool | None = None
    attributes: tuple[_CustomAttribute, ...] = ()


def driverless_point(builder: Builder, description: ElementDescription) -> Element:
    """Make an element of a skill that the simulator has no driver for."""
    references = builder.references.get(description.key, References())
    category, type_text, infos = inference.infer(description, references, builder.warned)
    known: dict[str, AttributeValue] = dict.fromkeys(("updateTime", "changeTime"), builder.now)
    known["deviceState"] = True
    identity = builder.identity(description, category, type_text)
    return Point(identity, *table_and_values(infos, **known))


def simulated_point(builder: Builder, description: ElementDescription) -> Element:
    """Make one of the simulator's own points."""
    node = description.node
    settings = node.validate(_SimulatedPoint)
    infos: list[AttributeInfo] = []
    known: dict[str, AttributeValue] = {
        "updateTime": builder.now,
        "changeTime": builder.now,
        "quality": int(settings.quality),
    }
    data_type, limits = settings.data_type, DeviceLimits()
    if data_type is not None:
        infos += value_attributes(data_type, settings.access)
        given = {
            name: datatypes.from_json(data_type, node.at(name))
            for name in ("value", "minimum", "maximum")
            if getattr(settings, name) is not None
        }
        if "value" in given:
            known["value"] = given["value"]
        allowed = tuple(datatypes.from_json(data_type, item) for item in node.items("allowed"))
        limits = DeviceLimits(
            given.get("minimum"),
            given.get("maximum"),
            None if settings.allowed is None else allowed,
        )
    if settings.device_state is not None:
        infos.append(well_known(Attribute.DEVICE_STATE))
        known["deviceState"] = settings.device_state
    for item, custom in zip(node.items("attributes"), settings.attributes, strict=True):
        # An attribute can have a well-known name and yet be another one, with a UUID of its own.
        attribute_id: AttributeId = custom.uuid or attribute_uuid(custom.name)
        if custom.uuid is None and custom.name in ATTRIBUTES_BY_NAME:
            attribute_id = int(ATTRIBUTES_BY_NAME[custom.name])
        infos.append(AttributeInfo(custom.name, attribute_id, custom.access, custom.data_type))
        if custom.value is not None:
            known[custom.name] = datatypes.from_json(custom.data_type, item.at("value"))
        else:
            known[custom.name] = datatypes.first_value(custom.data_type)
    identity = builder.identity(description, settings.category, settings.type)
    if labels := labels_of(settings.units, settings.display_name, identity.key):
        infos += LABELS
        known.update(labels)
    point = Point(identity, *table_and_values(infos, **known), limits)
    if settings.motion is not None:
        if data_type is None or not settings.access.readable:
            node.at("motion").fail("there is no value that could move", "Give it a dataType.")
        value = point.read(Attribute.VALUE)
        assert not isinstance(value, ServerError)
        motion = _motion(builder, node.at("motion"), settings.motion, identity, data_type, value)
        point.motion = motion.value
    return point


def _motion(
    builder: Builder,
    node: JsonNode,
    settings: _Motion,
    identity: Identity,
    data_type: DataType,
    value: Value,
) -> Motion:
    """Return how a value moves; what it follows is found when all elements are there."""
    event = None
    if (given := settings.event) is not None:
        if given.lasts > given.every:
            node.at("event").fail("it lasts longer than its span", "Let it last shorter.")
        event = Event(
            given.every, given.lasts, datatypes.from_json(data_type, node.at("event", "value"))
        )
    motion = Motion(
        identity.uuid,
        data_type,
        value,
        Shape(settings.lag, settings.idle, settings.drift, settings.period, settings.noise, event),
    )

    def connect() -> None:
        def gains(name: str) -> list[tuple[Element, float]]:
            return [
                (builder.source(item.at("source"))[0], float(item.value["gain"]))
                for item in node.items(name)
            ]

        motion.follows, motion.counts = gains("follows"), gains("counts")
        motion.enabled_by = [builder.source(item)[0] for item in node.items("while")]
        motion.disabled_by = [builder.source(item)[0] for item in node.items("unless")]

    builder.wirings.append(connect)
    return motion


def labels_of(units: str | None, display_name: str | None, key: str) -> dict[str, str]:
    """Return the values of the attributes that describe a point; none if it is not described."""
    if units is None and display_name is None:
        return {}
    return {"units": units or "", "displayName": display_name or key}
