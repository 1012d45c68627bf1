"""Forms that wait for a log-in, and end and come back with it."""

from __future__ import annotations

import pytest

from tests.support.clients import connection_of
from tests.widgets.helpers import SET_POINT, eventually, log_in, make_login, visible
from xentara_nb.client import Client
from xentara_nb.errors import LoginError
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import ClientCard, Explorer, WriteForm
from xentara_nb.widgets.common import connection


def test_one_log_in_serves_all_forms_that_wait_for_it(plant: Simulator) -> None:
    login = make_login(plant)
    explorer, write = Explorer(login), WriteForm(login, SET_POINT)
    for form in (explorer, write):
        assert "Waiting for a log-in" in form.children[-1].children[1].value
        with pytest.raises(LoginError):
            form.client  # noqa: B018 - it is the property that raises
    assert "no one is logged in" in repr(explorer)
    with pytest.raises(LoginError):
        explorer.select(SET_POINT)
    with pytest.raises(LoginError):
        write.choose(SET_POINT)
    assert not write.withdraw()
    log_in(login)
    assert explorer.wait()
    assert write.wait()
    assert explorer.client is write.client is login.client
    assert "operational" in explorer.head.value
    assert write.target is not None
    assert write.target.key == SET_POINT
    assert "operator" in write.head.value
    explorer.close()
    write.close()


def test_forms_end_with_a_log_out_and_go_on_with_the_next_log_in(plant: Simulator) -> None:
    login = make_login(plant)
    log_in(login)
    explorer, write = Explorer(login), WriteForm(login)
    explorer.select(SET_POINT)
    explorer.write.click()
    inner = explorer.write_form
    assert inner is not None
    write.choose("Plant.Line 2.Set point")
    first = login.client
    login.log_out()
    for form in (explorer, write, inner):
        eventually(lambda form=form: "No one is logged in any more" in form.connection.text.value)
    eventually(lambda: explorer.write.disabled and explorer.export.disabled)
    eventually(lambda: write.review.disabled and inner.review.disabled)
    log_in(login)
    for form in (explorer, write, inner):
        assert form.wait()
        assert form.client is not first
        assert form.connection.available
        assert not visible(form.connection.box)
    assert "operational" in explorer.head.value
    assert explorer.selected == SET_POINT
    assert not explorer.write.disabled
    assert explorer.write_form is inner
    assert not inner.closed
    assert write.target.key == "Plant.Line 2.Set point"
    assert not write.review.disabled
    explorer.close()
    write.close()


def test_a_form_without_a_client_hears_of_others_and_goes_on_waiting(plant: Simulator) -> None:
    login = make_login(plant)
    explorer = Explorer(login)
    login.log_out()
    assert explorer.wait()
    assert explorer.notice.value == ""
    explorer.close()


def test_the_log_in_form_and_the_card_show_the_end(
    plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BACK_OFF", (600.0,))
    login = make_login(plant)
    log_in(login)
    client: Client = login.client
    card = ClientCard(client)
    assert card.wait()
    connection_of(client).close()
    eventually(lambda: "not connected" in login.state.value)
    eventually(lambda: "not connected" in card.about.value)
    eventually(lambda: card.button.disabled)
    assert visible(login.connection.box)
    assert login.sub.button.disabled
    login.connection.button.click()
    eventually(lambda: "not connected" not in login.state.value)
    eventually(lambda: "operational" in card.about.value)
    assert not card.button.disabled
    client.close()
    eventually(lambda: visible(login.fields))
    assert not visible(login.inside)
    card.close()


def test_a_review_is_withdrawn_with_its_connection(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BACK_OFF", (600.0,))
    form = WriteForm(client, SET_POINT)
    form.value_input.set("195")
    form.review.click()
    assert form.wait()
    button = form.confirm_button
    assert button is not None
    connection_of(client).close()
    eventually(lambda: form.review.disabled)
    assert "withdrawn: the connection has ended" in form.notice.value
    assert form.staged == ""
    assert form.value_input.input.disabled
    button.click()
    assert form.wait()
    assert form.results == []
    form.connection.button.click()
    eventually(lambda: not form.review.disabled)
    form.close()
