"""What a report shows, and the way back."""

from __future__ import annotations

import pandas as pd
import pytest

import xentara_nb
from xentara_nb import read_journal
from xentara_nb.errors import ServerError, WriteRefusedError
from xentara_nb.writes.outcome import Outcome

KEYS = [f"Plant.Line {line}.Set point" for line in (1, 2, 3)]
LAMP = "Plant.Line 1.Capper.Lamp"
POINTS = [f"Plant.Line {line}.{name}" for line in (1, 2) for name in ("Set point", "Batch")]
REPORT_COLUMNS = {
    "primary_key": "str",
    "element_uuid": "object",
    "attribute_name": "str",
    "attribute_id": "object",
    "data_type": "str",
    "old_value": "object",
    "value": "object",
    "read_back": "object",
    "units": "str",
    "outcome": "category",
    "error": "str",
    "sent": "bool",
    "time": "datetime64[ns, UTC]",
    "duration": "float64",
}


def values(client):
    return client.read(KEYS, "value")["value"].tolist()


def test_back_to_the_old_values_the_last_first(plant, client):
    before = values(client)
    report = client.plan_writes({KEYS[0]: 1, KEYS[1]: 2, KEYS[2]: 3}).apply()
    assert values(client) == [1.0, 2.0, 3.0]
    plan = report.undo()
    assert values(client) == [1.0, 2.0, 3.0]  # a plan sends nothing
    assert plan.frame["primary_key"].tolist() == KEYS[::-1]
    assert plan.frame["value"].tolist() == before[::-1]
    assert plan.frame["old_value"].tolist() == [3.0, 2.0, 1.0]
    assert plan.ok
    back = plan.apply()
    assert back.ok
    assert values(client) == before
    # Undo of undo.
    again = back.undo()
    assert again.frame["primary_key"].tolist() == KEYS
    assert again.frame["value"].tolist() == [1.0, 2.0, 3.0]
    assert again.apply().ok
    assert values(client) == [1.0, 2.0, 3.0]


def test_only_what_was_sent(plant, client):
    plant.faults.refuse_writes(keys=KEYS[1])
    report = client.plan_writes(dict.fromkeys(KEYS, 5)).apply()
    plan = report.undo()
    assert plan.frame["primary_key"].tolist() == KEYS[:1]
    plant.faults.clear()
    assert plan.apply().ok
    assert len(plant.writes) == 3


def test_where_there_is_no_way_back(plant, client):
    report = client.plan_writes({LAMP: True, KEYS[0]: 6}).apply()
    plan = report.undo()
    assert plan.frame["severity"].tolist() == ["ok", "refused"]
    assert "there is no way back" in plan.frame["guard_old_value"][1]
    with pytest.raises(WriteRefusedError, match="there is no way back"):
        plan.apply()
    back = plan.apply(skip_refused=True)
    assert [str(result.outcome) for result in back] == ["VERIFIED", "SKIPPED"]


def test_of_a_write_that_was_not_read_before(client):
    result = client.write(KEYS[0], 7, verify=False)
    plan = result.undo()
    assert "the old value is not known" in plan.frame["reason"][0]
    assert result.old_value is None
    assert "old value: not known" in repr(result)


def test_of_what_is_unknown(plant, client):
    plan = client.plan_writes(dict.fromkeys(KEYS[:2], 8))
    plant.faults.drop_after(bytes_out=0)
    report = plan.apply(if_unchanged=False)
    plan = report.undo()
    assert plan.frame["severity"].tolist() == ["refused"]
    assert "report.resolve() reads it first" in plan.frame["reason"][0]
    report.resolve()
    assert report.undo().apply().ok


def test_a_value_that_was_changed_since(client):
    client.write(KEYS[0], 40)
    result = client.write(KEYS[0], 42)
    client.write(KEYS[0], 50)
    plan = result.undo()
    assert plan.frame["severity"].tolist() == ["warning"]
    said = plan.frame["guard_old_value"][0]
    assert said.startswith("warning: the value is 50.0 now, no longer 42.0")
    assert plan.apply().ok
    assert client.read(KEYS[0], "value")["value"][0] == 40.0


def test_of_a_device_that_did_not_follow(plant, client):
    client.write(KEYS[0], 40)
    plant.faults.no_follow(KEYS[0])
    result = client.write(KEYS[0], 41, verify_within=0)
    plan = result.undo()
    assert plan.frame["severity"].tolist() == ["ok"]
    assert plan.frame["value"].tolist() == [40.0]


def test_of_nan(client):
    client.write("Data Types.Float64", "nan")
    result = client.write("Data Types.Float64", 1.5)
    back = result.undo().apply()
    assert back[0].outcome is Outcome.VERIFIED
    assert back[0].read_back != back[0].read_back


def test_what_was_never_sent_has_no_undo(client):
    (result,) = client.plan_writes({KEYS[0]: 1}).apply(dry_run=True)
    assert len(result.undo()) == 0
    assert result.resolve() is result
    assert not result.sent
    assert result.time is None
    assert result.text == "not sent: dry run: it would be sent"
    assert "outcome: SKIPPED" in repr(result)


# What it shows.


def test_the_report_as_a_frame(plant, client):
    plant.faults.refuse_writes(keys=POINTS[1], code=-32107, text="not now")
    report = client.plan_writes(dict.fromkeys(POINTS[:3], 8)).apply()
    frame = report.frame
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == REPORT_COLUMNS
    assert frame["outcome"].tolist() == ["VERIFIED", "REJECTED", "SKIPPED"]
    assert frame["outcome"].cat.categories.tolist() == [str(outcome) for outcome in Outcome]
    assert frame["sent"].tolist() == [True, True, False]
    assert frame["time"].isna().tolist() == [False, False, True]
    assert frame["duration"].isna().tolist() == [False, False, True]
    assert frame["error"].isna().tolist() == [True, False, False]
    assert frame["error"][1] == "not now (-32107)"
    assert frame["error"][2].startswith(
        f"after the write to {POINTS[1]} (value), which is REJECTED"
    )
    assert frame["read_back"].tolist()[0] == 8.0
    # What was rejected was read all the same.
    assert frame["read_back"].tolist()[1] == frame["old_value"].tolist()[1]
    assert not report.ok
    assert report.counts == {Outcome.VERIFIED: 1, Outcome.REJECTED: 1, Outcome.SKIPPED: 1}
    assert "3 writes: 1 VERIFIED 1 REJECTED 1 SKIPPED" in repr(report)
    assert "1 REJECTED" in report._repr_html_()
    assert ">REJECTED</b></td>" in report._repr_html_()
    assert "&lt;" not in report._repr_html_()
    assert [result.primary_key for result in report[1:]] == POINTS[1:3]
    with pytest.raises(ServerError, match="not now"):
        report.raise_for_outcome()


def test_a_plan_of_many_rows(journal):
    with xentara_nb.simulate(elements=3000) as many, many.connect() as client:
        inventory = client.inventory().xentara.writable().xentara.attribute("value")
        numbers = inventory[inventory["data_type"].isin(["Float64", "Float32"])].head(700)
        assert len(numbers) > 300
        values = pd.Series(range(len(numbers)), index=numbers.index, dtype=float)
        report = client.plan_writes(numbers.assign(value=values)).apply(on_error="continue")
        assert report.ok
        assert len(many.writes) == len(numbers)
        back = report.undo().apply(on_error="continue")
        assert back.ok
        assert back.frame["value"].tolist() == report.frame["old_value"].tolist()[::-1]
        assert len(read_journal()) == 2 * len(numbers)


def test_an_error_for_what_was_skipped(plant, client):
    report = client.plan_writes({POINTS[0]: 1}).apply(dry_run=True)
    with pytest.raises(WriteRefusedError, match="not sent: dry run"):
        report.raise_for_outcome()
    assert client.plan_writes({POINTS[0]: 1}).apply().raise_for_outcome() is None


def test_a_float_32_is_shown_with_its_own_digits(plant, client):
    """0.1 is 0.10000000149011612 as a Float64, and neither looks "as written" beside the other."""
    key = "Plant.Line 1.Maximum speed"
    result = client.write(key, 0.1)
    assert result.read_back == 0.10000000149011612  # as the server has it
    assert (result.facts["new value"], result.facts["read back"]) == ("0.1", "0.1")
    plan = client.plan_writes({key: 0.30000001})
    assert plan.frame["old_value"][0] == 0.10000000149011612
    for shown in (repr(plan), plan._repr_html_()):
        assert "0.10000000149" not in shown
        assert "0.30000001" in shown  # as it is sent
    assert plan.frame["change"][0] == pytest.approx(0.2, abs=1e-15)  # of 0.1 and 0.3
    report = plan.apply()
    assert "0.30000001192" not in repr(report)
    assert "0.30000001192" not in repr(report.undo())
    plant.faults.no_follow(key)
    result = client.write(key, 0.2, verify_within=0.1)
    assert result.reason == "0.3 was read back for 0.1 s, not the 0.2 that was written"
    # A whole number has those that were typed: 123456790 is the same Float32, and refused.
    assert client.write(key, 123456792).facts["new value"] == "123456792.0"
    # A Float64 has all of them.
    other = client.write("Plant.Line 1.Set point", 0.10000000149011612)
    assert other.facts["new value"] == "0.10000000149011612"
