"""What notebooks and error reporters show of an error: all variables, and what hangs on them."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType


def shown_with(error: BaseException) -> str:
    """Return all that can be shown with an error, also with those that it hides."""
    return "\n".join(_lines(error, set()))


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    yield from traceback.format_exception_only(error)
    yield from map(repr, (error, error.args, vars(error)))
    if error.__traceback__ is not None:
        yield from _frames(error.__traceback__)
    for other in (error.__cause__, error.__context__):
        if other is not None and id(other) not in seen:
            yield from _lines(other, seen)


def _frames(trace: TracebackType) -> Iterator[str]:
    for frame, _ in traceback.walk_tb(trace):
        # Those of a test hold what it gives, as a caller's do.
        if not frame.f_code.co_filename.startswith(str(Path(__file__).parents[1])):
            where = f"{Path(frame.f_code.co_filename).name} {frame.f_code.co_qualname}"
            for name, value in frame.f_locals.items():
                for text in _shown(value):
                    yield f"{where}: {name} = {text}"


def _shown(value: object) -> Iterator[str]:
    yield from (repr(value), str(value))
    yield from map(repr, getattr(value, "__dict__", {}).values())
    if dataclasses.is_dataclass(value):
        yield from (repr(getattr(value, field.name)) for field in dataclasses.fields(value))
