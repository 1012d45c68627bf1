"""The search for elements by their keys."""

from __future__ import annotations

import time
from uuid import UUID

import pytest

from xentara_nb.widgets.common.search import KeyIndex


@pytest.mark.slow
def test_a_hundred_thousand_keys_are_searched_in_an_instant() -> None:
    index = KeyIndex()
    index.fill(
        (f"Device {n // 100:05}.Point {n % 100:02}", UUID(int=n), "data point")
        for n in range(100_000)
    )
    begin = time.thread_time()
    for text in ("d", "device", "point 07", "00777 point 07", "nothing of the kind"):
        index.find(text)
    assert time.thread_time() - begin < 2


def test_keys_are_found_by_their_parts() -> None:
    index = KeyIndex()
    index.fill(
        (f"Device {n // 100:05}.Point {n % 100:02}", UUID(int=n), "data point")
        for n in range(77_000, 79_000)
    )
    assert index.find("00777 point 07")[0][0].primary_key == "Device 00777.Point 07"
    assert index.find("Device 00782.Point 01")[0][0].primary_key == "Device 00782.Point 01"
    assert index.find("nothing of the kind") == ([], 0)
    assert index.find("  ") == ([], 0)
    found, total = index.find("point")
    assert (len(found), total) == (100, 2_000)
