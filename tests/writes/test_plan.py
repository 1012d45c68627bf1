"""Plans: what they are made of, what they show, and that one is good for one apply."""

from __future__ import annotations

import copy
import pickle
import threading

import pandas as pd
import pytest

import xentara_nb
from xentara_nb.errors import (
    AddressError,
    ConnectionLostError,
    NotFoundError,
    ServerUnreachableError,
    WriteRefusedError,
)
from xentara_nb.protocol.values import TimePoint
from xentara_nb.writes.guards import Guard, Level
from xentara_nb.writes.orders import wishes
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
    "change": "object",
    "verdict": "category",
    "reason": "str",
    **{f"guard_{guard}": "str" for guard in Guard},
}


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


# What a plan is made of.


def test_every_form_makes_the_same_plan(client):
    inventory = client.inventory("Plant.Line 1")
    rows = inventory[
        inventory["primary_key"].isin([ONE]) & (inventory["attribute_name"] == "value")
    ]
    uuid = client.lookup(ONE)
    row = next(rows.assign(value=195).itertuples())
    forms = [
        {ONE: 195},
        {uuid: 195},
        {str(uuid): 195},
        {(ONE, "value"): 195},
        {(ONE, 11): 195},
        {(uuid, "4aa0e4e0-521e-4599-a985-e454baa59f89"): 195},
        pd.Series({ONE: 195}),
        rows.assign(value=195),
        rows.assign(value=195).iloc[0],
        [row],
        [row._asdict()],
        client.read(rows).assign(value=195),
        pd.DataFrame({"primary_key": [ONE], "value": ["195"]}),
        pd.DataFrame({"element_uuid": [uuid], "value": [195.0]}),
        pd.DataFrame({"primary_key": [ONE], "attribute_name": [""], "value": [195]}),
        pd.DataFrame({"primary_key": [ONE], "attribute_id": [11.0], "value": [195]}),
        pd.DataFrame({"primary_key": [ONE], "attribute_id": [None], "value": [195]}),
        pd.DataFrame({"primary_key": [ONE], "attribute_name": ["value"], "value": [195]}),
        {"primary_key": ONE, "value": 195},
        [{"primary_key": ONE, "value": 195, "attribute_name": "value"}],
        [pd.Series({"primary_key": ONE, "value": 195})],
    ]
    expected = client.plan_writes(forms[0]).frame
    assert expected["value"].tolist() == [195.0]
    for form in forms[1:]:
        pd.testing.assert_frame_equal(client.plan_writes(form).frame, expected)
    # A plan is rows with a column value as well.
    pd.testing.assert_frame_equal(client.plan_writes(expected).frame, expected)


def test_an_element_called_value(client):
    assert len(wishes({"value": 1, "other": 2})) == 2


@pytest.mark.parametrize(
    ("orders", "match"),
    [
        (None, "a NoneType does not say what to write"),
        (5, "an int does not say"),
        (ONE, "a str does not say"),
        (b"x", "a bytes does not say"),
        (pd.DataFrame({"primary_key": [ONE]}), "needs one column value"),
        (pd.DataFrame([[1, 2]], columns=["value", "value"]), "needs one column value"),
        (
            pd.DataFrame({"primary_key": [ONE], "attribute": ["units"], "value": [1]}),
            "call it attribute_name",
        ),
        (
            [{"primary_key": ONE, "attribute": "units", "value": 1}],
            "call it attribute_name",
        ),
        ([ONE], "a str does not say what to write: give rows"),
        ([{"primary_key": ONE}], "a dict does not say"),
        ([(ONE, 1)], "a tuple does not say"),
    ],
)
def test_what_is_no_plan(client, orders, match):
    with pytest.raises(WriteRefusedError, match=match):
        client.plan_writes(orders)


def test_rows_that_name_nothing(client):
    for orders in ({5: 1}, pd.DataFrame({"value": [1]}), {(ONE, -1): 1}, {"": 1}):
        with pytest.raises(NotFoundError):
            client.plan_writes(orders)


def test_which_row_names_nothing(client):
    rows = pd.DataFrame({"primary_key": [ONE, None, TWO], "value": 1}, index=[5, 5, 6])
    for orders in (rows, rows.to_dict("records"), rows.itertuples()):
        with pytest.raises(NotFoundError, match=r"^row 1: a row names no element"):
            client.plan_writes(orders)
    rows["primary_key"] = pd.array([ONE, TWO, pd.NA], dtype="string")
    with pytest.raises(NotFoundError, match=r"^row 2: a row names no element"):
        client.plan_writes(rows)


def test_a_frame_that_names_nothing(client):
    with pytest.raises(NotFoundError, match=r"^the DataFrame does not name elements"):
        client.plan_writes(pd.DataFrame({"value": [1]}))


def test_a_key_twice_is_never_passed_over(plant, client):
    twice = {"primary_key": [ONE, ONE], "value": [1, 2]}
    for orders in (pd.Series([1, 2], index=[ONE, ONE]), pd.DataFrame(twice)):
        plan = client.plan_writes(orders)
        assert plan.frame["verdict"].tolist() == ["ok", "refused"]
        with pytest.raises(WriteRefusedError, match="one plan writes it once"):
            plan.apply()
    assert len(plant.writes) == 0


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"primary_key": [ONE, TWO], "value": [1, 2]}, index=[7, 7]),
        pd.DataFrame(
            {"primary_key": [ONE, TWO], "value": [1, 2]},
            index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]),
        ),
        pd.DataFrame(
            {"primary_key": pd.Categorical([ONE, TWO]), "value": pd.Categorical([1, 2])},
        ),
        pd.DataFrame(
            {
                "primary_key": pd.array([ONE, TWO], dtype="string"),
                "value": pd.array([1, 2], dtype="Int64"),
                "comment": ["=evil()", None],
                "old_value": [9, 9],
                "attribute_id": pd.array([11, None], dtype="Int64"),
            }
        ),
        pd.Series([1, 2], index=pd.MultiIndex.from_tuples([(ONE, "value"), (TWO, "value")])),
        {(ONE, "value"): 1, (TWO, 11): 2},
        pd.DataFrame({"primary_key": [ONE, TWO], "value": ["1", " 2.0 "]}),
    ],
    ids=range(7),
)
def test_rows_of_every_kind(client, rows):
    frame = client.plan_writes(rows).frame
    assert frame["primary_key"].tolist() == [ONE, TWO]
    assert frame["value"].tolist() == [1.0, 2.0]
    assert frame["verdict"].tolist() == ["ok", "ok"]
    assert frame.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    "values",
    [
        [None, None],
        [float("nan"), pd.NA],
        pd.array([None, None], dtype="Int64"),
        pd.array([None, None], dtype="Float64"),
        pd.array([None, None], dtype="boolean"),
        pd.array([None, None], dtype="string"),
        pd.Categorical([None, None]),
        pd.to_datetime([None, None]),
        [[1], {"a": 1}],
        [pd.Series([1]), b"1"],
    ],
    ids=range(10),
)
def test_what_is_missing_or_no_value_is_refused(plant, client, values):
    plan = client.plan_writes(pd.DataFrame({"primary_key": [ONE, TWO], "value": values}))
    assert plan.frame["verdict"].tolist() == ["refused", "refused"]
    assert plan.frame["value"].tolist() == [None, None]
    with pytest.raises(WriteRefusedError, match="2 of 2 rows are refused"):
        plan.apply()
    assert len(plant.writes) == 0


def test_a_plan_shows_itself(plant, client):
    client.write(ONE, 100)
    plan = client.plan_writes({ONE: 150, (TWO, "value"): "fast", "Plant.Line 1.Capper.Lamp": True})
    frame = plan.frame
    assert dtypes(frame) == PLAN_COLUMNS
    assert frame["verdict"].cat.categories.tolist() == ["ok", "warning", "refused"]
    assert frame["verdict"].tolist() == ["ok", "refused", "warning"]
    assert frame["old_value"].tolist()[0] == 100.0
    assert frame["change"].tolist() == [50.0, None, None]
    assert frame["old_quality"].fillna("-").tolist() == ["good", "good", "-"]
    assert frame["reason"].isna().tolist() == [True, False, False]
    assert not plan.ok
    assert len(plan) == 3
    assert plan.who == "engineer"
    assert plan.report is None
    text = repr(plan)
    assert "Plan of 3 writes as engineer: 1 ok 1 warning 1 refused Nothing was sent yet." in text
    assert "150.0" in text
    html = plan._repr_html_()
    assert "1 refused" in html
    assert "var(--jp-error-color1" in html


def test_an_empty_plan(client):
    for orders in ({}, [], pd.DataFrame({"primary_key": [], "value": []}), pd.Series(dtype=object)):
        plan = client.plan_writes(orders)
        assert dtypes(plan.frame) == PLAN_COLUMNS
        assert plan.ok
        report = plan.apply()
        assert len(report) == 0
        assert report.ok
        assert len(report.frame) == 0
        assert "Plan of 0 writes" in repr(plan)
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
    assert plan.orders[4].new == TimePoint.NEVER


# One apply.


def test_a_plan_is_good_for_one_apply(plant, client):
    plan = client.plan_writes({ONE: 1})
    report = plan.apply()
    assert report.ok
    assert plan.applied
    assert plan.report is report
    assert "Applied." in repr(plan)
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


def test_many_refused_rows_are_told_in_short(client):
    plan = client.plan_writes(dict.fromkeys([f"No {number}" for number in range(20)], 1))
    with pytest.raises(WriteRefusedError, match=r"20 of 20 rows .* and 15 more"):
        plan.apply()


def test_a_server_that_is_gone(journal):
    with xentara_nb.simulate() as own:
        trust = {"ca_file": None, "fingerprint": own.fingerprint}
        with own.connect(timeout=1, **trust) as client:
            plan = client.plan_writes({ONE: 5})
            own.stop()
            with pytest.raises(ServerUnreachableError, match="nobody answers"):
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
        ({"on_error": "ignore"}, WriteRefusedError, "on_error is 'stop' or 'continue'"),
        ({"batch_size": 0}, WriteRefusedError, "batch_size"),
        ({"batch_size": True}, WriteRefusedError, "batch_size"),
        ({"batch_size": 1.5}, WriteRefusedError, "batch_size"),
        ({"verify": "yes"}, WriteRefusedError, "verify is True, False, or a function"),
        ({"verify": 1}, WriteRefusedError, "verify is True, False, or a function"),
        ({"tolerance": -1}, WriteRefusedError, "tolerance must be a number from 0 to inf"),
        ({"tolerance": float("nan")}, WriteRefusedError, "tolerance"),
        ({"tolerance": True}, WriteRefusedError, "tolerance"),
        ({"verify_within": "5"}, WriteRefusedError, "verify_within"),
        ({"verify_within": float("inf")}, WriteRefusedError, "verify_within"),
        ({"timeout": 0}, AddressError, "time-out"),
        ({"timeout": "5"}, AddressError, "time-out"),
    ],
)
def test_options_that_make_no_sense(plant, client, options, error, match):
    plan = client.plan_writes({ONE: 1})
    with pytest.raises(error, match=match):
        plan.apply(**options)
    assert not plan.applied
    assert len(plant.writes) == 0


def test_guards_of_the_whole_plan_are_in_its_title(plant, journal):
    policy = WritePolicy(most_rows=1, limits=[KeyLimits("*", maximum=5)])
    with plant.connect(policy=policy) as client:
        plan = client.plan_writes({ONE: 1, TWO: 2})
        assert "(the plan has 2 rows, and the write policy allows 1)" in repr(plan)
        assert [verdict.level for verdict in plan.verdicts] == [Level.REFUSED]
