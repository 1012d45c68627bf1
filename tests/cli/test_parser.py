"""What the command line offers in place of a command or an option that is not there."""

from __future__ import annotations

import pytest

from xentara_nb.cli import main


@pytest.mark.parametrize(
    ("argv", "offer"),
    [
        (["inventroy", "plant"], "did you mean 'inventory'?"),
        (["read", "plant", "Plant", "--fingerpint", "AB"], "did you mean '--fingerprint'?"),
        (["simulate", "--portt=1"], "did you mean '--port'?"),
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
