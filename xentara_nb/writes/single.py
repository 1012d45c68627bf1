"""A single write: planned, checked and sent at once, with nothing shown in between."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from xentara_nb.connection.connection import Connection
from xentara_nb.connection.deadline import check_timeout
from xentara_nb.errors import WriteRefusedError
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.feedback import Feedback, VerifyOnLike, feedbacks
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.plan import make_plan
from xentara_nb.writes.planned import PlannedWrite
from xentara_nb.writes.planning import check_plan, plan_requests
from xentara_nb.writes.read_back import Verification
from xentara_nb.writes.report import WriteReport
from xentara_nb.writes.requests import WriteRequest
from xentara_nb.writes.results import WriteResult
from xentara_nb.writes.sending import Sender
from xentara_nb.writes.sub_session import SessionLike, connection_for


def write_one(
    context: WriteContext,
    request: WriteRequest,
    *,
    session: SessionLike | None,
    timeout: float | None,
    how: Verification,
    number_as_boolean: bool,
    verify_on: VerifyOnLike = None,
) -> WriteResult:
    """Plan and send one write, as :meth:`Client.write` does.

    The present value is read only where verifying or a policy needs it.
    """
    seconds = context.connection.timeout if timeout is None else check_timeout(timeout)
    policies = context.policies.current()
    for check in check_plan(context, policies, 1):
        raise WriteRefusedError(f"write to {request.reference}: {check.message}")
    if number_as_boolean:
        request = request._replace(number_as_boolean=True)
    tables = None
    if isinstance(verify_on, Mapping):
        tables = feedbacks(verify_on)
    elif verify_on is not None:
        request = request._replace(feedback=Feedback.of(verify_on))

    def find(connection: Connection) -> tuple[PlannedWrite, Connection]:
        (planned,) = plan_requests(
            context, [request], policies, read_all=how.wanted, verify_on=tables
        )
        # Either may have ended since, above all when the present value was read.
        if session is not None or connection.ended is not None:
            connection = connection_for(context.connection, session)
        return planned, connection

    connect = partial(connection_for, context.connection, session)
    (planned, connection), _ = context.model_cache.in_one_model(connect, find)
    if planned.target.error is not None:
        raise planned.target.error
    if planned.refused:
        raise WriteRefusedError(f"{planned}: {planned.reason}")
    report = WriteReport(context, [planned], make_plan, how)
    (result,) = report
    try:
        Sender(context, report, connection, session, policies, seconds).send([result])
        if result.outcome is not Outcome.DIFFERS:  # which shows itself
            result.raise_for_outcome()
    except KeyboardInterrupt as error:
        error.add_note(f"{planned}: {result.outcome}, {result.text}{_how_to_resolve(result)}")
        if result.sent:
            # Nothing is returned, so the exception is all that leads to the result.
            setattr(error, "result", result)  # noqa: B010 - no attribute of its class
            error.add_note(
                "error.result.resolve() reads the value, error being this exception; in a later "
                "cell, import sys and call sys.last_value.result.resolve()"
            )
        raise
    return result


def _how_to_resolve(result: WriteResult) -> str:
    """Return what to do about a write whose result no one has."""
    if result.outcome is not Outcome.UNKNOWN:
        return ""
    target = result.planned.target
    return (
        ". It may have taken effect, and is not sent again: "
        f"client.read({target.primary_key!r}, {target.attribute_name!r}) shows whether it did"
    )
