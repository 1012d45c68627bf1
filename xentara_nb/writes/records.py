"""The records in the journal: from writes to lines of JSON."""

from __future__ import annotations

import getpass
import json
import math
import os
import socket
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _text
from typing import Any
from uuid import UUID

from xentara_nb.errors import ServerError, WriteRefusedError
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import NIL_UUID, DataType
from xentara_nb.protocol.values import TimePoint
from xentara_nb.writes.journal import Journal
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.results import WriteResult

INTENT, OUTCOME = "intent", "outcome"
"""The two kinds of lines."""


def header(plan_id: str, server: str, user: str, session_user: str | None) -> str:
    """Return the JSON of what the intents of one apply have in common."""
    return f'"plan": "{plan_id}", {_origin(server, user, session_user, os.getpid())}'


@lru_cache(maxsize=16)
def _origin(server: str, user: str, session_user: str | None, process: int) -> str:
    try:
        account = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container may know no name for its user
        account = ""
    origin = {
        "server": server,
        "user": user,
        "session_user": session_user,
        "account": account,
        "computer": socket.gethostname(),
        "process": process,
    }
    return json.dumps(origin)[1:-1]


# The lines are put together by hand: for many small ones that takes half of the time.


def intents(results: Sequence[WriteResult], common: str) -> Iterator[str]:
    """Return the lines that say what is about to be sent."""
    head = f'{{"event": "{INTENT}", "time": "{_now()}", {common}, "id": "'
    last: AttributeInfo | None = None
    attribute = ""
    for result in results:
        planned = result.planned
        target = planned.target
        info = target.info
        assert info is not None
        if info is not last:  # mostly it is the same one for all
            last = info
            attribute = (
                f'"attribute_name": {_text(info.name)}, "attribute_id": '
                f'{encode_value(info.attribute_id)}, "data_type": {int(info.data_type)}'
            )
        old = planned.old
        yield (
            f'{head}{result.write_id}", "primary_key": {_text(target.primary_key)}, '
            f'"element_uuid": "{target.element_uuid}", {attribute}, '
            f'"old_value": {"null" if isinstance(old, ServerError) else encode_value(old)}, '
            f'"value": {encode_value(planned.new)}}}'
        )


def stage_intent(change_id: str, common: str, old: str | None, new: str) -> str:
    """Return the line that says that the stage of the server is about to be changed."""
    return (
        f'{{"event": "{INTENT}", "time": "{_now()}", {common}, "id": "{change_id}", '
        f'"primary_key": "", "element_uuid": "{NIL_UUID}", "attribute_name": "stage", '
        f'"attribute_id": null, "data_type": {int(DataType.STRING)}, '
        f'"old_value": {encode_value(old)}, "value": {encode_value(new)}}}'
    )


def outcomes(results: Sequence[WriteResult]) -> Iterator[str]:
    """Return the lines that say what became of writes."""
    for result in results:
        known = result.error is not None or result.reason
        error = result.error_text or "" if known else None
        yield outcome_line(result.write_id, result.outcome, result.raw_read_back, error)


def outcome_line(write_id: str, outcome: Outcome, read_back: Any, error: str | None) -> str:
    """Return the line that says what became of a write, or of a change of the stage."""
    line = f'{{"event": "{OUTCOME}", "time": "{_now()}", "id": "{write_id}"'
    line += f', "outcome": "{outcome.value}"'
    if read_back is not None:
        line += f', "read_back": {encode_value(read_back)}'
    if error is not None:
        line += f', "error": {_text(error)}'
    return f"{line}}}"


def intend(journal: Journal, results: Sequence[WriteResult], common: str) -> None:
    """Put the intents of writes on the disk; raises as :meth:`Journal.intend` does."""
    for result in results:
        result.intended = True  # before it is: an interrupt may come at any moment
    try:
        journal.intend(intents(results, common))
    except WriteRefusedError:
        for result in results:
            result.intended = False
        raise


def note(journal: Journal, results: Sequence[WriteResult]) -> None:
    """Append what became of those writes whose intent is in the journal."""
    known = [result for result in results if result.intended]
    if known:
        journal.note(outcomes(known))
    for result in results:
        result.noted = result.outcome


def encode_value(value: Any) -> str:
    """Return the JSON of a value: what JSON has no form for is a map of one item."""
    kind = type(value)
    if kind is int or (kind is float and math.isfinite(value)):
        return repr(value)
    if kind is str:
        return _text(value)
    if value is None:
        return "null"
    if isinstance(value, int):  # a Boolean, or of an enum
        return json.dumps(value)
    if isinstance(value, UUID):
        name, text = "uuid", str(value)
    elif isinstance(value, TimePoint):
        name, text = "time", value.isoformat()
    elif kind is float:
        name, text = "float", repr(value)
    else:  # a server sent something that is no value of the protocol
        name, text = "other", repr(value)[:200]
    return f'{{"{name}": {_text(text)}}}'


def decode_value(value: Any) -> Any:
    """Return the value that decoded JSON stands for; ValueError if it is none."""
    match value:
        case {"uuid": str(text)}:
            return UUID(text)
        case {"time": str(text)}:
            return TimePoint.parse(text)
        case {"float": str(text)}:
            return float(text)
        case {"other": str(text)}:
            return text
        case dict() | list():
            raise ValueError("this is no value")
    return value


def _now() -> str:
    seconds, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
    return f"{_second(seconds)}.{microseconds:06d}Z"


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
