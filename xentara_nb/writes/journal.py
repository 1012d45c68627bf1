"""The journal: every write is on disk before it is on the wire, and what became of it after.

One line of JSON for the intent, flushed to the disk before a byte of the write goes out, and one
or two for what became of it. Intents and outcomes find each other by an ``id``. Several programs
may write into one journal at the same time. It holds no password, token or session id. The lines of
earlier months are in files of their own: the first write of a month makes
``journal-2026-10.jsonl`` of ``journal.jsonl``.

The journal of a user is ``xentara_nb/journal.jsonl`` in the folder where programs keep their state
(``XDG_STATE_HOME`` or ``~/.local/state``, ``~/Library/Application Support``, ``%LOCALAPPDATA%``).
``connect(journal=...)`` or the environment variable ``XENTARA_JOURNAL`` chooses another file, or
``"off"``.

Each line is an object of JSON. An intent has all of these, an outcome ``event``, ``time``, ``id``,
``outcome``, and ``read_back`` and ``error`` where there are such:

================== ============================================================================
``event``          ``intent`` or ``outcome``
``time``           when the line was written, in UTC (RFC 3339)
``id``             of the write: that of its plan, and its place in it
``plan``           of all the writes of one ``apply``
``server``         the address of the server
``user``           who is logged in
``session_user``   who is logged in to the sub-session, or null
``account``        the user of this computer
``computer``       the name of this computer
``process``        the id of the process
``primary_key``    the element; empty for a change of the stage
``element_uuid``   the UUID of the element
``attribute_name`` the attribute; ``stage`` for a change of the stage
``attribute_id``   the integer of the attribute, or ``{"uuid": "..."}``
``data_type``      the number of the data type
``old_value``      the value before, null where it is not known
``value``          the value that is sent
``outcome``        such as ``VERIFIED``, see :class:`~xentara_nb.Outcome`
``read_back``      the value that was read last after sending
``error``          what went wrong
================== ============================================================================

Values are as JSON has them, and otherwise ``{"time": "..."}``, ``{"uuid": "..."}``,
``{"float": "inf"}`` or ``{"other": "..."}``.
"""

from __future__ import annotations

import errno
import os
import stat
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from io import FileIO
from pathlib import Path
from typing import TypeAlias

import platformdirs

from xentara_nb.errors import WriteRefusedError
from xentara_nb.paths import lacks_home, own_folder, setting_path, sync_folder, unsafe, user_path
from xentara_nb.protocol.text import pasted
from xentara_nb.writes.file_lock import FileLock
from xentara_nb.writes.journal_files import put_aside

VARIABLE = "XENTARA_JOURNAL"
"""The environment variable that names the journal, or says ``off``."""

LOADED = time.time_ns()
"""When this process could write into a journal for the first time, in nanoseconds since 1970."""

_OPENINGS = 5  # of a file that other programs put aside meanwhile
_LINK = "it is a link, behind which another file may stand: name the file itself"

JournalLike: TypeAlias = "str | os.PathLike[str] | bool | Journal | None"
"""Where to keep the journal: a path; False for nowhere; None or True for the usual place."""


class JournalWarning(UserWarning):
    """The journal lacks something; the message says what."""


def default_path() -> Path:
    """Return where the journal of this user is."""
    return own_folder(platformdirs.user_state_path) / "journal.jsonl"


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
            setting = pasted(os.environ.get(VARIABLE, ""))
            off = setting.lower() == "off"
            self.path = None if off else setting_path(setting) if setting else default_path()
        else:
            self.path = user_path(where).absolute()  # a chdir must not move it

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
        if lacks_home(self.path):
            raise WriteRefusedError(
                "there is no home folder for the journal, so nothing was sent. Set HOME, or "
                f"choose a file with {VARIABLE} or connect(journal=...); journal=False does "
                "without, on purpose."
            )
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
        if durable:  # an outcome begins no new file
            put_aside(self.path)
        with _open(self.path) as opened:
            file = opened.fileno()
            with FileLock(file, required=durable) as held:
                size = os.lseek(file, 0, os.SEEK_END)
                # A program that was killed, or had no more room, may have left half a line.
                if size and not _ends_a_line(file, size):
                    data = b"\n" + data
                try:
                    _write_all(file, data)
                    if durable:
                        os.fsync(file)
                    if not size:  # before anyone else finds a file that is not new
                        with suppress(OSError):  # not every system lets one open a folder
                            sync_folder(self.path.parent)
                except OSError:
                    # What is refused shall not stand there as something that was sent.
                    if held:
                        with suppress(OSError):
                            os.ftruncate(file, size)
                    raise


def _open(path: Path) -> FileIO:
    """Return the open file, which is made where there is none."""
    for _ in range(_OPENINGS):
        if (file := _opened(path)) is not None:
            return file
    raise OSError(errno.EAGAIN, "another program moves it again and again")


def _opened(path: Path) -> FileIO | None:
    """Return the open file; None if another program has put it aside meanwhile."""
    # Opened each time, so that a file that was moved away is begun again; and as an object from the
    # first moment on, for a bare number would be lost if an interrupt came now.
    opener = partial(os.open, mode=0o600)
    with suppress(FileNotFoundError):
        _check_kind(path.lstat())
    try:
        file = FileIO(path, "a+", opener=opener)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = FileIO(path, "a+", opener=opener)
    try:
        status = os.fstat(file.fileno())
        with suppress(FileNotFoundError):
            named = path.lstat()
            if os.path.samestat(status, named):
                if (problem := unsafe(status)) is not None:
                    raise PermissionError(errno.EPERM, problem)
                return file
            _check_kind(named)
    except BaseException:
        file.close()
        raise
    file.close()
    return None


def _check_kind(status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, _LINK)
    # What is written into a FIFO or a device is no record. A folder the system itself refuses.
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise OSError(errno.EINVAL, "it is no regular file")


def _ends_a_line(file: int, size: int) -> bool:
    os.lseek(file, size - 1, os.SEEK_SET)
    return os.read(file, 1) == b"\n"


def _write_all(file: int, data: bytes) -> None:
    written = os.write(file, data)
    while written < len(data):  # the last piece of a full disk
        written += os.write(file, data[written:])
