"""A call of a fleet: what some servers are asked for, and how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd

from xentara_nb.fleet.pool import ProgressLike

Names: TypeAlias = "str | Iterable[str] | None"
"""Some servers of a fleet, or one; None for all."""


@dataclass(frozen=True, slots=True)
class Call:
    """A command with its arguments; of which servers, in what time, by whom; see ``inventory``.

    Where rows of a server are ``enough``, see :func:`.tasks.carry_out`, it is not asked for more.
    What can be gone through only once is taken here: the servers would share it, each getting a
    part of it.
    """

    command: str
    arguments: Mapping[str, Any]
    servers: Names = None
    deadline: float | None = None
    executor: Executor | None = None
    progress: ProgressLike = None
    enough: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        arguments = {name: _held(each) for name, each in self.arguments.items()}
        object.__setattr__(self, "arguments", arguments)
        object.__setattr__(self, "servers", _held(self.servers))


def _held(given: Any) -> Any:
    return list(given) if isinstance(given, Iterator) else given
