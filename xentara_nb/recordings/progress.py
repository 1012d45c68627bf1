"""The line that says how far a recording has come."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, TypeVar

from xentara_nb.protocol.text import quantity
from xentara_nb.queries.progress import shown
from xentara_nb.recordings.recorder import Recorder

_UNITS = ("B", "kB", "MB", "GB", "TB")

_State = TypeVar("_State")


def record(
    recorder: Recorder, for_: float | None, progress: bool | Callable[[Recorder], object] | None
) -> None:
    """Record for some seconds, or until Ctrl-C, and show how far it has come."""
    try:
        with reporting(progress, line) as report:
            recorder.run(for_, report)
    except KeyboardInterrupt:
        # Everything is written, and how else should it end.
        if for_ is not None:
            raise


def reporting(
    progress: bool | Callable[[_State], object] | None, line: Callable[[_State], str]
) -> AbstractContextManager[Callable[[_State], object]]:
    """Give what is to be called now and then, to show in a line how far a recording has come."""

    def draw(bar: Any, state: _State) -> None:
        bar.set_description_str(line(state))

    return shown(progress, draw, desc="Recording", bar_format="{desc}")


def line(recorder: Recorder) -> str:
    """Return what a recorder has done so far, in one line."""
    writer, watch = recorder.writer, recorder.watch
    text = (
        f"{timedelta(seconds=int(recorder.seconds))}: {quantity(writer.rows, 'change')} of "
        f"{quantity(recorder.attributes, 'attribute')}, {size_text(writer.bytes)} in "
        f"{quantity(writer.files, 'file')}"
    )
    if recorder.lost:
        text += f"; {quantity(recorder.lost, 'change')} lost: the disk is too slow"
    if watch.lost is not None and watch.ended is None:
        text += f"; no connection at present: {watch.lost}"
    return text


def size_text(size: float) -> str:
    """Return a number of bytes for people.

    Examples
    --------
    >>> size_text(1_234_567)
    '1.2 MB'
    """
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size /= 1000
        unit += 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{size:.0f} B"
