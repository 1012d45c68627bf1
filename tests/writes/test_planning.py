"""The last check of a plan: a change since it was shown refuses it."""

from __future__ import annotations

from contextlib import suppress

import pytest

import xentara_nb
from tests.support.server import Model
from xentara_nb.errors import ConnectionLostError, WriteDiffersError, WriteRefusedError
from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.packets import Success
from xentara_nb.writes.policy import KeyLimits, WritePolicy

ONE, TWO = (f"Plant.Line {line}.Set point" for line in (1, 2))


def test_a_plan_refuses_when_values_have_moved(plant, client):
    client.write(ONE, 10)
    plan = client.plan_writes({ONE: 20, TWO: 20})
    client.write(ONE, 11)
    plant.forget()
    with pytest.raises(WriteRefusedError) as caught:
        plan.apply()
    assert f"write to {ONE} (value): it was 10.0, it is 11.0" in str(caught.value)
    assert "1 of 2 values are no longer what the plan shows" in str(caught.value)
    assert len(plant.writes) == 0
    # Nothing was sent, so one may insist.
    assert plan.apply(if_unchanged=False).ok


def test_a_tolerance_for_values_that_move(client):
    client.write(ONE, 10)
    plan = client.plan_writes({ONE: 20})
    client.write(ONE, 10.5)
    with pytest.raises(WriteRefusedError, match="no longer"):
        plan.apply(tolerance=0.4)
    assert plan.apply(tolerance=0.5).ok


def test_a_value_that_cannot_be_read_any_more(plant, client):
    plan = client.plan_writes({ONE: 20})
    plant.faults.vanish(ONE)
    with pytest.raises(WriteRefusedError, match="it cannot be read any more"):
        plan.apply()
    plant.faults.clear()


def test_a_quality_that_has_turned_bad(plant, journal):
    key = "Plant.Water Treatment.Dosing pump"
    with plant.connect(policy=WritePolicy(bad_quality="refuse")) as client:
        plan = client.plan_writes({key: 30})
        assert plan.ok
        plant.faults.bad_quality(key)
        with pytest.raises(WriteRefusedError, match=r"1 of 1 row is refused by now.*is bad"):
            plan.apply(tolerance=1000)
        assert len(plant.writes) == 0
        plant.faults.clear()
        assert plan.apply(tolerance=1000).ok


def test_a_step_that_has_become_too_large(plant, journal):
    policy = WritePolicy(limits=[KeyLimits(["*.Set point"], max_step=10)])
    with plant.connect() as other, plant.connect(policy=policy) as client:
        other.write(ONE, 100)
        plan = client.plan_writes({ONE: 110})
        other.write(ONE, 99)
        with pytest.raises(WriteRefusedError, match=r"from 99.0 to 110.0 is a larger step"):
            plan.apply(tolerance=2)
    assert len(plant.writes) == 2


def test_a_stale_model_is_not_planned_with(journal):
    """A restarted server may have another model, which a plan looks at before anything else."""
    with xentara_nb.simulate() as plant, plant.connect() as client:
        client.write("Plant.Line 1.Batch", 5)
        plant.faults.restart({"children": []})
        with pytest.raises(UnknownElementError):
            client.write("Plant.Line 1.Batch", 6, verify=False)
        assert len(plant.writes) == 1


def test_a_policy_that_changed_since(plant, client, tmp_path, monkeypatch):
    plan = client.plan_writes({ONE: 1})
    path = tmp_path / "policy.toml"
    path.write_text("max_rows = 5")
    monkeypatch.setenv("XENTARA_POLICY", str(path))
    with pytest.raises(WriteRefusedError, match="the write policy has changed since"):
        plan.apply()
    assert len(plant.writes) == 0
    assert client.plan_writes({ONE: 1}).apply().ok


def test_another_model_since(journal):
    with xentara_nb.simulate() as plant, plant.connect() as client:
        plan = client.plan_writes({"Plant.Line 1.Batch": 5})
        plant.faults.restart()
        # The same model: the plan is as good as before.
        report = plan.apply()
        assert report.ok
        plan = client.plan_writes({"Plant.Line 1.Batch": 6})
        plant.faults.restart(
            {
                "children": [
                    {
                        "@Skill.SignalFlow.Register": {
                            "name": "Batch",
                            "UUID": str(client.lookup("Plant.Line 1.Batch")),
                            "defaultValue": ["float64", 5.0],
                        }
                    }
                ]
            }
        )
        plant.forget()
        with pytest.raises(WriteRefusedError, match="the server's model has changed since"):
            plan.apply()
        assert len(plant.writes) == 0


def put_rows(plan, rows):
    """Make a plan have other rows, by a class of its own, as one may who is set on it."""
    plan.__class__ = type("Edited", (type(plan),), {"planned": tuple(rows)})


@pytest.mark.parametrize("insist", [False, True])
@pytest.mark.parametrize(
    "edit",
    [
        lambda row: row._replace(new=399.0),
        lambda row: row._replace(new=9999.0),
        lambda row: row._replace(new=True),
        lambda row: row._replace(request=row.request._replace(value=9999.0), new=9999.0),
        lambda row: row._replace(request=row.request._replace(value=399.0), new=399.0, old=390.0),
        lambda row: row._replace(target=row.target._replace(primary_key="Plant.Other")),
    ],
)
def test_no_edit_of_a_row_gets_round_the_policy(plant, journal, edit, insist):
    policy = WritePolicy(
        forbidden=["*.Maximum speed"],
        limits=[KeyLimits(["Plant.Line *.Set point"], maximum=400, max_step=50)],
    )
    with plant.connect(policy=policy) as client:
        client.write(ONE, client.read(ONE, "value")["value"].item())
        plant.forget()
        plan = client.plan_writes({ONE: client.read(ONE, "value")["value"].item() + 1})
        with pytest.raises(AttributeError):
            plan.planned = ()
        put_rows(plan, [edit(plan.planned[0])])
        with pytest.raises(WriteRefusedError):
            plan.apply(if_unchanged=not insist)
        assert len(plant.writes) == 0


def test_refusals_cannot_be_taken_out_of_a_plan(plant, journal):
    with plant.connect(policy=WritePolicy(forbidden=[ONE])) as client:
        plan = client.plan_writes({ONE: 20, TWO: 20})
        put_rows(plan, [row._replace(checks=()) for row in plan.planned])
        with pytest.raises(WriteRefusedError, match="1 of 2 rows are refused by now"):
            plan.apply()
        again = client.plan_writes({TWO: 20})
        put_rows(again, again.planned * 2)
        with pytest.raises(WriteRefusedError, match="one plan writes it once"):
            again.apply()
        assert len(plant.writes) == 0


# A restart in the middle of a write, after which the key means another element.


@pytest.mark.parametrize("restart_at", [OpCode.LOOKUP, OpCode.META_DATA, OpCode.READ])
def test_a_restart_before_a_write_is_sent(fake, restart_at):
    model = Model.of_points(2)
    one, _ = model.elements.values()
    server = fake(model.swapped_at(restart_at))
    # This server changes no value.
    with server.connect(journal=False) as client, suppress(WriteDiffersError):
        client.write("Point 0", 5.0, verify_within=0)
    assert [each.element_uuid for each in model.written] == [one.uuid]


def test_a_restart_while_a_plan_reads_what_is_there(fake):
    model = Model.of_points(2)
    server = fake(model.swapped_at(OpCode.READ))
    with server.connect(journal=False) as client:
        plan = client.plan_writes({"Point 0": 5.0})
        assert plan.frame["old_value"].tolist() == [0.0]  # not that of Point 1
        assert plan.apply(verify=False).ok


def test_a_model_that_changes_again_and_again(fake):
    model = Model.of_points(1)

    def script(wire):
        wire.hello()
        for _ in range(2):  # the lookup and the meta data
            wire.answer(*model.answers(wire.requests()))

    with (
        fake(script).connect(journal=False) as client,
        pytest.raises(ConnectionLostError) as caught,
    ):
        client.write("Point 0", 5.0)
    assert not caught.value.sent
    assert model.written == []


def test_a_server_that_finds_another_element_than_the_one_named(fake):
    model = Model.of_points(2)
    one, two = model.elements.values()

    def script(wire):
        wire.hello()
        while True:
            requests = wire.requests()
            wire.answer(
                *(
                    Success(each.message_id, two.uuid)
                    if each.opcode == OpCode.LOOKUP
                    else model.answer(each)
                    for each in requests
                )
            )

    with fake(script).connect(journal=False) as client:
        with pytest.raises(
            WriteRefusedError, match="has found Point 0, and says that it is Point 1"
        ):
            client.write("Point 0", 5.0)
        assert not client.plan_writes({"Point 0": 5.0}).ok
        assert client.plan_writes({one.uuid: 5.0}).ok
    assert model.written == []
