"""The signal generator's wave forms."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.protocol.values import TimePoint
from xentara_nb.simulator.documents import ConfigurationError, JsonNode, parse_document
from xentara_nb.simulator.model.model import read_model
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.plant.signals import Sampler, Signal, WaveFormSettings
from xentara_nb.simulator.security.settings import Security

SECOND = 1_000_000_000


def _heights(form: dict[str, Any], *seconds: float) -> list[float]:
    settings = JsonNode(form, "model.json").validate(WaveFormSettings)
    shape = settings.wave_form(UUID(int=1))
    return [round(shape(int(second * SECOND)), 6) for second in seconds]


def test_wave_forms_begin_where_the_manual_leaves_it_open() -> None:
    times = (0, 1, 2, 3, 4)
    period = {"period": "4s"}
    assert _heights({"@SineWave": period}, *times) == [0.5, 1, 0.5, 0, 0.5]
    assert _heights({"@Triangle": period}, *times) == [0, 0.5, 1, 0.5, 0]
    assert _heights({"@SawTooth": period}, *times) == [0, 0.25, 0.5, 0.75, 0]
    assert _heights({"@Pulse": {**period, "pulseWidth": "2s"}}, *times) == [1, 1, 0, 0, 1]


def test_the_phase_offset_is_added_to_the_time() -> None:
    form = {"@SawTooth": {"period": "4s", "phaseOffset": "1s"}}
    assert _heights(form, 0, 3) == [0.25, 0]


def test_noise_is_the_same_at_every_start() -> None:
    first = _heights({"@Noise": {}}, 0, 0, 0)
    assert first == _heights({"@Noise": {}}, 0, 0, 0)
    assert len(set(first)) == 3
    assert all(0 <= height < 1 for height in first)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"@Square": {"period": "1s"}},
        {"@SineWave": {}},
        {"@SineWave": {"period": "0"}},
        {"@Pulse": {"period": "1s"}},
        {"@SineWave": {"period": "1s", "phaseOffset": "x"}},
        {"@SineWave": {"period": "1s"}, "@Noise": {}},
    ],
)
def test_what_is_no_wave_form(form: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        JsonNode(form, "model.json").validate(WaveFormSettings)


@pytest.mark.parametrize(
    ("keyword", "top", "bottom", "values"),
    [
        ("float64", 100, 50, [50.0, 75.0, 100.0]),
        ("bool", 1, 0, [False, False, True]),
        ("bool", True, False, [False, False, True]),
        ("uint16", 0, 300, [300, 150, 0]),
        ("int8", 1000, -1000, [-128, 0, 127]),
        ("float32", 1e300, 0, [0.0, 3.4028234663852886e38, 3.4028234663852886e38]),
        ("float32", 0.1, 0, [0.0, 0.05000000074505806, 0.10000000149011612]),
    ],
)
def test_values(keyword: str, top: Any, bottom: Any, values: list[Any]) -> None:
    signal = {
        "name": "S",
        "UUID": str(UUID(int=2)),
        "dataType": keyword,
        "top": top,
        "bottom": bottom,
        "waveForm": {"@Triangle": {"period": "4s"}},
    }
    sampler = {
        "name": "Sampler",
        "UUID": str(UUID(int=1)),
        "children": [{"@Skill.SignalGenerator.Signal": signal}],
    }
    document = {"children": [{"@Skill.SignalGenerator.Sampler": sampler}]}
    model = read_model(parse_document(json.dumps(document), "model.json"))
    plant = Plant.from_model(model, Security(), lambda: TimePoint(0))
    element, generator = plant.lookup("Sampler.S"), plant.lookup("Sampler")
    assert isinstance(element, Signal)
    assert isinstance(generator, Sampler)
    # No pipeline runs the sampler, so nothing was generated yet.
    assert element.read(Attribute.CHANGE_TIME) == TimePoint.NEVER
    assert generator.read(Attribute.QUALITY) == element.read(Attribute.QUALITY) == 3
    found = []
    for second in range(3):
        for _ in generator.generate(TimePoint(second * SECOND)):
            pass
        found.append(element.read(Attribute.VALUE))
        assert element.read(Attribute.QUALITY) == 0
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]
    assert generator.read(Attribute.UPDATE_TIME) == TimePoint(2 * SECOND)
    assert generator.read(Attribute.QUALITY) == 0
