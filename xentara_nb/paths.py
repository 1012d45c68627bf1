"""Files that a user names: which are meant, and how they are read.

A path comes from an argument, a setting or a form, so it may begin with ``~``, and may lead to what
is no file: reading a FIFO waits for ever, reading a device never ends.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from xentara_nb.errors import OptionError
from xentara_nb.suggestions import did_you_mean

# So that opening a FIFO does not wait; Windows has none, and has a text mode instead.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_DEEP = re.compile(rb"(?:(?<![\w'\"-])[\w'\"-]++[ \t]*+\.[ \t]*+){100}")  # a.a.a...

_MAX_FILES = 10_000  # of a folder that are looked at


def user_path(path: str | os.PathLike[str]) -> Path:
    """Return a path that a user gave, a leading ``~`` replaced by the home folder.

    Raises OptionError if it is no path, or the locale cannot encode it, or there is no home folder.
    """
    try:
        if "\0" in (text := os.fspath(path)):
            raise OptionError(f"{text!r} is no path: it holds a null character")
        os.fsencode(text)
        return Path(text).expanduser()
    except UnicodeEncodeError as error:
        raise OptionError(
            f"the locale of this process ({error.encoding}) has no bytes for "
            f"{error.object[error.start : error.end]!a} in the path {error.object!a}: set "
            "LC_ALL=C.UTF-8, or PYTHONUTF8=1, before Python starts"
        ) from None
    except TypeError:
        raise OptionError(f"a path is a text or a Path, not {type(path).__name__}") from None
    except RuntimeError:
        raise OptionError(f"there is no home folder for {os.fspath(path)!r}") from None


def setting_path(setting: str) -> Path:
    """Return the file that an environment variable names, absolute.

    A relative one means the same file from its first use on, also after a chdir. Raises as
    :func:`user_path`.
    """
    path = user_path(setting)
    return path if path.is_absolute() else _absolute(path)


@cache
def _absolute(path: Path) -> Path:
    return path.absolute()


def _require_regular(path: Path, status: os.stat_result) -> None:
    """Raise an error unless a status is that of a file."""
    if stat.S_ISDIR(status.st_mode):
        # As the system does, which does not name a folder that it has opened.
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        kind = "a FIFO" if stat.S_ISFIFO(status.st_mode) else "a device or a socket"
        raise OptionError(f"{str(path)!r} is {kind}, not a file: copy what it gives into a file")


@contextmanager
def open_file(path: Path, *, own: bool = False) -> Iterator[BinaryIO]:
    """Open a file to be read, without ever waiting for it.

    With ``own`` it must be the user's alone, see :func:`unsafe`. Raises OptionError if it is not,
    or is no regular file, and OSError if it cannot be opened.
    """
    _require_regular(path, os.stat(path))  # first, for opening a device may move it
    with open(path, "rb", opener=lambda name, _: os.open(name, _FLAGS)) as stream:
        status = os.fstat(stream.fileno())
        _require_regular(path, status)
        if own and (problem := unsafe(status)) is not None:
            raise OptionError(f"{str(path)!r}: {problem}")
        yield stream


def read_file(path: str | os.PathLike[str], limit: int, *, own: bool = False) -> bytes:
    """Return all bytes of a file that a user named, which may have so many at most.

    Raises as :func:`user_path` and :func:`open_file`, and OptionError if it has more.
    """
    file = user_path(path)
    with naming_similar(), open_file(file, own=own) as stream:
        size = os.fstat(stream.fileno()).st_size
        # Some files are longer than the system says, so it is not taken for the truth.
        data = b"" if size > limit else stream.read(limit + 1)
    if max(size, len(data)) > limit:
        raise OptionError(
            f"{str(file)!r} has more than the {limit:,} bytes that are read here: is it the "
            "right file?"
        )
    return data


def parse_toml(data: bytes) -> dict[str, Any]:
    """Return what a TOML file holds.

    Raises ValueError if it is no TOML or no UTF-8, and RecursionError if it is nested too deep.
    """
    if _DEEP.search(data):  # it would take time with the square of its length
        raise RecursionError
    # Some editors put a mark at the beginning, which is no TOML.
    import tomllib  # a tenth of the time that the help of the command line takes

    return tomllib.loads(data.decode("utf-8-sig"))


def similar_file(path: str | os.PathLike[str]) -> str:
    """Return the question whether a file beside one that is missing was meant; or nothing."""
    with suppress(OSError, ValueError, OptionError):
        file = user_path(path)
        if not file.exists():
            with os.scandir(file.parent) as entries:
                return did_you_mean(file.name, [each.name for each in islice(entries, _MAX_FILES)])
    return ""


@contextmanager
def naming_similar() -> Iterator[None]:
    """Let the error for a file that is missing ask for one beside it."""
    try:
        yield
    except FileNotFoundError as error:
        offer = similar_file(error.filename) if error.filename else ""
        if not offer:
            raise
        raise FileNotFoundError(error.errno, f"{error.strerror}{offer}", error.filename) from None


@contextmanager
def replacing(path: Path, temporary: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of another when, and only when, all went well.

    Until then it has a name of its own, in a folder on the same disk.
    """
    try:
        with open(temporary, "wb", opener=partial(os.open, mode=mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def sync_folder(folder: Path) -> None:
    """Make sure that the names of new files in a folder are on the disk as well."""
    if sys.platform == "win32":  # which has no such thing
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unsafe(status: os.stat_result) -> str | None:
    """Return why a file is not the user's alone, with the cure; None if it is.

    What others may write is no record, and says nothing of what is trusted.
    """
    if sys.platform == "win32":  # which has other rights, that these bits do not show
        return None
    if status.st_uid != os.geteuid():
        return "it belongs to another user: remove it, or name another file"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others may write it: check what it holds, then chmod go-w it"
    return None


def own_folder(find: Callable[..., Path], **options: bool) -> Path:
    """Return a folder of this library, which a function of platformdirs finds.

    Where the user has no home folder, as in some containers, it begins with ``~``: see
    :func:`lacks_home`.
    """
    try:
        return find("xentara_nb", appauthor=False, **options)
    except RuntimeError:
        return Path("~", "xentara_nb")


def lacks_home(path: Path) -> bool:
    """Return whether a path of :func:`own_folder` is in a home folder that there is not."""
    return path.parts[:1] == ("~",)
