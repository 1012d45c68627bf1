"""Making the elements of the skills that the simulator knows, from their descriptions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, StrictBool, Tag

from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType, Quality
from xentara_nb.protocol.values import TimePoint, Value
from xentara_nb.simulator.documents import invalid
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


def _plain(
    category: Category,
    type_text: str,
    make: Callable[[Identity], Element] = lambda identity: Element(identity, table(), []),
) -> Factory:
    """Return the factory of elements that have no attributes but those of every element."""
    return lambda context, description: make(context.identity(description, category, type_text))


class _Timer(Settings, extra="ignore"):
    period: PositiveInterval
    offset: Interval = 0
    sequence: Annotated[int, whole_number(-(1 << 31), 1 << 31)] = 0


def _timer(context: BuildContext, description: ElementDescription) -> Element:
    settings = description.node.validate(_Timer)
    return Timer(
        context.identity(description, Category.TIMER, "timer"),
        settings.period,
        settings.offset,
        settings.sequence,
    )


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


def _data_point(context: BuildContext, description: ElementDescription) -> Element:
    settings = description.node.validate(_DataPoint)
    io = description.node.at("io")
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
    name = settings.display_name
    return DataPoint(
        context.identity(description, Category.DATA_POINT, "data point"),
        source,
        target,
        settings.units,
        description.key if name is None else name,
    )


def _check_pair(value: Any) -> Any:
    if isinstance(value, list) and len(value) != 2:
        raise invalid("this is no pair of data type and value", 'Write it as ["float64", 0].')
    return value


class _Register(Settings, extra="ignore"):
    hints: ClassVar[Mapping[str, str]] = {"defaultValue": 'Write "defaultValue": ["float64", 0].'}

    default_value: Annotated[tuple[Keyword, Any], BeforeValidator(_check_pair)]


def _register(context: BuildContext, description: ElementDescription) -> Element:
    data_type, _ = description.node.validate(_Register).default_value
    value = datatypes.from_json(data_type, description.node.at("defaultValue", 1))
    attributes, first = _register_attributes(data_type)
    identity = context.identity(description, Category.DATA_POINT, "register")
    return Register(identity, attributes, [value, *first[1:]])


@lru_cache(maxsize=64)
def _register_attributes(data_type: DataType) -> tuple[AttributeTable, list[AttributeValue]]:
    """Return the attributes of registers with this data type, and their first values."""
    infos = (
        well_known(Attribute.VALUE, data_type, Access.READ_AND_WRITE),
        *map(well_known, Register.ATTRIBUTES),
    )
    return table_and_values(infos)


def _sampler(context: BuildContext, description: ElementDescription) -> Element:
    infos = tuple(map(well_known, (Attribute.UPDATE_TIME, Attribute.QUALITY)))
    identity = context.identity(description, Category.DEVICE, "signal generator sampler")
    return Sampler(identity, *table_and_values(infos, quality=int(Quality.BAD)))


class _Signal(Settings, extra="ignore"):
    data_type: SignalKeyword
    bottom: Number | StrictBool
    top: Number | StrictBool
    wave_form: WaveFormSettings


def _signal(context: BuildContext, description: ElementDescription) -> Element:
    settings = description.node.validate(_Signal)
    bottom, top = float(settings.bottom), float(settings.top)
    if not math.isfinite(top - bottom):
        description.node.fail(
            "there is too much between 'bottom' and 'top'", "Bring them together."
        )
    infos = (
        well_known(Attribute.VALUE, settings.data_type),
        *map(well_known, SIGNAL_ATTRIBUTES[1:]),
    )
    return Signal(
        context.identity(description, Category.DATA_POINT, "signal generator signal"),
        *table_and_values(infos, quality=int(Quality.BAD)),
        settings.wave_form.wave_form(description.uuid),
        bottom,
        top,
    )


class _Mapping(Settings, extra="ignore"):
    raw: Number
    mapped: Number


class _ConvertedValue(Settings, extra="ignore"):
    raw_value: Text
    mappings: tuple[_Mapping, ...]


def _converted_value(context: BuildContext, description: ElementDescription) -> Element:
    settings = description.node.validate(_ConvertedValue)
    mappings = [(item.raw, item.mapped) for item in settings.mappings]
    inverse = [(mapped, raw) for raw, mapped in mappings]
    if min(len(dict(mappings)), len(dict(inverse))) != len(mappings):
        description.node.at("mappings").fail(
            "a value is mapped twice", "Let every raw and every mapped value stand once."
        )
    source, info = context.source(description.node.at("rawValue"))
    data_type = DataType(info.data_type)
    if data_type.integer_range is None and not data_type.is_float:
        description.node.at("rawValue").fail(
            f"{source.key!r} is no number", "Name an element with a number."
        )

    def write_back(value: Value, now: TimePoint) -> None:
        number = interpolate(inverse, _number(value))
        whole = not data_type.is_float and math.isfinite(number)
        source.write(Attribute.VALUE, round(number) if whole else number, now)

    return _derived(
        context,
        description,
        "converted value",
        DataType.FLOAT_64,
        [source],
        lambda values: float(interpolate(mappings, _number(values[0]))),
        write_back if info.access == Access.READ_AND_WRITE else None,
    )


class _Bit(Settings, extra="ignore"):
    source: Text
    bit_number: Annotated[int, whole_number(0, 63)]


def _bit(context: BuildContext, description: ElementDescription) -> Element:
    number = description.node.validate(_Bit).bit_number
    source, info = context.source(description.node.at("source"))
    if DataType(info.data_type).integer_range is None:
        description.node.at("source").fail(
            f"{source.key!r} is no whole number", "Name one that has bits."
        )
    return _derived(
        context,
        description,
        "bit value",
        DataType.BOOLEAN,
        [source],
        lambda values: bool(int(_number(values[0])) >> number & 1),
    )


class _SummaryState(Settings, extra="ignore"):
    operator: Literal["or", "and"] = "or"
    states: tuple[Text, ...]


def _summary_state(context: BuildContext, description: ElementDescription) -> Element:
    settings = description.node.validate(_SummaryState)
    return _derived(
        context,
        description,
        "summary state",
        DataType.BOOLEAN,
        [context.source(state)[0] for state in description.node.items("states")],
        all if settings.operator == "and" else any,
    )


def _derived(
    context: BuildContext,
    description: ElementDescription,
    type_text: str,
    data_type: DataType,
    sources: Sequence[Element],
    compute: Callable[[Sequence[Value]], Value],
    write_back: Callable[[Value, TimePoint], None] | None = None,
) -> Element:
    infos = derived_attributes(data_type, write_back is not None)
    identity = context.identity(description, Category.DATA_POINT, type_text)
    return Derived(identity, *table_and_values(infos), sources, compute, write_back)


def _number(value: Value) -> int | float:
    return value if isinstance(value, int | float) else 0


FACTORIES: dict[str, Factory] = {
    "@Group": _plain(Category.ELEMENT_GROUP, "element group"),
    "@DataPoint": _data_point,
    "@Timer": _timer,
    "@Track": _plain(Category.EXECUTION_TRACK, "execution track"),
    "@Pipeline": _plain(Category.EXECUTION_PIPELINE, "execution pipeline"),
    "@Skill.SignalFlow.Register": _register,
    "@Skill.SignalFlow.Bridge": _plain(Category.MICROSERVICE, "signal bridge", Bridge),
    "@Skill.SignalFlow.EdgeDetection": _plain(
        Category.MICROSERVICE, "edge detection", EdgeDetection
    ),
    "@Skill.SignalGenerator.Sampler": _sampler,
    "@Skill.SignalGenerator.Signal": _signal,
    "@Skill.SignalProcessing.ConvertedValue": _converted_value,
    "@Skill.SignalProcessing.Bit": _bit,
    "@Skill.SignalProcessing.SummaryState": _summary_state,
}
"""The factories by descriptor."""
