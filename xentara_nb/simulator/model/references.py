"""What a model uses its elements for: the one thing that is known of elements of unknown skills.

An element that is the output of a data point can be written, whatever its skill calls it; one that
an inspector prints the attribute ``torque`` of has such an attribute. Whoever guesses what elements
look like must not guess anything else. References that are wrong are passed over here: those who
follow them complain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from xentara_nb.protocol.identifiers import Access, Attribute, DataType
from xentara_nb.simulator.model.model import Model, join_key, key_readings

_VALUE = Attribute.VALUE.attribute_name


@dataclass(slots=True)
class References:
    """What one element is used for.

    Attributes
    ----------
    read, written : bool
        Whether its value is read, and whether it is written.
    data_type : DataType or None
        What the value must be, where only one kind of value will do.
    attributes : dict
        Further attributes that are used, by their names: how, and of which type they may be.
    """

    read: bool = False
    written: bool = False
    data_type: DataType | None = None
    attributes: dict[str, tuple[Access, DataType]] = field(default_factory=dict)

    @property
    def has_value(self) -> bool:
        """Whether the element must have a value."""
        return self.read or self.written

    def add(self, other: _Use) -> None:
        """Add one more use."""
        if other.attribute == _VALUE:
            self.written = self.written or other.written
            self.read = self.read or not other.written
            # Not "or": a boolean is the data type 0.
            if other.data_type is not None:
                self.data_type = other.data_type
            return
        access, data_type = self.attributes.get(
            other.attribute, (Access.READ_ONLY, DataType.FLOAT_64)
        )
        self.attributes[other.attribute] = (
            Access.READ_AND_WRITE if other.written else access,
            data_type if other.data_type is None else other.data_type,
        )


@dataclass(frozen=True, slots=True)
class _Use:
    """One use of an attribute of an element."""

    key: str
    attribute: str
    written: bool
    data_type: DataType | None


_Uses: TypeAlias = Iterator[_Use]


def usages(model: Model) -> dict[str, References]:
    """Return what the elements of a model are used for, by their primary keys."""
    found: dict[str, References] = {}
    for element in model.by_key.values():
        references = _REFERENCES.get(element.descriptor)
        content = element.place.value
        if references is None or not isinstance(content, dict):
            continue
        for reference in references(content):
            found.setdefault(reference.key, References()).add(reference)
    return found


def _element(key: object, written: bool = False, data_type: DataType | None = None) -> _Uses:
    """Return the use of the value of the element that a key means."""
    for names in key_readings(key) if isinstance(key, str) else ():
        yield _Use(join_key(names), _VALUE, written, data_type)


def _member(key: object, written: bool = False, data_type: DataType | None = None) -> _Uses:
    """Return the use of the attribute that a key with its name at the end means."""
    for *names, attribute in key_readings(key) if isinstance(key, str) else ():
        yield _Use(join_key(names), attribute, written, data_type)


def _data_point(content: dict[str, Any]) -> _Uses:
    io = content.get("io")
    if isinstance(io, dict):
        yield from _element(io.get("input"))
        yield from _element(io.get("output"), written=True)
    else:
        yield from _element(io)


def _converted_value(content: dict[str, Any]) -> _Uses:
    yield from _element(content.get("rawValue"), data_type=DataType.FLOAT_64)


def _bit(content: dict[str, Any]) -> _Uses:
    number = content.get("bitNumber")
    large = isinstance(number, int) and number >= 32
    data_type = DataType.UNSIGNED_INTEGER_64 if large else DataType.UNSIGNED_INTEGER_32
    yield from _element(content.get("source"), data_type=data_type)


def _summary_state(content: dict[str, Any]) -> _Uses:
    for key in _listed(content, "states"):
        yield from _element(key, data_type=DataType.BOOLEAN)


def _edge_detection(content: dict[str, Any]) -> _Uses:
    yield from _element(content.get("value"))


def _inspector(content: dict[str, Any]) -> _Uses:
    for key in _listed(content, "attributes"):
        yield from _member(key)


def _bridge(content: dict[str, Any]) -> _Uses:
    for connection in _listed(content, "connections"):
        if isinstance(connection, dict):
            yield from _member(connection.get("source"))
            yield from _member(connection.get("target"), written=True)
            yield from _member(connection.get("errorHandler"), True, DataType.STRING)


def _listed(content: dict[str, Any], name: str) -> list[Any]:
    listed = content.get(name)
    return listed if isinstance(listed, list) else []


_REFERENCES: dict[str, Callable[[dict[str, Any]], _Uses]] = {
    "@DataPoint": _data_point,
    "@Skill.Debugging.Inspector": _inspector,
    "@Skill.SignalFlow.Bridge": _bridge,
    "@Skill.SignalFlow.EdgeDetection": _edge_detection,
    "@Skill.SignalProcessing.Bit": _bit,
    "@Skill.SignalProcessing.ConvertedValue": _converted_value,
    "@Skill.SignalProcessing.SummaryState": _summary_state,
}
