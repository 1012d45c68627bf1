"""Every guard refuses with its own message, in a plan and in a single write, before sending."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, tzinfo

import pandas as pd
import pytest

from tests.support.clock import Clock
from xentara_nb.errors import NotFoundError, WriteRefusedError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.protocol.identifiers import Access, Quality
from xentara_nb.writes import guards
from xentara_nb.writes.guards import Guard, Severity
from xentara_nb.writes.policy import KeyLimits, TimeWindow, WritePolicy

KEY = "Plant.Line 1.Set point"


def what_a_guard_says(client, requests, guard, **options):
    """Return what a guard says of a plan of one row."""
    plan = client.plan_writes(requests, **options)
    frame = plan.frame
    assert len(frame) == 1
    said = frame[f"guard_{guard}"][0]
    if said.startswith("refused"):
        assert frame["severity"][0] == "refused"
        assert said.removeprefix("refused: ") in frame["reason"][0]
        assert not plan.ok
        with pytest.raises(WriteRefusedError):
            plan.apply()
    return said


def refused(plant, client, guard, value=1, key=KEY, match=None):
    """A guard refuses both ways to write, with one message, and nothing is sent."""
    said = what_a_guard_says(client, {key: value}, guard)
    assert said.startswith("refused: ")
    with pytest.raises(WriteRefusedError) as caught:
        client.write(key, value)
    message = said.removeprefix("refused: ")
    assert message in str(caught.value)
    assert match is None or match in message
    assert len(plant.writes) == 0
    return message


def test_an_element_that_is_not_there(plant, client):
    said = what_a_guard_says(client, {"Plant.Line 9": 1}, Guard.EXISTS)
    assert said.startswith("refused: Plant.Line 9: unknown element (-32100)")
    with pytest.raises(UnknownElementError):
        client.write("Plant.Line 9", 1)
    frame = client.plan_writes({"Plant.Line 9": 1}).frame
    assert frame["guard_access"][0] == frame["guard_fits"][0] == "not checked"
    assert frame["element_uuid"][0] is None


def test_an_attribute_that_is_not_there(plant, client):
    said = what_a_guard_says(client, {(KEY, "colour"): 1}, Guard.EXISTS)
    assert "has no attribute 'colour'; its attributes are: key, name" in said
    with pytest.raises(NotFoundError, match="colour"):
        client.write(KEY, 1, "colour")


def test_a_row_that_contradicts_itself(plant, client):
    one, other = client.lookup(KEY), client.lookup("Plant.Line 2.Set point")
    row = {"primary_key": KEY, "element_uuid": other, "value": 1}
    said = what_a_guard_says(client, row, Guard.EXISTS)
    assert "its element_uuid is that of Plant.Line 2.Set point" in said
    with pytest.raises(WriteRefusedError, match="its element_uuid is that of"):
        client.write(row, 1)
    row = {"element_uuid": one, "attribute_id": 11, "attribute_name": "quality", "value": 1}
    said = what_a_guard_says(client, row, Guard.EXISTS)
    assert "the row says attribute quality, but its attribute_id is that of value" in said
    assert len(plant.writes) == 0


def test_a_row_that_names_nothing(client):
    rows = pd.DataFrame({"primary_key": [None, KEY], "value": [1, 2]})
    with pytest.raises(NotFoundError, match="names no element"):
        client.plan_writes(rows)


def test_read_only_attributes(plant, client):
    refused(plant, client, Guard.ACCESS, 1, "Plant.Line 1.Speed", "the attribute is read only")
    for access, passes in ((1, True), (2, True), (3, False)):
        check = guards.check_access(AttributeInfo("value", 11, access, 10))
        assert (check is None) == passes


def test_values_that_do_not_fit(plant, client):
    refused(plant, client, Guard.FITS, "fast", match="'fast' is no number")
    frame = client.plan_writes({KEY: "fast"}).frame
    assert frame["value"][0] is None
    assert frame["guard_limits"][0] == "not checked"


def test_numbers_are_booleans_only_when_asked_for(plant, client):
    key = "Plant.Line 1.Run"
    refused(plant, client, Guard.FITS, 0, key, "number_as_boolean=True")
    assert what_a_guard_says(client, {key: 0}, Guard.FITS, number_as_boolean=True) == "ok"
    assert client.write(key, 0, number_as_boolean=True).read_back is False


def test_the_same_attribute_twice(plant, client):
    plan = client.plan_writes([{"primary_key": KEY, "value": 1}, {"primary_key": KEY, "value": 2}])
    assert plan.frame["severity"].tolist() == ["ok", "refused"]
    assert "a row above writes 1.0 to the same attribute" in plan.frame["guard_distinct"][1]
    plan = client.plan_writes([{"primary_key": KEY, "value": each} for each in ("fast", 2)])
    assert plan.frame["severity"].tolist() == ["refused", "refused"]
    assert plan.frame["reason"][1].startswith("a row above is for the same attribute: one plan")
    # By another name it is the same all the same.
    uuid = "4aa0e4e0-521e-4599-a985-e454baa59f89"
    plan = client.plan_writes({KEY: 1, (str(client.lookup(KEY)), uuid): 2})
    assert plan.frame["severity"].tolist() == ["ok", "refused"]


def test_a_read_only_client(plant, client):
    plan = client.plan_writes({KEY: 1})
    client.read_only = True
    refused(plant, client, Guard.CLIENT, match="this client is read only")
    with pytest.raises(WriteRefusedError, match="a client that is read only stays it"):
        client.read_only = False
    assert client.read_only
    with pytest.raises(WriteRefusedError, match="this client is read only"):
        plan.apply()
    with pytest.raises(WriteRefusedError, match="this client is read only"):
        client.suspend(confirm=True)
    assert len(plant.writes) == 0


@pytest.mark.parametrize("setting", ["1", "true", "YES", " on ", "read only", "2"])
def test_the_environment_makes_clients_read_only(plant, client, monkeypatch, setting):
    plan = client.plan_writes({KEY: 1})
    monkeypatch.setenv("XENTARA_READ_ONLY", setting)  # after connecting, and after planning
    refused(plant, client, Guard.CLIENT, match=f"XENTARA_READ_ONLY={setting} is set")
    with pytest.raises(WriteRefusedError, match="XENTARA_READ_ONLY"):
        plan.apply()
    with pytest.raises(WriteRefusedError, match="XENTARA_READ_ONLY"):
        client.shut_down(confirm=True)
    assert "access: read only" in repr(client)
    assert len(plant.writes) == 0


@pytest.mark.parametrize("setting", ["", "0", "false", "No", "off "])
def test_the_environment_can_say_no(client, monkeypatch, setting):
    monkeypatch.setenv("XENTARA_READ_ONLY", setting)
    assert client.write(KEY, 1).ok


def with_policy(plant, **options):
    return plant.connect(policy=WritePolicy(**options))


def test_keys_that_a_policy_forbids(plant, journal):
    with with_policy(plant, forbidden=["*.Set point"]) as client:
        refused(plant, client, Guard.ALLOWED, match=f"the write policy forbids to write to {KEY}")
        assert client.plan_writes({"Plant.Line 1.Batch": 1}).ok
    with with_policy(plant, allowed=["Plant.*"], forbidden=["*.Set point"]) as client:
        refused(plant, client, Guard.ALLOWED)


def test_a_pattern_in_another_case_forbids_and_limits_and_does_not_allow(plant, journal):
    with with_policy(plant, forbidden=["*.SET Point"]) as client:
        refused(plant, client, Guard.ALLOWED, match="forbids to write to")
    with with_policy(plant, limits=[KeyLimits(["plant.*.set point"], 0, 400, 25)]) as client:
        refused(plant, client, Guard.LIMITS, 401, match="above 400")
        refused(plant, client, Guard.STEP, 300, match="larger step than 25")
    with with_policy(plant, allowed=["*.Batch", "plant.*"]) as client:
        refused(plant, client, Guard.ALLOWED, match="in another upper or lower case: correct it")


def test_keys_that_a_policy_does_not_allow(plant, journal):
    with with_policy(plant, allowed=["*.Batch"]) as client:
        refused(plant, client, Guard.ALLOWED, match="does not allow to write to")
        assert client.plan_writes({"Plant.Line 1.Batch": 1}).ok
    with with_policy(plant, allowed=[]) as client:
        refused(plant, client, Guard.ALLOWED)


def test_limits(plant, journal):
    limits = [KeyLimits(["*.Set point"], 0, 400), KeyLimits(["Plant.Line 1.*"], maximum=300)]
    with with_policy(plant, limits=limits) as client:
        refused(plant, client, Guard.LIMITS, -1, match="-1.0 is below 0, the minimum")
        refused(
            plant, client, Guard.LIMITS, 401, match="above 400, the maximum of the write policy"
        )
        refused(plant, client, Guard.LIMITS, 301, match="above 300")
        refused(plant, client, Guard.LIMITS, "nan", match="nan is below 0")
        refused(plant, client, Guard.LIMITS, math.inf, match="above")
        for value in (0, 300):
            assert client.plan_writes({KEY: value}).ok
        assert client.plan_writes({"Plant.Line 2.Set point": 400}).ok
        # They are for numbers.
        assert client.plan_writes({"Plant.Line 1.Recipe": "Tea", "Plant.Line 1.Run": True}).ok


def test_a_policy_is_named_once(plant, journal):
    with plant.connect() as client:
        client.write(KEY, 100)
    both = [KeyLimits(["*"], maximum=300, max_step=10), KeyLimits(["*"], maximum=200)]
    policy = WritePolicy(limits=both, max_rows=1, source="the policy /a/b.toml")
    with plant.connect(policy=policy) as client:
        plan = client.plan_writes({KEY: 400, "Plant.Line 2.Set point": 1})
    assert plan.frame["reason"][0] == (
        "the plan has 2 rows, and the policy /a/b.toml allows 1; "
        "400.0 is above 300, the maximum of this policy; "
        "from 100.0 to 400.0 is a larger step than 10, the max_step of this policy; "
        "400.0 is above 200, the maximum of this policy"
    )
    # Each by itself names it.
    for column in ("guard_limits", "guard_step", "guard_rows"):
        assert "/a/b.toml" in plan.frame[column][0]
    assert plan.planned[0].reason.startswith(
        "400.0 is above 300, the maximum of the policy /a/b.toml"
    )


def test_the_largest_step(plant, journal):
    with plant.connect() as client:
        client.write(KEY, 100)
    plant.forget()
    with with_policy(plant, limits=[KeyLimits(["*.Set point"], max_step=10)]) as client:
        for value in (110.5, 89, math.inf, "nan"):
            refused(plant, client, Guard.STEP, value, match="from 100.0 to")
        # Also where nothing is verified: the present value is read for it.
        with pytest.raises(WriteRefusedError, match="larger step than 10"):
            client.write(KEY, 111, verify=False)
        result = client.write(KEY, 110, verify=False)
        assert (result.old_value, result.outcome) == (100.0, "APPLIED")
    with with_policy(plant, limits=[KeyLimits(["*"], max_step=10)]) as client:
        # What cannot be read has no step.
        assert client.plan_writes({"Plant.Line 1.Capper.Lamp": True}).ok  # it is no number
    checks = list(
        guards.check_limits(
            [WritePolicy(limits=[KeyLimits(["*"], max_step=10)])],
            "key",
            AttributeInfo("value", 11, 1, 10),
            5.0,
            None,
        )
    )
    assert [check.guard for check in checks] == [Guard.STEP]
    assert "the present value cannot be read" in checks[0].message


@pytest.mark.parametrize(
    ("old", "new", "passes"),
    [
        (1, 1, True),
        (math.inf, math.inf, True),
        (-math.inf, math.inf, False),
        (math.nan, 1.0, False),
        (2**64 - 1, 2**64 - 10, True),
        (-(2**63), 2**63, False),
        (0.1, 10.1, True),
    ],
)
def test_steps_at_the_edges(old, new, passes):
    policy = WritePolicy(limits=[KeyLimits(["*"], max_step=10)])
    found = list(guards.check_limits([policy], "k", AttributeInfo("value", 11, 2, 10), new, old))
    assert (found == []) == passes


def test_what_no_policy_says_anything_on(plant, journal):
    """Nothing was checked there, so it is not "ok"."""
    ruled = ("allowed", "limits", "step", "rows", "time_window")

    def said(values=None, **rules):
        with with_policy(plant, **rules) if rules else plant.connect() as client:
            frame = client.plan_writes(values or {KEY: 195}).frame
        assert frame["severity"].tolist() == ["ok"]
        others = frame.filter(like="guard_").columns.difference([f"guard_{each}" for each in ruled])
        assert (frame[others] == "ok").all(axis=None)
        return [each for each in ruled if frame[f"guard_{each}"][0] != "no rule"], frame

    assert said()[0] == []
    assert said(bad_quality="refuse")[0] == []
    assert said(allowed=["*"])[0] == said(forbidden=["x"])[0] == ["allowed"]
    assert said(limits=[KeyLimits(["*"], maximum=300)])[0] == ["limits"]
    assert said(limits=[KeyLimits(["*"], max_step=100)])[0] == ["step"]
    assert said(limits=[KeyLimits(["Plant.Line 2.*"], maximum=300, max_step=100)])[0] == []
    assert said({"Plant.Line 1.Recipe": "Tea"}, limits=[KeyLimits(["*"], maximum=3)])[0] == []
    every = {
        "allowed": ["*"],
        "limits": [KeyLimits(["*"], minimum=0, max_step=100)],
        "max_rows": 1,
        "time_window": window(timedelta(hours=-1), timedelta(hours=1)),
    }
    found, frame = said(**every)
    assert found == list(ruled)
    assert (frame.filter(like="guard_") == "ok").all(axis=None)


def test_the_plan_says_of_which_numbers_no_limits_were_checked(plant, journal):
    limits = [KeyLimits(["*.Line 1.Set point"], maximum=300), KeyLimits(["*.Line 2.*"], max_step=9)]
    other, third, recipe = "Plant.Line 2.Set point", "Plant.Line 3.Set point", "Plant.Line 1.Recipe"
    with with_policy(plant, limits=limits) as client:
        assert client.plan_writes({KEY: 200, other: 241, recipe: "Tea"}).unlimited == ""
        plan = client.plan_writes({KEY: 200, third: 270})
        assert plan.unlimited == "no rule: no limits were checked for 1 of 2 values"
        assert "2 ok (no rule: no limits were checked for 1 of 2 values)" in repr(plan)
        assert client.plan_writes({third: 270}).unlimited == "no rule: no limits were checked"
        # Of what is not sent, nothing is said.
        assert client.plan_writes({KEY: 400, third: "fast"}).unlimited == ""
        plan.apply()
        assert "no limits" not in repr(plan)
    with plant.connect() as client:
        assert client.plan_writes({third: 1}).unlimited == "no policy: no limits were checked"
        assert client.plan_writes({third: "fast"}).unlimited == ""
        assert client.plan_writes({}).unlimited == ""


def test_the_most_rows(plant, journal):
    with with_policy(plant, max_rows=2) as client:
        values = {f"Plant.Line {line}.Set point": 1 for line in (1, 2, 3)}
        plan = client.plan_writes(values)
        assert (plan.frame["severity"] == "refused").all()
        assert "the plan has 3 rows, and the write policy allows 2" in plan.frame["guard_rows"][0]
        with pytest.raises(WriteRefusedError, match="the plan has 3 rows"):
            plan.apply(skip_refused=True)
        values.popitem()
        assert client.plan_writes(values).apply().ok
    assert len(plant.writes) == 2


def window(opens: timedelta, closes: timedelta) -> TimeWindow:
    now = datetime.now(UTC)
    return TimeWindow((now + opens).time(), (now + closes).time(), UTC)


def test_the_time_window(plant, journal):
    hour = timedelta(hours=1)
    with with_policy(plant, time_window=window(-hour, hour)) as client:
        assert client.write(KEY, 1).ok
    plant.forget()
    with with_policy(plant, time_window=window(hour, 2 * hour)) as client:
        refused(plant, client, Guard.TIME_WINDOW, match="allows to write from")


class MovableZone(tzinfo):
    """A time zone whose clocks a test puts forward."""

    ahead = timedelta(0)

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return self.ahead

    def dst(self, moment: datetime | None) -> timedelta:
        return timedelta(0)


def test_the_window_closes_while_a_plan_is_sent(plant, journal, monkeypatch):
    clock, zone = Clock(), MovableZone()
    monkeypatch.setattr("xentara_nb.writes.context.time", clock)
    monkeypatch.setattr("xentara_nb.writes.sending.time", clock)
    # While the second write waits for its turn, the window closes.
    clock.on_sleep = lambda: setattr(zone, "ahead", timedelta(hours=6))
    hour = timedelta(hours=1)
    open_now = window(-hour, hour)
    closing = TimeWindow(open_now.start, open_now.end, zone)
    values = {f"Plant.Line {line}.Set point": 2 for line in (1, 2, 3)}
    with with_policy(plant, time_window=closing, max_writes_per_second=1.5) as client:
        report = client.plan_writes(values).apply()
    assert clock.pauses
    assert [str(result.outcome) for result in report] == ["VERIFIED", "SKIPPED", "SKIPPED"]
    assert "allows to write from" in report[1].reason
    assert len(plant.writes) == 1


def test_a_client_made_read_only_while_a_plan_is_sent(plant, journal, monkeypatch):
    values = {f"Plant.Line {line}.Set point": 3 for line in (1, 2, 3)}
    with plant.connect() as client:

        def verify(written, read):
            monkeypatch.setenv("XENTARA_READ_ONLY", "1")
            return True

        report = client.plan_writes(values).apply(verify=verify)
    assert [str(result.outcome) for result in report] == ["VERIFIED", "SKIPPED", "SKIPPED"]
    assert "XENTARA_READ_ONLY" in report[2].reason
    assert len(plant.writes) == 1


@pytest.mark.parametrize("text", ['forbidden = ["*.Line 3.*"]', "max_rows = ", "max_rows = 5"])
def test_a_policy_that_changes_while_a_plan_is_sent(plant, journal, monkeypatch, tmp_path, text):
    path = tmp_path / "policy.toml"
    path.write_text("max_rows = 3", encoding="utf-8")
    monkeypatch.setenv("XENTARA_POLICY", str(path))
    values = {f"Plant.Line {line}.Set point": 3 for line in (1, 2, 3)}
    with plant.connect() as client:

        def verify(written, read):
            path.write_text(text, encoding="utf-8")
            return True

        report = client.plan_writes(values).apply(verify=verify)
    assert [str(result.outcome) for result in report] == ["VERIFIED", "SKIPPED", "SKIPPED"]
    assert "policy" in report[1].reason
    assert len(plant.writes) == 1


@pytest.mark.parametrize(
    ("setting", "severity"), [("warn", "warning"), ("refuse", "refused"), ("ignore", "ok")]
)
def test_the_quality_of_the_present_value(plant, journal, setting, severity):
    key = "Plant.Water Treatment.Dosing pump"
    plant.faults.bad_quality(key)
    with with_policy(plant, bad_quality=setting) as client:
        plan = client.plan_writes({key: 30})
        said = plan.frame["guard_quality"][0]
        assert plan.frame["old_quality"][0] == "bad"
        if setting == "refuse":
            refused(plant, client, Guard.QUALITY, 30, key, "quality of the present value is bad")
            with pytest.raises(WriteRefusedError, match="quality"):
                client.write(key, 30, verify=False)
        else:
            assert said.partition(":")[0] == severity
            assert plan.frame["severity"][0] == severity
            assert plan.apply().ok


def test_the_quality_is_a_warning_where_no_policy_says_something():
    assert guards.check_quality([], Quality.BAD).severity is Severity.WARNING
    assert guards.check_quality([], Quality.UNRELIABLE) is None
    assert guards.check_quality([], None) is None
    assert guards.check_quality([], 4).severity is Severity.WARNING
    ignore, refuse = WritePolicy(bad_quality="ignore"), WritePolicy(bad_quality="refuse")
    assert guards.check_quality([ignore, refuse], Quality.BAD).severity is Severity.REFUSED


def test_write_only_points_are_a_warning(client):
    frame = client.plan_writes({"Plant.Line 1.Capper.Lamp": True}).frame
    assert frame["guard_old_value"][0].startswith("warning: the attribute is write only")
    assert frame["guard_quality"][0] == "not checked"


def test_a_present_value_that_cannot_be_read_is_a_warning(plant, journal):
    key = "Plant.Utilities.Price of energy"
    with plant.connect(user="operator") as client:
        frame = client.plan_writes({key: 0.5}).frame
        assert frame["severity"][0] == "ok"
    with plant.connect(user="viewer") as client:
        frame = client.plan_writes({key: 0.5}).frame
        assert frame["guard_old_value"][0].startswith("warning: the present value cannot be read")
        assert "(-32102)" in frame["guard_old_value"][0]
        assert frame["old_value"][0] is None


@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_the_rate_is_kept_while_sending(plant, journal, monkeypatch, on_error):
    clock = Clock()
    monkeypatch.setattr("xentara_nb.writes.context.time", clock)
    monkeypatch.setattr("xentara_nb.writes.sending.time", clock)
    sent = []
    clock.on_sleep = lambda: sent.append(len(plant.writes))
    values = {
        f"Plant.Line {line}.{name}": 5 for line in (1, 2, 3) for name in ("Batch", "Set point")
    }
    with with_policy(plant, max_writes_per_second=4) as client:
        assert client.plan_writes(values).apply(on_error=on_error).ok
        assert client.write("Data Types.UnsignedInteger8", 5).ok
    assert (sent, clock.pauses) == ([4], [1.0])
    assert len(plant.writes) == 7


def test_access_of_the_manual():
    assert {access for access in Access if access.writable} == {1, 2}


def test_a_rate_slower_than_the_time_out_refuses_instead_of_sending_late(plant) -> None:
    with with_policy(plant, max_writes_per_second=0.01) as client:
        client.write("Plant.Line 1.Set point", 195)
        before = len(plant.writes)
        with pytest.raises(WriteRefusedError, match="max_writes_per_second"):
            client.write("Plant.Line 1.Set point", 196, timeout=0.5)
        assert len(plant.writes) == before
