"""A call of a fleet: what some servers are asked for, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeAlias

from xentara_nb.fleet.pool import ProgressLike

Names: TypeAlias = "str | Iterable[str] | None"
"""Some servers of a fleet, or one; None for all."""


@dataclass(frozen=True, slots=True)
class Call:
    """A command with its arguments; of which servers, in what time, by whom; see ``inventory``."""

    command: str
    arguments: Mapping[str, Any]
    servers: Names = None
    deadline: float | None = None
    executor: Executor | None = None
    progress: ProgressLike = None
