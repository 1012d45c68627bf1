"""One write on its way, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from xentara_nb.errors import (
    ServerError,
    WriteDiffersError,
    WriteOutcomeUnknownError,
    WriteRefusedError,
    XentaraError,
)
from xentara_nb.tables.frames import error_text
from xentara_nb.tables.rendering import coloured, facts_html, facts_text, value_repr
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.planned import PlannedWrite
from xentara_nb.writes.rendering import KINDS


@dataclass(slots=True, eq=False, repr=False)
class WriteResult:
    """What became of one write. It shows itself, and changes only when it is resolved.

    Attributes
    ----------
    planned : PlannedWrite
        What was to be written.
    outcome : Outcome
        What became of it.
    reason : str
        More about the outcome, where there is more to say.
    error : XentaraError or None
        What the server answered, or what went wrong.
    report : WriteReport
        The report that it is in.

    Examples
    --------
    >>> result = client.write("Plant.Line 3.Set point", 210)
    >>> result.outcome, result.read_back, result.sent
    (<Outcome.VERIFIED: 'VERIFIED'>, 210.0, True)
    """

    planned: PlannedWrite
    write_id: str
    report: Any  # a WriteReport, which holds results
    outcome: Outcome = Outcome.SKIPPED
    reason: str = ""
    error: XentaraError | None = None
    raw_read_back: Any = None
    sent_ns: int | None = None
    answered_ns: int | None = None
    # Whether the intent may be in the journal, and which outcome is.
    intended: bool = False
    noted: Outcome | None = None

    @property
    def primary_key(self) -> str:
        """The key of the element."""
        return self.planned.target.primary_key

    @property
    def attribute_name(self) -> str:
        """The name of the attribute."""
        return self.planned.target.attribute_name

    @property
    def old_value(self) -> object:
        """The value before, None where it is not known."""
        return self.planned.old_value

    @property
    def value(self) -> object:
        """The value as it was sent, or was to be."""
        return self.planned.new_value

    @property
    def read_back(self) -> object:
        """The value that was read last after sending, None if none was."""
        value = self.raw_read_back
        return None if value is None else self.planned.reads.display(value)

    @property
    def sent(self) -> bool:
        """Whether a byte of it may have reached the server, exactly once then."""
        return self.outcome is not Outcome.SKIPPED

    @property
    def time(self) -> pd.Timestamp | None:
        """When it was sent, None if it was not."""
        if self.sent_ns is None or not self.sent:
            return None
        return pd.Timestamp(self.sent_ns, unit="ns", tz="UTC")

    @property
    def duration(self) -> float | None:
        """The seconds until the server answered, None if it did not."""
        if self.sent_ns is None or self.answered_ns is None:
            return None
        return (self.answered_ns - self.sent_ns) / 1e9

    @property
    def ok(self) -> bool:
        """Whether it was sent, and did not fail."""
        return self.sent and not self.outcome.failed

    @property
    def text(self) -> str:
        """The outcome in words, with the reason."""
        return f"{self.outcome.meaning}{': ' if self.reason else ''}{self.reason}"

    @property
    def error_text(self) -> str | None:
        """What went wrong in one line, None if nothing did."""
        if self.outcome is Outcome.REJECTED and isinstance(self.error, ServerError):
            return error_text(self.error)
        return self.reason or None

    def resolve(self, within: float = 2.0) -> WriteResult:
        """Read the value, to learn what became of a write that is UNKNOWN or DIFFERS.

        Parameters
        ----------
        within : float, default 2.0
            How long to wait for the value that was written, in seconds.

        Returns
        -------
        WriteResult
            This same result: VERIFIED if the value is the one written, DIFFERS if it is not.

        Examples
        --------
        >>> client.write("Plant.Line 3.Set point", 210).resolve().outcome
        <Outcome.VERIFIED: 'VERIFIED'>
        """
        self.report.resolve(within)
        return self

    def undo(self) -> Any:
        """Return a :class:`WritePlan` back to the old value; see :meth:`WriteReport.undo`.

        Examples
        --------
        >>> plan = client.write("Plant.Line 3.Set point", 210).undo()
        >>> len(plan)
        1
        """
        return self.report.undo()

    def raise_for_outcome(self) -> None:
        """Raise the error that belongs to the outcome; nothing happens where it is ``ok``.

        Raises
        ------
        ServerError
            If the server rejected it.
        WriteOutcomeUnknownError
            If it is not known whether it took effect.
        WriteDiffersError
            If another value was read back.
        WriteRefusedError
            If it was not sent.
        ConnectionLostError
            If it was not sent because the connection had ended.

        Examples
        --------
        >>> client.write("Plant.Line 3.Set point", 210).raise_for_outcome()  # nothing is raised
        """
        if self.outcome is Outcome.REJECTED and isinstance(self.error, ServerError):
            raise self.error
        if self.outcome is Outcome.UNKNOWN:
            raise WriteOutcomeUnknownError(
                f"{self.planned} was sent, but its answer was lost ({self.reason}). It may have "
                "taken effect, and is not sent again. To learn what became of it, read the value "
                "with error.result.resolve(), error being this exception; in a later cell, import "
                "sys and call sys.last_value.result.resolve()",
                result=self,
            ) from self.error
        if self.outcome is Outcome.DIFFERS:
            raise WriteDiffersError(f"{self.planned}: {self.text}", result=self)
        if self.outcome is Outcome.SKIPPED and self.error is not None:
            raise self.error
        if self.outcome is Outcome.SKIPPED:
            raise WriteRefusedError(f"{self.planned}: not sent: {self.reason}")

    @property
    def facts(self) -> dict[str, str]:
        """The result in words, by what each of them says."""
        planned, read = self.planned, self.raw_read_back
        target = planned.target
        facts = {
            "write to": f"{self.primary_key} ({self.attribute_name})",
            "old value": value_repr(target.digits(planned.old))
            if planned.knows_old
            else "not known",
            "new value": value_repr(target.digits(planned.new)),
            "read back": "not read" if read is None else value_repr(planned.reads.digits(read)),
            "outcome": f"{self.outcome}: {self.text}",
        }
        if self.time is not None:
            duration = self.duration
            took = "" if duration is None else f", answered after {duration * 1e3:.1f} ms"
            facts["sent"] = f"{self.time.isoformat(timespec='milliseconds')}{took}"
        return facts

    def __repr__(self) -> str:
        return facts_text(self.facts)

    def _repr_html_(self) -> str:
        outcome = coloured(self.facts["outcome"], KINDS[self.outcome])
        return facts_html({**self.facts, "outcome": outcome})
