"""Writes to the servers of a fleet: one plan, shown by server, applied server by server, once.

Everything goes over the connections of the fleet in this process. A plan cannot be pickled, so no
engine that runs tasks can have one, and run it twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from functools import partial
from typing import Any, NoReturn

import pandas as pd

from xentara_nb.errors import OptionError, WriteRefusedError, XentaraError
from xentara_nb.fleet.frames import stacked
from xentara_nb.locking import Lock
from xentara_nb.protocol.text import listed, quantity
from xentara_nb.queries.progress import Progress, reporting
from xentara_nb.writes import rendering
from xentara_nb.writes.guards import Severity
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.plan import WritePlan
from xentara_nb.writes.report import WriteReport
from xentara_nb.writes.results import WriteResult


class FleetPlan(rendering.Shown):
    """What is going to be written to some servers; made by :meth:`Fleet.plan_writes`.

    Attributes
    ----------
    plans : dict of str to WritePlan
        By server, in the order in which they will be applied.
    failures : dict of str to XentaraError
        By server, why there is no plan for it.
    doubts : tuple of str
        Which servers are perhaps one under two addresses. That refuses nothing: look at it.
    report : FleetReport or None
        What the last :meth:`apply` has done, also when it was interrupted.

    Examples
    --------
    >>> plan = fleet.plan_writes({"Plant.Line 1.Set point": 195}, servers=["south", "north"])
    >>> plan.order, plan.ok, plan.applied
    (['south', 'north'], True, False)
    """

    def __init__(
        self,
        plans: Mapping[str, WritePlan],
        failures: Mapping[str, XentaraError],
        doubts: Sequence[str] = (),
    ) -> None:
        self.doubts = tuple(doubts)
        self.plans = dict(plans)
        self.failures = dict(failures)
        self.report: FleetReport | None = None
        self._lock = Lock()
        self._taken = False

    def __len__(self) -> int:
        return sum(map(len, self.plans.values()))

    def __reduce__(self) -> NoReturn:
        # Two of the same plan would be two to apply; a task that is run twice has two.
        raise TypeError("a plan is good for one apply, so it cannot be copied, stored or sent")

    @property
    def order(self) -> list[str]:
        """The servers in the order in which they are written to."""
        return list(self.plans)

    @property
    def ok(self) -> bool:
        """Whether there is a plan for every server, and no guard refuses any of it."""
        return not self.failures and all(plan.ok for plan in self.plans.values())

    @property
    def applied(self) -> bool:
        """Whether the plan was applied or is being applied, and cannot be again."""
        return self._taken

    @property
    def frame(self) -> pd.DataFrame:
        """The plan as a DataFrame, in the order of sending.

        ``server`` (categorical), then the columns of :attr:`WritePlan.frame`.
        """
        return _frame_of({name: plan.frame for name, plan in self.plans.items()})

    def apply(
        self,
        *,
        dry_run: bool = False,
        on_error: str = "stop",
        skip_failed: bool = False,
        skip_refused: bool = False,
        progress: Progress = None,
        **options: Any,
    ) -> FleetReport:
        """Send the writes, each at most once: server by server, in the order of the plan.

        They go over the connections of the fleet in this process, and never through workers: an
        engine may run a task twice. A policy's ``max_rows`` was counted for each server by itself.

        Parameters
        ----------
        dry_run : bool, default False
            Send nothing, and report what would be sent.
        on_error : {"stop", "continue"}
            What to do after a write that failed, or could not be sent any more: send nothing more,
            to no server; or go on. After a lost answer nothing more is sent to that server in
            either case.
        skip_failed : bool, default False
            Write to the other servers although there is no plan for some.
        skip_refused : bool, default False
            Send the other rows although guards refuse some. Otherwise nothing is sent then.
        progress : bool or callable, optional
            As for :meth:`WritePlan.apply`, one bar or count for the writes to all servers.
        **options
            As for :meth:`WritePlan.apply`: ``if_unchanged``, ``verify``, ``verify_within``,
            ``tolerance``, ``timeout``, ``batch_size``.

        Returns
        -------
        FleetReport
            What became of every row. Nothing is raised once something was sent, other than by
            Ctrl-C or ``progress``, and then ``plan.report`` has it.

        Raises
        ------
        OptionError
            If an argument makes no sense. Nothing was sent.
        WriteRefusedError
            If it or the plan of a server was applied before, a server has no plan, or guards
            refuse. Nothing was sent.
        ConnectError, ConnectionLostError, DeadlineError
            If the first server cannot be reached. Nothing was sent.

        Examples
        --------
        >>> plan = fleet.plan_writes({"Plant.Line 1.Set point": 195}, servers=["south", "north"])
        >>> plan.apply(dry_run=True).frame[["server", "outcome"]]
          server  outcome
        0  south  SKIPPED
        1  north  SKIPPED
        """
        if on_error not in ("stop", "continue"):
            raise OptionError(f"on_error is 'stop' or 'continue', not {on_error!r}")
        if "session" in options:
            raise OptionError("a sub-session belongs to one server: apply plan.plans[server] alone")
        options |= {"on_error": on_error, "skip_refused": skip_refused}
        # As rehearsals first: what cannot be sent is refused before anything is sent to anyone.
        report = FleetReport(
            {name: plan.apply(dry_run=True, **options) for name, plan in self.plans.items()}
        )
        if dry_run:
            return report
        self._refuse(skip_failed, skip_refused)
        applied = [name for name, plan in self.plans.items() if plan.applied]
        taken = False
        try:
            with self._lock:
                if self._taken:
                    raise WriteRefusedError(
                        "this plan was applied already, and a plan is good for one apply: make a "
                        "fresh one with fleet.plan_writes(...)"
                    )
                if applied:
                    raise WriteRefusedError(
                        f"the plan for {listed(applied)} was applied alone already, so nothing was "
                        "sent to any server: make a fresh one with fleet.plan_writes(...)"
                    )
                self._taken = taken = True
            self.report = report
            report.wait("not its turn yet")
            # A single write shows no bar, however long it takes to be verified.
            shown = progress if progress is not None or len(self) > 1 else False
            with reporting(shown, len(self), "write", "Writes") as show:
                self._send(report, options, show, stop=on_error == "stop")
        except KeyboardInterrupt as error:
            error.add_note(
                "plan.report says what was sent to which server; plan.report.resolve() reads the "
                "values of those that are UNKNOWN."
            )
            raise
        finally:
            if taken and not report.sent:
                self._taken = False
        return report

    def _refuse(self, skip_failed: bool, skip_refused: bool) -> None:
        if self.failures and not skip_failed:
            reasons = [f"{name} ({error})" for name, error in self.failures.items()]
            raise WriteRefusedError(
                f"there is no plan for {listed(reasons)}: nothing was sent. Make a fresh plan, or "
                "write to the others alone with skip_failed=True"
            )
        refused = [name for name, plan in self.plans.items() if not plan.ok]
        if refused and not skip_refused:
            raise WriteRefusedError(
                f"guards refuse some of the plan for {listed(refused)}: nothing was sent to any "
                "server. Correct it, or send the other rows with skip_refused=True"
            )

    def _send(
        self,
        report: FleetReport,
        options: dict[str, Any],
        show: Callable[[int, int], object],
        *,
        stop: bool,
    ) -> None:
        stopped, before, total = "", 0, len(self)

        def shown(before: int, done: int, of_server: int) -> None:
            show(before + done, total)

        for name, plan in self.plans.items():
            if stopped:
                report.skip(name, stopped)
                continue
            earlier = plan.report  # perhaps of another thread, which has applied it alone
            report.skip(name, "interrupted")  # unless it comes to more
            try:
                report.reports[name] = plan.apply(**options, progress=partial(shown, before))
            except BaseException as error:
                # Before any call: behind one, another Ctrl-C may come.
                if plan.report is not None and plan.report is not earlier:
                    report.reports[name] = plan.report
                # Once something was sent, this comes from what shows the progress, or is Ctrl-C.
                sent = any(result.sent for result in report.reports[name])
                if sent or not isinstance(error, XentaraError):
                    report.wait("interrupted", behind=name)
                    raise
                report.skip(name, str(error))
                if not report.sent and stop:
                    raise
                stopped = f"after server {name}: {error}" if stop else ""
            else:
                stopped = _why_stopped(name, report.reports[name]) if stop else ""
            before += len(plan)

    def title(self) -> rendering.Title:
        """Return the headline."""
        count = len(self)
        state = "applied:" if self._taken else "nothing was sent yet:"
        if not count:
            state = "there is nothing to send"
        severities = [each for plan in self.plans.values() for each in plan.frame["severity"]]
        order = ", then ".join(self.order)
        return [
            (f"Plan of {_extent(self, self.plans)} ({order}), {state}", None),
            *rendering.counted(severities, Severity),
            *(
                (f"(no plan for {name}: {error})", Severity.REFUSED)
                for name, error in self.failures.items()
            ),
            *((f"({doubt})", Severity.WARNING) for doubt in self.doubts),
            *((f"({limit})", None) for limit in self._limits()),
        ]

    def _limits(self) -> list[str]:
        """Say where no limits were checked, and of what the most rows are counted."""
        said: dict[str, list[str]] = {}
        for name, plan in self.plans.items() if not self._taken else ():
            if len(plan):
                said.setdefault(plan.unlimited, []).append(name)
        free = [
            f"{listed(names)}: {text}" if len(said) > 1 else text
            for text, names in said.items()
            if text
        ]
        most = {
            f"{policy.source} allows {quantity(policy.max_rows, 'row')} to each server, not in all"
            for plan in self.plans.values()
            for policy in plan.policies
            if policy.max_rows is not None and len(self.plans) > 1
        }
        return [*free, *sorted(most)]


class FleetReport(rendering.Shown):
    """What an apply has done on each server.

    Attributes
    ----------
    reports : dict of str to WriteReport
        By server, in the order in which they were written to.

    Examples
    --------
    >>> report = fleet.plan_writes({"Plant.Line 1.Set point": 195}, servers="north").apply()
    >>> report.ok, report.counts
    (True, {<Outcome.VERIFIED: 'VERIFIED'>: 1})
    """

    def __init__(self, reports: Mapping[str, WriteReport]) -> None:
        self.reports = dict(reports)

    def __iter__(self) -> Iterator[WriteResult]:
        return (result for report in self.reports.values() for result in report)

    def __len__(self) -> int:
        return sum(map(len, self.reports.values()))

    @property
    def sent(self) -> bool:
        """Whether any byte of a write may have reached a server."""
        return any(result.sent for result in self)

    @property
    def ok(self) -> bool:
        """Whether every row was sent, and none failed."""
        return all(report.ok for report in self.reports.values())

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many rows have each outcome, those that none has left out."""
        found = Counter(result.outcome for result in self)
        return {outcome: found[outcome] for outcome in Outcome if found[outcome]}

    @property
    def frame(self) -> pd.DataFrame:
        """The report as a DataFrame, one row per write.

        ``server`` (categorical), then the columns of :attr:`WriteReport.frame`.
        """
        return _frame_of({name: report.frame for name, report in self.reports.items()})

    def skip(self, server: str, reason: str) -> None:
        """Say why nothing was sent to a server."""
        for result in self.reports[server]:
            result.reason = reason

    def wait(self, reason: str, behind: str | None = None) -> None:
        """Say so of all servers, or of those behind one."""
        names = list(self.reports)
        for name in names if behind is None else names[names.index(behind) + 1 :]:
            self.skip(name, reason)

    def resolve(self, within: float = 2.0) -> FleetReport:
        """Read the values of writes that are UNKNOWN or DIFFERS, and return the same report.

        Parameters
        ----------
        within : float, default 2.0
            For how long each server is given to show them, in seconds.

        Examples
        --------
        >>> report = fleet.plan_writes({"Plant.Line 1.Set point": 195}, servers="north").apply()
        >>> report.resolve().ok
        True
        """
        for report in self.reports.values():
            if any(each.outcome in (Outcome.UNKNOWN, Outcome.DIFFERS) for each in report):
                report.resolve(within)
        return self

    def undo(self) -> FleetPlan:
        """Return a plan back to the old values: the last server first, on each the last write.

        Nothing is sent by this; see :meth:`WriteReport.undo`.

        Examples
        --------
        >>> plan = fleet.plan_writes({"Plant.Line 1.Set point": 195}, servers=["south", "north"])
        >>> plan.apply().undo().order
        ['north', 'south']
        """
        plans: dict[str, WritePlan] = {}
        failures: dict[str, XentaraError] = {}
        for name, report in reversed(self.reports.items()):
            if any(result.sent for result in report):
                try:
                    plans[name] = report.undo()
                except XentaraError as error:
                    failures[name] = error
        return FleetPlan(plans, failures)

    def raise_for_outcome(self) -> None:
        """Raise the error of the first row that is not ``ok``; nothing happens if all are.

        Examples
        --------
        >>> plan = fleet.plan_writes({"Plant.Line 1.Set point": 195}, servers="north")
        >>> plan.apply().raise_for_outcome()
        """
        for result in sorted(self, key=lambda result: not result.outcome.failed):
            result.raise_for_outcome()

    def title(self) -> rendering.Title:
        """Return the headline."""
        return [
            (f"{_extent(self, self.reports)}:", None),
            *rendering.counted([result.outcome for result in self], Outcome),
        ]


def _extent(writes: Sized, servers: Sized) -> str:
    return f"{quantity(len(writes), 'write')} to {quantity(len(servers), 'server')}"


def _why_stopped(server: str, results: WriteReport) -> str:
    """Return why nothing is sent to the servers behind one; empty if that one has everything."""
    # A row that was to be sent and was not ends it like one that failed, which comes first.
    missed = [each for each in results if not each.sent and not each.planned.refused]
    failed = [each for each in results if each.outcome.failed]
    for each in [*failed, *missed][:1]:
        return f"after {each.planned} on {server}, which is {each.outcome}"
    return ""


def _frame_of(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return stacked(frames, list(frames), pd.DataFrame())
