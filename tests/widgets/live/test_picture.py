"""The picture and the table in a saved notebook."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.widgets.live.conftest import SECOND, Changing
from xentara_nb.widgets.live.feed import UNKNOWN, Points
from xentara_nb.widgets.live.picture import Row, panels, picture, picture_html

ROWS = [
    Row("Tank", "m³ <s>", "number"),
    Row("Pump", "", "switch"),
    Row("<Recipe>", "", "text"),
    Row("Other tank", "m³ <s>", "number"),
]
SVG = "{http://www.w3.org/2000/svg}"


def points(*entries: tuple[float, float], quality: int = UNKNOWN) -> Points:
    times = np.array([time * SECOND for time, _ in entries], dtype=np.int64)
    numbers = np.array([number for _, number in entries])
    return Points(times, numbers, np.full(len(entries), quality, dtype=np.uint8))


def paths(svg: str, colour: str) -> list[str]:
    found = ElementTree.fromstring(svg).findall(f"{SVG}path[@stroke='{colour}']")
    return [each.attrib["d"] for each in found if each.attrib["d"]]


def test_attributes_of_one_unit_share_a_panel() -> None:
    assert panels(ROWS, [0, 1, 3]) == [[0, 3], [1]]


def test_picture_and_table(changing: Changing) -> None:
    changing.put(0, (1, 10.0), (2, 11.5))
    changing.put_quality((1, 3))
    changing.put(1, (1.5, True))
    changing.put(2, (1, "<script>alert(1)</script>"))
    html = picture_html(changing, ROWS[:3], [0, 1], 60.0, "As of <now>")
    assert "<script>" not in html
    assert "<now>" not in html
    assert "&lt;script&gt;" in html
    assert "11.5" in html
    assert re.search(r"color:[^>]*>bad</b>", html)
    assert "1970-01-01 00:00:02 UTC" in html
    assert 'alt="Chart of Tank, Pump"' in html
    (data,) = re.findall('base64,([^"]+)', html)
    root = ElementTree.fromstring(base64.b64decode(data))
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert "m³ <s>" in texts
    assert "Pump" in texts
    assert "UTC" in texts


def test_without_numbers_there_is_only_the_table(changing: Changing) -> None:
    html = picture_html(changing, ROWS[:3], [0, 1], 60.0, "")
    assert "<img" not in html
    assert "&lt;Recipe&gt;" in html


def test_a_value_holds_until_the_next_and_gaps_are_gaps() -> None:
    entries = [(0, 1.0), (10, 2.0), (20, np.nan), (30, 3.0), (40, 3.0)]
    (line,) = paths(picture(ROWS, [0], {0: points(*entries)}, 0), "#3f8fd2")
    assert re.fullmatch(
        r"M[\d.]+ [\d.]+H[\d.]+V[\d.]+H[\d.]+M[\d.]+ [\d.]+H[\d.]+V[\d.]+H752", line
    )


def test_bad_quality_is_marked() -> None:
    entries = [(0, 1.0), (10, 2.0)]
    assert not paths(picture(ROWS, [0], {0: points(*entries, quality=0)}, 0), "#d43f3a")
    assert paths(picture(ROWS, [0], {0: points(*entries, quality=3)}, 0), "#d43f3a")


def test_only_the_range_is_drawn() -> None:
    entries = [(time, float(time)) for time in range(1000)]
    svg = picture(ROWS, [0], {0: points(*entries)}, 60.0)
    (line,) = paths(svg, "#3f8fd2")
    assert line.count("V") == 60
    assert "00:15:39" in svg
    assert "00:16:39" in svg


def test_a_hundred_thousand_points_are_thinned_to_what_shows() -> None:
    numbers = np.sin(np.arange(100_000.0))
    numbers[50_000], numbers[60_000] = 7.0, np.nan
    many = Points(np.arange(100_000) * SECOND, numbers, np.full(100_000, UNKNOWN, dtype=np.uint8))
    svg = picture(ROWS, [0], {0: many}, 0)
    assert len(svg) < 100_000
    (line,) = paths(svg, "#3f8fd2")
    assert line.count("M") == 2
    heights = [float(each) for each in re.findall(r"V([\d.]+)", line)]
    assert sum(each < 50 for each in heights) == 1


@pytest.mark.parametrize("number", [0.0, 5.0, -1e300, 1e-300])
def test_a_line_that_does_not_move(number: float) -> None:
    (line,) = paths(picture(ROWS, [0], {0: points((0, number), (5, number))}, 60.0), "#3f8fd2")
    assert line.endswith("H752")
