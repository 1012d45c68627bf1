"""Errors in other words than those of Python."""

from __future__ import annotations

import pytest

from xentara_nb.errors import WriteRefusedError
from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.wording import Wording

ADVICE = Wording(
    {
        r'connect\(fingerprint="(?P<sha>[^"]*)"\)': r"--fingerprint \g<sha>",
        r"client\.inventory\(\)": "xentara-nb inventory",
        r"timeout=": "--timeout TIME",
        r"plan\.report": "user= and the table",
        r"user=": "--user NAME",
        r"; elements are given as keys=": "",
    }
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            'trust it with connect(fingerprint="A:B"), or not',
            "trust it with --fingerprint A:B, or not",
        ),
        (
            "a longer timeout=; look at client.inventory()",
            "a longer --timeout TIME; look at xentara-nb inventory",
        ),
        ("no key; elements are given as keys=", "no key"),
        ("look at plan.report", "look at user= and the table"),  # nothing that was put in is Python
    ],
)
def test_python_is_said_in_other_words(text: str, shown: str) -> None:
    assert ADVICE.reword(WriteRefusedError(text)) == shown


@pytest.mark.parametrize(
    "value",
    [
        *("set timeout= 5", 'the "timeout=" of', "it's user= x", """it's "user= x" """),
        *("timeout=\\", "timeout= \u2028'"),
    ],
)
def test_values_stay_as_they_are(value: str) -> None:
    said = f"a row above writes {value!r} to it; the servers' own: client.inventory() of {value!r}"
    assert ADVICE.reword(said) == said.replace("client.inventory()", "xentara-nb inventory")


def test_a_value_that_is_cut_stays_as_it_is() -> None:
    assert ADVICE.reword("'set timeout= 5 to… is no number: user=") == (
        "'set timeout= 5 to… is no number: --user NAME"
    )


@pytest.mark.parametrize("part", ["\\a", "\\", "…", "' ", '"…', "connect(", "it's "])
def test_no_text_takes_for_ever(part: str) -> None:
    said = f"is '{part * 2000}"
    assert ADVICE.reword(said) == said


def test_names_stay_as_they_are() -> None:
    name = "Plant.The user= of plan.report"
    assert ADVICE.reword(f"may not write to {name}: a longer timeout=", name) == (
        f"may not write to {name}: a longer --timeout TIME"
    )
    assert ADVICE.reword("Plant.user=x.--timeout=2") == "Plant.user=x.--timeout=2"


def test_what_a_server_says_stays_as_it_is() -> None:
    error = UnknownElementError("see the timeout= there", context="write to The plan.report")
    assert ADVICE.reword(error) == str(error)

    class AdvisedError(UnknownElementError):
        advice = "Look at client.inventory() with a longer timeout=."

    error = AdvisedError("see the timeout= there", context="write to The plan.report")
    assert ADVICE.reword(error) == (
        "write to The plan.report: see the timeout= there (-32100). "
        "Look at xentara-nb inventory with a longer --timeout TIME."
    )
