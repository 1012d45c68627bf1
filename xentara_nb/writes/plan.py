"""The plan: what is going to be written, looked at from all sides before anything moves."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NoReturn

import pandas as pd

from xentara_nb.connection.connection import Connection
from xentara_nb.connection.deadline import check_timeout
from xentara_nb.errors import WriteRefusedError
from xentara_nb.protocol.identifiers import DataType, Quality, label
from xentara_nb.tables.frames import object_array, string_array
from xentara_nb.writes import records
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.guards import CheckResult, Guard, Severity
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.planned import PlannedWrite
from xentara_nb.writes.planning import check_whole, make_planned_writes
from xentara_nb.writes.policy import WritePolicy
from xentara_nb.writes.preflight import check_model, check_policies, check_values, refuse_rows
from xentara_nb.writes.read_back import Predicate, Verification, verification
from xentara_nb.writes.rendering import Title, table_html, table_text
from xentara_nb.writes.report import WriteReport
from xentara_nb.writes.requests import WriteRequest
from xentara_nb.writes.results import WriteResult
from xentara_nb.writes.sending import Sending, send
from xentara_nb.writes.sub_session import SessionLike, connection_for, id_of, user_of

BATCH_SIZE = 256
"""How many writes go into one message, where a failure does not stop those behind it."""

_NOT_CHECKED = "not checked"
_OF_THE_WHOLE = (Guard.CLIENT, Guard.ROWS, Guard.TIME_WINDOW)


def make_plan(
    context: WriteContext, wanted: Sequence[WriteRequest], *, number_as_boolean: bool = False
) -> WritePlan:
    """Return the plan of some wishes: found, read and checked; nothing is sent."""
    policies = context.policies.current()
    connection = context.link.connection()
    orders = make_planned_writes(context, wanted, policies, number_as_boolean=number_as_boolean)
    verdicts = check_whole(context, policies, len(orders))
    return WritePlan(context, orders, verdicts, policies, connection)


class WritePlan:
    """What is going to be written; made by :meth:`Client.plan_writes`.

    Shown in a notebook it is a table of every write with the old value, the new value as it will
    be sent, the change, and what the guards say. :meth:`apply` sends it, once.

    Parameters
    ----------
    context : WriteContext
        What the writes need.
    orders : sequence of PlannedWrite
        The writes.
    verdicts : tuple of CheckResult
        What is to be said of the plan as a whole.
    policies : tuple of WritePolicy
        The policies that it was checked against.
    connection : Connection
        The connection over which it was made.

    Attributes
    ----------
    orders : tuple of PlannedWrite
        The writes, one per row.
    verdicts : tuple of CheckResult
        What guards have to say of the plan as a whole.
    report : WriteReport or None
        What the last :meth:`apply` has done, also when it was interrupted.
    """

    def __init__(
        self,
        context: WriteContext,
        orders: Sequence[PlannedWrite],
        verdicts: tuple[CheckResult, ...],
        policies: tuple[WritePolicy, ...],
        connection: Connection,
    ) -> None:
        self.orders = tuple(orders)
        self.verdicts = verdicts
        self.report: WriteReport | None = None
        self._context = context
        self._policies = policies
        self._connection = connection
        self._lock = threading.Lock()
        self._taken = False

    def __len__(self) -> int:
        return len(self.orders)

    def __reduce__(self) -> NoReturn:
        # Two of the same plan would be two to apply.
        raise TypeError("a plan is good for one apply, so it cannot be copied or stored")

    @property
    def ok(self) -> bool:
        """Whether no guard refuses any of it."""
        whole = any(verdict.level is Severity.REFUSED for verdict in self.verdicts)
        return not whole and not any(order.refused for order in self.orders)

    @property
    def applied(self) -> bool:
        """Whether the plan was applied, or is being: it cannot be applied again."""
        return self._taken

    @property
    def who(self) -> str:
        """As whom it will be sent, if no sub-session is given."""
        return self._context.user

    @property
    def frame(self) -> pd.DataFrame:
        """The plan as a DataFrame, one row per write, in the order of sending.

        The columns are ``primary_key`` (str), ``element_uuid`` (object: UUID, None if there is no
        such element), ``attribute_name`` (str), ``attribute_id`` (object), ``data_type`` (str),
        ``old_value`` (object, None where not known), ``old_quality`` (str, missing where not
        known), ``value`` (object: the new value as it will be sent, None if it does not fit),
        ``change`` (object: the difference of two numbers or times, otherwise None), ``verdict``
        (categorical: ``ok``, ``warning``, ``refused``), ``reason`` (str, missing where there is
        none), and for every guard a column ``guard_...`` (str): ``ok``, ``not checked``, or what
        it has to say.
        """
        orders = self.orders
        targets = [order.target for order in orders]
        infos = [target.info for target in targets]
        levels = [self._level(order) for order in orders]
        columns = {
            "primary_key": string_array([target.primary_key for target in targets]),
            "element_uuid": object_array([target.element_uuid for target in targets]),
            "attribute_name": string_array([target.attribute_name for target in targets]),
            "attribute_id": object_array([info and info.attribute_id for info in infos]),
            "data_type": string_array([info and label(DataType, info.data_type) for info in infos]),
            "old_value": object_array([order.old_value for order in orders]),
            "old_quality": string_array([_quality(order) for order in orders]),
            "value": object_array([order.new_value for order in orders]),
            "change": object_array([order.change for order in orders]),
            "verdict": pd.Categorical(levels, categories=[str(level) for level in Severity]),
            "reason": string_array([self._reason(order) or None for order in orders]),
        }
        for guard in Guard:
            columns[f"guard_{guard}"] = string_array([self._says(guard, order) for order in orders])
        index = pd.RangeIndex(len(orders))
        return pd.DataFrame(
            {name: pd.Series(values, index=index) for name, values in columns.items()}
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
    ) -> WriteReport:
        """Send the writes, each at most once, in their order.

        Parameters
        ----------
        dry_run : bool, default False
            Send nothing, and report what would be sent.
        session : SubSession or uuid.UUID, optional
            A sub-session whose rights are needed as well.
        if_unchanged : bool, default True
            Read all values once more before anything is sent, and refuse if one of them is not
            the one that the plan shows. They are compared within ``tolerance``.
        on_error : {"stop", "continue"}
            What to do after a write that was rejected, or whose value read back differs: send
            nothing more, or go on. With ``"stop"`` each write is sent, answered and verified
            before the next; with ``"continue"`` they go out in large messages, and are verified
            together. After a lost answer nothing more is sent in either case.
        verify : bool or callable
            Whether to read the values back; or a function that is given the ordered and the read
            value, and returns whether that will do.
        verify_within : float, default 5.0
            How long a device may take to follow, in seconds.
        tolerance : float, default 0.0
            How far a number that is read back may be from the one ordered.
        timeout : float, optional
            How long an answer may take, in seconds; that of the client when left out.
        batch_size : int, optional
            How many writes go into one message; left out, 1 with ``on_error="stop"``, 256 with
            ``"continue"``. More than 1 with ``"stop"`` means that the rest of a message has been
            sent already when one of its writes fails.
        skip_refused : bool, default False
            Send the other rows although guards refuse some. Otherwise nothing is sent then.

        Returns
        -------
        WriteReport
            What became of every row. Nothing is raised once something was sent; see
            :meth:`WriteReport.raise_for_outcome`. When it is interrupted, ``plan.report`` has it.

        Raises
        ------
        WriteRefusedError
            If it was applied before, guards refuse, values have moved on since it was made, the
            sub-session has ended, or the journal cannot be written. Nothing was sent.
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
        how = verification(verify, tolerance, verify_within)
        size = _batch_size(on_error, batch_size)
        seconds = self._context.link.timeout if timeout is None else check_timeout(timeout)
        plan_id = records.new_id()
        results = [
            WriteResult(order, f"{plan_id}-{number}") for number, order in enumerate(self.orders)
        ]
        if dry_run:
            return self._rehearse(results, how)
        with self._lock:
            if self._taken:
                raise WriteRefusedError(
                    "this plan was applied already, and a plan is good for one apply: make a "
                    "fresh one with client.plan_writes(...)"
                )
            self._taken = True
        try:
            wanted = [result for result in results if not result.order.refused]
            if len(wanted) < len(results) and not skip_refused:
                refuse_rows(self.orders)
            connection = self._check(wanted, session, if_unchanged, tolerance)
            self.report = report = self._report(results, how)
            for result in results:
                if result.order.refused:
                    result.reason = f"refused: {result.order.reason}"
            sending = Sending(
                connection,
                id_of(session),
                size,
                on_error == "stop",
                seconds,
                how,
                report.journal,
                records.header(plan_id, self._context.server, self._context.user, user_of(session)),
                self._policies,
            )
            try:
                send(self._context, wanted, sending)
            except KeyboardInterrupt as error:
                error.add_note("plan.report says what was sent, and what became of it.")
                raise
        finally:
            if not any(result.sent for result in results):
                self._taken = False
        return report

    def _report(self, results: Sequence[WriteResult], how: Verification) -> WriteReport:
        context = self._context
        return WriteReport(
            context, results, lambda back: make_plan(context, back), how, context.owner.journal
        )

    def _rehearse(self, results: Sequence[WriteResult], how: Verification) -> WriteReport:
        whole = "; ".join(
            verdict.message for verdict in self.verdicts if verdict.level is Severity.REFUSED
        )
        for result in results:
            own = result.order.reason if result.order.refused else ""
            refusal = "; ".join(filter(None, (whole, own)))
            result.reason = f"refused: {refusal}" if refusal else "dry run: it would be sent"
        return self._report(results, how)

    def _check(
        self,
        wanted: Sequence[WriteResult],
        session: SessionLike | None,
        if_unchanged: bool,
        tolerance: float,
    ) -> Connection:
        """Look once more whether the plan may be sent, and return the connection to send it on."""
        context = self._context
        check_policies(context, self._policies, len(self.orders))
        connection = connection_for(context.link, session)
        orders = [result.order for result in wanted]
        if connection is not self._connection:
            check_model(context, orders)
        if if_unchanged:
            check_values(context, orders, tolerance)
        return connection

    def _level(self, order: PlannedWrite) -> Severity:
        whole = any(verdict.level is Severity.REFUSED for verdict in self.verdicts)
        return Severity.REFUSED if whole else order.level

    def _reason(self, order: PlannedWrite) -> str:
        return "; ".join(
            filter(None, (*(verdict.message for verdict in self.verdicts), order.reason))
        )

    def _says(self, guard: Guard, order: PlannedWrite) -> str:
        verdicts = self.verdicts if guard in _OF_THE_WHOLE else order.verdicts
        said = [verdict for verdict in verdicts if verdict.guard is guard]
        if said:
            worst = max(said, key=lambda verdict: verdict.level is Severity.REFUSED)
            return f"{worst.level}: {'; '.join(verdict.message for verdict in said)}"
        unknown = order.target.info is None and guard not in (Guard.EXISTS, *_OF_THE_WHOLE)
        unfit = order.new is None and guard in (Guard.FITS, Guard.LIMITS, Guard.STEP)
        unread = order.quality is None and guard is Guard.QUALITY
        return _NOT_CHECKED if unknown or unfit or unread else str(Severity.OK)

    def _title(self) -> Title:
        count = len(self.orders)
        title: list[tuple[str, Outcome | Severity | None]] = [
            (f"Plan of {count} write{'' if count == 1 else 's'} as {self.who}:", None)
        ]
        levels = [self._level(order) for order in self.orders]
        title += [
            (f"{levels.count(level)} {level}", level) for level in Severity if level in levels
        ]
        title += [(f"({verdict.message})", verdict.level) for verdict in self.verdicts]
        title.append(("Applied." if self._taken else "Nothing was sent yet.", None))
        return title

    def _shown(self) -> pd.DataFrame:
        orders = self.orders
        return pd.DataFrame(
            {
                "primary_key": [order.target.primary_key for order in orders],
                "attribute": [order.target.attribute_name for order in orders],
                "old": object_array([order.old_value for order in orders]),
                "new": object_array([order.new_value for order in orders]),
                "change": object_array([order.change for order in orders]),
                "verdict": [str(self._level(order)) for order in orders],
                "": [order.reason for order in orders],
            }
        )

    def __repr__(self) -> str:
        return table_text(self._title(), self._shown())

    def _repr_html_(self) -> str:
        marked = {"verdict": [self._level(order) for order in self.orders]}
        return table_html(self._title(), self._shown(), marked)


def _batch_size(on_error: str, batch_size: int | None) -> int:
    if on_error not in ("stop", "continue"):
        raise WriteRefusedError(f"on_error is 'stop' or 'continue', not {on_error!r}")
    if batch_size is None:
        return 1 if on_error == "stop" else BATCH_SIZE
    if type(batch_size) is not int or not 1 <= batch_size <= 10_000:
        raise WriteRefusedError(f"batch_size must be a number from 1 to 10000, not {batch_size!r}")
    return batch_size


def _quality(order: PlannedWrite) -> str | None:
    return None if order.quality is None else label(Quality, order.quality)
