"""What the commands share that change something: policy, journal, sub-session, the question."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from xentara_nb.cli.common import connect_from, say, secret_in
from xentara_nb.cli.options import UsageError
from xentara_nb.protocol.secret import Secret
from xentara_nb.protocol.text import safe

if TYPE_CHECKING:
    from xentara_nb.client import Client
    from xentara_nb.writes.sub_session import SubSession


def add_guard_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what may be changed, where it is journalled, and who does it."""
    group = parser.add_argument_group("guards")
    group.add_argument(
        "--dry-run", action="store_true", help="check and show everything, and send nothing"
    )
    group.add_argument("-y", "--yes", action="store_true", help="send without being asked")
    group.add_argument(
        "--policy",
        metavar="FILE",
        help="a TOML file that says what may be changed (default: none but that of XENTARA_POLICY, "
        "which always counts)",
    )
    group.add_argument(
        "--journal",
        metavar="FILE",
        help='where every write is noted before it is sent, or "off" (default: XENTARA_JOURNAL, or '
        "the journal of this user)",
    )
    group.add_argument(
        "--session-user",
        metavar="NAME",
        help="log in to a sub-session as this user, whose rights are needed as well (default: no "
        "sub-session)",
    )
    group.add_argument(
        "--session-password-file",
        metavar="FILE",
        help="a file with that user's password in its first line (default: it is asked for)",
    )


def connect_guarded(args: argparse.Namespace) -> Client:
    """Connect to change something, with the policy and the journal of the options."""
    from xentara_nb.writes.journal import Journal

    client = connect_from(args, read_only=False, policy=args.policy)
    if args.journal is not None:
        client.journal = Journal(False if args.journal.lower() == "off" else args.journal)
    return client


def sub_session_from(client: Client, args: argparse.Namespace) -> SubSession | None:
    """Log in to the sub-session that the options name; None where they name none."""
    if args.session_user is None:
        if args.session_password_file is not None:
            raise UsageError("--session-password-file needs --session-user")
        return None
    password = secret_in(args.session_password_file)
    if password is None:
        if not _can_ask():
            raise UsageError("--session-user needs --session-password-file without a terminal")
        import getpass

        password = Secret(getpass.getpass(f"Password of {safe(args.session_user)}: "))
    return client.sub_session(user=args.session_user, password=password)


def confirmed(question: str) -> bool:
    """Ask a question, to which only yes means yes."""
    if not _can_ask():
        raise UsageError("there is no terminal to ask at: look with --dry-run, and send with --yes")
    print(f"{safe(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:  # Ctrl-D, which leaves the line of the question open
        say()
    return answer.strip().lower() in ("y", "yes")


def _can_ask() -> bool:
    # None where they are closed: what is not shown is not confirmed either.
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None
