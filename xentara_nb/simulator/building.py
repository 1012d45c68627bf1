"""From the description of a model to its running elements.

What the simulator knows: groups, tracks, timers, pipelines, data points, registers, signal
generators, the signal processing skill, and its own extension below. Everything else gets its
look from :mod:`xentara_nb.simulator.driverless`.

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

from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

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
from xentara_nb.protocol.values import TimePoint, Value
from xentara_nb.simulator import datatypes, driverless
from xentara_nb.simulator.datapoints import DataPoint, Derived, derived_attributes, interpolate
from xentara_nb.simulator.documents import ConfigurationError, Place
from xentara_nb.simulator.elements import (
    Element,
    Held,
    Kind,
    Limits,
    Point,
    Register,
    attribute_uuid,
    table,
    values_for,
    well_known,
)
from xentara_nb.simulator.model import ElementDescription, Model
from xentara_nb.simulator.signals import Sampler, Signal, read_wave_form

_TIMES = (Attribute.UPDATE_TIME, Attribute.CHANGE_TIME)


class Builder:
    """Makes the elements of one model.

    Parameters
    ----------
    model : Model
        The description.
    now : TimePoint
        The time of the first readings.
    category_as_text : bool
        Whether reading the attribute ``category`` gives a text, as servers were seen to do, or
        the number of the table.
    """

    def __init__(self, model: Model, now: TimePoint, *, category_as_text: bool = True) -> None:
        self.model = model
        self.now = now
        self._category_as_text = category_as_text
        self._built: dict[str, Element] = {}
        self._under_way: list[str] = []

    def kind(self, category: Category, type_text: str) -> Kind:
        """Return the kind of elements with this category and type."""
        value = category.label if self._category_as_text else int(category)
        return Kind(category, type_text, value)

    def element(self, description: ElementDescription) -> Element:
        """Return the running element of a description, without its place in the tree.

        Raises
        ------
        ConfigurationError
            If its properties are wrong, or name an element that is not there, or it depends on
            itself.
        """
        element = self._built.get(description.key)
        if element is None:
            if description.key in self._under_way:
                self._cycle(description)
            self._under_way.append(description.key)
            try:
                make = _MAKERS.get(description.descriptor, _driverless)
                element = make(self, description)
            except RecursionError:
                raise ConfigurationError(
                    self.model.file,
                    description.place.path,
                    "too many elements depend on each other in a row",
                    "Shorten the chain.",
                ) from None
            self._under_way.pop()
            self._built[description.key] = element
        return element

    def referenced(self, reference: Place) -> Element:
        """Return the element that a key in the model means."""
        return self.element(self.model.resolve(reference))

    def source(self, reference: Place) -> Element:
        """Return the element that a key means, which must have a value."""
        element = self.referenced(reference)
        if Attribute.VALUE not in element.table.index:
            reference.fault(
                f"{element.key!r} ({element.kind.type_text}) has no value",
                "Name an input, an output, a register or a signal.",
            )
        return element

    def check_attribute(self, reference: Place) -> None:
        """Make sure that a key names an attribute that its element has."""
        description, name = self.model.resolve_member(reference)
        element = self.element(description)
        if name not in element.table.names:
            reference.fault(
                f"{element.key!r} ({element.kind.type_text}) has no attribute {name!r}",
                f"Take one of {', '.join(element.table.names)}.",
            )

    def _cycle(self, description: ElementDescription) -> NoReturn:
        around = [*self._under_way[self._under_way.index(description.key) :], description.key]
        description.place.fault(
            f"the element depends on itself: {' -> '.join(around)}",
            "Let one of them take its value from elsewhere.",
        )


def build(
    model: Model, now: TimePoint, *, category_as_text: bool = True
) -> tuple[Kind, list[tuple[ElementDescription, Element]]]:
    """Make all elements of a model.

    Returns
    -------
    tuple
        The kind of the root element, and every element with its description; parents come
        after their children. Their places in the tree and their access lists are not set yet.

    Raises
    ------
    ConfigurationError
        If the model cannot be run.
    """
    builder = Builder(model, now, category_as_text=category_as_text)
    built = [(description, builder.element(description)) for description in model.by_key.values()]
    for description, _ in built:
        check = _CHECKS.get(description.descriptor)
        if check is not None:
            check(builder, description)
    return builder.kind(Category.ROOT_ELEMENT, "root element"), built


_Maker = Callable[[Builder, ElementDescription], Element]


def _plain(category: Category, type_text: str) -> _Maker:
    """Return the maker of elements that have no attributes but those of every element."""

    def make(builder: Builder, it: ElementDescription) -> Element:
        return Element(builder.kind(category, type_text), it.uuid, it.key, it.name, table(), [])

    return make


def _timer(builder: Builder, it: ElementDescription) -> Element:
    datatypes.interval(it.place.member("period"), positive=True)
    if (offset := it.place.optional("offset")) is not None:
        datatypes.interval(offset)
    return _plain(Category.TIMER, "timer")(builder, it)


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
    infos = (
        well_known(Attribute.VALUE, data_type, Access.READ_AND_WRITE),
        *map(well_known, Register.ATTRIBUTES),
    )
    values = values_for(infos, value=datatypes.from_json(data_type, pair[1]))
    kind = builder.kind(Category.DATA_POINT, "register")
    return Register(kind, it.uuid, it.key, it.name, table(*infos), values)


def _sampler(builder: Builder, it: ElementDescription) -> Element:
    infos = tuple(map(well_known, (Attribute.UPDATE_TIME, Attribute.QUALITY)))
    kind = builder.kind(Category.DEVICE, "signal generator sampler")
    values = values_for(infos, quality=int(Quality.BAD))
    return Sampler(kind, it.uuid, it.key, it.name, table(*infos), values)


def _signal(builder: Builder, it: ElementDescription) -> Element:
    data_type = datatypes.keyword(it.place.member("dataType"), datatypes.SIGNAL_KEYWORDS)
    limits = [it.place.member(name) for name in ("bottom", "top")]
    bottom, top = (float(p.value if isinstance(p.value, bool) else p.number()) for p in limits)
    infos = (
        well_known(Attribute.VALUE, data_type),
        *map(well_known, (*_TIMES, Attribute.QUALITY)),
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
        raw.write(Attribute.VALUE, number if data_type.is_float else round(number), now)

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
    work_out: Callable[[Sequence[Value]], Value],
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
        work_out,
        write_back,
    )


def _number(value: Value) -> int | float:
    return value if isinstance(value, int | float) else 0


def _driverless(builder: Builder, it: ElementDescription) -> Element:
    look = driverless.look(it)
    known: dict[str, Held] = dict.fromkeys(("updateTime", "changeTime"), builder.now)
    known["deviceState"] = True
    kind = builder.kind(look.category, look.type_text)
    values = values_for(look.attributes, **known)
    return Point(kind, it.uuid, it.key, it.name, table(*look.attributes), values)


def _simulated_point(builder: Builder, it: ElementDescription) -> Element:
    place = it.place
    infos: list[AttributeInfo] = []
    known: dict[str, Held] = {"updateTime": builder.now, "changeTime": builder.now}
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


def _custom_attribute(item: Place) -> tuple[AttributeInfo, Held]:
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


def _limits(place: Place, data_type: DataType) -> Limits | None:
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


def _labelled(place: Place | None, default: _L) -> _L:
    """Return the identifier that the manual's words stand for."""
    if place is None:
        return default
    by_label = {member.label: member for member in type(default)}
    if place.text() not in by_label:
        choices = ", ".join(map(repr, by_label))
        place.fault(f"{place.value!r} is none of the manual's words", f"Take one of {choices}.")
    return by_label[place.text()]


def _check_pipeline(builder: Builder, it: ElementDescription) -> None:
    checkpoints = len(list(it.place.member("checkpoints").items()))
    triggers = it.place.optional("triggers")
    for trigger in triggers.items() if triggers is not None else ():
        builder.model.resolve_member(trigger)
    segments = it.place.optional("segments")
    for segment in segments.items() if segments is not None else ():
        for name in ("start", "end"):
            segment.member(name).integer(0, max(checkpoints - 1, 0))
        if segment.member("start").value >= segment.member("end").value:
            segment.fault("the segment ends before it starts", "Let it end at a later checkpoint.")
        tasks = segment.optional("tasks")
        for task in tasks.items() if tasks is not None else ():
            builder.model.resolve_member(task.member("function"))


def _check_attributes(builder: Builder, it: ElementDescription) -> None:
    listed = it.place.optional("attributes")
    for place in listed.items() if listed is not None else ():
        builder.check_attribute(place)


def _check_connections(builder: Builder, it: ElementDescription) -> None:
    listed = it.place.optional("connections")
    for connection in listed.items() if listed is not None else ():
        builder.check_attribute(connection.member("source"))
        builder.check_attribute(connection.member("target"))


def _check_edge(builder: Builder, it: ElementDescription) -> None:
    builder.source(it.place.member("value"))


_MAKERS: dict[str, _Maker] = {
    "@Group": _plain(Category.ELEMENT_GROUP, "element group"),
    "@DataPoint": _data_point,
    "@Timer": _timer,
    "@Track": _plain(Category.EXECUTION_TRACK, "execution track"),
    "@Pipeline": _plain(Category.EXECUTION_PIPELINE, "execution pipeline"),
    "@Skill.SignalFlow.Register": _register,
    "@Skill.SignalGenerator.Sampler": _sampler,
    "@Skill.SignalGenerator.Signal": _signal,
    "@Skill.SignalProcessing.ConvertedValue": _converted_value,
    "@Skill.SignalProcessing.Bit": _bit,
    "@Skill.SignalProcessing.SummaryState": _summary_state,
    "@Skill.Simulator.Point": _simulated_point,
}
_CHECKS: dict[str, Callable[[Builder, ElementDescription], None]] = {
    "@Pipeline": _check_pipeline,
    "@Skill.Debugging.Inspector": _check_attributes,
    "@Skill.SignalFlow.Bridge": _check_connections,
    "@Skill.SignalFlow.EdgeDetection": _check_edge,
}
