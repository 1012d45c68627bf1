"""Recording from many servers at once: until all are stopped together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from xentara_nb.errors import ConnectionLostError
from xentara_nb.fleet.recorders import Run, line, record_all


class _Recorder(SimpleNamespace):
    """What a report sees of a recorder."""

    def __init__(self, rows: int = 3, lost: object = None) -> None:
        super().__init__(seconds=61.5, writer=SimpleNamespace(rows=rows, bytes=1500))
        self.watch = SimpleNamespace(lost=lost, ended=None)
        self.stopped = threading.Event()

    def stop(self) -> None:
        self.stopped.set()


def connected(runs: Mapping[str, Run]) -> dict[str, Callable[[], Run]]:
    """What connects to servers at once, by what records from them."""
    return {name: lambda run=run: run for name, run in runs.items()}  # type: ignore[misc]


def until_stopped(recorder: _Recorder) -> Run:
    def run(report: Callable[[Any], object]) -> None:
        report(recorder)
        assert recorder.stopped.wait(30)

    return run


def test_an_interrupt_stops_all() -> None:
    recorders = {name: _Recorder() for name in ("north", "south")}
    runs = connected({name: until_stopped(each) for name, each in recorders.items()})

    def interrupt(seen: Mapping[str, Any]) -> None:
        if len(seen) == 2:
            raise KeyboardInterrupt

    assert record_all(runs, None, interrupt) == {}
    assert all(each.stopped.is_set() for each in recorders.values())
    with pytest.raises(KeyboardInterrupt):
        record_all(runs, 5.0, interrupt)


def test_one_that_reports_late_is_stopped_as_well() -> None:
    recorder = _Recorder()
    begun = threading.Event()

    def late(report: Callable[[Any], object]) -> None:
        begun.wait(30)
        while not recorder.stopped.is_set():
            report(recorder)

    def interrupt(_: Mapping[str, Any]) -> None:
        begun.set()
        raise KeyboardInterrupt

    assert record_all(connected({"north": late}), None, interrupt) == {}


def test_one_that_is_not_connected_is_not_waited_for() -> None:
    recorder, answers = _Recorder(), threading.Event()
    recorded: list[str] = []

    def connect() -> Run:
        assert answers.wait(30)
        return lambda report: recorded.append("silent")

    def interrupt(seen: Mapping[str, Any]) -> None:
        if seen or not has_others:
            raise KeyboardInterrupt

    has_others = True
    servers = {**connected({"north": until_stopped(recorder)}), "silent": connect}
    failed = record_all(servers, None, interrupt)
    assert {name: str(error) for name, error in failed.items()} == {
        "silent": "it was stopped before it was connected"
    }
    has_others = False
    with pytest.raises(KeyboardInterrupt):  # nothing was recorded
        record_all({"silent": connect}, None, interrupt)
    answers.set()
    for thread in threading.enumerate():
        if thread.name.startswith("fleet"):
            thread.join(30)
    assert recorded == []


def test_errors() -> None:
    def lost(_: Callable[[Any], object]) -> None:
        raise ConnectionLostError("gone")

    def wrong(_: Callable[[Any], object]) -> None:
        raise TypeError("a mistake of ours")

    failed = record_all(connected({"north": lost, "south": lambda report: None}), 1.0, False)
    assert {name: str(error) for name, error in failed.items()} == {"north": "gone"}
    with pytest.raises(TypeError):
        record_all(connected({"north": wrong}), 1.0, False)


def test_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    recorders: dict[str, Any] = {"north": _Recorder(1000), "south": _Recorder(2500)}
    assert line(recorders) == "0:01:01: 3,500 changes of 2 servers, 3.0 kB"
    recorders |= {name: _Recorder(lost="gone") for name in "abcd"}
    assert line(recorders).endswith("no connection at present: a, b, c and 1 more")
    record_all(connected({"north": lambda report: report(recorders["north"])}), 1.0, True)
    assert "changes of 1 server," in capsys.readouterr().err
