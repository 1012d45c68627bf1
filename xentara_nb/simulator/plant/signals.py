"""The signal generator: samplers, their signals, and the wave forms.

Times count from 1970-01-01T00:00Z, and the phase offset is added to them. There a sine is in the
middle and rises, a triangle and a saw-tooth are at the bottom and rise, and a pulse is high.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from typing import TypeAlias
from uuid import UUID

from xentara_nb.protocol.identifiers import Attribute, DataType, Quality
from xentara_nb.protocol.values import TimePoint, Value
from xentara_nb.simulator.documents import JsonNode
from xentara_nb.simulator.model import datatypes
from xentara_nb.simulator.plant.attributes import BASE, AttributeTable, AttributeValue
from xentara_nb.simulator.plant.elements import Element, Kind

WaveForm: TypeAlias = Callable[[int], float]
"""Gives the height, from 0 at the bottom to 1 at the top, for a time in nanoseconds."""


_SLICE = 256  # signals between two pauses


ATTRIBUTES = (
    Attribute.VALUE,
    Attribute.UPDATE_TIME,
    Attribute.CHANGE_TIME,
    Attribute.QUALITY,
)
"""The attributes of a signal beyond those of every element, in their order."""
_VALUE, _UPDATE, _CHANGE, _QUALITY = range(4)
_UPDATED = (len(BASE) + _UPDATE,)
_ALL_CHANGED = (len(BASE) + _VALUE, *_UPDATED, len(BASE) + _CHANGE)


class Signal(Element):
    """A synthetic signal. Its quality is bad until its sampler has generated for the first time."""

    __slots__ = ("_bottom", "_data_type", "_height", "_wave_form")

    def __init__(
        self,
        kind: Kind,
        uuid: UUID,
        key: str,
        name: str,
        attributes: AttributeTable,
        values: list[AttributeValue],
        wave_form: WaveForm,
        bottom: float,
        top: float,
    ) -> None:
        super().__init__(kind, uuid, key, name, attributes, values)
        self._wave_form = wave_form
        self._bottom = bottom
        self._height = top - bottom
        self._data_type = DataType(attributes.infos[attributes.index[Attribute.VALUE]].data_type)

    def generate(self, now: TimePoint) -> None:
        """Take the value that the wave form has now."""
        number = self._bottom + self._wave_form(now.nanoseconds) * self._height
        value = number if self._data_type is DataType.FLOAT_64 else _value(self._data_type, number)
        held = self.values
        if self.fault is None and held[_QUALITY] == 0 and held[_UPDATE] is not now:
            # The way of nearly all readings, without the questions that have one answer here.
            held[_UPDATE] = now
            if held[_VALUE] != value:
                held[_VALUE], held[_CHANGE] = value, now
                self.tell(_ALL_CHANGED)
            else:
                self.tell(_UPDATED)
        else:
            self.reading(value, now)


class Sampler(Element):
    """A signal generator's sampler: its task ``generate`` makes new values of all its signals."""

    __slots__ = ()

    def generate(self, now: TimePoint) -> None:
        """Make new values of all signals."""
        for _ in self.steps(now):
            pass

    def steps(self, now: TimePoint) -> Iterator[None]:
        """Make new values of all signals, with pauses where there are many."""
        for number, child in enumerate(self.children, 1):
            if isinstance(child, Signal):
                child.generate(now)
            if not number % _SLICE:
                yield
        changed: list[int] = []
        self.stamp(Attribute.UPDATE_TIME, now, changed)
        self.stamp(Attribute.QUALITY, int(Quality.GOOD), changed)
        self.tell(changed)


def read_wave_form(place: JsonNode, seed: UUID) -> WaveForm:
    """Read the description of a wave form.

    Raises
    ------
    ConfigurationError
        If there is no such wave form or one of its times is wrong.
    """
    members = list(place.members())
    if len(members) != 1 or members[0][0] not in _WAVE_FORMS:
        place.fault("this is no wave form", f"Take one of {', '.join(_WAVE_FORMS)}.")
    name, properties = members[0]
    if name == "@Noise":
        # The same noise at every start, another one for every signal.
        noise = random.Random(seed.int)
        return lambda _: noise.random()
    period = datatypes.interval(properties.member("period"), positive=True)
    offset_place = properties.optional("phaseOffset")
    offset = 0 if offset_place is None else datatypes.interval(offset_place)
    shape = _WAVE_FORMS[name]
    if name == "@Pulse":
        width = datatypes.interval(properties.member("pulseWidth"), positive=True) / period
        return lambda now: float((now + offset) % period / period < width)
    return lambda now: shape((now + offset) % period / period)


def _sine(phase: float) -> float:
    return 0.5 + 0.5 * math.sin(2 * math.pi * phase)


def _triangle(phase: float) -> float:
    return 2 * phase if phase < 0.5 else 2 - 2 * phase


def _saw_tooth(phase: float) -> float:
    return phase


_WAVE_FORMS: dict[str, Callable[[float], float]] = {
    "@Pulse": _saw_tooth,
    "@SineWave": _sine,
    "@Triangle": _triangle,
    "@SawTooth": _saw_tooth,
    "@Noise": _saw_tooth,
}


def _value(data_type: DataType, number: float) -> Value:
    if data_type is DataType.BOOLEAN:
        return number > 0.5
    limits = data_type.integer_range
    if limits is None:
        largest = datatypes.FLOAT32_LARGEST
        return datatypes.convert(data_type, min(max(number, -largest), largest))
    return min(max(round(number), limits[0]), limits[-1])
