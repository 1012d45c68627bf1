"""The files of a journal: the present one, and one for each month before.

The first intent of a month puts the file of the month before aside: ``journal.jsonl`` becomes
``journal-2026-10.jsonl``, and a new one is begun. A process that still has the old one open appends
to that, and loses nothing: all of them are read. Where a name is taken already, or a file cannot be
renamed, the journal goes on in the present file.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from xentara_nb.paths import open_file, unsafe
from xentara_nb.writes.file_lock import FileLock

_FIRST_TIME, _HEAD = re.compile(rb'\{"event": "[a-z]+", "time": "(\d{4}-\d{2})-'), 64


def put_aside(path: Path) -> None:
    """Give a journal that was begun in an earlier month the name of that month."""
    with suppress(OSError):
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or unsafe(status) is not None:
            return  # it is refused when it is opened
        if _begun(path, status.st_dev, status.st_ino) >= _month_now():
            return
        # For writing, for a network file system locks no file that is open for reading alone.
        with path.open("r+b") as file, FileLock(file.fileno()) as held:
            month = _month_in(file.read(_HEAD))
            aside = path.with_name(f"{path.stem}-{month}{path.suffix}")
            # Another program may have been faster.
            same = os.path.samestat(os.fstat(file.fileno()), path.lstat())
            old = held and same and month < _month_now()
            if old and sys.platform != "win32" and not os.path.lexists(aside):
                path.rename(aside)
        if old and sys.platform == "win32":  # which renames no open file, and replaces none
            path.rename(aside)


@lru_cache(maxsize=16)
def _begun(path: Path, device: int, inode: int) -> str:
    """Return the month of the first line of a file, which does not change."""
    with path.open("rb") as file:
        return _month_in(file.read(_HEAD))


def _month_in(head: bytes) -> str:
    found = _FIRST_TIME.match(head)
    if found is None:  # there is no line yet, or one that says no time
        raise OSError("it says no month")
    return found[1].decode()


def _month_now() -> str:
    return time.strftime("%Y-%m", time.gmtime())


@contextmanager
def opened_files(path: Path) -> Iterator[list[BinaryIO]]:
    """Open all files of a journal that are there, the oldest first; raises as open_file does."""
    with ExitStack() as stack:
        yield _open_all(path, stack)


def _open_all(path: Path, stack: ExitStack) -> list[BinaryIO]:
    # The present one first: one that is put aside from now on is open already.
    files: list[BinaryIO] = []
    with suppress(FileNotFoundError):
        files.append(stack.enter_context(open_file(path, own=True)))
    present = [os.fstat(file.fileno()) for file in files]
    for number, each in enumerate(_earlier(path)):
        file = stack.enter_context(open_file(each, own=True))
        status = os.fstat(file.fileno())
        if not any(os.path.samestat(status, other) for other in present):
            files.insert(number, file)
    return files


def _earlier(path: Path) -> list[Path]:
    """Return the files of the months before, the oldest first."""
    name = re.compile(rf"{re.escape(path.stem)}-\d{{4}}-\d{{2}}{re.escape(path.suffix)}", re.ASCII)
    try:
        return sorted(each for each in path.parent.iterdir() if name.fullmatch(each.name))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return []
        raise
