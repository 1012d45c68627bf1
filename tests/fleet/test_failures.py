"""Which servers fail, why, and since when."""

from __future__ import annotations

import time

import pytest
from IPython.core.formatters import DisplayFormatter

from xentara_nb import connect, simulate
from xentara_nb.errors import CertificateNotTrustedError, DeadlineError, LoginError
from xentara_nb.fleet.failures import FailureLog, FleetWarning, error_line, failures_text, warn_of


def test_since_the_first_time() -> None:
    log = FailureLog(["north", "south", "west"])
    before = time.time_ns()
    log.note("west", LoginError("wrong\npassword"))
    log.note("north", DeadlineError("late"))
    first = log.frame()
    assert first[["server", "kind", "error"]].values.tolist() == [
        ["north", "DeadlineError", "late"],
        ["west", "LoginError", "wrong password"],
    ]
    assert first["since"].iloc[0].value >= before
    log.note("north", LoginError("locked"))
    log.note("west", None)
    log.note("south", None)
    second = log.frame()
    assert second[["server", "error"]].values.tolist() == [["north", "locked"]]
    assert second["since"].iloc[0] == first["since"].iloc[0]
    log.note("north", None)
    assert log.frame().empty
    assert log.frame().dtypes.to_dict() == first.dtypes.to_dict()


def test_what_is_said() -> None:
    alone = {str(at): LoginError(f"x{at}") for at in range(7)}
    assert failures_text(alone, 1000) == (
        "7 of 1,000 servers failed: 0 (x0); 1 (x1); 2 (x2); 3 (x3); 4 (x4) and 2 more"
    )
    alike = {**alone, **{name: LoginError("x") for name in "0234abc"}}
    assert failures_text(alike, 10) == (
        "10 of 10 servers failed: 0, 2, 3, 4, a and 2 more (x); 1 (x1); 5 (x5); 6 (x6)"
    )


def test_how_a_certificate_is_trusted_in_a_list() -> None:
    with simulate() as plant:
        with pytest.raises(CertificateNotTrustedError) as caught:
            connect(plant.url, user="viewer", password="x")
        fingerprint = plant.fingerprint
    line = error_line(caught.value)
    assert "connect(" not in line
    assert (
        f'put fingerprint = "{fingerprint}" into its entry in the list of servers, or name' in line
    )


@pytest.mark.parametrize(
    ("python", "words"),
    [
        (
            "take the old one out of your trusted certificates with "
            'xentara_nb.widgets.LoginForm.forget_certificate("north:8080").',
            "put the new fingerprint into its entry in the list of servers.",
        ),
        (
            "pass user= and password= (or token=), or",
            "pass user and password_from (or token_from), or",
        ),
        (
            "there is no certificate for ca_file= or fingerprint=: write",
            "for ca_file or fingerprint: w",
        ),
        ("give a longer timeout=", "give a longer timeout"),
        ("lookup of 'user=x.token=1'", "lookup of 'user=x.token=1'"),
    ],
)
def test_advice_is_in_the_words_of_a_list(python: str, words: str) -> None:
    line = error_line(LoginError(python))
    assert words in line
    assert line.count("=") == words.count("=")


def test_the_warning_is_where_the_fleet_was_asked(recwarn: pytest.WarningsRecorder) -> None:
    warn_of({}, 5)
    assert not recwarn.list
    with pytest.warns(FleetWarning) as caught:
        warn_of({"north": LoginError("x")}, 5)
    assert caught[0].filename == __file__


def test_a_warning_is_short_and_one_line() -> None:
    long = LoginError("THE CERTIFICATE IS ANOTHER ONE\n" + "  fingerprint: AB:CD\n" * 50)
    text = failures_text({"north": long, "south": long, "west": LoginError("short")}, 3)
    assert "\n" not in text
    assert text.startswith("3 of 3 servers failed: north, south (THE CERTIFICATE IS ANOTHER ONE f")
    assert text.endswith("…); west (short)")
    assert len(text) < 400


def test_the_whole_of_an_error_is_shown() -> None:
    log = FailureLog(["north"])
    why = f"{'no server answers, ' * 20}check the firewall"
    log.note("north", LoginError(why))
    frame = log.frame()
    shown = [frame, frame[["server", "error"]], frame[frame["kind"] == "LoginError"]]
    for each in shown:
        assert why in repr(each)
        assert why in (DisplayFormatter().format(each)[0]["text/html"])
    log.note("north", LoginError("a\x1b[2Jb"))
    assert r"a\x1b[2Jb" in repr(log.frame())
