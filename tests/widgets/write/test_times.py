"""Times as a person types them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pandas as pd
import pytest

from xentara_nb.protocol.values import TimePoint
from xentara_nb.widgets.write.times import local_text, read_time, zone_text

BERLIN = "Europe/Berlin"


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put this computer into another time zone."""
    if not hasattr(time, "tzset"):
        pytest.skip("this system has no other time zone for a single process")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", BERLIN)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("zone", [BERLIN, ""])
@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize(
    ("text", "in_utc"),
    [
        ("2026-11-26 10:00", "2026-11-26T09:00:00Z"),
        (" 2026-07-01T10:00:05.25 ", "2026-07-01T08:00:05.25Z"),
        ("2026-11-26 10:00:00.123456789", "2026-11-26T09:00:00.123456789Z"),
        # As they are: they have a zone, or are no times at all.
        ("2026-11-26 10:00:00+05:30", "2026-11-26T04:30:00Z"),
        ("never", "never"),
        ("2026-11-26", None),
        ("2026-11-26 25:00", None),
        ("soon", None),
        # Twice and never, on the days on which the clocks change.
        ("2026-10-25 02:30", None),
        ("2026-03-29 02:30", None),
    ],
)
def test_a_time_without_a_zone_is_one_of_the_user(text: str, in_utc: str | None, zone: str) -> None:
    read = read_time(text, zone).text
    if in_utc is None:
        assert read == text
        with pytest.raises(ValueError, match="is not a time stamp"):
            TimePoint.parse(read)
    else:
        assert TimePoint.parse(read).isoformat() == in_utc


@pytest.mark.usefixtures("in_berlin")
def test_what_a_time_means_is_said_beside_it() -> None:
    assert read_time("2026-11-26 10:00", BERLIN).note == "2026-11-26 09:00:00 UTC"
    assert "+02:00 or +01:00" in read_time("2026-10-25 02:30", BERLIN).note
    assert "leave out" in read_time("2026-03-29 02:30", BERLIN).note
    assert read_time("soon", BERLIN).note == ""
    assert zone_text(BERLIN) == BERLIN
    assert zone_text("").startswith("CE")
    moment = pd.Timestamp("2026-11-26T09:00:00Z")
    assert local_text(moment, "") == local_text(moment, BERLIN) == "2026-11-26 10:00:00 +01:00"
    assert local_text(pd.Timestamp.max.tz_localize("UTC"), BERLIN) == ""
