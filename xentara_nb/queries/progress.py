"""How far long work has come: a bar, or a function that is called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias, TypeVar

Progress: TypeAlias = "bool | Callable[[int, int], object] | None"
"""How to show progress: None for a bar on long work, True or False, or ``f(done, total)``.

With None there is none in the log of a job; see :func:`is_wanted`.
"""

_Asked = TypeVar("_Asked")
_Answers = TypeVar("_Answers", bound=Sequence[Any])

_State = TypeVar("_State")

BAR_DELAY = 1.0
"""Work that is done in so many seconds shows no bar, unless one is asked for."""

_AT_ONCE = 1e-9  # seconds


def no_progress(done: int, total: int) -> None:
    """Show nothing."""


def is_wanted(progress: object) -> bool:
    """Return whether progress is shown; if nothing is said, where a person sees it.

    That is on a terminal and in a notebook: in a file, a bar is a line for each of its steps.
    """
    if progress is not None:
        return progress is not False
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if hasattr(shell, "kernel"):
        return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


@contextmanager
def reporting(
    progress: Progress, total: int, unit: str, what: str
) -> Iterator[Callable[[int, int], object]]:
    """Give a function to call with how much is done, and how much there is in all."""
    if not is_wanted(progress):
        yield no_progress
    elif callable(progress):
        yield progress
    else:
        delay = 0.0 if progress else BAR_DELAY
        options = {"total": total, "unit": unit, "desc": what}
        with drawn(lambda bar, done: bar.update(done - bar.n), delay, **options) as draw:
            yield lambda done, total: draw(done)


@contextmanager
def drawn(
    draw: Callable[[Any, _State], object], delay: float, **options: Any
) -> Iterator[Callable[[_State], None]]:
    """Give a function that draws a state with a bar of tqdm, once some seconds have passed.

    Nothing ends because no one can see it: the terminal may be gone.
    """
    from tqdm.auto import tqdm

    bar: Any = None
    with suppress(OSError):
        # Without a delay it draws itself before it is complete, and could not be closed then.
        bar = tqdm(delay=delay or _AT_ONCE, **options)
        if not delay:
            bar.refresh()

    def show(state: _State) -> None:
        with suppress(OSError):
            if bar is not None:
                draw(bar, state)

    try:
        yield show
    finally:
        with suppress(OSError):
            if bar is not None:
                bar.close()


def reported(
    ask: Callable[[Sequence[_Asked]], Iterator[_Answers]], progress: Progress
) -> Callable[[Sequence[_Asked]], Iterator[_Answers]]:
    """Return a function that asks as ``ask`` does, and shows how many elements are answered."""

    def asking(commands: Sequence[_Asked]) -> Iterator[_Answers]:
        total, done = len(commands), 0
        with reporting(progress, total, "element", "Values") as report:
            for answers in ask(commands):
                done += len(answers)
                report(done, total)
                yield answers

    return asking
