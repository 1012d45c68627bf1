"""What the commands share: how to connect, how to show a table, how errors end a command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from xentara_nb.errors import XentaraError

if TYPE_CHECKING:
    import pandas as pd

    from xentara_nb.client import Client
    from xentara_nb.writes.policy import WritePolicyLike


AddParser: TypeAlias = Callable[..., argparse.ArgumentParser]
"""Adds the parser of a command, by name: that of argparse's ``add_subparsers``."""

_WIDTH = 60  # characters


class UsageError(XentaraError):
    """The command line cannot be used."""


def add_connection_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which server, who logs in, and what is trusted."""
    parser.add_argument("url", metavar="URL", help="host, host:port or wss://host:port/api/ws")
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


def secret_in(path: str | None) -> str | None:
    """Return the first line of a file, which must have one; None without a file."""
    if path is None:
        return None
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text file"
        raise UsageError(f"{path} cannot be read: {reason}") from None
    if not lines or not lines[0]:
        raise UsageError(f"{path} is empty: its first line must be the secret")
    return lines[0]


def say(text: str = "") -> None:
    """Print a line for people; results that others read go to standard output."""
    print(text, file=sys.stderr, flush=True)


def table(frame: pd.DataFrame, *, whole: Collection[str] = ()) -> str:
    """Return a frame as lines of text: all rows, and cells cut unless their column is ``whole``."""
    if frame.empty:
        return "(nothing)"
    cut = [name for name in frame.columns if name not in whole]
    frame = frame.assign(**{name: frame[name].map(_cut) for name in cut})
    return frame.to_string(index=False, max_colwidth=None, na_rep="")


def _cut(cell: object) -> object:
    text = str(cell)
    return cell if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
