"""One write on its way, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from xentara_nb.errors import (
    ServerError,
    WriteDiffersError,
    WriteOutcomeUnknownError,
    WriteRefusedError,
    XentaraError,
)
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.planned import PlannedWrite, shown
from xentara_nb.writes.rendering import result_html, result_text

if TYPE_CHECKING:
    from xentara_nb.writes.plan import WritePlan


class _Report(Protocol):
    def resolve(self, within: float = ...) -> Any: ...
    def undo(self) -> WritePlan: ...


class Origin(Protocol):
    """What a result came from, and can be looked after with."""

    def report_of(self, result: WriteResult) -> _Report:
        """Return the report that a result is in."""


class WriteResult:
    """What became of one write. It shows itself, and changes only when it is resolved.

    Attributes
    ----------
    order : PlannedWrite
        What was to be written, as it was planned.
    outcome : Outcome
        What became of it.
    reason : str
        More about the outcome, where there is more to say.
    error : XentaraError or None
        What the server answered, or what went wrong.
    """

    __slots__ = (
        "answered_ns",
        "error",
        "intended",
        "noted",
        "order",
        "origin",
        "outcome",
        "raw_read_back",
        "reason",
        "sent_ns",
        "write_id",
    )

    def __init__(self, order: PlannedWrite, write_id: str = "") -> None:
        self.order = order
        self.write_id = write_id
        self.outcome = Outcome.SKIPPED
        self.reason = ""
        self.error: XentaraError | None = None
        self.raw_read_back: Any = None
        self.sent_ns: int | None = None
        self.answered_ns: int | None = None
        # Whether the intent may stand in the journal, and which outcome does.
        self.intended = False
        self.noted: Outcome | None = None
        self.origin: Origin | None = None

    @property
    def primary_key(self) -> str:
        """The key of the element."""
        return self.order.target.primary_key

    @property
    def attribute_name(self) -> str:
        """The name of the attribute."""
        return self.order.target.attribute_name

    @property
    def old_value(self) -> object:
        """The value before, None where it is not known."""
        return self.order.old_value

    @property
    def value(self) -> object:
        """The value as it was sent, or was to be."""
        return self.order.new_value

    @property
    def read_back(self) -> object:
        """The value that was read last after sending, None if none was."""
        return None if self.raw_read_back is None else shown(self.raw_read_back, self.order.target)

    @property
    def sent(self) -> bool:
        """Whether a byte of it may have reached the server: exactly once, then."""
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
        """Whether it was sent and there is nothing to complain of."""
        return self.sent and not self.outcome.failed

    @property
    def text(self) -> str:
        """The outcome in words, with the reason."""
        return f"{self.outcome.meaning}{': ' if self.reason else ''}{self.reason}"

    def resolve(self, within: float = 2.0) -> WriteResult:
        """Read the value, to learn what became of a write that is UNKNOWN or DIFFERS.

        Parameters
        ----------
        within : float, default 2.0
            How long to wait for the value that was ordered, in seconds.

        Returns
        -------
        WriteResult
            This same result: VERIFIED if the value is the one ordered, DIFFERS if it is not.
        """
        if self.origin is not None:
            self.origin.report_of(self).resolve(within)
        return self

    def undo(self) -> WritePlan:
        """Return a plan back to the old value; see :meth:`WriteReport.undo`."""
        if self.origin is None:
            raise WriteRefusedError(f"{self.order} was not sent, so there is nothing to undo")
        return self.origin.report_of(self).undo()

    def raise_for_outcome(self) -> None:
        """Raise the error that belongs to the outcome; nothing happens where it is ``ok``.

        Raises
        ------
        ServerError
            If the server rejected it.
        WriteOutcomeUnknownError
            If nobody knows what became of it.
        WriteDiffersError
            If another value was read back.
        WriteRefusedError
            If it was not sent.
        ConnectionLostError
            If it was not sent because the connection had ended.
        """
        if self.outcome is Outcome.REJECTED and isinstance(self.error, ServerError):
            raise self.error
        if self.outcome is Outcome.UNKNOWN:
            raise WriteOutcomeUnknownError(
                f"{self.order} was sent, but its answer was lost ({self.reason}). It may have "
                "taken effect, and is not sent again: result.resolve() reads the value to learn "
                "what became of it",
                result=self,
            ) from self.error
        if self.outcome is Outcome.DIFFERS:
            raise WriteDiffersError(f"{self.order}: {self.text}", result=self)
        if self.outcome is Outcome.SKIPPED and self.error is not None:
            raise self.error
        if self.outcome is Outcome.SKIPPED:
            raise WriteRefusedError(f"{self.order}: not sent: {self.reason}")

    def __repr__(self) -> str:
        return result_text(self)

    def _repr_html_(self) -> str:
        return result_html(self)
