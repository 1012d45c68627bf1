"""The journal: on the disk before the wire, several writers at once, torn lines, full disks."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import xentara_nb
from tests.support.clients import connection_of
from xentara_nb import read_journal
from xentara_nb.errors import WriteRefusedError
from xentara_nb.protocol.values import TimePoint
from xentara_nb.writes import journal as journals
from xentara_nb.writes import records
from xentara_nb.writes.journal import Journal, JournalWarning, default_path
from xentara_nb.writes.outcome import Outcome

KEY = "Plant.Line 1.Set point"
LAMP = "Field Bus.Line 1 Coupler.Digital outputs.Lamp"
COLUMNS = {
    "time": "datetime64[ns, UTC]",
    "primary_key": "str",
    "element_uuid": "object",
    "attribute_name": "str",
    "attribute_id": "object",
    "data_type": "str",
    "old_value": "object",
    "value": "object",
    "read_back": "object",
    "outcome": "category",
    "error": "str",
    "finished": "datetime64[ns, UTC]",
    "server": "str",
    "user": "str",
    "session_user": "str",
    "account": "str",
    "computer": "str",
    "process": "Int64",
    "plan": "str",
    "id": "str",
}


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


# Where it is.


def test_the_usual_place(monkeypatch):
    monkeypatch.delenv("XENTARA_JOURNAL", raising=False)
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert default_path() == Path("/home/anna/.local/state/xentara_nb/journal.jsonl")
    monkeypatch.setenv("XDG_STATE_HOME", "relative/is/ignored")
    assert default_path() == Path("/home/anna/.local/state/xentara_nb/journal.jsonl")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_path() == Path("/state/xentara_nb/journal.jsonl")
    assert Journal().path == Journal(True).path == default_path()
    monkeypatch.setattr(sys, "platform", "darwin")
    expected = Path("/home/anna/Library/Application Support/xentara_nb/journal.jsonl")
    assert default_path() == expected
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/AppData")
    assert default_path() == Path("/AppData/xentara_nb/journal.jsonl")
    monkeypatch.delenv("LOCALAPPDATA")
    assert default_path() == Path("/home/anna/AppData/Local/xentara_nb/journal.jsonl")


def test_another_place(monkeypatch, tmp_path):
    monkeypatch.setenv("XENTARA_JOURNAL", str(tmp_path / "a"))
    assert Journal().path == tmp_path / "a"
    assert Journal(tmp_path / "b").path == tmp_path / "b"
    assert Journal(Journal("c")).path == Path("c")
    assert Journal(False).path is None
    monkeypatch.setenv("XENTARA_JOURNAL", "OFF")
    assert Journal().path is None
    assert Journal("d").path == Path("d")
    monkeypatch.setenv("HOME", "/home/anna")
    assert Journal("~/x").path == Path("/home/anna/x")
    assert repr(Journal("d")) == "<Journal d>"
    assert repr(Journal()) == "<Journal off>"


def test_a_client_without_a_journal(plant, journal):
    with plant.connect(journal=False) as client:
        assert client.write(KEY, 1).ok
        assert not journal.exists()
        # Chosen anew at any time.
        client.journal = journal
        assert client.write(KEY, 2).ok
        client.journal = False
        assert client.write(KEY, 3).ok
    assert read_journal(journal)["value"].tolist() == [2.0]


def test_it_is_for_its_user_alone(client, journal):
    client.write(KEY, 1)
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.parent.stat().st_mode) == 0o700


# What it holds.


def test_an_empty_journal(journal, tmp_path):
    for path in (journal, False, tmp_path / "empty"):
        if path == tmp_path / "empty":
            path.touch()
        frame = read_journal(path)
        assert len(frame) == 0
        assert dtypes(frame) == COLUMNS


def test_what_stands_in_it(plant, client, journal):
    client.write(KEY, 77)
    plan = client.plan_writes({KEY: 78, ("Data Types.TimePoint", 11): "2026-01-01T00:00:00Z"})
    plan.apply(session=client.create_sub_session(user="operator", password="operator-demo"))
    with client.sub_session(user="operator", password="operator-demo") as session:
        session.write(LAMP, True)
    frame = read_journal()
    assert dtypes(frame) == COLUMNS
    assert frame["primary_key"].tolist() == [
        KEY,
        KEY,
        "Data Types.TimePoint",
        LAMP,
    ]
    assert frame["element_uuid"][0] == client.lookup(KEY)
    assert frame["attribute_name"].tolist() == ["value"] * 4
    assert frame["attribute_id"].tolist() == [11] * 4
    assert frame["data_type"].tolist() == ["Float64", "Float64", "TimePoint", "Boolean"]
    assert frame["value"].tolist() == [77.0, 78.0, pd.Timestamp("2026", tz="UTC"), True]
    assert frame["old_value"][1] == frame["read_back"][0] == 77.0
    assert frame["old_value"][3] is None
    assert frame["outcome"].tolist() == ["VERIFIED", "VERIFIED", "VERIFIED", "NOT_READABLE"]
    assert frame["error"].isna().tolist() == [True, True, True, False]
    assert (frame["finished"] >= frame["time"]).all()
    assert frame["server"].unique().tolist() == [plant.url]
    assert frame["user"].unique().tolist() == ["engineer"]
    assert frame["session_user"].fillna("").tolist() == [
        "",
        "a sub-session",
        "a sub-session",
        "operator",
    ]
    assert frame["process"].unique().tolist() == [os.getpid()]
    assert frame["plan"].nunique() == 3
    assert frame["id"].is_unique
    assert frame["outcome"].cat.categories.tolist() == [str(outcome) for outcome in Outcome]


def test_no_secret_is_in_it(plant, journal):
    with plant.connect(user="operator") as client:
        session = client.sub_session(user="engineer", password="engineer-demo")
        with session:
            session.write(KEY, 1)
            client.plan_writes({KEY: 2}).apply(session=session)
        shown = repr(session)
    text = journal.read_text()
    for secret in ("engineer-demo", "operator-demo", str(session.id), session.id.hex):
        assert secret not in text
        assert secret not in shown


def test_a_rejected_write_and_a_skipped_one(plant, client, journal):
    plant.faults.refuse_writes(code=-32105, text="too\nfast", keys="Plant.Line 2.Set point")
    report = client.plan_writes({f"Plant.Line {n}.Set point": n for n in (1, 2, 3)}).apply()
    assert [str(result.outcome) for result in report] == ["VERIFIED", "REJECTED", "SKIPPED"]
    frame = read_journal()
    assert frame["outcome"].tolist() == ["VERIFIED", "REJECTED"]
    assert frame["error"][1] == "too fast (-32105)"


VALUES = (
    st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.uuids()
    | st.integers(-(2**63), 2**63 - 1).map(TimePoint)
)


@given(VALUES)
def test_every_value_comes_back(value):
    back = records._from_json(json.loads(records._ENCODE(records._to_json(value))))
    assert type(back) is type(value)
    assert back == value or (math.isnan(back) and math.isnan(value))
    if isinstance(value, float):
        assert math.copysign(1, back) == math.copysign(1, value) or math.isnan(value)


def test_what_is_no_value_is_kept_as_a_text():
    back = records._from_json(json.loads(records._ENCODE(records._to_json([1, b"x"]))))
    assert back == "[1, b'x']"


# Before the wire.


def test_the_intent_is_on_the_disk_before_the_bytes_are_on_the_wire(client, journal, monkeypatch):
    events = []
    connection = connection_of(client)
    begin, fsync = connection.begin, os.fsync

    def watched_begin(commands, *args):
        names = {command.name for command in commands}
        events.append(("begin", "write" in names, journal.exists() and journal.read_text()))
        return begin(commands, *args)

    def watched_fsync(file):
        events.append(("fsync", os.fstat(file).st_size))
        return fsync(file)

    monkeypatch.setattr(connection, "begin", watched_begin)
    monkeypatch.setattr(os, "fsync", watched_fsync)
    client.plan_writes({f"Plant.Line {n}.Set point": 5 for n in (1, 2, 3)}).apply()
    at = [index for index, event in enumerate(events) if event[:2] == ("begin", True)]
    assert len(at) == 3
    for number, index in enumerate(at, 1):
        written = events[index][2]
        assert written.count('"event": "intent"') == number
        # One to three: the file, and once the folder that its name is in.
        assert "fsync" in [event[0] for event in events[index - 2 : index]]


def test_one_sync_for_a_message(client, journal, monkeypatch):
    client.write(KEY, 1)
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(file), fsync(file)))
    client.plan_writes({f"Plant.Line {n}.Set point": 6 for n in (1, 2, 3)}).apply(
        on_error="continue"
    )
    assert len(synced) == 1


@pytest.mark.parametrize(
    "error", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO, errno.EACCES]
)
@pytest.mark.parametrize("call", ["open", "write", "fsync"])
def test_a_disk_that_fails_refuses_the_write(plant, client, journal, monkeypatch, call, error):
    client.write(KEY, 1)
    plan = client.plan_writes({KEY: 2})
    plant.forget()
    before = journal.read_bytes()

    def fail(*args):
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as patch:
        patch.setattr(journals.os, call, fail)
        for write in (lambda: client.write(KEY, 2), plan.apply):
            with pytest.raises(WriteRefusedError, match=r"(?s)cannot be written.*nothing was sent"):
                write()
    assert len(plant.writes) == 0
    assert journal.read_bytes() == before
    assert plan.apply().ok  # nothing was sent, so the plan is as good as before


def test_a_disk_that_fills_up_leaves_no_torn_line(client, journal, monkeypatch):
    client.write(KEY, 1)
    before = journal.read_bytes()
    write = os.write
    calls = []

    def fill(file, data):
        calls.append(data)
        if len(calls) == 1:
            return write(file, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journals.os, "write", fill)
        with pytest.raises(WriteRefusedError, match="No space left"):
            client.write(KEY, 2)
    assert journal.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_device(plant, client):
    client.journal = Journal("/dev/full")
    with pytest.raises(WriteRefusedError, match="/dev/full cannot be written"):
        client.write(KEY, 1)
    assert len(plant.writes) == 0


def test_a_folder_that_cannot_be_made(plant, client, tmp_path):
    (tmp_path / "file").touch()
    client.journal = Journal(tmp_path / "file" / "journal.jsonl")
    with pytest.raises(WriteRefusedError, match="cannot be written"):
        client.write(KEY, 1)
    client.journal = Journal(tmp_path)
    with pytest.raises(WriteRefusedError, match="Is a directory"):
        client.write(KEY, 1)
    client.journal = Journal("a\0b")
    with pytest.raises(WriteRefusedError, match="a\0b cannot be written"):
        client.write(KEY, 1)
    assert len(plant.writes) == 0


def test_an_outcome_that_cannot_be_noted_is_a_warning(plant, client, journal, monkeypatch):
    plan = client.plan_writes({KEY: 3, "Plant.Line 2.Set point": 3})
    fsync = os.fsync

    def full_from_now_on(file):
        fsync(file)
        patch.setattr(journals.os, "write", lambda *args: fail())

    def fail():
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journals.os, "fsync", full_from_now_on)
        with pytest.warns(JournalWarning, match="will show the outcome of the last writes"):
            report = plan.apply()
    # The first was sent, and of that the report is right; there was no room to intend the second.
    assert [str(result.outcome) for result in report] == ["VERIFIED", "SKIPPED"]
    assert "No space left" in report[1].reason
    assert read_journal()["outcome"].tolist() == ["UNKNOWN"]
    assert len(plant.writes) == 1


# Several writers, torn lines.


def line(number: int, event: str = "intent", **more: object) -> str:
    record = {
        "event": event,
        "id": f"plan-{number}",
        "time": "2026-01-02T03:04:05.678901Z",
        "plan": "plan",
        "server": "wss://plant:8080/api/ws",
        "user": "anna",
        "session_user": None,
        "account": "a",
        "computer": "c",
        "process": 1,
        "primary_key": KEY,
        "element_uuid": "88130ce8-b9e7-4a2a-8f26-d32a931129aa",
        "attribute_name": "value",
        "attribute_id": 11,
        "data_type": 10,
        "old_value": 1.5,
        "value": float(number),
    }
    if event == "outcome":
        record = {name: record[name] for name in ("event", "id", "time")} | {"outcome": "VERIFIED"}
    return json.dumps(record | more)


def test_an_intent_without_an_outcome_is_unknown(journal):
    Journal().note([line(1), line(2), line(2, "outcome")])
    frame = read_journal()
    assert frame["outcome"].tolist() == ["UNKNOWN", "VERIFIED"]
    assert frame["finished"].isna().tolist() == [True, False]


@pytest.mark.parametrize("length", range(0, 330, 7))
def test_a_torn_last_line(journal, length):
    journal.parent.mkdir()
    journal.write_text(f"{line(1)}\n{line(2)}"[: len(line(1)) + 1 + length])
    frame = read_journal()  # without a warning
    whole = length >= len(line(2))
    assert frame["id"].tolist() == ["plan-1", "plan-2"][: 1 + whole]
    # The next writer does not write behind it.
    Journal().note([line(3)])
    if 0 < length < len(line(2)):
        with pytest.warns(JournalWarning, match="1 lines of the journal"):
            frame = read_journal()
    else:
        frame = read_journal()
    assert frame["id"].tolist()[-1] == "plan-3"


def test_a_whole_line_without_its_end(journal):
    journal.parent.mkdir()
    journal.write_text(line(1))
    assert len(read_journal()) == 1
    Journal().note([line(2)])
    assert len(read_journal()) == 2


JUNK = [
    "{",
    "[]",
    "null",
    "5",
    '"text"',
    "{}",
    '{"event": "intent"}',
    "\x00",
    "NaN",
    line(1, time="yesterday"),
    line(1, time="2026-01-01T00:00:00"),
    line(1, id=5),
    line(1, element_uuid="x"),
    line(1, value={"time": "x"}),
    line(1, value={"what": 1}),
    line(1, value=[1]),
    line(1, primary_key=5),
    line(1, process="many"),
    line(1, data_type=None),
    line(0, "outcome", outcome="FINE"),
    line(0, "outcome", read_back=[1]),
    "[" * 100_000,
]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_lines_that_are_none_are_left_out(journal, junk):
    journal.parent.mkdir()
    journal.write_text(f"{line(0)}\n{junk}\n\n{line(2)}\n{line(2, 'outcome')}\n")
    with pytest.warns(JournalWarning, match="1 lines of the journal .* cannot be read"):
        frame = read_journal()
    assert frame["id"].tolist() == ["plan-0", "plan-2"]
    assert dtypes(frame) == COLUMNS


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(data):
    found: dict = {}
    for piece in data.split(b"\n"):
        records._take(found, piece)
    assert dtypes(records._frame(list(found.values()))) == COLUMNS


def test_outcomes_of_a_shortened_journal(journal):
    Journal().note([line(1, "outcome"), line(9, "something new"), line(2)])
    assert read_journal()["id"].tolist() == ["plan-2"]


def test_several_threads_write_whole_lines(journal):
    def write(start: int) -> None:
        for number in range(start, start + 50):
            Journal().note([line(number), line(number, "outcome")])

    threads = [threading.Thread(target=write, args=(start * 1000,)) for start in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frame = read_journal()
    assert len(frame) == 300
    assert (frame["outcome"] == "VERIFIED").all()


def test_several_programs_write_whole_lines(journal):
    program = (
        "import sys; from xentara_nb.writes.journal import Journal\n"
        "sys.stdin.readline()\n"
        "for line in sys.stdin: Journal().note([line.rstrip()])"
    )
    with contextlib.ExitStack() as stack:
        programs = [
            stack.enter_context(
                subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, text=True)
            )
            for _ in range(3)
        ]
        for number, each in enumerate(programs):
            lines = [line(number * 1000 + n, e) for n in range(100) for e in ("intent", "outcome")]
            assert each.stdin is not None
            each.stdin.write("\n" + "".join(f"{text}\n" for text in lines))
            each.stdin.close()
        assert [each.wait(60) for each in programs] == [0, 0, 0]
    frame = read_journal()
    assert len(frame) == 300
    assert (frame["outcome"] == "VERIFIED").all()


@pytest.mark.slow
def test_a_big_journal(journal):
    journal.parent.mkdir()
    with journal.open("w") as file:
        for number in range(25_000):
            file.write(f"{line(number)}\n{line(number, 'outcome', read_back=float(number))}\n")
    start = time.monotonic()
    frame = read_journal()
    assert time.monotonic() - start < 20  # a second or two, on a computer with nothing else to do
    assert len(frame) == 25_000
    assert frame["read_back"].tolist() == frame["value"].tolist()


def test_a_lock_that_is_held_for_long(plant, client, journal, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    client.write(KEY, 1)
    plant.forget()
    monkeypatch.setattr(journals, "_LOCK_PATIENCE", 0.05)
    with journal.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(WriteRefusedError, match="another program holds it"):
            client.write(KEY, 2)
        # An outcome is noted all the same: it is appended in one piece.
        Journal().note([line(1)])
    assert len(plant.writes) == 0
    assert read_journal()["id"].tolist()[-1] == "plan-1"


def test_a_file_system_without_locks(client, journal, monkeypatch):
    def no_locks(*args):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(journals, "_lock", no_locks)
    assert client.write(KEY, 1).ok
    assert read_journal()["outcome"].tolist() == ["VERIFIED"]


def test_a_journal_that_is_moved_away_is_begun_anew(client, journal):
    client.write(KEY, 1)
    journal.rename(journal.with_suffix(".1"))
    client.write(KEY, 2)
    assert read_journal()["value"].tolist() == [2.0]
    assert read_journal(journal.with_suffix(".1"))["value"].tolist() == [1.0]


def test_it_is_at_hand(client, journal):
    client.write(KEY, 1)
    assert len(xentara_nb.read_journal(client.journal)) == 1


def test_an_account_without_a_name(monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(records.getpass, "getuser", nobody)
    records._program.cache_clear()
    assert '"account": ""' in records.header("p", "s", "u", None)
    records._program.cache_clear()
