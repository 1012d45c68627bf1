"""A lock that keeps other programs out of a file while some lines are appended to it."""

from __future__ import annotations

import errno
import os
import sys
import time

LOCK_TIMEOUT = 5.0
"""How long to wait for another program that writes, in seconds: it only writes some lines."""


class FileLock:
    """Keeps other programs out of an open file; ``with`` gives whether that was possible.

    Without the lock a line is still appended as a whole; only what is done about torn ones could go
    wrong. So where a file system has no locks there is none, and an outcome does not wait forever.
    Raises OSError if the lock is required, and another program has held it for too long.
    """

    # No generator: one that an interrupt leaves before the block is ended by the garbage collector,
    # when the number of the file may be that of another one. Closing the file releases it as well.

    def __init__(self, file: int, *, required: bool = False) -> None:
        self._file = file
        self._required = required
        self._held = False

    def __enter__(self) -> bool:
        self._held = _take(self._file, required=self._required)
        return self._held

    def __exit__(self, *exception: object) -> None:
        if self._held:
            _unlock(self._file)


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
