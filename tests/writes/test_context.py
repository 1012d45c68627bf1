"""Which policies apply, and the rate limiter: no more writes in a second than they say."""

from __future__ import annotations

import os

import pytest

from tests.support.clock import Clock
from xentara_nb.errors import PolicyError, WriteRefusedError
from xentara_nb.writes.context import PolicySource, RateLimiter
from xentara_nb.writes.policy import WritePolicy


def test_the_rate_limiter():
    limiter = RateLimiter()
    assert limiter.grant(5, []) == (5, 0.0)
    policies = [WritePolicy(max_writes_per_second=10), WritePolicy(max_writes_per_second=50)]
    assert limiter.grant(4, policies) == (4, 0.0)
    assert limiter.grant(100, policies) == (6, 0.0)
    granted, pause = limiter.grant(1, policies)
    assert granted == 0
    assert 0 < pause <= 1


def test_a_rate_below_one_a_second():
    limiter = RateLimiter()
    policies = [WritePolicy(max_writes_per_second=0.5)]
    assert limiter.grant(3, policies)[0] == 1
    granted, pause = limiter.grant(3, policies)
    assert granted == 0
    assert 1.5 < pause <= 2


# Which policies apply.


def test_the_policy_of_the_plant_applies_beside_the_own_one(policy_file, monkeypatch):
    own = WritePolicy(max_rows=5)
    assert PolicySource(own).current() == (own,)
    assert PolicySource().current() == ()
    path = policy_file("max_rows = 7")
    monkeypatch.setenv("XENTARA_POLICY", str(path))
    assert [policy.max_rows for policy in PolicySource(own).current()] == [5, 7]


def test_a_policy_given_twice_says_its_reasons_once(plant, policy_file, monkeypatch):
    path = policy_file("[[limits]]\nkeys = ['*']\nmaximum = 1")
    monkeypatch.setenv("XENTARA_POLICY", str(path))
    with plant.connect(policy=path, journal=False) as client:
        plan = client.plan_writes({"Plant.Line 1.Set point": 5})
        assert plan.frame["reason"].tolist() == [
            f"5.0 is above 1, the maximum of the policy {path}"
        ]
        # What the plant changes later is read again for both.
        policy_file("[[limits]]\nkeys = ['*']\nmaximum = 2")
        plan = client.plan_writes({"Plant.Line 1.Set point": 5})
        assert plan.frame["reason"].tolist() == [
            f"5.0 is above 2, the maximum of the policy {path}"
        ]
        monkeypatch.delenv("XENTARA_POLICY")
        with pytest.raises(WriteRefusedError, match="above 2"):
            client.write("Plant.Line 1.Set point", 5)


def test_the_path_of_a_policy_as_people_write_it(policy_file, monkeypatch):
    path = policy_file("max_rows = 7")
    monkeypatch.setenv("HOME", str(path.parent))
    monkeypatch.setenv("USERPROFILE", str(path.parent))
    for text in (f'"{path}"', f"\ufeff{path}\n", f"~/{path.name}"):
        monkeypatch.setenv("XENTARA_POLICY", text)
        assert PolicySource().current()[0].max_rows == 7
    assert PolicySource(f"~/{path.name}").current()[0].max_rows == 7


def test_a_policy_file_that_was_given_is_read_again_when_it_changes(policy_file):
    path = policy_file("max_rows = 7")
    source = PolicySource(path)
    (first,) = source.current()
    assert source.current()[0] is first
    policy_file("max_rows = 123")
    assert source.current()[0].max_rows == 123
    for content in ("max_rows = ", None):
        policy_file(content) if content else path.unlink()
        with pytest.raises(PolicyError, match=r"no TOML|cannot be read") as caught:
            source.current()
        assert "XENTARA_POLICY" not in str(caught.value)


def test_a_policy_file_that_changes_is_read_again(policy_file, monkeypatch):
    path = policy_file("max_rows = 7")
    monkeypatch.setenv("XENTARA_POLICY", str(path))
    source = PolicySource()
    (first,) = source.current()
    assert source.current()[0] is first
    policy_file("max_rows = 123")
    assert source.current()[0].max_rows == 123
    policy_file("max_rows = ")
    with pytest.raises(PolicyError, match=r"(?s)no TOML.*XENTARA_POLICY names this file"):
        source.current()
    path.unlink()
    with pytest.raises(PolicyError, match="cannot be read"):
        source.current()
    monkeypatch.delenv("XENTARA_POLICY")
    assert source.current() == ()
    # Set after connecting, it counts as well.
    policy_file("max_rows = 9")
    monkeypatch.setenv("XENTARA_POLICY", str(path))
    assert source.current()[0].max_rows == 9


def test_a_bad_policy_refuses_to_connect(plant, policy_file, monkeypatch):
    path = policy_file("max_rows = 0")
    with pytest.raises(PolicyError, match="max_rows"):
        plant.connect(policy=path)
    monkeypatch.setenv("XENTARA_POLICY", str(path))
    with pytest.raises(PolicyError, match="max_rows"):
        plant.connect()
    assert len(plant.requests) == 0


def test_a_policy_that_goes_bad_refuses_to_write(plant, client, policy_file, monkeypatch):
    plan = client.plan_writes({"Plant.Line 1.Set point": 1})
    monkeypatch.setenv("XENTARA_POLICY", str(policy_file("max_rows = 0")))
    with pytest.raises(WriteRefusedError, match="max_rows"):
        client.write("Plant.Line 1.Set point", 1)
    with pytest.raises(PolicyError, match="max_rows"):
        client.plan_writes({"Plant.Line 1.Set point": 1})
    with pytest.raises(PolicyError, match="max_rows"):
        plan.apply()
    assert len(plant.writes) == 0
    monkeypatch.delenv("XENTARA_POLICY")
    assert plan.apply().ok


def test_a_file_that_changes_within_the_same_size_and_time(policy_file, monkeypatch):
    path = policy_file("max_rows = 1")
    monkeypatch.setenv("XENTARA_POLICY", str(path))
    source = PolicySource()
    (before,) = source.current()
    status = path.stat()
    path.write_text("max_rows = 2")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    (after,) = source.current()
    assert (before.max_rows, after.max_rows) == (1, 2)


def test_a_relative_path_stays_the_same_file(tmp_path, monkeypatch):
    name = f"{tmp_path.name}.toml"  # what it means is found once in a process
    for folder, rows in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(f"max_rows = {rows}")
    monkeypatch.setenv("XENTARA_POLICY", name)
    monkeypatch.chdir(tmp_path / "one")
    source, given = PolicySource(), PolicySource(name)
    monkeypatch.chdir(tmp_path / "two")
    assert given.current()[0].max_rows == 1
    assert source.current()[0].max_rows == PolicySource().current()[0].max_rows == 1


@pytest.mark.parametrize("half", ["", " \n", 'forbidden = ["*.Batch"]\n'])
def test_a_policy_file_that_is_just_being_written(policy_file, monkeypatch, half):
    """Half of a policy is one with less rules, or with none."""
    whole = 'forbidden = ["*.Batch"]\n[[limits]]\nkeys = ["*"]\nmaximum = 1'
    path = policy_file(whole)
    source = PolicySource(path)
    before = source.current()
    clock = Clock()
    monkeypatch.setattr("xentara_nb.writes.context.time", clock)
    monkeypatch.setattr("xentara_nb.connection.deadline.time", clock)
    # It is complete a moment later.
    policy_file(half)
    clock.on_sleep = lambda: policy_file(whole)
    assert source.current()[0] is before[0]
    policy_file(half)
    clock.on_sleep = lambda: policy_file(whole + "2")
    assert source.current()[0].limits[0].maximum == 12
    # Someone writes on and on.
    clock.on_sleep = lambda: policy_file(f"{half}# {clock.now}")
    policy_file(half)
    with pytest.raises(PolicyError, match="changes all the time"):
        source.current()


def test_an_empty_policy_file_is_none(policy_file):
    with pytest.raises(PolicyError, match=r"policy\.toml is empty; nothing is written"):
        PolicySource(policy_file(" \n"))
