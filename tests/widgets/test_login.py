"""The log-in form, without a browser."""

from __future__ import annotations

import json
import logging
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.widgets.helpers import entered, eventually, state_of_all_widgets, typed, visible
from xentara_nb.errors import AddressError, LoginError
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import LoginForm
from xentara_nb.widgets.login import secret, trust_store

SECRET = "operator-demo"


def make(plant: Simulator, **options: Any) -> LoginForm:
    options.setdefault("fingerprint", plant.fingerprint)
    options.setdefault("user", "operator")
    return LoginForm(plant.url, **options)


def log_in(form: LoginForm, password: str = SECRET) -> None:
    typed(form.password, password)
    form.button.click()
    assert form.wait()


def test_logs_in_and_offers_the_client(plant: Simulator) -> None:
    form = make(plant)
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
    first = make(plant)
    log_in(first)
    client = first.client
    again = make(plant)
    assert again.client is client
    assert visible(again.inside)
    # Somebody else is somebody else.
    with pytest.raises(LoginError):
        make(plant, user="viewer").client  # noqa: B018 - as above
    client.close()
    with pytest.raises(LoginError):
        make(plant).client  # noqa: B018 - as above


def test_a_wrong_password_is_told_in_words_and_can_be_mended(plant: Simulator) -> None:
    form = make(plant)
    log_in(form, "wrong-password")
    assert "does not accept operator" in form.notice.value
    assert 'role="alert"' in form.notice.value
    assert "wrong-password" not in state_of_all_widgets()
    log_in(form)
    assert form.client.user == "operator"


def test_no_secret_is_in_any_widget(plant: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    form = make(plant)
    sent: list[Any] = []
    form.password._send = lambda message, buffers=None: sent.append(message)
    typed(form.password, SECRET)
    assert form.password.value == ""
    assert form.password.placeholder == "••••••••"
    assert form.password.filled
    form.button.click()
    assert SECRET not in state_of_all_widgets()
    form.wait()
    assert SECRET not in state_of_all_widgets() + repr(sent) + repr(form) + repr(form.password)
    assert SECRET not in repr(form.children) + caplog.text
    assert not form.password.filled
    assert form.password.placeholder == ""


def test_enter_in_the_password_logs_in_whichever_message_comes_first(plant: Simulator) -> None:
    form = make(plant)
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
def test_what_is_wrong_with_an_address_is_told(address: str, message: str) -> None:
    form = LoginForm(address, user="operator", timeout=5)
    log_in(form)
    assert message in form.notice.value
    assert "should not have happened" not in form.notice.value


def test_a_missing_user_or_password_is_told(plant: Simulator) -> None:
    form = make(plant, user="")
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


def test_an_unknown_certificate_is_trusted_on_purpose_and_once(
    plant: Simulator, places: Path
) -> None:
    form = make(plant, fingerprint=None)
    log_in(form)
    assert visible(form.trust.box)
    assert not visible(form.fields)
    text = form.trust.text.value
    assert plant.fingerprint.upper()[:2] in text
    for word in ("Subject", "Issuer", "Valid from", "Valid until", "Fingerprint", "self-signed"):
        assert word in text
    form.trust.trust.disabled = False  # a click may be on its way before the box is ticked
    form.trust.trust.click()
    assert form.trust.asking
    form.trust.compared.value = True
    form.trust.trust.click()
    form.wait()
    assert form.client.user == "operator"
    file = places / "trusted.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SECRET not in file.read_text()
    form.log_out()
    other = make(plant, fingerprint=None, name="another kernel, another day")
    log_in(other)
    assert other.client.user == "operator"


def test_a_certificate_can_be_refused(plant: Simulator, places: Path) -> None:
    form = make(plant, fingerprint=None)
    log_in(form)
    form.trust.refuse.click()
    assert not visible(form.trust.box)
    assert visible(form.fields)
    assert "nothing was sent" in form.notice.value
    assert not (places / "trusted.json").exists()


def test_a_certificate_that_has_changed_is_a_warning(plant: Simulator) -> None:
    netloc = plant.url.removeprefix("wss://").removesuffix("/api/ws")
    trust_store.remember(netloc, "AB" * 32, "commonName=before")
    form = make(plant, fingerprint=None)
    log_in(form)
    assert "has changed" in form.trust.text.value
    assert "AB:AB" in form.trust.text.value
    assert LoginForm.forget_certificate(netloc)
    assert not LoginForm.forget_certificate(netloc)


def test_a_damaged_trust_file_trusts_nothing(plant: Simulator, places: Path) -> None:
    (places / "trusted.json").write_text("{")
    form = make(plant, fingerprint=None)
    log_in(form)
    assert "cannot be used" in form.notice.value
    netloc = "plant:8080"
    (places / "trusted.json").write_text(
        json.dumps({"version": 1, "servers": {netloc: {"fingerprint": "no"}}})
    )
    with pytest.raises(AddressError):
        trust_store.known_certificate(netloc)


def test_many_programs_remember_at_once(places: Path) -> None:
    path = places / "some" / "folder" / "trusted.json"
    threads = [
        threading.Thread(target=trust_store.remember, args=(f"plant{n}:8080", "AB" * 32, "", path))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(trust_store.known_certificate(f"plant{n}:8080", path) for n in range(8))
    assert [p.name for p in path.parent.iterdir()] == ["trusted.json"]


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

    class Keyring:
        def get_password(self, service: str, user: str) -> str | None:
            return kept.get((service, user))

        def set_password(self, service: str, user: str, password: str) -> None:
            kept[service, user] = password

    monkeypatch.setattr(secret, "_keyring", Keyring)
    monkeypatch.setattr("xentara_nb.widgets.login.view.find_spec", lambda name: True)
    form = make(plant)
    form.keep.value = True
    log_in(form)
    assert list(kept.values()) == [SECRET]
    form.log_out()
    form.method.value = "keyring"
    form.button.click()
    form.wait()
    assert form.client.user == "operator"
    form.log_out()
    form.user.value = "nobody"
    form.button.click()
    assert "the keyring has no password of nobody" in form.notice.value


def test_a_log_in_from_code_does_as_the_button(plant: Simulator) -> None:
    form = make(plant)
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
    form = make(plant)
    typed(form.password, SECRET)
    form.button.click()
    form.close()
    form.wait()
    assert eventually(lambda: form.account.client is None)
    assert form.comm is None


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(AddressError, match="is no way to log in"):
        LoginForm("plant", method="fax")


def test_without_widgets_there_is_a_fallback(plant: Simulator) -> None:
    form = make(plant)
    bundle = form._repr_mimebundle_()
    assert "This is a form" in bundle["text/html"]
    assert "nobody is logged in" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


# Sub-sessions


def session_form(plant: Simulator, user: str = "engineer") -> LoginForm:
    form = make(plant, user=user)
    form.log_in(user=user, password=plant.users[user])
    return form


def test_a_sub_session_is_logged_in_to_and_out_of(plant: Simulator) -> None:
    form = session_form(plant)
    with pytest.raises(LoginError, match="sub-session"):
        form.session  # noqa: B018 - it is the property that raises
    part = form.sub
    part.user.value = "operator"
    typed(part.password, SECRET)
    part.button.click()
    form.wait()
    assert form.session.who == "operator"
    assert "operator" in part.state.value
    assert str(form.session.id) not in state_of_all_widgets()
    assert SECRET not in state_of_all_widgets()
    session = form.session
    part.out.click()
    form.wait()
    assert session.ended
    assert visible(part.fold.widget)


def test_a_sub_session_with_a_wrong_log_in_is_told(plant: Simulator) -> None:
    form = session_form(plant)
    part = form.sub
    part.user.value = "operator"
    typed(part.password, "wrong")
    part.button.click()
    form.wait()
    assert "does not accept operator" in form.notice.value
    part.method.value = "token"
    part.button.click()
    assert "type the token" in form.notice.value
    typed(part.token, "a.b.c")
    part.button.click()
    form.wait()
    assert "does not accept the bearer of a token" in form.notice.value
    part.method.value = "certificate"
    part.button.click()
    assert "name the file" in form.notice.value
    part.certificate.value = plant.ca_file
    part.button.click()
    form.wait()
    assert "does not accept the certificate" in form.notice.value


def test_the_desired_id_of_a_sub_session_must_be_a_uuid(plant: Simulator) -> None:
    form = session_form(plant)
    form.sub.user.value = "operator"
    form.sub.desired.value = "mine"
    typed(form.sub.password, SECRET)
    form.sub.button.click()
    assert "is no UUID" in form.notice.value
    form.sub.desired.value = "11111111-2222-4333-8444-555555555555"
    typed(form.sub.password, SECRET)
    form.sub.button.click()
    form.wait()
    assert str(form.session.id) == form.sub.desired.value


def test_logging_out_ends_the_sub_session_too(plant: Simulator) -> None:
    form = session_form(plant)
    form.sub.user.value = "operator"
    typed(form.sub.password, SECRET)
    form.sub.button.click()
    form.wait()
    session = form.session
    form.log_out()
    assert session.ended
    with pytest.raises(LoginError):
        form.session  # noqa: B018 - it is the property that raises
