"""Running elements: what attributes they have, what these hold, and what writing does to them.

A model can have a hundred thousand elements, so they are small: those with the same attributes
share one :class:`AttributeTable`, and only what differs from element to element is kept with each.

Watchers are notified of changes: data points watch their inputs, subscriptions what they subscribe
to. All times of one change are given from outside, so that they agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, TypeAlias
from uuid import UUID

from xentara_nb.protocol.errors import (
    IllegalValueError,
    MissingAttributeError,
    ReadOnlyError,
    ServerError,
    ValueOutOfRangeError,
    WriteOnlyError,
)
from xentara_nb.protocol.identifiers import NIL_UUID, Access, Attribute, Category, DataType, Quality
from xentara_nb.protocol.values import AttributeId, TimePoint, Value
from xentara_nb.simulator.model import datatypes
from xentara_nb.simulator.plant.attributes import BASE, AttributeTable, AttributeValue, table
from xentara_nb.simulator.security.access import Acl


@dataclass(frozen=True, slots=True)
class Kind:
    """What elements of one kind have in common; browse gives the category, read its value."""

    category: Category
    type_text: str
    category_value: str | int

    @classmethod
    def of(cls, category: Category, type_text: str, *, category_as_text: bool) -> Kind:
        """Return a kind; reading the category gives its name or its number."""
        return cls(category, type_text, category.label if category_as_text else int(category))


class Identity(NamedTuple):
    """What an element is and what it is called."""

    kind: Kind
    uuid: UUID
    key: str
    name: str


Watcher: TypeAlias = "Callable[[Element, Sequence[int]], None]"
"""Called with an element and the positions of those of its attributes that have changed."""


@dataclass(slots=True, eq=False)
class InjectedFault:
    """What is wrong with an element on purpose; see :mod:`xentara_nb.simulator.faults`."""

    later: Callable[[float, Callable[[TimePoint], None]], None]
    """Calls a function after some seconds, with the time."""
    shown: dict[int, AttributeValue] = field(default_factory=dict)
    """By their positions, what attributes show in place of their real values."""
    follows_after: float | None = None
    """After how many seconds the value follows what was written; None for at once."""


class Element:
    """An element that runs; the values are those of the attributes after :data:`BASE`."""

    __slots__ = (
        "acl",
        "children",
        "fault",
        "key",
        "kind",
        "name",
        "parent",
        "table",
        "uuid",
        "values",
        "watchers",
    )

    def __init__(
        self,
        identity: Identity,
        attributes: AttributeTable,
        values: list[AttributeValue],
        acl: Acl | None = None,
    ) -> None:
        self.kind, self.uuid, self.key, self.name = identity
        self.table = attributes
        self.values = values
        self.parent: Element | None = None
        self.children: Sequence[Element] = ()
        # Set for every element before it is served; see Plant.
        self.acl: Acl = acl if acl is not None else _NO_RIGHTS
        self.watchers: list[Watcher] | None = None
        self.fault: InjectedFault | None = None

    def __repr__(self) -> str:
        return f"<{self.kind.type_text} {self.key!r}>"

    def read(self, attribute_id: AttributeId) -> AttributeValue:
        """Return what an attribute holds, or why it cannot be read."""
        position = self.table.index.get(attribute_id)
        if position is None:
            return MissingAttributeError()
        if self.table.infos[position].access == Access.WRITE_ONLY:
            return WriteOnlyError()
        return self.current(position)

    def current(self, position: int) -> AttributeValue:
        """Return what the attribute at a position holds."""
        if self.fault is not None and position in self.fault.shown:
            return self.fault.shown[position]
        if position < len(BASE):
            return _BASE_READERS[position](self)
        return self.values[position - len(BASE)]

    def write(self, attribute_id: AttributeId, value: Value, now: TimePoint) -> Value:
        """Give an attribute a value, and return it as the attribute takes it, or raise why not."""
        position = self.writable_position(attribute_id)
        taken = datatypes.convert(DataType(self.table.infos[position].data_type), value)
        self.accept(position, taken, now)
        return taken

    def writable_position(self, attribute_id: AttributeId) -> int:
        """Return the position of an attribute that can be written, or raise why it cannot."""
        position = self.table.index.get(attribute_id)
        if position is None:
            raise MissingAttributeError
        if self.table.infos[position].access == Access.READ_ONLY:
            raise ReadOnlyError
        return position

    def accept(self, position: int, value: Value, now: TimePoint) -> None:
        """Take a value that fits the attribute; kinds with rules of their own override it."""
        self.notify([position] if self._set(position, value) else [])

    def take_reading(
        self,
        value: Value,
        now: TimePoint,
        quality: Quality = Quality.GOOD,
        written: bool = False,
    ) -> None:
        """Take a new value from the device behind the element, by the manual's time rules.

        The update time moves with every reading, the change time only when the value differs
        (from nothing, for a first reading), the write time only when the value was written.
        """
        first = not written and self.read(Attribute.UPDATE_TIME) == TimePoint.NEVER
        position = self.table.index.get(Attribute.VALUE)
        changed = [position] if position is not None and self._set(position, value) else []
        new: dict[Attribute, AttributeValue] = {
            Attribute.QUALITY: int(quality),
            Attribute.ERROR: datatypes.NO_ERROR,
            Attribute.UPDATE_TIME: now,
        }
        if first or changed:
            new[Attribute.CHANGE_TIME] = now
        if written:
            new[Attribute.WRITE_TIME] = now
        self.update(new, changed)

    def send_to_device(self, value: Value, now: TimePoint) -> None:
        """Let the device behind the element follow a written value: at once, if it has no fault."""
        fault = self.fault
        if fault is None or fault.follows_after is None:
            self.follow(value, now, written=True)
            return
        self.update({Attribute.WRITE_TIME: now})
        if math.isfinite(fault.follows_after):
            fault.later(fault.follows_after, lambda then: self.follow(value, then))

    def follow(self, value: Value, now: TimePoint, *, written: bool = False) -> None:
        """Take the value that was written as the one that is read."""
        self.take_reading(value, now, written=written)

    def show(self, shown: Mapping[Attribute, AttributeValue], now: TimePoint) -> None:
        """Show values in place of the real ones, as long as the element has its fault."""
        assert self.fault is not None
        changed: list[int] = []
        for attribute, value in shown.items():
            if (position := self.table.index.get(attribute)) is not None:
                if not datatypes.same(self.current(position), value):
                    changed.append(position)
                self.fault.shown[position] = value
        self.update({Attribute.UPDATE_TIME: now}, changed)

    def clear_fault(self, now: TimePoint) -> None:
        """Show the real values again."""
        assert self.fault is not None
        shown, self.fault = self.fault.shown, None
        changed = [
            position
            for position, value in shown.items()
            if not datatypes.same(self.current(position), value)
        ]
        if shown:
            self.update({Attribute.UPDATE_TIME: now}, changed)

    def update(
        self, values: Mapping[Attribute, AttributeValue], changed: Sequence[int] = ()
    ) -> None:
        """Set those of the attributes that the element has, and notify the watchers.

        They are told as well of further positions that have changed.
        """
        positions = list(changed)
        for attribute, value in values.items():
            position = self.table.index.get(attribute)
            if position is not None and self._set(position, value):
                positions.append(position)
        self.notify(positions)

    def watch(self, watcher: Watcher) -> None:
        """Notify the watcher of every change from now on."""
        # A new list each time: a watcher may come or go while the others are being notified.
        self.watchers = [*(self.watchers or ()), watcher]

    def unwatch(self, watcher: Watcher) -> None:
        """Notify the watcher no longer."""
        remaining = [other for other in self.watchers or () if other != watcher]
        self.watchers = remaining or None

    def notify(self, changed: Sequence[int]) -> None:
        """Notify the watchers which positions have changed."""
        if changed and self.watchers is not None:
            for watcher in self.watchers:
                watcher(self, changed)

    def _set(self, position: int, value: AttributeValue) -> bool:
        """Set an attribute, and return whether what it shows has changed."""
        slot = position - len(BASE)
        if datatypes.same(self.values[slot], value):
            return False
        self.values[slot] = value
        return self.fault is None or position not in self.fault.shown


_NO_RIGHTS = Acl({})
_BASE_READERS: tuple[Callable[[Element], AttributeValue], ...] = (
    lambda element: element.key,
    lambda element: element.name,
    lambda element: element.uuid,
    lambda element: element.kind.type_text,
    lambda element: element.kind.category_value,
)


def root_element(acl: Acl, *, category_as_text: bool) -> Element:
    """Return the root of an element tree: it has no name, and its UUID is nil."""
    kind = Kind.of(Category.ROOT_ELEMENT, "root element", category_as_text=category_as_text)
    return Element(Identity(kind, NIL_UUID, "", ""), table(), [], acl)


def walk(start: Element, depth: int | None = None) -> Iterator[Element]:
    """Return every element below one, down to a depth."""
    waiting = [(start, 0)]
    while waiting:
        element, level = waiting.pop()
        if level:
            yield element
        if depth is None or level < depth:
            waiting += ((child, level + 1) for child in element.children)


class Register(Element):
    """A register: what is written is stored at once; its quality is always good."""

    __slots__ = ()

    ATTRIBUTES: ClassVar[tuple[Attribute, ...]] = (
        Attribute.UPDATE_TIME,
        Attribute.WRITE_TIME,
        Attribute.QUALITY,
        Attribute.CHANGE_TIME,
    )

    def accept(self, position: int, value: Value, now: TimePoint) -> None:
        """Store the value; update time and write time are those of the last write."""
        self.send_to_device(value, now)


@dataclass(frozen=True, slots=True)
class DeviceLimits:
    """What a device takes, beyond what the data type allows."""

    minimum: Value | None = None
    maximum: Value | None = None
    allowed: tuple[Value, ...] | None = None

    def check(self, value: Value) -> None:
        """Raise ValueOutOfRangeError or IllegalValueError if the device does not take a value."""
        if isinstance(value, int | float):
            if isinstance(self.minimum, int | float) and not value >= self.minimum:
                raise ValueOutOfRangeError(f"the lowest value is {self.minimum}")
            if isinstance(self.maximum, int | float) and not value <= self.maximum:
                raise ValueOutOfRangeError(f"the highest value is {self.maximum}")
        if self.allowed is not None and value not in self.allowed:
            choices = ", ".join(map(str, self.allowed))
            raise IllegalValueError(f"the device takes one of {choices}")


NO_LIMITS = DeviceLimits()


class Point(Element):
    """An input or output of a device.

    What is written goes to the device, and the value read is what the device reports back. The
    simulated device follows at once. Where a data point has this element as its output and another
    point as its input, the device reports there as well; these are the element's ``feedback``.
    """

    __slots__ = ("feedback", "limits", "motion")

    def __init__(
        self,
        identity: Identity,
        attributes: AttributeTable,
        values: list[AttributeValue],
        limits: DeviceLimits = NO_LIMITS,
    ) -> None:
        super().__init__(identity, attributes, values)
        self.limits = limits
        self.feedback: tuple[Point, ...] = ()
        self.motion: Callable[[TimePoint], Value] | None = None

    def accept(self, position: int, value: Value, now: TimePoint) -> None:
        """Send the value to the device, which takes it or refuses."""
        if position != self.table.index[Attribute.VALUE]:
            super().accept(position, value, now)
            return
        self.limits.check(value)
        self.send_to_device(value, now)

    def refresh(self, now: TimePoint) -> None:
        """Take what the device reports now: the value moves, or it is the same once more."""
        if self.motion is None:
            self.update({Attribute.UPDATE_TIME: now})
        else:
            quality = self.values[self.table.index[Attribute.QUALITY] - len(BASE)]
            assert isinstance(quality, int)
            self.take_reading(self.motion(now), now, Quality(quality))

    def follow(self, value: Value, now: TimePoint, *, written: bool = False) -> None:
        """Take the value, and report it at the inputs that go with this output."""
        super().follow(value, now, written=written)
        for point in self.feedback:
            info = point.table.infos[point.table.index[Attribute.VALUE]]
            # An input of another type that cannot hold the value reports nothing.
            with suppress(ServerError):
                point.take_reading(datatypes.convert(DataType(info.data_type), value), now)
