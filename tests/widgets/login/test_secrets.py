"""No traceback of the log-in form shows a password or token, not even one with all variables."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.tracebacks import shown_with
from tests.widgets.helpers import entered, make_login, typed
from xentara_nb.errors import XentaraError
from xentara_nb.simulator import Simulator
from xentara_nb.widgets import LoginForm
from xentara_nb.widgets.common.tasks import TaskRunner

PASSWORD, TOKEN = "ge-heim-is", "eyJh.gehe.imis"
SECRETS = (PASSWORD, TOKEN, base64.b64encode(f"operator:{PASSWORD}".encode()).decode())


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Exception]]:
    """Give the errors that forms show, with their tracebacks; none of them has a secret in it."""
    found: list[Exception] = []
    guard = TaskRunner.guard

    def recording(self: TaskRunner, callback: Callable[..., object]) -> Callable[..., None]:
        def recorded(*args: Any) -> None:
            try:
                callback(*args)
            except Exception as error:
                found.append(error)
                raise

        return guard(self, recorded)

    monkeypatch.setattr(TaskRunner, "guard", recording)
    yield found
    assert found
    for error in found:
        check(error)


def check(error: BaseException) -> None:
    shown = shown_with(error)
    assert "form.py " in shown
    leaks = [line for line in shown.splitlines() if any(secret in line for secret in SECRETS)]
    assert not leaks, leaks


@pytest.mark.parametrize("address", ["operator:{}@pl ant", "wss://operator:{}@plant:port", "{}@/"])
def test_an_address_that_cannot_be_used(address: str, errors: list[Exception]) -> None:
    with pytest.raises(XentaraError) as caught:
        LoginForm(address.format(PASSWORD))
    check(caught.value)
    form = LoginForm(name="typed")
    typed(form.address, address.format(PASSWORD))
    assert "has" in str(errors[-1]) or "names" in str(errors[-1])
    assert PASSWORD not in form.notice.value


@pytest.mark.parametrize("method", ["password", "token"])
@pytest.mark.parametrize("how", ["button", "enter"])
def test_a_log_in_that_is_refused(
    plant: Simulator, errors: list[Exception], method: str, how: str
) -> None:
    form = make_login(plant, method=method)
    field, secret = (form.password, PASSWORD) if method == "password" else (form.token, TOKEN)
    typed(field, secret)
    if how == "button":
        form.button.click()
    else:
        entered(field)
    assert form.wait()
    assert "does not accept" in str(errors[-1])


def test_a_server_that_is_not_there_or_not_trusted(
    plant: Simulator, errors: list[Exception]
) -> None:
    for form in (
        LoginForm("127.0.0.1:1", user="operator"),
        LoginForm(plant.url, user="operator", fingerprint="AB" * 32),
    ):
        typed(form.password, PASSWORD)
        form.button.click()
        assert form.wait()
    assert len(errors) >= 1


def test_an_error_that_no_one_foresaw(
    plant: Simulator, errors: list[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise RuntimeError("out of the blue")

    monkeypatch.setattr("xentara_nb.widgets.login.form.connect", fail)
    form = make_login(plant)
    typed(form.password, PASSWORD)
    form.button.click()
    assert form.wait()
    assert str(errors[-1]) == "out of the blue"


@pytest.mark.parametrize("log_in", [{"user": "operator", "password": PASSWORD}, {"token": TOKEN}])
def test_a_log_in_from_code(plant: Simulator, log_in: dict[str, Any]) -> None:
    form = make_login(plant)
    with pytest.raises(XentaraError) as caught:
        form.log_in(**log_in)
    check(caught.value)
