"""Changes of a few attributes, without a server."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
import pytest

from xentara_nb.live.collection import KEEP, Collection, Keep
from xentara_nb.live.history import array_of
from xentara_nb.locking import Lock
from xentara_nb.protocol.identifiers import Attribute, DataType
from xentara_nb.queries.reading import ResolvedAttribute

SECOND = 1_000_000_000


class Changing(Collection):
    """A tank level with a quality, a switch, and a text; their times are seconds."""

    def __init__(self, keep: Keep = KEEP) -> None:
        types = {
            "Tank": DataType.FLOAT_64,
            "Pump\x1b": DataType.BOOLEAN,
            "<Recipe>": DataType.STRING,
        }
        attributes = [
            ResolvedAttribute(key, UUID(int=number), "value", int(Attribute.VALUE), data_type)
            for number, (key, data_type) in enumerate(types.items())
        ]
        quality = ResolvedAttribute(
            "Tank", UUID(int=0), "quality", int(Attribute.QUALITY), DataType.QUALITY
        )
        super().__init__(attributes, [quality], keep, Lock(), lambda: None)

    def put(self, row: int, *changes: tuple[float, Any]) -> None:
        """Let changes come: times and values, which may be exceptions."""
        self._put(self.histories[UUID(int=row), Attribute.VALUE], changes)

    def put_quality(self, *changes: tuple[float, int]) -> None:
        """Let qualities of the tank come."""
        self._put(self.histories[UUID(int=0), Attribute.QUALITY], changes)

    def _put(self, history: Any, changes: Any) -> None:
        for time, value in changes:
            if isinstance(value, Exception):
                history.append_error(int(time * SECOND), str(value))
            else:
                history.append(np.array([int(time * SECOND)]), array_of([value]))
        self.changed()


@pytest.fixture
def changing() -> Changing:
    return Changing()
