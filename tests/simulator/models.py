"""Small models to build plants of; the tests say only what matters to them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.documents import parse_document
from xentara_nb.simulator.model.model import Model, read_model
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.settings import Security

Json = dict[str, Any]
SECOND = 1_000_000_000  # nanoseconds


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> TimePoint:
        return TimePoint(self.now)


def go(plant: Plant, clock: Clock, seconds: float) -> None:
    """Let the time come, and do what is due then."""
    clock.now = int(seconds * SECOND)
    while (due := plant.execution.next_due()) is not None and due <= clock.now:
        for _ in plant.execution.run(clock):
            pass


def element(descriptor: str, name: str, *children: Json, **properties: Any) -> Json:
    below = {"children": list(children)} if children else {}
    return {descriptor: {"name": name, **properties, **below}}


def register(name: str, keyword: str = "float64", value: Any = 0) -> Json:
    return element("@Skill.SignalFlow.Register", name, defaultValue=[keyword, value])


def data_point(name: str, io: Any, **properties: Any) -> Json:
    return element("@DataPoint", name, io=io, **properties)


def sampler(name: str = "Sampler") -> Json:
    form = {"@SawTooth": {"period": "100s"}}
    signal = element(
        "@Skill.SignalGenerator.Signal", "S", dataType="float64", top=100, bottom=0, waveForm=form
    )
    return element("@Skill.SignalGenerator.Sampler", name, signal)


def pipeline(triggers: list[str], *functions: str, name: str = "Pipeline") -> Json:
    """Return a pipeline of one task, then of all others."""
    return element(
        "@Pipeline",
        name,
        triggers=triggers,
        checkpoints=[{}, {}, {}],
        segments=[
            {"start": 1, "end": 2, "tasks": [{"function": name} for name in functions[1:]]},
            {"start": 0, "end": 1, "tasks": [{"function": name} for name in functions[:1]]},
        ],
    )


def track(*children: Json, period: str = "1s") -> Json:
    """Return a track with a timer ``Track.T`` and other elements."""
    return element("@Track", "Track", element("@Timer", "T", period=period), *children)


def model(*children: Json) -> Model:
    """Read a model of elements, which get the names and UUIDs that they have not."""
    numbers = itertools.count(1)

    def completed(child: Json) -> Json:
        ((descriptor, properties),) = child.items()
        number = next(numbers)
        properties = {"name": f"E{number}", "UUID": str(UUID(int=number)), **properties}
        if "children" in properties:
            properties["children"] = [completed(below) for below in properties["children"]]
        return {descriptor: properties}

    content = {"children": [completed(child) for child in children]}
    return read_model(parse_document(json.dumps(content), "model.json"))


def plant(*children: Json, clock: Callable[[], TimePoint] = TimePoint.now, **options: Any) -> Plant:
    return Plant.from_model(model(*children), Security(), clock, **options)
