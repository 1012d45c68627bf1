"""How the values of simulated points move: towards what they follow, with trends, noise and alarms.

What a point's description says under ``motion``; all of it may be left out::

    "motion": {
        "follows": [{"source": "Plant.Line 1.Set point", "gain": 1}],
        "lag": "8s",              how long it takes to follow, as a first-order lag
        "while": ["Plant.Line 1.Run"], "unless": ["Plant.Line 1.Drive fault"],
        "idle": 0,                where it goes while these do not hold
        "drift": 1.5, "period": "7m",    a slow trend: how far it goes, and in which time
        "noise": 0.8,             a standard deviation
        "event": {"every": "9m", "lasts": "45s", "value": true},    another value now and then
        "counts": [{"source": "Field Bus.Line 1 Coupler.Speed", "gain": 0.0167}]
    }

A point that follows something starts at its own ``value``, and moves by as much as its sources do,
times the gain. One that counts adds up its sources, times the gain, every second. The unit of a
gain is that of the point for one unit of the source.

Trend, noise and events depend on nothing but the time and the UUID of the point: with the same
times, the same plant makes the same values.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID

from xentara_nb.protocol.identifiers import Attribute, DataType
from xentara_nb.protocol.values import TimePoint, Value
from xentara_nb.simulator.model import datatypes
from xentara_nb.simulator.plant.elements import Element

_SECOND = 1_000_000_000
_SECOND_WAVE = 0.37  # the period of the smaller wave of a trend, as a part of that of the larger

Gains: TypeAlias = "Sequence[tuple[Element, float]]"
"""Elements, and what a change of one of them is multiplied with."""


class Event(NamedTuple):
    """Another value once in every span, for some time; times in nanoseconds."""

    every: int
    lasts: int
    value: Value


@dataclass(slots=True)
class Shape:
    """How a value moves beside what it follows; times in nanoseconds."""

    lag: int = 0
    idle: float = 0.0
    drift: float = 0.0
    period: int = 60 * _SECOND
    noise: float = 0.0
    event: Event | None = None


class Motion:
    """The movement of one value, from that of the point on."""

    def __init__(self, seed: UUID, data_type: DataType, value: Value, shape: Shape) -> None:
        self.follows: Gains = ()
        self.counts: Gains = ()
        self.enabled_by: Sequence[Element] = ()
        self.disabled_by: Sequence[Element] = ()
        self._data_type = data_type
        self._value = value
        self._shape = shape
        self._seed = seed.int
        self._random = random.Random(self._seed)
        self._phases = [2 * math.pi * self._random.random() for _ in range(2)]
        self._base: float | None = None
        self._level = 0.0
        self._last = 0

    def value(self, now: TimePoint) -> Value:
        """Return the value at a time, which is not before that of the last call."""
        nanoseconds = now.nanoseconds
        event = self._shape.event
        if event is not None and self._happens(event, nanoseconds):
            return event.value
        if not isinstance(self._value, int | float) or self._data_type is DataType.BOOLEAN:
            return self._value
        if self._base is None:
            self._base = float(self._value) - _sum(self.follows)
            self._level, self._last = float(self._value), nanoseconds
        seconds = max(nanoseconds - self._last, 0) / _SECOND
        self._last = nanoseconds
        if self.counts:
            self._level += max(_sum(self.counts), 0.0) * seconds
            return self._converted(self._level)
        runs = all(map(_number, self.enabled_by)) and not any(map(_number, self.disabled_by))
        target = self._base + _sum(self.follows) if runs else self._shape.idle
        lag = self._shape.lag / _SECOND
        self._level += (target - self._level) * (1 - math.exp(-seconds / lag) if lag else 1.0)
        if not runs:
            return self._converted(self._level)
        return self._converted(self._level + self._trend(nanoseconds) + self._noise(nanoseconds))

    def _trend(self, nanoseconds: int) -> float:
        period, (first, second) = self._shape.period, self._phases
        angle = 2 * math.pi * (nanoseconds % (100 * period)) / period
        return self._shape.drift * (
            0.7 * math.sin(angle + first) + 0.3 * math.sin(angle / _SECOND_WAVE + second)
        )

    def _noise(self, nanoseconds: int) -> float:
        if not self._shape.noise:
            return 0.0
        self._random.seed(self._seed ^ nanoseconds)
        return self._random.gauss(0.0, self._shape.noise)

    def _happens(self, event: Event, nanoseconds: int) -> bool:
        span, within = divmod(nanoseconds, event.every)
        self._random.seed(self._seed ^ span)
        start = self._random.uniform(0, event.every - event.lasts)
        return start <= within < start + event.lasts

    def _converted(self, number: float) -> Value:
        return datatypes.nearest(self._data_type, number)


def _number(element: Element) -> float:
    value = element.read(Attribute.VALUE)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _sum(gains: Gains) -> float:
    return sum(gain * _number(element) for element, gain in gains)
