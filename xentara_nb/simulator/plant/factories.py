"""Making the elements of the skills that the simulator knows, from their descriptions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, Discriminator, StrictBool, Tag

from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType, Quality
from xentara_nb.protocol.values import TimePoint, Value
from xentara_nb.simulator.documents import JsonNode, invalid
from xentara_nb.simulator.model import datatypes
from xentara_nb.simulator.model.datatypes import Interval, Keyword, PositiveInterval, SignalKeyword
from xentara_nb.simulator.model.model import ElementDescription
from xentara_nb.simulator.plant.attributes import (
    AttributeTable,
    AttributeValue,
    table,
    table_and_values,
    well_known,
)
from xentara_nb.simulator.plant.context import BuildContext, Factory
from xentara_nb.simulator.plant.datapoints import (
    DataPoint,
    Derived,
    derived_attributes,
    interpolate,
)
from xentara_nb.simulator.plant.elements import Element, Identity, Register
from xentara_nb.simulator.plant.execution import Timer
from xentara_nb.simulator.plant.processing import Bridge, EdgeDetection
from xentara_nb.simulator.plant.signals import ATTRIBUTES as SIGNAL_ATTRIBUTES
from xentara_nb.simulator.plant.signals import Sampler, Signal, WaveFormSettings
from xentara_nb.simulator.schema import Number, Settings, Text, whole_number

_S = TypeVar("_S", bound=Settings)
_Make: TypeAlias = Callable[[BuildContext, JsonNode, Identity, _S], Element]


def _plain(
    category: Category,
    type_text: str,
    make: Callable[[Identity], Element] = lambda identity: Element(identity, table(), []),
) -> Factory:
    """Return the factory of elements that have no attributes but those of every element."""
    return lambda context, description: make(context.identity(description, category, type_text))


FACTORIES: dict[str, Factory] = {
    "@Group": _plain(Category.ELEMENT_GROUP, "element group"),
    "@Track": _plain(Category.EXECUTION_TRACK, "execution track"),
    "@Pipeline": _plain(Category.EXECUTION_PIPELINE, "execution pipeline"),
    "@Skill.SignalFlow.Bridge": _plain(Category.MICROSERVICE, "signal bridge", Bridge),
    "@Skill.SignalFlow.EdgeDetection": _plain(
        Category.MICROSERVICE, "edge detection", EdgeDetection
    ),
}
"""The factories by descriptor."""


def _factory(
    descriptor: str, category: Category, type_text: str, settings: type[_S]
) -> Callable[[_Make[_S]], _Make[_S]]:
    """Add a function to the factories, which makes an element from its settings."""

    def add(make: _Make[_S]) -> _Make[_S]:
        def build(context: BuildContext, description: ElementDescription) -> Element:
            identity = context.identity(description, category, type_text)
            return make(context, description.node, identity, description.node.validate(settings))

        FACTORIES[descriptor] = build
        return make

    return add


class _Timer(Settings, extra="ignore"):
    period: PositiveInterval
    offset: Interval = 0
    sequence: Annotated[int, whole_number(-(1 << 31), 1 << 31)] = 0


@_factory("@Timer", Category.TIMER, "timer", _Timer)
def _timer(_: BuildContext, node: JsonNode, identity: Identity, settings: _Timer) -> Element:
    return Timer(identity, settings.period, settings.offset, settings.sequence)


class _InputAndOutput(Settings):
    input: Text | None = None
    output: Text | None = None


class _DataPoint(Settings, extra="ignore"):
    hints: ClassVar[Mapping[str, str]] = {
        "io": "Name the input and output that the data point stands for."
    }

    io: Annotated[
        Annotated[Text, Tag("key")] | Annotated[_InputAndOutput, Tag("input and output")],
        Discriminator(lambda io: "input and output" if isinstance(io, dict) else "key"),
    ]
    units: str = ""
    display_name: str | None = None


@_factory("@DataPoint", Category.DATA_POINT, "data point", _DataPoint)
def _data_point(
    context: BuildContext, node: JsonNode, identity: Identity, settings: _DataPoint
) -> Element:
    io = node.at("io")
    if isinstance(settings.io, str):
        element, value = context.source(io)
        source = element if Access(value.access).readable else None
        target = element if Access(value.access).writable else None
    else:
        sides: dict[str, Element] = {}
        for side in sorted(settings.io.model_fields_set):
            sides[side], value = context.source(io.at(side))
            access = Access(value.access)
            if not (access.readable if side == "input" else access.writable):
                io.at(side).fail(f"this element has no {side}", "Name another element.")
        if not sides:
            io.fail("there is neither input nor output", "Name at least one of them.")
        source, target = sides.get("input"), sides.get("output")
    name = identity.key if settings.display_name is None else settings.display_name
    return DataPoint(identity, source, target, settings.units, name)


def _check_pair(value: Any) -> Any:
    if isinstance(value, list) and len(value) != 2:
        raise invalid("this is no pair of data type and value", 'Write it as ["float64", 0].')
    return value


class _Register(Settings, extra="ignore"):
    hints: ClassVar[Mapping[str, str]] = {"defaultValue": 'Write "defaultValue": ["float64", 0].'}

    default_value: Annotated[tuple[Keyword, Any], BeforeValidator(_check_pair)]


@_factory("@Skill.SignalFlow.Register", Category.DATA_POINT, "register", _Register)
def _register(_: BuildContext, node: JsonNode, identity: Identity, settings: _Register) -> Element:
    data_type, _value = settings.default_value
    attributes, first = _register_attributes(data_type)
    value = datatypes.from_json(data_type, node.at("defaultValue", 1))
    return Register(identity, attributes, [value, *first[1:]])


@lru_cache(maxsize=64)
def _register_attributes(data_type: DataType) -> tuple[AttributeTable, list[AttributeValue]]:
    """Return the attributes of registers with this data type, and their first values."""
    value = well_known(Attribute.VALUE, data_type, Access.READ_AND_WRITE)
    return table_and_values((value, *map(well_known, Register.ATTRIBUTES)))


class _Sampler(Settings, extra="ignore"):
    """A sampler has nothing to set."""


@_factory("@Skill.SignalGenerator.Sampler", Category.DEVICE, "signal generator sampler", _Sampler)
def _sampler(_: BuildContext, node: JsonNode, identity: Identity, settings: _Sampler) -> Element:
    infos = tuple(map(well_known, (Attribute.UPDATE_TIME, Attribute.QUALITY)))
    return Sampler(identity, *table_and_values(infos, quality=int(Quality.BAD)))


class _Signal(Settings, extra="ignore"):
    data_type: SignalKeyword
    bottom: Number | StrictBool
    top: Number | StrictBool
    wave_form: WaveFormSettings


@_factory("@Skill.SignalGenerator.Signal", Category.DATA_POINT, "signal generator signal", _Signal)
def _signal(_: BuildContext, node: JsonNode, identity: Identity, settings: _Signal) -> Element:
    bottom, top = float(settings.bottom), float(settings.top)
    if not math.isfinite(top - bottom):
        node.fail("there is too much between 'bottom' and 'top'", "Bring them together.")
    infos = (
        well_known(Attribute.VALUE, settings.data_type),
        *map(well_known, SIGNAL_ATTRIBUTES[1:]),
    )
    return Signal(
        identity,
        *table_and_values(infos, quality=int(Quality.BAD)),
        settings.wave_form.wave_form(identity.uuid),
        bottom,
        top,
    )


class _Mapping(Settings, extra="ignore"):
    raw: Number
    mapped: Number


class _ConvertedValue(Settings, extra="ignore"):
    raw_value: Text
    mappings: tuple[_Mapping, ...]


@_factory(
    "@Skill.SignalProcessing.ConvertedValue",
    Category.DATA_POINT,
    "converted value",
    _ConvertedValue,
)
def _converted_value(
    context: BuildContext, node: JsonNode, identity: Identity, settings: _ConvertedValue
) -> Element:
    mappings = [(item.raw, item.mapped) for item in settings.mappings]
    inverse = [(mapped, raw) for raw, mapped in mappings]
    if min(len(dict(mappings)), len(dict(inverse))) != len(mappings):
        node.at("mappings").fail(
            "a value is mapped twice", "Let every raw and every mapped value stand once."
        )
    source, info = context.source(node.at("rawValue"))
    data_type = DataType(info.data_type)
    if data_type.integer_range is None and not data_type.is_float:
        node.at("rawValue").fail(f"{source.key!r} is no number", "Name an element with a number.")

    def write_back(value: Value, now: TimePoint) -> None:
        number = interpolate(inverse, _number(value))
        whole = not data_type.is_float and math.isfinite(number)
        source.write(Attribute.VALUE, round(number) if whole else number, now)

    writable = info.access == Access.READ_AND_WRITE
    return Derived(
        identity,
        *table_and_values(derived_attributes(DataType.FLOAT_64, writable)),
        [source],
        lambda values: float(interpolate(mappings, _number(values[0]))),
        write_back if writable else None,
    )


class _Bit(Settings, extra="ignore"):
    source: Text
    bit_number: Annotated[int, whole_number(0, 63)]


@_factory("@Skill.SignalProcessing.Bit", Category.DATA_POINT, "bit value", _Bit)
def _bit(context: BuildContext, node: JsonNode, identity: Identity, settings: _Bit) -> Element:
    source, info = context.source(node.at("source"))
    if DataType(info.data_type).integer_range is None:
        node.at("source").fail(f"{source.key!r} is no whole number", "Name one that has bits.")
    return Derived(
        identity,
        *table_and_values(derived_attributes(DataType.BOOLEAN)),
        [source],
        lambda values: bool(int(_number(values[0])) >> settings.bit_number & 1),
    )


class _SummaryState(Settings, extra="ignore"):
    operator: Literal["or", "and"] = "or"
    states: tuple[Text, ...]


@_factory(
    "@Skill.SignalProcessing.SummaryState", Category.DATA_POINT, "summary state", _SummaryState
)
def _summary_state(
    context: BuildContext, node: JsonNode, identity: Identity, settings: _SummaryState
) -> Element:
    return Derived(
        identity,
        *table_and_values(derived_attributes(DataType.BOOLEAN)),
        [context.source(state)[0] for state in node.items("states")],
        all if settings.operator == "and" else any,
    )


def _number(value: Value) -> int | float:
    return value if isinstance(value, int | float) else 0
