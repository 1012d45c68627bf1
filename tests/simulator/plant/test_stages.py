"""The operational stages, and which changes between them there are."""

from __future__ import annotations

import pytest

from tests.simulator.models import Clock, go, pipeline, plant, sampler, track
from xentara_nb.protocol.errors import InvalidStageChangeRequestError
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.simulator.plant.stages import StageMachine


def test_from_stage_to_stage() -> None:
    clock = Clock()
    timed = track(pipeline(["Track.T.expired"], "Sampler.generate"))
    running = plant(sampler(), timed, clock=clock)
    stages = StageMachine(running)
    signal = running.lookup("Sampler.S")
    assert int(running.stage) == 2
    with pytest.raises(InvalidStageChangeRequestError):
        stages.resume()
    stages.suspend()
    assert int(running.stage) == 5
    go(running, clock, 5)
    assert signal.read(Attribute.VALUE) == 0
    with pytest.raises(InvalidStageChangeRequestError):
        stages.suspend()
    stages.resume()
    go(running, clock, 6)
    assert signal.read(Attribute.VALUE) == pytest.approx(6)
    stages.suspend()
    assert not stages.ended
    stages.shutdown()
    assert stages.ended
    for change in (stages.shutdown, stages.suspend, stages.resume):
        with pytest.raises(InvalidStageChangeRequestError):
            change()
