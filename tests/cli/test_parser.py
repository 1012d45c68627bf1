"""What the command line offers in place of a command or an option that is not there."""

from __future__ import annotations

import contextlib
import inspect
import io
import re

import pytest

from xentara_nb.cli import main
from xentara_nb.client import Client


@pytest.mark.parametrize(
    ("argv", "offer"),
    [
        (["inventroy", "plant"], "did you mean 'inventory'?"),
        (["read", "plant", "Plant", "--fingerpint", "AB"], "did you mean '--fingerprint'?"),
        (["simulate", "--portt=1"], "did you mean '--port'?"),
        (["stage", "plant", "stop"], "did you mean 'suspend' or 'shut-down'?"),
        (["stage", "plant", "suspned"], "did you mean 'suspend'?"),
        (["write", "plant", "a", "1", "--on-error", "go"], "did you mean 'continue'?"),
        (["list", "plant"], "did you mean 'inventory'?"),
        (["fleet", "get", "servers.toml"], "did you mean 'read'?"),
    ],
)
def test_the_nearest_is_offered(
    capsys: pytest.CaptureFixture[str], argv: list[str], offer: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert offer in capsys.readouterr().err


def test_what_is_like_nothing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["fly"], ["lab", "--quick"], ["demo", "surplus"]):
        with pytest.raises(SystemExit):
            main(argv)
        shown = capsys.readouterr().err
        assert argv[-1] in shown
        assert "did you mean" not in shown


def test_the_nearest_fault_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--fault", "dealy=1"]) == 1
    assert "Did you mean 'delay'?" in capsys.readouterr().err


def test_options_have_the_names_of_the_parameters_in_python() -> None:
    methods = {
        "inventory": ["inventory"],
        "snapshot": ["snapshot", "browse"],
        "read": ["read"],
        "watch": ["watch"],
        "record": ["record"],
        "write": ["write"],
    }
    for command, names in methods.items():
        parameters = {"rows", "output", "for_"}  # a file of rows, a path, and how long to show it
        for name in names:
            parameters |= inspect.signature(getattr(Client, name)).parameters.keys()
        text = help_of(command).partition("\nconnection:")[0]
        options = re.findall(r"^  (?:-\w[ \w]*, )?--([a-z-]+)", text, re.MULTILINE)
        assert options
        for option in set(options) - {"help", "json"}:
            name = option.replace("-", "_")
            assert {name, f"{name}_"} & parameters, f"{command} --{option}"


def help_of(command: str) -> str:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        main([command, "--help"])
    return shown.getvalue()


def test_what_stands_behind_an_option_that_there_is_not_is_not_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for secret in (["--password", "s3cret"], ["--password=s3cret"], ["-p", "s3cret"]):
        for argv in (["inventory", "plant", "-o", "a.csv", *secret], [*secret, "read", "plant"]):
            with pytest.raises(SystemExit):
                main(argv)
            shown = capsys.readouterr().err
            assert secret[0].partition("=")[0] in shown
            assert "s3cret" not in shown
