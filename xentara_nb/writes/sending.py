"""Sending: every write at most once, in order, its intent in the journal before it goes.

At any moment what a :class:`WriteResult` says is true, for the user may interrupt at any moment:
a write is ``SKIPPED`` until just before its bytes go out, ``UNKNOWN`` from then on, and something
else only when the server has answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from xentara_nb.connection.batch import UNANSWERED, Batch
from xentara_nb.connection.connection import Connection
from xentara_nb.connection.deadline import Deadline
from xentara_nb.errors import ProtocolError, ServerError, WriteRefusedError, XentaraError
from xentara_nb.protocol.commands import Command, Write
from xentara_nb.writes import records
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.guards import check_client, check_time
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.planned import PlannedWrite
from xentara_nb.writes.policy import WritePolicy
from xentara_nb.writes.read_back import read_back, take_reading
from xentara_nb.writes.report import WriteReport
from xentara_nb.writes.results import WriteResult
from xentara_nb.writes.sub_session import SessionLike, id_of, user_of

MESSAGE_TEXT = 256 * 1024
"""How many characters of text go into one message; more text than this goes into more messages."""


@dataclass(slots=True)
class Sender:
    """Sends the writes of a report over one connection.

    Nothing goes over any other connection: the rest is skipped when it ends.
    """

    context: WriteContext
    report: WriteReport
    connection: Connection
    session: SessionLike | None
    policies: Sequence[WritePolicy]  # everything was checked against them just now
    timeout: float
    batch_size: int = 1
    stop: bool = True  # after a write that failed

    def send(
        self,
        results: Sequence[WriteResult],
        progress: Callable[[int, int], object] = lambda done, total: None,
    ) -> None:
        """Send writes in order, all of them SKIPPED so far, and set what became of them.

        Behind each message ``progress`` is called with the number of writes sent, and of all.

        Raises :class:`WriteRefusedError` if nothing was sent because the journal cannot be
        written, or nothing may be written any more. What goes wrong after the first message stands
        in the results.
        """
        try:
            self._send(results, progress)
        except BaseException as error:
            _note_end(results, f"{error}" if isinstance(error, XentaraError) else "interrupted")
            raise
        finally:
            # However it ends: the journal learns what is known.
            records.note(self.report.journal, _unnoted(results))

    def _send(self, results: Sequence[WriteResult], progress: Callable[[int, int], object]) -> None:
        journal, connection = self.report.journal, self.context.connection
        header = records.header(
            self.report.id,
            connection.address.url,
            connection.credentials.who,
            user_of(self.session),
        )
        at = 0
        unfinished: list[WriteResult] = []
        stopped = ""  # why nothing more is sent
        while at < len(results) and not stopped:
            try:
                batch = results[at : at + self._next_size(results, at)]
                records.intend(journal, batch, header)
            except WriteRefusedError as error:
                if at == 0:
                    raise
                stopped = str(error)
                break
            at += len(batch)
            stopped, unverified = self._exchange(batch)
            records.note(journal, batch)
            unfinished += unverified
            if self.stop:
                self._verify(unfinished)
                unfinished = []
                if not stopped and any(result.outcome.failed for result in batch):
                    stopped = f"after {_first_failure(batch)}"
            progress(at, len(results))
        for result in results[at:]:
            result.reason = stopped
        self._verify(unfinished)

    def _next_size(self, results: Sequence[WriteResult], at: int) -> int:
        """Return how many writes may go into the next message; wait until one may."""
        wanted, text = 0, 0
        for result in results[at : at + self.batch_size]:
            new = result.planned.new
            text += len(new) if isinstance(new, str) else 0
            if wanted and text > MESSAGE_TEXT:
                break
            wanted += 1
        self._check_again()
        while True:
            granted, pause = self.context.rate_limiter.grant(wanted, self.policies)
            if granted:
                return granted
            if pause > self.timeout:
                # A write that is sent long after it was ordered is one that no one expects any
                # more.
                raise WriteRefusedError(
                    "the policy's max_writes_per_second allows the next write in "
                    f"{pause:.0f} s, which is longer than the time-out of {self.timeout:g} s: "
                    "write it later, or give a longer timeout="
                )
            time.sleep(pause)
            self._check_again()

    def _check_again(self) -> None:
        """Refuse if nothing may be sent any more."""
        context = self.context
        if context.policies.current() != self.policies:
            # Nothing of what is left was checked against these.
            raise WriteRefusedError("the write policy has changed since it was checked")
        for check in (check_client(context.settings.read_only), check_time(self.policies)):
            if check is not None:
                raise WriteRefusedError(check.message)

    def _exchange(self, results: Sequence[WriteResult]) -> tuple[str, list[WriteResult]]:
        """Send one message and take its answers.

        Return why nothing more can be sent, empty if it can, and what is still to be verified.
        """
        connection, session = self.connection, id_of(self.session)
        commands: list[Command[Any]] = [_command(result.planned, session) for result in results]
        verify = self.report.how.wanted
        readers = [each for each in results if verify and each.planned.reads.readable]
        reads = [each.planned.reads.read_command() for each in readers]
        # A single write takes its reading with it. Many of them are read by a message of their
        # own, right behind the first: one of readings alone is made in a third of the time.
        together = len(results) == 1
        if together:
            commands += reads
        batch: Batch | None = None
        readings: Sequence[Any] = []
        now = time.time_ns()
        for result in results:
            result.sent_ns = now
            result.outcome = Outcome.UNKNOWN
            result.reason = "it is not answered yet"
        try:
            try:
                deadline = Deadline(self.timeout)
                # It was checked and written down since the connection was last used.
                connection.catch_up()
                batch = connection.begin(commands, deadline)
                reading = None if together else _begin_reading(connection, reads, deadline)
                answers, lost = list(connection.finish(batch, deadline)), ""
            except XentaraError as error:
                if batch is None and not getattr(error, "sent", False):
                    _not_sent(results, error)
                    return str(error), []
                answers, lost, reading = _answers(batch, commands), str(error), None
            now = time.time_ns()
            for result, answer in zip(results, answers, strict=False):
                _take(result, answer, lost, now)
            readings = answers[len(results) :]
            if reading is not None:
                with suppress(XentaraError):  # they are read once more then
                    readings = connection.finish(reading, deadline)
        except BaseException:
            # The user interrupts, most likely. What was answered by now is known all the same.
            for result, answer in zip(results, _answers(batch, commands), strict=False):
                if result.outcome is Outcome.UNKNOWN or (
                    result.sent and result.answered_ns is None
                ):
                    _take(
                        result, answer, "it was interrupted before the answer came", time.time_ns()
                    )
            raise
        unfinished: list[WriteResult] = []
        if verify:
            unfinished = self._take_readings(results, dict(zip(readers, readings, strict=False)))
        if any(result.outcome is Outcome.UNKNOWN for result in results):
            # The state of the server is not known: nothing more is sent, not even on "continue".
            return f"after {_first_failure(results)}", unfinished
        return "", unfinished

    def _take_readings(
        self, results: Sequence[WriteResult], readings: Mapping[WriteResult, Any]
    ) -> list[WriteResult]:
        """Take what was read right behind the writes; return those still to be verified."""
        unfinished = []
        for result in results:
            answer = readings.get(result, UNANSWERED)
            readable = answer is not UNANSWERED and not isinstance(answer, ProtocolError)
            value = result.planned.reads.value_in(answer) if readable else None
            if result.outcome is Outcome.REJECTED and not isinstance(value, ServerError):
                result.raw_read_back = value
            elif result.outcome is Outcome.APPLIED and not (
                readable and take_reading(result, value, self.report.how)
            ):
                unfinished.append(result)
        return unfinished

    def _verify(self, unfinished: Sequence[WriteResult]) -> None:
        if unfinished:
            report = self.report
            for done in read_back(self.context, unfinished, report.how, report.generation):
                records.note(report.journal, done)


def _note_end(results: Sequence[WriteResult], reason: str) -> None:
    for result in results:
        if result.outcome is Outcome.SKIPPED and not result.reason:
            result.reason = reason


def _unnoted(results: Sequence[WriteResult]) -> list[WriteResult]:
    return [each for each in results if each.intended and each.noted is not each.outcome]


def _command(planned: PlannedWrite, session: UUID | None) -> Write:
    target, new = planned.target, planned.new
    assert target.element_uuid is not None
    assert target.info is not None
    assert new is not None
    return Write(target.element_uuid, target.info.attribute_id, new, session)


def _begin_reading(
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
    result.outcome = Outcome.UNKNOWN  # also if another thread has resolved it meanwhile
    if answer is UNANSWERED:
        result.reason = lost
        return
    result.answered_ns = now
    if answer is None:  # a success carries nothing
        result.reason = ""
        result.outcome = Outcome.APPLIED
    elif isinstance(answer, ServerError):
        result.error = answer.within(str(result.planned))
        result.reason = str(answer)
        result.outcome = Outcome.REJECTED
    else:
        result.error = answer
        result.reason = f"the answer cannot be read: {answer}"


def _not_sent(results: Sequence[WriteResult], error: XentaraError) -> None:
    for result in results:
        result.outcome = Outcome.SKIPPED
        result.reason, result.error = str(error), error
        result.sent_ns = None


def _first_failure(results: Sequence[WriteResult]) -> str:
    failed = next(result for result in results if result.outcome.failed)
    return f"the {failed.planned}, which is {failed.outcome}"
