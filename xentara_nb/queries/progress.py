"""How far long work has come: a bar, or a function that is called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias, TypeVar

Progress: TypeAlias = "bool | Callable[[int, int], object] | None"
"""How to show progress: None for a bar on long work, True or False, or ``f(done, total)``."""

_Asked = TypeVar("_Asked")
_Answers = TypeVar("_Answers", bound=Sequence[Any])

_BAR_DELAY = 1.0  # seconds; work that is done by then shows no bar


def no_progress(done: int, total: int) -> None:
    """Show nothing."""


@contextmanager
def reporting(
    progress: Progress, total: int, unit: str, what: str
) -> Iterator[Callable[[int, int], object]]:
    """Give a function to call with how much is done, and how much there is in all."""
    if progress is False or (progress is None and sys.stderr is None):
        yield no_progress
    elif callable(progress):
        yield progress
    else:
        from tqdm.auto import tqdm

        bar: Any = None

        def show(done: int, total: int) -> None:
            # Nothing ends because no one can see it: the terminal may be gone.
            with suppress(OSError):
                if bar is not None:
                    bar.update(done - bar.n)

        with suppress(OSError):
            delay = 0.0 if progress else _BAR_DELAY
            bar = tqdm(total=total, unit=unit, desc=what, delay=delay)
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
