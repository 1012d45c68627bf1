"""What runs in a plant: timers raise events, events trigger pipelines, pipelines run tasks.

Timers expire at the multiples of their period since 1970, plus their offset. A plant that cannot
keep up leaves expirations out, as a server under load does. The tasks:

* ``generate`` of a sampler makes new values of its signals,
* ``copy`` of a bridge copies, the task of an edge detection looks for edges,
* any task of an element without a driver (``read`` of a device, say) refreshes it and all points
  below it: their update times, and the values of those that move,
* other tasks (an inspector's ``dump``) do nothing that a client could see.

Events of registers and other points trigger pipelines as well: ``written`` after a write, and
``changed`` when the value differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import heapify, heapreplace
from itertools import chain
from typing import NamedTuple

from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import Attribute, Stage
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.plant.attributes import table
from xentara_nb.simulator.plant.elements import Element, Identity, Point, walk
from xentara_nb.simulator.plant.signals import Sampler

EXPIRED = "expired"
_SLICE = 256  # elements between two pauses
_SHORTEST = 1_000_000
"""The shortest period that is kept, in nanoseconds: no client can see more."""


class Timer(Element):
    """A timer: it raises the event ``expired`` periodically."""

    __slots__ = ("_offset", "period", "sequence")

    def __init__(self, identity: Identity, period: int, offset: int, sequence: int) -> None:
        super().__init__(identity, table(), [])
        self.period = max(period, _SHORTEST)
        self.sequence = sequence
        self._offset = offset

    def next_after(self, now: int) -> int:
        """Return when the timer expires next after a time, in nanoseconds."""
        return now + self.period - (now - self._offset) % self.period


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """Which events trigger a pipeline, and which tasks it runs."""

    triggers: tuple[tuple[Element, str], ...] = ()
    tasks: tuple[tuple[Element, str], ...] = ()


class BridgeConnection(NamedTuple):
    """What a bridge copies, and where it writes the errors of that.

    Each attribute is an element and a position there.
    """

    source: tuple[Element, int]
    target: tuple[Element, int]
    error_handler: tuple[Element, int] | None = None


class Bridge(Element):
    """A signal bridge: its task ``copy`` copies values between attributes in some stages.

    In those that the server only passes through it copies once.
    """

    __slots__ = ("connections", "stages")

    def __init__(self, identity: Identity, stages: frozenset[Stage]) -> None:
        super().__init__(identity, table(), [])
        self.connections: list[BridgeConnection] = []
        self.stages = stages

    def copy(self, now: TimePoint) -> None:
        """Copy all values, one after the other; an error of one does not keep back the others."""
        for (source, position), (target, target_position), handler in self.connections:
            try:
                value = source.read(source.table.infos[position].attribute_id)
                if isinstance(value, ServerError):
                    raise value
                target.write(target.table.infos[target_position].attribute_id, value, now)
            except ServerError as error:
                if handler is not None:
                    element, position = handler
                    with suppress(ServerError):
                        element.write(element.table.infos[position].attribute_id, error.text, now)


class EdgeDetection(Element):
    """Edge detection: its task looks whether the watched value has changed, and raises events."""

    __slots__ = ("_before", "watched")

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity, table(), [])
        self.watched: Element = self
        self._before: object = None

    def detect(self, fire: Callable[[Element, str], None]) -> None:
        """Raise the events ``rising``, ``falling`` and ``changed`` that apply."""
        value = self.watched.read(Attribute.VALUE)
        before, self._before = self._before, value
        # The first time finds no edge: there is nothing to compare with.
        if before is None or isinstance(value, ServerError) or value == before:
            return
        fire(self, "changed")
        if isinstance(value, bool | int | float) and isinstance(before, bool | int | float):
            fire(self, "rising" if value > before else "falling")


class Execution:
    """Runs the pipelines of a plant, which has these elements, while it is operational."""

    def __init__(
        self, elements: Iterable[Element] = (), pipelines: Sequence[Pipeline] = ()
    ) -> None:
        self.wake: Callable[[], None] = lambda: None
        self.running = False
        self._bridges = [element for element in elements if isinstance(element, Bridge)]
        self._triggered: dict[tuple[Element, str], list[Pipeline]] = {}
        self._waiting: dict[Pipeline, None] = {}
        for pipeline in pipelines:
            for trigger in pipeline.triggers:
                self._triggered.setdefault(trigger, []).append(pipeline)
        self._timers = [
            element
            for element, event in self._triggered
            if isinstance(element, Timer) and event == EXPIRED
        ]
        self._due: list[tuple[int, int, int, Timer]] = []
        for element in dict.fromkeys(element for element, _ in self._triggered):
            element.watch(self._changed)

    def enter(self, stage: Stage, now: TimePoint) -> None:
        """Do what belongs to a stage; pipelines run in the operational one only."""
        self.running = stage is Stage.OPERATIONAL
        self._waiting.clear()
        if self.running:
            # At once, so that the first values need no wait for a period.
            for timer in self._timers:
                self._fire(timer, EXPIRED)
            self._due = [
                (timer.next_after(now.nanoseconds), timer.sequence, number, timer)
                for number, timer in enumerate(self._timers)
            ]
            heapify(self._due)
        else:
            for bridge in self._bridges:
                if stage in bridge.stages:
                    bridge.copy(now)
        self.wake()

    def next_due(self) -> int | None:
        """Return when there is something to do, in nanoseconds since 1970; None for never."""
        if not self.running:
            return None
        if self._waiting:
            return 0
        return self._due[0][0] if self._due else None

    def run(self, clock: Callable[[], TimePoint]) -> Iterator[None]:
        """Run what is due, pausing between slices of long tasks."""
        now = clock().nanoseconds
        while self.running and self._due and self._due[0][0] <= now:
            _, sequence, number, timer = self._due[0]
            heapreplace(self._due, (timer.next_after(now), sequence, number, timer))
            self._fire(timer, EXPIRED)
        triggered, self._waiting = list(self._waiting), {}
        for pipeline in triggered:
            moment = clock()
            for element, _ in pipeline.tasks:
                if self.running:
                    yield from self._task(element, moment)

    def _task(self, element: Element, now: TimePoint) -> Iterator[None]:
        if isinstance(element, Sampler):
            yield from element.generate(now)
        elif isinstance(element, Bridge):
            if Stage.OPERATIONAL in element.stages:
                element.copy(now)
        elif isinstance(element, EdgeDetection):
            element.detect(self._fire)
        else:
            yield from _refresh(element, now)

    def _fire(self, element: Element, event: str) -> None:
        for pipeline in self._triggered.get((element, event), ()):
            self._waiting[pipeline] = None

    def _changed(self, element: Element, positions: Sequence[int]) -> None:
        index = element.table.index
        if index.get(Attribute.VALUE) in positions:
            self._fire(element, "changed")
        if index.get(Attribute.WRITE_TIME) in positions:
            self._fire(element, "written")
        if self._waiting and self.running:
            self.wake()


def _refresh(element: Element, now: TimePoint) -> Iterator[None]:
    """Let a device report what its points have now."""
    for number, point in enumerate(chain([element], walk(element)), 1):
        if isinstance(point, Point):
            point.refresh(now)
        if not number % _SLICE:
            yield
