"""What plans are made of: every form in which a user says what to write, and what is none."""

from __future__ import annotations

import pandas as pd
import pytest

from xentara_nb.errors import NotFoundError, WriteRefusedError
from xentara_nb.writes.requests import write_requests

ONE, TWO = (f"Plant.Line {line}.Set point" for line in (1, 2))


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
    assert len(write_requests({"value": 1, "other": 2})) == 2


@pytest.mark.parametrize(
    ("requests", "match"),
    [
        (None, "a NoneType does not say what to write"),
        (5, "an int does not say"),
        (ONE, "a str does not say"),
        (b"x", "a bytes does not say"),
        (pd.DataFrame({"primary_key": [ONE]}), "needs one column value"),
        (pd.DataFrame([[1, 2]], columns=["value", "value"]), "two columns 'value'"),
        (
            pd.DataFrame({"primary_key": [ONE], "attribute": ["units"], "value": [1]}),
            "call it attribute_name",
        ),
        (
            [{"primary_key": ONE, "attribute": "units", "value": 1}],
            "call it attribute_name",
        ),
        (
            pd.DataFrame({"primary_key": [ONE], "atribute_name": ["units"], "value": [1]}),
            "the column atribute_name is not known: call it attribute_name",
        ),
        (
            [{"primary_key": ONE, "Attribute ID": 12, "value": 1}],
            "the column Attribute ID is not known: call it attribute_id",
        ),
        (
            pd.DataFrame({"primary_key": [ONE], "vlaue": [1]}),
            r"rows.assign\(value=42\); did you mean 'vlaue'\?",
        ),
        ([ONE], "a str does not say what to write: give rows"),
        ([{"primary_key": ONE}], "a dict does not say"),
        ([(ONE, 1)], "a tuple does not say"),
    ],
)
def test_what_is_no_plan(client, requests, match):
    with pytest.raises(WriteRefusedError, match=match):
        client.plan_writes(requests)


def test_rows_that_name_nothing(client):
    for requests in ({5: 1}, pd.DataFrame({"value": [1]}), {(ONE, -1): 1}, {"": 1}):
        with pytest.raises(NotFoundError):
            client.plan_writes(requests)


def test_which_row_names_nothing(client):
    rows = pd.DataFrame({"primary_key": [ONE, None, TWO], "value": 1}, index=[5, 5, 6])
    for requests in (rows, rows.to_dict("records"), rows.itertuples()):
        with pytest.raises(NotFoundError, match=r"^row 1: a row names no element"):
            client.plan_writes(requests)
    rows["primary_key"] = pd.array([ONE, TWO, pd.NA], dtype="string")
    with pytest.raises(NotFoundError, match=r"^row 2: a row names no element"):
        client.plan_writes(rows)


def test_a_frame_that_names_nothing(client):
    with pytest.raises(NotFoundError, match=r"^the DataFrame does not name elements"):
        client.plan_writes(pd.DataFrame({"value": [1]}))
    with pytest.raises(NotFoundError, match=r"or primary_key; did you mean 'primarykey'\?"):
        client.plan_writes(pd.DataFrame({"primarykey": [ONE], "value": [1]}))


def test_a_key_twice_is_never_passed_over(plant, client):
    twice = {"primary_key": [ONE, ONE], "value": [1, 2]}
    for requests in (pd.Series([1, 2], index=[ONE, ONE]), pd.DataFrame(twice)):
        plan = client.plan_writes(requests)
        assert plan.frame["severity"].tolist() == ["ok", "refused"]
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
    assert frame["severity"].tolist() == ["ok", "ok"]
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
    assert plan.frame["severity"].tolist() == ["refused", "refused"]
    assert plan.frame["value"].tolist() == [None, None]
    with pytest.raises(WriteRefusedError, match="2 of 2 rows are refused"):
        plan.apply()
    assert len(plant.writes) == 0
