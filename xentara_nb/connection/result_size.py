"""What the results of a message keep in memory, where no request has bounded it.

A request asks for so many elements and attributes; how long an attribute list is, or a value of a
kind that the protocol does not have, the server alone decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cbor2 import CBORTag

from xentara_nb.errors import ProtocolError
from xentara_nb.protocol.commands.model import AttributeInfo, MetaDataAnswer
from xentara_nb.protocol.cost import memory_of, memory_of_attribute, most_kept


class ResultSize:
    """The memory of the results of one message so far: each attribute counts once."""

    def __init__(self, size: int) -> None:
        self._limit = most_kept(size)
        self._sum = 0
        self._attributes: set[AttributeInfo] = set()

    def add(self, result: Any) -> None:
        """Add a result; raises a ProtocolError if all of them keep too much."""
        if isinstance(result, MetaDataAnswer):
            for each in result.attributes or ():
                if each not in self._attributes:
                    self._attributes.add(each)
                    self._sum += memory_of_attribute(*each)
        elif isinstance(result, dict):
            self._sum += sum(
                memory_of(each) for each in result.values() if isinstance(each, _CONTAINERS)
            )
        if self._sum > self._limit:
            raise ProtocolError(
                f"its results would keep more than {self._limit:,} bytes of memory, which is the "
                "most for a message of this size"
            )


_CONTAINERS = (list, tuple, Mapping, CBORTag)
