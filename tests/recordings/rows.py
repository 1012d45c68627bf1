"""Rows of a recording, made up; and a disk that is full."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import numpy as np

from xentara_nb.protocol.identifiers import DataType
from xentara_nb.queries.reading import ResolvedAttribute
from xentara_nb.recordings.columns import encode
from xentara_nb.recordings.writer import Rows

SECOND = 10**9
START = 1_790_000_000 // 3600 * 3600 * SECOND  # 2026-09-21 14:00 UTC


def attribute(number: int, data_type: DataType = DataType.FLOAT_64) -> ResolvedAttribute:
    return ResolvedAttribute(
        f"Plant.Point {number}", UUID(int=number + 1), "value", 11, int(data_type)
    )


ONE, TWO = attribute(1), attribute(2)


def rows(place: int, times: Sequence[float], values: Sequence[Any], error: Any = None) -> Rows:
    """Return rows of one attribute, the times in seconds after :data:`START`."""
    count = len(times)
    numbers, missing, texts = encode(np.array([*values, None], dtype=object)[:-1])
    return Rows(
        np.full(count, place),
        np.array([START + round(time * SECOND) for time in times], dtype=np.int64),
        numbers,
        missing,
        texts,
        np.full(count, "good", dtype=object),
        np.full(count, error, dtype=object),
        START,
    )


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let no file become larger than a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
