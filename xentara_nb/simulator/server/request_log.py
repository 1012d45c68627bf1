"""The log of a simulator: every request, and every write as it was executed.

It is the truth against which a client can be tested: what arrived, who sent it, what became of it.
The last entries are kept in memory and shown as DataFrames; all of them can be appended to a file,
one JSON object a line. Passwords, tokens and certificates of log-ins are never kept.
"""

from __future__ import annotations

import json
import math
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TextIO, TypeVar
from uuid import UUID

from xentara_nb.protocol.identifiers import OpCode, known
from xentara_nb.protocol.values import Alternative, AttributeId, TimePoint

if TYPE_CHECKING:
    import pandas as pd

MAX_RECORDS = 100_000
"""How many requests, and how many writes, are kept in memory: the last ones."""

MAX_BYTES = 32 * 1024 * 1024
"""How many bytes the requests that are kept, and the writes, may have had on the wire."""

HIDDEN = "***"


class RequestRecord(NamedTuple):
    """A request and what was answered; a packet that could not be read has no opcode."""

    time: int  # when it arrived, in nanoseconds since 1970
    connection: int
    user: str
    message_id: int
    opcode: int | None
    parameters: Mapping[int, Any] | None
    code: int  # of the error, 0 for a success
    text: str
    duration: float  # how long it took, in seconds

    def values(self) -> dict[str, Any]:
        """Return the record by column."""
        command = "" if self.opcode is None else known(OpCode, self.opcode)
        hidden = command == OpCode.CREATE_SUB_SESSION
        return {
            **self._asdict(),
            "command": command.name.lower() if isinstance(command, OpCode) else "",
            "parameters": HIDDEN if hidden else to_json(self.parameters),
        }


class WriteRecord(NamedTuple):
    """A write and what became of it."""

    time: int
    connection: int
    user: str
    session_user: str | None
    element_uuid: UUID
    primary_key: str
    attribute_id: AttributeId
    attribute_name: str
    sent: object
    value: object
    code: int
    text: str

    def values(self) -> dict[str, Any]:
        """Return the record by column."""
        return self._asdict()


# The columns and their types. Values are objects: pandas would make 1.0 of a 1 beside a 1.5.
REQUEST_COLUMNS = {
    "time": "int64",
    "connection": "int64",
    "user": "str",
    "message_id": "int64",
    "opcode": "Int64",
    "command": "str",
    "parameters": "object",
    "code": "int64",
    "text": "str",
    "duration": "float64",
}
WRITE_COLUMNS = {
    "time": "int64",
    "connection": "int64",
    "user": "str",
    "session_user": "str",
    "primary_key": "str",
    "element_uuid": "object",
    "attribute_name": "str",
    "attribute_id": "object",
    "sent": "object",
    "value": "object",
    "code": "int64",
    "text": "str",
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
        self._lock = threading.Lock()
        self._requests: _History[RequestRecord] = _History(max_records, max_bytes)
        self._writes: _History[WriteRecord] = _History(max_records, max_bytes)
        self._file: TextIO | None = None

    def open(self, path: Path) -> None:
        """Append everything from now on to a file as well; raises OSError if that cannot be."""
        self.close()
        # By lines, so that the file shows what has happened until now.
        file = path.open("a", encoding="utf-8", buffering=1)
        with self._lock:
            self._file = file

    def close(self) -> None:
        """Write to the file no more."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def add_request(self, record: RequestRecord, size: int = 0) -> None:
        """Note a request of so many bytes that has been answered."""
        with self._lock:
            self._requests.add(record, size)
            if self._file is not None:
                self._write_line("request", record.values())

    def add_write(self, record: WriteRecord) -> None:
        """Note a write that was executed or refused."""
        with self._lock:
            self._writes.add(record, len(record.sent) if isinstance(record.sent, str) else 0)
            if self._file is not None:
                self._write_line("write", record.values())

    def clear(self) -> None:
        """Forget what is in memory; the file stays as it is."""
        with self._lock:
            self._requests.clear()
            self._writes.clear()

    def requests(self) -> pd.DataFrame:
        """Return the requests: one row each, the oldest first."""
        with self._lock:
            records = self._requests.all()
        return _frame([record.values() for record in records], REQUEST_COLUMNS)

    def writes(self) -> pd.DataFrame:
        """Return the writes: one row each, the oldest first."""
        with self._lock:
            records = self._writes.all()
        return _frame([record.values() for record in records], WRITE_COLUMNS)

    def _write_line(self, kind: str, values: dict[str, Any]) -> None:
        assert self._file is not None
        values["time"] = TimePoint(values["time"])
        try:
            self._file.write(
                json.dumps({"kind": kind, **to_json(values)}, ensure_ascii=False) + "\n"
            )
        except OSError:
            # A full disk must not take the plant down; what is in memory goes on.
            self._file = None


def _frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd  # only needed for looking at the log

    content = {
        column: pd.Series([row[column] for row in rows], dtype=dtype)
        for column, dtype in columns.items()
    }
    content["time"] = pd.to_datetime(content["time"], unit="ns", utc=True)
    return pd.DataFrame(content)


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
