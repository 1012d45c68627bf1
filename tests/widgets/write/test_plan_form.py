"""A plan that is edited as a table."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.widgets.helpers import SET_POINT, log_in, make_login, sent_by_page, visible
from xentara_nb.client import Client
from xentara_nb.errors import MissingExtraError
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import PlanForm
from xentara_nb.widgets.write import plan_form

BATCH = "Plant.Line 1.Batch"
RECIPE = "Plant.Line 1.Recipe"


@pytest.fixture
def form(client: Client) -> Iterator[PlanForm]:
    made = PlanForm(client, {SET_POINT: 195, BATCH: 7, RECIPE: "Tea"})
    assert made.wait()
    yield made
    made.close()


def typed(form: PlanForm, row: Any, text: Any) -> None:
    sent_by_page(form.table, {"do": "edit", "row": row, "text": text})


def column(form: PlanForm, name: str) -> list[str]:
    return [row[name] for row in form.table.rows]


def review(form: PlanForm) -> None:
    form.review.click()
    assert form.wait()


def confirm(form: PlanForm) -> None:
    button = form.confirm_button
    assert button is not None
    for _ in range(3):
        button.click()
    assert form.wait()


def test_values_are_edited_reviewed_and_written_once(form: PlanForm, plant: Simulator) -> None:
    assert column(form, "key") == [SET_POINT, BATCH, RECIPE]
    assert column(form, "text") == ["195", "7", "Tea"]
    assert column(form, "unit")[0] == "bottles/min"
    assert "All checks passed" in form.checks.value
    assert "(no policy: no limits were checked)" in form.checks.value
    assert form.confirm_button is None
    typed(form, 0, "196.5")
    typed(form, 2, "")  # left out
    assert column(form, "severity") == ["", "ok", ""]
    assert repr(form) == "<PlanForm: 2 values to write>"
    review(form)
    assert form.confirm_button is not None
    assert form.confirm_button.description == (
        f"Write these 2 values to {form.client.address.netloc}"
    )
    assert plant.writes.empty
    confirm(form)
    assert plant.writes["value"].tolist() == [196.5, 7]
    assert form.report is not None
    assert form.report.ok
    for shown in (form.outcome.value, form.content_html()):
        assert "VERIFIED" in shown
        assert "bottles/min" in shown
    # What was read back is the value that is there now; the row left out has the one it had.
    assert column(form, "present")[:2] == ["196.5", "7"]
    assert column(form, "present")[2] not in ("", "not known", "Tea")
    # A single value is named by the button.
    typed(form, 1, " ")
    review(form)
    assert form.confirm_button.description == f"Write 196.5 to {SET_POINT}"


def test_a_plan_says_how_many_writes_were_sent(
    form: PlanForm, plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_form, "INTERVAL", 0)
    said: list[str] = []
    form.notice.observe(lambda change: said.append(change["new"]), "value")
    review(form)
    confirm(form)
    text = f"Write these 3 values to {form.client.address.netloc}"
    assert [f"{text}: {count} sent …" in " ".join(said) for count in (0, 1, 2, 3)] == [
        *(False, True, True, True)
    ]
    assert form.notice.value == ""
    # A form that is closed meanwhile sends what was confirmed.
    typed(form, 0, "197")
    typed(form, 1, "8")
    review(form)
    form.notice.observe(lambda change: form.close() if "1 sent" in change["new"] else None, "value")
    button = form.confirm_button
    assert button is not None
    button.click()
    assert form.wait()
    assert form.closed
    assert plant.writes["value"].tolist()[3:] == [197, 8, "Tea"]


@pytest.mark.parametrize("fault", ["lost", "refused"])
def test_after_an_outcome_the_table_has_the_present_value(plant: Simulator, fault: str) -> None:
    with plant.connect(timeout=0.5) as client, closing(PlanForm(client, {SET_POINT: 191})) as form:
        assert form.wait()
        before = column(form, "present")
        review(form)
        if fault == "lost":
            plant.faults.lose("write")
        else:
            plant.faults.refuse_writes(keys=SET_POINT)
        confirm(form)
        assert form.report is not None
        outcome, present = form.report[0].outcome, column(form, "present")
        expected = ("UNKNOWN", ["not known"]) if fault == "lost" else ("REJECTED", before)
        assert (outcome, present) == expected


def test_a_value_that_is_there_already_is_no_change(client: Client) -> None:
    present = client.read(SET_POINT, "value")["value"].item()
    batch = client.read(BATCH, "value")["value"].item()
    form = PlanForm(client, {SET_POINT: present, BATCH: batch + 1})
    assert form.wait()
    assert [text == "no change" for text in column(form, "change")] == [True, False]
    form.close()


def test_what_is_typed_withdraws_the_plan(form: PlanForm, plant: Simulator) -> None:
    review(form)
    button = form.confirm_button
    assert button is not None
    typed(form, 0, "197")
    assert not visible(form.confirmation.card)
    assert "withdrawn" in form.notice.value
    button.click()
    review(form)
    form.confirmation.cancel.click()
    assert not visible(form.confirmation.card)
    for row, text in ((7, "1"), (-1, "1"), ("0", "1"), (0, 5)):
        typed(form, row, text)  # no page of ours says that
    assert column(form, "text")[0] == "197"
    assert form.wait()
    assert plant.writes.empty


def test_a_page_that_begins_gets_the_rows(form: PlanForm, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(form.table, "send_state", sent.append)
    sent_by_page(form.table, {"do": "ask"})
    assert sent == ["rows"]


def test_warnings_are_counted(form: PlanForm, plant: Simulator) -> None:
    plant.faults.read_error(BATCH)
    review(form)
    assert column(form, "severity") == ["ok", "warning", "ok"]
    assert "1 warning" in form.checks.value
    assert "(no policy: no limits were checked)" in form.checks.value
    assert "passed" not in form.checks.value
    assert form.confirm_button is not None


def test_what_the_guards_refuse_is_told_beside_it(form: PlanForm, plant: Simulator) -> None:
    typed(form, 0, "many")
    review(form)
    assert column(form, "severity") == ["refused", "ok", "ok"]
    assert "many" in column(form, "reason")[0]
    assert f"1 of 3 values cannot be written: the reasons are in the table, at {SET_POINT}." in (
        form.notice.value
    )
    assert form.confirm_button is None
    assert not visible(form.confirmation.card)
    for row in range(3):
        typed(form, row, "")
    review(form)
    assert "type a new value first" in form.notice.value
    assert plant.writes.empty


def test_what_refuses_all_of_it_is_above(form: PlanForm, client: Client) -> None:
    client.read_only = True
    review(form)
    assert "this client is read only" in form.checks.value
    assert "the reason is above" in form.notice.value


def test_it_begins_with_a_plan_as_well_and_waits_for_a_log_in(
    client: Client, plant: Simulator
) -> None:
    login = make_login(plant, user="engineer")
    form = PlanForm(login, client.plan_writes({SET_POINT: 198}))
    assert form.confirm_button is None
    log_in(login, "engineer-demo")
    assert form.wait()
    review(form)
    assert form.confirm_button is not None
    login.log_out()
    assert form.wait()
    assert form.confirm_button is None
    assert plant.writes.empty
    form.close()
    login.close()


@pytest.mark.parametrize("case", ["too many", "elsewhere"])
def test_what_it_does_not_take(client: Client, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    writes: Any = {SET_POINT: 195, BATCH: 7}
    if case == "too many":
        monkeypatch.setattr(plan_form, "ROWS", 1)
    else:
        writes = client.plan_writes({SET_POINT: 195}, verify_on={SET_POINT: BATCH})
    form = PlanForm(client, writes)
    assert form.wait()
    assert "alert" in form.notice.value
    assert form.table.rows == []
    review(form)
    assert form.confirm_button is None
    form.close()


def test_without_anywidget(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xentara_nb.widgets.write.plan_table", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'xentara_nb\[lab\]'"):
        PlanForm(client, {SET_POINT: 195})
