"""Elements that show what others hold: data points, and the values processed from signals."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.errors import ServerError, WriteError
from xentara_nb.protocol.identifiers import Access, Attribute, DataType, Quality
from xentara_nb.protocol.values import AttributeId, TimePoint, Value
from xentara_nb.simulator.plant.attributes import (
    BASE,
    DISPLAY_NAME,
    LABELS,
    NO_LABELS,
    OF_READING,
    OF_WRITING,
    UNITS,
    AttributeTable,
    AttributeValue,
    table,
    table_and_values,
    well_known,
)
from xentara_nb.simulator.plant.elements import Element, Identity, Point, Watcher

_INPUT, _OUTPUT = 0, 1


@lru_cache(maxsize=4096)
def _table_and_routes(
    source: AttributeTable | None, target: AttributeTable | None
) -> tuple[AttributeTable, tuple[tuple[int, int], ...]]:
    """Return the attributes of data points with this input and output, and from where each comes.

    The routes are those of the attributes that a data point does not hold itself: whether it comes
    from the input or the output, and its position there.
    """
    infos: dict[object, AttributeInfo] = {}
    routes: dict[object, tuple[int, int]] = {}
    for side, attributes in ((_INPUT, source), (_OUTPUT, target)):
        for position, info in enumerate(attributes.infos) if attributes is not None else ():
            key = info.attribute_id
            if position < len(BASE) or key in (UNITS.attribute_id, DISPLAY_NAME.attribute_id):
                continue
            if key in (OF_READING if source is None else OF_WRITING if target is None else ()):
                continue
            if key not in infos or (side == _OUTPUT and key in OF_WRITING):
                infos[key] = info
                routes[key] = (side, position)
    value = infos.get(Attribute.VALUE)
    if value is not None:
        access = Access.READ_ONLY if source is not None else Access.WRITE_ONLY
        access = Access.READ_AND_WRITE if None not in (source, target) else access
        infos[Attribute.VALUE] = value._replace(access=access)
    return table(*infos.values(), UNITS, DISPLAY_NAME), tuple(routes.values())


class DataPoint(Element):
    """A data point: it shows the values of its input and writes to its output."""

    __slots__ = ("_routes", "input", "output")

    def __init__(
        self,
        identity: Identity,
        source: Element | None,
        target: Element | None,
        units: str,
        display_name: str,
    ) -> None:
        attributes, self._routes = _table_and_routes(
            None if source is None else source.table, None if target is None else target.table
        )
        super().__init__(identity, attributes, [units, display_name])
        self.input = source
        self.output = target

    def current(self, position: int) -> AttributeValue:
        """Return what the attribute at a position holds, from where it comes."""
        routed = position - len(BASE)
        if routed < 0:
            return super().current(position)
        if routed >= len(self._routes):
            return self.values[routed - len(self._routes)]
        side, there = self._routes[routed]
        return self._behind(side).current(there)

    def write(self, attribute_id: AttributeId, value: Value, now: TimePoint) -> Value:
        """Write through to the output, whose data type may be another one than the input's."""
        position = self.writable_position(attribute_id)
        info = self.table.infos[position]
        # Only the value is read on one side and written on the other.
        side, _ = self._routes[position - len(BASE)]
        behind = self._behind(_OUTPUT if info.attribute_id == Attribute.VALUE else side)
        return behind.write(info.attribute_id, value, now)

    def watch(self, watcher: Watcher) -> None:
        """Notify the watcher of every change; only then watch input and output."""
        first = self.watchers is None
        super().watch(watcher)
        for source in self._sources() if first else ():
            source.watch(self._changed_behind)

    def unwatch(self, watcher: Watcher) -> None:
        """Notify the watcher no longer."""
        listening = self.watchers is not None
        super().unwatch(watcher)
        for source in self._sources() if listening and self.watchers is None else ():
            source.unwatch(self._changed_behind)

    def pair(self) -> None:
        """Let the device behind the output report at the input, where both are its points."""
        source, target = self.input, self.output
        if source is not target and isinstance(source, Point) and isinstance(target, Point):
            target.feedback = (*target.feedback, source)

    def _behind(self, side: int) -> Element:
        behind = self.output if side == _OUTPUT else self.input
        assert behind is not None, "a route never leads to a side that is not there"
        return behind

    def _sources(self) -> Iterable[Element]:
        return dict.fromkeys(e for e in (self.input, self.output) if e is not None)

    def _changed_behind(self, source: Element, changed: Sequence[int]) -> None:
        here = [
            position
            for position, (side, there) in enumerate(self._routes, len(BASE))
            if there in changed and self._behind(side) is source
        ]
        self.notify(here)


class Derived(Element):
    """A value that is computed from other elements' values, whenever one of them changes."""

    __slots__ = ("_compute", "_sources", "_write_back")

    def __init__(
        self,
        identity: Identity,
        data_type: DataType,
        sources: Sequence[Element],
        compute: Callable[[Sequence[Value]], Value],
        write_back: Callable[[Value, TimePoint], None] | None = None,
        labels: Mapping[str, str] = NO_LABELS,
    ) -> None:
        access = Access.READ_ONLY if write_back is None else Access.READ_AND_WRITE
        value = well_known(Attribute.VALUE, data_type, access)
        others = map(well_known, (Attribute.QUALITY, Attribute.UPDATE_TIME, Attribute.CHANGE_TIME))
        infos = (value, *others, *(LABELS if labels else ()))
        super().__init__(identity, *table_and_values(infos, **labels))
        self._sources = sources
        self._compute = compute
        self._write_back = write_back
        for source in dict.fromkeys(sources):
            source.watch(self._source_changed)
        self._source_changed(self, ())

    def accept(self, position: int, value: Value, now: TimePoint) -> None:
        """Write back to the source."""
        if self._write_back is None:
            raise WriteError
        self._write_back(value, now)

    def _source_changed(self, source: Element, changed: Sequence[int]) -> None:
        read = [source.read(Attribute.VALUE) for source in self._sources]
        values = [value for value in read if not isinstance(value, ServerError)]
        quality = max((_quality(source) for source in self._sources), default=Quality.GOOD)
        now = max((_update_time(source) for source in self._sources), default=TimePoint.NEVER)
        if len(values) == len(read):
            self.take_reading(self._compute(values), now, quality)


def interpolate(mappings: Sequence[tuple[float, float]], value: float) -> float:
    """Map a value along straight lines between points, and beyond the last ones as well.

    Examples
    --------
    >>> interpolate([(0, 0), (10, 100), (20, 300)], 15)
    200.0
    """
    if len(mappings) < 2:
        return value - mappings[0][0] + mappings[0][1] if mappings else float(value)
    ordered = sorted(mappings)
    # The piece that the value lies in, or the first or last one for a value beyond them.
    piece = min(max(bisect_left(ordered, (value,)) - 1, 0), len(ordered) - 2)
    (x1, y1), (x2, y2) = ordered[piece : piece + 2]
    return y1 + (value - x1) * (y2 - y1) / (x2 - x1)


def _quality(source: Element) -> Quality:
    quality = source.read(Attribute.QUALITY)
    return Quality(quality) if isinstance(quality, int) else Quality.GOOD


def _update_time(source: Element) -> TimePoint:
    moment = source.read(Attribute.UPDATE_TIME)
    return moment if isinstance(moment, TimePoint) else TimePoint.NEVER
