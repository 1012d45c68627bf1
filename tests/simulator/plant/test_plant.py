"""The plant: elements by UUID and key, browsing, inherited access lists, stages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.simulator.models import Clock, go, pipeline, plant, sampler, track
from xentara_nb.protocol.errors import InvalidStageChangeRequestError, UnknownElementError
from xentara_nb.protocol.identifiers import NIL_UUID, Attribute, Stage
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.plant.plant import Plant
from xentara_nb.simulator.security.access import roles

Documents = dict[str, dict[str, Any]]


def _plant(small: Documents) -> Plant:
    found = from_documents(small)
    return Plant.from_model(found.model, found.security)


def test_elements_by_uuid_and_key(small: Documents) -> None:
    plant = _plant(small)
    assert len(plant) == 3
    group = plant.lookup("Group")
    assert plant.element(group.uuid) is group
    assert plant.lookup("[Group].Register").key == "Group.Register"
    assert plant.element(NIL_UUID) is plant.root
    for key in ("group", "Group.value", "Group..Register", "[", ""):
        with pytest.raises(UnknownElementError):
            plant.lookup(key)
    with pytest.raises(UnknownElementError):
        plant.element(UUID(int=7))


def test_browsing(small: Documents) -> None:
    plant = _plant(small)

    def keys(*arguments: Any) -> list[str]:
        return sorted(element.key for element in plant.browse(*arguments))

    everything = ["Group", "Group.Point", "Group.Register"]
    group = plant.lookup("Group").uuid
    assert keys(NIL_UUID) == everything
    assert keys(NIL_UUID, 1) == ["Group"]
    assert keys(NIL_UUID, 2) == keys(NIL_UUID, 10**30) == everything
    assert keys(NIL_UUID, 0) == []
    assert keys(group) == everything[1:]
    with pytest.raises(UnknownElementError):
        plant.browse(UUID(int=7))


def test_access_lists_are_inherited_along_the_tree(small: Documents) -> None:
    group = small["model.json"]["children"][0]["@Group"]
    small["model.json"]["ACL"] = {"entries": [{"role": "Everyone", "allow": ["read"]}]}
    group["ACL"] = {"entries": [{"role": "Shift", "deny": ["write"]}]}
    group["children"][1]["@DataPoint"]["ACL"] = {"inherit": False}
    plant = _plant(small)
    shift = roles("Shift")

    def rights(key: str) -> list[str]:
        acl = plant.lookup(key).acl
        return [name for name in ("read", "write") if acl.allows(shift, name)]

    assert rights("Group.Register") == ["read"]
    assert rights("Group") == ["read"]
    assert rights("Group.Point") == []
    assert plant.root.acl.allows(roles(), "read")
    assert not plant.acl.allows(roles(), "read")


def test_from_stage_to_stage() -> None:
    clock = Clock()
    timed = track(pipeline(["Track.T.expired"], "Sampler.generate"))
    running = plant(sampler(), timed, clock=clock)
    signal = running.lookup("Sampler.S")
    assert int(running.stage) == 2
    with pytest.raises(InvalidStageChangeRequestError):
        running.resume()
    running.suspend()
    assert int(running.stage) == 5
    go(running, clock, 5)
    assert signal.read(Attribute.VALUE) == 0
    with pytest.raises(InvalidStageChangeRequestError):
        running.suspend()
    running.resume()
    go(running, clock, 6)
    assert signal.read(Attribute.VALUE) == pytest.approx(6)
    running.suspend()
    assert running.stage is not Stage.SHUTDOWN
    running.shutdown()
    assert running.stage is Stage.SHUTDOWN
    for change in (running.shutdown, running.suspend, running.resume):
        with pytest.raises(InvalidStageChangeRequestError):
            change()
