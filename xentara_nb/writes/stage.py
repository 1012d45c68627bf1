"""Changes of the operational stage, guarded like writes: they stop a plant, or start it again.

A change is confirmed, refused where a policy does not allow it, in the journal before it is sent,
and sent at most once. In the journal it stands as a write to the attribute ``stage`` of the root
element, whose key is empty.
"""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from xentara_nb.connection.connection import Connection
from xentara_nb.connection.deadline import Deadline
from xentara_nb.errors import (
    ProtocolError,
    ServerError,
    WriteOutcomeUnknownError,
    WriteRefusedError,
    XentaraError,
)
from xentara_nb.protocol.commands import GetStage, Resume, Shutdown, Suspend
from xentara_nb.protocol.identifiers import Stage, label
from xentara_nb.tables.frames import error_text
from xentara_nb.tables.rendering import coloured, facts_html, facts_text
from xentara_nb.writes import records
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.guards import check_client, check_stage, check_time
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.rendering import KINDS
from xentara_nb.writes.stage_command import StageCommand
from xentara_nb.writes.sub_session import SessionLike, connection_for, id_of, user_of

_PAUSE, _LONGEST_PAUSE = 0.02, 0.5  # seconds between two looks at the stage

_STAGES = {
    StageCommand.SUSPEND: Stage.SUSPENDED,
    StageCommand.RESUME: Stage.OPERATIONAL,
    StageCommand.SHUT_DOWN: Stage.SHUTDOWN,
}
_CLASSES: dict[StageCommand, type[Suspend | Resume | Shutdown]] = {
    StageCommand.SUSPEND: Suspend,
    StageCommand.RESUME: Resume,
    StageCommand.SHUT_DOWN: Shutdown,
}

_Stage: TypeAlias = Stage | int


@dataclass(slots=True, eq=False, repr=False)
class StageChange:
    """What became of one change of the stage. It shows itself.

    Attributes
    ----------
    command : StageCommand
        What was asked of the server.
    before : Stage, int or None
        The stage before, None where it could not be read.
    after : Stage, int or None
        The stage that was read last after sending, None where none was.
    outcome : Outcome
        What became of it.
    reason : str
        More about the outcome, where there is more to say.
    error : XentaraError or None
        What the server answered, or what went wrong.

    Examples
    --------
    >>> from xentara_nb import simulate
    >>> with simulate() as other_plant, other_plant.connect(journal=False) as other:
    ...     change = other.suspend(confirm=True)
    >>> change.ok, change.outcome
    (True, <Outcome.VERIFIED: 'VERIFIED'>)
    """

    command: StageCommand
    context: WriteContext
    before: _Stage | None = None
    after: _Stage | None = None
    outcome: Outcome = Outcome.SKIPPED
    reason: str = ""
    error: XentaraError | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def ok(self) -> bool:
        """Whether it was sent, and did not fail."""
        return self.outcome is not Outcome.SKIPPED and not self.outcome.failed

    def resolve(self, within: float = 2.0) -> StageChange:
        """Read the stage, to learn what became of a change that is UNKNOWN or DIFFERS.

        Parameters
        ----------
        within : float, default 2.0
            How long to wait for the stage, in seconds.

        Returns
        -------
        StageChange
            This same one. Where the stage cannot be read, as of a server that has ended, it stays
            as it is.

        Examples
        --------
        >>> from xentara_nb import simulate
        >>> with simulate() as other_plant, other_plant.connect(journal=False) as other:
        ...     other.suspend(confirm=True).resolve().after.label
        'suspended'
        """
        if self.outcome in (Outcome.UNKNOWN, Outcome.DIFFERS):
            with suppress(XentaraError):
                self.read_back(self.context.connection.connection(), within)
                self.note()
        return self

    def read_back(self, connection: Connection, within: float) -> None:
        """Look at the stage until it is the one that was asked for, or the time is up."""
        end, pause = time.monotonic() + within, _PAUSE
        while True:
            stage = read_stage(connection, self.context.connection.timeout)
            if stage is None:
                return
            self.after = stage
            left = end - time.monotonic()
            if stage == _STAGES[self.command] or left <= 0:
                break
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
        there = stage == _STAGES[self.command]
        self.outcome = Outcome.VERIFIED if there else Outcome.DIFFERS
        self.reason = "" if there else f"the stage is {label(Stage, stage)}"

    def note(self) -> None:
        """Append to the journal what became of it."""
        failed = self.error if isinstance(self.error, ServerError) else None
        error = error_text(failed) if failed is not None else self.reason or None
        after = None if self.after is None else label(Stage, self.after)
        line = records.outcome_line(self.id, self.outcome, after, error)
        self.context.settings.journal.note([line])

    @property
    def facts(self) -> dict[str, str]:
        """The change in words, by what each of them says."""
        texts = [
            "not known" if stage is None else label(Stage, stage)
            for stage in (self.before, self.after)
        ]
        colon = ": " if self.reason else ""
        return {
            "command": f"{self.command}, of {self.context.connection.address.netloc}",
            "before": texts[0],
            "after": texts[1],
            "outcome": f"{self.outcome}: {self.outcome.meaning}{colon}{self.reason}",
        }

    def __repr__(self) -> str:
        return facts_text(self.facts)

    def _repr_html_(self) -> str:
        outcome = coloured(self.facts["outcome"], KINDS[self.outcome])
        return facts_html({**self.facts, "outcome": outcome})


def check_stage_change(context: WriteContext, command: StageCommand) -> None:
    """Raise :class:`WriteRefusedError` if a guard or a policy does not allow a change."""
    policies = context.policies.current()
    for result in (
        check_client(context.settings.read_only),
        check_stage(policies, command),
        check_time(policies),
    ):
        if result is not None:
            raise WriteRefusedError(f"{command}: {result.message}. Nothing was sent")


def change_stage(
    context: WriteContext,
    command: StageCommand,
    *,
    confirm: bool,
    session: SessionLike | None,
    timeout: float | None,
    verify_within: float,
) -> StageChange:
    """Change the stage of the server, at most once; raises as :meth:`Client.suspend` does."""
    check_stage_change(context, command)
    if confirm is not True:
        server = context.connection.address.netloc
        raise WriteRefusedError(
            f"{command} {command.meaning} ({server}). Nothing was sent; to do it, call "
            f"client.{command}(confirm=True)"
        )
    connection = connection_for(context.connection, session)
    seconds = context.connection.timeout if timeout is None else timeout
    change = StageChange(command, context)
    try:
        _change(change, connection, session, seconds, verify_within)
    except KeyboardInterrupt as error:
        see = "" if change.outcome is Outcome.SKIPPED else "; client.get_stage() shows the stage"
        error.add_note(f"{command}: {change.facts['outcome']}{see}")
        raise
    return change


def _change(
    change: StageChange,
    connection: Connection,
    session: SessionLike | None,
    seconds: float,
    verify_within: float,
) -> None:
    command = change.command
    change.before = read_stage(connection, seconds)
    _send(change, connection, session, seconds)
    if change.outcome is Outcome.REJECTED and isinstance(change.error, ServerError):
        raise change.error
    if change.outcome is Outcome.UNKNOWN:
        raise WriteOutcomeUnknownError(
            f"{command} was sent, but its answer was lost ({change.reason}). It may have taken "
            "effect, and is not sent again. To learn what became of it, read the stage with "
            "error.result.resolve(), error being this exception",
            result=change,
        ) from change.error
    # A server that was shut down ends; there is nothing left to ask.
    if command is not StageCommand.SHUT_DOWN:
        with suppress(XentaraError):  # it was accepted, whether it can be read or not
            change.read_back(connection, verify_within)
            change.note()


def _send(
    change: StageChange, connection: Connection, session: SessionLike | None, seconds: float
) -> None:
    """Send a change, its intent in the journal before; what it says is true at any moment."""
    context, command = change.context, change.command
    reconnecting = context.connection
    common = records.header(
        change.id, reconnecting.address.url, reconnecting.credentials.who, user_of(session)
    )
    before = None if change.before is None else label(Stage, change.before)
    line = records.stage_intent(change.id, common, before, label(Stage, _STAGES[command]))
    context.settings.journal.intend([line])
    try:
        change.outcome, change.reason = Outcome.UNKNOWN, "it was interrupted"
        try:
            request = _CLASSES[command](id_of(session))
            (answer,) = connection.execute([request], Deadline(seconds))
        except XentaraError as error:
            change.reason, change.error = str(error), error
            if not getattr(error, "sent", False):
                change.outcome = Outcome.SKIPPED
                raise
        else:
            _take(change, answer)
    finally:
        change.note()


def _take(change: StageChange, answer: object) -> None:
    if answer is None:  # a success carries nothing
        change.outcome, change.reason = Outcome.APPLIED, ""
    elif isinstance(answer, ServerError):
        change.error = answer.within(str(change.command))
        change.outcome, change.reason = Outcome.REJECTED, str(answer)
    else:
        change.reason = f"the answer cannot be read: {answer}"


def read_stage(connection: Connection, seconds: float) -> _Stage | None:
    """Return the stage, asked for on this connection; None if the server does not tell it."""
    try:
        (answer,) = connection.execute([GetStage()], Deadline(seconds))
    except ProtocolError:  # no answer that means anything
        return None
    return answer if isinstance(answer, int) else None
