"""The plan: what is going to be written, checked and shown before anything is sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NoReturn

import pandas as pd

from xentara_nb.connection.connection import Connection
from xentara_nb.connection.deadline import check_timeout
from xentara_nb.errors import OptionError, WriteRefusedError, XentaraError
from xentara_nb.locking import Lock
from xentara_nb.protocol.identifiers import Quality, label
from xentara_nb.protocol.text import quantity
from xentara_nb.protocol.values import is_number
from xentara_nb.queries.progress import Progress, reporting
from xentara_nb.writes import rendering
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.feedback import VerifyOnLike, feedbacks
from xentara_nb.writes.guards import OF_POLICIES, CheckResult, Guard, Severity, has_rule, reason_of
from xentara_nb.writes.planned import PlannedWrite
from xentara_nb.writes.planning import (
    check_plan,
    plan_requests,
    read_units,
    refuse_changes,
    refuse_policies,
    refuse_rows,
)
from xentara_nb.writes.policy import WritePolicy
from xentara_nb.writes.read_back import Predicate, Verification
from xentara_nb.writes.report import WriteReport
from xentara_nb.writes.requests import WriteRequest
from xentara_nb.writes.results import WriteResult
from xentara_nb.writes.sending import Sender
from xentara_nb.writes.sub_session import SessionLike, connection_for

BATCH_SIZE = 256
"""How many writes go into one message, where a failure does not stop those behind it."""

_LIMITS = (Guard.LIMITS, Guard.STEP)
_OF_THE_WHOLE = (Guard.CLIENT, Guard.ROWS, Guard.TIME_WINDOW)


def make_plan(
    context: WriteContext,
    requests: Sequence[WriteRequest],
    *,
    number_as_boolean: bool = False,
    verify_on: VerifyOnLike = None,
    is_needless: Callable[[PlannedWrite], bool] = lambda planned: False,
) -> WritePlan:
    """Return the plan of some requests: found, read and checked; nothing is sent.

    A write that is found to be needless is not in the plan.
    """
    if number_as_boolean:
        requests = [request._replace(number_as_boolean=True) for request in requests]
    tables = None if verify_on is None else feedbacks(verify_on)
    policies = context.policies.current()

    def find(connection: Connection) -> tuple[Sequence[PlannedWrite], Sequence[str | None]]:
        found = plan_requests(context, requests, policies, verify_on=tables)
        planned = [each for each in found if not is_needless(each)]
        return planned, read_units(context, planned)

    (planned, units), generation = context.model_cache.in_one_model(
        context.connection.connection, find
    )
    checks = check_plan(context, policies, len(planned))
    return WritePlan(context, planned, checks, policies, units, generation)


class WritePlan(rendering.Shown):
    """What is going to be written; made by :meth:`Client.plan_writes`.

    Shown in a notebook it is a table of every write with the old value, the new value as it will
    be sent, the change, and what the guards say. :meth:`apply` sends it, once.

    Attributes
    ----------
    report : WriteReport or None
        What the last :meth:`apply` has done, also when it was interrupted.

    Examples
    --------
    >>> plan = client.plan_writes({"Plant.Line 1.Set point": 195})
    >>> plan.frame[["primary_key", "old_value", "value", "severity"]]
                  primary_key old_value  value severity
    0  Plant.Line 1.Set point     210.0  195.0       ok
    >>> plan.ok, plan.applied
    (True, False)
    """

    def __init__(
        self,
        context: WriteContext,
        planned: Sequence[PlannedWrite],
        checks: tuple[CheckResult, ...],
        policies: tuple[WritePolicy, ...],
        units: Sequence[str | None],
        generation: int,
    ) -> None:
        self._planned = tuple(planned)
        self._units = tuple(units)
        self._checks = checks
        self.report: WriteReport | None = None
        self._context = context
        self._policies = policies
        self._generation = generation  # of what was known of the model
        self._lock = Lock()
        self._taken = False
        self._process = os.getpid()

    def __len__(self) -> int:
        return len(self.planned)

    def __reduce__(self) -> NoReturn:
        # Two of the same plan would be two to apply.
        raise TypeError("a plan is good for one apply, so it cannot be copied or stored")

    @property
    def planned(self) -> tuple[PlannedWrite, ...]:
        """The writes, one per row."""
        return self._planned

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """The refusals of the plan as a whole."""
        return self._checks

    @property
    def policies(self) -> tuple[WritePolicy, ...]:
        """The policies that it was checked against."""
        return self._policies

    @cached_property
    def unlimited(self) -> str:
        """That no limits were checked of what may be sent, or of how many numbers of it."""
        rows = [] if self.checks else [each for each in self.planned if not each.refused]
        if not self.policies:
            return rendering.NO_POLICY if rows else ""
        free = sum(
            is_number(each.new) and not any(self._has_rule(guard, each) for guard in _LIMITS)
            for each in rows
        )
        if not free:
            return ""
        which = "" if len(self.planned) == 1 else f" for {free:,} of {len(self.planned):,} values"
        return f"no rule: no limits were checked{which}"

    @property
    def ok(self) -> bool:
        """Whether no guard refuses any of it."""
        return not self.checks and not any(each.refused for each in self.planned)

    @property
    def applied(self) -> bool:
        """Whether the plan was applied or is being applied, and cannot be again."""
        return self._taken

    @property
    def who(self) -> str:
        """As whom it will be sent, if no sub-session is given."""
        return self._context.connection.credentials.who

    @property
    def frame(self) -> pd.DataFrame:
        """The plan as a DataFrame, one row per write, in the order of sending.

        The columns are ``primary_key`` (str), ``element_uuid`` (xentara_id, None if there is no
        such element), ``attribute_name`` (str), ``attribute_id`` (xentara_id), ``data_type`` (str),
        ``old_value`` (object, None where not known), ``old_quality`` (str, missing where not
        known), ``value`` (object: the new value as it will be sent, None if it does not fit),
        ``units`` (str, missing where there are none), ``change`` (object: the difference of two
        numbers or times, otherwise None), ``severity`` (categorical: ``ok``, ``warning``,
        ``refused``), ``reason`` (str, missing where there is none), and for every guard a column
        ``guard_...`` (str): ``ok``, ``not checked``, ``no rule`` (no policy says anything
        on it), or what it says.
        """
        rows = self.planned
        return rendering.build_frame(
            {
                **rendering.target_columns(each.target for each in rows),
                "old_value": [each.old_value for each in rows],
                "old_quality": [
                    None if each.quality is None else label(Quality, each.quality) for each in rows
                ],
                "value": [each.new_value for each in rows],
                "units": self._units,
                "change": [each.change for each in rows],
                "severity": self._severities(),
                "reason": [reason_of((*self.checks, *each.checks)) or None for each in rows],
                **{
                    column: [self._says(guard, each) for each in rows]
                    for guard, column in rendering.GUARD_COLUMNS.items()
                },
            }
        )

    def apply(
        self,
        *,
        dry_run: bool = False,
        session: SessionLike | None = None,
        if_unchanged: bool = True,
        on_error: str = "stop",
        verify: bool | Predicate = True,
        verify_within: float = 5.0,
        tolerance: float = 0.0,
        timeout: float | None = None,
        batch_size: int | None = None,
        skip_refused: bool = False,
        progress: Progress = None,
    ) -> WriteReport:
        """Send the writes, each at most once, in their order.

        Parameters
        ----------
        dry_run : bool, default False
            Send nothing, and report what would be sent.
        session, verify, verify_within, tolerance, timeout
            As for :meth:`Client.write`.
        if_unchanged : bool, default True
            Read and check all values once more before anything is sent, and refuse if one of them
            is not the one that the plan shows. They are compared within ``tolerance``.
        on_error : {"stop", "continue"}
            What to do after a write that was rejected, or whose value read back differs: send
            nothing more, or go on. With ``"stop"`` each write is sent, answered and verified
            before the next; with ``"continue"`` they go out in large messages, and are verified
            together. After a lost answer nothing more is sent in either case.
        batch_size : int, optional
            How many writes go into one message; left out, 1 with ``on_error="stop"``, 256 with
            ``"continue"``. More than 1 with ``"stop"`` means that the rest of a message has been
            sent already when one of its writes fails.
        skip_refused : bool, default False
            Send the other rows although guards refuse some. Otherwise nothing is sent then.
        progress : bool or callable, optional
            True for a progress bar, False for none, left out for one on long work, on a terminal or
            in a notebook; or a function that is called as ``progress(done, total)`` behind each
            message. If it raises, nothing more is sent.

        Returns
        -------
        WriteReport
            What became of every row. Nothing is raised once something was sent, other than by
            Ctrl-C or ``progress``, and then ``plan.report`` has it; see
            :meth:`WriteReport.raise_for_outcome`.

        Raises
        ------
        OptionError
            If an argument makes no sense. Nothing was sent.
        WriteRefusedError
            If it was applied before, or made in another process, guards refuse, values have
            changed since it was made, the sub-session has ended, or the journal cannot be written.
            Nothing was sent.
        ConnectError, ConnectionLostError, DeadlineError
            If the server cannot be reached. Nothing was sent.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as plant, plant.connect(journal=False) as client:
        ...     plan = client.plan_writes({"Plant.Line 1.Set point": 195, "Plant.Line 1.Batch": 7})
        ...     report = plan.apply()
        >>> report.frame[["primary_key", "old_value", "value", "outcome"]]
                      primary_key old_value  value   outcome
        0  Plant.Line 1.Set point     210.0  195.0  VERIFIED
        1      Plant.Line 1.Batch      4701      7  VERIFIED
        """
        context = self._context
        how = Verification(verify, tolerance, verify_within)
        size = _batch_size(on_error, batch_size)
        seconds = context.connection.timeout if timeout is None else check_timeout(timeout)
        report = WriteReport(context, self.planned, make_plan, how, self._units)
        if dry_run:
            self._rehearse(report)
            return report
        if self._process != os.getpid():  # who has forked has two of it
            raise WriteRefusedError(
                "this plan belongs to the process that made it: make a fresh one in this process "
                "with client.plan_writes(...)"
            )
        taken = False
        try:
            with self._lock:
                if self._taken:
                    raise WriteRefusedError(
                        "this plan was applied already, and a plan is good for one apply: make a "
                        "fresh one with client.plan_writes(...)"
                    )
                self._taken = taken = True
            wanted = _note_refusals(report)
            if len(wanted) < len(report) and not skip_refused:
                refuse_rows(self.planned)
            refuse_policies(context, self._policies, len(self.planned))
            connection = connection_for(context.connection, session)
            refuse_changes(
                context,
                [result.planned for result in wanted],
                self._policies,
                tolerance if if_unchanged else None,
                self._planned if context.model_cache.generation == self._generation else (),
            )
            self.report = report
            stop = on_error == "stop"
            sender = Sender(
                context, report, connection, session, self._policies, seconds, size, stop
            )
            # A few messages show no bar, however long the last of them takes to be verified.
            shown = progress if progress is not None or len(wanted) > size else False
            with reporting(shown, len(wanted), "write", "Writes") as show_progress:
                sender.send(wanted, show_progress)
        except BaseException as error:
            told = isinstance(error, XentaraError) and not any(each.sent for each in report)
            if self.report is report and not told:
                error.add_note(
                    "plan.report says what was sent, and what became of it; "
                    "plan.report.resolve() reads the values of those that are UNKNOWN."
                )
            raise
        finally:
            if taken and not any(result.sent for result in report):
                self._taken = False
        return report

    def _rehearse(self, report: WriteReport) -> None:
        whole = [check.message for check in self.checks]
        for result in report:
            own = [result.planned.reason] if result.planned.refused else []
            refusal = "; ".join([*whole, *own])
            result.reason = f"refused: {refusal}" if refusal else "dry run: it would be sent"

    def _severities(self) -> list[Severity]:
        """Return what the guards say of each row; those of the whole plan refuse all of it."""
        if self.checks:
            return [Severity.REFUSED] * len(self.planned)
        return [each.severity for each in self.planned]

    def _says(self, guard: Guard, planned: PlannedWrite) -> str:
        checks = self.checks if guard in _OF_THE_WHOLE else planned.checks
        found = [check for check in checks if check.guard is guard]
        if found:
            worst = max(found, key=lambda check: check.severity is Severity.REFUSED)
            return f"{worst.severity}: {reason_of(found)}"
        unknown = planned.target.info is None and guard not in (Guard.EXISTS, *_OF_THE_WHOLE)
        unfit = planned.new is None and guard in (Guard.FITS, Guard.LIMITS, Guard.STEP)
        unread = planned.quality is None and guard is Guard.QUALITY
        if unknown or unfit or unread:
            return "not checked"
        if guard not in OF_POLICIES:
            return str(Severity.OK)
        # Of many rows, each has a column of each guard.
        ruled = self._policies and self._has_rule(guard, planned)
        return str(Severity.OK) if ruled else "no rule"

    def _has_rule(self, guard: Guard, planned: PlannedWrite) -> bool:
        at = planned.target
        named = at.primary_key, at.info, planned.new, at.element_uuid
        return has_rule(self._policies, guard, *named)

    def title(self) -> rendering.Title:
        """Return the headline."""
        count = len(self.planned)
        state = "applied:" if self._taken else "nothing was sent yet:"
        if not count:
            state = "there is nothing to send"
        unlimited = "" if self._taken else self.unlimited
        return [
            (f"Plan of {quantity(count, 'write')} as {self.who}, {state}", None),
            *rendering.counted(self._severities(), Severity),
            *((f"({check.message})", check.severity) for check in self.checks),
            *([(f"({unlimited})", None)] if unlimited else ()),
        ]


def _note_refusals(report: WriteReport) -> list[WriteResult]:
    """Let what is refused say so; return the others."""
    for result in report:
        if result.planned.refused:
            result.reason = f"refused: {result.planned.reason}"
    return [result for result in report if not result.planned.refused]


def _batch_size(on_error: str, batch_size: int | None) -> int:
    if on_error not in ("stop", "continue"):
        raise OptionError(f"on_error is 'stop' or 'continue', not {on_error!r}")
    if batch_size is None:
        return 1 if on_error == "stop" else BATCH_SIZE
    if type(batch_size) is not int or not 1 <= batch_size <= 10_000:
        raise OptionError(f"batch_size must be a number from 1 to 10000, not {batch_size!r}")
    return batch_size
