"""Connecting the elements of a model once all of them are there: pipelines, bridges, edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from xentara_nb.protocol.identifiers import Stage
from xentara_nb.simulator.documents import JsonNode
from xentara_nb.simulator.model.model import ElementDescription
from xentara_nb.simulator.plant.elements import Element
from xentara_nb.simulator.plant.execution import Pipeline
from xentara_nb.simulator.plant.processing import Bridge, BridgeConnection, EdgeDetection

if TYPE_CHECKING:
    from xentara_nb.simulator.plant.builder import Builder


def _pipeline(builder: Builder, it: ElementDescription) -> None:
    checkpoints = len(list(it.place.member("checkpoints").items()))
    triggers = it.place.optional("triggers")
    found = Pipeline(
        builder.element(it),
        tuple(_member(builder, item) for item in triggers.items()) if triggers is not None else (),
    )
    segments = it.place.optional("segments")
    ordered: list[tuple[int, int, list[tuple[Element, str]]]] = []
    for segment in segments.items() if segments is not None else ():
        start, end = (
            segment.member(name).integer(0, max(checkpoints - 1, 0)) for name in ("start", "end")
        )
        if start >= end:
            segment.fault("the segment ends before it starts", "Let it end at a later checkpoint.")
        tasks = segment.optional("tasks")
        functions = [task.member("function") for task in tasks.items()] if tasks is not None else []
        ordered.append((start, end, [_member(builder, function) for function in functions]))
    # Segments between the same checkpoints may run side by side; here they run one by one.
    ordered.sort(key=lambda segment: segment[:2])
    found.tasks = tuple(task for _, _, tasks in ordered for task in tasks)
    builder.pipelines.append(found)


def _member(builder: Builder, reference: JsonNode) -> tuple[Element, str]:
    description, name = builder.model.resolve_member(reference)
    return builder.element(description), name


def _inspector(builder: Builder, it: ElementDescription) -> None:
    listed = it.place.optional("attributes")
    for place in listed.items() if listed is not None else ():
        builder.check_attribute(place)


_STAGES = {
    "startup": Stage.START_UP,
    "preop": Stage.PRE_OPERATIONAL,
    "op": Stage.OPERATIONAL,
    "postop": Stage.POST_OPERATIONAL,
    "shutdown": Stage.SHUTDOWN,
}


def _bridge(builder: Builder, it: ElementDescription) -> None:
    bridge = builder.element(it)
    assert isinstance(bridge, Bridge)
    stages = it.place.optional("stages")
    if stages is not None and stages.value == "all":
        bridge.stages = frozenset(_STAGES.values())
    elif stages is not None:
        for item in stages.items():
            if item.text() not in _STAGES:
                item.fault(
                    f"there is no stage {item.value!r}", f"Take one of {', '.join(_STAGES)}."
                )
        bridge.stages = frozenset(_STAGES[item.value] for item in stages.items())
    listed = it.place.optional("connections")
    connections = []
    for connection in listed.items() if listed is not None else ():
        handler = connection.optional("errorHandler")
        connections.append(
            BridgeConnection(
                builder.check_attribute(connection.member("source")),
                builder.check_attribute(connection.member("target")),
                None if handler is None else builder.check_attribute(handler),
            )
        )
    bridge.connections = tuple(connections)


def _edge_detection(builder: Builder, it: ElementDescription) -> None:
    detection = builder.element(it)
    assert isinstance(detection, EdgeDetection)
    detection.watched = builder.source(it.place.member("value"))


FINISHERS: dict[str, Callable[[Builder, ElementDescription], None]] = {
    "@Pipeline": _pipeline,
    "@Skill.Debugging.Inspector": _inspector,
    "@Skill.SignalFlow.Bridge": _bridge,
    "@Skill.SignalFlow.EdgeDetection": _edge_detection,
}
"""What is left to do for elements of some descriptors when all elements are there."""
