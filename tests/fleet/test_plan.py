"""Writes to a fleet: shown by server, sent in a stated order, each at most once."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from xentara_nb import Fleet, Server, read_journal
from xentara_nb.errors import (
    OptionError,
    ServerError,
    WriteDiffersError,
    WriteOutcomeUnknownError,
    WriteRefusedError,
)
from xentara_nb.fleet.plan import FleetPlan
from xentara_nb.simulator import Simulator
from xentara_nb.writes.journal import Journal

SET_POINT, BATCH = "Plant.Line 1.Set point", "Plant.Line 1.Batch"
ORDER = ["south", "north"]
ROOT = Path(__file__).parent.parent.parent


def written(plants: dict[str, Simulator]) -> dict[str, list[object]]:
    return {name: plant.writes["sent"].tolist() for name, plant in plants.items()}


def test_server_by_server_in_the_order_of_the_plan(
    fleet: Fleet, plants: dict[str, Simulator], journal: Path
) -> None:
    plan = fleet.plan_writes({SET_POINT: 195, BATCH: 7}, servers=ORDER)
    assert plan.ok
    assert len(plan) == 4
    assert plan.frame[["server", "value"]].values.tolist() == [
        ["south", 195.0],
        ["south", 7],
        ["north", 195.0],
        ["north", 7],
    ]
    assert "4 writes to 2 servers (south, then north), nothing was sent yet" in repr(plan)
    assert "4 ok (no policy: no limits were checked)\n" in repr(plan)
    assert "<td" in plan._repr_html_()
    rehearsed = plan.apply(dry_run=True)
    assert set(rehearsed.frame["outcome"]) == {"SKIPPED"}
    assert written(plants) == {"north": [], "south": []}

    report = plan.apply()
    assert report.ok
    assert report is plan.report
    assert report.counts == {"VERIFIED": 4}
    assert written(plants) == {"north": [195.0, 7], "south": [195.0, 7]}
    first = [url.rpartition(":")[2][:5] for url in read_journal(journal)["server"]]
    assert first == [str(plants[name].port) for name in ("south", "south", "north", "north")]

    back = report.undo()
    assert back.order == ["north", "south"]
    assert back.frame["primary_key"].tolist() == [BATCH, SET_POINT, BATCH, SET_POINT]
    assert back.apply().ok


def test_a_plan_is_good_for_one_apply(fleet: Fleet, plants: dict[str, Simulator]) -> None:
    plan = fleet.plan_writes({SET_POINT: 195}, servers=ORDER)
    plan.apply()
    assert plan.applied
    with pytest.raises(WriteRefusedError, match="was applied already"):
        plan.apply()
    assert written(plants) == {"north": [195.0], "south": [195.0]}


@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_a_plan_of_which_a_part_was_applied_alone_is_sent_to_no_one(
    fleet: Fleet, plants: dict[str, Simulator], on_error: str
) -> None:
    plan = fleet.plan_writes({SET_POINT: 195}, servers=ORDER)
    plan.plans[ORDER[-1]].apply(verify=False)
    before = written(plants)
    with pytest.raises(WriteRefusedError, match=f"the plan for {ORDER[-1]} was applied alone"):
        plan.apply(on_error=on_error)
    assert written(plants) == before
    assert plan.report is None
    assert not plan.applied


def test_a_part_that_is_applied_alone_meanwhile_is_no_part_of_the_report(
    fleet: Fleet, plants: dict[str, Simulator]
) -> None:
    plan = fleet.plan_writes({SET_POINT: 195}, servers=ORDER)
    last = ORDER[-1]

    def alone(done: int, total: int) -> None:
        plan.plans[last].apply(verify=False)

    report = plan.apply(verify=False, progress=alone)
    assert report.frame["outcome"].tolist() == ["APPLIED", "SKIPPED"]
    assert "was applied already" in report.frame["error"].iloc[-1]
    assert len(written(plants)[last]) == 1


def test_an_engine_cannot_have_a_plan(fleet: Fleet) -> None:
    """A task that is run twice would have two of it."""
    plan = fleet.plan_writes({SET_POINT: 195}, servers=ORDER)
    for what in (plan, plan.plans["south"], fleet):
        with pytest.raises(TypeError):
            pickle.dumps(what)
    with pytest.raises(TypeError, match="good for one apply"):
        copy.copy(plan)


def test_the_first_failure_stops_all(fleet: Fleet, plants: dict[str, Simulator]) -> None:
    plan = fleet.plan_writes({SET_POINT: 195}, servers=ORDER)
    plants["south"].faults.refuse_writes(1.0)
    report = plan.apply()
    assert report.frame[["server", "outcome"]].values.tolist() == [
        ["south", "REJECTED"],
        ["north", "SKIPPED"],
    ]
    assert "on south, which is REJECTED" in report.frame["error"].iloc[1]
    assert written(plants)["north"] == []
    assert not report.ok
    with pytest.raises(ServerError):
        report.raise_for_outcome()


def test_or_goes_on(fleet: Fleet, plants: dict[str, Simulator]) -> None:
    plan = fleet.plan_writes({SET_POINT: 195}, servers=ORDER)
    plants["south"].faults.no_follow(SET_POINT)
    report = plan.apply(on_error="continue", verify_within=0.0)
    assert report.frame["outcome"].tolist() == ["DIFFERS", "VERIFIED"]
    with pytest.raises(WriteDiffersError):
        report.raise_for_outcome()
    plants["south"].faults.clear()
    assert report.resolve(within=0.0).frame["outcome"].tolist()[1] == "VERIFIED"


def test_a_lost_answer_is_unknown_and_stops_all(fleet: Fleet, plants: dict[str, Simulator]) -> None:
    plan = fleet.plan_writes({SET_POINT: 195}, servers=ORDER)
    plants["south"].faults.lose("write")
    report = plan.apply(verify=False, if_unchanged=False)
    assert report.frame["outcome"].tolist() == ["UNKNOWN", "SKIPPED"]
    assert len(written(plants)["south"]) <= 1
    with pytest.raises(WriteOutcomeUnknownError):
        report.raise_for_outcome()
    assert report.resolve().frame["outcome"].iloc[0] in ("VERIFIED", "DIFFERS")


def test_what_guards_refuse_on_one_server_is_sent_to_none(
    fleet: Fleet, plants: dict[str, Simulator]
) -> None:
    plan = fleet.plan_writes({"north": {SET_POINT: 195}, "south": {SET_POINT: "warm"}})
    assert not plan.ok
    with pytest.raises(WriteRefusedError, match="guards refuse some of the plan for south"):
        plan.apply()
    assert written(plants) == {"north": [], "south": []}
    report = plan.apply(skip_refused=True)
    assert report.frame["outcome"].tolist() == ["VERIFIED", "SKIPPED"]


def test_no_plan_for_one_server(fleet_with_a_failure: Fleet, plants: dict[str, Simulator]) -> None:
    plan = fleet_with_a_failure.plan_writes({SET_POINT: 195}, servers=["locked", "north"])
    assert plan.order == ["north"]
    assert list(plan.failures) == ["locked"]
    assert fleet_with_a_failure.failures["server"].tolist() == ["locked"]
    assert "no plan for locked" in repr(plan)
    with pytest.raises(WriteRefusedError, match="there is no plan for locked"):
        plan.apply()
    assert written(plants)["north"] == []
    assert plan.apply(skip_failed=True).ok


def test_what_ends_between_plan_and_apply(fleet: Fleet, plants: dict[str, Simulator]) -> None:
    plan = fleet.plan_writes({SET_POINT: 195}, servers=ORDER)
    fleet["south"].close()
    # Nothing was sent, so the plan can be applied later.
    with pytest.raises(Exception, match="this client is closed"):
        plan.apply()
    assert not plan.applied
    assert plan.report is not None
    assert "this client is closed" in plan.report.frame["error"].iloc[0]
    report = plan.apply(on_error="continue")
    assert report.frame["outcome"].tolist() == ["SKIPPED", "VERIFIED"]


def test_a_policy_and_read_only_hold_for_each_server(
    server_of: Callable[..., Server], tmp_path: Path
) -> None:
    with Fleet([server_of("north")], read_only=True, journal=False) as fleet:
        plan = fleet.plan_writes({SET_POINT: 195}, servers="north")
        with pytest.raises(WriteRefusedError):
            plan.apply()
    policy = tmp_path / "policy.toml"
    policy.write_text('[[allow]]\nelements = ["Plant.Line 2.*"]\n')
    with Fleet([server_of("north")], policy=policy, journal=False) as fleet:
        assert not fleet.plan_writes({SET_POINT: 195}, servers="north").ok


@pytest.mark.parametrize("options", [{"on_error": "retry"}, {"session": 1}, {"batch_size": 0}])
def test_options_that_make_no_sense(fleet: Fleet, options: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        fleet.plan_writes({SET_POINT: 195}, servers=ORDER).apply(**options)


def test_an_interrupt_leaves_a_report(
    fleet: Fleet, plants: dict[str, Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = fleet.plan_writes({SET_POINT: 195}, servers=ORDER)
    connections = dict(plan.plans)

    def interrupted(*_: object, **options: object) -> object:
        if options.get("dry_run"):
            return dry(**options)
        raise KeyboardInterrupt

    dry = connections["north"].apply
    monkeypatch.setattr(connections["north"], "apply", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        plan.apply()
    assert "plan.report says what was sent" in caught.value.__notes__[0]
    assert plan.report is not None
    assert plan.report.frame["outcome"].tolist() == ["VERIFIED", "SKIPPED"]
    assert plan.report.frame["error"].iloc[1] == "interrupted"


def test_progress_is_of_the_writes_to_all_servers(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[int, int]] = []
    writes = {SET_POINT: 195, BATCH: 7}
    fleet.plan_writes(writes, servers=ORDER).apply(progress=lambda *state: seen.append(state))
    assert sorted(set(seen)) == [(done, 4) for done in range(1, 5)]
    assert seen == sorted(seen)
    fleet.plan_writes({SET_POINT: 196}, servers=ORDER).apply(progress=True)
    shown = capsys.readouterr().err
    assert "2/2" in shown
    assert "1/1" not in shown


def test_an_error_of_what_shows_the_progress_hides_nothing_that_was_sent(
    fleet: Fleet, plants: dict[str, Simulator]
) -> None:
    """Also one of this library, which is no failure of the server."""
    plan = fleet.plan_writes({SET_POINT: 195}, servers=ORDER)

    def show(done: int, total: int) -> None:
        raise OptionError("the screen is full")

    with pytest.raises(OptionError, match="the screen is full"):
        plan.apply(on_error="continue", progress=show, verify=False)
    assert plan.applied
    assert plan.report is not None
    assert [result.sent for result in plan.report] == [True, False]
    assert written(plants) == {"north": [], "south": [195.0]}


def test_nothing_to_write() -> None:
    plan = FleetPlan({}, {})
    assert len(plan) == 0
    assert plan.apply().ok
    assert "0 writes to 0 servers" in repr(plan)


_PROGRAM = """
import sys
from xentara_nb import Fleet, Server
journal, *servers = sys.argv[1:]
fleet = Fleet(
    [Server(name, url, "engineer", "env:PLANT", fingerprint=pin)
     for name, url, pin in zip(*[iter(servers)] * 3)],
    journal=journal,
)
plan = fleet.plan_writes({"Plant.Line 1.Set point": 195}, servers=["south", "north"])
print("planned", flush=True)
sys.stdin.readline()
plan.apply(verify=False, if_unchanged=False)
"""


def test_who_is_killed_in_the_middle_leaves_unknown(
    fleet: Fleet, plants: dict[str, Simulator], journal: Path
) -> None:
    """The intent is in the journal before the bytes go out, and nothing is ever sent again."""
    servers = [
        text
        for name in ("north", "south")
        for text in (name, plants[name].url, plants[name].fingerprint)
    ]
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(journal), *servers],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PLANT": "engineer-demo"},
    ) as program:
        assert program.stdout is not None
        assert program.stdin is not None
        assert program.stdout.readline() == "planned\n"
        plants["south"].faults.delay(60)  # so it is sent, and not answered
        program.stdin.write("\n")
        program.stdin.flush()
        while not journal.exists() or b"intent" not in journal.read_bytes():
            assert program.poll() is None
        os.kill(program.pid, signal.SIGKILL)
        program.wait(30)
    plants["south"].faults.clear()
    entries = read_journal(journal)
    assert entries[["value", "outcome"]].values.tolist() == [[195.0, "UNKNOWN"]]
    assert len(written(plants)["south"]) <= 1
    assert written(plants)["north"] == []


def test_undo_where_a_server_is_gone(fleet: Fleet, plants: dict[str, Simulator]) -> None:
    report = fleet.plan_writes({SET_POINT: 195}, servers=ORDER).apply()
    fleet["south"].close()
    back = report.undo()
    assert back.order == ["north"]
    assert list(back.failures) == ["south"]
    report.raise_for_outcome()


def test_what_is_not_sent_any_more_stops_all(
    fleet: Fleet, plants: dict[str, Simulator], journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here there is no room for the second intent; the server behind must not get its part."""
    plan = fleet.plan_writes({SET_POINT: 195, BATCH: 7}, servers=ORDER)
    intend, full = Journal.intend, WriteRefusedError("the journal cannot be written")

    def intend_once(self: Journal, lines: Iterable[str]) -> None:
        if journal.exists() and b"intent" in journal.read_bytes():
            raise full
        intend(self, lines)

    monkeypatch.setattr(Journal, "intend", intend_once)
    report = plan.apply()
    assert report.frame["outcome"].tolist() == ["VERIFIED", "SKIPPED", "SKIPPED", "SKIPPED"]
    assert "on south, which is SKIPPED" in report.frame["error"].iloc[2]
    assert written(plants) == {"north": [], "south": [195.0]}


def test_one_server_under_two_names_is_not_written_to_twice(
    server_of: Callable[..., Server], plants: dict[str, Simulator]
) -> None:
    alias = replace(server_of("north", name="alias"), address=f"LOCALHOST:{plants['north'].port}")
    with Fleet([server_of("north"), alias, server_of("south")], journal=False) as fleet:
        with pytest.raises(WriteRefusedError, match="north and alias are one server"):
            fleet.plan_writes({SET_POINT: 195}, servers=fleet.servers)
        assert len(fleet.read(SET_POINT, "value")) == 3
        assert fleet.plan_writes({SET_POINT: 195}, servers=["alias", "south"]).ok


def test_what_is_perhaps_one_server_is_a_doubt_and_no_refusal(
    server_of: Callable[..., Server], plants: dict[str, Simulator], tmp_path: Path
) -> None:
    """Two names of one computer are not known as such, nor are copies of a server as two."""
    other = replace(server_of("north", name="other"), address=f"127.1:{plants['north'].port}")
    policy = tmp_path / "policy.toml"
    policy.write_text("max_rows = 1\n")
    servers = [server_of("north"), other, server_of("south")]
    with Fleet(servers, policy=policy, journal=False) as fleet:
        plan = fleet.plan_writes({SET_POINT: 195}, servers=fleet.servers)
        (doubt,) = plan.doubts
        assert doubt.startswith("north, other have the same certificate and elements")
        assert doubt in repr(plan)
        assert "allows 1 row to each server, not in all" in repr(plan)
        assert plan.ok
        one = fleet.plan_writes({"north": {SET_POINT: 195}, "other": {BATCH: 7}})
        assert one.doubts == ()
        assert not fleet.plan_writes({SET_POINT: 195, BATCH: 7}, servers=["north", "south"]).ok


def test_rows_go_to_the_server_that_they_are_of(fleet: Fleet) -> None:
    rows = pd.DataFrame(
        {"server": ["north", "south"], "primary_key": [SET_POINT, BATCH], "value": [195, 7]}
    )

    def planned(plan: FleetPlan) -> list[list[str]]:
        return plan.frame[["server", "primary_key"]].values.tolist()

    assert planned(fleet.plan_writes(rows, servers=["south"])) == [["south", BATCH]]
    with pytest.raises(WriteRefusedError, match="no row is of the server north"):
        fleet.plan_writes(rows.iloc[1:], servers=["north"])
    with pytest.raises(WriteRefusedError, match="rows of 2 servers, such as north and south"):
        fleet["north"].plan_writes(rows)
    with pytest.raises(WriteRefusedError, match="rows of 2 servers"):
        fleet["north"].plan_writes(rows.rename(columns={"server": "Server"}))
    with pytest.raises(WriteRefusedError, match="the column Server is not known: call it server"):
        fleet.plan_writes(rows.rename(columns={"server": "Server"}), servers=["south"])
    with pytest.raises(WriteRefusedError, match="rows of 2 servers"):
        fleet["north"].plan_writes(rows.set_index("server"))
    assert planned(fleet.plan_writes(rows.set_index("server"), servers=["south"])) == [
        ["south", BATCH]
    ]
    records = rows.to_dict("records")
    assert planned(fleet.plan_writes(records)) == [["north", SET_POINT], ["south", BATCH]]
    assert planned(fleet.plan_writes(records[1])) == [["south", BATCH]]
    with pytest.raises(WriteRefusedError, match="no row is of the server north"):
        fleet.plan_writes(records[1:], servers=["north"])
    once = {"primary_key": SET_POINT, "value": 195}
    with pytest.raises(WriteRefusedError, match="the column Server is not known"):
        fleet.plan_writes([{"Server": "north", **once}], servers=["south"])
    with pytest.raises(OptionError, match="a row names no server"):
        fleet.plan_writes([*records, once])
    with pytest.raises(WriteRefusedError, match="rows of 2 servers"):
        fleet["north"].plan_writes(records)
    # The servers share nothing that is used up by the first one.
    assert planned(fleet.plan_writes(iter([once]), servers=ORDER)) == [
        ["south", SET_POINT],
        ["north", SET_POINT],
    ]


def test_it_says_of_which_numbers_no_limits_were_checked(
    server_of: Callable[..., Server], tmp_path: Path
) -> None:
    """As the plan for one server does; what is refused is not sent without limits."""
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[[limits]]\nkeys = ["{SET_POINT}"]\nmaximum = 300\n')
    servers = [server_of(name) for name in ORDER]
    with Fleet(servers, policy=policy, journal=False) as fleet:
        assert "no limits" not in repr(fleet.plan_writes({SET_POINT: 195}, servers=ORDER))
        text = repr(fleet.plan_writes({SET_POINT: 195, BATCH: 7}, servers=ORDER))
        assert text.count("(no rule: no limits were checked for 1 of 2 values)") == 1
        rows = pd.DataFrame({"server": ORDER, "primary_key": [SET_POINT, BATCH], "value": [195, 7]})
        text = repr(fleet.plan_writes(rows))
        assert f"({ORDER[1]}: no rule: no limits were checked)" in text
    with Fleet(servers, journal=False) as fleet:
        assert "no limits" not in repr(fleet.plan_writes({SET_POINT: "fast"}, servers=ORDER))
