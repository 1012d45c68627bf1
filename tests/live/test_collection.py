from __future__ import annotations

from threading import Lock
from uuid import UUID

import numpy as np

from xentara_nb.live.collection import Collection
from xentara_nb.live.routing import Key
from xentara_nb.protocol.identifiers import Attribute, DataType
from xentara_nb.queries.reading import ResolvedAttribute

TANK = ResolvedAttribute("Tank", UUID(int=1), "value", Attribute.VALUE, DataType.FLOAT_64)


def test_no_change_is_given_twice_when_a_clock_that_was_set_back_is_where_it_was() -> None:
    collection = Collection([TANK], [], 100, Lock(), lambda: None)
    (history,) = collection.histories.values()
    given: dict[Key, tuple[int, int]] = {}
    found = []
    for seconds in ([10, 20, 30], [1], [12], [25, 40], [41], [40]):
        times = np.array(seconds) * 1_000_000_000
        history.append(times, times / 1e9)
        found.append([change.value for change in collection.changes_after(given)])
    assert found == [[10, 20, 30], [1], [12], [40], [41], []]
