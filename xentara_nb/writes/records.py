"""The records in the journal: from writes to lines of JSON, and back to a DataFrame."""

from __future__ import annotations

import getpass
import json
import math
import os
import socket
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _text
from typing import Any
from uuid import UUID

import pandas as pd

from xentara_nb.errors import ServerError, WriteRefusedError
from xentara_nb.paths import lacks_home, read_file
from xentara_nb.protocol.commands import AttributeInfo
from xentara_nb.protocol.identifiers import NIL_UUID, DataType, label
from xentara_nb.protocol.values import TimePoint
from xentara_nb.tables.frames import to_display
from xentara_nb.writes.journal import Journal, JournalLike, JournalWarning
from xentara_nb.writes.outcome import Outcome
from xentara_nb.writes.rendering import build_frame
from xentara_nb.writes.results import WriteResult

MAX_BYTES = 1024 * 1024 * 1024
"""The largest journal that is read, in bytes: some two million writes."""

_INTENT, _OUTCOME = "intent", "outcome"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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
    head = f'{{"event": "{_INTENT}", "time": "{_now()}", {common}, "id": "'
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
        f'{{"event": "{_INTENT}", "time": "{_now()}", {common}, "id": "{change_id}", '
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
    line = f'{{"event": "{_OUTCOME}", "time": "{_now()}", "id": "{write_id}"'
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


def read_journal(path: JournalLike = None) -> pd.DataFrame:
    """Return the journal of writes as a DataFrame, the oldest first.

    Parameters
    ----------
    path : path, optional
        The journal; left out, the one that ``XENTARA_JOURNAL`` names, or the user's own.
        ``client.journal`` will do as well.

    Returns
    -------
    pandas.DataFrame
        One row per write that was about to be sent: ``time`` (datetime64[ns, UTC], of the intent),
        ``primary_key`` (str), ``element_uuid`` (xentara_id), ``attribute_name`` (str),
        ``attribute_id`` (xentara_id), ``data_type`` (str), ``old_value``, ``value``, ``read_back``
        (object, None where not known), ``outcome`` (categorical, see
        :class:`~xentara_nb.writes.outcome.Outcome`), ``error`` (str, missing where there is none),
        ``finished`` (datetime64[ns, UTC], when the outcome was noted, NaT where it was not),
        ``server``, ``user``, ``session_user``, ``account``, ``computer`` (str), ``process``
        (Int64), ``plan`` and ``id`` (str). A journal that does not exist is an empty one.

        A change of the server's stage is a row as well, as a write to the attribute ``stage`` of
        the root element, whose key is empty.

        An intent without an outcome is ``UNKNOWN``: the program ended before the answer came, and
        perhaps before anything was sent.

    Raises
    ------
    OptionError
        If it is no regular file, far too large, or not the user's alone.
    OSError
        If the journal cannot be read.

    Warns
    -----
    JournalWarning
        If lines other than a torn last one could not be read. They are left out.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from xentara_nb import simulate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "journal.jsonl")
    ...     with simulate() as plant, plant.connect(journal=path) as client:
    ...         result = client.write("Plant.Line 1.Set point", 195)
    ...     journal = read_journal(path)
    >>> journal[["primary_key", "old_value", "value", "outcome"]]
                  primary_key old_value  value   outcome
    0  Plant.Line 1.Set point     210.0  195.0  VERIFIED
    """
    file = Journal(path).path
    try:
        data = b"" if file is None or lacks_home(file) else read_file(file, MAX_BYTES, own=True)
    except FileNotFoundError:
        data = b""
    frame, unreadable = parse_records(data)
    if unreadable:
        warnings.warn(
            f"{unreadable} lines of the journal {file} cannot be read and are left out",
            JournalWarning,
            stacklevel=2,
        )
    return frame


def parse_records(data: bytes) -> tuple[pd.DataFrame, int]:
    """Return the frame that :func:`read_journal` returns, and how many lines are bad."""
    rows: dict[str, dict[str, Any]] = {}
    *lines, last = data.split(b"\n")
    unreadable = sum(not _take(rows, line) for line in lines if line.strip())
    # What stands behind the last end of a line is being written, or will never be.
    if last:
        _take(rows, last)
    frame = build_frame({name: [row[name] for row in rows.values()] for name in _COLUMNS})
    return frame, unreadable


def _take(rows: dict[str, dict[str, Any]], line: bytes) -> bool:
    """Take one line into the rows; return whether it could be read."""
    try:
        record = json.loads(line.decode())
        write_id = record["id"]
        moment = _nanoseconds(record["time"])
        if not isinstance(write_id, str):
            return False
        if record["event"] == _INTENT:
            rows[write_id] = _intent(record, moment)
        elif record["event"] == _OUTCOME:
            row = rows.get(write_id)
            if row is not None:  # of a journal that was shortened, outcomes only may be left
                # All of it or nothing: what cannot be shown would hide all other lines.
                found: dict[str, object] = {
                    "outcome": Outcome(record["outcome"]),
                    "error": _text_or_none(record.get("error")),
                    "finished": moment,
                }
                if "read_back" in record:
                    found["read_back"] = _display(record["read_back"], row)
                row.update(found)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        return False
    return True


def _intent(record: dict[str, Any], moment: int) -> dict[str, Any]:
    row: dict[str, Any] = {name: _text_or_none(record.get(name)) for name in _TEXTS}
    process = record.get("process")
    row.update(
        time=moment,
        finished=None,
        element_uuid=UUID(record["element_uuid"]),
        attribute_id=decode_value(record["attribute_id"]),
        type=int(record["data_type"]),
        read_back=None,
        outcome=Outcome.UNKNOWN,
        error=None,
        process=None if process is None else _int_64(int(process)),
    )
    row["data_type"] = label(DataType, row["type"])
    row["old_value"] = _display(record.get("old_value"), row)
    row["value"] = _display(record["value"], row)
    return row


def _nanoseconds(text: str) -> int:
    since = datetime.fromisoformat(text) - _EPOCH  # TypeError without a time zone
    return _int_64(since // _MICROSECOND * 1000)


def _int_64(number: int) -> int:
    """Return a number that pandas can hold, of nanoseconds up to the year 2262."""
    if not -(1 << 63) < number < 1 << 63:
        raise OverflowError("more than 64 bits")
    return number


def _text_or_none(text: object) -> str | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise TypeError("a text was expected")
    text.encode()  # ValueError for half of a character, which pandas cannot hold
    return text


def _display(value: Any, row: Mapping[str, Any]) -> object:
    value = decode_value(value)
    return None if value is None else to_display(value, row["type"], row["attribute_id"])


_TEXTS = (
    *("primary_key", "attribute_name", "server", "user", "session_user", "account"),
    *("computer", "plan", "id"),
)
_COLUMNS = (
    *("time", "primary_key", "element_uuid", "attribute_name", "attribute_id", "data_type"),
    *("old_value", "value", "read_back", "outcome", "error", "finished"),
    *("server", "user", "session_user", "account", "computer", "process", "plan", "id"),
)


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
