"""Making the elements of the skills that the simulator knows, from their descriptions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from xentara_nb.protocol.identifiers import Access, Attribute, Category, DataType, Quality
from xentara_nb.protocol.values import TimePoint, Value
from xentara_nb.simulator.model import datatypes
from xentara_nb.simulator.model.model import ElementDescription
from xentara_nb.simulator.plant.attributes import (
    AttributeTable,
    AttributeValue,
    table,
    values_for,
    well_known,
)
from xentara_nb.simulator.plant.datapoints import (
    DataPoint,
    Derived,
    derived_attributes,
    interpolate,
)
from xentara_nb.simulator.plant.elements import Element, Register
from xentara_nb.simulator.plant.execution import Timer
from xentara_nb.simulator.plant.processing import Bridge, EdgeDetection
from xentara_nb.simulator.plant.signals import ATTRIBUTES as SIGNAL_ATTRIBUTES
from xentara_nb.simulator.plant.signals import Sampler, Signal, read_wave_form

if TYPE_CHECKING:
    from xentara_nb.simulator.plant.builder import Builder

Maker = Callable[["Builder", ElementDescription], Element]
"""Makes the running element of a description, without its place in the tree."""


def _plain(category: Category, type_text: str) -> Maker:
    """Return the maker of elements that have no attributes but those of every element."""

    def make(builder: Builder, it: ElementDescription) -> Element:
        return Element(builder.kind(category, type_text), it.uuid, it.key, it.name, table(), [])

    return make


def _timer(builder: Builder, it: ElementDescription) -> Element:
    period = datatypes.interval(it.place.member("period"), positive=True)
    offset, sequence = it.place.optional("offset"), it.place.optional("sequence")
    return Timer(
        builder.kind(Category.TIMER, "timer"),
        it.uuid,
        it.key,
        it.name,
        period,
        0 if offset is None else datatypes.interval(offset),
        0 if sequence is None else sequence.integer(-(1 << 31), 1 << 31),
    )


def _data_point(builder: Builder, it: ElementDescription) -> Element:
    io = it.place.member("io", "Name the input and output that the data point stands for.")
    if isinstance(io.value, dict):
        io.only("input", "output")
        sides = [
            None if (place := io.optional(side)) is None else builder.source(place)
            for side in ("input", "output")
        ]
        if sides == [None, None]:
            io.fault("there is neither input nor output", "Name at least one of them.")
        source, target = sides
        for side, element in zip(("input", "output"), sides, strict=True):
            access = _value_access(element)
            if access is not None and not (access.readable if side == "input" else access.writable):
                io.member(side).fault(f"this element has no {side}", "Name another element.")
    else:
        element = builder.source(io)
        access = _value_access(element)
        source = element if access is not None and access.readable else None
        target = element if access is not None and access.writable else None
    units, name = it.place.optional("units"), it.place.optional("displayName")
    return DataPoint(
        builder.kind(Category.DATA_POINT, "data point"),
        it.uuid,
        it.key,
        it.name,
        source,
        target,
        "" if units is None else units.text(empty=True),
        it.key if name is None else name.text(empty=True),
    )


def _value_access(element: Element | None) -> Access | None:
    info = None if element is None else element.table.info(Attribute.VALUE)
    return None if info is None else Access(info.access)


def _register(builder: Builder, it: ElementDescription) -> Element:
    default = it.place.member("defaultValue", 'Write "defaultValue": ["float64", 0].')
    pair = list(default.items())
    if len(pair) != 2:
        default.fault("this is no pair of data type and value", 'Write it as ["float64", 0].')
    data_type = datatypes.keyword(pair[0])
    attributes, first = _register_attributes(data_type)
    values = [datatypes.from_json(data_type, pair[1]), *first[1:]]
    kind = builder.kind(Category.DATA_POINT, "register")
    return Register(kind, it.uuid, it.key, it.name, attributes, values)


@lru_cache(maxsize=64)
def _register_attributes(data_type: DataType) -> tuple[AttributeTable, tuple[AttributeValue, ...]]:
    """Return the attributes of registers with this data type, and their first values."""
    infos = (
        well_known(Attribute.VALUE, data_type, Access.READ_AND_WRITE),
        *map(well_known, Register.ATTRIBUTES),
    )
    return table(*infos), tuple(values_for(infos))


def _sampler(builder: Builder, it: ElementDescription) -> Element:
    infos = tuple(map(well_known, (Attribute.UPDATE_TIME, Attribute.QUALITY)))
    kind = builder.kind(Category.DEVICE, "signal generator sampler")
    values = values_for(infos, quality=int(Quality.BAD))
    return Sampler(kind, it.uuid, it.key, it.name, table(*infos), values)


def _signal(builder: Builder, it: ElementDescription) -> Element:
    data_type = datatypes.keyword(it.place.member("dataType"), datatypes.SIGNAL_KEYWORDS)
    limits = [it.place.member(name) for name in ("bottom", "top")]
    bottom, top = (float(p.value if isinstance(p.value, bool) else p.number()) for p in limits)
    if not math.isfinite(top - bottom):
        it.place.fault("there is too much between 'bottom' and 'top'", "Bring them together.")
    infos = (
        well_known(Attribute.VALUE, data_type),
        *map(well_known, SIGNAL_ATTRIBUTES[1:]),
    )
    return Signal(
        builder.kind(Category.DATA_POINT, "signal generator signal"),
        it.uuid,
        it.key,
        it.name,
        table(*infos),
        values_for(infos, quality=int(Quality.BAD)),
        read_wave_form(it.place.member("waveForm"), it.uuid),
        bottom,
        top,
    )


def _converted_value(builder: Builder, it: ElementDescription) -> Element:
    raw_place = it.place.member("rawValue")
    raw = builder.source(raw_place)
    mappings = []
    for item in it.place.member("mappings").items():
        mappings.append((item.member("raw").number(), item.member("mapped").number()))
    for column in (0, 1):
        if len({mapping[column] for mapping in mappings}) != len(mappings):
            it.place.member("mappings").fault(
                "a value is mapped twice", "Let every raw and every mapped value stand once."
            )
    access = _value_access(raw) or Access.READ_ONLY
    data_type = DataType(raw.table.infos[raw.table.index[Attribute.VALUE]].data_type)
    if data_type.integer_range is None and not data_type.is_float:
        raw_place.fault(f"{raw.key!r} is no number", "Name an element with a number.")
    inverse = [(mapped, raw_value) for raw_value, mapped in mappings]

    def write_back(value: Value, now: TimePoint) -> None:
        number = interpolate(inverse, _number(value))
        whole = not data_type.is_float and math.isfinite(number)
        raw.write(Attribute.VALUE, round(number) if whole else number, now)

    return _derived(
        builder,
        it,
        "converted value",
        DataType.FLOAT_64,
        [raw],
        lambda values: float(interpolate(mappings, _number(values[0]))),
        write_back if access is Access.READ_AND_WRITE else None,
    )


def _bit(builder: Builder, it: ElementDescription) -> Element:
    source_place = it.place.member("source")
    source = builder.source(source_place)
    number = it.place.member("bitNumber").integer(0, 63)
    info = source.table.info(Attribute.VALUE)
    if info is None or DataType(info.data_type).integer_range is None:
        source_place.fault(f"{source.key!r} is no whole number", "Name one that has bits.")
    return _derived(
        builder,
        it,
        "bit value",
        DataType.BOOLEAN,
        [source],
        lambda values: bool(int(_number(values[0])) >> number & 1),
    )


def _summary_state(builder: Builder, it: ElementDescription) -> Element:
    operator = it.place.optional("operator")
    if operator is not None and operator.text() not in ("or", "and"):
        operator.fault(f"there is no operator {operator.value!r}", "Write 'or' or 'and'.")
    combine = all if operator is not None and operator.value == "and" else any
    return _derived(
        builder,
        it,
        "summary state",
        DataType.BOOLEAN,
        [builder.source(place) for place in it.place.member("states").items()],
        combine,
    )


def _derived(
    builder: Builder,
    it: ElementDescription,
    type_text: str,
    data_type: DataType,
    sources: Sequence[Element],
    compute: Callable[[Sequence[Value]], Value],
    write_back: Callable[[Value, TimePoint], None] | None = None,
) -> Element:
    infos = derived_attributes(data_type, write_back is not None)
    return Derived(
        builder.kind(Category.DATA_POINT, type_text),
        it.uuid,
        it.key,
        it.name,
        table(*infos),
        values_for(infos),
        sources,
        compute,
        write_back,
    )


def _number(value: Value) -> int | float:
    return value if isinstance(value, int | float) else 0


def _bridge(builder: Builder, it: ElementDescription) -> Element:
    kind = builder.kind(Category.MICROSERVICE, "signal bridge")
    return Bridge(kind, it.uuid, it.key, it.name, table(), [])


def _edge_detection(builder: Builder, it: ElementDescription) -> Element:
    kind = builder.kind(Category.MICROSERVICE, "edge detection")
    return EdgeDetection(kind, it.uuid, it.key, it.name, table(), [])


FACTORIES: dict[str, Maker] = {
    "@Group": _plain(Category.ELEMENT_GROUP, "element group"),
    "@DataPoint": _data_point,
    "@Timer": _timer,
    "@Track": _plain(Category.EXECUTION_TRACK, "execution track"),
    "@Pipeline": _plain(Category.EXECUTION_PIPELINE, "execution pipeline"),
    "@Skill.SignalFlow.Register": _register,
    "@Skill.SignalFlow.Bridge": _bridge,
    "@Skill.SignalFlow.EdgeDetection": _edge_detection,
    "@Skill.SignalGenerator.Sampler": _sampler,
    "@Skill.SignalGenerator.Signal": _signal,
    "@Skill.SignalProcessing.ConvertedValue": _converted_value,
    "@Skill.SignalProcessing.Bit": _bit,
    "@Skill.SignalProcessing.SummaryState": _summary_state,
}
"""The makers by descriptor."""
