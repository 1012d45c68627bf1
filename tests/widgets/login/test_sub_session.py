"""Sub-sessions in the log-in form."""

from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path

import pytest

from tests.widgets.helpers import SECRET, make_login, state_of_all_widgets, typed, visible
from xentara_nb.errors import LoginError, OptionError
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import LoginForm
from xentara_nb.widgets.login.sub_session import read_certificate


def session_form(plant: Simulator, user: str = "engineer") -> LoginForm:
    form = make_login(plant, user=user)
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
    assert visible(part.disclosure.widget)


def test_a_wrong_log_in_to_a_sub_session_is_shown(plant: Simulator) -> None:
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


def test_a_certificate_is_read_from_pem_and_der(plant: Simulator, tmp_path: Path) -> None:
    pem = Path(plant.ca_file)
    der = ssl.PEM_cert_to_DER_cert(pem.read_text())
    assert read_certificate(pem) == der
    (tmp_path / "own.der").write_bytes(der)
    assert read_certificate(tmp_path / "own.der") == der


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_is_no_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(OptionError, match="holds no certificate"):
        read_certificate(path)
    with pytest.raises(FileNotFoundError):
        read_certificate(tmp_path / "nothing")


def test_a_certificate_that_never_ends_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"\x30\x82" + bytes(1 << 20))
    with pytest.raises(OptionError, match="is it the right file"):
        read_certificate(tmp_path / "large")
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(OptionError, match="a FIFO, not a file"):
            read_certificate(tmp_path / "fifo")
