"""The report of an apply: what was sent and what became of it, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

import pandas as pd

from xentara_nb.protocol.identifiers import DataType, label
from xentara_nb.tables.frames import object_array, string_array
from xentara_nb.writes import read_back, records
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.guards import Guard, Severity, refused
from xentara_nb.writes.journal import Journal
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.read_back import Verification
from xentara_nb.writes.rendering import Title, table_html, table_text
from xentara_nb.writes.requests import WriteRequest
from xentara_nb.writes.results import WriteResult

if TYPE_CHECKING:
    from xentara_nb.writes.plan import WritePlan

Replan = Callable[[list[WriteRequest]], "WritePlan"]
"""Makes a plan of wishes."""


class WriteReport(Sequence[WriteResult]):
    """What an apply has done: one :class:`WriteResult` per row of the plan, in its order.

    Shown in a notebook it is a table, with what went wrong marked.

    Parameters
    ----------
    context : WriteContext
        What the writes needed.
    results : sequence of WriteResult
        One per row of the plan.
    replan : callable
        Makes the plan of :meth:`undo`.
    how : Verification
        How the writes were verified.
    journal : Journal
        Where the intents of the writes are.

    Attributes
    ----------
    journal : Journal
        Where the intents of the writes are.

    Examples
    --------
    >>> from xentara_nb import simulate
    >>> with simulate() as plant, plant.connect(journal=False) as client:
    ...     report = client.plan_writes({"Plant.Line 1.Set point": 195}).apply()
    ...     back = report.undo().apply()
    >>> report.ok, report.counts
    (True, {<Outcome.VERIFIED: 'VERIFIED'>: 1})
    >>> back[0].old_value, back[0].value
    (195.0, 210.0)
    """

    def __init__(
        self,
        context: WriteContext,
        results: Sequence[WriteResult],
        replan: Replan,
        how: Verification,
        journal: Journal,
    ) -> None:
        self.journal = journal
        self._context = context
        self._results = tuple(results)
        self._replan = replan
        self._how = how
        for result in self._results:
            result.origin = self

    @overload
    def __getitem__(self, index: int) -> WriteResult: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[WriteResult]: ...
    def __getitem__(self, index: int | slice) -> WriteResult | Sequence[WriteResult]:
        return self._results[index]

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[WriteResult]:
        return iter(self._results)

    def report_of(self, result: WriteResult) -> WriteReport:
        """Return this report, which a result of it is in."""
        return self

    @property
    def ok(self) -> bool:
        """Whether every row was sent, and there is nothing to complain of."""
        return all(result.ok for result in self._results)

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many rows have each outcome, those that none has left out."""
        counted = Counter(result.outcome for result in self._results)
        return {outcome: counted[outcome] for outcome in Outcome if counted[outcome]}

    @property
    def frame(self) -> pd.DataFrame:
        """The report as a DataFrame, one row per row of the plan.

        The columns are ``primary_key`` (str), ``element_uuid`` (object: UUID), ``attribute_name``
        (str), ``attribute_id`` (object), ``data_type`` (str), ``old_value``, ``value``,
        ``read_back`` (object, None where not known), ``outcome`` (categorical), ``error`` (str,
        missing where there is none), ``sent`` (bool), ``time`` (datetime64[ns, UTC], when it was
        sent, NaT where it was not), ``duration`` (float64, the seconds until the answer).
        """
        results = self._results
        targets = [result.order.target for result in results]
        infos = [target.info for target in targets]
        times = [
            result.sent_ns if result.sent and result.sent_ns else records.NO_TIME
            for result in results
        ]
        columns = {
            "primary_key": string_array([target.primary_key for target in targets]),
            "element_uuid": object_array([target.element_uuid for target in targets]),
            "attribute_name": string_array([target.attribute_name for target in targets]),
            "attribute_id": object_array([info and info.attribute_id for info in infos]),
            "data_type": string_array([info and label(DataType, info.data_type) for info in infos]),
            "old_value": object_array([result.old_value for result in results]),
            "value": object_array([result.value for result in results]),
            "read_back": object_array([result.read_back for result in results]),
            "outcome": records.outcome_column([result.outcome for result in results]),
            "error": string_array([records.error_text(result) for result in results]),
            "sent": pd.array([result.sent for result in results], dtype="bool"),
            "time": pd.Series(times, dtype="int64").astype("datetime64[ns, UTC]"),
            "duration": pd.array([result.duration for result in results], dtype="float64"),
        }
        index = pd.RangeIndex(len(results))
        return pd.DataFrame(
            {name: pd.Series(values, index=index) for name, values in columns.items()}
        )

    def resolve(self, within: float = 2.0) -> WriteReport:
        """Read the values of writes that are UNKNOWN or DIFFERS, to learn what became of them.

        Nothing is sent again. A value that is the one ordered makes the outcome VERIFIED, any
        other DIFFERS; what cannot be read stays as it is. The journal learns it too.

        Parameters
        ----------
        within : float, default 2.0
            How long to wait for the values that were ordered, in seconds.

        Returns
        -------
        WriteReport
            This same report.
        """
        in_doubt = [
            result
            for result in self._results
            if result.outcome in (Outcome.UNKNOWN, Outcome.DIFFERS)
        ]
        how = Verification(True, self._how.predicate, self._how.tolerance, within)
        for done in read_back.read_back(self._context.link, in_doubt, how):
            records.note(self.journal, done)
        return self

    def undo(self) -> WritePlan:
        """Return a plan back to the old values, the last write first.

        Nothing is sent by this; look at the plan and apply it. What was not sent, or rejected, is
        not in it. A row is refused in the plan where there is no way back: the old value is not
        known, or nobody knows whether the write took effect (:meth:`resolve` first). A row whose
        value has moved on since has a warning.

        Returns
        -------
        WritePlan
        """
        return self._replan(
            [
                _back(result)
                for result in reversed(self._results)
                if result.outcome.taken or result.outcome is Outcome.UNKNOWN
            ]
        )

    def raise_for_outcome(self) -> None:
        """Raise the error of the first row that is not ``ok``; nothing happens if all are.

        Raises
        ------
        ServerError, WriteOutcomeUnknown, WriteDiffersError, WriteRefusedError
            As :meth:`WriteResult.raise_for_outcome` does. A failure comes before a row that was
            skipped because of it.
        """
        for result in sorted(self._results, key=lambda result: not result.outcome.failed):
            result.raise_for_outcome()

    def _title(self) -> Title:
        count = len(self._results)
        title: list[tuple[str, Outcome | Severity | None]] = [
            (f"{count} write{'' if count == 1 else 's'}:", None)
        ]
        title += [(f"{number} {outcome}", outcome) for outcome, number in self.counts.items()]
        return title

    def _shown(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "primary_key": [result.primary_key for result in self._results],
                "attribute": [result.attribute_name for result in self._results],
                "old": object_array([result.old_value for result in self._results]),
                "new": object_array([result.value for result in self._results]),
                "read back": object_array([result.read_back for result in self._results]),
                "outcome": [str(result.outcome) for result in self._results],
                "": [records.error_text(result) or "" for result in self._results],
            }
        )

    def __repr__(self) -> str:
        return table_text(self._title(), self._shown())

    def _repr_html_(self) -> str:
        marked = {"outcome": [result.outcome for result in self._results]}
        return table_html(self._title(), self._shown(), marked)


def _back(result: WriteResult) -> WriteRequest:
    order = result.order
    target = order.target
    assert target.info is not None
    verdict = None
    if result.outcome is Outcome.UNKNOWN:
        verdict = refused(
            Guard.OLD_VALUE,
            "nobody knows whether the write took effect: report.resolve() reads it first",
        )
    elif not order.knows_old:
        verdict = refused(Guard.OLD_VALUE, "the old value is not known, so there is no way back")
    old = order.old if order.knows_old else None
    if isinstance(old, float) and old != old:
        old = "nan"  # read from a server, it is no missing value
    expected = result.raw_read_back if result.raw_read_back is not None else order.new
    return WriteRequest(target.reference, target.info.attribute_id, old, verdict, expected)
