"""The journal as a DataFrame: all of it, or the last writes of a process."""

from __future__ import annotations

import errno
import json
import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
import pandas as pd

from xentara_nb.errors import OptionError
from xentara_nb.paths import lacks_home, naming_similar
from xentara_nb.protocol.text import quantity
from xentara_nb.writes.journal import LOADED, Journal, JournalLike, JournalWarning
from xentara_nb.writes.journal_files import opened_files
from xentara_nb.writes.journal_rows import JournalRows

MAX_BYTES = 1024 * 1024 * 1024
"""The largest journal that is read, in bytes: some two million writes."""

TAIL = 16 * 1024
"""How many bytes at the end of a journal are looked at first for the last writes."""

_BLOCK = 256 * 1024  # bytes that are read at once: what they say stays in the processor's cache
_CLOCK = 3600 * 10**9  # how far a clock may be set back, in nanoseconds


def read_journal(path: JournalLike = None) -> pd.DataFrame:
    """Return the journal of writes as a DataFrame, the oldest first.

    Parameters
    ----------
    path : path, optional
        The journal, with all of its months; left out, the one that ``XENTARA_JOURNAL`` names, or
        the user's own. ``client.journal`` will do as well. Of these, one that does not exist is an
        empty one, for its first write makes it.

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
        (Int64), ``plan`` and ``id`` (str).

        A change of the server's stage is a row as well, as a write to the attribute ``stage`` of
        the root element, whose key is empty.

        An intent without an outcome is ``UNKNOWN``: the program ended before the answer came, and
        perhaps before anything was sent.

    Raises
    ------
    OptionError
        If it is no regular file, far too large, or not the user's alone.
    FileNotFoundError
        If there is nothing at the path that was given.
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
    file, rows = Journal(path).path, JournalRows()
    unreadable = 0
    if file is not None and not lacks_home(file):
        with opened_files(file) as files:
            if not files and isinstance(path, str | os.PathLike):
                _refuse_missing(file)
            size = sum(os.fstat(each.fileno()).st_size for each in files)
            if size > MAX_BYTES:
                raise OptionError(
                    f"the journal {str(file)!r} has {size:,} bytes, with its earlier months, and "
                    f"{MAX_BYTES:,} are read here: is it the right file? Else move the oldest "
                    "months to another folder"
                )
            unreadable = sum(_read(rows, each) for each in files)
    if unreadable:
        warnings.warn(
            f"{quantity(unreadable, 'line')} of the journal {file} cannot be read and left out",
            JournalWarning,
            stacklevel=2,
        )
    return rows.frame()


def _refuse_missing(file: Path) -> NoReturn:
    """Raise an error: an empty table would say that nothing was written, of a misspelt path too."""
    with naming_similar():
        raise FileNotFoundError(
            errno.ENOENT, "there is no journal here, or nothing was written into it yet", str(file)
        )


def last_writes(path: JournalLike, server: str, count: int) -> tuple[pd.DataFrame, bool]:
    """Return the last writes of this process on a server, and whether it has made no others.

    They are as :func:`read_journal` gives them, the latest first. Only the end of the journal is
    read: as much as it takes to find so many, or what was written before this process began.
    """
    file, rows = Journal(path).path, JournalRows()
    if file is None or lacks_home(file):
        return rows.frame(), True
    with opened_files(file) as files:
        return _last_writes(files, server, count)


def _last_writes(files: list[BinaryIO], server: str, count: int) -> tuple[pd.DataFrame, bool]:
    sizes = [os.fstat(each.fileno()).st_size for each in files]
    wanted, total = TAIL, sum(sizes)
    while True:
        rows = JournalRows()
        _read_end(rows, files, sizes, wanted)
        # Another process may have had the same number.
        recent = np.array(rows.times) >= LOADED - _CLOCK
        found = np.flatnonzero(recent & rows.made_by(server, os.getpid()))[::-1]
        complete = wanted >= total or not recent.all()
        if complete or len(found) > count:
            return rows.frame().iloc[found[:count]], complete and len(found) <= count
        wanted *= 4


def _read_end(rows: JournalRows, files: list[BinaryIO], sizes: list[int], wanted: int) -> None:
    """Take the lines of the last bytes of a journal into rows."""
    skipped = sum(sizes) - wanted
    for file, size in zip(files, sizes, strict=True):
        if skipped < size:
            file.seek(max(0, skipped - 1))
            if skipped > 0:  # from the next line on, which may begin just here
                file.readline()
            _read(rows, file)
        skipped -= size


def _read(rows: JournalRows, file: BinaryIO) -> int:
    """Take the rest of a file into rows; return how many lines are bad."""
    unreadable, rest = 0, list[bytes]()
    while block := file.read(_BLOCK):
        lines, end, behind = block.rpartition(b"\n")
        if end:
            unreadable += take_lines(rows, b"".join([*rest, lines, end]))
            rest.clear()
        rest.append(behind)  # of a long line there are many
    # What stands behind the last end of a line is being written, or will never be; but what does
    # not begin like a line is damage, such as the zeros that a loss of power can leave.
    last = b"".join(rest)
    if last and not rows.take(_decoded(last)) and not last.startswith(b"{"):
        unreadable += 1
    return unreadable


def take_lines(rows: JournalRows, block: bytes) -> int:
    """Take whole lines into rows; return how many are bad."""
    # All together take half of the time.
    records = _decoded(b"[%b]" % block.strip(b"\n").replace(b"\n", b","))
    if records is None or len(records) != block.count(b"\n"):
        records = map(_decoded, filter(bytes.strip, block.split(b"\n")))
    return sum(not rows.take(record) for record in records)


def _decoded(data: bytes) -> Any:
    """Return what some bytes say in JSON; None if that is nothing."""
    with suppress(ValueError, RecursionError):
        return json.loads(data.decode("utf-8-sig"))  # some editors put a mark there
    return None
