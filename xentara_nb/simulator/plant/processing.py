"""Microservices that move values: signal bridges and edge detection.

They do nothing by themselves; their tasks run in pipelines.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.identifiers import Attribute, Stage
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.plant.attributes import table
from xentara_nb.simulator.plant.elements import Element, Identity


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
