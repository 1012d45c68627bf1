"""A live view as a picture and a table, for a notebook that is looked at without a kernel."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from xentara_nb.live.collection import Collection
from xentara_nb.live.history import Array
from xentara_nb.tables.rendering import Html, coloured, escape, plain, table_html
from xentara_nb.widgets.common.table import QUALITY_KINDS
from xentara_nb.widgets.live.feed import POINTS, UNKNOWN, Points, points_of, shown_value

_WIDTH, _PANEL, _ONLY_PANEL, _SWITCH_PANEL = 760, 110, 200, 66  # pixels
_LEFT, _RIGHT, _AXIS = 58, 8, 22
_SHORTEST = 10_000_000_000  # nanoseconds that are charted at least
# They stand out on white and on black: a picture does not know the theme.
COLOURS = (
    *("#3f8fd2", "#e07b1a", "#2fa463", "#d1498b"),
    *("#8f74d8", "#1aa3b0", "#ad8b10", "#7f8c99"),
)
_GREY, _BAD = "#808080", "#d43f3a"


class _Panel(NamedTuple):
    """A part of the chart, with its own numbers upwards."""

    title: str
    low: float
    high: float
    marks: Mapping[float, str]
    top: int
    size: int

    def y(self, numbers: Any) -> Any:
        """Return how far down some numbers are drawn."""
        part = (numbers - self.low) / (self.high - self.low)
        return self.top + self.size - 4 - part * (self.size - 10)


class Row(NamedTuple):
    """An attribute as the view names it."""

    name: str
    unit: str
    kind: str  # ``number``, ``switch`` or ``text``, which is not charted


def panels(rows: Sequence[Row], charted: Sequence[int]) -> list[list[int]]:
    """Return which attributes share a panel: those of one unit; without one, each has its own."""
    found: dict[str | int, list[int]] = {}
    for row in charted:
        found.setdefault(rows[row].unit or row, []).append(row)
    return list(found.values())


def picture_html(
    watch: Collection, rows: Sequence[Row], charted: Sequence[int], span: float, note: str
) -> Html:
    """Return picture and table of what a watch holds now; ``note`` says when that is."""
    points = {row: points_of(watch, row, POINTS) for row in charted}
    drawn = picture(rows, charted, points, span)
    image = ""
    if drawn:
        names = ", ".join(rows[row].name for row in charted)
        data = base64.b64encode(drawn.encode()).decode()
        image = (
            f'<img alt="Chart of {html.escape(names)}" style="max-width:100%" '
            f'src="data:image/svg+xml;base64,{data}">'
        )
    return Html(
        f'<div class="xnb-lv-picture">{image}{_table(watch, rows, charted)}'
        f"<p><small>{escape(note)}</small></p></div>"
    )


def _table(watch: Collection, rows: Sequence[Row], charted: Sequence[int]) -> Html:
    latest = watch.latest().head(len(rows))
    columns = ("value", "quality", "update_time", "error")
    lines = []
    for number, (value, quality, time, error) in enumerate(
        zip(*(latest[name].astype(object).tolist() for name in columns), strict=True)
    ):
        colour = COLOURS[charted.index(number) % len(COLOURS)] if number in charted else ""
        name = f'<span style="color:{colour}">■</span> ' if colour else ""
        lines.append(
            (
                Html(name + escape(rows[number].name)),
                error if isinstance(error, str) else shown_value(value),
                rows[number].unit,
                coloured(quality, QUALITY_KINDS.get(quality, ""))
                if isinstance(quality, str)
                else "",
                "" if time is pd.NaT else f"{time:%Y-%m-%d %H:%M:%S} UTC",
            )
        )
    return table_html(("Attribute", "Value", "Unit", "Quality", "Changed"), lines)


def picture(
    rows: Sequence[Row], charted: Sequence[int], points: Mapping[int, Points], span: float
) -> str:
    """Return the chart as SVG, its times in UTC; an empty text if there is nothing to draw."""
    filled = [points[row] for row in charted if np.isfinite(points[row].numbers).any()]
    if not filled:
        return ""
    first, to = (
        min(int(each.times[0]) for each in filled),
        max(int(each.times[-1]) for each in filled),
    )
    start = min(max(to - int(span * 1e9), first) if span else first, to - _SHORTEST)
    groups = panels(rows, charted)
    size = _PANEL if len(groups) > 1 else _ONLY_PANEL
    switches = [rows[group[0]].kind == "switch" for group in groups]
    sizes = [_SWITCH_PANEL if each else size for each in switches]
    height = sum(sizes) + _AXIS
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="11" fill="{_GREY}">'
    ]
    top = 0
    for group, is_switch, size in zip(groups, switches, sizes, strict=True):
        colours = {row: COLOURS[charted.index(row) % len(COLOURS)] for row in group}
        shown = {row: _between(points[row], start, to) for row in group}
        title = rows[group[0]].unit or rows[group[0]].name
        low, high = (-0.15, 1.9) if is_switch else _limits(list(shown.values()))
        marks = {0.0: "False", 1.0: "True"} if is_switch else _marks(low, high, size / 40)
        panel = _Panel(title, low, high, marks, top, size)
        parts += _panel(panel, shown, colours, start, to)
        top += size
    parts += _times(start, to, height)
    return "".join([*parts, "</svg>"])


def _between(points: Points, start: int, to: int) -> Points:
    """Return the points of a range; the first is what holds at its beginning."""
    first = max(0, int(np.searchsorted(points.times, start, side="right")) - 1)
    part = points.part(first)
    return part._replace(times=np.clip(part.times, start, to))


def _limits(shown: Sequence[Points]) -> tuple[float, float]:
    """Return the range of numbers that a panel shows."""
    numbers = np.concatenate([each.numbers for each in shown])
    numbers = numbers[np.isfinite(numbers)]
    low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 1.0)
    space = (high - low) * 0.08 if high > low else max(abs(low) * 0.05, 0.5)
    return low - space, high + space


def _panel(
    panel: _Panel, shown: Mapping[int, Points], colours: Mapping[int, str], start: int, to: int
) -> list[str]:
    parts = []
    for value, text in panel.marks.items():
        y = panel.y(value)
        parts.append(
            f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{_GREY}" stroke-opacity=".25"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
        )
    for row, points in shown.items():
        x = _LEFT + (points.times - start) / (to - start) * (_WIDTH - _LEFT - _RIGHT)
        heights = panel.y(points.numbers)
        is_bad = (points.qualities > 0) & (points.qualities != UNKNOWN)
        bad = np.where(is_bad, heights, np.nan)
        parts.append(
            f'<path d="{_steps(x, bad)}" fill="none" stroke="{_BAD}" stroke-width="7" '
            f'stroke-opacity=".45"/><path d="{_steps(x, heights)}" fill="none" '
            f'stroke="{colours[row]}" stroke-width="1.6" stroke-linejoin="round"/>'
        )
    parts.append(
        f'<path d="M{_LEFT} {panel.top + panel.size}H{_WIDTH - _RIGHT}" stroke="{_GREY}" '
        f'stroke-opacity=".5"/><text x="{_LEFT + 6}" y="{panel.top + 15}">'
        f"{html.escape(plain(panel.title))}</text>"
    )
    return parts


def _steps(x: Array, y: Array) -> str:
    """Return the path of a line that holds each value until the next, with gaps."""
    x, y = _thinned(x, y)
    path: list[str] = []
    drawing = False
    for place, (across, down) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        if drawing:
            path.append(f"H{across:.1f}")
        drawing = bool(np.isfinite(down))
        if drawing:
            began = bool(path) and path[-1][0] == "H" and np.isfinite(y[place - 1])
            path.append(f"V{down:.1f}" if began else f"M{across:.1f} {down:.1f}")
    if drawing:
        path.append(f"H{_WIDTH - _RIGHT}")
    return "".join(path)


def _thinned(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the points that show: of those on one pixel, the first, extremes and last."""
    if len(x) < 4 * _WIDTH:
        return x, y
    starts = np.flatnonzero(np.diff(x.astype(np.int64), prepend=-1))
    chosen = set(starts.tolist()) | set((starts[1:] - 1).tolist()) | {len(x) - 1}
    for begin, end in zip(starts, [*starts[1:], len(x)], strict=True):
        part = y[begin:end]
        gaps = np.flatnonzero(np.isnan(part))
        chosen |= {begin + int(gap) for gap in gaps[:1]}
        if len(gaps) < len(part):
            chosen |= {begin + int(np.nanargmin(part)), begin + int(np.nanargmax(part))}
    places = np.array(sorted(chosen))
    return x[places], y[places]


def _times(start: int, to: int, height: int) -> list[str]:
    parts = []
    form = "%H:%M:%S" if to - start < 86_400 * 10**9 else "%m-%d %H:%M"
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        time = pd.Timestamp(start + int((to - start) * part), unit="ns")
        anchor = {0.0: "start", 1.0: "end"}.get(part, "middle")
        x = _LEFT + part * (_WIDTH - _LEFT - _RIGHT)
        parts.append(
            f'<text x="{x:.0f}" y="{height - 6}" text-anchor="{anchor}">{time:{form}}</text>'
        )
    return [*parts, f'<text x="4" y="{height - 6}">UTC</text>']


def _marks(low: float, high: float, count: float) -> dict[float, str]:
    """Return round numbers between two, 1, 2 or 5 times a power of ten apart, and their texts.

    Examples
    --------
    >>> _marks(0.2, 9.8, 5)
    {2.0: '2', 4.0: '4', 6.0: '6', 8.0: '8'}
    """
    rough = (high - low) / count
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(each for each in (1, 2, 5, 10) if each * power >= rough * 0.999)
    first, last = int(np.ceil(low / step)), int(np.floor(high / step))
    values = [float(each * step) for each in range(first, last + 1)]
    return {value: f"{value:.6g}" for value in values}
