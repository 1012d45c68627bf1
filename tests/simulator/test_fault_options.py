"""Faults as they are written on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from xentara_nb.cli import main
from xentara_nb.protocol.commands import GetStage
from xentara_nb.protocol.packets import Success
from xentara_nb.simulator import FaultError, Simulator, simulate
from xentara_nb.simulator.fault_options import USAGE, parse_fault

Dial = Callable[..., Any]
SET_POINT = "Plant.Line 1.Set point"


@pytest.fixture
def simulator(plant: Simulator) -> Simulator:
    return plant


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("delay=0.5", "delay 0.5 s"),
        ("delay=0.5,0.1", "delay 0.5 s"),
        ("drop-in=100", "drop"),
        ("drop-out=0,all", "drop"),
        ("lose=write", "lose"),
        ("lose-answer=write,3", "lose"),
        ("refuse-writes=0.5,-32107,3", "refuse writes"),
        ("refuse-writes=1", "refuse writes"),
        (f"bad-quality={SET_POINT}", "1 faulty elements"),
        (f"bad-quality=unreliable:{SET_POINT}", "1 faulty elements"),
        (f"read-error={SET_POINT}", "1 faulty elements"),
        (f"no-follow={SET_POINT}", "1 faulty elements"),
        (f"slow-follow=2:{SET_POINT}", "1 faulty elements"),
        ("no-pong", "no pong"),
        ("vanish=Plant", "none"),
    ],
)
def test_faults_of_the_command_line(text: str, shown: str, simulator: Simulator) -> None:
    assert parse_fault(text)(simulator) is None
    assert repr(simulator.faults) == f"<Faults: {shown}>"


def test_a_later_restart(dial: Dial) -> None:
    with simulate() as simulator:
        wire = dial(simulator)
        timer = parse_fault("restart=0.1")(simulator)
        assert timer is not None
        with pytest.raises(ConnectionClosed):
            wire.connection.recv(timeout=10)
        timer.join(10)
        assert dial(simulator).ask(GetStage()) == [Success(1, 2)]


@pytest.mark.parametrize(
    "text",
    ["", "delya=1", "delay", "delay=x", "drop-in=", "no-pong=1", "no-follow=", "slow-follow=1"],
)
def test_faults_that_are_written_wrong(text: str) -> None:
    with pytest.raises(FaultError):
        parse_fault(text)


def test_help_names_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    # Help is broken into lines, also within words.
    shown = "".join(capsys.readouterr().out.split())
    assert "oneof:" + "".join(", ".join(USAGE.values()).split()) in shown
