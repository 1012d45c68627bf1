"""Requests that went out in one message, and their answers as they come in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from xentara_nb.errors import ProtocolError, ServerError, XentaraError
from xentara_nb.latch import Latch
from xentara_nb.protocol.codec import coalesce, decode_results
from xentara_nb.protocol.commands import Command
from xentara_nb.protocol.packets import Event, Failure, Success, iterate_answers


class UnreadableAnswerError(ProtocolError):
    """The answer to a request came, so that was sent, and is not what the manual says."""

    sent = True


UNANSWERED: Final = object()
"""Stands for an answer that has not come."""


class Batch:
    """Some requests that go out in one message, and their answers.

    :attr:`answers` holds for each command its result, the :class:`ServerError` that was answered,
    an :class:`UnreadableAnswerError`, or :data:`UNANSWERED`, of which there are :attr:`missing`;
    :attr:`failure` is why there will be no more, and :attr:`unattributed_error` an error that
    meanwhile came without naming a request.
    """

    def __init__(self, commands: Sequence[Command[Any]], first_id: int) -> None:
        self.commands = coalesce(commands)
        self.first_id = first_id
        self.failure: XentaraError | None = None
        self.unattributed_error: ServerError | None = None
        self.answers: Sequence[Any] = [UNANSWERED] * len(commands)
        self.missing = len(commands)
        self._unreadable = False
        self._done = Latch()
        self._begun = time.monotonic()

    def begins_with(self, kind: type[Command[Any]]) -> bool:
        """Whether the first command is of a kind that has no encoder of its own."""
        # The sequences that have one make a command each time when one is looked at.
        commands = self.commands
        return isinstance(commands, list | tuple) and bool(commands) and type(commands[0]) is kind

    @property
    def ids(self) -> range:
        """The message ids of the requests."""
        return range(self.first_id, self.first_id + len(self.commands))

    @property
    def age(self) -> float:
        """How long ago it was made, in seconds."""
        return time.monotonic() - self._begun

    @property
    def names(self) -> str:
        """The names of the commands, for a message."""
        names = ", ".join(dict.fromkeys(command.name for command in self.commands))
        return f"{len(self.commands)} x {names}" if len(self.commands) > 1 else names

    def parse(self, answer: Success | Failure) -> Any:
        """Return what stands for an answer in :attr:`answers`."""
        if isinstance(answer, Failure):
            return answer.error
        try:
            return self.commands[answer.message_id - self.first_id].parse_answer(answer.item)
        except ProtocolError as error:
            return UnreadableAnswerError(str(error))

    def awaits(self, message_id: int) -> bool:
        """Whether a message id is one of these, and its answer has not come."""
        at = message_id - self.first_id
        return 0 <= at < len(self.answers) and self.answers[at] is UNANSWERED

    def take(self, message_id: int, result: Any) -> None:
        """Take one parsed answer that it awaits; called by the one who reads only."""
        assert isinstance(self.answers, list)
        self.answers[message_id - self.first_id] = result
        self._unreadable = self._unreadable or isinstance(result, UnreadableAnswerError)
        self.missing -= 1
        if not self.missing:
            self._done.set()

    def take_all(self, message: bytes) -> bool:
        """Take a whole message if it is known to be all the answers; else change nothing."""
        if self.missing < len(self.commands):
            return False  # one of them was here before
        results = decode_results(self.commands, message, self.first_id)
        if results is None:
            return False
        self.answers = results
        self.missing = 0
        self._done.set()
        return True

    def take_one(self, message: bytes) -> bool:
        """Take a small message if it is one answer, to the only request; else change nothing."""
        try:
            (answer,) = iterate_answers(message)
        except (ProtocolError, ValueError):  # more of them, or none
            return False
        if (
            isinstance(answer, Event)
            or len(self.commands) > 1
            or not self.awaits(answer.message_id)
        ):
            return False
        self.take(answer.message_id, self.parse(answer))
        return True

    def fail(self, error: XentaraError) -> None:
        """Give up: no more answers will come; called by the reader thread only."""
        self.failure = error
        self._done.set()

    @property
    def complete(self) -> bool:
        """Whether all answers are there."""
        return not self.missing

    def wait(self, seconds: float) -> bool:
        """Wait until all answers are there, or none will come any more."""
        return self._done.wait(seconds)

    def results(self) -> Sequence[Any]:
        """Return the result of each command, a :class:`ServerError` where it failed.

        Raises an UnreadableAnswerError if one of the answers is not what the manual says.
        """
        for answer in self.answers if self._unreadable else ():
            if isinstance(answer, UnreadableAnswerError):
                raise answer
        return self.answers
