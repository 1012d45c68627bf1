"""What became of a write."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a write. A member is also its text.

    ================  ============================================================================
    ``APPLIED``       the server accepted it; it was not read back
    ``VERIFIED``      the value was read back as it was written
    ``DIFFERS``       it was sent, and the value that was read back is another one
    ``NOT_READABLE``  the server accepted it; the value cannot be read back
    ``REJECTED``      the server answered with an error
    ``UNKNOWN``       it was sent and not answered: it may have taken effect or not
    ``SKIPPED``       it was not sent
    ================  ============================================================================

    All but the last say that it was sent, and it was sent exactly once.

    Examples
    --------
    >>> Outcome.UNKNOWN.meaning
    'sent, but it is NOT KNOWN whether it took effect: read the value'
    >>> [str(outcome) for outcome in Outcome if outcome.failed]
    ['DIFFERS', 'REJECTED', 'UNKNOWN']
    """

    APPLIED = "APPLIED"
    VERIFIED = "VERIFIED"
    DIFFERS = "DIFFERS"
    NOT_READABLE = "NOT_READABLE"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"
    SKIPPED = "SKIPPED"

    @property
    def failed(self) -> bool:
        """Whether this is no success, but REJECTED, DIFFERS or UNKNOWN."""
        return self in _FAILED

    @property
    def taken(self) -> bool:
        """Whether the server accepted it, so that the value may be another one now."""
        return self in _TAKEN

    @property
    def meaning(self) -> str:
        """The outcome in words."""
        return _MEANINGS[self]


_FAILED = frozenset({Outcome.REJECTED, Outcome.DIFFERS, Outcome.UNKNOWN})
_TAKEN = frozenset({Outcome.APPLIED, Outcome.VERIFIED, Outcome.DIFFERS, Outcome.NOT_READABLE})
_MEANINGS = {
    Outcome.APPLIED: "accepted by the server; not read back",
    Outcome.VERIFIED: "read back as written",
    Outcome.DIFFERS: "the value read back is NOT the one written",
    Outcome.NOT_READABLE: "accepted by the server; it cannot be read back",
    Outcome.REJECTED: "the server rejected it",
    Outcome.UNKNOWN: "sent, but it is NOT KNOWN whether it took effect: read the value",
    Outcome.SKIPPED: "not sent",
}
