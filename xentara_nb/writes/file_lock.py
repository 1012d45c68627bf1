"""A lock that keeps other programs out of a file while some lines are appended to it."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOCK_TIMEOUT = 5.0
"""How long to wait for another program that writes, in seconds: it only writes some lines."""


@contextmanager
def locked_file(file: int, *, required: bool = False) -> Iterator[bool]:
    """Keep other programs out of an open file; gives whether that was possible.

    Without the lock a line is still appended as a whole; only what is done about torn ones could go
    wrong. So where a file system has no locks there is none, and an outcome does not wait forever.

    Raises
    ------
    OSError
        If the lock is required, and another program has held it for too long.
    """
    held = _take(file, required=required)
    try:
        yield held
    finally:
        if held:
            _unlock(file)


def _take(file: int, *, required: bool) -> bool:
    end: float | None = None
    while True:
        try:
            _lock(file)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
                return False
            end = time.monotonic() + LOCK_TIMEOUT if end is None else end
            if time.monotonic() > end:
                if required:
                    raise OSError(errno.EAGAIN, "another program holds it") from None
                return False
            time.sleep(0.002)
        else:
            return True


if sys.platform == "win32":
    import msvcrt

    # Far behind the end, for a locked range cannot be read by others.
    _RANGE = 1 << 62

    def _lock(file: int) -> None:
        os.lseek(file, _RANGE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _unlock(file: int) -> None:
        os.lseek(file, _RANGE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
