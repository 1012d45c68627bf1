"""Laws that hold for every plan, no matter what the plant does."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xentara_nb import read_journal
from xentara_nb.errors import WriteRefusedError
from xentara_nb.writes.outcome import Outcome

NUMBERS = ["Set point", "Batch", "Maximum speed"]
KEYS = [f"Plant.Line {line}.{name}" for line in (1, 2, 3) for name in NUMBERS]
KEYS += ["Plant.Line 1.Capper.Lamp", "Plant.Line 1.Run", "Plant.Line 1.Speed", "Not there"]

VALUES = st.integers(0, 360) | st.booleans() | st.just("x")
REQUESTS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6)
_numbers = itertools.count(1)


@pytest.fixture
def law(plant, client):
    return plant, client


@settings(
    max_examples=settings.default.max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    requests=REQUESTS,
    refusing=st.sets(st.sampled_from(KEYS[:9]), max_size=2),
    stuck=st.sets(st.sampled_from(KEYS[:9]), max_size=2),
    on_error=st.sampled_from(["stop", "continue"]),
    verify=st.booleans(),
    batch_size=st.sampled_from([None, 1, 2, 5]),
    skip_refused=st.booleans(),
    lose=st.sampled_from([None, None, 0, 40]),
)
def test_laws(law, requests, refusing, stuck, on_error, verify, batch_size, skip_refused, lose):
    plant, client = law
    plant.faults.clear()
    plan = client.plan_writes(requests)
    if refusing:
        plant.faults.refuse_writes(keys=refusing)
    if stuck:
        plant.faults.no_follow(stuck)
    plant.forget()
    frame = plan.frame
    assert frame["primary_key"].tolist() == list(requests)
    # A rehearsal sends nothing, and changes nothing.
    rehearsal = plan.apply(dry_run=True)
    assert not rehearsal.frame["sent"].any()
    assert len(plant.requests) == 0
    if lose is not None:
        plant.faults.drop_after(bytes_out=lose)
    options = {
        "on_error": on_error,
        "verify": verify,
        "batch_size": batch_size,
        "skip_refused": skip_refused,
        "verify_within": 0.01,
        "if_unchanged": False,
    }
    if not plan.ok and not skip_refused:
        with pytest.raises(WriteRefusedError):
            plan.apply(**options)
        assert len(plant.writes) == 0
        assert not plan.applied
        return
    journalled = len(read_journal())
    report = plan.apply(**options)
    plant.faults.clear()

    # One result per row, in order, with the values of the plan.
    assert [result.planned for result in report] == list(plan.planned)
    assert report.frame["value"].tolist() == frame["value"].tolist()
    # What the guards refused was not sent; of the rest, what was sent is its beginning.
    allowed = [result for result in report if not result.planned.refused]
    assert all(result.sent is False for result in report if result.planned.refused)
    sent = [result for result in allowed if result.sent]
    assert sent == allowed[: len(sent)]
    # The plant saw just these writes, each once, in order, as the plan showed them.
    arrived = list(zip(plant.writes["primary_key"], plant.writes["sent"], strict=True))
    reported = [(result.primary_key, result.value) for result in sent]
    assert arrived == reported[: len(arrived)]
    assert len(reported) - len(arrived) <= sum(r.outcome is Outcome.UNKNOWN for r in sent)
    # The outcome is what became of it.
    codes = dict(zip(plant.writes["primary_key"], plant.writes["code"], strict=True))
    for result in sent:
        if result.outcome is Outcome.REJECTED:
            assert codes[result.primary_key] == result.error.code
            assert result.primary_key in refusing
        elif result.outcome is not Outcome.UNKNOWN:
            assert codes[result.primary_key] == 0
        if result.outcome is Outcome.VERIFIED:
            assert result.read_back == result.value
        assert verify or result.outcome in (Outcome.APPLIED, Outcome.REJECTED, Outcome.UNKNOWN)
        assert (result.outcome is Outcome.NOT_READABLE) <= (result.primary_key == KEYS[9])
        assert (result.outcome is Outcome.DIFFERS) <= (result.primary_key in stuck)
    # Stop means stop, and nothing is ever sent after an answer was lost.
    if on_error == "stop" and batch_size in (None, 1):
        assert not any(result.outcome.failed for result in sent[:-1])
    if len(sent) < len(allowed):
        assert (
            any(r.outcome is Outcome.UNKNOWN for r in sent)
            or (on_error == "stop" and any(r.outcome.failed for r in sent))
            or lose is not None
        )
    assert report.ok == (len(sent) == len(report) and not any(r.outcome.failed for r in sent))
    # The journal says the same.
    journal = read_journal()[journalled:]
    known = {result.write_id: str(result.outcome) for result in allowed}
    for write_id, outcome in zip(journal["id"], journal["outcome"], strict=True):
        assert known[write_id] == outcome
    assert set(journal["id"]) >= {result.write_id for result in sent}
    # A second apply is refused, unless nothing was sent.
    if sent:
        with pytest.raises(WriteRefusedError, match="one apply"):
            plan.apply()
    # What is in doubt can be resolved, and then it can be undone.
    report.resolve(0.01)
    assert not any(
        result.outcome is Outcome.UNKNOWN and result.planned.target.readable for result in report
    )


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.dictionaries(st.sampled_from(KEYS[:9]), st.integers(0, 360), min_size=1))
def test_undo_of_undo(law, requests):
    _, client = law
    keys = list(requests)
    before = client.read(keys, "value")["value"].tolist()
    report = client.plan_writes(requests).apply(on_error="continue")
    after = client.read(keys, "value")["value"].tolist()
    assert after == list(requests.values())
    back = report.undo().apply()
    assert back.ok
    assert client.read(keys, "value")["value"].tolist() == before
    forth = back.undo()
    assert forth.frame["primary_key"].tolist() == keys
    assert forth.frame["value"].tolist() == report.frame["value"].tolist()
    assert forth.apply().ok
    assert client.read(keys, "value")["value"].tolist() == after
