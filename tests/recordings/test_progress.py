"""The line that says how far a recording has come."""

from __future__ import annotations

import pytest

from xentara_nb.recordings.progress import size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (123_456_789, "123.5 MB"),
        (5e18, "5000000.0 TB"),
    ],
)
def test_sizes(size: float, text: str) -> None:
    assert size_text(size) == text
