"""Tracks, pipelines, inspectors, and the simulator's own points."""

from __future__ import annotations

import json
from typing import Any

import pytest

from xentara_nb.protocol.errors import IllegalValueError, ValueOutOfRangeError, WriteOnlyError
from xentara_nb.protocol.identifiers import Attribute, Category, DataType
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.documents import ConfigurationError, parse_document
from xentara_nb.simulator.model.model import read_model
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.settings import Security

UUIDS = [f"00000000-0000-4000-8000-{number:012}" for number in range(1, 10)]


def _plant(*elements: dict[str, Any], **options: Any) -> Plant:
    document = parse_document(json.dumps({"children": elements}), "model.json")
    return Plant.from_model(read_model(document), Security(), **options)


def _track(**pipeline: Any) -> dict[str, Any]:
    return {
        "@Track": {
            "name": "Track",
            "UUID": UUIDS[0],
            "children": [
                {"@Timer": {"name": "Timer", "UUID": UUIDS[1], "period": "500ms"}},
                {
                    "@Pipeline": {
                        "name": "Pipeline",
                        "UUID": UUIDS[2],
                        "triggers": ["Track.Timer.expired"],
                        "checkpoints": [{}, {}],
                        "segments": [
                            {"start": 0, "end": 1, "tasks": [{"function": "Sampler.generate"}]}
                        ],
                        **pipeline,
                    }
                },
            ],
        }
    }


def _sampler() -> dict[str, Any]:
    return {
        "@Skill.SignalGenerator.Sampler": {
            "name": "Sampler",
            "UUID": UUIDS[3],
            "children": [
                {
                    "@Skill.SignalGenerator.Signal": {
                        "name": "Sine",
                        "UUID": UUIDS[4],
                        "dataType": "float64",
                        "top": 1,
                        "bottom": 0,
                        "waveForm": {"@SineWave": {"period": "1s"}},
                    }
                }
            ],
        }
    }


def _inspector(attribute: str) -> dict[str, Any]:
    return {
        "@Skill.Debugging.Inspector": {
            "name": "Inspector",
            "UUID": UUIDS[5],
            "attributes": [attribute],
        }
    }


def test_what_makes_things_run() -> None:
    plant = _plant(_track(), _sampler(), _inspector("Sampler.Sine.value"))
    looks = {element.key: (element.kind.category, element.kind.type_text) for element in plant}
    assert looks == {
        "Track": (Category.EXECUTION_TRACK, "execution track"),
        "Track.Timer": (Category.TIMER, "timer"),
        "Track.Pipeline": (Category.EXECUTION_PIPELINE, "execution pipeline"),
        "Sampler": (Category.DEVICE, "signal generator sampler"),
        "Sampler.Sine": (Category.DATA_POINT, "signal generator signal"),
        "Inspector": (Category.SPECIAL_PURPOSE, "debugging inspector"),
    }
    assert plant.lookup("Track.Timer").parent is plant.lookup("Track")
    assert plant.lookup("Sampler.Sine").read(Attribute.QUALITY) == 0


def test_categories_as_numbers() -> None:
    plant = _plant(_sampler(), category_as_text=False)
    assert plant.lookup("Sampler").read(Attribute.CATEGORY) == 6


@pytest.mark.parametrize(
    ("pipeline", "place"),
    [
        ({"triggers": ["Track.Clock.expired"]}, "triggers[0]"),
        ({"segments": [{"start": 0, "end": 2}]}, "segments[0].end"),
        ({"segments": [{"start": 1, "end": 1}]}, "segments[0]"),
        (
            {"segments": [{"start": 0, "end": 1, "tasks": [{"function": "Nothing.generate"}]}]},
            "segments[0].tasks[0].function",
        ),
    ],
)
def test_faults_of_a_pipeline(pipeline: dict[str, Any], place: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _plant(_track(**pipeline), _sampler())
    assert caught.value.place == f"children[0].@Track.children[1].@Pipeline.{place}"


def test_an_inspector_of_an_attribute_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="no attribute 'velocity'"):
        _plant(_sampler(), _inspector("Sampler.Sine.velocity"))


def test_a_timer_without_a_proper_period() -> None:
    with pytest.raises(ConfigurationError, match="period"):
        _plant({"@Timer": {"name": "T", "UUID": UUIDS[0], "period": "often"}})


def _simulated(**properties: Any) -> Plant:
    return _plant({"@Skill.Simulator.Point": {"name": "P", "UUID": UUIDS[0], **properties}})


def test_the_simulators_own_point() -> None:
    plant = _simulated(
        category="sub device",
        type="valve",
        dataType="uint8",
        access="read and write",
        value=3,
        quality="unreliable",
        maximum=5,
        allowed=[1, 2, 3, 7],
        deviceState=False,
        attributes=[
            {"name": "serialNumber", "UUID": UUIDS[1], "dataType": "U8String", "value": "4711"},
            {"name": "sourceTime", "dataType": "timeStamp", "value": "2024-01-01T00:00:00Z"},
            {"name": "calibrated", "dataType": "bool", "access": "read and write"},
            {"name": "reset", "dataType": "bool", "access": "write only"},
        ],
    )
    point = plant.lookup("P")
    now = TimePoint(7)
    assert (point.kind.category, point.kind.type_text) == (Category.SUB_DEVICE, "valve")
    assert point.read(Attribute.VALUE) == 3
    assert point.read(Attribute.QUALITY) == 2
    assert point.read(Attribute.DEVICE_STATE) is False
    assert point.read(Attribute.SOURCE_TIME) == TimePoint.parse("2024-01-01T00:00:00Z")
    serial = point.table.infos[point.table.names["serialNumber"]]
    assert str(serial.attribute_id) == UUIDS[1]
    assert serial.data_type == DataType.U8_STRING
    assert point.read(serial.attribute_id) == "4711"
    calibrated = point.table.infos[point.table.names["calibrated"]].attribute_id
    point.write(calibrated, True, now)
    assert point.read(calibrated) is True
    assert point.read(Attribute.WRITE_TIME) == TimePoint.NEVER
    reset = point.table.infos[point.table.names["reset"]].attribute_id
    assert point.read(reset) == WriteOnlyError()
    with pytest.raises(ValueOutOfRangeError):
        point.write(Attribute.VALUE, 7, now)
    with pytest.raises(IllegalValueError):
        point.write(Attribute.VALUE, 4, now)


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"dataType": "float16"}, "there is no data type 'float16'"),
        ({"dataType": "uint8", "access": "rw"}, "'read and write'"),
        ({"category": "thing"}, "'data point'"),
        ({"dataType": "uint8", "value": -1}, "out of range"),
        ({"dataType": "uint8", "maximum": "x"}, "does not fit"),
        ({"attributes": [{"dataType": "bool"}]}, "'name' is missing"),
    ],
)
def test_faults_of_a_point(properties: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        _simulated(**properties)
