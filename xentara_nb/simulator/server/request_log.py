"""The log of a simulator: every request, and every write as it was executed.

A client can be tested against it: what arrived, who sent it, what became of it.
The last entries are kept in memory and shown as DataFrames; all of them can be appended to a file,
one JSON object a line. Passwords, tokens and certificates of log-ins are never kept.
"""

from __future__ import annotations

import json
import math
import os
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TextIO, TypeVar, get_type_hints
from uuid import UUID

from cbor2 import CBORTag

from xentara_nb.locking import Lock
from xentara_nb.protocol.identifiers import OpCode
from xentara_nb.protocol.values import Alternative, AttributeId, TimePoint

if TYPE_CHECKING:
    import pandas as pd

MAX_RECORDS = 100_000
"""How many requests, and how many writes, are kept in memory: the last ones."""

MAX_BYTES = 32 * 1024 * 1024
"""About how many bytes the parameters that are kept, and the values written, may take."""

_ITEM = 64  # bytes that a small value or a container takes in memory; on the wire it can be one


class RequestRecord(NamedTuple):
    """A request and what was answered; a packet that could not be read has no opcode."""

    time: int  # when it arrived, in nanoseconds since 1970
    connection: int
    user: str
    message_id: int
    opcode: int | None
    command: str
    parameters: Mapping[int, Any] | str | None
    code: int  # of the error, 0 for a success
    text: str
    duration: float  # how long it took, in seconds


class WriteRecord(NamedTuple):
    """A write and what became of it: what was sent, and what the element took."""

    time: int
    connection: int
    user: str
    session_user: str | None
    primary_key: str
    element_uuid: UUID
    attribute_name: str
    attribute_id: AttributeId
    sent: object
    value: object
    code: int
    text: str


# The columns' types by those of the records. Others stay objects: pandas would make 1.0 of a 1
# beside a 1.5.
_DTYPES = {
    int: "int64",
    int | None: "Int64",
    float: "float64",
    str: "str",
    str | None: "str",
}

R = TypeVar("R", RequestRecord, WriteRecord)


class _History(Generic[R]):
    """The last records: no client can fill the memory with many of them, or with large ones."""

    def __init__(self, max_records: int, max_bytes: int) -> None:
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._records: deque[tuple[R, int]] = deque()
        self._size = 0

    def add(self, record: R, size: int) -> None:
        self._records.append((record, size))
        self._size += size
        while len(self._records) > self._max_records or self._size > self._max_bytes:
            self._size -= self._records.popleft()[1]

    def clear(self) -> None:
        self._records.clear()
        self._size = 0

    def all(self) -> list[R]:
        return [record for record, _ in self._records]


class RequestLog:
    """Keeps the last records of a simulator. Safe from several threads."""

    def __init__(self, max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES) -> None:
        self._lock = Lock()
        self._requests: _History[RequestRecord] = _History(max_records, max_bytes)
        self._writes: _History[WriteRecord] = _History(max_records, max_bytes)
        self._file: TextIO | None = None

    def open(self, path: Path) -> None:
        """Append everything from now on to a file as well; raises OSError if that cannot be."""
        self.close()
        # By lines, so that the file shows what has happened until now.
        file = os.fdopen(_open_at_once(path), "a", encoding="utf-8", buffering=1)
        with self._lock:
            self._file = file

    def close(self) -> None:
        """Write to the file no more."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def add_request(self, record: RequestRecord) -> None:
        """Note a request that has been answered."""
        if record.opcode == OpCode.CREATE_SUB_SESSION:
            record = record._replace(parameters="***")
        size = _memory(record.parameters)
        with self._lock:
            self._requests.add(record, size)
            self._write_line("request", record)

    def add_write(self, record: WriteRecord) -> None:
        """Note a write that was executed or refused."""
        size = _memory(record.sent)
        with self._lock:
            self._writes.add(record, size)
            self._write_line("write", record)

    def clear(self) -> None:
        """Forget what is in memory; the file stays as it is."""
        with self._lock:
            self._requests.clear()
            self._writes.clear()

    def requests(self) -> pd.DataFrame:
        """Return the requests: one row each, the oldest first."""
        with self._lock:
            records = self._requests.all()
        rows = [record._replace(parameters=to_json(record.parameters)) for record in records]
        return _frame(RequestRecord, rows)

    def writes(self) -> pd.DataFrame:
        """Return the writes: one row each, the oldest first."""
        with self._lock:
            records = self._writes.all()
        return _frame(WriteRecord, records)

    def _write_line(self, kind: str, record: RequestRecord | WriteRecord) -> None:
        if self._file is None:
            return
        content = {"kind": kind, **record._asdict(), "time": TimePoint(record.time)}
        try:
            self._file.write(json.dumps(to_json(content), ensure_ascii=False) + "\n")
        except OSError:
            # A full disk must not take the plant down; what is in memory goes on.
            self._file = None


def _memory(value: object) -> int:
    """Return about how many bytes a value takes in memory."""
    size, waiting = 0, [value]
    while waiting:
        value = waiting.pop()
        size += _ITEM
        match value:
            case str() | bytes():
                size += len(value)
            case Mapping():
                waiting += value.keys()
                waiting += value.values()
            case list() | tuple():
                waiting += value
            case Alternative() | CBORTag():
                waiting.append(value.value)
    return size


def _frame(record_type: type[R], records: Sequence[R]) -> pd.DataFrame:
    import pandas as pd  # only needed for looking at the log

    frame = pd.DataFrame(records, columns=list(record_type._fields), dtype="object")
    hints = get_type_hints(record_type).items()
    frame = frame.astype({column: _DTYPES[hint] for column, hint in hints if hint in _DTYPES})
    frame["time"] = pd.to_datetime(frame["time"], unit="ns", utc=True)
    return frame


def to_json(value: object) -> Any:
    """Return a value as JSON can hold it: UUIDs, times and bytes as texts, keys as texts."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return int(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case bytes():
            return value.hex()
        case Alternative():
            return to_json(value.value)
        case Mapping():
            return {str(key): to_json(content) for key, content in value.items()}
        case list() | tuple():
            return [to_json(content) for content in value]
    return str(value)


def _open_at_once(path: Path) -> int:
    """Open a file; a FIFO that no one reads is an OSError, where it would be waited for."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(descriptor, True)
    return descriptor
