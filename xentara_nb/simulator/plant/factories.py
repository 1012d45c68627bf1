"""Making the elements of the skills that the simulator knows, from their descriptions."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, StrictBool, Tag

from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType, Stage
from xentara_nb.protocol.values import TimePoint, Value
from xentara_nb.simulator.documents import JsonNode, Number, Settings, Text, invalid, whole_number
from xentara_nb.simulator.model import datatypes
from xentara_nb.simulator.model.datatypes import Interval, Keyword, PositiveInterval, SignalKeyword
from xentara_nb.simulator.model.model import ElementDescription
from xentara_nb.simulator.plant.attributes import (
    LABELS,
    AttributeTable,
    AttributeValue,
    table,
    table_and_values,
    well_known,
)
from xentara_nb.simulator.plant.builder import Builder, Factory
from xentara_nb.simulator.plant.datapoints import DataPoint, Derived, interpolate
from xentara_nb.simulator.plant.elements import Element, Identity, Register
from xentara_nb.simulator.plant.execution import (
    EXPIRED,
    Bridge,
    BridgeConnection,
    EdgeDetection,
    Pipeline,
    Timer,
)
from xentara_nb.simulator.plant.points import driverless_point, labels_of, simulated_point
from xentara_nb.simulator.plant.signals import Sampler, Signal, WaveFormSettings

_log = logging.getLogger(__name__)


class _Plain(Settings, extra="ignore"):
    """What can be set for an element, beside what all have; subclasses make others of it."""

    def make(self, builder: Builder, node: JsonNode, identity: Identity) -> Element:
        """Make the element; the node has these settings."""
        return Element(identity, table(), [])


class _Labelled(_Plain):
    """What can be set for a point; described for people, it has the attributes for that as well."""

    units: str | None = None
    display_name: str | None = None

    def labels(self, identity: Identity) -> dict[str, str]:
        """Return the values of the attributes that describe it; none if it is not described."""
        return labels_of(self.units, self.display_name, identity.key)


def _factory(category: Category, type_text: str, settings: type[_Plain] = _Plain) -> Factory:
    def make(builder: Builder, description: ElementDescription) -> Element:
        identity = builder.identity(description, category, type_text)
        node = description.node
        return node.validate(settings).make(builder, node, identity)

    return make


_Number = Annotated[int, whole_number(0, 1 << 31)]


class _Track(_Plain):
    # On how many threads it runs, and how precisely, is checked and not simulated.
    thread_count: Annotated[int, whole_number(1, 1 << 31)] = 1
    timing: Literal["relaxed", "precise", "realtime"] = "precise"
    cpus: Annotated[tuple[_Number, ...], Field(min_length=1)] = (0,)


class _Timer(_Plain):
    period: PositiveInterval
    offset: Interval = 0
    sequence: Annotated[int, whole_number(-(1 << 31), 1 << 31)] = 0

    def make(self, builder: Builder, node: JsonNode, identity: Identity) -> Element:
        return Timer(identity, self.period, self.offset, self.sequence)


class _InputAndOutput(Settings):
    input: Text | None = None
    output: Text | None = None


class _DataPoint(_Plain):
    hints: ClassVar[Mapping[str, str]] = {
        "io": "Name the input and output that the data point stands for."
    }

    io: Annotated[
        Annotated[Text, Tag("key")] | Annotated[_InputAndOutput, Tag("input and output")],
        Discriminator(lambda io: "input and output" if isinstance(io, dict) else "key"),
    ]
    units: str = ""
    display_name: str | None = None

    def make(self, builder: Builder, node: JsonNode, identity: Identity) -> Element:
        io = node.at("io")
        if isinstance(self.io, str):
            element, value = builder.source(io)
            source = element if Access(value.access).readable else None
            target = element if Access(value.access).writable else None
        else:
            sides: dict[str, Element] = {}
            for side in sorted(self.io.model_fields_set):
                sides[side], value = builder.source(io.at(side))
                access = Access(value.access)
                if not (access.readable if side == "input" else access.writable):
                    io.at(side).fail(f"this element has no {side}", "Name another element.")
            if not sides:
                io.fail("there is neither input nor output", "Name at least one of them.")
            source, target = sides.get("input"), sides.get("output")
        name = identity.key if self.display_name is None else self.display_name
        return DataPoint(identity, source, target, self.units, name)


def _check_pair(value: Any) -> Any:
    if isinstance(value, list) and len(value) != 2:
        raise invalid("this is no pair of data type and value", 'Write it as ["float64", 0].')
    return value


class _Register(_Labelled):
    hints: ClassVar[Mapping[str, str]] = {"defaultValue": 'Write "defaultValue": ["float64", 0].'}

    default_value: Annotated[tuple[Keyword, Any], BeforeValidator(_check_pair)]

    def make(self, builder: Builder, node: JsonNode, identity: Identity) -> Element:
        data_type = self.default_value[0]
        labels = self.labels(identity)
        attributes, first = _register_attributes(data_type, bool(labels))
        value = datatypes.from_json(data_type, node.at("defaultValue", 1))
        others = first[1 : len(first) - len(labels)]
        return Register(identity, attributes, [value, *others, *labels.values()])


# Kept, for a large model has little else but registers.
@lru_cache(maxsize=64)
def _register_attributes(
    data_type: DataType, labelled: bool
) -> tuple[AttributeTable, list[AttributeValue]]:
    """Return the attributes of registers with this data type, and their first values."""
    value = well_known(Attribute.VALUE, data_type, Access.READ_AND_WRITE)
    labels = LABELS if labelled else ()
    return table_and_values((value, *map(well_known, Register.ATTRIBUTES), *labels))


class _Sampler(_Plain):
    def make(self, builder: Builder, node: JsonNode, identity: Identity) -> Element:
        return Sampler(identity)


class _Signal(_Labelled):
    data_type: SignalKeyword
    bottom: Number | StrictBool
    top: Number | StrictBool
    wave_form: WaveFormSettings

    def make(self, builder: Builder, node: JsonNode, identity: Identity) -> Element:
        bottom, top = float(self.bottom), float(self.top)
        if not math.isfinite(top - bottom):
            node.fail("there is too much between 'bottom' and 'top'", "Bring them together.")
        return Signal(
            identity,
            self.data_type,
            self.wave_form.wave_form(identity.uuid),
            bottom,
            top,
            self.labels(identity),
        )


class _Mapping(Settings, extra="ignore"):
    raw: Number
    mapped: Number


class _ConvertedValue(_Labelled):
    raw_value: Text
    mappings: tuple[_Mapping, ...]

    def make(self, builder: Builder, node: JsonNode, identity: Identity) -> Element:
        mappings = [(item.raw, item.mapped) for item in self.mappings]
        inverse = [(mapped, raw) for raw, mapped in mappings]
        if min(len(dict(mappings)), len(dict(inverse))) != len(mappings):
            node.at("mappings").fail(
                "a value is mapped twice", "Let every raw and every mapped value stand once."
            )
        source, info = builder.source(node.at("rawValue"))
        data_type = DataType(info.data_type)
        if data_type.integer_range is None and not data_type.is_float:
            node.at("rawValue").fail(
                f"{source.key!r} is no number", "Name an element with a number."
            )

        def write_back(value: Value, now: TimePoint) -> None:
            number = interpolate(inverse, _number(value))
            whole = not data_type.is_float and math.isfinite(number)
            source.write(Attribute.VALUE, round(number) if whole else number, now)

        return Derived(
            identity,
            DataType.FLOAT_64,
            [source],
            lambda values: float(interpolate(mappings, _number(values[0]))),
            write_back if info.access == Access.READ_AND_WRITE else None,
            self.labels(identity),
        )


class _Bit(_Labelled):
    source: Text
    bit_number: Annotated[int, whole_number(0, 63)]

    def make(self, builder: Builder, node: JsonNode, identity: Identity) -> Element:
        source, info = builder.source(node.at("source"))
        if DataType(info.data_type).integer_range is None:
            node.at("source").fail(f"{source.key!r} is no whole number", "Name one that has bits.")
        return Derived(
            identity,
            DataType.BOOLEAN,
            [source],
            lambda values: bool(int(_number(values[0])) >> self.bit_number & 1),
            labels=self.labels(identity),
        )


class _SummaryState(_Labelled):
    operator: Literal["or", "and"] = "or"
    states: tuple[Text, ...]

    def make(self, builder: Builder, node: JsonNode, identity: Identity) -> Element:
        sources = [builder.source(state)[0] for state in node.items("states")]
        return Derived(
            identity,
            DataType.BOOLEAN,
            sources,
            all if self.operator == "and" else any,
            labels=self.labels(identity),
        )


def _number(value: Value) -> int | float:
    return value if isinstance(value, int | float) else 0


class _Task(Settings, extra="ignore"):
    function: Text


class _Segment(Settings, extra="ignore"):
    start: _Number
    end: _Number
    tasks: tuple[_Task, ...] = ()


class _Pipeline(_Plain):
    hints: ClassVar[Mapping[str, str]] = {
        "checkpoints": "List at least two, between which the segments lie.",
        "segments": "List at least one, with its tasks.",
    }

    checkpoints: Annotated[tuple[Any, ...], Field(min_length=2)]
    # Without triggers it never runs in operation.
    triggers: tuple[Text, ...] = ()
    segments: Annotated[tuple[_Segment, ...], Field(min_length=1)]

    def make(self, builder: Builder, node: JsonNode, identity: Identity) -> Element:
        builder.wirings.append(lambda: builder.pipelines.append(self._pipeline(builder, node)))
        return super().make(builder, node, identity)

    def _pipeline(self, builder: Builder, node: JsonNode) -> Pipeline:
        last = len(self.checkpoints) - 1
        ordered: list[tuple[int, int, list[tuple[Element, str]]]] = []
        for item, segment in zip(node.items("segments"), self.segments, strict=True):
            for name, checkpoint in (("start", segment.start), ("end", segment.end)):
                if checkpoint > last:
                    item.at(name).fail(
                        f"{checkpoint} is out of range", f"Give a number from 0 to {last}."
                    )
            if segment.start >= segment.end:
                item.fail("the segment ends before it starts", "Let it end at a later checkpoint.")
            tasks = [
                _member(builder, task.at("function"), "task", _TASKS)
                for task in item.items("tasks")
            ]
            ordered.append((segment.start, segment.end, tasks))
        # Segments between the same checkpoints may run side by side; here they run one by one.
        ordered.sort(key=lambda segment: segment[:2])
        return Pipeline(
            tuple(
                _member(builder, trigger, "event", _EVENTS) for trigger in node.items("triggers")
            ),
            tuple(task for _, _, tasks in ordered for task in tasks),
        )


# The kinds of elements that have one task or one event only, and its name.
_TASKS: Mapping[type[Element], str] = {Sampler: "generate", Bridge: "copy"}
_EVENTS: Mapping[type[Element], str] = {Timer: EXPIRED}


def _member(
    builder: Builder, reference: JsonNode, what: str, known: Mapping[type[Element], str]
) -> tuple[Element, str]:
    """Return the task or the event that a key names; warn of one that the element has not."""
    element, name = builder.member(reference)
    only = known.get(type(element), name)
    if name != only:
        kind = element.kind.type_text
        _log.warning("%s: a %s has no %s %r, only %r", reference, kind, what, name, only)
    elif f"{element.key}.{name}" in builder.model.by_key:
        _log.warning("%s: %r is an element, and none of its %ss", reference, reference.value, what)
    return element, name


class _Inspector(Settings, extra="ignore"):
    attributes: tuple[Text, ...] = ()


def _inspector(builder: Builder, description: ElementDescription) -> Element:
    """Make an inspector, which has no driver, and check the attributes that it prints."""
    node = description.node
    node.validate(_Inspector)
    builder.wirings.append(lambda: [builder.attribute(item) for item in node.items("attributes")])
    return driverless_point(builder, description)


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


class _Bridge(_Plain):
    stages: Annotated[
        tuple[Literal["startup", "preop", "op", "postop", "shutdown"], ...],
        BeforeValidator(lambda value: [*_STAGES] if value == "all" else value),
    ] = ("op",)
    connections: tuple[_Connection, ...] = ()

    def make(self, builder: Builder, node: JsonNode, identity: Identity) -> Element:
        bridge = Bridge(identity, frozenset(_STAGES[name] for name in self.stages))

        def connect() -> None:
            for connection in node.items("connections"):
                names = ("source", "target", "errorHandler")
                nodes = [connection.at(name) for name in names if name in connection.value]
                bridge.connections.append(BridgeConnection(*map(builder.attribute, nodes)))

        builder.wirings.append(connect)
        return bridge


class _EdgeDetection(_Plain):
    value: Text

    def make(self, builder: Builder, node: JsonNode, identity: Identity) -> Element:
        detection = EdgeDetection(identity)

        def watch() -> None:
            detection.watched, _ = builder.source(node.at("value"))

        builder.wirings.append(watch)
        return detection


FACTORIES: dict[str, Factory] = defaultdict(
    lambda: driverless_point,
    {
        "@DataPoint": _factory(Category.DATA_POINT, "data point", _DataPoint),
        "@Group": _factory(Category.ELEMENT_GROUP, "element group"),
        "@Pipeline": _factory(Category.EXECUTION_PIPELINE, "execution pipeline", _Pipeline),
        "@Timer": _factory(Category.TIMER, "timer", _Timer),
        "@Track": _factory(Category.EXECUTION_TRACK, "execution track", _Track),
        "@Skill.Debugging.Inspector": _inspector,
        "@Skill.SignalFlow.Bridge": _factory(Category.MICROSERVICE, "signal bridge", _Bridge),
        "@Skill.SignalFlow.EdgeDetection": _factory(
            Category.MICROSERVICE, "edge detection", _EdgeDetection
        ),
        "@Skill.SignalFlow.Register": _factory(Category.DATA_POINT, "register", _Register),
        "@Skill.SignalGenerator.Sampler": _factory(
            Category.DEVICE, "signal generator sampler", _Sampler
        ),
        "@Skill.SignalGenerator.Signal": _factory(
            Category.DATA_POINT, "signal generator signal", _Signal
        ),
        "@Skill.SignalProcessing.Bit": _factory(Category.DATA_POINT, "bit value", _Bit),
        "@Skill.SignalProcessing.ConvertedValue": _factory(
            Category.DATA_POINT, "converted value", _ConvertedValue
        ),
        "@Skill.SignalProcessing.SummaryState": _factory(
            Category.DATA_POINT, "summary state", _SummaryState
        ),
        "@Skill.Simulator.Point": simulated_point,
    },
)
"""The factories by descriptor."""
