"""Making the elements of the skills that the simulator knows, from their descriptions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, Discriminator, StrictBool, Tag

from xentara_nb.protocol.identifiers import (
    Access,
    Attribute,
    Category,
    DataType,
    Quality,
    Stage,
)
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
from xentara_nb.simulator.plant.builder import Builder, Factory
from xentara_nb.simulator.plant.datapoints import (
    DataPoint,
    Derived,
    derived_attributes,
    interpolate,
)
from xentara_nb.simulator.plant.elements import Element, Identity, Register
from xentara_nb.simulator.plant.execution import Pipeline, Timer
from xentara_nb.simulator.plant.points import driverless_point, simulated_point
from xentara_nb.simulator.plant.processing import Bridge, BridgeConnection, EdgeDetection
from xentara_nb.simulator.plant.signals import ATTRIBUTES as SIGNAL_ATTRIBUTES
from xentara_nb.simulator.plant.signals import Sampler, Signal, WaveFormSettings
from xentara_nb.simulator.schema import Number, Settings, Text, whole_number

_S = TypeVar("_S", bound=Settings)
_Make: TypeAlias = Callable[[Builder, JsonNode, Identity, _S], Element]


def _plain(category: Category, type_text: str) -> Factory:
    """Return the factory of elements that have no attributes but those of every element."""
    return lambda builder, description: Element(
        builder.identity(description, category, type_text), table(), []
    )


FACTORIES: dict[str, Factory] = defaultdict(
    lambda: driverless_point,
    {
        "@Group": _plain(Category.ELEMENT_GROUP, "element group"),
        "@Track": _plain(Category.EXECUTION_TRACK, "execution track"),
        "@Skill.Simulator.Point": simulated_point,
    },
)
"""The factories by descriptor."""


def _factory(
    descriptor: str, category: Category, type_text: str, settings: type[_S]
) -> Callable[[_Make[_S]], _Make[_S]]:
    """Add a function to the factories, which makes an element from its settings."""

    def add(make: _Make[_S]) -> _Make[_S]:
        def element(builder: Builder, description: ElementDescription) -> Element:
            identity = builder.identity(description, category, type_text)
            return make(builder, description.node, identity, description.node.validate(settings))

        FACTORIES[descriptor] = element
        return make

    return add


class _Timer(Settings, extra="ignore"):
    period: PositiveInterval
    offset: Interval = 0
    sequence: Annotated[int, whole_number(-(1 << 31), 1 << 31)] = 0


@_factory("@Timer", Category.TIMER, "timer", _Timer)
def _timer(_: Builder, node: JsonNode, identity: Identity, settings: _Timer) -> Element:
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
    builder: Builder, node: JsonNode, identity: Identity, settings: _DataPoint
) -> Element:
    io = node.at("io")
    if isinstance(settings.io, str):
        element, value = builder.source(io)
        source = element if Access(value.access).readable else None
        target = element if Access(value.access).writable else None
    else:
        sides: dict[str, Element] = {}
        for side in sorted(settings.io.model_fields_set):
            sides[side], value = builder.source(io.at(side))
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
def _register(_: Builder, node: JsonNode, identity: Identity, settings: _Register) -> Element:
    data_type, _value = settings.default_value
    attributes, first = _register_attributes(data_type)
    value = datatypes.from_json(data_type, node.at("defaultValue", 1))
    return Register(identity, attributes, [value, *first[1:]])


@lru_cache(maxsize=64)
def _register_attributes(data_type: DataType) -> tuple[AttributeTable, list[AttributeValue]]:
    """Return the attributes of registers with this data type, and their first values."""
    value = well_known(Attribute.VALUE, data_type, Access.READ_AND_WRITE)
    return table_and_values((value, *map(well_known, Register.ATTRIBUTES)))


def _sampler(builder: Builder, description: ElementDescription) -> Element:
    infos = tuple(map(well_known, (Attribute.UPDATE_TIME, Attribute.QUALITY)))
    identity = builder.identity(description, Category.DEVICE, "signal generator sampler")
    return Sampler(identity, *table_and_values(infos, quality=int(Quality.BAD)))


FACTORIES["@Skill.SignalGenerator.Sampler"] = _sampler


class _Signal(Settings, extra="ignore"):
    data_type: SignalKeyword
    bottom: Number | StrictBool
    top: Number | StrictBool
    wave_form: WaveFormSettings


@_factory("@Skill.SignalGenerator.Signal", Category.DATA_POINT, "signal generator signal", _Signal)
def _signal(_: Builder, node: JsonNode, identity: Identity, settings: _Signal) -> Element:
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
    builder: Builder, node: JsonNode, identity: Identity, settings: _ConvertedValue
) -> Element:
    mappings = [(item.raw, item.mapped) for item in settings.mappings]
    inverse = [(mapped, raw) for raw, mapped in mappings]
    if min(len(dict(mappings)), len(dict(inverse))) != len(mappings):
        node.at("mappings").fail(
            "a value is mapped twice", "Let every raw and every mapped value stand once."
        )
    source, info = builder.source(node.at("rawValue"))
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
def _bit(builder: Builder, node: JsonNode, identity: Identity, settings: _Bit) -> Element:
    source, info = builder.source(node.at("source"))
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
    builder: Builder, node: JsonNode, identity: Identity, settings: _SummaryState
) -> Element:
    return Derived(
        identity,
        *table_and_values(derived_attributes(DataType.BOOLEAN)),
        [builder.source(state)[0] for state in node.items("states")],
        all if settings.operator == "and" else any,
    )


def _number(value: Value) -> int | float:
    return value if isinstance(value, int | float) else 0


_Checkpoint = Annotated[int, whole_number(0, 1 << 31)]


class _Task(Settings, extra="ignore"):
    function: Text


class _Segment(Settings, extra="ignore"):
    start: _Checkpoint
    end: _Checkpoint
    tasks: tuple[_Task, ...] = ()


class _Pipeline(Settings, extra="ignore"):
    checkpoints: tuple[Any, ...]
    triggers: tuple[Text, ...] = ()
    segments: tuple[_Segment, ...] = ()


@_factory("@Pipeline", Category.EXECUTION_PIPELINE, "execution pipeline", _Pipeline)
def _pipeline(builder: Builder, node: JsonNode, identity: Identity, settings: _Pipeline) -> Element:
    last = max(len(settings.checkpoints) - 1, 0)

    def wire() -> None:
        ordered: list[tuple[int, int, list[tuple[Element, str]]]] = []
        for item, segment in zip(node.items("segments"), settings.segments, strict=True):
            for name, checkpoint in (("start", segment.start), ("end", segment.end)):
                if checkpoint > last:
                    item.at(name).fail(
                        f"{checkpoint} is out of range", f"Give a number from 0 to {last}."
                    )
            if segment.start >= segment.end:
                item.fail("the segment ends before it starts", "Let it end at a later checkpoint.")
            tasks = [builder.member(task.at("function")) for task in item.items("tasks")]
            ordered.append((segment.start, segment.end, tasks))
        # Segments between the same checkpoints may run side by side; here they run one by one.
        ordered.sort(key=lambda segment: segment[:2])
        triggers = tuple(builder.member(trigger) for trigger in node.items("triggers"))
        builder.pipelines.append(
            Pipeline(triggers, tuple(task for _, _, tasks in ordered for task in tasks))
        )

    builder.wirings.append(wire)
    return Element(identity, table(), [])


class _Inspector(Settings, extra="ignore"):
    attributes: tuple[Text, ...] = ()


def _inspector(builder: Builder, description: ElementDescription) -> Element:
    """Make an inspector, which no driver runs, and check the attributes that it prints."""
    description.node.validate(_Inspector)

    def check() -> None:
        for reference in description.node.items("attributes"):
            builder.attribute(reference)

    builder.wirings.append(check)
    return driverless_point(builder, description)


FACTORIES["@Skill.Debugging.Inspector"] = _inspector

_STAGES = {
    "startup": Stage.START_UP,
    "preop": Stage.PRE_OPERATIONAL,
    "op": Stage.OPERATIONAL,
    "postop": Stage.POST_OPERATIONAL,
    "shutdown": Stage.SHUTDOWN,
}


class _Connection(Settings, extra="ignore"):
    source: Text
    target: Text
    error_handler: Text | None = None


class _Bridge(Settings, extra="ignore"):
    stages: Annotated[
        tuple[Literal["startup", "preop", "op", "postop", "shutdown"], ...],
        BeforeValidator(lambda value: [*_STAGES] if value == "all" else value),
    ] = ("op",)
    connections: tuple[_Connection, ...] = ()


@_factory("@Skill.SignalFlow.Bridge", Category.MICROSERVICE, "signal bridge", _Bridge)
def _bridge(builder: Builder, node: JsonNode, identity: Identity, settings: _Bridge) -> Element:
    bridge = Bridge(identity, frozenset(_STAGES[name] for name in settings.stages))

    def connect() -> None:
        for connection in node.items("connections"):
            names = [
                name for name in ("source", "target", "errorHandler") if name in connection.value
            ]
            attributes = (builder.attribute(connection.at(name)) for name in names)
            bridge.connections.append(BridgeConnection(*attributes))

    builder.wirings.append(connect)
    return bridge


class _EdgeDetection(Settings, extra="ignore"):
    value: Text


@_factory(
    "@Skill.SignalFlow.EdgeDetection", Category.MICROSERVICE, "edge detection", _EdgeDetection
)
def _edge_detection(
    builder: Builder, node: JsonNode, identity: Identity, settings: _EdgeDetection
) -> Element:
    detection = EdgeDetection(identity)

    def watch() -> None:
        detection.watched, _ = builder.source(node.at("value"))

    builder.wirings.append(watch)
    return detection
