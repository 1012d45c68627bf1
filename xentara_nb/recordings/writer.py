"""Writing a recording: files that are complete at any moment, and never a row twice.

The rows of an hour go into one file until it is full. With every :meth:`RecordingWriter.flush` that
file is written again as a whole, beside the present one, which it then replaces: a reader meets the
one or the other, and a process that is killed loses what came since the last flush and nothing
else. Nothing that is on the disk is ever read again for writing, but for rows that may be there
already: those that are not newer than what was recorded last.
"""

from __future__ import annotations

import errno
import os
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from xentara_nb.errors import RecordingError, requiring
from xentara_nb.paths import replacing, sync_folder
from xentara_nb.protocol.text import quantity
from xentara_nb.queries.reading import ResolvedAttribute
from xentara_nb.recordings.columns import Array, descriptions, ordered, schema
from xentara_nb.recordings.folder import HOUR, day_folder, files, hour_name, last_time

if TYPE_CHECKING:
    import pyarrow as pa

MAX_ROWS = 500_000
"""How many rows a file has at most; then the next one is begun."""

ROW_GROUP = 8_192
"""How many rows are read together: those of one attribute are in few such groups."""

_LATE = 120 * 10**9  # how long rows of the hour before may still come, in nanoseconds
_TEMPORARY = ".recording.tmp"
# Numbers that are all different, and times that are not far apart.
_ENCODINGS = {"time": "DELTA_BINARY_PACKED", "value": "BYTE_STREAM_SPLIT"}


class Rows(NamedTuple):
    """Rows to be written, column by column; the first says which of the attributes it is."""

    attributes: Array  # int, places in the list that the writer was given
    times: Array  # int64, nanoseconds since 1970 in UTC
    numbers: Array  # float64
    missing: Array  # bool, where there is no number
    texts: Array  # object
    qualities: Array  # object
    errors: Array  # object
    recorded: int  # nanoseconds since 1970 in UTC


_COLUMNS = Rows._fields[:-1]


@dataclass(slots=True)
class _Part:
    """A file that grows: its rows, sorted by attribute, as a table of pyarrow."""

    path: Path
    table: pa.Table | None = None


class RecordingWriter:
    """Writes rows into the folder of a recording, which is made if it is not there.

    One writer at a time may write into a folder. ``rows``, ``files`` and ``bytes`` say how much
    this writer has written, ``last`` is the time of the newest row on the disk, in nanoseconds;
    ``goes_on`` that of the newest one that was there before, None if there was none.
    """

    def __init__(
        self,
        folder: Path,
        attributes: Sequence[ResolvedAttribute],
        *,
        max_rows: int = MAX_ROWS,
    ) -> None:
        with requiring("recordings need", "parquet"):
            import pyarrow.parquet  # noqa: F401 - at once, not when rows are to be written
        self.folder = folder
        self.rows = self.files = self.bytes = 0
        self.last: int | None = None
        given = list(attributes)
        self._attributes = ordered(given)
        places = {each[1:4]: place for place, each in enumerate(self._attributes)}
        self._places = np.array([places[each[1:4]] for each in given], dtype=np.int32)
        self._texts = descriptions(self._attributes)
        self._max_rows = max_rows
        self._run = uuid.uuid4().hex[:6]
        self._number = 0
        self._parts: dict[int, _Part] = {}  # by their hour since 1970
        self._waiting: list[Rows] = []
        with self._explained():
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _Lock(folder)
        try:
            with self._explained():
                self._scratch = _scratch(folder)
                if self._scratch is not None:
                    self._scratch.unlink(missing_ok=True)  # of a process that was killed
                for path in folder.glob(f"day=*/.part-*{_TEMPORARY}"):
                    path.unlink()
            # What is not newer than this may be there already.
            newest = last_time(folder)
            self._newest = np.full(len(given), newest, dtype=np.int64)
            self.goes_on = newest if newest > np.iinfo(np.int64).min else None
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def append(self, rows: Rows) -> None:
        """Take rows, which are on the disk after the next :meth:`flush`."""
        if len(rows.times):
            self._waiting.append(rows._replace(attributes=self._places[rows.attributes]))

    @property
    def waiting(self) -> int:
        """How many rows are not on the disk yet."""
        return sum(len(rows.times) for rows in self._waiting)

    def flush(self) -> None:
        """Put all rows on the disk.

        Raises :class:`RecordingError` if that is not possible: what was on the disk is as it was,
        and the rows wait for the next flush.
        """
        if not self._waiting:
            return
        import pyarrow as pa

        new = self._new_rows()
        taken: dict[int, pa.Table] = {}
        hours = new["time"].to_numpy().view(np.int64) // HOUR
        for hour in np.unique(hours).tolist():
            taken[hour] = new.filter(pa.array(hours == hour))
        try:
            with self._explained():
                for hour, table in taken.items():
                    self._write(hour, table)
                    # Should the next one fail, what is written is not written twice.
                    self._forget(hour)
        except BaseException:
            # Of this hour some may be written: all is compared with the disk from now on.
            self._newest[:] = np.iinfo(np.int64).max
            raise
        self._waiting = []
        self._close_parts()

    def close(self) -> None:
        """Put all rows on the disk, and let others write into the folder."""
        try:
            self.flush()
        finally:
            self._lock.release()

    # Rows on their way.

    def _new_rows(self) -> pa.Table:
        """Return the waiting rows that are not on the disk, sorted by attribute and time."""
        import pyarrow as pa

        columns = {
            name: np.concatenate([getattr(rows, name) for rows in self._waiting])
            for name in _COLUMNS
        }
        recorded = np.repeat(
            [rows.recorded for rows in self._waiting], [len(rows.times) for rows in self._waiting]
        )
        places, times = columns["attributes"], columns["times"]
        order = np.lexsort((times, places))
        # Of two rows of one attribute and time the later one counts, as in a watch.
        last = np.append((np.diff(places[order]) != 0) | (np.diff(times[order]) != 0), True)
        order = order[last]
        places, times = places[order], times[order]
        fresh = times > self._newest[places]
        if not fresh.all():
            known = self._known(times[~fresh])
            doubtful = np.flatnonzero(~fresh)
            fresh[doubtful] = [
                (place, time) not in known
                for place, time in zip(
                    places[doubtful].tolist(), times[doubtful].tolist(), strict=True
                )
            ]
            order, places, times = order[fresh], places[fresh], times[fresh]
        stamp = pa.timestamp("ns", tz="UTC")
        return pa.table(
            {
                "place": pa.array(places, pa.int32()),
                "time": pa.array(times, pa.int64()).cast(stamp),
                "value": pa.array(columns["numbers"][order], mask=columns["missing"][order]),
                "text": pa.array(columns["texts"][order], pa.string()),
                "quality": pa.array(columns["qualities"][order], pa.string()),
                "error": pa.array(columns["errors"][order], pa.string()),
                "recorded": pa.array(recorded[order], pa.int64()).cast(stamp),
            }
        )

    def _known(self, times: Array) -> set[tuple[int, int]]:
        """Return place and time of the rows on the disk that have one of some times."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        hours = set((times // HOUR).tolist())
        some = pa.array(np.unique(times), pa.int64()).cast(pa.timestamp("ns", tz="UTC"))
        asked_for = pc.field("time").isin(some)
        names = ["primary_key", "attribute_name", "element_uuid", "attribute_id"]
        texts = [self._texts[name] for name in names]
        places = {each: place for place, each in enumerate(zip(*texts, strict=True))}
        known: set[tuple[int, int]] = set()
        with self._explained():
            for path, _ in files(self.folder, lambda hour: hour in hours):
                table = pq.read_table(
                    path, columns=[*names, "time"], filters=asked_for, partitioning=None
                )
                stamps = table["time"].to_numpy().view(np.int64).tolist()
                keys = zip(*(table[name].to_pylist() for name in names), strict=True)
                known.update(
                    (places[key], stamp)
                    for key, stamp in zip(keys, stamps, strict=True)
                    if key in places
                )
        return known

    # Files.

    def _write(self, hour: int, new: pa.Table) -> None:
        """Write the rows of an hour, in files that are not full yet."""
        import pyarrow as pa

        while new.num_rows:
            part = self._parts.get(hour)
            if part is None:
                part = self._parts[hour] = _Part(self._next_path(hour))
            room = self._max_rows - (0 if part.table is None else part.table.num_rows)
            # Sorted by attribute, so the first ones are not the oldest; but all are new.
            some, new = new.slice(0, room), new.slice(room)
            table = some if part.table is None else pa.concat_tables([part.table, some])
            order = np.argsort(table["place"].to_numpy(), kind="stable")
            table = table.take(pa.array(order)).combine_chunks()
            temporary = self._scratch or part.path.with_name(f".{part.path.name}{_TEMPORARY}")
            self.bytes += _replace(part.path, self._encoded(table), temporary)
            self.files += part.table is None
            self.rows += some.num_rows
            part.table = table
            if table.num_rows >= self._max_rows:
                del self._parts[hour]

    def _encoded(self, table: pa.Table) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        places = table["place"].combine_chunks()
        columns: dict[str, Any] = {
            name: pa.DictionaryArray.from_arrays(places, pa.array(texts, pa.string()))
            for name, texts in self._texts.items()
        }
        names = schema().names
        columns.update({name: table[name] for name in names if name not in columns})
        whole = pa.table({name: columns[name] for name in names})
        sink = pa.BufferOutputStream()
        pq.write_table(
            whole,
            sink,
            row_group_size=ROW_GROUP,
            compression="zstd",
            use_dictionary=[name for name in names if name not in _ENCODINGS],
            column_encoding=_ENCODINGS,
            store_schema=False,  # or others would read the texts as dictionaries, too
        )
        return sink.getvalue()

    def _forget(self, hour: int) -> None:
        """Take the rows of an hour, which are on the disk, from those that wait."""
        remaining = []
        for rows in self._waiting:
            inside = rows.times // HOUR == hour
            np.maximum.at(self._newest, rows.attributes[inside], rows.times[inside])
            self.last = max(self.last or 0, int(rows.times[inside].max(initial=0)))
            if not inside.all():
                kept = ~inside
                columns = {name: getattr(rows, name)[kept] for name in _COLUMNS}
                remaining.append(rows._replace(**columns))
        self._waiting = remaining

    def _close_parts(self) -> None:
        """Let go of the rows of hours that are over."""
        over = (self.last or 0) - _LATE
        for hour in [hour for hour in self._parts if (hour + 1) * HOUR <= over]:
            del self._parts[hour]

    def _next_path(self, hour: int) -> Path:
        self._number += 1
        name = f"part-{hour_name(hour)}-{self._run}-{self._number:04d}.parquet"
        folder = day_folder(self.folder, hour)
        folder.mkdir(exist_ok=True)
        return folder / name

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what it means that the disk does not take something."""
        try:
            yield
        except RecordingError:
            raise
        except FileExistsError as error:
            raise RecordingError(
                f"the recording in {self.folder} cannot be written: {error.filename} is a file, "
                "and a folder is to be there. Name another one"
            ) from None
        except OSError as error:
            hint = "Make room" if error.errno in _FULL else "Look at the folder and its permissions"
            waits = quantity(self.waiting, "row waits", "rows wait")
            waiting = f" {waits} to be written." if self._waiting else ""
            raise RecordingError(
                f"the recording in {self.folder} cannot be written "
                f"({error.strerror or error}). What was written before is complete.{waiting} "
                f"{hint}, and record into the same folder again: it goes on there."
            ) from error


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _scratch(folder: Path) -> Path | None:
    """Return where a file is written before it gets its name; None for beside that.

    Not in the folder of the recording: Polars reads a folder only if nothing else is in it.
    """
    parent = folder.resolve().parent
    if os.stat(parent).st_dev == os.stat(folder).st_dev and os.access(parent, os.W_OK):
        return parent / f".{folder.resolve().name}{_TEMPORARY}"
    return None


def _replace(path: Path, data: Any, temporary: Path) -> int:
    """Write a file elsewhere and put it in its place; return how much it has grown."""
    try:
        before = path.stat().st_size
    except FileNotFoundError:
        before = 0
    with replacing(path, temporary) as file:
        file.write(data)
    if not before:
        sync_folder(path.parent)
    return len(memoryview(data)) - before


class _Lock:
    """Keeps other writers out of a folder, where the system can do that for folders."""

    def __init__(self, folder: Path) -> None:
        self._descriptor: int | None = None
        if sys.platform == "win32":
            return
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise RecordingError(
                    f"another program records into {folder}. Choose another folder"
                ) from None
            return  # a file system without locks
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
