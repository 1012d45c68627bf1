"""The last values of a number as a line in a text."""

from __future__ import annotations

import math
from collections import deque

import pandas as pd

from xentara_nb.tables.rendering import Html, escape

POINTS = 120
"""How many values a trend keeps."""

_WIDTH, _HEIGHT, _EDGE = 120.0, 20.0, 2.0  # pixels


class Trend:
    """Keeps the last values of one attribute, and draws them."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque(maxlen=POINTS)

    def clear(self) -> None:
        """Begin again, for another attribute."""
        self._points.clear()

    def add(self, time: object, value: object) -> None:
        """Take a value and its time; what is no number is left out, and so is what came before."""
        if not isinstance(time, pd.Timestamp) or isinstance(value, bool):
            return
        if not isinstance(value, int | float) or not math.isfinite(value):
            return
        seconds = time.timestamp()
        if not self._points or seconds > self._points[-1][0]:
            self._points.append((seconds, float(value)))

    def html(self) -> Html:
        """Return the line as SVG; an empty text before there are two values."""
        points = list(self._points)  # another thread may add one
        if len(points) < 2:
            return Html("")
        (first, _), (last, _) = points[0], points[-1]
        low, high = min(value for _, value in points), max(value for _, value in points)
        span = high - low or 1.0
        path = ""
        for time, value in points:
            x = _EDGE + (time - first) / (last - first) * (_WIDTH - 2 * _EDGE)
            y = _HEIGHT - _EDGE - (value - low) / span * (_HEIGHT - 2 * _EDGE)
            # A value holds until the next one.
            path += f"H{x:.1f}V{y:.1f}" if path else f"M{x:.1f} {y:.1f}"
        about = escape(f"from {low:.7g} to {high:.7g} in the last {last - first:.0f} s")
        return Html(
            f"<svg class='xnb-trend' role='img' aria-label='Trend: {about}' width='{_WIDTH:.0f}' "
            f"height='{_HEIGHT:.0f}' viewBox='0 0 {_WIDTH:.0f} {_HEIGHT:.0f}'>"
            f"<title>{about}</title><path d='{path}' fill='none' stroke='currentColor' "
            "stroke-width='1.5'/></svg>"
        )
