from __future__ import annotations

import os
import re
import sys
import unicodedata
from datetime import UTC, datetime, time
from fnmatch import fnmatchcase
from time import thread_time
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import xentara_nb
from xentara_nb.errors import PolicyError
from xentara_nb.writes.policy import MAX_BYTES, KeyLimits, TimeWindow, WritePolicy, matches

BERLIN = ZoneInfo("Europe/Berlin")

WHOLE = """
allowed = ["Plant.*.Set point", "Plant.Water Treatment.*"]
forbidden = ["*.Maximum speed"]
max_rows = 50
max_writes_per_second = 10
bad_quality = "refuse"

[time_window]
from = "06:00"
to = 22:30:00
days = ["Mon", "Fri"]
time_zone = "Europe/Berlin"

[[limits]]
keys = ["Plant.*.Set point"]
minimum = 0
maximum = 400.5
max_step = 25

[[limits]]
keys = "Plant.Line 1.*"
maximum = 300
"""


# Patterns.


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("Plant", "Plant", True),
        ("Plant", "Plant.Line 1", False),
        ("plant", "Plant", False),
        ("*", "Plant.Line 1", True),
        ("Plant.*", "Plant.Line 1.Set point", True),
        ("Plant.*", "Plant", True),  # its attribute value, whose key is Plant.value
        ("*.Set point", "Plant.Line 1.Set point", True),
        ("*.Set point", "Plant.Line 1.Set points", False),
        ("Plant.Line ?.Set point", "Plant.Line 1.Set point", True),
        ("Plant.Line ?.Set point", "Plant.Line 12.Set point", False),
        ("*.value", "Plant.Line 1", True),
        ("*.units", "Plant.Line 1", False),
        ("Plant.[Pump 1.2]", "Plant.[Pump 1.2]", True),
        ("Plant.[P]ump", "Plant.Pump", False),
        ("Plant.(a|b)+", "Plant.a", False),
        ("Plant.a.b", "Plant.aXb", False),
        ("*\n*", "a\nb", True),
        ("", "", False),
    ],
)
def test_patterns(pattern, key, expected):
    assert matches([pattern] if pattern else [], key, "value") is expected
    assert matches(("nothing", pattern or "nothing"), key, "value") is expected


@given(st.text(max_size=30))
def test_a_key_is_its_own_pattern_but_for_the_two_signs(key):
    pattern = re.sub("[*?]", "", key)
    assert not pattern or matches([pattern], pattern, "value")
    assert matches(["*"], key, "value")


@pytest.mark.parametrize("form", ["{}", "{{{}}}", "urn:uuid:{}"])
@pytest.mark.parametrize("write", [str.lower, str.upper])
def test_a_uuid_however_it_is_written(form, write):
    uuid = UUID("e3ee1071-4d88-4ba1-8e5d-0f1e4ce25ee8")
    pattern = write(form.format(uuid))
    for key in ("Plant.Line 1", str(uuid)):  # the latter of an element without a key
        assert matches([pattern], key, "value", uuid)
        assert matches(["other", f"{pattern}.val*"], key, "value", uuid)
        assert not matches([f"{pattern}.units"], key, "value", uuid)
        assert not matches([pattern.replace("e", "f").replace("E", "F")], key, "value", uuid)
    assert matches([pattern], pattern, "value")  # also as a key


@pytest.mark.parametrize("pattern", ["PLANT.line ?.*", "plant.*.set Point.VALUE", "*.SET POINT"])
def test_upper_and_lower_case(pattern):
    key = "Plant.Line 1.Set point"
    assert not matches([pattern], key, "value")
    assert matches([pattern], key, "value", ignore_case=True)
    assert matches(["TANK.FÜLLSTAND"], "Tank.Füllstand", "value", ignore_case=True)


def test_letters_that_are_two_in_upper_case():
    pairs = [
        ("Große Pumpe.Soll", "GROSSE PUMPE.SOLL"),
        ("\ufb01lter", "FILTER"),
        ("ΣΟΛΟΣ", "σολος"),
    ]
    for key, upper in pairs:
        assert key.upper() == upper.upper()
        for pattern, other in ((key, upper), (upper, key), (upper.lower(), key)):
            assert matches([pattern], other, "value", ignore_case=True)
            assert matches([f"{pattern}.*"], other, "Maß", ignore_case=True)
            assert not matches([pattern], other, "value")
    assert matches(["*.MASS"], "Tank", "Maß", ignore_case=True)
    assert matches(["Gro?e*"], "Große Pumpe", "value", ignore_case=True)


def test_many_stars_are_no_trouble():
    assert not matches(["*" * 500 + "b"], "a" * 500, "value")


# Files.


def test_a_whole_file(policy_file):
    path = policy_file(WHOLE)
    policy = WritePolicy.from_toml(path)
    assert policy == WritePolicy(
        allowed=["Plant.*.Set point", "Plant.Water Treatment.*"],
        forbidden=["*.Maximum speed"],
        max_rows=50,
        max_writes_per_second=10,
        bad_quality="refuse",
        time_window=TimeWindow(time(6), time(22, 30), BERLIN, frozenset({0, 4})),
        limits=[
            KeyLimits(["Plant.*.Set point"], 0, 400.5, 25),
            KeyLimits("Plant.Line 1.*", maximum=300),
        ],
        source=f"the policy {path}",
    )
    assert str(policy.time_window) == "06:00 to 22:30 on Mon, Fri (Europe/Berlin)"


def test_everything_may_be_left_out(policy_file):
    assert WritePolicy.from_toml(policy_file("# nothing")) == WritePolicy(
        source=f"the policy {policy_file('')}"
    )
    assert WritePolicy.from_toml(policy_file("allowed = []")).allowed == ()


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("allowed = [", "is no TOML", "Fix it there"),
        (
            "alowed = []",
            "alowed: there is no such setting",
            "Did you mean 'allowed'? There are: allow",
        ),
        ("most_rows = 5", "most_rows: there is no such setting", "It is called max_rows now"),
        ("most_writes_per_second = 5", "no such setting", "is called max_writes_per_second now"),
        (
            '[[limits]]\nkeys="a"\nlargest_step=1',
            "limits (entry 1).largest_step",
            "called max_step",
        ),
        ("allowed = 5", "allowed: it must be a list of patterns", 'Write ["Plant'),
        ('allowed = ["", "a"]', "allowed: it must be", "Write"),
        ("forbidden = [5]", "forbidden: it must be", "Write"),
        ('forbidden = [" "]', "forbidden: it must be", "Write"),
        ("max_rows = 0", "max_rows: 0 is no number of rows", "Give 1 or more"),
        ("max_rows = 2.5", "max_rows: 2.5", "Give"),
        ("max_rows = true", "max_rows: True", "Give"),
        ("max_writes_per_second = 0", "max_writes_per_second: 0 makes no sense", "leave it out"),
        ("max_writes_per_second = -1", "max_writes_per_second", "leave it out"),
        ("max_writes_per_second = nan", "max_writes_per_second: nan makes no sense", "Give"),
        ('max_writes_per_second = "10"', "max_writes_per_second", "Give"),
        ('bad_quality = "stop"', "bad_quality: 'stop' is not known", "warn, refuse, ignore"),
        ("limits = 5", "limits: it must be a list of tables", "[[limits]]"),
        ("[limits]\nkeys = []", "limits: it must be a list", "[[limits]]"),
        ("[[limits]]\nmaximum = 1", "limits (entry 1).keys: it is missing", "Say which keys"),
        ('[[limits]]\nkeys = "a"\nmax = 1', "limits (entry 1).max: there is no such", "There are"),
        ('[[limits]]\nkeys = "a"\nmaximum = "1"', "limits (entry 1).maximum: '1'", "Give a number"),
        ('[[limits]]\nkeys = "a"\nmaximum = true', "limits (entry 1).maximum: True", "Give"),
        ('[[limits]]\nkeys = "a"\nminimum = 2\nmaximum = 1', "above the maximum", "Change one"),
        ('[[limits]]\nkeys = "a"\nmax_step = -1', "max_step: it is below zero", "distance"),
        ('[[limits]]\nkeys="a"\nmaximum=1\n[[limits]]\nkeys=1', "limits (entry 2).keys", "Write"),
        ("[[limits]]\nkeys=[]\nmaximum=1", "limits (entry 1).keys: it is empty", "Say which"),
        ('[[limits]]\nkeys="a"', "limits (entry 1).minimum: no limit is given", "max_step"),
        ("time_window = 5", "time_window: it must be a table", "[time_window]"),
        ('[time_window]\nto="06:00"', "time_window.from: it is missing", '"06:00"'),
        ('[time_window]\nfrom="6"\nto="06:00"', "time_window.from: '6' is no time of day", "06:00"),
        ('[time_window]\nfrom=6\nto="06:00"', "time_window.from: 6 is no time of day", "06:00"),
        ('[time_window]\nfrom="06:00Z"\nto="07:00"', "time_window.from", "06:00"),
        (
            '[time_window]\nfrom="06:00"\nto="07:00"',
            "time_window.time_zone: it is missing",
            "Berlin",
        ),
        (
            '[time_window]\nfrom="06:00"\nto="07:00"\ntime_zone="Mars/Base"',
            "time_window.time_zone: this computer knows no time zone 'Mars/Base'",
            "Europe/Berlin",
        ),
        ('[time_window]\nfrom="06:00"\nto="07:00"\ntime_zone="../../etc"', "time_zone", "Berlin"),
        ('[time_window]\nfrom="06:00"\nto="07:00"\ntime_zone=1', "time_zone: it is no text", "Ber"),
        (
            '[time_window]\nfrom="06:00"\nto="06:00"\ntime_zone="UTC"',
            "time_window.to: it is the same as from",
            "Leave the window out",
        ),
        (
            '[time_window]\nfrom="06:00"\nto="07:00"\ntime_zone="UTC"\ndays=["Monday"]',
            "time_window.days: 'Monday' is no day",
            "Mon, Tue",
        ),
        ('[time_window]\nfrom="06:00"\nto="07:00"\ntime_zone="UTC"\ndays=[]', "days", "Mon, Tue"),
        (
            '[time_window]\nfrom="06:00"\nto="07:00"\ntime_zone="UTC"\nday=[]',
            "day: there is no",
            "",
        ),
    ],
)
def test_a_bad_file_says_where_and_what_to_do(policy_file, text, place, hint):
    path = policy_file(text)
    with pytest.raises(PolicyError) as caught:
        WritePolicy.from_toml(path)
    message = str(caught.value)
    assert str(path) in message
    assert place in message
    assert hint in message


def test_numbers_of_any_size(policy_file):
    number = 10**400
    policy = WritePolicy.from_toml(policy_file(f'[[limits]]\nkeys="a"\nminimum = -{number}'))
    assert policy.limits[0].minimum == -number


def test_a_file_with_a_mark_at_its_beginning(policy_file):
    assert WritePolicy.from_toml(policy_file("\ufeffmax_rows = 5")).max_rows == 5


def test_a_file_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(PolicyError, match=re.escape(f"{path} cannot be read")):
            WritePolicy.from_toml(path)
    path = tmp_path / "latin.toml"
    path.write_bytes(b'forbidden = ["M\xfchle"]')
    with pytest.raises(PolicyError, match="is no TOML"):
        WritePolicy.from_toml(path)


def test_a_policy_made_in_a_cell_is_checked_as_well():
    with pytest.raises(PolicyError, match="max_rows"):
        WritePolicy(max_rows=-1)
    with pytest.raises(PolicyError, match="keys"):
        KeyLimits([1])
    with pytest.raises(PolicyError, match="limits: they must be KeyLimits"):
        WritePolicy(limits=[{"keys": "a"}])
    with pytest.raises(PolicyError, match="time_window: it must be a TimeWindow"):
        WritePolicy(time_window="06:00")
    assert WritePolicy(forbidden="*.A").forbidden == ("*.A",)
    assert hash(WritePolicy(limits=[KeyLimits("a", maximum=1)]))


# Time windows.


DAY = TimeWindow(time(6), time(22), BERLIN)
NIGHT = TimeWindow(time(22), time(6), UTC, frozenset({4}))


@pytest.mark.parametrize(
    ("window", "moment", "expected"),
    [
        # Berlin is one hour ahead in winter, two in summer.
        (DAY, "2026-01-05T05:00Z", True),
        (DAY, "2026-01-05T04:59Z", False),
        (DAY, "2026-07-06T04:00Z", True),
        (DAY, "2026-07-06T19:59Z", True),
        (DAY, "2026-07-06T20:00Z", False),
        # Over midnight: what opens on Friday is open in the early hours of Saturday.
        (NIGHT, "2026-01-09T23:00Z", True),
        (NIGHT, "2026-01-10T05:00Z", True),
        (NIGHT, "2026-01-09T05:00Z", False),
        (NIGHT, "2026-01-10T23:00Z", False),
        (TimeWindow(time(6), time(22), UTC, frozenset({4})), "2026-01-10T12:00Z", False),
    ],
)
def test_time_windows(window, moment, expected):
    assert window.open_at(datetime.fromisoformat(moment)) is expected


def test_it_is_at_hand():
    assert xentara_nb.WritePolicy is WritePolicy


def test_a_file_nested_too_deep(tmp_path):
    file = tmp_path / "policy.toml"
    for deep in ("[" * 5000 + "]" * 5000, "{a=" * 5000 + "1" + "}" * 5000):
        file.write_text(f"allowed = {deep}")
        with pytest.raises(PolicyError, match="nested too deep"):
            WritePolicy.from_toml(file)
    for deep in ("a." * 100_000 + "b = 1", '"a" . ' * 100_000 + "b = 1", f"[{'a.' * 100_000}b]"):
        file.write_text(deep)
        with pytest.raises(PolicyError, match="nested too deep"):
            WritePolicy.from_toml(file)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFO")
def test_what_is_no_file(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "fifo")
    for path, said in ((tmp_path / "fifo", "a FIFO"), ("/dev/zero", "a device"), ("a\0", "null")):
        with pytest.raises(PolicyError, match=f"{said}.*nothing is written without it"):
            WritePolicy.from_toml(path)
    (tmp_path / "policy.toml").write_text("max_rows = 3")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert WritePolicy.from_toml("~/policy.toml").max_rows == 3


def test_a_file_that_is_far_too_large(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(PolicyError, match="is it the right file"):
        WritePolicy.from_toml(file)


@pytest.mark.parametrize(
    "text",
    [
        '[forbidden]\nkeys = ["*"]',
        "forbidden = {a = 1}",
        "allowed = {}",
        "forbidden = 7",
        'forbidden = [["*"]]',
        'limits = {keys = ["*"], maximum = 1}',
        'limits = "none"',
        '[[limits]]\nmaximum = 1\n[limits.keys]\n"*" = 1',
        "time_window = []",
        'max_rows = "1"',
        "max_writes_per_second = true",
        "bad_quality = {refuse = true}",
    ],
)
def test_what_is_not_understood_refuses_to_load(policy_file, text):
    with pytest.raises(PolicyError, match="policy file"):
        WritePolicy.from_toml(policy_file(text))


@pytest.mark.parametrize(
    "arguments",
    [
        {"forbidden": {"*": 1}},
        {"allowed": iter(["*"])},
        {"limits": None},
        {"limits": {"*": KeyLimits(["*"], maximum=1)}},
        {"time_window": "06:00 to 22:00"},
    ],
)
def test_arguments_that_are_not_understood(arguments):
    with pytest.raises(PolicyError):
        WritePolicy(**arguments)


@pytest.mark.parametrize("days", [["Mon"], frozenset(), frozenset({7}), {0}])
def test_days_that_are_not_understood(days):
    with pytest.raises(PolicyError, match="is no set of days"):
        TimeWindow(time(6), time(22), UTC, days)


def test_many_parts_between_stars_are_no_trouble():
    hostile = "a" * 20_000 + "!"
    begin = thread_time()
    assert not matches(["*a*a*a*a*a*a*a*a*b", "a*?a*?a*?a*?a*?a*?b"], hostile, "value")
    assert matches(["*a*a*a*a*a*!"], hostile, "units")
    assert thread_time() - begin < 2


@given(st.text("ab*?", max_size=7), st.text("ab.", max_size=9))
def test_patterns_match_as_those_of_file_names_do(pattern, key):
    assert matches([pattern], key, "v") == (
        fnmatchcase(key, pattern) or fnmatchcase(f"{key}.v", pattern)
    )


def test_a_key_that_looks_the_same_is_the_same():
    typed, of_a_mac = "Tank.Füllstand", unicodedata.normalize("NFD", "Tank.Füllstand")
    assert typed != of_a_mac
    for pattern, key in ((typed, of_a_mac), (of_a_mac, typed), ("*.F?llstand", of_a_mac)):
        assert matches([pattern], key, "value")
    assert matches(["*.Höhe"], "Tank", unicodedata.normalize("NFD", "Höhe"))
    assert matches(["Tank.Level "], "Tank.Level", "value")
    assert matches(["Tank.Level"], "Tank.Level ", "value")
