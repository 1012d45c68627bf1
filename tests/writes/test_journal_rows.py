"""Many lines at once give the same rows as one after the other."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentara_nb.errors import ServerError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import Attribute, DataType
from xentara_nb.protocol.values import TimePoint
from xentara_nb.writes.journal_reading import take_lines
from xentara_nb.writes.journal_rows import JournalRows
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.records import header, intents, outcome_line, stage_intent

U = UUID("88130ce8-b9e7-4a2a-8f26-d32a931129aa")
INFOS = [
    AttributeInfo("value", 11, 2, DataType.FLOAT_64),
    AttributeInfo("quality", Attribute.QUALITY, 2, DataType.QUALITY),
    AttributeInfo('own "ä"', U, 2, 4711),
    AttributeInfo("category", Attribute.CATEGORY, 2, DataType.STRING),
]
VALUES: list[Any] = [
    *(1.5, -1e-300, 2**64 - 1, -5, True, None, "", 'a "b" \\ ü \U0001f600', math.inf, math.nan),
    *(U, TimePoint(0), TimePoint(123456789), 3, "Data Point", [1], "\ud800", "[1, 2]"),
]
COMMON = [
    header("plan", "wss://plant:8080", "anna", None),
    header("other", "wss://ä", 'a"b\\', "a sub-session"),
]


def written(number: int) -> list[str]:
    """Return the lines of one write, as they are written; each number gives another kind."""
    value, other = VALUES[number % len(VALUES)], VALUES[(number * 7 + 3) % len(VALUES)]
    target = SimpleNamespace(
        info=INFOS[number % len(INFOS)],
        primary_key=f"Plant.Pümp {number % 3}" if number % 5 else "Plant.Pump",
        element_uuid=UUID(int=number % 4),
    )
    old = ServerError("no") if number % 11 == 3 else other
    planned = SimpleNamespace(target=target, old=old, new=value)
    result: Any = SimpleNamespace(write_id=f"plan-{number}", planned=planned)
    lines = list(intents([result], COMMON[number % 2]))
    if number % 4:
        error = None if number % 3 else f"too fäst {number}"
        back = value if number % 2 else None
        lines.append(outcome_line(f"plan-{number}", list(Outcome)[number % 7], back, error))
    if number % 8 == 7:  # read back later
        lines.append(outcome_line(f"plan-{number}", Outcome.VERIFIED, other, None))
    return lines


def block(lines: list[str]) -> str:
    return "".join(f"{each}\n" for each in lines)


def compare(*blocks: str) -> list[int]:
    """Compare the rows of the two ways; return how many lines of each block are bad."""
    one_by_one, rows, bad = JournalRows(), JournalRows(), []
    for each in blocks:
        bad.append(take_lines(rows, each.encode()))
        assert bad[-1] == sum(take_lines(one_by_one, line) for line in each.encode().split(b"\n"))
    found, wanted = rows.frame(), one_by_one.frame()
    pd.testing.assert_frame_equal(found, wanted)
    for name in ("old_value", "value", "read_back"):
        assert list(map(repr, found[name])) == list(map(repr, wanted[name]))
    return bad


def test_what_was_written_is_taken() -> None:
    kinds = [block(written(number)) for number in range(400)]
    assert compare("".join(kinds)) == [0]
    assert not any(compare(*kinds[:60]))


def test_a_change_of_the_stage() -> None:
    lines = [stage_intent("s-1", COMMON[0], None, "suspended")]
    outcome = block([outcome_line("s-1", Outcome.APPLIED, None, None)])
    assert compare(block(lines), outcome) == [0, 0]


def test_outcomes_in_another_block_and_before_their_intents() -> None:
    first, second = written(1), written(7)
    assert len(second) == 3
    blocks = [[first[0], second[0]], [second[1], first[1]], [second[2]]]
    assert compare(*map(block, blocks)) == [0, 0, 0]
    assert compare(block([second[1], first[0], second[0], first[1]])) == [0]


def test_an_id_that_is_there_twice() -> None:
    once, other = written(1), written(2)
    assert compare(block([*once, *other, *once])) == [0]
    assert compare(block(once), block(other), block([once[0]])) == [0, 0, 0]


LINES = [each for number in range(24) for each in written(number)]
INTENT, OUTCOME = LINES[0], LINES[2]
DATES = [
    *("2026-02-30T00:00:00", "2026-13-01T00:00:00", "2026-01-01T24:00:00", "2026-01-01T00:00:60"),
    *("2026-00-01T00:00:00", "2026-01-00T00:00:00", "2026-01-01T00:60:00", "2024-02-29T00:00:00"),
    *("1969-12-31T23:59:59", "2262-12-31T00:00:00", "2099-12-31T23:59:59", "2026-1-01T00:00:000"),
]
NEW_VALUES = [
    *("1.5.5", "01", "1-2", "-", "NaN", "1e400", '{"what": "x"}', '{"time": "x"}', "[1]", "{}"),
    *('{"time": "2263-01-01T00:00:00Z"}', r'"a\qb"', '"a\\\tb"', '"a\tb"', '["a", 1]', '1, "x": 2'),
    *("9" * 5000, '"\x7f"', '"ä"', '"\u2028"', '{"uuid": "x"}', '{"float": "x"}', '{"other": "x"}'),
]


def changed(line: str, old: str, new: str) -> str:
    assert old in line
    return line.replace(old, new)


STRANGE = [
    *("", " ", "{}", "null", '{"event": "intent"}', f"{INTENT} ", f" {INTENT}", f"{INTENT}\r"),
    *(INTENT[:-1], f"{INTENT},{OUTCOME}", changed(INTENT, '": ', '":'), f"{INTENT}{INTENT}"),
    *(changed(INTENT, '"value": 1.5}', f'"value": {new}}}') for new in NEW_VALUES),
    *(changed(INTENT, INTENT[29:48], date) for date in DATES),
    *(changed(INTENT, '"process": ', f'"process": {new}') for new in ("0", "-", "9" * 20)),
    *(changed(INTENT, '"data_type": ', f'"data_type": {new}') for new in ("-", "9" * 20)),
    *(
        changed(INTENT, '"attribute_id": 11', f'"attribute_id": {new}')
        for new in ("true", '"value"', '"11"', "11.0", "1e400", "null", '{"uuid": "x"}')
    ),
    changed(INTENT, '"element_uuid": "', '"element_uuid": "{'),
    *(changed(INTENT, '"user": "anna"', f'"user": {new}') for new in ('"\\ud800"', "null", "5")),
    *(changed(INTENT, "plan-0", new) for new in ("plän-0", r"pl\u00e4n-0", "", '"')),
    *(changed(INTENT, "Z", new) for new in ("+02:00", "", "z")),
    changed(OUTCOME, '"outcome": "', '"outcome": "NOT_'),
    *(
        changed(OUTCOME, "}", f", {more}}}")
        for more in ('"error": 5', '"error": "\\ud800"', '"more": 1', '"read_back": [1]')
    ),
]


@pytest.mark.parametrize("strange", STRANGE, ids=range(len(STRANGE)))
def test_something_unusual_is_taken_alike_or_not_at_all(strange: str) -> None:
    assert OUTCOME.startswith('{"event": "outcome"')
    compare(block([changed(INTENT, "plan-0", "x"), strange, *LINES[1:5]]), block([strange]))


def test_an_outcome_without_an_intent_is_json_all_the_same() -> None:
    outcome = next(each for each in LINES if "\\u00e4st" in each and "read_back" in each)
    broken = [
        changed(outcome, "\\u00e4st", "\\u0e"),
        changed(outcome, '"read_back": ', '"read_back": 0'),
    ]
    assert compare(block([outcome]), *(block([each]) for each in broken)) == [0, 1, 1]


@given(st.data())
def test_a_line_that_was_changed_anywhere(data: st.DataObject) -> None:
    lines = data.draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=4))
    text = block(lines)
    at, length = data.draw(st.integers(0, len(text) - 1)), data.draw(st.integers(0, 3))
    new = data.draw(st.text(st.sampled_from('"\\,:{}[]\n 01.eE-ntäx'), max_size=3))
    text = text[:at] + new + text[at + length :]
    compare(block(LINES[:3]), text if text.endswith("\n") else f"{text}\n")


@given(st.lists(st.sampled_from(LINES), max_size=12), st.integers(0, 12))
def test_lines_in_any_order(lines: list[str], at: int) -> None:
    compare(block(lines[:at]), block(lines[at:]))
