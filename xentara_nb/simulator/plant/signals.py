"""The signal generator: samplers, their signals, and the wave forms.

Times count from 1970-01-01T00:00Z, and the phase offset is added to them. There a sine is in the
middle and rises, a triangle and a saw-tooth are at the bottom and rise, and a pulse is high.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, TypeAlias
from uuid import UUID

from pydantic import model_validator
from pydantic.alias_generators import to_pascal

from xentara_nb.protocol.identifiers import Attribute, DataType, Quality
from xentara_nb.protocol.values import TimePoint, Value
from xentara_nb.simulator.documents import Settings, invalid
from xentara_nb.simulator.model import datatypes
from xentara_nb.simulator.model.datatypes import Interval, PositiveInterval
from xentara_nb.simulator.plant.attributes import (
    BASE,
    LABELS,
    NO_LABELS,
    table_and_values,
    well_known,
)
from xentara_nb.simulator.plant.elements import Element, Identity

WaveForm: TypeAlias = Callable[[int], float]
"""Gives the height, from 0 at the bottom to 1 at the top, for a time in nanoseconds."""


_SLICE = 256  # signals between two pauses


_TIMES_AND_QUALITY = (Attribute.UPDATE_TIME, Attribute.CHANGE_TIME, Attribute.QUALITY)
# The order of a signal's values.
_VALUE, _UPDATE, _CHANGE, _QUALITY = range(4)
_UPDATED = (len(BASE) + _UPDATE,)
_ALL_CHANGED = (len(BASE) + _VALUE, *_UPDATED, len(BASE) + _CHANGE)


class Signal(Element):
    """A synthetic signal. Its quality is bad until its sampler has generated for the first time."""

    __slots__ = ("_bottom", "_data_type", "_height", "_wave_form")

    def __init__(
        self,
        identity: Identity,
        data_type: DataType,
        wave_form: WaveForm,
        bottom: float,
        top: float,
        labels: Mapping[str, str] = NO_LABELS,
    ) -> None:
        infos = (well_known(Attribute.VALUE, data_type), *map(well_known, _TIMES_AND_QUALITY))
        infos += LABELS if labels else ()
        super().__init__(identity, *table_and_values(infos, quality=int(Quality.BAD), **labels))
        self._wave_form = wave_form
        self._bottom = bottom
        self._height = top - bottom
        self._data_type = data_type

    def generate(self, now: TimePoint) -> None:
        """Take the value that the wave form has now."""
        number = self._bottom + self._wave_form(now.nanoseconds) * self._height
        value = number if self._data_type is DataType.FLOAT_64 else _value(self._data_type, number)
        values = self.values
        if self.fault is None and values[_QUALITY] == 0 and values[_UPDATE] is not now:
            # The fast path of nearly all readings, without the checks that are not needed here.
            values[_UPDATE] = now
            if values[_VALUE] != value:
                values[_VALUE], values[_CHANGE] = value, now
                self.notify(_ALL_CHANGED)
            else:
                self.notify(_UPDATED)
        else:
            self.take_reading(value, now)


class Sampler(Element):
    """A signal generator's sampler: its task ``generate`` makes new values of all its signals."""

    __slots__ = ()

    def __init__(self, identity: Identity) -> None:
        infos = tuple(map(well_known, (Attribute.UPDATE_TIME, Attribute.QUALITY)))
        super().__init__(identity, *table_and_values(infos, quality=int(Quality.BAD)))

    def generate(self, now: TimePoint) -> Iterator[None]:
        """Make new values of all signals, with pauses where there are many."""
        for number, child in enumerate(self.children, 1):
            if isinstance(child, Signal):
                child.generate(now)
            if not number % _SLICE:
                yield
        self.update({Attribute.UPDATE_TIME: now, Attribute.QUALITY: int(Quality.GOOD)})


class _Wave(Settings, extra="ignore"):
    period: PositiveInterval
    phase_offset: Interval = 0


class _Pulse(_Wave):
    pulse_width: PositiveInterval


class WaveFormSettings(Settings, alias_generator=lambda name: f"@{to_pascal(name)}"):
    """The wave form of a signal; exactly one of the members is given."""

    pulse: _Pulse | None = None
    sine_wave: _Wave | None = None
    triangle: _Wave | None = None
    saw_tooth: _Wave | None = None
    noise: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            choices = "@Pulse, @SineWave, @Triangle, @SawTooth, @Noise"
            raise invalid("this is no wave form", f"Take one of {choices}.")
        return self

    def wave_form(self, seed: UUID) -> WaveForm:
        """Return the wave form as a function; the seed is that of noise."""
        if self.pulse is not None:
            width = self.pulse.pulse_width / self.pulse.period
            return _periodic(self.pulse, lambda phase: float(phase < width))
        for wave, shape in (
            (self.sine_wave, _sine),
            (self.triangle, _triangle),
            (self.saw_tooth, lambda phase: phase),
        ):
            if wave is not None:
                return _periodic(wave, shape)
        # The same noise at every start, another one for every signal.
        noise = random.Random(seed.int)
        return lambda _: noise.random()


def _periodic(wave: _Wave, shape: Callable[[float], float]) -> WaveForm:
    """Return a wave form that has a shape from phase 0 to phase 1."""
    period, offset = wave.period, wave.phase_offset
    return lambda now: shape((now + offset) % period / period)


def _sine(phase: float) -> float:
    return 0.5 + 0.5 * math.sin(2 * math.pi * phase)


def _triangle(phase: float) -> float:
    return 2 * phase if phase < 0.5 else 2 - 2 * phase


def _value(data_type: DataType, number: float) -> Value:
    if data_type is DataType.BOOLEAN:
        return number > 0.5
    return datatypes.nearest(data_type, number)
