"""How far long work has come: a bar, or a function that is called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias, TypeVar

Progress: TypeAlias = "bool | Callable[[int, int], object] | None"
"""How to show progress: None for a bar on long work, True or False, or ``f(done, total)``.

With None there is none where no person sees it, as in the log of a job.
"""

_Asked = TypeVar("_Asked")
_Answers = TypeVar("_Answers", bound=Sequence[Any])

BAR_DELAY = 1.0
"""Work that is done in so many seconds shows no bar, unless one is asked for."""

_AT_ONCE = 1e-9  # seconds


@contextmanager
def reporting(
    progress: Progress, total: int, unit: str, what: str
) -> Iterator[Callable[[int, int], object]]:
    """Give a function to call with how much is done, and how much there is in all."""
    options = {"total": total, "unit": unit, "desc": what}
    delay = 0.0 if progress else BAR_DELAY
    with shown(progress, lambda bar, done, _: bar.update(done - bar.n), delay, **options) as show:
        yield show


@contextmanager
def shown(
    progress: bool | Callable[..., object] | None,
    draw: Callable[..., object],
    delay: float = 0.0,
    **options: Any,
) -> Iterator[Callable[..., object]]:
    """Give what is to be called with each state: the function of a user, or one that draws it.

    That gets a bar of tqdm and the state, once some seconds have passed. Nothing ends because no
    one can see it: the terminal may be gone.
    """
    if progress is False or (progress is None and not _is_seen()):
        yield lambda *state: None
        return
    if callable(progress):
        yield progress
        return
    from tqdm.auto import tqdm

    bar: Any = None
    with suppress(OSError):
        # Without a delay it draws itself before it is complete, and could not be closed then.
        bar = tqdm(delay=delay or _AT_ONCE, **options)
        if not delay:
            bar.refresh()

    def show(*state: Any) -> None:
        with suppress(OSError):
            if bar is not None:
                draw(bar, *state)

    try:
        yield show
    finally:
        with suppress(OSError):
            if bar is not None:
                bar.close()


def _is_seen() -> bool:
    """Return whether a person sees a bar: in a file, it would be a line for each of its steps."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if hasattr(shell, "kernel"):
        return True  # a notebook
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def reported(
    ask: Callable[[Sequence[_Asked]], Iterator[_Answers]], progress: Progress
) -> Callable[[Sequence[_Asked]], Iterator[_Answers]]:
    """Return a function that asks as ``ask`` does, and shows how many elements are answered."""

    def asking(commands: Sequence[_Asked]) -> Iterator[_Answers]:
        total, done = len(commands), 0
        with reporting(progress, total, "element", "Values") as report:
            for answers in ask(commands):
                done += len(answers)
                tell(report, len(answers), done, total)
                yield answers

    def tell(report: Callable[[int, int], object], more: int, done: int, total: int) -> None:
        if more:  # there are none when the only message is sent
            report(done, total)

    return asking
