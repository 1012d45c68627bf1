"""What the commands share: how to connect, how to show a table, how errors end a command."""

from __future__ import annotations

import argparse
import os
import signal
import stat
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from shlex import quote
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from xentara_nb.cli.options import ENDINGS, UsageError
from xentara_nb.errors import XentaraError
from xentara_nb.paths import user_path
from xentara_nb.protocol.secret import Secret
from xentara_nb.protocol.text import safe_lines
from xentara_nb.wording import Wording

if TYPE_CHECKING:
    import pandas as pd

    from xentara_nb.client import Client
    from xentara_nb.writes.policy import WritePolicyLike

ENDING = {
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
}
"""The signals that end a command: Ctrl-C, a request to end, and that its terminal was closed."""

WHOLE = ("server", "primary_key", "attribute_name", "reason", "error")
"""The columns of a table whose cells are never cut: what names a row, and what is wrong with it."""


@contextmanager
def usable(path: str) -> Iterator[None]:
    """Let errors of what is read say that the command line cannot be used, which has a status."""
    try:
        yield
    except XentaraError as error:
        raise UsageError(in_options(error)) from None
    except OSError as error:
        raise UsageError(
            f"{error.filename or path} cannot be read: {error.strerror or error}"
        ) from None


def check_output(path: str | None, *, folder_too: bool = False) -> None:
    """Refuse before the work what cannot be written after it: a file for a table, or a folder."""
    if path is None:
        output()
        return
    place = user_path(path)
    is_file = path.lower().endswith(ENDINGS)
    if not is_file and not folder_too:
        raise UsageError(f"{path} cannot be written: name one of {', '.join(ENDINGS)}")
    if not place.parent.is_dir():
        raise UsageError(f"{path} cannot be written: there is no folder {place.parent}")
    if not os.access(place.parent, os.W_OK):
        raise UsageError(
            f"{path} cannot be written: there is no right to make files in {place.parent}"
        )
    if place.is_dir() if is_file else place.is_file():
        kind, wanted = ("folder", "file") if is_file else ("file", "folder")
        raise UsageError(f"{path} cannot be written: it is a {kind}, name a {wanted}")


def connect_from(
    args: argparse.Namespace, *, read_only: bool, policy: WritePolicyLike = None
) -> Client:
    """Connect as the options of :func:`add_connection_arguments` say."""
    from xentara_nb.client import connect

    return connect(
        args.url,
        user=args.user,
        password=secret_in(args.password_file),
        token=secret_in(args.token_file),
        ca_file=args.ca_file,
        fingerprint=args.fingerprint,
        timeout=args.timeout,
        read_only=read_only,
        policy=policy,
    )


def secret_in(path: str | None) -> Secret | None:
    """Return the first line of a file, which must have one; None without a file."""
    if path is None:
        return None
    from xentara_nb.connection.secret_store import from_file

    with usable(path):
        _warn_if_others_read(path)
        return from_file(path)


# What is said for Python, and what is meant by it on the command line.
_OPTIONS = Wording(
    {
        r'xentara_nb\.connect\("[^"]*", fingerprint="(?P<sha>[^"]*)"\)': r"--fingerprint \g<sha>",
        r"take the old one out of your trusted certificates with "
        r'xentara_nb\.widgets\.LoginForm\.forget_certificate\("[^"]*"\)': (
            "trust the new one with --fingerprint SHA256"
        ),
        r"connect\(journal=\.\.\.\)": "--journal FILE",
        r"connect\(url\)": "URL",
        r"journal=False": "--journal off",
        r"ca_file=(?:\.\.\.)?": "--ca-file FILE",
        r"fingerprint=(?:\.\.\.)?": "--fingerprint SHA256",
        r"user=": "--user NAME",
        r"password=": "--password-file FILE",
        r"token=": "--token-file FILE",
        r"timeout=": "--timeout TIME",
        r"apply\(skip_refused=True\)": "--skip-refused",
        r"number_as_boolean=True": "--number-as-boolean",
        r"model=": "--model FILE",
        r"config=": "--config DIR",
        r"jwks=": "--jwks FILE",
        r"own_certificate=True": "--own-certificate",
        r"inventory\.xentara\.writable\(\)": "xentara-nb inventory (column access)",
        r"(?:inventory\.)?xentara\.to_(?:file|csv)\(path\)": "-o FILE",
        r"client\.inventory\(\)(?: or xentara_nb\.read_inventory\(path\))?": "xentara-nb inventory",
        r"client\.meta_data\(element\)": "xentara-nb read URL ELEMENT",
        r"client\.get_stage\(\)": "xentara-nb stage URL",
        r"error\.result\.resolve\(\), error being this exception": "xentara-nb stage URL",
        r"plan\.report\.resolve\(\) reads": "xentara-nb read shows",
        r"plan\.report": "the table",
        # What is for Python alone.
        r" with client\.(?:plan_writes|sub_session)\(\.\.\.\)": "",
        r", or insist on this one with apply\(if_unchanged=False\)": "",
        r", or use fleet\.plan_writes\(rows\)": "",
        r"; elements are given as keys=": "",
    }
)


def in_options(said: object, name: str = "") -> str:
    """Return a text, or what an error says, with its advice in the words of the command line.

    The name of what it is about, where it stands there without quotes, stays as it is.
    """
    notes = [_OPTIONS.reword(note) for note in getattr(said, "__notes__", ())]
    return "\n".join([_OPTIONS.reword(said, name), *notes])


def _warn_if_others_read(path: str) -> None:
    mode = os.stat(user_path(path)).st_mode
    if os.name == "posix" and stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        say(
            f"warning: other users of this computer can read {path}; end that with: "
            f"chmod 600 {quote(path)}"
        )


def say(text: str = "") -> None:
    """Print a line for people; results that others read go to standard output."""
    if sys.stderr is not None:  # closed, it would be printed among the results
        print(safe_lines(text), file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Print lines of a result."""
    print(safe_lines(text), file=output(), flush=True)


@contextmanager
def signals_handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Let the signals that end a command call a function, where they are not ignored."""
    before = {
        number: signal.signal(number, handler)
        for number in ENDING
        if signal.getsignal(number) is not signal.SIG_IGN  # as nohup has it
    }
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextmanager
def uninterrupted() -> Iterator[list[int]]:
    """Let no signal end the command in the block; give those that have come."""
    came: list[int] = []
    with signals_handled(lambda number, _: came.append(number)):
        yield came


@contextmanager
def loading() -> Iterator[None]:
    """Let Ctrl-C wait until modules are imported, which may take half a second.

    Some of numpy and pandas pass over all that is raised meanwhile, and pydantic makes another
    error of it.
    """
    with uninterrupted() as came:
        yield
    if came:
        raise KeyboardInterrupt


@contextmanager
def outcome_is_known(outcome: str) -> Iterator[None]:
    """Say what became of what was sent, if the output cannot be written: else it is sent again."""
    try:
        yield
    except OSError:
        say(outcome)
        raise


def flush() -> None:
    """Write out what is still kept back, so that the command can say it if that fails."""
    if sys.stdout is not None:
        sys.stdout.flush()


def output() -> TextIO:
    """Return where results go to, which must not be lost."""
    if sys.stdout is None:
        raise UsageError("the output is closed, so no result could be seen: do without >&-")
    return sys.stdout


def table(frame: pd.DataFrame, *, whole: Collection[str] = WHOLE) -> str:
    """Return a frame as lines of text: all rows, and cells cut unless their column is ``whole``."""
    from xentara_nb.tables.rendering import frame_text

    if frame.empty:
        return "(nothing)"
    return frame_text(frame, whole=whole, left=("reason", "error"))
