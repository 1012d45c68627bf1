"""Connecting the elements of a model once all of them are there: pipelines, bridges, edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from xentara_nb.protocol.identifiers import Stage
from xentara_nb.simulator.model.model import ElementDescription
from xentara_nb.simulator.plant.context import BuildContext
from xentara_nb.simulator.plant.elements import Element
from xentara_nb.simulator.plant.execution import Pipeline
from xentara_nb.simulator.plant.processing import Bridge, BridgeConnection, EdgeDetection
from xentara_nb.simulator.schema import Settings, Text, whole_number

_Checkpoint = Annotated[int, whole_number(0, 1 << 31)]


class _Task(Settings, extra="ignore"):
    function: Text


class _Segment(Settings, extra="ignore"):
    start: _Checkpoint
    end: _Checkpoint
    tasks: tuple[_Task, ...] = ()


class _Pipeline(Settings, extra="ignore"):
    checkpoints: tuple[Any, ...]
    triggers: tuple[Text, ...] = ()
    segments: tuple[_Segment, ...] = ()


def wire_pipeline(context: BuildContext, description: ElementDescription) -> Pipeline:
    """Return what triggers a pipeline, and which tasks it runs."""
    node = description.node
    settings = node.validate(_Pipeline)
    last = max(len(settings.checkpoints) - 1, 0)
    ordered: list[tuple[int, int, list[tuple[Element, str]]]] = []
    for item, segment in zip(node.items("segments"), settings.segments, strict=True):
        for name, checkpoint in (("start", segment.start), ("end", segment.end)):
            if checkpoint > last:
                item.at(name).fail(
                    f"{checkpoint} is out of range", f"Give a number from 0 to {last}."
                )
        if segment.start >= segment.end:
            item.fail("the segment ends before it starts", "Let it end at a later checkpoint.")
        tasks = [context.member(task.at("function")) for task in item.items("tasks")]
        ordered.append((segment.start, segment.end, tasks))
    # Segments between the same checkpoints may run side by side; here they run one by one.
    ordered.sort(key=lambda segment: segment[:2])
    return Pipeline(
        tuple(context.member(trigger) for trigger in node.items("triggers")),
        tuple(task for _, _, tasks in ordered for task in tasks),
    )


class _Inspector(Settings, extra="ignore"):
    attributes: tuple[Text, ...] = ()


def _inspector(context: BuildContext, description: ElementDescription) -> None:
    """Check the attributes that an inspector prints."""
    description.node.validate(_Inspector)
    for reference in description.node.items("attributes"):
        context.attribute(reference)


_STAGES = {
    "startup": Stage.START_UP,
    "preop": Stage.PRE_OPERATIONAL,
    "op": Stage.OPERATIONAL,
    "postop": Stage.POST_OPERATIONAL,
    "shutdown": Stage.SHUTDOWN,
}
_StageName = Literal["startup", "preop", "op", "postop", "shutdown"]


class _Connection(Settings, extra="ignore"):
    source: Text
    target: Text
    error_handler: Text | None = None


class _Bridge(Settings, extra="ignore"):
    stages: Annotated[
        tuple[_StageName, ...],
        BeforeValidator(lambda value: [*_STAGES] if value == "all" else value),
    ] = ("op",)
    connections: tuple[_Connection, ...] = ()


def _bridge(context: BuildContext, description: ElementDescription) -> None:
    bridge = context.element(description)
    assert isinstance(bridge, Bridge)
    settings = description.node.validate(_Bridge)
    bridge.stages = frozenset(_STAGES[name] for name in settings.stages)
    connections = []
    for node in description.node.items("connections"):
        handler = (
            context.attribute(node.at("errorHandler")) if "errorHandler" in node.value else None
        )
        source, target = (context.attribute(node.at(side)) for side in ("source", "target"))
        connections.append(BridgeConnection(source, target, handler))
    bridge.connections = tuple(connections)


class _EdgeDetection(Settings, extra="ignore"):
    value: Text


def _edge_detection(context: BuildContext, description: ElementDescription) -> None:
    detection = context.element(description)
    assert isinstance(detection, EdgeDetection)
    description.node.validate(_EdgeDetection)
    detection.watched, _ = context.source(description.node.at("value"))


WIRING: dict[str, Callable[[BuildContext, ElementDescription], None]] = {
    "@Skill.Debugging.Inspector": _inspector,
    "@Skill.SignalFlow.Bridge": _bridge,
    "@Skill.SignalFlow.EdgeDetection": _edge_detection,
}
"""What is left to do for elements of some descriptors when all elements are there."""
