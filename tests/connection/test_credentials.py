from __future__ import annotations

import base64
import copy
import pickle
import sys
import traceback
from types import SimpleNamespace

import pytest

from xentara_nb.connection import credentials as module
from xentara_nb.connection.credentials import Credentials, ask, can_ask, find_credentials
from xentara_nb.errors import LoginError, OptionError
from xentara_nb.protocol.secret import Secret

ANNA = {"XENTARA_USER": "anna", "XENTARA_PASSWORD": "of-anna"}
TOKEN = {"XENTARA_TOKEN": " a.b.c\n"}


def test_headers() -> None:
    assert Credentials(token="a.b.c").authorization() == "Bearer a.b.c"
    scheme, _, code = Credentials("änna", "p:ß").authorization().partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(code).decode() == "änna:p:ß"


def test_who() -> None:
    assert Credentials("anna", "x").who == "anna"
    assert Credentials(token="x").who == "the bearer of a token"


@pytest.mark.parametrize(
    "credentials", [Credentials("anna", "geheim"), Credentials(token="geheim"), Credentials("anna")]
)
def test_secrets_are_not_shown_and_not_stored(credentials: Credentials) -> None:
    for shown in (repr(credentials), str(credentials), f"{credentials}", f"{[credentials]}"):
        assert "geheim" not in shown
        assert "***" in shown
    for store in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not written into files"):
            store(credentials)


@pytest.mark.parametrize(
    ("arguments", "in_address", "environment", "found"),
    [
        ({}, None, {}, Credentials()),
        ({"user": "eva", "password": "x"}, None, ANNA | TOKEN, Credentials("eva", "x")),
        ({"token": "t"}, None, ANNA | TOKEN, Credentials(token="t")),
        ({}, None, ANNA, Credentials("anna", "of-anna")),
        ({}, None, ANNA | TOKEN, Credentials(token="a.b.c")),
        ({}, None, {"XENTARA_TOKEN": ""}, Credentials()),
        # A password belongs to its user.
        ({"user": "eva"}, None, ANNA, Credentials("eva")),
        ({"user": "anna"}, None, ANNA, Credentials("anna", "of-anna")),
        ({"user": "anna"}, None, ANNA | TOKEN, Credentials("anna", "of-anna")),
        ({"user": "eva"}, None, {"XENTARA_PASSWORD": "x"}, Credentials("eva", "x")),
        ({"password": "x"}, None, ANNA, Credentials("anna", "x")),
        ({"password": "x"}, None, TOKEN, Credentials(None, "x")),
        ({}, None, {"XENTARA_PASSWORD": "x"}, Credentials()),
        ({}, None, {"XENTARA_USER": "", "XENTARA_PASSWORD": ""}, Credentials()),
        ({"user": "eva"}, None, {"XENTARA_PASSWORD": ""}, Credentials("eva")),
        # The address comes after the arguments and before the environment.
        ({}, Credentials("eva", "y"), ANNA | TOKEN, Credentials("eva", "y")),
        ({}, Credentials("eva"), ANNA, Credentials("eva")),
        ({}, Credentials("anna"), ANNA, Credentials("anna", "of-anna")),
        ({"password": "x"}, Credentials("eva"), ANNA, Credentials("eva", "x")),
        ({"password": "y"}, Credentials("eva", "y"), ANNA, Credentials("eva", "y")),
        ({"user": "eva"}, Credentials("eva", "y"), ANNA, Credentials("eva", "y")),
        ({"user": "eva", "password": ""}, None, {}, Credentials("eva", "")),
    ],
)
def test_where_they_come_from(
    arguments: dict[str, str],
    in_address: Credentials | None,
    environment: dict[str, str],
    found: Credentials,
) -> None:
    assert find_credentials(**arguments, in_address=in_address, environment=environment) == found


@pytest.mark.parametrize("end", ["\n", "\r\n", "\ufeff", "\u200b"])
def test_what_editors_and_copying_add_is_taken_off(end: str) -> None:
    given = {name: f"{value}{end}" for name, value in ANNA.items()}
    assert find_credentials(environment=given) == Credentials("anna", "of-anna")
    assert find_credentials(f"anna{end}", f"{end} x {end}") == Credentials("anna", " x ")
    assert find_credentials(token=f"{end}a.b.c {end}") == Credentials(token="a.b.c")


@pytest.mark.parametrize(
    ("password", "doubt"),
    [("x", ""), ("", ""), ('"', ""), (" x", "a blank"), ("x ", "a blank"), ("'x'", "in quotation")],
)
def test_what_may_be_meant_is_sent_and_named_when_it_is_wrong(password: str, doubt: str) -> None:
    found = find_credentials("anna", password, environment={})
    assert found.password == Secret(password)
    assert doubt in found.doubt
    assert bool(doubt) == bool(found.doubt)
    assert not Credentials(token="x").doubt


@pytest.mark.parametrize("name", ["user", "password", "token"])
@pytest.mark.parametrize("value", [5, b"x"])
def test_what_is_no_text_is_refused(name: str, value: object) -> None:
    with pytest.raises(OptionError, match="is a text, not of the type"):
        find_credentials(**{name: value}, environment={})


def test_the_environment_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ANNA.items():
        monkeypatch.setenv(name, value)

    assert find_credentials() == Credentials("anna", "of-anna")


@pytest.mark.parametrize(
    ("arguments", "in_address", "reason"),
    [
        ({"token": "t", "user": "u"}, None, "not with both"),
        ({"token": "t", "password": "p"}, None, "not with both"),
        ({"token": "t"}, Credentials("anna"), "not with both"),
        ({"user": "eva"}, Credentials("anna", "geheim"), "one user and the arguments another"),
        (
            {"password": "geheim"},
            Credentials("anna", "x"),
            "one password and the arguments another",
        ),
        ({"user": "anna:geheim"}, None, "has a colon"),
        ({"user": ""}, None, "user name is empty or has a control character"),
        ({"user": "an\rna", "password": "geheim"}, None, "control character"),
        ({"token": ""}, None, "token is empty"),
        ({"token": "geheim\r\nX-Evil: 1"}, None, "token is empty or has a control character"),
        ({"token": "geheimß"}, None, "characters that a token cannot have"),
        ({"user": "anna", "password": "geheim\udce9"}, None, "cannot be sent .*LC_ALL"),
        ({"user": "anna\udce9", "password": "geheim"}, None, "cannot be sent"),
    ],
)
def test_refused(arguments: dict[str, str], in_address: Credentials | None, reason: str) -> None:
    with pytest.raises(OptionError, match=reason) as caught:
        find_credentials(**arguments, in_address=in_address, environment={})

    assert "geheim" not in "".join(traceback.format_exception(caught.value))


class Person:
    """Somebody in front of a terminal, who answers questions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str | BaseException) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []
        monkeypatch.setattr("builtins.input", self.asked)
        monkeypatch.setattr("getpass.getpass", self.asked_in_secret)
        monkeypatch.setattr(module, "can_ask", lambda: True)

    def asked(self, question: str) -> str:
        self.questions.append(question)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def asked_in_secret(self, question: str) -> str:
        return self.asked(f"(secret) {question}")


def test_nothing_is_asked_when_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(monkeypatch)
    for complete in (Credentials("anna", "x"), Credentials("anna", ""), Credentials(token="t")):
        assert ask(complete, "plant:8080") is complete
    assert not person.questions


def test_what_is_missing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(monkeypatch, "anna", "of-anna", "of-eva", "dora")

    assert ask(Credentials(), "plant:8080") == Credentials("anna", "of-anna")
    assert ask(Credentials("eva"), "plant:8080") == Credentials("eva", "of-eva")
    assert ask(Credentials(None, "x"), "plant:8080") == Credentials("dora", "x")
    assert person.questions == [
        "User for plant:8080: ",
        "(secret) Password of anna for plant:8080: ",
        "(secret) Password of eva for plant:8080: ",
        "User for plant:8080: ",
    ]


def test_an_answer_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    Person(monkeypatch, "anna:x", "geheim")
    with pytest.raises(OptionError, match="has a colon"):
        ask(Credentials(), "plant:8080")


@pytest.mark.parametrize("error", [EOFError(), NotImplementedError("no frontend")])
def test_no_answer_to_the_prompt(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    Person(monkeypatch, error)
    with pytest.raises(LoginError, match=r"no user and password for plant:8080: pass user=") as e:
        ask(Credentials(), "plant:8080")
    assert e.value.__suppress_context__


def test_ctrl_c_at_a_question_is_just_that(monkeypatch: pytest.MonkeyPatch) -> None:
    Person(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        ask(Credentials(), "plant:8080")


def test_no_terminal_and_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "can_ask", lambda: False)
    with pytest.raises(LoginError, match=r"no password for plant:8080.*XENTARA_PASSWORD"):
        ask(Credentials("anna"), "plant:8080")


def test_where_a_person_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    for stdin, there in (
        (SimpleNamespace(isatty=lambda: True), True),
        (SimpleNamespace(isatty=lambda: False), False),
        (None, False),
    ):
        monkeypatch.setattr(sys, "stdin", stdin)
        assert can_ask() is there


def test_where_a_notebook_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    monkeypatch.setattr(sys, "stdin", None)
    for shell, there in (
        (None, False),
        (SimpleNamespace(), False),  # IPython in a terminal that is none
        (SimpleNamespace(kernel=object()), True),
    ):
        monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda shell=shell: shell)
        assert can_ask() is there
