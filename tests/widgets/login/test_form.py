"""The log-in form, without a browser."""

from __future__ import annotations

import logging
import sys
import types
from contextlib import closing
from typing import Any

import pytest

from tests.widgets.helpers import (
    SECRET,
    entered,
    eventually,
    log_in,
    make_login,
    state_of_all_widgets,
    typed,
    visible,
)
from xentara_nb.errors import LoginError, OptionError
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import LoginForm


def test_logs_in_and_offers_the_client(plant: Simulator) -> None:
    form = make_login(plant)
    assert visible(form.fields)
    assert not visible(form.inside)
    log_in(form)
    assert form.client.user == "operator"
    assert form.client.get_stage() == 2
    assert "operator" in form.state.value
    assert "since" in form.state.value
    assert not visible(form.fields)
    assert visible(form.inside)
    form.out.click()
    form.wait()
    assert visible(form.fields)
    with pytest.raises(LoginError, match="then run this cell again"):
        form.client  # noqa: B018 - it is the property that raises


def test_a_cell_that_is_run_again_does_not_ask_again(plant: Simulator) -> None:
    first = make_login(plant)
    log_in(first)
    client = first.client
    again = make_login(plant)
    assert again.client is client
    assert visible(again.inside)
    # Another user is not logged in by that.
    with pytest.raises(LoginError):
        make_login(plant, user="viewer").client  # noqa: B018 - as above
    client.close()
    with pytest.raises(LoginError):
        make_login(plant).client  # noqa: B018 - as above


def test_a_wrong_password_is_shown_in_words_and_can_be_corrected(plant: Simulator) -> None:
    form = make_login(plant)
    log_in(form, "wrong-password")
    assert "does not accept operator" in form.notice.value
    assert 'role="alert"' in form.notice.value
    assert "wrong-password" not in state_of_all_widgets()
    log_in(form)
    assert form.client.user == "operator"


def test_no_secret_is_in_any_widget(
    plant: Simulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    form = make_login(plant)
    sent: list[Any] = []
    monkeypatch.setattr(form.password.comm, "send", lambda **message: sent.append(message))
    typed(form.password, SECRET)
    assert form.password.value == ""
    assert form.password.placeholder == "••••••••"
    form.button.click()
    assert SECRET not in state_of_all_widgets()
    form.wait()
    assert sent
    assert SECRET not in state_of_all_widgets() + repr(sent) + repr(form) + repr(form.password)
    assert SECRET not in repr(form.children) + caplog.text
    assert not form.password.take()
    assert form.password.placeholder == ""


def test_enter_in_the_password_logs_in_also_when_its_message_comes_first(plant: Simulator) -> None:
    form = make_login(plant)
    entered(form.password)  # the page tells of the key first
    assert form.notice.value == ""
    typed(form.password, SECRET)
    form.wait()
    assert form.client.user == "operator"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "type the address"),
        ("http://plant", "is no address of a Xentara server"),
        ("127.0.0.1:1", "127.0.0.1:1"),
    ],
)
def test_what_is_wrong_with_an_address_is_shown(address: str, message: str) -> None:
    form = LoginForm(address, user="operator", timeout=5)
    log_in(form)
    assert message in form.notice.value
    assert "Unexpected error" not in form.notice.value


def test_a_missing_user_or_password_is_shown(plant: Simulator) -> None:
    form = make_login(plant, user="")
    form.button.click()
    assert "type the name of the user" in form.notice.value
    form.user.value = "operator"
    form.button.click()
    assert "type the password of operator" in form.notice.value
    form.method.value = "token"
    form.button.click()
    assert "type the token" in form.notice.value


def test_a_password_in_the_address_does_not_stay_there(plant: Simulator) -> None:
    netloc = plant.url.removeprefix("wss://").removesuffix("/api/ws")
    form = LoginForm(f"operator:{SECRET}@{netloc}", fingerprint=plant.fingerprint)
    assert form.address.value == netloc
    assert form.user.value == "operator"
    assert SECRET not in state_of_all_widgets() + repr(form)
    form.button.click()
    form.wait()
    assert form.client.user == "operator"
    pasted = LoginForm(fingerprint=plant.fingerprint, name="pasted")
    typed(pasted.address, f"wss://viewer:viewer-demo@{netloc}")
    assert pasted.address.get_state("value") == {"value": f"wss://{netloc}"}
    assert "viewer-demo" not in state_of_all_widgets()


def test_the_environment_says_where_and_as_whom(
    plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XENTARA_URL", plant.url)
    with closing(LoginForm(name="where")) as form:
        assert (form.address.value, form.method.value) == (plant.url, "password")
    monkeypatch.setenv("XENTARA_USER", "engineer")
    monkeypatch.setenv("XENTARA_PASSWORD", "engineer-demo")
    for options, method in (({}, "environment"), ({"user": "viewer"}, "password")):
        with closing(LoginForm(name="whom", **options)) as form:
            assert form.method.value == method
    with closing(LoginForm("other:8080")) as form:
        assert (form.address.value, form.method.value) == ("other:8080", "password")


def test_the_environment_logs_in_without_a_question(
    plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XENTARA_USER", "engineer")
    monkeypatch.setenv("XENTARA_PASSWORD", "engineer-demo")
    form = LoginForm(plant.url, fingerprint=plant.fingerprint, at_once=True)
    assert form.client.user == "engineer"
    monkeypatch.setenv("XENTARA_PASSWORD", "wrong")
    form = LoginForm(plant.url, fingerprint=plant.fingerprint, at_once=True, name="second")
    assert "does not accept engineer" in form.notice.value
    form = LoginForm(plant.url, method="environment", name="third")
    monkeypatch.delenv("XENTARA_USER")
    form.button.click()
    assert "are not set" in form.notice.value
    assert LoginForm(plant.url, at_once=True, name="fourth").notice.value == ""


def test_the_keyring_keeps_a_password_when_asked(
    plant: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[tuple[str, str], str] = {}

    class Keyring(types.ModuleType):
        def get_password(self, service: str, user: str) -> str | None:
            return kept.get((service, user))

        def set_password(self, service: str, user: str, password: str) -> None:
            kept[service, user] = password

    monkeypatch.setitem(sys.modules, "keyring", Keyring("keyring"))
    monkeypatch.setattr("xentara_nb.widgets.login.form.find_spec", lambda name: True)
    form = make_login(plant)
    form.keep.value = True
    log_in(form)
    assert list(kept.values()) == [SECRET]
    form.log_out()
    form.method.value = "keyring"
    form.button.click()
    form.wait()
    assert form.client.user == "operator"
    form.log_out()
    form.user.value = "stranger"
    form.button.click()
    assert "the keyring has no password of stranger" in form.notice.value


def test_a_log_in_from_code_does_as_the_button(plant: Simulator) -> None:
    form = make_login(plant)
    with pytest.raises(LoginError):
        form.log_in(user="operator", password="wrong")
    assert "does not accept" in form.notice.value
    client = form.log_in(user="operator", password=SECRET)
    assert form.client is client
    assert form.log_in(user="operator", password=SECRET) is client
    form.log_out()
    with pytest.raises(LoginError, match="log in with user="):
        form.log_in()


def test_nothing_is_left_of_a_form_that_was_closed_while_it_connected(plant: Simulator) -> None:
    form = make_login(plant)
    typed(form.password, SECRET)
    form.button.click()
    form.close()
    form.wait()
    assert eventually(lambda: form.account.client is None)
    assert form.comm is None


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(OptionError, match="is no way to log in"):
        LoginForm("plant", method="fax")
