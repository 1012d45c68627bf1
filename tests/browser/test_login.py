"""The log-in form, as a user sees it; and the saved notebook, searched for every secret."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwk, jwt
from playwright.sync_api import expect

from tests.browser.helpers import SET_POINT, check_access, check_fits, narrow
from xentara_nb.simulator import Simulator, simulate
from xentara_nb.simulator.config import demo
from xentara_nb.simulator.security import certificates

SECRETS = ("engineer-demo", "operator-demo", "wrong-password")
ISSUER = {"iss": "https://login.example", "aud": "xentara", "verification": {}}
KEY = jwk.ECKey.generate_key("P-256")
STRANGE_KEY = jwk.ECKey.generate_key("P-256")


def token(key: jwk.ECKey = KEY) -> str:
    """Return an access token of a robot, signed by the issuer or by one whom no plant knows."""
    now = int(time.time())
    claims = {"iss": ISSUER["iss"], "aud": ISSUER["aud"], "iat": now, "exp": now + 600}
    who = {"sub": "robot", "client_id": "robot", "jti": "1"}
    return jwt.encode({"alg": "ES256", "typ": "at+jwt"}, {**claims, **who}, key)


@pytest.fixture
def robots(tmp_path: Path) -> Iterator[Simulator]:
    """The demo plant, where robots log in with a token or with ``robot.pem``."""
    demo.write_documents(tmp_path)
    certificates.write_certificate(tmp_path, stem="robot")
    certificates.write_certificate(tmp_path, stem="stranger")
    rule = {"certificatePath": "robot.pem", "roles": ["Operator"]}
    for name, content in (
        ("oauth2.json", {"issuers": [{**ISSUER, "roles": ["Operator"]}]}),
        ("jwks.json", {"keys": [KEY.as_dict(private=False)]}),
        ("client-certs.json", {"rules": [rule]}),
    ):
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    with simulate(tmp_path) as simulator:
        yield simulator


def open_form(notebook: Any, plant: Any, **options: Any) -> Any:
    arguments = "".join(f", {name}={value!r}" for name, value in options.items())
    return notebook(
        "from xentara_nb.widgets import LoginForm, WriteForm",
        f"form = LoginForm({plant.url!r}, user='engineer'{arguments})\nform",
        "try:\n    print(form.client.user, 'is logged in')\n"
        "except Exception as error:\n    print(type(error).__name__, error)",
    )


def without_sources(saved: str) -> str:
    """Return a saved notebook without what the test itself typed into its cells."""
    document = json.loads(saved)
    for cell in document["cells"]:
        cell["source"] = ""
    return json.dumps(document)


def test_logging_in_with_an_unknown_certificate_a_wrong_password_and_the_right_one(
    notebook: Any, page: Any, robots: Any, shot: Any, theme: Any, tmp_path: Path
) -> None:
    plant, good, strange = robots, token(), token(STRANGE_KEY)
    book = open_form(notebook, plant)
    book.text("no one is logged in yet").wait_for()
    book.label("Password").fill("wrong-password")
    book.label("Password").press("Enter")
    book.text("is not known").wait_for()
    shot("login-form", book.output.locator(".xnb-login"))
    with narrow(page):
        shot("login-form-narrow")
        check_fits(page)
    expect(book.button("Trust this certificate")).to_be_disabled()
    book.output.get_by_label("I have compared").check()
    book.button("Trust this certificate").click()
    book.text("does not accept engineer").wait_for()
    assert plant.requests.empty
    book.label("Password").fill("engineer-demo")
    assert book.label("Password").input_value() in ("engineer-demo", "")
    book.button("Log in").click()
    book.text("Logged in as engineer.").wait_for()
    shot("login-done")
    # "Run all" does not ask again, and the next cell has the client.
    book.run()
    book.text("engineer is logged in").wait_for()
    book.text(re.compile("since")).wait_for()
    book.button("Act as another user (sub-session)").click()
    theme("Dark")
    shot("login-form-dark", book.output.locator(".xnb-login"))
    theme("Light")
    log_in = book.button("Log in to sub-session")
    log_out = book.button("Log out of sub-session")
    book.label("Session user").fill("operator")
    book.label("Session password").fill("operator-demo")
    book.label("Desired id").fill("11111111-2222-4333-8444-555555555555")
    log_in.click()
    book.text("Logged in to a sub-session as operator.").wait_for()
    log_out.click()
    book.text("Logged out of the sub-session.").wait_for()
    book.label("Act as").select_option("Token (OAuth 2.0)")
    book.label("Session token").fill(strange)
    book.label("Session token").press("Enter")
    book.text("does not accept the bearer of a token").wait_for()
    book.label("Session token").fill(good)
    book.label("Session token").press("Enter")
    book.text("Logged in to a sub-session as the bearer of a token.").wait_for()
    log_out.click()
    book.label("Act as").select_option("Certificate")
    book.label("Certificate file").fill(str(tmp_path / "stranger.pem"))
    log_in.click()
    book.text("does not accept the certificate").wait_for()
    book.label("Certificate file").fill(str(tmp_path / "robot.pem"))
    log_in.click()
    book.text("Logged in to a sub-session as the certificate").wait_for()
    log_out.click()
    log_in.wait_for()
    commands = plant.requests["command"].tolist()
    assert commands.count("create_sub_session") == 5
    # A secret that is typed and not used yet is not in the notebook either.
    book.label("Act as").select_option("User and password")
    book.label("Session password").fill("operator-demo")
    book.label("Session password").press("Tab")
    page.wait_for_function(
        "() => document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) "
        'input[placeholder="••••••••"]\')'
    )
    saved = without_sources(book.save(widget_state=True))
    assert "application/vnd.jupyter.widget-state+json" in saved
    assert "PasswordModel" in saved
    for secret in (*SECRETS, good, strange):
        assert secret not in saved
    for session in plant.requests["parameters"]:
        assert "operator-demo" not in str(session)
        assert good not in str(session)
    book.button("Log out").first.click()
    book.text("Logged out.").wait_for()


def test_a_write_in_a_sub_session_needs_its_right_as_well(
    notebook: Any, page: Any, plant: Any
) -> None:
    book = open_form(notebook, plant, fingerprint=plant.fingerprint)
    book.label("Password").fill("engineer-demo")
    book.label("Password").press("Enter")
    book.text("Logged in as engineer.").wait_for()
    book.button("Act as another user (sub-session)").click()
    book.label("Session user").fill("viewer")
    book.label("Session password").fill("viewer-demo")
    book.label("Session password").press("Enter")
    book.text("Logged in to a sub-session as viewer.").wait_for()
    book.rewrite(2, f"write = WriteForm(form, {SET_POINT!r})\nwrite")
    book.label("New value").fill("190")
    book.label("New value").press("Enter")
    book.text("engineer, and viewer").last.wait_for()
    book.button(f"Write 190.0 to {SET_POINT}").click()
    book.text("REJECTED").wait_for()
    writes = plant.writes
    assert writes["session_user"].tolist() == ["viewer"]
    assert writes["code"].tolist() == [-32102]


def test_the_form_can_be_used_by_all(notebook: Any, page: Any, plant: Any, theme: Any) -> None:
    book = open_form(notebook, plant)
    check_access(book)
    theme("Dark")
    check_access(book)
