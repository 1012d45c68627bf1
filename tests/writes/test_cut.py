"""Cut the connection at every byte of a write exchange, in both directions.

The simulator's own log is the truth. A write is never sent twice, never called APPLIED or REJECTED
when it was not, and UNKNOWN only when its answer did not come.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

import xentara_nb
from xentara_nb import read_journal
from xentara_nb.errors import WriteOutcomeUnknown, XentaraError
from xentara_nb.simulator import Simulator
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.report import WriteReport
from xentara_nb.writes.results import WriteResult

from .proxy import DOWN, UP, Proxy

KEYS = [f"Plant.Line {line}.Set point" for line in (1, 2, 3)]
REFUSED = "Plant.Line 3.Set point"


class Log:
    """What reports said, to be compared with what the simulator did."""

    def __init__(self, plant: Simulator, client: xentara_nb.Client) -> None:
        self.plant = plant
        self.client = client
        self.results: list[tuple[WriteResult, Outcome]] = []

    def take(self, report: WriteReport) -> None:
        self.results += [(result, result.outcome) for result in report]

    def compare(self) -> None:
        time.sleep(0.3)  # what the server had received when it was cut, it has done by now
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


def bytes_of(proxy: Proxy, action: Callable[[float], object]) -> dict[str, int]:
    proxy.count()
    action(0.5)
    return dict(proxy.passed)


@pytest.mark.parametrize("direction", [UP, DOWN])
@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_a_plan_cut_at_every_byte(plant, journal, proxy, direction, on_error):
    with connect(proxy, plant) as client:
        log = Log(plant, client)

        def apply(value: float) -> WriteReport:
            plan = client.plan_writes(dict.fromkeys(KEYS, value))
            if direction:
                proxy.arm(*cut)
            try:
                report = plan.apply(on_error=on_error, verify_within=1)
            except XentaraError:
                # Only reading had begun, which is told by an error and not by a report.
                assert plan.report is None
                return None
            log.take(report)
            return report

        cut = (DOWN, 1 << 30)
        assert apply(0.5).ok
        total = proxy.passed[direction]
        assert total > 100
        seen = set()
        for after in range(total + 1):
            cut = (direction, after)
            report = apply(1000.0 + after)
            proxy.count()
            if report is None:
                continue
            outcomes = [result.outcome for result in report]
            seen.update(outcomes)
            if Outcome.UNKNOWN in outcomes:
                assert after < total
                # What is in doubt is resolved by reading, and by nothing else.
                report.resolve(within=0.05)
                for result in report:
                    there = float(client.read(result.primary_key, "value")["value"][0])
                    match = {Outcome.VERIFIED: True, Outcome.DIFFERS: False}
                    if result.outcome in match:
                        assert match[result.outcome] == (there == result.value)
            sent = [outcome is not Outcome.SKIPPED for outcome in outcomes]
            assert sent == sorted(sent, reverse=True)
            if on_error == "stop":
                assert outcomes.count(Outcome.UNKNOWN) <= 1
        assert {Outcome.UNKNOWN, Outcome.SKIPPED, Outcome.VERIFIED} <= seen
        log.compare()
