"""The write form, without a browser, against the simulator's log of writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.widgets.helpers import SET_POINT, entered, eventually, present_value, typed, visible
from xentara_nb import read_journal
from xentara_nb.client import Client
from xentara_nb.errors import NotFoundError
from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.protocol.identifiers import Attribute
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import LoginForm, WriteForm
from xentara_nb.widgets.common import confirm
from xentara_nb.writes.policy import KeyLimits, WritePolicy


@pytest.fixture
def form(client: Client) -> Iterator[WriteForm]:
    made = WriteForm(client, SET_POINT)
    yield made
    made.close()


def review(form: WriteForm, value: object) -> None:
    form.value_input.set(value)
    form.review.click()
    assert form.wait()


def written(plant: Simulator) -> list[object]:
    return list(plant.writes["value"])


def test_a_write_from_the_first_key_to_the_undo(
    form: WriteForm, client: Client, plant: Simulator
) -> None:
    old = present_value(client)
    new = old - 15
    eventually(lambda: str(old) in form.live.text.value)
    for word in ("Quality", "good", "Updated", "Changed"):
        assert word in form.live.text.value
    typed(form.value_input.input, f"{new:g}")
    form.wait()
    assert "All checks passed" in form.checks.value
    entered(form.value_input.input)
    form.wait()
    for word in (SET_POINT, str(old), str(new), "Float64", "-15.0", "engineer"):
        assert word in form.confirmation.text.value
    assert form.staged == f"Write {new} to {SET_POINT}"
    assert written(plant) == []
    form.confirm_button.click()
    form.wait()
    assert written(plant) == [new]
    assert "VERIFIED" in form.outcome.text.value
    assert form.results[-1].ok
    assert not visible(form.confirmation.card)
    form.outcome.undo.click()
    form.wait()
    assert form.staged == f"Write {old} back to {SET_POINT}"
    form.confirm_button.click()
    form.wait()
    assert written(plant) == [new, old]
    assert read_journal(form.client.journal)["value"][::-1].tolist() == [old, new]
    assert "VERIFIED" in form.history.text.value
    # What is HTML stands there as HTML.
    for shown in (form.confirmation.text, form.outcome.text, form.history.text, form.live.text):
        assert "&lt;" not in shown.value


def test_a_review_leaves_no_second_checks_beside_it(form: WriteForm) -> None:
    typed(form.value_input.input, "195")
    form.review.click()  # while the guards wait for the keys to come to rest
    form.wait()
    assert form.staged
    assert "All checks passed" in form.confirmation.text.value
    assert "(no policy: no limits were checked)" in form.confirmation.text.value
    assert form.checks.value == ""


def test_values_have_their_unit(form: WriteForm, client: Client) -> None:
    review(form, str(present_value(client) - 14))
    assert form.confirmation.text.value.count("bottles/min") == 3  # old, new and change
    form.confirm_button.click()
    assert form.wait()
    assert form.outcome.text.value.count("bottles/min") == 3  # old, new and read back
    form.choose("Plant.Line 1.Batch")
    review(form, "7")
    assert "7</span></span>" in form.confirmation.text.value


def test_a_review_says_where_there_is_no_change(form: WriteForm, client: Client) -> None:
    for text, said in ((str(present_value(client)), True), ("195", False)):
        review(form, text)
        assert ("no change" in form.confirmation.text.value) is said


def test_a_change_withdraws_the_write(form: WriteForm, plant: Simulator) -> None:
    def staged() -> Any:
        review(form, "195")
        return form.confirm_button

    buttons = [staged()]
    typed(form.value_input.input, "196")
    assert "withdrawn" in form.notice.value
    form.wait()
    buttons.append(staged())
    form.confirmation.cancel.click()
    assert "Nothing was written" in form.notice.value
    buttons.append(staged())
    form.choose("Plant.Line 2.Set point")
    buttons.append(staged())
    form.close()
    for button in buttons:
        button.click()
    form.wait()
    assert written(plant) == []


def test_a_review_that_is_under_way_does_not_outlive_what_is_typed(
    form: WriteForm, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = threading.Event(), threading.Event()
    plan_writes = client.plan_writes

    def slow(*args: Any, **kwargs: Any) -> Any:
        plan = plan_writes(*args, **kwargs)
        began.set()
        assert go_on.wait(10)
        return plan

    form.value_input.set("195")
    form.wait()
    monkeypatch.setattr(client, "plan_writes", slow)
    form.review.click()
    assert began.wait(10)
    typed(form.value_input.input, "196")
    go_on.set()
    form.wait()
    # The click was on a review of what stands in the input, and that is what is reviewed.
    assert form.staged == f"Write 196.0 to {SET_POINT}"
    assert "196.0" in form.confirmation.text.value


def test_a_value_that_arrives_behind_the_click_on_review_is_reviewed(
    form: WriteForm, plant: Simulator
) -> None:
    form.review.click()  # the page sends it before what was typed
    form.wait()
    assert "type the new value first" in form.notice.value
    typed(form.value_input.input, "195")
    form.wait()
    assert form.staged == f"Write 195.0 to {SET_POINT}"
    # Once there is a button, another value only takes it away.
    typed(form.value_input.input, "196")
    form.wait()
    assert form.staged == ""
    assert "withdrawn" in form.notice.value
    assert written(plant) == []


def test_what_is_typed_after_a_review_is_not_reviewed_by_itself(
    form: WriteForm, plant: Simulator
) -> None:
    """A button that the next click on Review replaces would swallow a click of its own."""
    typed(form.value_input.input, "195")
    form.review.click()
    form.wait()
    form.confirm_button.click()
    form.wait()
    typed(form.value_input.input, "196")
    form.wait()
    assert form.staged == ""
    # One value belongs to a click, and not each that is typed after it.
    typed(form.value_input.input, "")
    form.review.click()
    form.wait()
    for text in ("high", "19", "197"):
        typed(form.value_input.input, text)
        form.wait()
        assert form.staged == ""
    assert written(plant) == [195.0]


def test_no_part_of_a_form_is_closed_while_the_form_is_there(
    form: WriteForm, plant: Simulator
) -> None:
    """A page that is loaded again would wait for it, and show nothing of the form."""

    def closed(box: Any) -> list[Any]:
        below = [each for child in getattr(box, "children", ()) for each in closed(child)]
        return below + [box] * (box.comm is None)

    assert closed(form) == []
    for value in ("195", "196"):
        review(form, value)
        assert form.confirmation.row.children == (form.confirm_button,)
        assert closed(form) == []
        form.confirm_button.click()
        assert closed(form) == []  # also while the write is under way
        assert form.wait()
        assert closed(form) == []
    review(form, "197")
    form.confirmation.cancel.click()
    assert closed(form) == []
    assert len(written(plant)) == 2


def test_a_value_that_moved_since_the_review_refuses(
    form: WriteForm, plant: Simulator, client: Client
) -> None:
    review(form, "195")
    client.write(SET_POINT, 200)
    form.confirm_button.click()
    form.wait()
    assert "no longer what the plan shows" in form.notice.value
    assert written(plant) == [200.0]


@pytest.mark.parametrize(
    ("element", "value", "reason"),
    [
        ("Data Types.UnsignedInteger8", "256", "is not in 0 to 255"),
        ("Data Types.SignedInteger32", "4.2", "is no whole number"),
        ("Data Types.SignedInteger64", "9223372036854775808", "is not in"),
        ("Data Types.Float32", "1e39", "is too large"),
        ("Data Types.Float64", "much", "is no number"),
        ("Data Types.TimePoint", "yesterday", "attribute is a TimePoint"),
        ("Data Types.Uuid", "x", "is no UUID"),
        (SET_POINT, "500", "is above 400"),
        (SET_POINT, "300", "is a larger step than 25"),
        ("Plant.Line 1.Maximum speed", "10", "forbids to write"),
    ],
)
def test_every_guard_refuses_in_words(
    plant: Simulator, element: str, value: str, reason: str
) -> None:
    policy = WritePolicy(
        forbidden=["*.Maximum speed"],
        limits=[KeyLimits(["*.Set point"], minimum=0, maximum=400, max_step=25)],
    )
    with plant.connect(policy=policy) as client:
        form = WriteForm(client, element)
        typed(form.value_input.input, value)
        form.wait()
        assert reason in form.checks.value
        assert "no policy" not in form.checks.value
        form.review.click()
        form.wait()
        assert reason in form.checks.value
        assert "cannot be written: the reason is below the new value" in form.notice.value
        assert not visible(form.confirmation.card)
        assert form.staged == ""
        assert written(plant) == []
        form.close()


def test_a_read_only_client_stages_nothing(plant: Simulator) -> None:
    with plant.connect(read_only=True) as client:
        form = WriteForm(client, SET_POINT)
        assert "read only" in form.head.value
        review(form, "195")
        assert "read only" in form.checks.value
        assert not visible(form.confirmation.card)
        assert form.staged == ""
        form.close()


def test_bad_quality_is_a_warning(form: WriteForm, plant: Simulator) -> None:
    plant.faults.bad_quality(SET_POINT)
    review(form, "195")
    assert "the quality of the present value is bad" in form.confirmation.text.value
    assert form.staged


def test_a_refusal_of_the_server_is_shown(plant: Simulator) -> None:
    with plant.connect(user="viewer") as client:
        form = WriteForm(client, SET_POINT)
        review(form, "195")
        form.confirm_button.click()
        form.wait()
        assert "REJECTED" in form.outcome.text.value
        assert "access denied" in form.outcome.text.value.lower()
        assert not visible(form.outcome.undo)
        form.close()


def test_a_lost_answer_is_unknown_until_it_is_read(form: WriteForm, plant: Simulator) -> None:
    review(form, "195")
    plant.faults.lose("write")
    form.confirm_button.click()
    form.wait()
    assert "UNKNOWN" in form.outcome.text.value
    assert visible(form.outcome.resolve)
    form.outcome.resolve.click()
    form.wait()
    assert "VERIFIED" in form.outcome.text.value
    assert written(plant) == [195.0]


def test_the_sub_session_counts_and_is_part_of_the_write(plant: Simulator) -> None:
    login = LoginForm(plant.url, user="engineer", fingerprint=plant.fingerprint)
    login.log_in(user="engineer", password="engineer-demo")
    form = WriteForm(login, SET_POINT)
    review(form, "195")
    typed(login.sub.password, "operator-demo")
    login.sub.user.value = "operator"
    login.sub.button.click()
    login.wait()
    # The write was reviewed as another user.
    assert form.staged == ""
    assert "who is logged in has changed" in form.notice.value
    assert "engineer, and operator" in form.head.value
    review(form, "195")
    assert "engineer, and operator" in form.confirmation.text.value
    form.confirm_button.click()
    form.wait()
    assert plant.writes["session_user"].tolist() == ["operator"]
    assert "session=" in form.as_code()


def test_copied_code_does_the_same(form: WriteForm, plant: Simulator, client: Client) -> None:
    form.copy.click()
    form.wait()
    assert "type the new value first" in form.notice.value
    form.value_input.set("195")
    form.copy.click()
    form.wait()
    uuid = client.lookup(SET_POINT)
    assert form.code.code == (
        f"from uuid import UUID\n\n# {SET_POINT}, value\n"
        f'result = client.write(UUID("{uuid}"), 195.0)\nresult'
    )
    exec(form.code.code, {"client": client})
    assert written(plant) == [195.0]


def test_an_element_is_found_by_typing(client: Client) -> None:
    form = WriteForm(client)
    assert not visible(form.inside)
    typed(form.search.text, "LINE 2 set")
    form.wait()
    assert form.search.results.options == ("Plant.Line 2.Set point",)
    entered(form.search.text)
    form.wait()
    assert "Plant.Line 2.Set point" in form.name.value
    typed(form.search.text, "no such thing")
    form.wait()
    assert "No element matches" in form.search.status.value
    form.close()


def test_what_cannot_be_written_is_said(client: Client) -> None:
    form = WriteForm(client)
    with pytest.raises(NotFoundError, match="no attribute that can be written"):
        form.choose("Plant")
    with pytest.raises(UnknownElementError):
        form.choose("Nowhere")
    with pytest.raises(NotFoundError, match="no attribute 'quality' that can be written"):
        form.choose(SET_POINT, "quality")
    assert not visible(form.inside)
    form.review.click()
    form.wait()
    assert "find an element first" in form.notice.value
    form.close()


def test_a_row_names_its_attribute_and_an_argument_wins(client: Client) -> None:
    rows = client.meta_data(SET_POINT).set_index("attribute_name", drop=False)
    form = WriteForm(client, rows.loc["value"])
    assert form.attribute.value == Attribute.VALUE
    with pytest.raises(NotFoundError, match="that can be written"):
        form.choose(rows.loc["quality"])
    form.choose(rows.loc["quality"], "value")
    assert form.attribute.value == Attribute.VALUE
    form.close()


def test_a_write_only_point_has_no_way_back(client: Client, plant: Simulator) -> None:
    form = WriteForm(client, "Plant.Line 1.Capper.Lamp")
    assert "not read" in form.live.text.value
    review(form, True)
    assert form.staged == "Write True to Plant.Line 1.Capper.Lamp"
    form.confirm_button.click()
    form.wait()
    assert "NOT_READABLE" in form.outcome.text.value
    form.outcome.undo.click()
    form.wait()
    assert form.staged == ""
    assert "no way back" in form.confirmation.text.value
    assert not visible(form.confirmation.cancel)
    form.close()


def test_a_write_is_confirmed_once_from_any_thread(form: WriteForm, plant: Simulator) -> None:
    review(form, "195")
    button = form.confirm_button
    clicks = [threading.Thread(target=button.click) for _ in range(20)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    button.click()
    form.wait()
    assert written(plant) == [195.0]


def test_a_write_that_waited_too_long_is_reviewed_again(
    form: WriteForm, plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirm, "EXPIRES", -1.0)
    review(form, "195")
    form.confirm_button.click()
    form.wait()
    assert "has expired" in form.notice.value
    assert written(plant) == []
