"""The journal as a DataFrame: every write comes back, of all months, also beside torn lines."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import xentara_nb
from tests.writes.lines import KEY, dtypes, line
from xentara_nb import read_journal
from xentara_nb.errors import OptionError
from xentara_nb.writes import journal_reading
from xentara_nb.writes.journal import Journal, JournalWarning
from xentara_nb.writes.journal_reading import last_writes, take_lines
from xentara_nb.writes.journal_rows import JournalRows
from xentara_nb.writes.outcome import Outcome

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


def test_an_empty_journal(journal, tmp_path):
    for path in (None, Journal(journal), False, tmp_path / "empty"):
        if path == tmp_path / "empty":
            path.touch()
        frame = read_journal(path)
        assert len(frame) == 0
        assert dtypes(frame) == COLUMNS


def test_a_misspelt_path_is_no_empty_journal(client, journal):
    client.write(KEY, 1)
    for path in (journal.with_name("journals.jsonl"), str(journal.with_name("journals.jsonl"))):
        with pytest.raises(FileNotFoundError, match=r"no journal here.*did you mean 'journal.json"):
            read_journal(path)
    journal.rename(journal.with_name("journal-2026-01.jsonl"))
    assert len(read_journal(journal)) == 1  # of an earlier month


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
        with pytest.warns(JournalWarning, match="1 line of the journal"):
            frame = read_journal()
    else:
        frame = read_journal()
    assert frame["id"].tolist()[-1] == "plan-3"


def test_a_month_of_zeros_is_missed(journal):
    """As a loss of power leaves a file whose bytes were not on the disk yet."""
    Journal().note([line(1)])
    month = journal.with_name("journal-2026-01.jsonl")
    month.write_bytes(bytes(5000))
    month.chmod(0o600)
    with pytest.warns(JournalWarning, match="1 line of the journal"):
        assert len(read_journal()) == 1


def test_what_has_no_line_end_is_read_in_proportion_to_its_size(journal):
    Journal().note([line(1)])
    month = journal.with_name("journal-2026-01.jsonl")
    month.touch(0o600)
    os.truncate(month, 96 << 20)
    before = time.process_time()
    with pytest.warns(JournalWarning, match="1 line of the journal"):
        assert len(read_journal()) == 1
    assert time.process_time() - before < 5  # it is a fraction of a second


def test_a_journal_that_an_editor_has_saved(journal):
    journal.parent.mkdir()
    journal.write_bytes(f"{line(1)}\r\n{line(2)}\r\n".encode("utf-8-sig"))
    assert len(read_journal()) == 2


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
    line(1, attribute_id="value"),
    line(1, attribute_id=True),
    line(0, "outcome", outcome="FINE"),
    line(0, "outcome", read_back=[1]),
    "[" * 100_000,
]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_lines_that_are_none_are_left_out(journal, junk):
    journal.parent.mkdir()
    journal.write_text(f"{line(0)}\n{junk}\n\n{line(2)}\n{line(2, 'outcome')}\n")
    with pytest.warns(JournalWarning, match="1 line of the journal .* cannot be read"):
        frame = read_journal()
    assert frame["id"].tolist() == ["plan-0", "plan-2"]
    assert dtypes(frame) == COLUMNS


@given(st.binary(max_size=200))
def test_any_line_can_be_read_or_not(data):
    rows = JournalRows()
    take_lines(rows, data)
    assert dtypes(rows.frame()) == COLUMNS


def test_outcomes_of_a_shortened_journal(journal):
    Journal().note([line(1, "outcome"), line(9, "something new"), line(2)])
    assert read_journal()["id"].tolist() == ["plan-2"]


@pytest.mark.slow
def test_a_big_journal(journal):
    journal.parent.mkdir()
    with journal.open("w") as file:
        for number in range(25_000):
            file.write(f"{line(number)}\n{line(number, 'outcome', read_back=float(number))}\n")
    start = time.thread_time()
    frame = read_journal()
    assert time.thread_time() - start < 20  # a second or two, on a computer with nothing else to do
    assert len(frame) == 25_000
    assert frame["read_back"].tolist() == frame["value"].tolist()


def test_it_is_at_hand(client, journal):
    client.write(KEY, 1)
    assert len(xentara_nb.read_journal(client.journal)) == 1


@pytest.mark.parametrize(
    ("event", "strange"),
    [
        ("intent", {"time": "2263-01-01T00:00:00Z"}),
        ("intent", {"time": "1600-01-01T00:00:00Z"}),
        ("intent", {"process": 1 << 70}),
        ("intent", {"user": "\ud800"}),
        ("outcome", {"time": "9999-12-31T00:00:00Z", "outcome": "VERIFIED"}),
        ("outcome", {"outcome": "VERIFIED", "error": "\ud800"}),
        ("outcome", {"outcome": "VERIFIED", "error": 5}),
        ("outcome", {"outcome": "VERIFIED", "read_back": {"time": "2263-01-01T00:00:00Z"}}),
    ],
)
def test_a_line_that_cannot_be_shown_hides_no_other(tmp_path, event, strange):
    path = tmp_path / "journal.jsonl"
    lines = [line(1), line(2), line(2 if event == "outcome" else 3, event, **strange)]
    path.write_text("\n".join(lines) + "\n")
    with pytest.warns(JournalWarning, match="1 line of the journal"):
        frame = read_journal(path)
    assert list(frame["id"]) == ["plan-1", "plan-2"]
    assert set(frame["outcome"]) == {"UNKNOWN"}
    assert frame["finished"].isna().all()


# Several months, and the end of the journal.


def months(journal, count=3, each=2):
    """Write a journal of so many months, so many writes in each; the last one is the present."""
    journal.parent.mkdir(exist_ok=True)
    for month in range(count):
        name = "journal.jsonl" if month == count - 1 else f"journal-2026-{month + 1:02}.jsonl"
        numbers = range(month * each, (month + 1) * each)
        lines = [f"{line(n)}\n{line(n, 'outcome')}\n" for n in numbers]
        (journal.parent / name).write_text("".join(lines))
        (journal.parent / name).chmod(0o600)


def test_all_months_are_read_in_order(journal):
    months(journal)
    for name in ("journal-2026-1.jsonl", "journal-2026-01.jsonl.bak", "other-2026-01.jsonl"):
        (journal.parent / name).write_text(line(99))
    frame = read_journal()
    assert frame["id"].tolist() == [f"plan-{number}" for number in range(6)]
    assert set(frame["outcome"]) == {"VERIFIED"}
    # A month by itself, and what is left when the present file was moved away.
    assert len(read_journal(journal.parent / "journal-2026-01.jsonl")) == 2
    journal.unlink()
    assert len(read_journal()) == 4


def test_an_outcome_in_the_month_after(journal):
    months(journal, count=2, each=1)
    (journal.parent / "journal-2026-01.jsonl").write_text(line(7) + "\n" + line(8)[:50])
    journal.write_text(line(7, "outcome") + "\n" + line(9) + "\n")
    frame = read_journal()  # the torn line at the end of a month is no reason to warn
    assert frame["id"].tolist() == ["plan-7", "plan-9"]
    assert frame["outcome"].tolist() == ["VERIFIED", "UNKNOWN"]


def test_a_file_that_is_put_aside_while_it_is_read_is_read_once(journal, monkeypatch):
    months(journal, count=1, each=3)
    journal.write_text(journal.read_text() + "nothing\n")
    listed = Path.iterdir

    def put_aside(folder):
        journal.rename(journal.with_name("journal-2026-10.jsonl"))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", put_aside)
    with pytest.warns(JournalWarning, match="1 line of"):
        assert len(read_journal()) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="other rights")
def test_a_month_that_others_may_write_is_not_read(journal):
    months(journal)
    (journal.parent / "journal-2026-01.jsonl").chmod(0o666)
    with pytest.raises(OptionError, match=r"journal-2026-01.*others may write it"):
        read_journal()


def test_a_journal_that_is_far_too_large(journal, monkeypatch):
    months(journal)
    monkeypatch.setattr(journal_reading, "MAX_BYTES", journal.stat().st_size * 2)
    with pytest.raises(OptionError, match=r"its earlier months.*move the oldest"):
        read_journal()


def lines_of(numbers, **more):
    more = {"process": os.getpid(), "server": "here", **more}
    return "".join(f"{line(n, **more)}\n{line(n, 'outcome')}\n" for n in numbers)


def test_the_last_writes(journal, monkeypatch):
    journal.parent.mkdir()
    now = datetime.now(UTC).isoformat()
    other = lines_of(range(1000, 1300), process=1, time=now)
    parts = [
        lines_of(range(2000, 3000)),  # a process of the same number, long ago
        other,
        lines_of(range(3), time=now),
        lines_of(range(500, 505), time=now, server="elsewhere"),
        lines_of(range(3, 5), time=now),
    ]
    journal.write_text("".join(parts) + "half a li")
    monkeypatch.setattr(journal_reading, "TAIL", 500)
    for count, complete in ((2, False), (4, False), (5, True), (9, True)):
        frame, all_of_them = last_writes(journal, "here", count)
        assert frame["id"].tolist() == [f"plan-{n}" for n in (4, 3, 2, 1, 0)][:count]
        assert all_of_them is complete
        assert set(frame["outcome"]) == {"VERIFIED"}
    # What is older than this process is not looked at.
    read = []
    take = JournalRows.take

    def watched(rows, taken):
        read.append(taken)
        return take(rows, taken)

    monkeypatch.setattr(JournalRows, "take", watched)
    last_writes(journal, "here", 1000)
    assert any("'plan-2999'" in str(each) for each in read)
    assert not any("'plan-2000'" in str(each) for each in read)


def test_the_last_writes_go_back_into_the_month_before(journal):
    months(journal, count=3, each=1)
    now = datetime.now(UTC).isoformat()
    (journal.parent / "journal-2026-02.jsonl").write_text(lines_of(range(4), time=now))
    journal.write_text(lines_of(range(4, 6), time=now))
    frame, complete = last_writes(journal, "here", 10)
    assert frame["id"].tolist() == [f"plan-{n}" for n in (5, 4, 3, 2, 1, 0)]
    assert complete


@pytest.mark.parametrize("size", range(1, 1200, 53))
def test_the_end_begins_with_a_whole_line(journal, monkeypatch, size):
    journal.parent.mkdir()
    journal.write_text(lines_of(range(3), time=datetime.now(UTC).isoformat()))
    monkeypatch.setattr(journal_reading, "TAIL", size)
    frame, complete = last_writes(journal, "here", 3)
    assert frame["id"].tolist() == ["plan-2", "plan-1", "plan-0"]
    assert complete


def test_the_last_writes_of_no_journal(journal):
    for path in (False, journal):
        frame, complete = last_writes(path, "here", 3)
        assert dtypes(frame) == COLUMNS
        assert (len(frame), complete) == (0, True)
