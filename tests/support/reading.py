"""What a reading makes its table of: the values as they came, before they are put into words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from unittest.mock import patch

from xentara_nb.queries.model_cache import ModelCache
from xentara_nb.queries.reading import read_frame


class Reading(NamedTuple):
    """The columns of what was read, one item for every attribute."""

    primary_keys: Any
    element_uuids: Any
    attribute_names: Any
    attribute_ids: Any
    data_types: Any
    results: Any
    times: Any


def read(ask: Callable[..., Any], cache: ModelCache, elements: Any, attributes: Any) -> Reading:
    """Read attributes of elements; the answers come without one that only says they were sent."""
    with patch("xentara_nb.queries.reading.values_frame", Reading):
        columns: Any = read_frame(ask, cache, elements, attributes)
    return columns
