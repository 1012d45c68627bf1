"""Reading back: whether a value is the one that was written.

A device may follow slowly, so a value that is not there yet is read again, at growing intervals,
until a deadline. What a server has under the same UUID after a restart may be another element: then
its value says nothing about the write.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from xentara_nb.connection.deadline import Deadline
from xentara_nb.connection.reconnecting import BATCH_SIZE, ReconnectingConnection
from xentara_nb.errors import (
    ConnectionLostError,
    DeadlineError,
    OptionError,
    ServerError,
    XentaraError,
)
from xentara_nb.protocol.errors import (
    AccessDeniedError,
    MissingAttributeError,
    ReadOnlyError,
    UnknownElementError,
    WriteOnlyError,
)
from xentara_nb.protocol.identifiers import DataType
from xentara_nb.protocol.values import float_32, is_number
from xentara_nb.queries.model_cache import ModelCache
from xentara_nb.tables.frames import error_text
from xentara_nb.tables.rendering import value_repr
from xentara_nb.writes.context import WriteContext
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.results import WriteResult

Predicate: TypeAlias = Callable[[Any, Any], bool]
"""Given the value that was written and the one read back, returns whether they agree."""

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.005, 0.25, 1.6  # seconds
_MIN_TIMEOUT = 1.0  # seconds
_DAY = 86_400.0  # seconds
# Errors that trying again does not help against. A real server may answer -32103, read only, for
# what cannot be read: the manual's page on reading has that number.
_PERMANENT = (
    WriteOnlyError,
    ReadOnlyError,
    AccessDeniedError,
    MissingAttributeError,
    UnknownElementError,
)


@dataclass(frozen=True, slots=True)
class Verification:
    """How to verify that a write took effect; :class:`OptionError` if it makes no sense."""

    verify: bool | Predicate = True
    tolerance: float = 0.0
    within: float = 5.0  # seconds

    def __post_init__(self) -> None:
        if not isinstance(self.verify, bool) and not callable(self.verify):
            raise OptionError(
                "verify is True, False, or a function of the written and the read value"
            )
        limits = {"tolerance": (self.tolerance, math.inf), "verify_within": (self.within, _DAY)}
        for name, (number, most) in limits.items():
            if not is_number(number) or not 0 <= number <= most:
                raise OptionError(f"{name} must be a number from 0 to {most:g}, not {number!r}")

    @property
    def wanted(self) -> bool:
        """Whether to verify at all."""
        return self.verify is not False

    def matches(self, result: WriteResult, value: Any) -> bool:
        """Return whether a value that was read is the one that was written."""
        planned = result.planned
        target, new = planned.reads, planned.new
        if callable(self.verify):
            return bool(self.verify(result.value, target.display(value)))
        if type(value) is type(new) and value == new:
            return True
        assert target.info is not None
        feedback = planned.request.feedback
        own = None if feedback is None else feedback.tolerance
        tolerance = self.tolerance if own is None else own
        return same_value(new, value, target.info.data_type, tolerance) or (
            # A category or quality, which a server may write out.
            type(value) is str and target.display(value) == result.value
        )


def same_value(one: Any, other: Any, data_type: int, tolerance: float = 0.0) -> bool:
    """Return whether two values of a data type are the same.

    A Float32 holds fewer digits than are sent, so two of them are compared as what it holds. NaN
    is the same as NaN here.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        if data_type == DataType.FLOAT_32:
            one, other = float_32(one), float_32(other)
        if one == other or (one != one and other != other):
            return True
        return tolerance > 0 and math.isfinite(one) and abs(one - other) <= tolerance
    return bool(one == other)


def read_back(
    context: WriteContext, results: Sequence[WriteResult], how: Verification, generation: int
) -> Iterator[list[WriteResult]]:
    """Read values until they are the ones written, or the time is up; set the outcomes.

    The results are those of writes that the server has taken, or that are UNKNOWN or DIFFERS.
    Those whose outcome has just become final are yielded. Reading may be repeated on a fresh
    connection. ``generation`` is that of the model's cache when they were sent.
    """
    connection, model_cache = context.connection, context.model_cache
    deadline = Deadline(min(max(how.within, 0.001), _DAY))
    pause = _FIRST_PAUSE
    waiting = [result for result in results if result.planned.reads.readable]
    readable = set(waiting)
    unreadable = [result for result in results if result not in readable]
    for result in unreadable:
        _not_readable(result, "the attribute is write only")
    yield unreadable
    failure: XentaraError | None = None
    while waiting:
        try:
            answers = _read(connection, waiting, deadline)
            if generation != model_cache.generation:
                generation = model_cache.generation
                moved = _moved(model_cache, waiting)
                for result, reason in moved.items():
                    _not_readable(result, reason)
                yield [*moved]
                waiting = [result for result in waiting if result not in moved]
                continue  # once more, where it is known what is read
        except XentaraError as error:
            failure = error
            break
        done = {
            result
            for result, answer in zip(waiting, answers, strict=True)
            if take_reading(result, result.planned.reads.value_in(answer), how)
        }
        if done:
            yield [result for result in waiting if result in done]
            waiting = [result for result in waiting if result not in done]
        if deadline.passed:
            break
        if waiting:
            time.sleep(min(pause, deadline.remaining))
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)
    yield [_given_up(result, failure, deadline) for result in waiting]


def take_reading(result: WriteResult, value: Any, how: Verification) -> bool:
    """Take a value that was read back, or the error in its place; return whether that is final."""
    if isinstance(value, ServerError):
        reason = f"reading back failed: {error_text(value)}"
        if isinstance(value, _PERMANENT):
            _not_readable(result, reason)
            return True
        result.reason = reason
        return False
    result.raw_read_back = value
    try:
        found = how.matches(result, value)
    except Exception as error:  # of the user's function, which must not cost the report
        result.reason = f"the function that verifies failed: {type(error).__name__}: {error}"
        return True
    if found:
        late = result.outcome is not Outcome.APPLIED
        reasons = [f"it was {result.outcome} before"] if late else []
        if (other := result.planned.followed_by) is not None:
            reasons.append(f"{other.primary_key} was read back")
        result.reason = "; ".join(reasons)
        result.outcome = Outcome.VERIFIED
    return found


def _read(
    connection: ReconnectingConnection, waiting: Sequence[WriteResult], deadline: Deadline
) -> list[Any]:
    """Read the values; once again on a fresh connection where that has ended."""
    commands = [result.planned.reads.read_command() for result in waiting]
    answers: list[Any] = []
    renewed = False
    while len(answers) < len(commands):
        part = commands[len(answers) :][:BATCH_SIZE]
        try:
            # A reading that has begun is given the time that an answer takes.
            seconds = max(deadline.remaining, min(connection.timeout, _MIN_TIMEOUT))
            answers += connection.connection().execute(part, Deadline(seconds))
        except ConnectionLostError:
            if renewed:
                raise
            renewed = True
    return answers


def _moved(model_cache: ModelCache, results: Sequence[WriteResult]) -> dict[WriteResult, str]:
    """Return those whose element or attribute the server has no more as it was, and say so."""
    targets = [result.planned.reads for result in results]
    uuids = [target.element_uuid for target in targets if target.element_uuid is not None]
    moved = {}
    for result, target, answer in zip(results, targets, model_cache.meta_data(uuids), strict=True):
        if isinstance(answer, ServerError):
            moved[result] = f"reading back failed: {error_text(answer)}"
            continue
        key = answer.primary_key or str(target.element_uuid)
        if key != target.primary_key or target.info not in (answer.attributes or ()):
            moved[result] = "the server has another model since, so nothing is read back"
    return moved


def _not_readable(result: WriteResult, reason: str) -> None:
    result.reason = reason
    if result.outcome is Outcome.APPLIED:
        result.outcome = Outcome.NOT_READABLE


def _given_up(result: WriteResult, failure: XentaraError | None, deadline: Deadline) -> WriteResult:
    late = failure is None or (isinstance(failure, DeadlineError) and deadline.passed)
    if late and result.raw_read_back is not None:
        planned = result.planned
        other = planned.followed_by
        where = "" if other is None else f" from {other.primary_key}"
        read = value_repr(planned.reads.digits(result.raw_read_back))
        written = value_repr(planned.target.digits(planned.new))
        result.outcome = Outcome.DIFFERS
        result.reason = (
            f"{read} was read back{where} for {deadline.seconds:g} s, not the {written} that was "
            "written"
        )
    else:
        reason = f"reading back failed: {error_text(failure)}" if failure else result.reason
        _not_readable(result, reason or "nothing but null was read back")
    return result
