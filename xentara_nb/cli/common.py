"""What the commands share: how to connect, how to show a table, how errors end a command."""

from __future__ import annotations

import argparse
import os
import re
import stat
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from xentara_nb.errors import OptionError, XentaraError
from xentara_nb.paths import user_path
from xentara_nb.protocol.secret import Secret
from xentara_nb.protocol.text import safe_lines

if TYPE_CHECKING:
    import pandas as pd

    from xentara_nb.client import Client
    from xentara_nb.writes.policy import WritePolicyLike


AddParser: TypeAlias = Callable[..., argparse.ArgumentParser]
"""Adds the parser of a command, by name: that of argparse's ``add_subparsers``."""

_HOST = re.compile(r"[^/?#@:]*(:[0-9]*)?[/?#]|\[[^\]]*\](:[0-9]*)?[/?#]")  # and what ends it


class UsageError(XentaraError):
    """The command line cannot be used."""


def add_part_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which part of a plant is meant."""
    parser.add_argument("--root", metavar="ELEMENT", help="only what is below this element")
    parser.add_argument(
        "--categories",
        metavar="NAME",
        action="append",
        help='only elements of this category, such as "data point"; may be repeated',
    )


def add_depth_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option for how far down a part goes."""
    parser.add_argument("--depth", metavar="N", type=int, help="only so many levels down")


def depth_in(args: argparse.Namespace) -> int | None:
    """Return how far down is meant by that option."""
    depth: int | None = args.depth
    if depth is not None and depth < 1:
        raise UsageError("--depth must be at least 1")
    return depth


def add_elements_argument(parser: argparse.ArgumentParser) -> None:
    """Add the elements that a command is about."""
    parser.add_argument(
        "elements", metavar="ELEMENT", nargs="+", help="a primary key or the UUID of an element"
    )


def add_attributes_argument(parser: argparse.ArgumentParser, which: str, default: str) -> None:
    """Add the option for attributes; ``which`` are meant, and those that are without it."""
    text = f"{which}, by name, number or UUID; may be repeated (default: {default})"
    parser.add_argument("-a", "--attributes", metavar="NAME", action="append", help=text)


def attributes_in(args: argparse.Namespace) -> list[int | str] | None:
    """Return the attributes that were chosen with that option."""
    return None if args.attributes is None else [attribute(name) for name in args.attributes]


def add_tolerance_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option that says from when on two numbers are not the same."""
    parser.add_argument(
        "--tolerance",
        metavar="NUMBER",
        type=float,
        default=0.0,
        help="how far two numbers may be apart and still be the same value (default: 0)",
    )


@contextmanager
def usable(path: str) -> Iterator[None]:
    """Let errors of what is read say that the command line cannot be used, which has a status."""
    try:
        yield
    except XentaraError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(
            f"{error.filename or path} cannot be read: {error.strerror or error}"
        ) from None


def add_connection_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which server, who logs in, and what is trusted."""
    parser.add_argument(
        "url", metavar="URL", type=_url, help="host, host:port or wss://host:port/api/ws"
    )
    group = parser.add_argument_group(
        "connection",
        "Who logs in is taken from these options or the environment (XENTARA_USER, "
        "XENTARA_PASSWORD, XENTARA_TOKEN), or asked for. A password is never an argument.",
    )
    group.add_argument("--user", metavar="NAME", help="the user who logs in")
    group.add_argument(
        "--password-file", metavar="FILE", help="a file with the password in its first line"
    )
    group.add_argument(
        "--token-file", metavar="FILE", help="a file with an OAuth 2.0 token in its first line"
    )
    group.add_argument(
        "--ca-file", metavar="FILE", help="a PEM file with the certificates to trust"
    )
    group.add_argument(
        "--fingerprint",
        metavar="SHA256",
        help="the SHA-256 of the server's certificate, to trust exactly that one",
    )
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=10.0,
        help="how long to wait for the connection and for each answer (default: 10)",
    )


def _url(text: str) -> Secret:
    """Return a URL, wrapped as a secret; refuse one with a password, without showing it."""
    rest = text.partition("://")[2] or text
    before, at, _ = rest.rpartition("@")
    # An "@" behind the host, in the path, is none of a log-in.
    if at and ":" in before and not _HOST.match(before):
        raise UsageError(
            "there is a password in the URL, where every user of this computer can see it (with "
            "ps, and in the shell's history). Leave it out, and use --user with --password-file, "
            "XENTARA_PASSWORD, or the question for it; and change the password."
        )
    return Secret(text)


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


def attribute(name: str) -> int | str:
    """Return the attribute that an argument names, by its number or by its name or UUID."""
    return int(name) if name.isdecimal() else name


def secret_in(path: str | None) -> Secret | None:
    """Return the first line of a file, which must have one; None without a file."""
    if path is None:
        return None
    from xentara_nb.connection.secret_store import from_file

    try:
        _warn_if_others_read(path)
        return from_file(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except OptionError as error:
        raise UsageError(str(error)) from None


_OPTIONS = {
    r'xentara_nb\.connect\("[^"]*", fingerprint="([^"]*)"\)': r"--fingerprint \1",
    r"connect\(journal=\.\.\.\)": "--journal FILE",
    r"journal=False": "--journal off",
    r"ca_file=(\.\.\.)?": "--ca-file FILE",
    r"fingerprint=(\.\.\.)?": "--fingerprint SHA256",
    r"user=": "--user NAME",
    r"password=": "--password-file FILE",
    r"token=": "--token-file FILE",
    r"skip_refused=True": "--skip-refused",
    r"number_as_boolean=True": "--number-as-boolean",
}
"""What errors say for Python, and the option that is meant by it."""


def in_options(error: XentaraError) -> str:
    """Return what an error says, with its advice in the options of the command line."""
    text = "\n".join([str(error), *getattr(error, "__notes__", ())])
    for python, option in _OPTIONS.items():
        text = re.sub(rf"\b{python}", option, text)
    return text


def _warn_if_others_read(path: str) -> None:
    mode = os.stat(user_path(path)).st_mode
    if os.name == "posix" and stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        say(f"warning: other users of this computer can read {path}; end that with: chmod 600")


def say(text: str = "") -> None:
    """Print a line for people; results that others read go to standard output."""
    print(safe_lines(text), file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Print lines of a result."""
    print(safe_lines(text), flush=True)


def table(frame: pd.DataFrame, *, whole: Collection[str] = ()) -> str:
    """Return a frame as lines of text: all rows, and cells cut unless their column is ``whole``."""
    from xentara_nb.tables.rendering import frame_text

    return "(nothing)" if frame.empty else frame_text(frame, whole=whole)
