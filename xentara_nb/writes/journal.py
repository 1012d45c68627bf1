"""The journal: every write is on disk before it is on the wire, and what became of it after.

One line of JSON for the intent, flushed to the disk before a byte of the write goes out, and one
or two for what became of it. Intents and outcomes find each other by an ``id``. Several programs
may write into one journal at the same time. It holds no password, token or session id.

The journal of a user is ``xentara_nb/journal.jsonl`` in the folder where programs keep their state
(``XDG_STATE_HOME`` or ``~/.local/state``, ``~/Library/Application Support``, ``%LOCALAPPDATA%``).
``connect(journal=...)`` or the environment variable ``XENTARA_JOURNAL`` chooses another file, or
``"off"``.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import platformdirs

from xentara_nb.errors import WriteRefusedError
from xentara_nb.paths import user_path

VARIABLE = "XENTARA_JOURNAL"
"""The environment variable that names the journal, or says ``off``."""

LOCK_TIMEOUT = 5.0
"""How long to wait for another program that writes, in seconds: it only writes some lines."""

_FLAGS = os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# So that a FIFO or a terminal in its place is not waited for.
_FLAGS |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)

JournalLike: TypeAlias = "str | os.PathLike[str] | bool | Journal | None"
"""Where to keep the journal: a path; False for nowhere; None or True for the usual place."""


class JournalWarning(UserWarning):
    """The journal lacks something; the message says what."""


def default_path() -> Path:
    """Return where the journal of this user is."""
    return platformdirs.user_state_path("xentara_nb", appauthor=False) / "journal.jsonl"


class Journal:
    """A file that intents and outcomes are appended to.

    Parameters
    ----------
    where : path, bool or None
        The file; False for no journal at all; left out, what ``XENTARA_JOURNAL`` says, or the
        usual place.

    Attributes
    ----------
    path : pathlib.Path or None
        The file, None when there is no journal.

    Examples
    --------
    >>> Journal(False)
    <Journal off>
    """

    def __init__(self, where: JournalLike = None) -> None:
        if isinstance(where, Journal):
            self.path: Path | None = where.path
        elif where is False:
            self.path = None
        elif where is None or where is True:
            setting = os.environ.get(VARIABLE, "").strip()
            off = setting.lower() == "off"
            self.path = None if off else user_path(setting) if setting else default_path()
        else:
            self.path = user_path(where)

    def __repr__(self) -> str:
        return f"<Journal {'off' if self.path is None else self.path}>"

    def intend(self, lines: Iterable[str]) -> None:
        """Put intents on the disk, safely: after this returns, they survive a loss of power.

        Raises
        ------
        WriteRefusedError
            If that is not possible. Nothing may be sent then.
        """
        if self.path is None:
            return
        try:
            self._append(lines, durable=True)
        except OSError as error:
            reason = error.strerror or error
            raise WriteRefusedError(
                f"the journal {self.path} cannot be written ({reason}), so "
                "nothing was sent. Make room or choose another file with connect(journal=...); "
                "journal=False does without, on purpose."
            ) from None

    def note(self, lines: Iterable[str]) -> None:
        """Append what became of writes.

        Warns
        -----
        JournalWarning
            If that is not possible. The writes were sent, so this is no reason to stop.
        """
        if self.path is None:
            return
        try:
            self._append(lines, durable=False)
        except OSError as error:
            warnings.warn(
                f"the journal {self.path} cannot be written ({error.strerror or error}): it will "
                "show the outcome of the last writes as UNKNOWN, their report knows better",
                JournalWarning,
                stacklevel=2,
            )

    def _append(self, lines: Iterable[str], *, durable: bool) -> None:
        assert self.path is not None
        data = ("\n".join(lines) + "\n").encode("ascii")
        file, created = _open(self.path)
        try:
            held = _take_lock(file, required=durable)
            try:
                size = os.lseek(file, 0, os.SEEK_END)
                # A program that was killed, or had no more room, may have left half a line.
                if size and not _ends_a_line(file, size):
                    data = b"\n" + data
                try:
                    _write_all(file, data)
                    if durable:
                        os.fsync(file)
                except OSError:
                    # What is refused shall not stand there as something that was sent.
                    if held:
                        with suppress(OSError):
                            os.ftruncate(file, size)
                    raise
            finally:
                if held:
                    _unlock(file)
            if durable and created:
                _sync_folder(self.path.parent)
        finally:
            os.close(file)


def _open(path: Path) -> tuple[int, bool]:
    """Return the open file, and whether it is new."""
    # Opened each time, so that a file that was moved away is begun anew.
    try:
        file, created = os.open(path, _FLAGS), False
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file, created = os.open(path, _FLAGS | os.O_CREAT, 0o600), True
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "it is no regular file")
    return file, created


def _ends_a_line(file: int, size: int) -> bool:
    os.lseek(file, size - 1, os.SEEK_SET)
    return os.read(file, 1) == b"\n"


def _write_all(file: int, data: bytes) -> None:
    written = os.write(file, data)
    while written < len(data):  # the last piece of a full disk
        written += os.write(file, data[written:])


def _sync_folder(folder: Path) -> None:
    """Make sure that a new file's name is on the disk as well."""
    with suppress(OSError):  # not every system lets one open a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _take_lock(file: int, *, required: bool) -> bool:
    """Keep other programs out of a file; return whether that was possible.

    Without the lock a line is still appended as a whole; only what is done about torn ones could go
    wrong. So where a file system has no locks there is none, and an outcome does not wait forever.
    """
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
