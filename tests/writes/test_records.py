"""What is in a journal: every write comes back from its lines, also beside torn ones."""

from __future__ import annotations

import getpass
import json
import math
import os
import time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import xentara_nb
from tests.writes.lines import KEY, dtypes, line
from xentara_nb import read_journal
from xentara_nb.protocol.values import TimePoint
from xentara_nb.writes.journal import Journal, JournalWarning
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.records import decode_value, encode_value, header, parse_records

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
    back = decode_value(json.loads(encode_value(value)))
    assert type(back) is type(value)
    assert back == value or (math.isnan(back) and math.isnan(value))
    if isinstance(value, float):
        assert math.copysign(1, back) == math.copysign(1, value) or math.isnan(value)


def test_what_is_no_value_is_kept_as_a_text():
    back = decode_value(json.loads(encode_value([1, b"x"])))
    assert back == "[1, b'x']"


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
    frame, _ = parse_records(data)
    assert dtypes(frame) == COLUMNS


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


def test_an_account_without_a_name(monkeypatch):
    def no_name():
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", no_name)
    monkeypatch.setattr(os, "getpid", lambda: 2**30)  # of another process nothing is known yet
    assert '"account": ""' in header("p", "s", "u", None)


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
    with pytest.warns(JournalWarning, match="1 lines of the journal"):
        frame = read_journal(path)
    assert list(frame["id"]) == ["plan-1", "plan-2"]
    assert set(frame["outcome"]) == {"UNKNOWN"}
    assert frame["finished"].isna().all()
