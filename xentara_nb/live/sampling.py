"""Readings in a fixed rhythm."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd

from xentara_nb.connection.deadline import check_seconds
from xentara_nb.connection.reconnecting import ReconnectingConnection
from xentara_nb.errors import (
    ConnectionLostError,
    DeadlineError,
    OptionError,
    ServerUnreachableError,
)
from xentara_nb.live.frames import column_names, wide_frame, with_gaps
from xentara_nb.live.history import History, array_of
from xentara_nb.protocol.codec.columns import ColumnReads
from xentara_nb.protocol.codec.reads import ReadRequests
from xentara_nb.protocol.commands import Read
from xentara_nb.protocol.errors import ServerError
from xentara_nb.protocol.values import AttributeId
from xentara_nb.queries.progress import Progress, reporting
from xentara_nb.queries.reading import ResolvedAttribute
from xentara_nb.tables.frames import error_text

MAX_VALUES = 100_000_000
"""How many values may be sampled in one call."""

_NO_ANSWER = ServerError("the server did not answer for this attribute")


def sample(
    connection: ReconnectingConnection,
    attributes: Sequence[ResolvedAttribute],
    every: float,
    for_: float,
    progress: Progress,
) -> pd.DataFrame:
    """Read attributes again and again; raises as :meth:`Client.sample`."""
    check_seconds("every", every)
    check_seconds("for_", for_)
    beats = max(1, math.ceil(for_ / every - 1e-9))
    if beats * len(attributes) > MAX_VALUES:
        raise OptionError(
            f"{beats:,} readings of {len(attributes):,} attributes are too many to keep: sample "
            "less often or shorter, or record them to a folder"
        )
    requests, places = _requests(attributes)
    rows: list[list[Any] | None] = []
    times: list[int] = []
    with reporting(progress, beats, "reading", "Sample") as report:
        begin, begin_ns = time.monotonic(), time.time_ns()
        for beat in range(beats):
            # By the clock and not by the beat before, so that the rhythm does not drift.
            row = _read_at(begin + beat * every, every, connection, requests, places)
            rows.append(row)
            times.append(_time(row, begin_ns + round(beat * every * 1e9), times))
            report(beat + 1, beats)
    return _frame(attributes, times, rows)


def _read_at(
    due: float,
    every: float,
    connection: ReconnectingConnection,
    requests: Sequence[Read],
    places: list[list[int]],
) -> list[Any] | None:
    """Read when it is due; return None if it is too late for that."""
    left = due - time.monotonic()
    if left > 0:
        time.sleep(left)
    return _read(connection, requests, places) if left > -every else None


def _time(row: list[Any] | None, due: int, times: list[int]) -> int:
    """Return the time of a reading, which is later than that of the one before."""
    now = due if row is None else time.time_ns()
    return max(now, times[-1] + 1) if times else now


def _requests(attributes: Sequence[ResolvedAttribute]) -> tuple[Sequence[Read], list[list[int]]]:
    """Return one request for each element, and where its values belong."""
    places: dict[UUID, list[int]] = {}
    for place, attribute in enumerate(attributes):
        places.setdefault(attribute.element_uuid, []).append(place)
    ids: list[tuple[AttributeId, ...]] = [
        tuple(attributes[place].attribute_id for place in each) for each in places.values()
    ]
    of_each = list(places.values())
    if len(set(ids)) == 1 and len(ids[0]) == 1:
        return ColumnReads(list(places), ids[0][0]), of_each
    return ReadRequests(list(places), ids), of_each


def _read(
    connection: ReconnectingConnection, requests: Sequence[Read], places: list[list[int]]
) -> list[Any] | None:
    """Return one reading; None if the connection did not survive it."""
    row: list[Any] = [_NO_ANSWER] * sum(map(len, places))
    try:
        for each, answer in zip(places, connection.ask(requests), strict=True):
            if isinstance(answer, ServerError):
                for place in each:
                    row[place] = answer
            elif len(answer) == len(each):
                for place, value in zip(each, answer.values(), strict=True):
                    row[place] = value
    except (ConnectionLostError, DeadlineError, ServerUnreachableError):
        if connection.closed:
            raise
        return None
    return row


def _frame(
    attributes: Sequence[ResolvedAttribute], times: list[int], rows: list[list[Any] | None]
) -> pd.DataFrame:
    names = column_names(attributes)
    there = [at for at, row in enumerate(rows) if row is not None]
    stamps = np.array(times, dtype=np.int64)
    columns, errors = [], []
    for place, (name, attribute) in enumerate(zip(names, attributes, strict=True)):
        results = [rows[at][place] for at in there]  # type: ignore[index]  # these are not None
        failed = [result for result in results if isinstance(result, ServerError)]
        if failed:
            errors.append(f"{name}: {error_text(failed[-1])}")
        history = History(attribute.data_type)
        if failed:
            for at, value in zip(there, results, strict=True):
                history.append_value(times[at], value)
        elif there:
            history.append(stamps[there], array_of(results))
        columns.append(with_gaps(history.changes(), stamps))
    frame = wide_frame(names, attributes, columns)
    frame.attrs |= {"missed": len(rows) - len(there), "errors": errors}
    return frame
