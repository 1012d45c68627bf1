"""One write from a cell: the same guards, the same journal, fewer steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from xentara_nb.connection.deadline import check_timeout
from xentara_nb.errors import WriteRefusedError
from xentara_nb.writes import records
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.guards import Severity, needs_present_value
from xentara_nb.writes.journal import Journal
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.plan import make_plan
from xentara_nb.writes.planned import find_one, read_present
from xentara_nb.writes.planning import check_whole, make_planned_write
from xentara_nb.writes.read_back import Verification
from xentara_nb.writes.report import WriteReport
from xentara_nb.writes.requests import WriteRequest
from xentara_nb.writes.results import WriteResult
from xentara_nb.writes.sending import Sending, send
from xentara_nb.writes.sub_session import SessionLike, connection_for, id_of, user_of


@dataclass(frozen=True, slots=True)
class _Single:
    """Where a single write came from. Most of them need no report, and are gone the sooner."""

    context: WriteContext
    how: Verification
    journal: Journal

    def report_of(self, result: WriteResult) -> WriteReport:
        replan = partial(make_plan, self.context)
        return WriteReport(self.context, [result], replan, self.how, self.journal)


def write_one(
    context: WriteContext,
    wish: WriteRequest,
    *,
    session: SessionLike | None,
    timeout: float | None,
    how: Verification,
    number_as_boolean: bool,
) -> WriteResult:
    """Check and send one write.

    Raises
    ------
    WriteRefusedError, NotFoundError, UnknownElementError
        If it was not sent.
    ServerError
        If the server rejected it.
    WriteOutcomeUnknown
        If its answer was lost.
    """
    seconds = context.link.timeout if timeout is None else check_timeout(timeout)
    policies = context.policies.current()
    for verdict in check_whole(context, policies, 1):
        raise WriteRefusedError(f"write to {wish.reference}: {verdict.message}")
    if session is not None:
        connection_for(context.link, session)  # before anything else is sent
    target = find_one(context.directory, wish)
    assert target.info is not None
    old, quality = None, None
    if how.wanted or needs_present_value(policies, target.primary_key, target.info):
        ((old, quality),) = read_present(context.link.ask, [target])
    order = make_planned_write(
        wish, target, old, quality, policies, number_as_boolean=number_as_boolean
    )
    if order.refused:
        said = [v.message for v in order.verdicts if v.level is Severity.REFUSED]
        raise WriteRefusedError(f"{order}: {'; '.join(said)}")
    plan_id = records.new_id()
    result = WriteResult(order, f"{plan_id}-0")
    journal = context.owner.journal
    sending = Sending(
        connection_for(context.link, session),
        id_of(session),
        1,
        True,
        seconds,
        how,
        journal,
        records.header(plan_id, context.server, context.user, user_of(session)),
        policies,
    )
    result.origin = _Single(context, how, journal)
    try:
        send(context, [result], sending)
    except KeyboardInterrupt as error:
        error.add_note(f"{order}: {result.outcome}, {result.text}")
        raise
    if result.outcome is not Outcome.DIFFERS:  # which shows itself
        result.raise_for_outcome()
    return result
