"""Short commands for a cell, after ``%load_ext xentara_nb``.

``%xentara``
    Show who is connected where: a line for each client of the notebook.

``%xentara read KEY [KEY ...] [-a NAME]``
    Read values; ``table = %xentara read KEY`` keeps the DataFrame.

``%xentara write KEY VALUE [-a NAME]``
    Plan a write, show the plan, and ask. Only ``y`` or ``yes`` sends it, once; without an answer,
    as where a notebook is run by a program, nothing is sent.

A key with blanks stands in quotes. A text that begins with ``-`` stands behind ``--``:
``%xentara write KEY -- -1e3``. ``-a`` is short for ``--attributes``. The client is the one that
the notebook has; where it has several, ``--client NAME`` says which::

    client = xentara_nb.connect("plant-server:8080")
    %load_ext xentara_nb
    %xentara read "Plant.Line 1.Set point"
    %xentara write "Plant.Line 1.Set point" 195
"""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

from xentara_nb.client import Client
from xentara_nb.errors import OptionError, WriteRefusedError, XentaraError
from xentara_nb.protocol.errors import UnknownElementError
from xentara_nb.protocol.text import safe_lines
from xentara_nb.suggestions import QUOTES, question

if TYPE_CHECKING:
    import pandas as pd

    from xentara_nb.writes.report import WriteReport

_NO_CLIENT = (
    "this notebook has no client: connect first, with "
    'client = xentara_nb.connect("plant-server:8080")'
)


class _Once(argparse.Action):
    """An option that a line has once: of two, one would be passed over."""

    def __call__(self, parser: Any, namespace: Any, values: Any, *_: Any) -> None:
        """Take the value of the option."""
        if getattr(namespace, self.dest) != self.default:
            parser.error(f"{self.option_strings[-1]} is there twice")
        setattr(namespace, self.dest, values)


class _Parser(argparse.ArgumentParser):
    """Parses a line; what is wrong with it is an error in the cell, and not the end."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.color = False  # Python 3.14 would paint what goes into the error

    def error(self, message: str) -> NoReturn:
        hint = f"; {QUOTES}" if message.startswith("unrecognized arguments") else ""
        raise OptionError(f"{message}{hint}. {self.format_usage().strip()}") from None


def register(shell: Any) -> None:
    """Add ``%xentara`` to a shell of IPython, and show who is connected where."""

    def xentara(line: str) -> pd.DataFrame | WriteReport | None:
        return run(line, shell)

    xentara.__doc__ = __doc__  # what %xentara? shows
    shell.register_magic_function(xentara, "line", "xentara")
    print(status(clients_in(shell.user_ns)))


def unregister(shell: Any) -> None:
    """Take ``%xentara`` out of a shell again."""
    shell.magics_manager.magics["line"].pop("xentara", None)


def run(line: str, shell: Any) -> pd.DataFrame | WriteReport | None:
    """Do what a line behind ``%xentara`` says; an error shows what it says, and no traceback."""
    try:
        return _run(line, shell)
    except XentaraError as error:
        # IPython asks an exception for that. The cell has failed, also where a program runs it.
        lines = [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())]
        shown = safe_lines("\n".join(lines)).split("\n")
        setattr(error, "_render_traceback_", lambda: shown)  # noqa: B010 - no attribute of its class
        raise


def _run(line: str, shell: Any) -> pd.DataFrame | WriteReport | None:
    args = _parser().parse_args(_words(line))
    clients = clients_in(shell.user_ns)
    if args.command is None:
        print(status(clients))
        return None
    client = _chosen(clients, args)
    if args.command == "read":
        attributes = None if args.attributes is None else [_id(each) for each in args.attributes]
        try:
            return client.read(args.keys, attributes)
        except UnknownElementError as error:
            if len(args.keys) > 1:
                error.add_note(f"({QUOTES})")
            raise
    print(status({name: each for name, each in clients.items() if each is client}))
    return _write(client, args.key, args.value, args.attributes or "value")


def clients_in(namespace: dict[str, Any]) -> dict[str, Client]:
    """Return the clients that have a name in a notebook, by each of their names."""
    return {
        name: thing
        for name, thing in namespace.items()
        if isinstance(thing, Client) and not name.startswith("_")
    }


def status(clients: dict[str, Client]) -> str:
    """Return a line for each client: who is connected where. Nothing is asked of a server."""
    lines = []
    for client in dict.fromkeys(clients.values()):
        names = ", ".join(name for name, each in clients.items() if each is client)
        access = ", read only" if client.read_only else ""
        ended = f", not connected: {client.ended}" if client.ended else ""
        lines.append(f"{names}: {client.user} on {client.address.netloc}{access}{ended}")
    return safe_lines("\n".join(lines)) if lines else _NO_CLIENT


def _parser() -> _Parser:
    parser = _Parser(prog="%xentara", add_help=False, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", metavar="{read,write}")
    read = commands.add_parser("read", add_help=False, allow_abbrev=False)
    read.add_argument("keys", metavar="KEY", nargs="+")
    read.add_argument("-a", "--attributes", "--attribute", metavar="NAME", action="append")
    write = commands.add_parser("write", add_help=False, allow_abbrev=False)
    write.add_argument("key", metavar="KEY")
    write.add_argument("value", metavar="VALUE")
    write.add_argument("-a", "--attributes", "--attribute", metavar="NAME", action=_Once)
    for each in (read, write):
        each.add_argument("--client", metavar="NAME", action=_Once)
    return parser


def _words(line: str) -> list[str]:
    words = shlex.shlex(line, posix=True, punctuation_chars=False)
    words.whitespace_split = True
    words.commenters = words.escape = ""  # a backslash in a value is a backslash
    try:
        return list(words)
    except ValueError as error:
        raise OptionError(f"{error}: write a key with blanks in two quotes") from None


def _chosen(clients: dict[str, Client], args: argparse.Namespace) -> Client:
    if not clients:
        raise OptionError(_NO_CLIENT)
    if args.client is not None:
        if args.client not in clients:
            offer = question(args.client, clients)
            raise OptionError(
                f"this notebook has no client called {args.client!r}. {offer}".strip()
            )
        return clients[args.client]
    client, *others = dict.fromkeys(clients.values())
    if others:
        raise OptionError(
            f"this notebook has {1 + len(others)} clients: say which one, as in "
            f"%xentara {args.command} --client {list(clients)[-1]} ...\n{status(clients)}"
        )
    return client


def _id(attribute: str) -> int | str:
    return int(attribute) if attribute.isdecimal() else attribute


def _write(client: Client, key: str, value: str, attribute: str) -> WriteReport | None:
    from IPython.display import display

    plan = client.plan_writes({(key, _id(attribute)): value})
    display(plan)  # type: ignore[no-untyped-call]  # IPython's
    if not plan.ok:
        raise WriteRefusedError("nothing was sent: a guard refuses it")
    try:
        answer = input(f"Send it, as {client.user} to {client.address.netloc}? [y/N] ")
    except (EOFError, NotImplementedError):  # no one is there to ask; IPython has a kind of its own
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        print("nothing was sent")
        return None
    return plan.apply()
