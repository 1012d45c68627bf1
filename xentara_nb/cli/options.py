"""Options that several commands have: each is declared once, and says what holds without it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeAlias

from xentara_nb.errors import XentaraError
from xentara_nb.protocol.secret import Secret

AddParser: TypeAlias = Callable[..., argparse.ArgumentParser]
"""Adds the parser of a command, by name: that of argparse's ``add_subparsers``."""

ENDINGS = (".csv", ".json", ".parquet", ".xlsx")
"""The kinds of files that tables are written to and rows read from."""

_HOST = re.compile(r"[^/?#@:]*(:[0-9]*)?[/?#]|\[[^\]]*\](:[0-9]*)?[/?#]")  # and what ends it
_DURATION = re.compile(r"(\d+(?:\.\d+)?) *(ms|s|min|h|d|)")
_SECONDS = {"": 1, "ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}


class UsageError(XentaraError):
    """The command line cannot be used."""


class _Options(Protocol):
    """A parser, or a group of its options."""

    def add_argument(self, *flags: str, **options: Any) -> argparse.Action: ...


def add_part_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which part of a plant is meant."""
    parser.add_argument(
        "--root",
        metavar="ELEMENT",
        help="only what is below this element (default: the whole model)",
    )
    parser.add_argument(
        "--categories",
        metavar="NAME",
        action="append",
        help='only elements of this category, such as "data point"; may be repeated (default: all)',
    )


def add_depth_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option for how far down a part goes."""
    parser.add_argument(
        "--depth", metavar="N", type=int, help="only so many levels down (default: all)"
    )


def depth_in(args: argparse.Namespace) -> int | None:
    """Return how far down is meant by that option."""
    depth: int | None = args.depth
    if depth is not None and depth < 1:
        raise UsageError("--depth must be at least 1")
    return depth


def add_element_argument(parser: argparse.ArgumentParser, *, several: bool) -> None:
    """Add the element, or the elements, that a command is about."""
    parser.add_argument(
        "elements" if several else "element",
        metavar="ELEMENT",
        nargs="+" if several else None,
        help="a primary key or the UUID of an element",
    )


def add_attributes_argument(
    parser: argparse.ArgumentParser, which: str, default: str, *, several: bool = True
) -> None:
    """Add the option for attributes; ``which`` are meant, and those that are without it."""
    repeated = "; may be repeated" if several else ""
    text = f"{which}, by name, number or UUID{repeated} (default: {default})"
    parser.add_argument("-a", "--attributes", metavar="NAME", action="append", help=text)
    # The name of the parameter of write in Python.
    parser.add_argument("--attribute", dest="attributes", action="append", help=argparse.SUPPRESS)


def attributes_in(args: argparse.Namespace) -> list[int | str] | None:
    """Return the attributes that were chosen with that option."""
    return None if args.attributes is None else [attribute(name) for name in args.attributes]


def attribute(name: str) -> int | str:
    """Return the attribute that an argument names, by its number or by its name or UUID."""
    return int(name) if name.isdecimal() else name


def add_tolerance_argument(parser: _Options, which: str) -> None:
    """Add the option that says how far ``which`` numbers may be apart and still be the same."""
    parser.add_argument(
        "--tolerance",
        metavar="NUMBER",
        type=float,
        default=0.0,
        help=f"how far {which} may be apart and still be the same value (default: 0)",
    )


def add_output_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option for the file that a table is written to."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=f"where to write it: {', '.join(ENDINGS)}; what is there is replaced (default: CSV to "
        "the output)",
    )


def add_rows_argument(
    parser: argparse.ArgumentParser, which: str, more: str = "", *, required: bool = False
) -> None:
    """Add the option for a file whose rows name elements; ``more`` says what else it may be."""
    parser.add_argument(
        "--rows",
        metavar="FILE",
        required=required,
        help=f"{which}: an inventory, or any file with a column primary_key "
        f"({', '.join(ENDINGS)}){more}",
    )


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option for JSON instead of a table."""
    parser.add_argument(
        "--json",
        action="store_true",
        help="give each row as a line of JSON, with all columns, instead of a table",
    )


def add_seconds_argument(
    parser: _Options,
    option: str,
    text: str,
    *,
    default: float | None = None,
    without: str = "",
) -> None:
    """Add an option for a length of time: its default in seconds, or what holds ``without`` it."""
    parser.add_argument(
        option,
        metavar="TIME",
        dest="for_" if option == "--for" else None,
        type=partial(seconds, option),
        default=default,
        help=f"{text}, in seconds or as 5min, 8h or 2d (default: {without or f'{default:g}'})",
    )


def seconds(option: str, text: str) -> float:
    """Return a length of time in seconds, from a number of them or one with a unit.

    Examples
    --------
    >>> seconds("--for", "90"), seconds("--for", "1.5 h")
    (90.0, 5400.0)
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{option}: {text!r} is no time: write seconds, or a number with ms, s, min, h or d"
        )
    return float(match[1]) * _SECONDS[match[2]]


def add_rate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for how fast changes come, and for how long."""
    add_seconds_argument(
        parser,
        "--every",
        "changes of an attribute come no faster than this",
        without="each change that the server reports",
    )
    add_seconds_argument(
        parser,
        "--at-least",
        "a value comes again after this time though it has not changed",
        without="only changes",
    )
    add_seconds_argument(parser, "--for", "end after this time", without="go on until Ctrl-C")


def add_connection_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which server, who logs in, and what is trusted."""
    parser.add_argument(
        "url", metavar="URL", type=_url, help="host, host:port or wss://host:port/api/ws"
    )
    group = parser.add_argument_group(
        "connection", "A password is never an argument, for others can see those."
    )
    group.add_argument(
        "--user", metavar="NAME", help="the user who logs in (default: XENTARA_USER, or asked for)"
    )
    group.add_argument(
        "--password-file",
        metavar="FILE",
        help="a file with the password in its first line (default: XENTARA_PASSWORD, or asked for)",
    )
    group.add_argument(
        "--token-file",
        metavar="FILE",
        help="a file with an OAuth 2.0 token in its first line, instead of user and password "
        "(default: XENTARA_TOKEN)",
    )
    group.add_argument(
        "--ca-file",
        metavar="FILE",
        help="a PEM file with the certificates to trust (default: XENTARA_CA_FILE, or those that "
        "the system trusts)",
    )
    group.add_argument(
        "--fingerprint",
        metavar="SHA256",
        help="the SHA-256 of the server's certificate, to trust exactly that one (default: "
        "XENTARA_FINGERPRINT)",
    )
    add_seconds_argument(
        group, "--timeout", "how long to wait for the connection and each answer", default=10.0
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
