"""Plans: what they show, and that one is good for one apply."""

from __future__ import annotations

import copy
import math
import os
import pickle
import re
import threading

import pandas as pd
import pytest

import xentara_nb
from tests.support.zones import time_zone
from tests.writes.lines import dtypes
from xentara_nb.errors import (
    ConnectionLostError,
    OptionError,
    ServerUnreachableError,
    WriteRefusedError,
)
from xentara_nb.protocol.values import TimePoint
from xentara_nb.writes.guards import Guard, Severity
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.policy import KeyLimits, WritePolicy

ONE, TWO, THREE = (f"Plant.Line {line}.Set point" for line in (1, 2, 3))
PLAN_COLUMNS = {
    "primary_key": "str",
    "element_uuid": "object",
    "attribute_name": "str",
    "attribute_id": "object",
    "data_type": "str",
    "old_value": "object",
    "old_quality": "str",
    "value": "object",
    "units": "str",
    "change": "object",
    "severity": "category",
    "reason": "str",
    **{f"guard_{guard}": "str" for guard in Guard},
}


def test_a_plan_shows_units(plant, client):
    pump = "Plant.Water Treatment.Dosing pump"
    plan = client.plan_writes({pump: 40, ONE: 150, (TWO, "quality"): "good", "Plant.No": 1})
    assert plan.frame["units"].fillna("-").tolist() == ["%", "bottles/min", "-", "-"]
    assert "units" in repr(plan)
    assert "<td style='text-align:left'>%</td>" in plan._repr_html_()
    assert "units" not in repr(client.plan_writes({"Plant.Line 1.Recipe": "Tea"}))


def test_a_plan_shows_itself(plant, client):
    client.write(ONE, 100)
    plan = client.plan_writes({ONE: 150, (TWO, "value"): "fast", "Plant.Line 1.Capper.Lamp": True})
    frame = plan.frame
    assert dtypes(frame) == PLAN_COLUMNS
    assert frame["severity"].cat.categories.tolist() == ["ok", "warning", "refused"]
    assert frame["severity"].tolist() == ["ok", "refused", "warning"]
    assert frame["old_value"].tolist()[0] == 100.0
    assert frame["change"].tolist() == [50.0, None, None]
    assert frame["old_quality"].fillna("-").tolist() == ["good", "good", "-"]
    assert frame["reason"].isna().tolist() == [True, False, False]
    assert not plan.ok
    assert len(plan) == 3
    assert plan.who == "engineer"
    assert plan.report is None
    text = repr(plan)
    assert text.startswith(
        "Plan of 3 writes as engineer, nothing was sent yet: 1 ok 1 warning 1 refused "
        "(no policy: no limits were checked)\n"
    )
    assert "150.0" in text
    html = plan._repr_html_()
    assert "1 refused" in html
    assert "(no policy: no limits were checked)</p>" in html
    assert ">refused</b></td>" in html
    assert "&lt;" not in html
    assert "var(--jp-error-color1" in html


def test_an_empty_plan(client):
    for values in ({}, [], pd.DataFrame({"primary_key": [], "value": []}), pd.Series(dtype=object)):
        plan = client.plan_writes(values)
        assert dtypes(plan.frame) == PLAN_COLUMNS
        assert plan.ok
        report = plan.apply()
        assert len(report) == 0
        assert report.ok
        assert len(report.frame) == 0
        assert re.match("Plan of 0 writes as .+, there is nothing to send *$", repr(plan))
        assert plan._repr_html_()
        assert report.undo().ok


def test_what_a_server_says_is_escaped(client):
    plan = client.plan_writes({"<script>alert(1)</script>": "<b>"})
    assert "<script>" not in plan._repr_html_()
    assert "&lt;script&gt;" in plan._repr_html_()


def test_a_long_plan_is_shown_in_part(client):
    inventory = client.inventory().xentara.attribute("value").head(80)
    plan = client.plan_writes(inventory.assign(value=1))
    assert "… and 20 more rows" in plan._repr_html_()


def test_changes(client):
    plan = client.plan_writes(
        {
            "Plant.Line 1.Last changeover": "2025-03-02T05:45:00Z",
            "Plant.Line 1.Batch": 4700,
            "Plant.Line 1.Run": False,
            "Plant.Line 1.Recipe": "Tea",
            "Data Types.TimePoint": "never",
        }
    )
    change = plan.frame["change"].tolist()
    assert change[0] == pd.Timedelta("1D")
    assert change[1] == 4700 - plan.frame["old_value"][1]
    assert change[2:] == [None, None, None]
    assert plan.frame["value"].tolist()[4] is pd.NaT
    assert plan.planned[4].new == TimePoint.NEVER


def test_a_value_that_is_there_already_is_no_change(client):
    client.write("Data Types.Float32", 0.1)  # holds fewer digits
    client.write("Data Types.TimePoint", "never")
    present = client.read([ONE, "Plant.Line 1.Recipe"], "value")["value"].tolist()
    plan = client.plan_writes(
        {
            ONE: present[0],
            "Plant.Line 1.Recipe": present[1],
            "Data Types.Float32": 0.1,
            "Data Types.TimePoint": "never",
            TWO: 201,
        }
    )
    assert repr(plan).count("no change") == 4
    assert plan._repr_html_().count("no change") == 4
    assert plan.frame["change"].tolist()[:3] == [0.0, None, 0.0]
    assert "no change" not in repr(client.plan_writes({TWO: 201, ONE: "fast"}))


def test_a_plan_shows_which_time_is_sent(client, monkeypatch):
    with time_zone(monkeypatch, "Europe/Berlin"):
        plan = client.plan_writes({"Data Types.TimePoint": "2026-11-26 10:00"})
        row = plan.frame.iloc[0]
        assert row["value"] == pd.Timestamp("2026-11-26 09:00", tz="UTC")
        assert row["severity"] == "warning"
        said = "2026-11-26 10:00:00+01:00 (CET) is sent: no time zone was given"
        assert row["reason"] == said
        assert said[:50] in repr(plan)
        assert plan.apply().frame["outcome"].tolist() == ["VERIFIED"]
    plan = client.plan_writes({"Data Types.TimePoint": "2026-11-26 10:00+01:00"})
    assert plan.frame["severity"].tolist() == ["ok"]


def test_limits_that_were_checked_are_not_said_to_be_none(plant, journal):
    with plant.connect(policy=WritePolicy(max_rows=5)) as client:
        assert "no policy" not in repr(client.plan_writes({ONE: 1}))
    with plant.connect() as client:
        assert "no policy" in repr(client.plan_writes({ONE: 1}))
        assert "no policy" not in repr(client.plan_writes({}))


def test_a_plan_warns_of_what_is_no_finite_number(client):
    plan = client.plan_writes({ONE: "-inf", TWO: 201, THREE: "nan", "Data Types.Float32": math.inf})
    assert plan.frame["severity"].tolist() == ["warning", "ok", "warning", "warning"]
    said = ["-inf is sent: it is infinite", "nan is sent: it is not a number"]
    assert plan.frame["reason"].tolist()[:3:2] == said
    assert plan.ok


# One apply.


def test_a_plan_is_good_for_one_apply(plant, client):
    plan = client.plan_writes({ONE: 1})
    report = plan.apply()
    assert report.ok
    assert plan.applied
    assert plan.report is report
    assert "as engineer, applied: 1 ok" in repr(plan)
    assert "no policy" not in repr(plan)
    for options in ({}, {"if_unchanged": False}, {"on_error": "continue"}):
        with pytest.raises(WriteRefusedError, match="a plan is good for one apply"):
            plan.apply(**options)
    assert len(plant.writes) == 1


def test_a_plan_is_good_for_one_of_many_threads(plant, client):
    for number in range(10):
        plan = client.plan_writes({ONE: number})
        gate = threading.Barrier(6)
        outcomes = []

        def apply(plan=plan, gate=gate, outcomes=outcomes):
            gate.wait()
            try:
                outcomes.append(plan.apply().ok)
            except WriteRefusedError as error:
                outcomes.append(str(error))

        threads = [threading.Thread(target=apply) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes.count(True) == 1
        assert sum("one apply" in str(outcome) for outcome in outcomes) == 5
    assert len(plant.writes) == 10


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, pickle.dumps])
def test_there_is_no_second_one_of_a_plan(client, make):
    with pytest.raises(TypeError, match="cannot be copied or stored"):
        make(client.plan_writes({ONE: 1}))


def test_a_dry_run_sends_nothing(plant, client):
    plan = client.plan_writes({ONE: 1, TWO: 2, "Nothing": 3})
    plant.forget()
    for _ in range(2):
        report = plan.apply(dry_run=True)
        assert [result.outcome for result in report] == [Outcome.SKIPPED] * 3
        assert report[0].reason == "dry run: it would be sent"
        assert report[2].reason.startswith("refused: Nothing: unknown element")
        assert not report.frame["sent"].any()
    assert len(plant.requests) == 0  # not even a read
    assert not client.journal.path.exists()
    assert not plan.applied
    assert plan.apply(skip_refused=True)[1].ok
    # And of a plan that is refused as a whole.
    client.read_only = True
    report = client.plan_writes({ONE: 1}).apply(dry_run=True)
    assert "this client is read only" in report[0].reason


def test_a_plan_with_a_refused_row_is_not_sent(plant, client):
    plan = client.plan_writes({ONE: 1, TWO: "fast", THREE: 3})
    with pytest.raises(WriteRefusedError, match=r"1 of 3 rows are refused, so nothing was sent"):
        plan.apply()
    assert len(plant.writes) == 0
    report = plan.apply(skip_refused=True)
    assert [result.outcome for result in report] == [
        Outcome.VERIFIED,
        Outcome.SKIPPED,
        Outcome.VERIFIED,
    ]
    assert report[1].reason.startswith("refused: 'fast' is no number")


def test_many_refused_rows_are_named_in_short(client):
    plan = client.plan_writes(dict.fromkeys([f"No {number}" for number in range(20)], 1))
    with pytest.raises(WriteRefusedError, match=r"20 of 20 rows .* and 15 more"):
        plan.apply()


def test_a_server_that_is_gone(journal):
    with xentara_nb.simulate() as own:
        trust = {"ca_file": None, "fingerprint": own.fingerprint}
        with own.connect(**trust) as client:
            plan = client.plan_writes({ONE: 5})
            own.stop()
            with pytest.raises(ServerUnreachableError, match="no server answers"):
                plan.apply()
        assert not plan.applied


def test_a_client_that_is_closed(plant, journal):
    client = plant.connect()
    plan = client.plan_writes({ONE: 5})
    client.close()
    plant.forget()
    with pytest.raises(ConnectionLostError, match="this client is closed"):
        plan.apply()
    assert len(plant.writes) == 0


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"on_error": "ignore"}, OptionError, "on_error is 'stop' or 'continue'"),
        ({"batch_size": 0}, OptionError, "batch_size"),
        ({"batch_size": True}, OptionError, "batch_size"),
        ({"batch_size": 1.5}, OptionError, "batch_size"),
        ({"verify": "yes"}, OptionError, "verify is True, False, or a function"),
        ({"verify": 1}, OptionError, "verify is True, False, or a function"),
        ({"tolerance": -1}, OptionError, "tolerance must be a number from 0 to inf"),
        ({"tolerance": float("nan")}, OptionError, "tolerance"),
        ({"tolerance": True}, OptionError, "tolerance"),
        ({"verify_within": "5"}, OptionError, "verify_within"),
        ({"verify_within": float("inf")}, OptionError, "verify_within"),
        ({"timeout": 0}, OptionError, "time-out"),
        ({"timeout": "5"}, OptionError, "time-out"),
    ],
)
def test_options_that_make_no_sense(plant, client, options, error, match):
    plan = client.plan_writes({ONE: 1})
    with pytest.raises(error, match=match):
        plan.apply(**options)
    assert not plan.applied
    assert len(plant.writes) == 0


def test_guards_of_the_whole_plan_are_in_its_title(plant, journal):
    policy = WritePolicy(max_rows=1, limits=[KeyLimits("*", maximum=5)])
    with plant.connect(policy=policy) as client:
        plan = client.plan_writes({ONE: 1, TWO: 2})
        assert "(the plan has 2 rows, and the write policy allows 1)" in repr(plan)
        assert [check.severity for check in plan.checks] == [Severity.REFUSED]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_has_no_second_plan(plant, client):
    """It would connect by itself, and send the same once more."""
    plan = client.plan_writes({"Plant.Line 1.Set point": 195})
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with pytest.raises(WriteRefusedError, match="belongs to the process that made it"):
                plan.apply()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert len(plant.writes) == 0
    assert plan.apply().ok
