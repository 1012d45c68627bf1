"""Sending: every write at most once, in order, its intent in the journal before it goes.

At any moment what a :class:`WriteResult` says is true, for the user may interrupt at any moment:
a write is ``SKIPPED`` until just before its bytes go out, ``UNKNOWN`` from then on, and something
else only when the server has answered.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

from xentara_nb.connection.batch import UNANSWERED, Batch
from xentara_nb.connection.connection import Connection
from xentara_nb.connection.deadline import Deadline
from xentara_nb.errors import ProtocolError, ServerError, WriteRefusedError, XentaraError
from xentara_nb.protocol.commands import Command, Write
from xentara_nb.writes import records
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.guards import check_client, check_time
from xentara_nb.writes.journal import Journal
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.planned import value_of
from xentara_nb.writes.policy import WritePolicy
from xentara_nb.writes.read_back import Verification, look, read_back
from xentara_nb.writes.results import WriteResult

_MESSAGE_TEXT = 256 * 1024  # characters; more text than this goes into more messages


class Sending(NamedTuple):
    """How to send.

    Parameters
    ----------
    connection : Connection
        Where to send. Nothing goes anywhere else: the rest is skipped when it ends.
    session : uuid.UUID or None
        The sub-session whose rights count as well.
    batch_size : int
        How many writes go into one message.
    stop : bool
        Whether to send nothing more after a write that failed.
    timeout : float
        How long an answer may take, in seconds.
    how : Verification
        How to verify.
    journal : Journal
        Where to put the intents.
    common : str
        What all intents have in common, as JSON.
    policies : sequence of WritePolicy
        The policies that everything was checked against just now.
    """

    connection: Connection
    session: UUID | None
    batch_size: int
    stop: bool
    timeout: float
    how: Verification
    journal: Journal
    common: str
    policies: Sequence[WritePolicy]


def send(context: WriteContext, results: Sequence[WriteResult], sending: Sending) -> None:
    """Send writes and set what became of them.

    Parameters
    ----------
    context : WriteContext
        What writes need.
    results : sequence of WriteResult
        The writes, in order; all of them SKIPPED so far.
    sending : Sending
        How to send.

    Raises
    ------
    WriteRefusedError
        If nothing was sent because the journal cannot be written, or nothing may be written any
        more. Whatever goes wrong after the first message stands in the results.
    """
    try:
        _send(context, results, sending)
    except BaseException as error:
        for result in results:
            if result.outcome is Outcome.SKIPPED and not result.reason:
                result.reason = f"{error}" if isinstance(error, XentaraError) else "interrupted"
        raise
    finally:
        # However it ends: the journal learns what is known.
        records.note(
            sending.journal,
            [
                result
                for result in results
                if result.intended and result.noted is not result.outcome
            ],
        )


def _send(context: WriteContext, results: Sequence[WriteResult], sending: Sending) -> None:
    at = 0
    unfinished: list[WriteResult] = []
    why = ""
    while at < len(results) and not why:
        try:
            group = results[at : at + _next_group(context, results, at, sending)]
            records.intend(sending.journal, group, sending.common)
        except WriteRefusedError as error:
            if at == 0:
                raise
            why = str(error)
            break
        at += len(group)
        why, open_ = _exchange(group, sending)
        records.note(sending.journal, group)
        unfinished += open_
        if sending.stop:
            _verify(context, unfinished, sending)
            unfinished = []
            if not why and any(result.outcome.failed for result in group):
                why = f"after {_first_failure(group)}"
    for result in results[at:]:
        result.reason = why
    _verify(context, unfinished, sending)


def _next_group(
    context: WriteContext, results: Sequence[WriteResult], at: int, sending: Sending
) -> int:
    """Return how many writes may go into the next message; wait until one may."""
    wanted, text = 0, 0
    for result in results[at : at + sending.batch_size]:
        new = result.order.new
        text += len(new) if isinstance(new, str) else 0
        if wanted and text > _MESSAGE_TEXT:
            break
        wanted += 1
    policies = sending.policies
    just_checked = at == 0
    while True:
        if not just_checked:
            policies = context.policies.current()
            if policies != sending.policies:
                # Nothing of what is left was checked against these.
                raise WriteRefusedError("the write policy has changed since it was checked")
            for verdict in (check_client(context.owner.read_only), check_time(policies)):
                if verdict is not None:
                    raise WriteRefusedError(verdict.message)
        granted, pause = context.pace.grant(wanted, policies)
        if granted:
            return granted
        if pause > sending.timeout:
            # An order that goes out long after it was given is one that nobody expects any more.
            raise WriteRefusedError(
                f"the policy's most_writes_per_second lets the next write out in {pause:.0f} s, "
                f"which is longer than the time-out of {sending.timeout:g} s: write it later, or "
                "give a longer timeout="
            )
        just_checked = False
        time.sleep(pause)


def _exchange(group: Sequence[WriteResult], sending: Sending) -> tuple[str, list[WriteResult]]:
    """Send one message and take its answers.

    Returns
    -------
    str
        Why nothing more can be sent, empty if it can.
    list of WriteResult
        Those that are still to be verified.
    """
    connection = sending.connection
    commands: list[Command[Any]] = [_write(result, sending.session) for result in group]
    readers = [result for result in group if sending.how.wanted and result.order.target.readable]
    reads = [result.order.target.read_command() for result in readers]
    # A single write takes its reading with it. Many of them are read by a message of their own,
    # on the heels of the first: a message of readings only is made in a third of the time.
    together = len(group) == 1
    if together:
        commands += reads
    batch: Batch | None = None
    looks: list[Any] = []
    now = time.time_ns()
    for result in group:
        result.sent_ns = now
        result.outcome = Outcome.UNKNOWN
        result.reason = "it is not answered yet"
    try:
        try:
            deadline = Deadline(sending.timeout)
            batch = connection.begin(commands, deadline)
            looking = None if together else _begin_looking(connection, reads, deadline)
            answers, lost = connection.finish(batch, deadline), ""
        except XentaraError as error:
            if batch is None and not getattr(error, "sent", False):
                _not_sent(group, error)
                return str(error), []
            answers, lost, looking = _answers(batch, commands), str(error), None
        now = time.time_ns()
        for result, answer in zip(group, answers, strict=False):
            _take(result, answer, lost, now)
        looks = answers[len(group) :]
        if looking is not None:
            with suppress(XentaraError):  # they are read once more then
                looks = connection.finish(looking, deadline)
    except BaseException:
        # The user interrupts, most likely. What was answered by now is known all the same.
        for result, answer in zip(group, _answers(batch, commands), strict=False):
            if result.outcome is Outcome.UNKNOWN:
                _take(result, answer, "it was interrupted before the answer came", time.time_ns())
        raise
    unfinished: list[WriteResult] = []
    if sending.how.wanted:
        unfinished = _looked(group, dict(zip(readers, looks, strict=False)), sending)
    if any(result.outcome is Outcome.UNKNOWN for result in group):
        # Nobody knows how the server is by now: nothing more is sent, whatever was asked for.
        return f"after {_first_failure(group)}", unfinished
    return "", unfinished


def _write(result: WriteResult, session: UUID | None) -> Write:
    target, new = result.order.target, result.order.new
    assert target.element_uuid is not None
    assert target.info is not None
    assert new is not None
    return Write(target.element_uuid, target.info.attribute_id, new, session)


def _begin_looking(
    connection: Connection, reads: Sequence[Command[Any]], deadline: Deadline
) -> Batch | None:
    """Ask for the values behind the writes that have just gone out; None if that fails."""
    if reads:
        with suppress(XentaraError):
            return connection.begin(reads, deadline)
    return None


def _answers(batch: Batch | None, commands: Sequence[Command[Any]]) -> list[Any]:
    """Return what was answered by now, one by one."""
    if batch is None:
        return [UNANSWERED] * len(commands)
    return list(batch.answers)


def _take(result: WriteResult, answer: Any, lost: str, now: int) -> None:
    if answer is UNANSWERED:
        result.reason = lost
        return
    result.answered_ns = now
    if answer is None:  # a success carries nothing
        result.reason = ""
        result.outcome = Outcome.APPLIED
    elif isinstance(answer, ServerError):
        result.error = answer.within(str(result.order))
        result.reason = str(answer)
        result.outcome = Outcome.REJECTED
    else:
        result.error = answer
        result.reason = f"the answer cannot be read: {answer}"


def _not_sent(group: Sequence[WriteResult], error: XentaraError) -> None:
    for result in group:
        result.outcome = Outcome.SKIPPED
        result.reason, result.error = str(error), error
        result.sent_ns = None


def _looked(
    group: Sequence[WriteResult], looks: Mapping[WriteResult, Any], sending: Sending
) -> list[WriteResult]:
    """Take what was read back in the same message; return those that are still to be verified."""
    unfinished = []
    for result in group:
        answer = looks.get(result, UNANSWERED)
        readable = answer is not UNANSWERED and not isinstance(answer, ProtocolError)
        value = value_of(result.order.target, answer) if readable else None
        if result.outcome is Outcome.REJECTED and not isinstance(value, ServerError):
            result.raw_read_back = value
        elif result.outcome is Outcome.APPLIED and not (
            readable and look(result, value, sending.how)
        ):
            unfinished.append(result)
    return unfinished


def _verify(context: WriteContext, unfinished: Sequence[WriteResult], sending: Sending) -> None:
    if unfinished:
        for done in read_back(context.link, unfinished, sending.how):
            records.note(sending.journal, done)


def _first_failure(group: Sequence[WriteResult]) -> str:
    failed = next(result for result in group if result.outcome.failed)
    return f"the {failed.order}, which is {failed.outcome}"
