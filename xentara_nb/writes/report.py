"""The report of an apply: what was sent and what became of it, row by row."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, overload

import pandas as pd

from xentara_nb.protocol.text import quantity
from xentara_nb.writes import records, rendering
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.guards import Guard, refused
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.planned import PlannedWrite
from xentara_nb.writes.read_back import Verification, read_back
from xentara_nb.writes.requests import WriteRequest
from xentara_nb.writes.results import WriteResult


class WriteReport(rendering.Shown, Sequence[WriteResult]):
    """What an apply has done: one :class:`WriteResult` per row of the plan, in its order.

    Shown in a notebook it is a table, with what went wrong marked.

    Attributes
    ----------
    id : str
        An id unlike any other, which the journal has too.
    journal : Journal
        Where the intents of the writes are.
    how : Verification
        How the writes were verified.
    generation : int
        That of what the client knew of the model, see :mod:`xentara_nb.queries.model_cache`.

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
        planned: Sequence[PlannedWrite],
        make_plan: Callable[[WriteContext, list[WriteRequest]], Any],
        how: Verification,
        units: Sequence[str | None] = (),
    ) -> None:
        self.id = os.urandom(16).hex()
        self.journal = context.settings.journal
        self.how = how
        self.generation = context.model_cache.generation
        self._context = context
        self._make_plan = make_plan
        self._units = tuple(units) or (None,) * len(planned)
        self._results = [
            WriteResult(each, f"{self.id}-{row}", self) for row, each in enumerate(planned)
        ]

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

    @property
    def ok(self) -> bool:
        """Whether every row was sent, and none failed."""
        return all(result.ok for result in self._results)

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many rows have each outcome, those that none has left out."""
        found = Counter(result.outcome for result in self._results)
        return {outcome: found[outcome] for outcome in Outcome if found[outcome]}

    @property
    def frame(self) -> pd.DataFrame:
        """The report as a DataFrame, one row per row of the plan.

        The columns are ``primary_key`` (str), ``element_uuid`` (xentara_id), ``attribute_name``
        (str), ``attribute_id`` (xentara_id), ``data_type`` (str), ``old_value``, ``value``,
        ``read_back`` (object, None where not known), ``units`` (str, missing where there are none
        or no plan has read them), ``outcome`` (categorical), ``error`` (str, missing where there is
        none), ``sent`` (bool), ``time`` (datetime64[ns, UTC], when it was sent, NaT where it was
        not), ``duration`` (float64, the seconds until the answer).
        """
        results = self._results
        return rendering.build_frame(
            {
                **rendering.target_columns(result.planned.target for result in results),
                "old_value": [result.old_value for result in results],
                "value": [result.value for result in results],
                "read_back": [result.read_back for result in results],
                "units": self._units,
                "outcome": [result.outcome for result in results],
                "error": [result.error_text for result in results],
                "sent": [result.sent for result in results],
                "time": [result.sent_ns if result.sent else None for result in results],
                "duration": [result.duration for result in results],
            }
        )

    def resolve(self, within: float = 2.0) -> WriteReport:
        """Read the values of writes that are UNKNOWN or DIFFERS, to learn what became of them.

        Nothing is sent again. A value that is the one written makes the outcome VERIFIED, any
        other DIFFERS; what cannot be read stays as it is. The journal learns it too.

        Parameters
        ----------
        within : float, default 2.0
            How long to wait for the values that were written, in seconds.

        Returns
        -------
        WriteReport
            This same report.

        Examples
        --------
        >>> report = client.plan_writes({"Plant.Line 3.Set point": 210}).apply()
        >>> report.resolve().counts  # it was verified: nothing is read
        {<Outcome.VERIFIED: 'VERIFIED'>: 1}
        """
        in_doubt = [
            result
            for result in self._results
            if result.outcome in (Outcome.UNKNOWN, Outcome.DIFFERS)
        ]
        how = replace(self.how, verify=self.how.verify or True, within=within)
        for done in read_back(self._context, in_doubt, how, self.generation):
            records.note(self.journal, done)
        return self

    def undo(self) -> Any:
        """Return a :class:`WritePlan` back to the old values, the last write first.

        Nothing is sent by this; look at the plan and apply it. What was not sent, or rejected, is
        not in it. A row is refused in the plan where there is no way back: the old value is not
        known, or it is not known whether the write took effect (:meth:`resolve` first). A row
        whose value has changed since has a warning.

        Returns
        -------
        WritePlan

        Examples
        --------
        >>> report = client.plan_writes({"Plant.Line 3.Set point": 210}).apply()
        >>> report.undo().frame["primary_key"].tolist()
        ['Plant.Line 3.Set point']
        """
        requests = [
            _back(result)
            for result in reversed(self._results)
            if result.outcome.taken or result.outcome is Outcome.UNKNOWN
        ]
        return self._make_plan(self._context, requests)

    def raise_for_outcome(self) -> None:
        """Raise the error of the first row that is not ``ok``; nothing happens if all are.

        Raises
        ------
        ServerError, WriteOutcomeUnknownError, WriteDiffersError, WriteRefusedError
            As :meth:`WriteResult.raise_for_outcome` does. A failure comes before a row that was
            skipped because of it.

        Examples
        --------
        >>> report = client.plan_writes({"Plant.Line 3.Set point": 210}).apply()
        >>> report.raise_for_outcome()  # nothing is raised
        """
        for result in sorted(self._results, key=lambda result: not result.outcome.failed):
            result.raise_for_outcome()

    def title(self) -> rendering.Title:
        """Return the headline."""
        count = len(self._results)
        return [
            (f"{quantity(count, 'write')}:", None),
            *rendering.counted([result.outcome for result in self._results], Outcome),
        ]


def _back(result: WriteResult) -> WriteRequest:
    planned = result.planned
    target = planned.target
    assert target.info is not None
    no_way = None
    if result.outcome is Outcome.UNKNOWN:
        no_way = refused(
            Guard.OLD_VALUE,
            "it is not known whether the write took effect: report.resolve() reads it first",
        )
    elif not planned.knows_old:
        no_way = refused(Guard.OLD_VALUE, "the old value is not known, so there is no way back")
    old = planned.old if planned.knows_old else None
    if isinstance(old, float) and old != old:
        old = "nan"  # read from a server, it is no missing value
    own = result.raw_read_back is not None and planned.reads is target
    return WriteRequest(
        target.reference,
        target.info.attribute_id,
        old,
        no_way,
        result.raw_read_back if own else planned.new,
        feedback=planned.request.feedback,
    )
