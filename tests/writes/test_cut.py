"""Cut the connection at every byte of a write exchange, in both directions.

Of plans, the quick tests take one byte of three, and the slow ones every byte.

The simulator's own log is the truth. A write is never sent twice, never called APPLIED or REJECTED
when it was not, and UNKNOWN only when its answer did not come.
"""

from __future__ import annotations

import pytest

import xentara_nb
from tests.support.proxy import DOWN, UP, Proxy
from xentara_nb import read_journal
from xentara_nb.errors import WriteOutcomeUnknownError, XentaraError
from xentara_nb.simulator import Simulator
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.report import WriteReport
from xentara_nb.writes.results import WriteResult

KEYS = [f"Plant.Line {line}.Set point" for line in (1, 2)]


class Log:
    """What reports said, to be compared with what the simulator did."""

    def __init__(self, plant: Simulator, client: xentara_nb.Client) -> None:
        self.plant = plant
        self.client = client
        self.results: list[tuple[WriteResult, Outcome]] = []

    def take(self, report: WriteReport) -> None:
        self.results += [(result, result.outcome) for result in report]

    def compare(self) -> None:
        self.plant.faults.restart()  # after that it has done all that it had received
        writes = self.plant.writes
        executed = writes[writes["code"] == 0].groupby(["primary_key", "sent"]).size().to_dict()
        refused = writes[writes["code"] != 0].groupby(["primary_key", "sent"]).size().to_dict()
        assert not executed or max(executed.values()) == 1
        assert not refused or max(refused.values()) == 1
        journal = read_journal(self.client.journal).set_index("id")["outcome"].to_dict()
        for result, at_once in self.results:
            name = (result.primary_key, result.value)
            arrived = executed.get(name, 0), refused.get(name, 0)
            expected = {
                Outcome.APPLIED: {(1, 0)},
                Outcome.VERIFIED: {(1, 0)},
                Outcome.NOT_READABLE: {(1, 0)},
                Outcome.REJECTED: {(0, 1)},
                Outcome.SKIPPED: {(0, 0)},
                Outcome.UNKNOWN: {(0, 0), (1, 0), (0, 1)},
            }[at_once]
            assert arrived in expected, (name, at_once, result.reason)
            if result.outcome is Outcome.SKIPPED:
                assert journal.get(result.write_id, "SKIPPED") == "SKIPPED"
            else:
                assert journal[result.write_id] == result.outcome


def connect(proxy: Proxy, plant: Simulator) -> xentara_nb.Client:
    return xentara_nb.connect(
        proxy.url, user="engineer", password=plant.users["engineer"], timeout=5
    )


@pytest.mark.parametrize("direction", [UP, DOWN])
@pytest.mark.parametrize("on_error", ["stop", "continue"])
@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_a_plan_cut_at_every_byte(plant, journal, proxy, direction, on_error, step):
    with connect(proxy, plant) as client:
        log = Log(plant, client)
        seen = set()
        after = 0
        while True:
            plan = client.plan_writes(dict.fromkeys(KEYS, float(after)))
            proxy.arm(direction, after)
            try:
                report = plan.apply(
                    on_error=on_error, if_unchanged=on_error == "stop", verify_within=1
                )
            except XentaraError:
                # Only reading had begun, which an error says and not a report.
                assert plan.report is None
                assert not plan.applied
                continue
            finally:
                cut = proxy.broke
                proxy.disarm()
                after += step
            log.take(report)
            outcomes = [result.outcome for result in report]
            seen.update(outcomes)
            check_order(outcomes, on_error)
            if Outcome.UNKNOWN in outcomes:
                resolve(report, client)
            if not cut:
                break
        assert outcomes == [Outcome.VERIFIED] * len(KEYS)
        assert seen > (
            {Outcome.UNKNOWN, Outcome.SKIPPED} if on_error == "stop" else {Outcome.UNKNOWN}
        )
        assert after > (80 if direction is UP else 25)
        log.compare()


def check_order(outcomes: list[Outcome], on_error: str) -> None:
    """What was sent is the beginning of the plan, and of single messages one is in doubt."""
    sent = [outcome is not Outcome.SKIPPED for outcome in outcomes]
    assert sent == sorted(sent, reverse=True)
    if on_error == "stop":
        assert outcomes.count(Outcome.UNKNOWN) <= 1


def resolve(report: WriteReport, client: xentara_nb.Client) -> None:
    """What is in doubt is resolved by reading, and by nothing else."""
    report.resolve(within=0.01)
    values = client.read([result.primary_key for result in report], "value")["value"]
    for result, value in zip(report, values, strict=True):
        assert result.outcome is not Outcome.UNKNOWN
        if result.outcome is not Outcome.SKIPPED:
            assert (result.outcome is Outcome.VERIFIED) == (value == result.value)


@pytest.mark.parametrize("direction", [UP, DOWN])
def test_a_refusal_cut_at_every_byte(plant, journal, proxy, direction):
    plant.faults.refuse_writes(keys=KEYS[1], code=-32107)
    with connect(proxy, plant) as client:
        log = Log(plant, client)
        seen = set()
        after = 0
        cut = True
        while cut:
            plan = client.plan_writes(dict.fromkeys(KEYS[:2], float(after)))
            proxy.arm(direction, after)
            report = plan.apply(on_error="continue", verify=False, if_unchanged=False)
            cut = proxy.broke
            proxy.disarm()
            after += 1
            log.take(report)
            seen.update(result.outcome for result in report)
        assert [result.outcome for result in report] == [Outcome.APPLIED, Outcome.REJECTED]
        assert seen == {Outcome.UNKNOWN, Outcome.APPLIED, Outcome.REJECTED}
        log.compare()


@pytest.mark.parametrize("direction", [UP, DOWN])
def test_a_single_write_cut_at_every_byte(plant, journal, proxy, direction):
    with connect(proxy, plant) as client:
        log = Log(plant, client)
        client.read(KEYS[0])
        after = 0
        cut = True
        while cut:
            client.plan_writes({KEYS[0]: 0})  # connected, and the model is known
            proxy.arm(direction, after)
            try:
                result = client.write(KEYS[0], float(after), verify=False)
            except WriteOutcomeUnknownError as error:
                result = error.result
            cut = proxy.broke
            proxy.disarm()
            after += 1
            assert result.outcome is (Outcome.UNKNOWN if cut else Outcome.APPLIED)
            log.results.append((result, result.outcome))
        log.compare()
