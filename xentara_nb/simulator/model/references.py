"""What a model uses its elements for: the one thing that is known of elements of unknown skills.

An element that is the output of a data point can be written, whichever name its skill has for it;
one that an inspector prints the attribute ``torque`` of has such an attribute. References that are
wrong are ignored here: building the elements reports them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from xentara_nb.protocol.identifiers import Access, Attribute, DataType
from xentara_nb.simulator.model.model import ElementDescription, Model, join_key, key_readings

_VALUE = Attribute.VALUE.attribute_name


@dataclass(slots=True)
class References:
    """What one element is used for."""

    has_value: bool = False
    """Whether its value is read or written."""
    written: bool = False
    data_type: DataType | None = None
    """What the value must be, where only one kind of value will do."""
    attributes: dict[str, tuple[Access, DataType]] = field(default_factory=dict)
    """Further attributes that are used, by their names: how, and of which type they may be."""

    def add(self, attribute: str, use: _Use) -> None:
        """Add one more use of an attribute."""
        if attribute == _VALUE:
            self.has_value = True
            self.written = self.written or use.written
            # Not "or": a boolean is the data type 0.
            if use.data_type is not None:
                self.data_type = use.data_type
            return
        access, data_type = self.attributes.get(attribute, (Access.READ_ONLY, DataType.FLOAT_64))
        self.attributes[attribute] = (
            Access.READ_AND_WRITE if use.written else access,
            data_type if use.data_type is None else use.data_type,
        )


def find_references(model: Model) -> dict[str, References]:
    """Return what the elements of a model are used for, by their primary keys."""
    found: dict[str, References] = {}
    for element in model.by_key.values():
        for use in _uses(element):
            for names in key_readings(use.key) if isinstance(use.key, str) else ():
                end = -1 if use.with_attribute else len(names)
                attribute = names[-1] if use.with_attribute else _VALUE
                found.setdefault(join_key(names[:end]), References()).add(attribute, use)
    return found


class _Use(NamedTuple):
    """One use of an element: the key as it stands in the model, and what is known from the use."""

    key: object
    with_attribute: bool = False
    """Whether the key ends with the name of an attribute; otherwise the value is used."""
    written: bool = False
    data_type: DataType | None = None


def _uses(element: ElementDescription) -> Iterator[_Use]:
    properties = element.properties
    match element.descriptor:
        case "@DataPoint":
            io = properties.get("io")
            if isinstance(io, dict):
                yield _Use(io.get("input"))
                yield _Use(io.get("output"), written=True)
            else:
                yield _Use(io)
        case "@Skill.SignalProcessing.ConvertedValue":
            yield _Use(properties.get("rawValue"), data_type=DataType.FLOAT_64)
        case "@Skill.SignalProcessing.Bit":
            number = properties.get("bitNumber")
            large = isinstance(number, int) and number >= 32
            data_type = DataType.UNSIGNED_INTEGER_64 if large else DataType.UNSIGNED_INTEGER_32
            yield _Use(properties.get("source"), data_type=data_type)
        case "@Skill.SignalProcessing.SummaryState":
            for key in _listed(properties, "states"):
                yield _Use(key, data_type=DataType.BOOLEAN)
        case "@Skill.SignalFlow.EdgeDetection":
            yield _Use(properties.get("value"))
        case "@Skill.Debugging.Inspector":
            for key in _listed(properties, "attributes"):
                yield _Use(key, with_attribute=True)
        case "@Skill.SignalFlow.Bridge":
            for item in _listed(properties, "connections"):
                connection = item if isinstance(item, dict) else {}
                yield _Use(connection.get("source"), with_attribute=True)
                yield _Use(connection.get("target"), with_attribute=True, written=True)
                handler = connection.get("errorHandler")
                yield _Use(handler, True, True, DataType.STRING)


def _listed(properties: dict[str, Any], name: str) -> list[Any]:
    listed = properties.get(name)
    return listed if isinstance(listed, list) else []
