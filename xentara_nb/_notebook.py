"""What a notebook shows of the library as the last line of a cell, and of its errors.

For a client or a watch it is the explorer or the live view. An error ends where the cell has
called the library, for what to do is said in its text; ``%xmode Plain`` shows all of it. So does
``%xmode Verbose``, which also writes into the notebook what variables hold, a password among them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import dropwhile
from types import FrameType, TracebackType
from typing import Any

from xentara_nb.errors import ProtocolError, XentaraError

_PACKAGE = os.path.dirname(__file__) + os.sep
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_INSTALLED = ("site-packages", "dist-packages")


def register_display() -> None:
    """Have a notebook's kernel show clients and watches as widgets.

    By the names of their classes: neither these nor the widgets are loaded before they are used.
    """
    if "ipykernel" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    formatter = getattr(get_ipython(), "display_formatter", None)
    if formatter is None:
        return
    # IPython asks each exception for it.
    setattr(XentaraError, "_render_traceback_", traceback_lines)  # noqa: B010 - no attribute of its own
    formatter.ipython_display_formatter.for_type_by_name(
        "xentara_nb.client.client", "Client", show_client
    )
    formatter.ipython_display_formatter.for_type_by_name(
        "xentara_nb.live.watch", "Watch", show_watch
    )


def show_client(client: Any) -> None:
    """Show what a client says of itself, and what offers the explorer."""
    from xentara_nb.widgets import ClientCard

    ClientCard(client)._ipython_display_()


def show_watch(watch: Any) -> None:
    """Show the live view of a watch; without the extra for it, which extra that is."""
    from xentara_nb.errors import MissingExtraError
    from xentara_nb.widgets import LiveView

    try:
        view = LiveView(watch)
    except MissingExtraError as error:
        print(f"{watch!r}\n{error}")
    else:
        view._ipython_display_()


def traceback_lines(error: XentaraError) -> list[str]:
    """Return what IPython shows of an error, up to where the user's code has called the library.

    The same of the errors that led to it. All of it where the user has asked for another form than
    the usual one (``%xmode``), and of errors that only who knows the protocol can look into.
    """
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    chain = _chain(error) if shell.InteractiveTB.mode == "Context" else []
    cut = [
        (each, each.__traceback__)
        for each in chain
        if isinstance(each, XentaraError) and not isinstance(each, ProtocolError)
    ]
    try:
        for each, traceback in cut:
            each.__traceback__ = _of_user(traceback)
        lines: list[str] = shell.InteractiveTB.structured_traceback(
            type(error), error, error.__traceback__
        )
    finally:
        for each, traceback in cut:
            each.__traceback__ = traceback  # for %debug, and another look
    return lines


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and those that led to it."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and not any(following is each for each in chain):
        chain.append(following)
        following = following.__cause__ or following.__context__
    return chain


def _of_user(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames of the library behind the user's last one."""
    behind_user = dropwhile(lambda each: not _is_users(each.tb_frame), _from_the_end(traceback))
    shortened = None
    for each in behind_user:
        shortened = TracebackType(shortened, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return shortened or traceback


def _from_the_end(traceback: TracebackType | None) -> Iterator[TracebackType]:
    entries = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    return reversed(entries)


def _is_users(frame: FrameType) -> bool:
    """Whether a frame is neither this library's nor that of Python's own, which is in between."""
    file = frame.f_code.co_filename
    own = file.startswith(_LIBRARY) and not any(each in file for each in _INSTALLED)
    return not own and not file.startswith((_PACKAGE, "<frozen"))
